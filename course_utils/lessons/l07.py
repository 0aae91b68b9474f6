"""Lesson 07: a drawn gap, what an interval says, dominated techniques, four questions, when training pays."""

import math

from course_utils.lessons.exercise import Exercise, Prediction, cases

p1 = Prediction(
    "07.p1",
    "Which family gets the most replies of the toy desk exactly right?",
    ["prompting", "soft prompts", "PEFT", "fine-tuning", "specialists"],
)
p2 = Prediction(
    "07.p2",
    "One run of each of two techniques: how far apart are the smallest and the largest difference reported? "
    "(A share, 0 to 1.)",
)
p3 = Prediction(
    "07.p3",
    "Things that no training note names: what gets more of their lines right?",
    ["shots in the prompt", "an adapter"],
)


def drawn_gap(x, y, drawn):
    return sum(x[i] - y[i] for i in drawn) / len(drawn)


q1 = Exercise(
    "07.1",
    """
    Write `drawn_gap(x, y, drawn)`: x and y are the hits (0 or 1) of two techniques on the same messages,
    `drawn` the numbers of the messages that a bootstrap drew (some may come twice). Return the share of x
    minus the share of y over the drawn messages.
    """,
    drawn_gap,
    cases(
        (([1, 1, 0], [0, 1, 0], [0, 1, 2]), 1 / 3, "each message drawn once: 2/3 - 1/3"),
        (([1, 1, 0], [0, 1, 0], [0, 0, 2]), 2 / 3, "message 0 was drawn twice, so it counts twice"),
        (([1, 0], [0, 1], [1, 1]), -1.0, "only message 1 was drawn: x misses it, y does not"),
        (([1, 0, 0, 0], [0, 0, 0, 0], [0, 1]), 0.5, "divide by the number of drawn messages"),
    ),
    wrong=[
        (lambda x, y, drawn: (sum(x) - sum(y)) / len(x), "counts twice"),
        (lambda x, y, drawn: sum(x[i] - y[i] for i in set(drawn)) / len(set(drawn)), "counts twice"),
        (lambda x, y, drawn: abs(drawn_gap(x, y, drawn)), "only message 1"),
        (lambda x, y, drawn: sum(x[i] - y[i] for i in drawn) / len(x), "divide by"),
        (lambda x, y, drawn: sum(y[i] - x[i] for i in drawn) / len(drawn), "2/3 - 1/3"),
        (lambda x, y, drawn: sum(x[i] for i in drawn) / len(drawn), "2/3 - 1/3"),
    ],
    hints=["x[i] - y[i] for each i in drawn.", "Divide by len(drawn)."],
    minutes=4,
    difficulty=1,
)


def says(low, high):
    return "more" if low > 0 else "fewer" if high < 0 else "cannot tell"


q2 = Exercise(
    "07.2",
    """
    Write `says(low, high)`: what the 95 % interval of a difference (a minus b) allows to say about a:
    "more", "fewer" or "cannot tell". An interval that touches 0 allows nothing.
    """,
    says,
    cases(
        ((0.01, 0.2), "more", "the whole interval lies above 0: more"),
        ((-0.2, -0.01), "fewer", "the whole interval lies below 0: fewer"),
        ((-0.01, 0.3), "cannot tell", "0 lies in the interval, so the middle does not matter"),
        ((0.0, 0.3), "cannot tell", "it touches 0: that allows nothing"),
        ((-0.3, 0.0), "cannot tell", "it touches 0 from below: that allows nothing"),
    ),
    wrong=[
        (lambda low, high: "more" if low + high > 0 else "fewer", "middle does not matter"),
        (lambda low, high: "more" if low >= 0 else "fewer" if high < 0 else "cannot tell", "touches 0: that"),
        (lambda low, high: "more" if low > 0 else "fewer" if high <= 0 else "cannot tell", "from below"),
        (lambda low, high: "more" if high > 0 else "fewer", "middle does not matter"),
        (lambda low, high: "fewer" if low > 0 else "more" if high < 0 else "cannot tell", "above 0: more"),
        (lambda low, high: "cannot tell", "above 0: more"),
    ],
    hints=["Ask where the lower end lies, then where the upper end lies."],
    minutes=3,
    difficulty=1,
)


def not_dominated(rows):
    def beaten(name, cost, right):
        return any(c <= cost and r >= right and (c < cost or r > right) for n, c, r in rows if n != name)

    return [name for name, cost, right in rows if not beaten(name, cost, right)]


def _strictly(rows):
    return [n for n, c, r in rows if not any(k < c and s > r for _, k, s in rows)]


def _loosely(rows):
    return [n for n, c, r in rows if not any(m != n and k <= c and s >= r for m, k, s in rows)]


def _most_right(rows):
    most = max(r for _, _, r in rows)
    return [n for n, _, r in rows if r == most]


def _cheapest(rows):
    least = min(c for _, c, _ in rows)
    return [n for n, c, _ in rows if c == least]


