"""Answer, critique, revise: a model that reads its own reply again before it is sent.

    replies, notes = reflection.reflect(model, tokenizer, prompts)

The critique is a verdict (course_utils.ai_feedback.llm_judge); a reply that fails is written anew, with
the old one and
what was found in the prompt. A model must know all three acts: `skills` makes records of them. Taught
in lesson 06. Left out: more than one round, and critiques in words that the model finds itself.
Sources: Madaan et al. 2023, "Self-Refine"; Huang et al. 2024, "Large language models cannot self-correct
reasoning yet".
"""

import random

from course_utils.ai_feedback import llm_judge
from course_utils.generation import generate
from course_utils.prompts.few_shot import bare
from course_utils.tasks.toy_desk import noisy_demonstrations

REVISE = "Message: {m}\nReply: {r}\nCritique: {c}\nBetter reply:"
CRITIQUE = "The reply is wrong."
ROOM = 90


def revision(prompt, reply, critique=CRITIQUE):
    """The text that asks for a better reply, in the form that the base model has read."""
    return REVISE.format(m=bare(prompt), r=reply.strip(), c=critique)


def skills(train, count, seed=0):
    """`count` verdicts and half as many revisions, made from the records alone."""
    chance, by_skill, found = random.Random(f"skills {seed}"), {}, []
    for record in train:
        by_skill.setdefault(record["skill"], []).append(record)
    ways = [way for way in noisy_demonstrations.QUALITIES if way != "good"]
    while len(found) < count // 2:
        record = chance.choice(train)
        way, others = chance.choice([*ways, "field"]), by_skill[record["skill"]]
        worse = (
            llm_judge.other_field(record, train, chance)
            if way == "field"
            else noisy_demonstrations.worsened(record, way, others, chance)
        )
        if worse != record["completion"]:
            asked = revision(record["prompt"], worse)
            found.append({"prompt": asked, "completion": record["completion"]})
    return llm_judge.verdicts(train, count, seed) + found


def reflect(model, tokenizer, prompts, judged=None, least=0.0):
    """(replies, notes): each note has the first reply, its verdict (log-odds of good), and if it was revised.

    judged(prompts, replies) -> log-odds, by default the model's own verdict; a reply below `least` is
    revised.
    """
    judged = judged or (lambda asked, given: llm_judge.yes(model, tokenizer, asked, given, llm_judge.GOOD))
    first = written(model, tokenizer, prompts)
    verdicts = judged(prompts, first)
    places = [place for place, verdict in enumerate(verdicts) if verdict < least]
    again = written(model, tokenizer, [revision(prompts[place], first[place]) for place in places])
    final = list(first)
    for place, reply in zip(places, again):
        final[place] = reply
    notes = [
        {"first": reply, "verdict": verdict, "revised": verdict < least}
        for reply, verdict in zip(first, verdicts)
    ]
    return final, notes


def written(model, tokenizer, texts):
    """One line for each text, greedy, "-" where the model says nothing."""
    given = generate(model, tokenizer, texts, ROOM, stop="\n") if texts else []
    return [text.strip() or "-" for text in given]
