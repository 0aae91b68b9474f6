"""A language model as judge of replies: yes or no, the better of two, and how far to trust it.

    sure = judge.yes(model, tokenizer, prompts, replies, "Is the reply polite?")     log-odds of yes
    first = judge.better(model, tokenizer, prompts, a, b)                            log-odds of a
    known = judge.expected(model, tokenizer, prompts, replies)                       log-probability
    judge.agreement(first, gold)                                                     (share, low, high)

Nothing is generated: a verdict is one token, and its two chances are compared. `better` asks in both
orders, since a judge may like a place. Taught in lesson 06. Left out: ratings, panels of judges, and
verdicts with reasons, which a model of this size writes after it has decided.
Sources: Zheng et al. 2023, "Judging LLM-as-a-judge"; Bai et al. 2022, "Constitutional AI".
"""

import random

import torch

from course_utils import data, evaluation, generation, training
from course_utils.batching import batches, check_lengths, context_length, encode, evaluating, left_pad
from course_utils.prompts.few_shot import bare
from course_utils.tasks.toy_desk import noisy_demonstrations

SINGLE = "Message: {m}\nReply: {r}\nQuestion: {q}\nAnswer:"
PAIR = "Message: {m}\nReply A: {a}\nReply B: {b}\nQuestion: {q}\nAnswer:"
BETTER = "Which reply is better?"
PRINCIPLES = (  # what a good reply is, as questions whose answer is yes
    "Is the reply polite?",
    "Does the reply answer the question?",
    "Is the reply correct?",
)
GOOD = "Is the reply good?"  # what a taught judge is asked


def yes(model, tokenizer, prompts, replies, question):
    """Log-odds (nats) that the answer is yes rather than no, for each prompt and reply: list of float."""
    texts = [single(prompt, reply, question) for prompt, reply in zip(prompts, replies, strict=True)]
    return odds(model, tokenizer, texts, " yes", " no")


def principled(model, tokenizer, prompts, replies, questions=PRINCIPLES):
    """The mean of `yes` over several questions: list of float. Source: Bai et al. 2022, section 4."""
    asked = [yes(model, tokenizer, prompts, replies, question) for question in questions]
    return [sum(some) / len(some) for some in zip(*asked)]


def orders(model, tokenizer, prompts, a, b, question=BETTER):
    """Log-odds that `a` is called the better one, (shown as A, shown as B): two lists of float."""
    prompts, a, b = list(prompts), list(a), list(b)
    texts = [pair(*row, question) for row in zip(prompts, a, b, strict=True)]
    texts += [pair(*row, question) for row in zip(prompts, b, a, strict=True)]
    found = odds(model, tokenizer, texts, " A", " B")
    return found[: len(a)], [-value for value in found[len(a) :]]


def better(model, tokenizer, prompts, a, b, question=BETTER):
    """Log-odds that `a` is better than `b`, the mean of both orders: list of float.

    A liking for a place adds the same to one order as it takes from the other, so it is gone.
    """
    return [(one + two) / 2 for one, two in zip(*orders(model, tokenizer, prompts, a, b, question))]


def graded(model, tokenizer, prompts, a, b, question=GOOD):
    """By how much `yes` is surer of `a` than of `b`: list of float. There is no place to like."""
    one, two = (yes(model, tokenizer, prompts, some, question) for some in (a, b))
    return [x - y for x, y in zip(one, two)]


def expected(model, tokenizer, prompts, replies):
    """Log-probability (nats) of each reply with its end, as the model would have said it: list of float.

    A judge without a question: what it does not expect, it dislikes. It has no better reason, so it
    also dislikes odd words for the right thing, and every further word costs. Best after fine-tuning on
    right replies. Source: the log-probability in Rafailov et al. 2023, equation 5, as a reward.
    """
    given = [f" {reply.strip()}{tokenizer.eos_token}" for reply in replies]
    return generation.logps(model, tokenizer, prompts, given).tolist()


def single(prompt, reply, question):
    """The text of a yes-or-no question on one reply, up to its answer."""
    return SINGLE.format(m=bare(prompt), r=reply.strip(), q=question)


def pair(prompt, a, b, question=BETTER):
    """The text of a question on two replies, up to its answer."""
    return PAIR.format(m=bare(prompt), a=a.strip(), b=b.strip(), q=question)


