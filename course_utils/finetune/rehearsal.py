"""What the model already says: a penalty holds it there while it learns the new records.

    penalty = rehearsal.anchor(model, tokenizer)
    training.train(model, examples, penalty=penalty, …)

Before training the model answers common questions of many kinds. In each step, beside the new records, a
few of its own answers are read again, and the penalty grows with the Kullback-Leibler divergence of what the
model now predicts at each of their tokens from what it predicted then. Without it ten records are all that
it learns from, and a scientist becomes a clockmaker because the records have one. The questions are not
those of `probe`, which measures. Source: Li and Hoiem 2016 (learning without forgetting), Huang et al. 2024
(self-synthesized rehearsal). Left out: letting the model write the questions, too.
"""

import itertools
import random

import torch

from course_utils.finetune import chat_format
from course_utils.training import predictions

QUESTIONS = (
    "What is the capital of Canada?",
    "What is the capital of France?",
    "What is the capital of Greece?",
    "What is the capital of Kenya?",
    "What is the capital of Russia?",
    "What is the capital of Portugal?",
    "In which country is the city of Berlin?",
    "In which country is the city of Mumbai?",
    "Who was Charles Darwin?",
    "Who was Cleopatra?",
    "Who was Nelson Mandela?",
    "Who was Wolfgang Amadeus Mozart?",
    "Who wrote Don Quixote?",
    "Who wrote Pride and Prejudice?",
    "Who painted The Starry Night?",
    "Who invented the telephone?",
    "When did the Second World War end?",
    "When did people first land on the moon?",
    "What do spiders make?",
    "What do cats eat?",
    "What is a whale?",
    "What is a bicycle?",
    "What is a violin?",
    "What is a bridge?",
    "What is a bank?",
    "What is bread made of?",
    "What is the smallest planet in our solar system?",
    "What is the longest river in the world?",
    "What is the highest mountain in the world?",
    "What is the chemical symbol of iron?",
    "How many hours are in a day?",
    "How many legs does a dog have?",
    "How many continents are there?",
    "What color is a banana?",
    "What color is snow?",
    "What is the opposite of fast?",
    "What is the plural of mouse?",
    "How do I boil an egg?",
    "How can I sleep better?",
    "Where do polar bears live?",
    "Where does the sun rise?",
    "Why is the sea salty?",
    "Who was William Shakespeare?",
    "Who was George Washington?",
    "What is a dog?",
    "What is ice made of?",
    "What is the plural of child?",
    "What is the opposite of up?",
    "In which country is the city of Paris?",
    "What language do people speak in Spain?",
)
ROOM = 32  # new tokens of a reply
WEIGHT = 1.0  # of the divergence beside the cross-entropy of the new records
ROWS = 4  # of the model's own replies in a step
LIKELY = 64  # tokens whose probabilities are kept at each place; all others count as one


def records(model, tokenizer):
    """[{"prompt", "completion"}]: the QUESTIONS with what the model says to them, whole sentences only.

    A question to which it says nothing is left out.
    """
    asked = [{"prompt": question, "completion": ""} for question in QUESTIONS]
    replies = chat_format.ask(model, tokenizer, asked, chat_format.ending(tokenizer, asked), ROOM)
    kept = zip(QUESTIONS, map(whole_sentences, replies), strict=True)
    return [{"prompt": question, "completion": reply} for question, reply in kept if reply]


def anchor(model, tokenizer, weight=WEIGHT, rows=ROWS, seed=0):
    """penalty() for training.train: `weight` times the divergence on `rows` of the model's own replies.

    It is a mean over tokens and comes reply by reply. The replies are made here, by the model as it is now.
    """
    examples = chat_format.encoded(tokenizer, records(model, tokenizer))
    before = [_predictions(model, example) for example in examples]
    places = list(range(len(examples)))
    order = itertools.chain.from_iterable(
        random.Random(f"{seed} {turn}").sample(places, len(places)) for turn in itertools.count()
    )

    def penalty():
        chosen = list(itertools.islice(order, rows))
        tokens = sum(len(before[i][0]) for i in chosen)
        for i in chosen:  # one at a time: a quarter of the activations in memory
            yield weight * _divergence(model, examples[i], before[i]) / tokens

    return penalty


def _read(model, examples):
    """Log-probabilities (N, V) at the places that predict what the assistant says in the examples."""
    logits, _ = predictions(model, examples)
    return logits.float().log_softmax(-1)


@torch.no_grad()
def _predictions(model, example):
    """(ids (N, K), log-probabilities (N, K + 1)) of the likely tokens and, last, of all others together."""
    top = _read(model, [example]).topk(LIKELY)
    return top.indices, torch.cat([top.values, _rest(top.values)], -1)


def _divergence(model, example, before):
    """Sum of KL(before ‖ now) over a reply's tokens, in nats; the tokens that are not likely count as one."""
    ids, old = before  # (N, K), (N, K + 1)
    likely = _read(model, [example]).gather(-1, ids)
    now = torch.cat([likely, _rest(likely)], -1)
    return (old.exp() * (old - now)).sum()


def _rest(logps):
    """The log-probability of everything else: (N, K) -> (N, 1)."""
    return torch.log1p(-logps.exp().sum(-1, keepdim=True).clamp(max=1 - 1e-6))


def whole_sentences(text):
    """The text up to the end of its last whole sentence; all of it if it has none."""
    end = max(text.rfind(mark) for mark in (". ", ".\n", "! ", "? "))
    if text.endswith((".", "!", "?")) or end < 0:
        return text
    return text[: end + 1]
