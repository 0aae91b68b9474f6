"""The book's self-test: every question with its answer folded away, as Markdown with HTML's own `details`."""

import html

from course_utils.tools.quiz import bank

LETTERS = "ABCD"


def question(number, each):
    """One question; what stands in it is text, never Markdown."""
    choices = each.choices()
    (right,) = (letter for letter, (_, is_right) in zip(LETTERS, choices) if is_right)
    options = "".join(f"<li>{html.escape(text)}</li>" for text, _ in choices)
    return (
        f'<p><strong>{number}.</strong> {html.escape(each.question)}</p>\n<ol type="A">{options}</ol>\n'
        f"<details><summary>Answer</summary><p><strong>{right}.</strong> {html.escape(each.explanation)}</p>"
        "</details>"
    )


def markdown(quizzes=None):
    """The page of all lessons that have a quiz."""
    parts = ["# Self-test", "Ten questions a lesson. Choose first, then open the answer."]
    for quiz in bank.read() if quizzes is None else quizzes:
        parts.append(f"## {quiz.lesson} · {quiz.title}")
        parts += [question(number, each) for number, each in enumerate(quiz.questions, 1)]
    return "\n\n".join(parts) + "\n"