q3 = Exercise(
    "07.3",
    """
    Write `not_dominated(rows)`: rows is a list of (name, cost, share right). A row is dominated if another
    one costs no more and is right at least as often, and is better in one of the two. Return the names of
    the others, in their order.
    """,
    not_dominated,
    cases(
        (([("a", 1, 0.2), ("b", 5, 0.6)],), ["a", "b"], "a is cheaper, b is right more often: both stay"),
        (([("a", 1, 0.6), ("b", 5, 0.2)],), ["a"], "b costs more and is right less often"),
        (([("a", 1, 0.6), ("b", 5, 0.6)],), ["a"], "equally right, but dearer: dominated"),
        (([("a", 1, 0.5), ("b", 1, 0.6)],), ["b"], "equally dear, but right less often: dominated"),
        (([("a", 1, 0.5), ("b", 1, 0.5)],), ["a", "b"], "two equal rows: neither is better in anything"),
    ),
    wrong=[
        (_strictly, "equally right"),
        (_loosely, "two equal rows"),
        (_most_right, "both stay"),
        (_cheapest, "both stay"),
        (lambda rows: [name for name, _, _ in rows], "costs more and is right less"),
        (lambda rows: sorted(not_dominated(rows))[:1], "both stay"),
    ],
    hints=[
        "Write a function that says whether one row is beaten by any other.",
        "cost <= and right >=, and one of them strictly.",
    ],
    minutes=8,
    difficulty=2,
)


def family(ability, clean, compute, model_can):
    if ability == "yes":
        return "prompting"
    if clean == "yes":
        return "fine-tuning" if compute == "yes" else "PEFT"
    return {"make good data": "synthetic data", "judge": "AI feedback"}.get(model_can, "RLHF")


def _data_first(ability, clean, compute, model_can):
    if clean == "yes":
        return "fine-tuning" if compute == "yes" else "PEFT"
    return family(ability, clean, compute, model_can)


def _always_full(ability, clean, compute, model_can):
    choice = family(ability, clean, compute, model_can)
    return "fine-tuning" if choice == "PEFT" else choice


def _people_first(ability, clean, compute, model_can):
    choice = family(ability, clean, compute, model_can)
    return "RLHF" if choice in ("AI feedback", "synthetic data") else choice


def _judges_first(ability, clean, compute, model_can):
    choice = family(ability, clean, compute, model_can)
    return "AI feedback" if choice == "synthetic data" else choice


q4 = Exercise(
    "07.4",
    """
    Write `family(ability, clean, compute, model_can)`, the four questions as a function: answers are "yes"
    or "no", and for model_can "make good data", "judge" or "neither". It returns "prompting",
    "fine-tuning", "PEFT", "synthetic data", "AI feedback" or "RLHF". The questions are asked in their
    order: an ability that is there needs no training.
    """,
    family,
    cases(
        (("yes", "no", "no", "neither"), "prompting", "the ability is there: a prompt calls it up"),
        (
            ("yes", "yes", "yes", "judge"),
            "prompting",
            "an ability that is there needs no training, even with data",
        ),
        (("no", "yes", "yes", "neither"), "fine-tuning", "clean data and room for all weights: fine-tuning"),
        (("no", "yes", "no", "neither"), "PEFT", "clean data, but no room for all weights: train a part"),
        (("no", "no", "yes", "make good data"), "synthetic data", "a model makes good data: synthetic data"),
        (("no", "no", "yes", "judge"), "AI feedback", "a model can judge: AI feedback"),
        (("no", "no", "yes", "neither"), "RLHF", "no clean data and no model that can judge: people do"),
    ),
    wrong=[
        (lambda a, c, k, m: "prompting", "room for all weights: fine-tuning"),
        (_data_first, "even with data"),
        (_always_full, "train a part"),
        (_people_first, "makes good data"),
        (_judges_first, "makes good data"),
        (lambda a, c, k, m: "fine-tuning" if a == "no" else "prompting", "train a part"),
    ],
    hints=["Four ifs, in the order of the questions.", "Return as soon as an answer decides."],
    minutes=6,
    difficulty=1,
)


def pays_after(extra_tokens, train_seconds, tokens_per_second):
    if extra_tokens == 0:
        return math.inf
    return math.ceil(train_seconds * tokens_per_second / extra_tokens)


q5 = Exercise(
    "07.5",
    """
    Write `pays_after(extra_tokens, train_seconds, tokens_per_second)`: a prompt adds so many tokens to
    every request; training takes so many seconds and then adds none. After how many requests, at least,
    has the prompt's reading taken as long as the training? Reading goes at so many tokens a second. Without
    extra tokens never: `math.inf`.
    """,
    pays_after,
    cases(
        ((100, 20, 1000), 200, "100 tokens at 1000 a second are 0.1 s; 20 s of training are 200 requests"),
        ((300, 20, 1000), 67, "66.7 requests: only after 67 it has paid"),
        ((100, 0, 1000), 0, "training that takes no time has paid at once"),
        ((0, 20, 1000), math.inf, "no extra tokens: it never pays, and nothing is divided by zero"),
    ),
    wrong=[
        (lambda extra, seconds, speed: seconds * speed / extra if extra else math.inf, "only after 67"),
        (lambda extra, seconds, speed: round(seconds / extra) if extra else math.inf, "200 requests"),
        (lambda extra, seconds, speed: seconds * speed // extra if extra else math.inf, "only after 67"),
        (lambda extra, seconds, speed: math.ceil(seconds * speed / extra), "ZeroDivisionError"),
        (lambda extra, seconds, speed: math.ceil(seconds * speed / max(1, extra)), "never pays"),
        (lambda extra, seconds, speed: max(1, pays_after(extra, seconds, speed)), "at once"),
    ],
    hints=["Seconds that one request's extra tokens take: extra_tokens / tokens_per_second.", "math.ceil"],
    minutes=5,
    difficulty=2,
)
