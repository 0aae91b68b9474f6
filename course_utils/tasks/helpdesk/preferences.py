"""Which of two replies the help desk prefers, and why: the rules of `gold` stand in for people.

    pair = preferences.labeled(record, one, other)      {"chosen", "rejected", "reason", …} or None

The replies of data/helpdesk/preferences.jsonl are sampled from a model (course_utils.rlhf.sample_pairs).
Taught in lesson 05. Left out: ties, wrong labels, and annotators who differ.
"""

from course_utils.tasks.helpdesk import gold

TEMPERATURE = 0.8  # at which the stored replies were sampled
MARGIN = 0.5  # the least difference of the gold rewards: people skip what they cannot tell apart
WORDS = {  # what a reply that breaks a rule of gold.PENALTIES does
    "form": "is not in the form",
    "team": "goes to the wrong team",
    "priority": "has the wrong priority",
    "name missing": "leaves out the name",
    "name invented": "invents a name",
    "order number missing": "leaves out the order number",
    "order number not asked for": "does not ask for the order number",
    "order number asked for without need": "asks for an order number without need",
    "number invented": "invents a number",
    "apology missing": "does not apologize",
    "apology to a calm customer": "apologizes to a calm customer",
    "second apology": "apologizes twice",
    "fact missing or wrong": "does not state the fact",
    "next step missing": "does not say what happens next",
    "steps that nobody asked for": "announces what nobody asked for",
    "refund promised": "promises a refund",
    gold.TOO_LONG: "is too long",
    "sign-off missing": "does not sign off",
}


def labeled(record, one, other):
    """The pair of two replies to a record; None if gold rewards them alike, less than MARGIN apart."""
    graded = sorted(((gold.gold_reward(record, reply), reply) for reply in (one, other)), reverse=True)
    (high, better), (low, worse) = graded
    if high - low < MARGIN:
        return None
    return {
        "record": record["id"],
        "prompt": record["prompt"],
        "chosen": f" {better.strip()}",
        "rejected": f" {worse.strip()}",
        "chosen_gold": high,
        "rejected_gold": low,
        "reason": reason(record, better, worse),
    }


def reason(record, better, worse):
    """What the worse reply does that the better one does not, and the other way round, in words."""
    own, others = mistakes(record, better), mistakes(record, worse)
    text = "the other one " + _listed([WORDS[rule] for rule in others if rule not in own])
    extra = [WORDS[rule] for rule in own if rule not in others]
    return f"{text}, though this one {_listed(extra)}" if extra else text


def mistakes(record, reply):
    """What is wrong with a reply: keys of WORDS, in their order; ["form"] alone without form."""
    marks, broken = gold.grade(record, reply), gold.broken_rules(record, reply)
    if not marks["form"]:
        return ["form"]
    return [rule for rule in WORDS if rule in broken or marks.get(rule) is False]


def _listed(phrases):
    return " and ".join(filter(None, [", ".join(phrases[:-1]), *phrases[-1:]]))
