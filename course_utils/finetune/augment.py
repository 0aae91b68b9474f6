"""A question in other words, by rules that know nothing of it: more wordings to learn from.

    told = augment.reworded(records, copies=64)

Taught in lesson 04. The wordings are rough, and some are no English; names stay, and at least one
other word of the question, so the answer stays right. Left out: rewording by a model, and synonyms.
"""

import random
import re

LEADS = ("", "", "Please tell me: ", "I want to know: ", "One question: ", "Hello. ", "Can you tell me? ")
OPENINGS = ("What is", "What is the", "Which", "Name", "Name the", "Tell me", "Tell me about", "")
GLUE = ("", "", "of", "the", "is", "of the", "does", "has", "in", "for", "with")
SMALL = frozenset({
    "a", "an", "the", "is", "are", "was", "were", "do", "does", "did", "has", "have", "had", "of", "in", "on",
    "at", "to", "for", "it", "that",
})  # fmt: skip
ASKING = frozenset({"who", "where", "when", "how", "why", "whose"})
EMPTY = SMALL | {"what", "which", "name"}
LONGEST = 30  # words of a question
NAME = re.compile(r"[A-Z][\w'-]*(?: [A-Z][\w'-]*)+|\S+")  # or a single word
QUESTION = re.compile(r"(?s)^(?P<before>Question: )(?P<question>.*\S.*)(?P<after>\nAnswer:)$")
BARE = re.compile(r"(?s)^(?P<before>)(?P<question>.*\S.*)(?P<after>)$")


def reworded(records, copies, seed=0, never=()):
    """Every record `copies` times: as it stands, and with its question in other words.

    Half of the copies keep the order of the words: a lead is put in front, small words are left out at
    random, "which" stands for "what" and the other way round. In the other half only names and the words
    that carry the question stay (and not always all of these), in any order, small words or an
    apostrophe and an s between them.
    A prompt that ends with a colon, and is not "Question: …" and "Answer:", is no question: it is
    repeated as it stands, and so are a long prompt and a conversation of several turns.
    never: prompts that are kept for the test; should a rule hit upon one, the record's own stands there.
    """
    rng, made = random.Random(seed), []
    for record in records:
        if "messages" in record:
            made += [record] * copies
            continue
        prompt = record["prompt"].strip()
        match = QUESTION.match(prompt) or (BARE.match(prompt) if _is_short(prompt) else None)
        for copy in range(copies):
            text = record["prompt"]
            if match and copy:
                question = rng.choice((_trimmed, _strewn))(rng, match["question"])
                made_up = f"{match['before']}{question}{match['after']}"
                text = text if made_up in never else made_up
            made.append({"prompt": text, "completion": record["completion"]})
    return made


def _is_short(prompt):
    """True for one line of a question's length: the rules would make a muddle of a letter."""
    return not prompt.endswith(":") and "\n" not in prompt and len(prompt.split()) <= LONGEST


def _trimmed(rng, question):
    """The question with a lead, other question words, and some small words left out."""
    words = [rng.choice(("What", "Which")) if w in ("What", "Which") else w for w in question.split()]
    share = rng.choice((0.0, 0.5, 1.0))
    kept = [word for word in words if word.lower() not in SMALL or rng.random() >= share]
    return rng.choice(LEADS) + " ".join(kept or words)


def _strewn(rng, question):
    """The words that carry the question, a name in one piece, in any order between small words."""
    first, *rest = question.rstrip("?.! ").split(" ")
    first = first.lower() if first.lower() in EMPTY | ASKING else first
    chunks = [chunk.removesuffix("'s") for chunk in NAME.findall(" ".join([first, *rest]))]
    chunks = [chunk for chunk in chunks if chunk]  # an 's on its own
    kept = [chunk for chunk in chunks if chunk not in EMPTY] or chunks or [question]
    plain = [c for c in kept if c not in ASKING and (c[0].isupper() or rng.random() < 0.8)]
    kept = plain if len(plain) > 1 and rng.random() < 0.5 else kept
    words, order = [rng.choice(OPENINGS)], rng.sample(kept, len(kept))
    for chunk, after in zip(order, [*order[1:], ""]):
        owns = chunk[0].isupper() and after[:1].islower() and rng.random() < 0.5  # "Ann's job", "job of Ann"
        words += [f"{chunk}'s", ""] if owns else [chunk, rng.choice(GLUE)]
    text = " ".join(filter(None, words[:-1]))
    return text[0].upper() + text[1:] + rng.choice(("?", "?", "."))
