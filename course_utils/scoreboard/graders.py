"""When is a reply right? Graders for records of your own: exact, contains, number, regex, json, or a judge.

    grade = graders.find("json", test, fields=["team", "priority"])
    grade(record, reply) -> bool

Each first looks at the test records, and refuses those that it could never grade, by row, reason and remedy.
Left out: partial credit, and similarity of texts, which calls a wrong number nearly right.
"""

import json
import re
import statistics

from course_utils import evaluation
from course_utils.ai_feedback import llm_judge
from course_utils.storage.records import BadRecords

NAMES = ("exact", "contains", "number", "regex", "json", "judge")
MOST_LABELS = 50  # with more different completions they are texts, not labels
JUDGED = 80  # test records on which a judge is tried before it is believed
LEAST_RIGHT = 0.75  # what the interval of its accuracy there must exceed
QUESTION = "Does the reply say the same as the right answer?"


def find(name, test, fields=(), pattern=None, judge=None):
    """The grader of a name. fields: of "json", or all. pattern: of "regex". judge: (model, tokenizer).

    Raises ValueError for a name that does not exist, BadRecords for test records that it cannot grade.
    """
    if name not in NAMES:
        raise ValueError(f"There is no grader {name!r}: choose one of {', '.join(NAMES)}.")
    if fields and name != "json":
        raise ValueError(f"Fields belong to the grader json, not to {name}: leave them out, or choose json.")
    if pattern and name != "regex":
        raise ValueError(
            f"A pattern belongs to the grader regex, not to {name}: leave it out, or choose regex."
        )
    made = {"exact": exact, "contains": contains, "number": number}
    if name in made:
        return made[name](test)
    if name == "regex":
        return regex(test, pattern)
    if name == "json":
        return json_fields(test, fields)
    if judge is None:
        raise ValueError("A judge needs a model: name one, such as --judge smollm2 or a hub id.")
    return judged(test, *judge)


def refuse(test, reason_of, remedy):
    """Raise BadRecords for the rows of test for which reason_of(record) gives a reason."""
    problems = [
        (record.get("row", number), f"{reason}: {remedy}")
        for number, record in enumerate(test, 1)
        if (reason := reason_of(record))
    ]
    if problems:
        raise BadRecords("the test records", problems)


def exact(test):
    """The reply is the completion, white space at its ends aside."""
    return lambda record, reply: reply.strip() == record["completion"].strip()


def contains(test):
    """The completion stands in the reply, in whole words, and no other label does: case does not matter.

    Where the completions are labels, a reply that names them all is right by none. The longest label counts
    first, so that "not good" is not "good".
    """
    texts = {plain(record["completion"]) for record in test}
    labels = texts if len(texts) <= min(MOST_LABELS, len(test) // 2) else set()

    def grade(record, reply):
        want, rest, named = plain(record["completion"]), plain(reply), set()
        for label in sorted(labels | {want}, key=len, reverse=True):
            without = whole(label).sub(" ", rest)
            if without != rest:
                named.add(label)
                rest = without
        return named == {want}

    return grade


def plain(text):
    """A text in lower case, with single spaces."""
    return " ".join(text.lower().split())


def whole(text):
    """A pattern for a text in whole words."""
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)")


def number(test):
    """The last number in the reply is the last one in the completion ("-$1,200.50" is -1200.5)."""
    refuse(
        test,
        lambda r: "the completion has no number" if evaluation.last_number(r["completion"]) is None else None,
        "write the number in digits, or choose another grader",
    )
    last = evaluation.last_number
    return lambda record, reply: last(reply) == last(record["completion"])


def regex(test, pattern=None):
    """What the pattern's first group (or all of it) finds in the reply is what it finds in the completion.

    Without a pattern, each test record has its own in the column "pattern", which the reply must match.
    """
    if pattern is None:
        refuse(test, _bad_pattern, 'fill in the column "pattern", or give one pattern for all')
        return lambda record, reply: bool(re.search(record["pattern"], reply))
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression ({error}): correct it.") from None

    def piece(text):
        match = compiled.search(text)
        return match and (match[1] if compiled.groups else match[0])

    refuse(
        test,
        lambda r: None if piece(r["completion"]) else "the pattern finds nothing in the completion",
        "correct the pattern or the completion",
    )
    return lambda record, reply: piece(reply) == piece(record["completion"])


def _bad_pattern(record):
    if not str(record.get("pattern") or "").strip():
        return "it has no pattern"
    try:
        re.compile(record["pattern"])
    except re.error as error:
        return f"its pattern is no regular expression ({error})"
    return None


def json_fields(test, fields=()):
    """The reply is a JSON object and agrees with the completion's in these fields, or in all of them."""

    def lacks(record):
        values = json_object(record["completion"])
        if values is None:
            return "the completion is no JSON object"
        missing = [name for name in fields if name not in values]
        return f"its completion lacks {', '.join(missing)}" if missing else None

    refuse(test, lacks, "correct it, or choose another grader or other fields")

    def grade(record, reply):
        want, got = json_object(record["completion"]), json_object(reply)
        if got is None or (not fields and set(got) != set(want)):
            return False
        return all(name in got and got[name] == want[name] for name in fields or want)

    return grade


def json_object(text):
    """The JSON object that a text is, or None."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def judged(test, model, tokenizer):
    """A language model says yes or no, after it has shown that it can: see `trial_of_judge`.

    Raises ValueError for a judge that cannot tell right answers from those to other questions.
    """

    def odds(records, replies):
        prompts = [f"{r['prompt']}\nRight answer: {r['completion'].strip()}" for r in records]
        return llm_judge.yes(model, tokenizer, prompts, replies, QUESTION)

    threshold = trial_of_judge(test, odds)
    return lambda record, reply: bool(reply.strip()) and odds([record], [reply])[0] > threshold


def trial_of_judge(test, odds):
    """The log-odds above which a judge's verdict counts as yes, from replies whose grade is known.

    The judge sees the right answers and, as wrong replies, those to other test prompts. On every second
    record the threshold is set, midway between its mean verdicts on the two, so that a judge who leans to
    yes is not taken at its word; on the others it is tried. Raises ValueError if it is right too seldom, or
    if all completions are the same.
    """
    records, replies, truth = [], [], []
    for place, record in enumerate(test[:JUDGED]):
        later = [r["completion"].strip() for r in test[place + 1 :] + test[:place]]
        other = next((text for text in later if text != record["completion"].strip()), None)
        if other is None:
            raise ValueError(
                "All completions of test are the same: a judge cannot be tried on them, so use exact."
            )
        records += [record, record]
        replies += [record["completion"].strip(), other]
        truth += [True, False]
    values = odds(records, replies)
    setting = [place for place in range(len(values)) if place % 4 < 2]  # both replies of every second record
    means = [statistics.mean(values[p] for p in setting if truth[p] == kind) for kind in (True, False)]
    threshold = sum(means) / 2
    tried = [place for place in range(len(values)) if place % 4 >= 2] or setting
    hits = sum((values[place] > threshold) == truth[place] for place in tried)
    if evaluation.interval(hits, len(tried))[0] <= LEAST_RIGHT:
        raise ValueError(
            f"This judge is right on {hits} of {len(tried)} replies whose grade is known (right answers, and "
            "answers to other prompts), too few to believe it: name a larger model, or choose another grader."
        )
    return threshold
