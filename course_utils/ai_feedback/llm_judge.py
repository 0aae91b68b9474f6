"""A language model as judge of replies: yes or no, the better of two, and how far to trust it.

    polite = llm_judge.yes(model, tokenizer, prompts, replies, "Is the reply polite?")     log-odds of yes
    first = llm_judge.better(model, tokenizer, prompts, a, b)                              log-odds of a
    known = llm_judge.expected(model, tokenizer, prompts, replies)                         log-probability
    known, per_token = llm_judge.likelihood(model, tokenizer, prompts, replies)            in a chat

Nothing is generated: a verdict is one token, and the probabilities of two are compared. `better` asks in
both orders, since a judge may have a position bias. Taught in lesson 06. Left out: ratings, panels of
judges, and verdicts with reasons, which a model of this size writes after it has decided. Sources: Zheng
et al. 2023, "Judging LLM-as-a-judge"; Bai et al. 2022, "Constitutional AI".
"""

import torch

from course_utils import generation
from course_utils.batching import batches, check_lengths, context_length, encode, evaluating, left_pad
from course_utils.prompts.few_shot import bare

SINGLE = "Message: {m}\nReply: {r}\nQuestion: {q}\nAnswer:"
PAIR = "Message: {m}\nReply A: {a}\nReply B: {b}\nQuestion: {q}\nAnswer:"
BETTER = "Which reply is better?"
PRINCIPLES = (  # what a good reply is, as questions whose answer is yes
    "Is the reply polite?",
    "Does the reply answer the question?",
    "Is the reply correct?",
)
GOOD = "Is the reply good?"  # the question on which a judge is trained (judge_training)


def yes(model, tokenizer, prompts, replies, question, asked=str, said=str):
    """Log-odds (nats) that the answer is yes rather than no, for each prompt and reply: list of float.

    asked(question) -> what the model is sent, said(answer) -> the answer as it follows (tasks.base.Task).
    """
    texts = [asked(single(prompt, reply, question)) for prompt, reply in zip(prompts, replies, strict=True)]
    return odds(model, tokenizer, texts, said(" yes"), said(" no"))


def principled(model, tokenizer, prompts, replies, questions=PRINCIPLES, asked=str, said=str):
    """The mean of `yes` over several questions: list of float. Source: Bai et al. 2022, section 4."""
    odds_of_each = [yes(model, tokenizer, prompts, replies, each, asked, said) for each in questions]
    return [sum(values) / len(values) for values in zip(*odds_of_each)]


def orders(model, tokenizer, prompts, a, b, question=BETTER, asked=str, said=str):
    """Log-odds that `a` is called the better one, (shown as A, shown as B): two lists of float.

    asked(question) -> what the model is sent, said(answer) -> the answer as it follows, as for `yes`.
    """
    prompts, a, b = list(prompts), list(a), list(b)
    texts = [asked(pair(*row, question)) for row in zip(prompts, a, b, strict=True)]
    texts += [asked(pair(*row, question)) for row in zip(prompts, b, a, strict=True)]
    values = odds(model, tokenizer, texts, said(" A"), said(" B"))
    return values[: len(a)], [-value for value in values[len(a) :]]


def better(model, tokenizer, prompts, a, b, question=BETTER):
    """Log-odds that `a` is better than `b`, the mean of both orders: list of float.

    A position bias adds the same to one order as it takes from the other, so it cancels.
    """
    return [(one + two) / 2 for one, two in zip(*orders(model, tokenizer, prompts, a, b, question))]


def expected(model, tokenizer, prompts, replies, said=None):
    """Log-probability (nats) of each reply with its end token under the model: list of float.

    said(reply) -> the reply as it follows the prompt, by default behind a space.

    A judge without a question: an unlikely reply gets a low score, also where unusual words say the right
    thing, and every further word costs. Best after fine-tuning on right replies. Source: the
    log-probability in Rafailov et al. 2023, equation 5, as a reward.
    """
    said = said or (lambda reply: f" {reply.strip()}")
    completions = [said(reply) + tokenizer.eos_token for reply in replies]
    return generation.logps(model, tokenizer, prompts, completions).tolist()


def likelihood(model, tokenizer, prompts, replies):
    """(log-probabilities, the same for each token) of a chat model's replies: two lists of float, in nats.

    As `expected`, without a space before the reply. The first falls with every further token, the second does
    not, but easy words raise it.
    """
    totals = expected(model, tokenizer, prompts, replies, str.strip)
    texts = [reply.strip() + tokenizer.eos_token for reply in replies]
    counts = map(len, tokenizer(texts, add_special_tokens=False)["input_ids"])
    return totals, [total / count for total, count in zip(totals, counts)]


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
    rows, values = [row + shared for row in encode(model, tokenizer, texts)], [0.0] * len(texts)
    check_lengths(rows, context_length(model))
    with evaluating(model):
        for batch in batches(rows, batch_size):
            ids, mask, positions = left_pad([rows[i] for i in batch], model.device)  # (B, T)
            out = model(input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=1)
            logits = out.logits[:, -1].float()  # (B, V)
            for i, value in zip(batch, (logits[:, one] - logits[:, two]).tolist()):
                values[i] = value
    return values


def position_bias(one, two):
    """What `orders` gives -> {"first", "same", "nats"}.

    first: the share of all verdicts for the reply shown first, 0.5 without a bias. same: the share of
    pairs with one verdict in both orders. nats: the mean log-odds added by the first position.
    """
    count = len(one)
    return {
        "first": (sum(s > 0 for s in one) + sum(s < 0 for s in two)) / (2 * count),
        "same": sum((s > 0) == (t > 0) for s, t in zip(one, two, strict=True)) / count,
        "nats": sum((s - t) / 2 for s, t in zip(one, two, strict=True)) / count,
    }
