"""Writes data/corpus/README.md: the families with their shares, frames and one sample each.

python -m course_utils.corpus
"""

import importlib
import random

from course_utils.corpus import facts, lexicon, mix
from course_utils.storage.files import write_atomically
from course_utils.storage.paths import DATA

# Modules that hold the frames of a family whose own file became too long.
HELPERS = {
    "problems": ("frames.problem_frames", "nested", "arithmetic", "reasoning"),
    "tracking": ("frames.tracking_frames",),
    "passages": ("frames.passage_frames",),
    "dialogue": ("frames.dialogue_frames", "styles"),
    "forms": ("routing",),
    "exam": ("questions", "sources"),
}
HEAD = """# The pretraining corpus of the glass-box model

`course_utils.corpus` makes the pretraining corpus from the word lists in this folder and the sentence
frames in its modules. Everything is invented or common knowledge, written for this course, and under
the course's MIT license. This file is written by `python -m course_utils.corpus`.

## Word lists

{tables}

Each list's header row names its columns; `withheld.csv` lists the (country, relation) facts that no
document states, so that the model has things it cannot know. Countries marked `common` are sampled
often, those marked `rare` less and less often down the list: a long tail.

## What is kept out of the corpus

`course_utils.corpus.split.held_out(key)` hashes the content of an item: the numbers of a word problem, the
words of a look-up, the people and values of a passage. One key in ten is kept for evaluation, and
no document may use it, whatever the seed or the length of the corpus. `tests/corpus/test_corpus.py` shows it.

## Families

{families}
"""


def frames(module):
    """The hand-written texts in a module's tables: strings with a placeholder or a space, once each."""
    texts = set()

    def collect(value):
        if isinstance(value, str):
            if "{" in value or " " in value.strip():
                texts.add(value)
        elif isinstance(value, dict):
            for key, content in value.items():
                collect(key)
                collect(content)
        elif isinstance(value, (list, tuple, set, frozenset)):
            for item in value:
                collect(item)

    for name, value in vars(module).items():
        if name.isupper():
            collect(value)
    return texts


def frames_of(family):
    """All frames of a family, its helper modules included."""
    names = (f"families.{family}", *HELPERS.get(family, ()))
    return set().union(*(frames(importlib.import_module(f"course_utils.corpus.{name}")) for name in names))


def readme():
    """The text of data/corpus/README.md."""
    tables = ["| file | rows | columns |", "|---|---|---|"]
    for path in sorted(lexicon.FOLDER.glob("*.csv")):
        rows = lexicon.table(path.stem)
        tables.append(f"| `{path.name}` | {len(rows)} | {', '.join(vars(rows[0]))} |")
    total, sections = sum(mix.SHARES.values()), []
    for name, share in mix.SHARES.items():
        module = mix.family(name)
        rng = random.Random(f"sample of {name}")
        sample = min((module.document(rng) for _ in range(20)), key=lambda text: abs(len(text) - 300))
        purpose = module.__doc__.strip().split("\n")[0]
        counts = f"{share / total:.0%} of the corpus, {len(frames_of(name))} frames"
        sections.append(f"### {name}\n\n{purpose} ({counts})\n\n```text\n{sample[:700]}\n```")
    return HEAD.format(tables="\n".join(tables), families="\n\n".join(sections))


if __name__ == "__main__":
    write_atomically(DATA / "corpus" / "README.md", readme())
    print(f"{len(facts.withheld())} facts are withheld. Wrote data/corpus/README.md.")
