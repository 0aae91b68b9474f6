"""The retention suite: what a customized model must not forget.

Five abilities of the base model, 200 held-out items each, stored in data/retention/suite.jsonl, so
that every technique is measured on the same items. `python -m course_utils.tasks.retention` writes them.
"""

import argparse
import json

from course_utils import evaluation
from course_utils.corpus.lexicon import column
from course_utils.corpus.sources import states
from course_utils.corpus.split import Item
from course_utils.storage.files import write_atomically
from course_utils.storage.paths import DATA
from course_utils.tasks import abilities

COUNT = 200
ABILITIES = (
    "relation, 4 shots",
    "word problem, 2 steps, reasoning",
    "common facts, exam",
    "English to German",
    "judge: is the reply polite?",
)
SUITE = DATA / "retention" / "suite.jsonl"
README = """# The retention suite

What a customised model must not forget: five abilities of the base model, {count} items each, fixed. None
of the items' contents is in the pretraining corpus, but for the common facts, which must be. Made by
`python -m course_utils.tasks.retention` from `course_utils.tasks.abilities`; under the course's MIT licence.

`suite.jsonl` has one item a line: `ability`; `prompt`, the text to continue; `answer`; `grade`, the rule;
`max_new_tokens`, how long the continuation may be. The rules, all of them about the first line:
`line`, it is the answer; `final`, the answer follows the last "The answer is"; `word`, the answer stands
in it as a whole word. Spaces and a final full stop do not count.

`course_utils.tasks.retention.measure(model, tokenizer)` gives hits and misses by ability. The drop is the
rate of the base model less that of the customised one, on the same items.

| ability | items | grade | sample |
|---|---|---|---|
{rows}

## In English, for real models: `english.csv`

The suite above asks for what the glass box knows. `english.csv` (columns `ability`, `question`, `answers`,
alternatives separated by `|`) and the word problems that `course_utils.tasks.english_retention` makes from a
seed ask a real model: capitals, antonyms, sentiment, common facts, word problems of one step; 64 to 70
questions each, written for this course. `english_retention.measure(model, tokenizer)` grades each reply
strictly (in the form that was asked for) and leniently (the answer anywhere in the reply), so that format
collapse is seen apart from forgetting. SmolLM2-135M-Instruct before fine-tuning, strict / lenient: capitals
.59 / .59, antonyms .60 / .60, sentiment .91 / .91, common facts .57 / .64, word problems .59 / .61.
"""


def make():
    """The suite as [{"ability", "prompt", "answer", "grade", "max_new_tokens"}], always the same."""
    suite = []
    for ability in ABILITIES:
        # Internet domains such as "it" are also words, so a whole-word rule cannot grade them.
        items = [item for item in abilities.items(ability, 2 * COUNT) if not _is_domain(item)][:COUNT]
        for item in items:
            grade = "word" if callable(item.grade) else item.grade
            suite.append(
                {
                    "ability": ability,
                    "prompt": item.prompt,
                    "answer": item.answer,
                    "grade": grade,
                    "max_new_tokens": item.max_new_tokens,
                }
            )
    return suite


def _is_domain(item):
    return callable(item.grade) and item.answer in column("countries", "domain")


def items(name):
    """The stored items of an ability, as corpus.split.Item. Raises KeyError for a name not in ABILITIES."""
    if name not in ABILITIES:
        raise KeyError(f"{name!r} is not in the suite: {', '.join(ABILITIES)}")
    chosen = []
    for line in SUITE.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["ability"] == name:
            grade = states(row["answer"], None) if row["grade"] == "word" else row["grade"]
            chosen.append(Item(row["prompt"], row["answer"], grade, row["max_new_tokens"]))
    return chosen


def measure(model, tokenizer, count=COUNT, batch_size=64):
    """{ability: [bool]} on the first `count` items of each ability, greedy, in the order of the file."""
    return {
        name: evaluation.evaluate(model, tokenizer, items(name)[:count], batch_size=batch_size)
        for name in ABILITIES
    }


def readme(suite):
    """The text of data/retention/README.md."""
    rows = []
    for ability in ABILITIES:
        of_ability = [row for row in suite if row["ability"] == ability]
        first = of_ability[0]
        sample = f"{first['prompt']} **{first['answer']}**".replace("\n", "<br>")
        rows.append(f"| {ability} | {len(of_ability)} | {first['grade']} | {sample} |")
    return README.format(count=COUNT, rows="\n".join(rows))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    suite = make()
    SUITE.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(SUITE, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in suite))
    write_atomically(SUITE.parent / "README.md", readme(suite))
    print(f"Wrote {len(suite)} items to data/retention.")
