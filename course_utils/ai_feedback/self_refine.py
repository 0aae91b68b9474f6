"""Self-refinement: a model answers, criticizes its own reply, and revises it before it is sent.

    replies, notes = self_refine.refine(model, tokenizer, prompts)

The critique is a verdict (course_utils.ai_feedback.llm_judge); a reply that fails is generated anew, with
the old one and the critique in the prompt. A model must know all three acts: `examples` makes records of
them. Taught in lesson 06. Left out: more than one round, and critiques in words of the model's own.
Sources: Madaan et al. 2023, "Self-Refine"; Huang et al. 2024, "Large language models cannot self-correct
reasoning yet".
"""

import random

from course_utils.ai_feedback import judge_training, llm_judge
from course_utils.generation import generate
from course_utils.prompts.few_shot import bare

REVISE = "Message: {m}\nReply: {r}\nCritique: {c}\nBetter reply:"
CRITIQUE = "The reply is wrong."
ROOM = 90


def revision(prompt, reply, critique=CRITIQUE):
    """The prompt for a better reply, in the form of the pretraining corpus."""
    return REVISE.format(m=bare(prompt), r=reply.strip(), c=critique)


def examples(records, count, seed=0, worsen=None):
    """`count` verdicts and half as many revisions, made from the records alone. worsen: as in verdicts."""
    rng, revisions = random.Random(f"skills {seed}"), []
    worsen = worsen or judge_training.worsener(records)
    while len(revisions) < count // 2:
        record = rng.choice(records)
        worse = worsen(record, rng)
        if worse != record["completion"]:
            prompt = revision(record["prompt"], worse)
            revisions.append({"prompt": prompt, "completion": record["completion"]})
    return judge_training.verdicts(records, count, seed, worsen=worsen) + revisions


def refine(model, tokenizer, prompts, judge=None, least=0.0, asked=str):
    """(replies, notes): each note has the first reply, its verdict (log-odds of good), and if it was revised.

    judge(prompts, replies) -> log-odds, by default the model's own verdict; a reply below `least` is
    revised. asked(prompt) -> what the model is sent, by default the prompt.
    """
    judge = judge or (lambda asked, replies: llm_judge.yes(model, tokenizer, asked, replies, llm_judge.GOOD))
    first = one_line(model, tokenizer, [asked(prompt) for prompt in prompts])
    verdicts = judge(prompts, first)
    failed = [i for i, verdict in enumerate(verdicts) if verdict < least]
    revised = one_line(model, tokenizer, [asked(revision(prompts[i], first[i])) for i in failed])
    final = list(first)
    for i, reply in zip(failed, revised):
        final[i] = reply
    notes = [
        {"first": reply, "verdict": verdict, "revised": verdict < least}
        for reply, verdict in zip(first, verdicts)
    ]
    return final, notes


def one_line(model, tokenizer, texts):
    """One line for each text, by greedy decoding, "-" where it is empty."""
    replies = generate(model, tokenizer, texts, ROOM, stop="\n") if texts else []
    return [text.strip() or "-" for text in replies]
