"""What a run says: the replies before and after, how many are right, the loss, and what to type next."""

from course_utils import evaluation
from course_utils.finetune import own_data

SHOWN = 10
WIDTH = 200  # characters of a reply


def overlap(reply, wanted):
    """Token F1 of two texts, 0 to 1: their common words, case and punctuation aside.

    Source: Rajpurkar et al. 2016 (SQuAD), section 6.1, without the removal of articles.
    """
    said, expected = _words(reply), _words(wanted)
    common = sum(min(said.count(word), expected.count(word)) for word in set(said))
    return 2 * common / (len(said) + len(expected)) if common else 0.0


def _words(text):
    letters = "".join(char if char.isalnum() else " " for char in text.lower())
    return letters.split()


def replies(records, before, after, shown=SHOWN, width=WIDTH):
    """Lines: each question with the answer wanted (where it has one), and the replies before and after."""

    def cut(text):
        text = " ".join(text.split())
        return text if len(text) <= width else text[: width - 1] + "…"

    lines = []
    for record, old, new in list(zip(records, before, after, strict=True))[:shown]:
        wanted = own_data.answer(record)
        lines += [cut(_last_question(record)), *([f"  wanted: {cut(wanted)}"] if wanted else [])]
        lines += [f"  before: {cut(old)}", f"  after:  {cut(new)}"]
    return [*lines, f"… and {len(records) - shown} more"] if len(records) > shown else lines


def scores(records, before, after):
    """Lines on how many replies are the answers word for word, and how much they share with them.

    An empty list for questions without answers.
    """
    answers = [own_data.answer(record) for record in records]
    if not all(answers):
        return []
    lines = []
    for name, replies in (("before", before), ("after", after)):
        right = sum(evaluation.exact_match(replies, answers))
        low, high = evaluation.interval(right, len(records))
        share = sum(map(overlap, replies, answers)) / len(records)
        lines.append(
            f"{name}: {right} of {len(records)} word for word right (95 % interval {low:.2f} to {high:.2f}); "
            f"words in common (F1) {share:.2f}"
        )
    return [*lines, "Replies that are right in other words are not counted: read them."]


def curve(history):
    """Lines on the validation loss over training, the kept weights marked. An empty list without one."""
    if not history.evaluations:
        return []
    best = min(-value for _, value in history.evaluations)
    lines = [" step  loss in training  loss on the held-back records"]
    last = 0
    for step, value in history.evaluations:
        part = history.losses[last:step]
        mark = "  ← kept" if -value == best else ""
        lines.append(f"{step:5}  {sum(part) / len(part):16.3f}  {-value:29.3f}{mark}")
        last = step
    if -history.evaluations[0][1] == best and len(history.evaluations) > 1:
        lines.append(
            "The held-back loss did not fall after the first evaluation. If your records are facts that say "
            "nothing about each other, hold none back, so that all are learned by heart: --hold-back 0"
        )
    return lines


def shared_questions(learned, asked):
    """A line if questions that are asked are learned, too, as they stand; else an empty list."""
    known = {own_data.asked(record) for record in learned}
    count = sum(own_data.asked(record) in known for record in asked)
    if not count:
        return []
    return [
        f"Careful: {count} of the {len(asked)} questions that are asked stand in what is learned, word for "
        "word: being right there shows that the model remembers them, not that it understands them."
    ]


def _last_question(record):
    return own_data.question(record)[-1]["content"]