@torch.inference_mode()
def odds(model, tokenizer, texts, first, second, batch_size=64):
    """Log of p(first) / p(second) after each text, at the first token in which they differ: list of float.

    Raises ValueError if one option begins with the other, and for a text beyond the context.
    """
    one, two = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (first, second))
    same = next((i for i, (x, y) in enumerate(zip(one, two)) if x != y), None)
    if same is None:
        raise ValueError(f"{first!r} and {second!r}: one begins with the other")
    shared, one, two = one[:same], one[same], two[same]
    rows, found = [row + shared for row in encode(model, tokenizer, texts)], [0.0] * len(texts)
    check_lengths(rows, context_length(model))
    with evaluating(model):
        for batch in batches(rows, batch_size):
            ids, mask, positions = left_pad([rows[i] for i in batch], model.device)  # (B, T)
            out = model(input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=1)
            logits = out.logits[:, -1].float()  # (B, V)
            for place, value in zip(batch, (logits[:, one] - logits[:, two]).tolist()):
                found[place] = value
    return found


def agreement(scores, gold):
    """(share of pairs on which the judge and gold prefer the same reply, low, high), Wilson's interval.

    scores and gold are above 0 where the first reply is preferred; a score of 0 is counted as a half.
    Raises ValueError for a gold of 0: where nothing is better, nobody can agree.
    """
    if not all(gold):
        raise ValueError("a pair without a better reply")
    hits = sum(0.5 if s == 0 else (s > 0) == (g > 0) for s, g in zip(scores, gold, strict=True))
    return hits / len(scores), *evaluation.interval(hits, len(scores))


def position_bias(one, two):
    """What `orders` gives -> {"first", "same", "nats"}.

    first: the share of all verdicts for the reply that stands first, half without a bias. same: the share
    of pairs that get one verdict in both orders. nats: the mean log-odds that the first place is worth.
    """
    count = len(one)
    return {
        "first": (sum(s > 0 for s in one) + sum(s < 0 for s in two)) / (2 * count),
        "same": sum((s > 0) == (t > 0) for s, t in zip(one, two, strict=True)) / count,
        "nats": sum((s - t) / 2 for s, t in zip(one, two, strict=True)) / count,
    }


def length_bias(scores, a, b, gold):
    """(share of longer replies preferred by the judge, the same by gold, number of pairs), in words.

    Pairs of equal length are left out. Only the gap between the two shares is a bias: a longer reply
    may well be better. Raises ValueError if all pairs have equal lengths.
    """
    longer = [len(x.split()) - len(y.split()) for x, y in zip(a, b, strict=True)]
    rows = [(s, g, d) for s, g, d in zip(scores, gold, longer, strict=True) if d]
    if not rows:
        raise ValueError("all replies are equally long")
    by_judge = sum((s > 0) == (d > 0) for s, _, d in rows) / len(rows)
    return by_judge, sum((g > 0) == (d > 0) for _, g, d in rows) / len(rows), len(rows)


def verdicts(train, count, seed=0, question=GOOD):
    """Records that teach a model to judge: half ask about the right reply, half about a worse one.

    Worse ones are made by mediocre.worsened, in all its ways equally often, or have another team.
    """
    chance, by_skill = random.Random(f"verdicts {seed}"), {}
    for record in train:
        by_skill.setdefault(record["skill"], []).append(record)
    ways, found = [way for way in noisy_demonstrations.QUALITIES if way != "good"], []
    while len(found) < count:
        record, good = chance.choice(train), len(found) % 2 == 0
        reply = record["completion"]
        if not good:
            way = chance.choice([*ways, "field"])
            reply = (
                other_field(record, train, chance)
                if way == "field"
                else noisy_demonstrations.worsened(record, way, by_skill[record["skill"]], chance)
            )
            if reply == record["completion"]:
                continue
        text = single(record["prompt"], reply, question)
        found.append({"prompt": text, "completion": " yes" if good else " no", "record": record.get("id")})
    return found


def teach(model, tokenizer, records, count=1000, steps=240, lr=2e-3, seed=0, progress=False):
    """Train all weights on the records and on `count` verdicts about them; returns the model, a judge.

    The records themselves are there so that it knows what is right.
    """
    examples = data.encode(tokenizer, records + verdicts(records, count, seed))
    training.train(
        model,
        examples,
        lr=lr,
        steps=steps,
        batch_size=16,
        seed=seed,
        progress=progress,
        pad_id=tokenizer.pad_token_id,
    )
    return model


def other_field(record, train, chance):
    """The record's completion with the team and priority of another record."""
    other = chance.choice(train)["completion"].partition("Answer: ")[0]
    return other + "Answer: " + record["completion"].partition("Answer: ")[2]
