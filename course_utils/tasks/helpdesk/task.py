"""The help desk as a task of the scoreboard: natural messages, the real model, its chat template.

Budget: the 1,200 records once, in batches of 4: 300 steps and 129,000 tokens. More distinct records beat
more passes: LoRA got .37 of the dev records whole so, and .03 from 400 records twice, in as many minutes. A
trial on dev sees 400 records once. LoRA took 9.4 minutes on one core with bf16.
"""

import json

from course_utils.storage import paths
from course_utils.tasks import base, english_retention
from course_utils.tasks.helpdesk import gold, mixed_quality, prompting, shop, synthetic_checks

RULES = prompting.instruction()
SHEET = " ".join(fact.statement for fact in shop.FACTS.values())
INSTRUCTIONS = {
    "none": "",
    "form": "Answer with one line of JSON, like this: {form}",
    "rules": RULES,
    "rules and sheet": f"{RULES} The facts: {SHEET}",
}
SYSTEMS = {
    "form": f"You answer customers of the online shop {shop.NAME} with one line of JSON, like this: {{form}}",
    "choices": f"You answer customers of the online shop {shop.NAME}. "
    "Teams: {teams}. Priorities: {priorities}. Answer with one line of JSON, like this: {form}",
    "rules": RULES,
    "rules and sheet": f"{RULES} The facts: {SHEET}",
}


PRINCIPLES = (  # for a judge without training: the brand guide as questions
    "Does the reply answer what the customer wants?",
    "Is the reply short and to the point?",
    "Is the reply free of promises of a refund?",
    "Is every number in the reply also in the message?",
)


def written(values):
    """A reply in the form from {"team", "priority", "reply"}; `gold.parse` takes it apart again."""
    return json.dumps({name: values[name] for name in gold.KEYS}, ensure_ascii=False)


def statements():
    """{key: statement} of the policy sheet."""
    return {key: fact.statement for key, fact in shop.FACTS.items()}


def facts_for(message, k):
    """The k statements of the policy sheet that are nearest to a message, the nearest last."""
    return prompting.facts_for(message, k)[::-1]


def rationale(record):
    """The line of reasoning that leads to a record's reply: what is asked, by whom, in which mood."""
    asked = [
        shop.FACTS[intent].statement
        if intent in shop.FACTS
        else f"{shop.STEPS[intent].meaning.capitalize()}."
        for intent in record["intents"]
    ]
    name, order = record["name"] or "not given", record["order"] or "not given"
    mood = "angry" if record["angry"] else "calm"
    return f"{' '.join(asked)} Name: {name}. Order: {order}. The customer is {mood}."


def retention(model, tokenizer):
    """The English retention suite, 40 questions an ability, graded strictly and leniently."""
    return english_retention.measure(model, tokenizer, count=40)


def noisy(records, seed):
    """As many records, half of them with a flaw (mixed_quality)."""
    return mixed_quality.records(records, len(records), seed)


FEEDBACK = base.Feedback(
    records=500, sft_steps=125, sft_batch=4, sft_lr=5e-3, lora=(8, 15), updates=8, batch=32, room=96,
    reward_lr=1e-3, epochs=3, pair_batch=4, verdicts=200, judging=100, judge_lr=1e-3, refining=200,
)  # fmt: skip
SYNTHESIS = base.Synthesis(
    seeds=100, added=200, written=400, teaching=100, lr=5e-3, batch=4, room=176, lora=(8, 15)
)
TASK = base.Task(
    name="helpdesk",
    grade=gold.grade,
    model="smollm2",
    gold_reward=gold.gold_reward,
    folder=paths.DATA / "helpdesk",
    names=gold.KEYS,
    parse=gold.parse,
    written=written,
    statements=statements,
    facts_for=facts_for,
    rationale=rationale,
    kind="kind",
    instructions=INSTRUCTIONS,
    systems=SYSTEMS,
    decline=f"We cannot say. {shop.SIGN_OFF}",
    room=96,
    chat=True,
    system=f"You are the help desk of the online shop {shop.NAME}.",
    budget=base.Budget(None, 300, 4),
    trial=base.Budget(400, 100, 4),
    dev_items=100,
    seeds=3,
    latencies=4,
    kl_items=40,
    bf16=True,
    mixed_quality=noisy,
    worsener=mixed_quality.worsener,
    principles=PRINCIPLES,
    problems=synthetic_checks.checker,
    synthesis=SYNTHESIS,
    trial_synthesis=SYNTHESIS._replace(written=300),
    trial_feedback=FEEDBACK._replace(updates=4, pairs=150, refining=100),
    feedback=FEEDBACK,
    retention=retention,
    offers=frozenset(("fields", "facts", "pairs")),
)
