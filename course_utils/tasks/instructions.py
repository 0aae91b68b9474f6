"""Tasks phrased as instructions, mixtures of them to train on, and families that no mixture holds.

    records = instructions.mixture(instructions.MIXTURES["even"], 1200, seed=0)
    hits = instructions.measure(model, tokenizer, instructions.HELD_OUT, n=50)

The form of a prompt (Taori et al. 2023, Alpaca) is in no document of the pretraining corpus; the
knowledge that the tasks need is. A family is held out as a whole: no record of it, in any wording, is
ever trained on (Wei et al. 2022, "Finetuned language models are zero-shot learners"). Taught in lesson 04.
Left out: tasks with several right answers.
"""

import random
import re
from types import SimpleNamespace

from course_utils import evaluation
from course_utils.corpus.families import relations, repeats, reviews, translation
from course_utils.corpus.lexicon import column, first_names, surnames
from course_utils.corpus.split import held_out
from course_utils.generation import generate

FORM = "### Instruction:\n{instruction}\n\n### Input:\n{text}\n\n### Response:"
ROOM = 24  # new tokens of a reply
INSTRUCTION = re.compile(r"(?s)### Instruction:\n(.*?)\n\n")
PARTS = re.compile(r"(?s)### Instruction:\n(.*?)\n\n### Input:\n(.*?)\n\n### Response:")


def _related(relation):
    """(word, its partner), for a relation of course_utils.corpus.families.relations."""

    def draw(rng):
        return rng.choice(relations.pairs(relation))

    return draw


def _listed(work):
    """(words, what `work` makes of them): two to five different words."""

    def draw(rng):
        words = rng.sample(repeats.kinds()["word"], rng.randint(2, 5))
        return " ".join(words), work(words)

    return draw


def _review(rng):
    review = reviews.draw_review(rng, wanted=True, mixed=False)
    return review["text"], review["polarity"]


def _sentence(rng):
    item = translation.item(rng)
    return item.prompt.removeprefix("English: ").removesuffix("\nGerman:"), item.answer


def _letter(rng):
    name = f"{rng.choice(first_names())} {rng.choice(surnames())}"
    town = rng.choice(column("places", "place"))
    text = rng.choice(("My name is {n}. I live in {t}.", "{n} lives in {t}.", "{n} has a flat in {t}."))
    return text.format(n=name, t=town), f"{name} | {town}"


def _family(draw, *wordings):
    return SimpleNamespace(draw=draw, wordings=wordings)


FAMILIES = {
    "capital": _family(
        _related("capital"),
        "Name the capital of this country.",
        "Write down which city governs the country.",
        "Which city is the capital?",
    ),
    "language": _family(
        _related("language"),
        "Name the language that people speak in this country.",
        "Write down the language of the country.",
        "Which language is spoken there?",
    ),
    "currency": _family(
        _related("currency"),
        "Name the currency of this country.",
        "Write down what people there pay with.",
    ),
    "plural": _family(
        _related("plural"), "Give the plural of this word.", "There are several now. Write the plural."
    ),
    "opposite": _family(
        _related("opposite"), "Give the opposite of this word.", "Write the word that means the opposite."
    ),
    "past": _family(
        _related("past"), "Put this verb into the past tense.", "It happened yesterday. Write the past form."
    ),
    "comparative": _family(
        _related("comparative"),
        "Give the comparative of this word.",
        "Write this word in its comparative form.",
    ),
    "german word": _family(
        _related("german"),
        "Translate this word into German.",
        "Write down the German word for it.",
        "How is it called in Germany?",
    ),
    "kind": _family(
        _related("category"), "Name the category of this thing.", "Write down what kind of thing it is."
    ),
    "sentiment": _family(
        _review,
        "Is the review positive or negative?",
        "Write positive if the guest was happy, and negative if not.",
    ),
    "german sentence": _family(
        _sentence, "Translate this sentence into German.", "Write the sentence in German."
    ),
    "record": _family(
        _letter,
        "Write down the name and the town, with a bar between them.",
        "Take a note of name and town, parted by a bar.",
    ),
    "first": _family(
        _listed(lambda words: words[0]), "Write the first word of the list.", "Which word comes first?"
    ),
    "last": _family(
        _listed(lambda words: words[-1]), "Write the last word of the list.", "Which word comes last?"
    ),
    "reverse": _family(
        _listed(lambda words: " ".join(words[::-1])), "Reverse the list.", "Write the list backwards."
    ),
    "sort": _family(
        _listed(lambda words: " ".join(sorted(words))), "Sort the list.", "Write the words from a to z."
    ),
    "count": _family(
        _listed(lambda words: str(len(words))), "Count the words.", "How many words are in the list?"
    ),
    "capitals": _family(
        lambda rng: (word := rng.choice(repeats.kinds()["word"]), word.upper()),
        "Write this word in capital letters.",
        "Use capitals for this word.",
    ),
}
HELD_OUT = ("currency", "past", "comparative", "last")
TRAINED = tuple(name for name in FAMILIES if name not in HELD_OUT)
MIXTURES = {
    "even": dict.fromkeys(TRAINED, 1),
    "mostly one family": dict.fromkeys(TRAINED, 1) | {"german sentence": 4 * len(TRAINED)},
    "three families": dict.fromkeys(("capital", "sentiment", "reverse"), 1),
}


