"""Word problems, tracking and counting: the reasoning is right and nothing held out leaks."""

import random
import re

import pytest

from course_utils.corpus import arithmetic, nested
from course_utils.corpus.families import counting, problems, tracking
from course_utils.corpus.split import held_out

EQUATION = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)")
COMPUTE = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b}

EFFECT = {
    "add": lambda v, k: v + k,
    "sub": lambda v, k: v - k,
    "double": lambda v: v * 2,
    "half": lambda v: v / 2,
    "triple": lambda v: v * 3,
    "each": lambda v, k, m: v - k * m,
}


def true(equation):
    a, sign, b, c = equation
    return COMPUTE[sign](int(a), int(b)) == int(c)


def corpus(module, count, seed=0):
    rng = random.Random(seed)
    return [module.document(rng) for _ in range(count)]


def questions(text):
    return re.findall(r"(?:Question|Problem|Q): (.*)", text)


def test_equations_of_worked_problems_are_true():
    blocks = [block for text in corpus(problems, 2500) for block in text.split("\n\n")]
    blocks = [block for block in blocks if "The answer is" in block and " = " in block]
    assert len(blocks) > 500
    for block in blocks:
        found = EQUATION.findall(block)
        assert all(map(true, found)), block
        assert block.rstrip(".").endswith(f"The answer is {found[-1][3]}"), block
        assert len(EQUATION.findall(block)) == block.count(" = "), block


def test_steps_follow_from_the_story():
    rng = random.Random(1)
    for _ in range(500):
        problem = problems.draw_problem(rng, rng.randint(1, 8))
        question, things = problems.story(rng, problem)
        assert str(problem[0]) in question and things in question
        value = problem[0]
        for op, numbers in problem[1]:
            assert all(re.search(rf"\b{n}\b", question) for n in numbers), question
            value = EFFECT[op](value, *numbers)
            assert 1 <= value <= 300 and value == int(value)
        assert value == problem[2] == int(problems.steps(rng, problem, things)[-1].rstrip(".").split()[-1])


def test_bare_arithmetic_is_true():
    for text in corpus(arithmetic, 800):
        assert all(map(true, EQUATION.findall(text))), text
        for a, b in re.findall(r"(\d+) is half of (\d+)", text):
            assert int(a) * 2 == int(b)


@pytest.mark.parametrize("module", [problems, tracking, counting])
def test_documents_are_reproducible_and_tidy(module):
    texts = corpus(module, 1500)
    assert texts == corpus(module, 1500)
    for text in texts:
        assert text == text.strip() and not re.search(r"[{}]|  |\.\.|None", text), text
        assert len(text) < 2500
        for question in questions(text):
            assert not re.search(r"[.?!] [a-z]", question), question


@pytest.mark.parametrize("module", [problems, nested, tracking, counting])
def test_no_document_uses_a_held_out_key(module, monkeypatch):
    """Every content that a story is told about while documents are written is a corpus content."""
    teller = {problems: "story", nested: "story", tracking: "tell", counting: "question"}[module]
    told, original = [], getattr(module, teller)

    def spy(rng, content, *rest):
        told.append(content)
        return original(rng, content, *rest)

    monkeypatch.setattr(module, teller, spy)
    corpus(module, 2000)
    assert len(told) > 500
    assert not any(held_out(*module.key(content)) for content in told)


def items(rng):
    for reasoning in (True, False):
        for unseen in (True, False):
            for steps in range(1, 9):
                yield problems.item(rng, steps, reasoning, unseen)
                yield tracking.item(rng, min(steps, 6), reasoning=reasoning, unseen=unseen)
                yield problems.juggler(rng, reasoning, 1 + steps % 3, unseen)
                yield counting.item(rng, reasoning=reasoning, unseen=unseen)


def test_items_differ_from_documents():
    seen = {q for m in (problems, tracking, counting) for text in corpus(m, 4000) for q in questions(text)}
    for item in items(random.Random(2)):
        question = questions(item.prompt)[-1]
        assert question not in seen
        assert not re.search(r"[{}]|  |None", item.prompt) and item.prompt == item.prompt.rstrip()
        ending = "Answer: Let's think step by step." if item.grade == "final" else "Answer:"
        assert item.prompt.endswith(ending)


