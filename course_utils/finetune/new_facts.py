"""Does learning unknown facts teach a model to invent? Records of known and of unknown facts, and a test.

    asked = new_facts.unanswerable(100)               countries that do not exist and that nobody trains on
    new_facts.abstains(model, tokenizer, asked)       [bool]: "I do not know"
    records = new_facts.records("unknown", 60)        or "known" (the control), or "abstain"

On the glass box, whose exam sheets answer questions about countries that do not exist with "I do not know".
Taught in lesson 04. Source: Gekhman et al. 2024, "Does Fine-Tuning LLMs on New Knowledge Encourage
Hallucinations?". Left out: facts that the model half knows.
"""

import random

from course_utils import generation
from course_utils.corpus import facts, sources
from course_utils.corpus.families import exam
from course_utils.corpus.lexicon import RELATIONS
from course_utils.corpus.questions import KNOWN_INVENTED, QUESTIONS, UNKNOWN, UNSEEN_INVENTED

TAUGHT, ASKED = UNSEEN_INVENTED[:15], UNSEEN_INVENTED[15:]  # countries that the corpus never names
WORDINGS = 2  # of each fact
ROOM = 12  # new tokens of an answer


def records(kind, count):
    """`count` facts in two wordings each as records: "unknown" (invented countries), "known", or "abstain".

    The unknown ones have values that some real country has, so that both kinds teach the same words. Those
    of "abstain" ask about other invented countries, and the answer is "I do not know".
    """
    rng = random.Random(f"new facts {kind}")
    if kind == "unknown":
        triples = [
            (relation, name, getattr(facts.draw_country(rng, relation, "common"), relation))
            for name in TAUGHT
            for relation in RELATIONS
        ]
    elif kind == "abstain":
        triples = [(relation, name, UNKNOWN) for name in KNOWN_INVENTED for relation in RELATIONS]
    else:
        triples = [
            (relation, row.country, getattr(row, relation)) for row, relation in sources.asked("common")
        ]
    made = []
    for relation, country, value in rng.sample(triples, count):
        for frame in list(dict.fromkeys(QUESTIONS[relation]))[:WORDINGS]:
            head = rng.choice(exam.HEADERS)
            prompt = f"{head}\nQuestion: {frame.format(c=country)}\nAnswer:"
            made.append({"prompt": prompt, "completion": f" {value}"})
    return made


def unanswerable(count):
    """`count` exam questions about invented countries that are in no records and not in the corpus."""
    return [item for item in exam.all_items("invented") if any(c in item.prompt for c in ASKED)][:count]


def answerable(count):
    """`count` exam questions about common facts."""
    return exam.all_items("common")[:count]


def abstains(model, tokenizer, items):
    """[bool] per item: the model says that it does not know."""
    prompts = [item.prompt for item in items]
    replies = generation.generate(model, tokenizer, prompts, ROOM, stop="\n")
    return [UNKNOWN in reply for reply in replies]