def tasks():
    """{family: function(rng, test=False) -> {"prompt", "completion"}}.

    With test=True the content (the word, the list, the review) never occurs in training.
    """
    return {name: _maker(family) for name, family in FAMILIES.items()}


def _kept(text):
    """True for the two fifths of all content that never occurs in training."""
    return any(held_out("instructions", part, text) for part in range(5))


def _maker(family):
    def make(rng, test=False):
        while True:
            text, answer = family.draw(rng)
            if _kept(text) == test:
                break
        prompt = FORM.format(instruction=rng.choice(family.wordings), text=text)
        return {"prompt": prompt, "completion": f" {answer}"}

    return make


def mixture(weights, count, seed):
    """`count` training records, their families drawn by weight: {family: weight}.

    Raises ValueError if a held-out family has a weight.
    """
    if wrong := sorted(set(weights) & set(HELD_OUT)):
        raise ValueError(f"held out, so never trained on: {', '.join(wrong)}")
    rng, made = random.Random(f"mixture {seed}"), tasks()
    return [made[name](rng) for name in rng.choices(list(weights), list(weights.values()), k=count)]


def items(family, n):
    """n different test records of a family, always the same. Raises ValueError if there are not so many."""
    rng, make, by_prompt = random.Random(f"items of {family}"), tasks()[family], {}
    for _ in range(100 * n):
        record = make(rng, test=True)
        by_prompt.setdefault(record["prompt"], record)
        if len(by_prompt) == n:
            return list(by_prompt.values())
    raise ValueError(f"{family} has only {len(by_prompt)} test records, not {n}")


def measure(model, tokenizer, families, n):
    """{family: number of hits} of n items each, as `graded` grades them."""
    return {family: sum(hits) for family, hits in graded(model, tokenizer, families, n).items()}


def graded(model, tokenizer, families, n, shots=0):
    """{family: [bool]} of n items each, greedy; right is the whole line, but for a final full stop.

    shots: solved records before each item (`with_shots`).
    """
    hits = {}
    for family in families:
        records = with_shots(family, n, shots) if shots else items(family, n)
        replies = generate(model, tokenizer, [r["prompt"] for r in records], max_new_tokens=ROOM, stop="\n")
        replies, wanted = ([t.strip().removesuffix(".") for t in texts]
                         for texts in (replies, [r["completion"] for r in records]))  # fmt: skip
        hits[family] = evaluation.exact_match(replies, wanted)
    return hits


def without_instructions(records):
    """The records with the instruction left empty: a control for what the inputs alone teach."""
    return [_instructed(record, "") for record in records]


def shuffled_instructions(records, seed):
    """The records with each other's instructions: a control for what the form and the answers alone teach."""
    instructions = [INSTRUCTION.search(record["prompt"])[1] for record in records]
    random.Random(f"shuffled instructions {seed}").shuffle(instructions)
    return [_instructed(record, instruction) for record, instruction in zip(records, instructions)]


def turns(record):
    """The record as a conversation, for a chat model: the instruction and the input, then the answer.

    Solved examples in front of it become turns of their own.
    """
    asked = ["\n\n".join(filter(None, parts)) for parts in PARTS.findall(record["prompt"])]
    said = [text.split("\n\n")[0] for text in record["prompt"].split("### Response:")[1:-1]]
    pairs = zip(asked, [*said, record["completion"]], strict=True)
    roles = ("user", "assistant")
    return [{"role": r, "content": text.strip()} for pair in pairs for r, text in zip(roles, pair)]


def with_shots(family, n, shots):
    """The items of a family, each after `shots` solved training records of the same family in the same form.

    A control for what the base model can do when it is shown the task instead of being told.
    """
    rng, make = random.Random(f"shots of {family}"), tasks()[family]
    solved = [make(rng) for _ in range(shots)]
    head = "".join(f"{record['prompt']}{record['completion']}\n\n" for record in solved)
    return [record | {"prompt": head + record["prompt"]} for record in items(family, n)]


def _instructed(record, instruction):
    head = FORM.split("{instruction}")[0]
    return record | {
        "prompt": INSTRUCTION.sub(lambda _: f"{head}{instruction}\n\n", record["prompt"], count=1)
    }