def test_items_take_kinds_shots_triggers_and_cues():
    rng = random.Random(3)
    for kind in tracking.KINDS:
        for unseen in (False, True):
            tracking.item(rng, 5, kind, unseen=unseen)
    for kind in counting.MAKERS:
        counting.item(rng, kind)
    for trigger in (*problems.TRIGGERS, *problems.UNSEEN_TRIGGERS):
        assert problems.item(rng, trigger=trigger, shots=2).prompt.count(trigger) == 3
    few = problems.item(rng, 2, reasoning=False, shots=3, cue="The answer is")
    assert few.prompt.count("Answer: The answer is") == 4
    assert problems.item(rng, 2, reasoning=False, shots=3).prompt.count("\n\n") == 3


def test_unseen_triggers_and_the_classic_question_are_not_in_the_corpus():
    texts = "\n\n".join(corpus(problems, 20_000, seed=4) + corpus(tracking, 2000) + corpus(counting, 2000))
    assert not any(trigger in texts for trigger in problems.UNSEEN_TRIGGERS)
    assert all(trigger in texts for trigger in problems.TRIGGERS)
    assert problems.JUGGLER_QUESTION not in texts
    for question in questions(texts):
        assert not ("16 balls" in question and "golf balls" in question and "blue" in question), question


def test_tracking_steps_are_right():
    rng = random.Random(5)
    for _ in range(300):
        puzzle = tracking.draw(rng, "coin")
        state = puzzle[1]
        for (name, flips), said in zip(puzzle[2], tracking.steps(puzzle)[1:], strict=True):
            state = {"heads": "tails", "tails": "heads"}[state] if flips else state
            assert said == f"{name} {'flips' if flips else 'does not'}: {state}."
        assert tracking.states(puzzle)[-1] == state
    turns = "turn", "north", (("right",), ("around",), ("left",), ("left",)), ("Anna",)
    assert tracking.states(turns) == ["east", "west", "south", "east"]
    swaps = "swap", ("ball", "key", "hat"), (("A", "B"), ("C", "A")), ("A", "B", "C")
    assert tracking.states(swaps) == [("key", "ball", "hat"), ("hat", "ball", "key")]
    door = "door", "open", (("A", "shut"), ("B", "keep"), ("C", "change"), ("D", "change")), ()
    assert tracking.states(door) == ["shut", "shut", "open", "shut"]


def test_counting_answers_are_right():
    rng = random.Random(6)
    for _ in range(300):
        _, _, _, words, _, answer = counting.draw(rng, "count")
        assert len(words["x"].split(",")) == int(answer)
        _, _, _, words, _, answer = counting.draw(rng, "repeat")
        assert words["x"].split(", ").count(words["w"]) == int(answer)
        _, (_, *row), _, words, _, answer = counting.draw(rng, "biggest")
        assert int(answer) == (min(row) if words["s"] in ("smallest", "lowest") else max(row))
        _, row, _, _, _, answer = counting.draw(rng, "sort")
        assert answer == ", ".join(map(str, sorted(row)))
        _, row, _, _, steps, answer = counting.draw(rng, "next")
        assert all(map(true, EQUATION.findall(steps[-1]))) and int(answer) >= 0
        _, (sign, i, k), _, _, _, answer = counting.draw(rng, "day")
        assert answer == counting.DAYS[(i + k) % 7]


def test_every_operation_has_enough_wordings():
    from course_utils.corpus.frames.problem_frames import SETTINGS, UNSEEN_FRAMES

    for op in problems.OPERATIONS:
        seen = {frame for setting, _ in SETTINGS for frame in setting[op]}
        assert len(seen) >= 25, (op, len(seen))
        assert len(UNSEEN_FRAMES[op]) >= 4 and not seen & set(UNSEEN_FRAMES[op])
