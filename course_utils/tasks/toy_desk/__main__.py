"""Writes data/toy_desk: the records, the sheet of facts and the README.

python -m course_utils.tasks.toy_desk
"""

import csv
import io
from collections import Counter

from course_utils.storage.files import write_atomically
from course_utils.storage.records import write_records
from course_utils.tasks.toy_desk import company, frames, generate
from course_utils.tasks.toy_desk.records import FOLDER

README = """# The service desk

The one task of all lessons: replies to the customers of Ombly, a firm that does not exist. Everything
here is invented for this course, under the course's MIT licence, and written by
`python -m course_utils.tasks.toy_desk` from the seed {seed}: the same bytes on every machine.

| file | what |
|---|---|
| `train.jsonl`, `dev.jsonl`, `test.jsonl` | 2,000, 500 and 500 records; `test` is frozen |
| `facts.csv` | the firm's sheet: 30 facts, with the columns `key` and `statement` |
| `preferences.jsonl` | 1,500 pairs of replies and which one is better: see below |

Columns of a record: `id`; `prompt`, the customer's message and the word `Record:`; `completion`, the
right reply in one line, with a space in front; `skill`; `facts`, the keys of the facts that it needs.

## How it was made

`course_utils.tasks.toy_desk.company` holds the firm, `frames` {frames} hand-written sentences, `generate`
puts the two together. The splits share no sentence frame
and no record: `test` asks in other words for what `train` has taught. It also names products that do
not exist, and that no other split names. No product and no word of jargon is in the pretraining corpus.
`gold` grades the replies. `tests/test_desk.py` shows all this.

| skill | train | dev | test | frames of the three | what is asked for |
|---|---|---|---|---|---|
{counts}

## The rules of the firm

| messages about | go to | jargon |
|---|---|---|
{teams}

{rules}
Refunds: the price, less {week} dollars for each week of use, less {box} dollars for a lost box, plus
{bonus} dollars for what came broken; the fee for the weeks is worked out in the head.

## One record per skill

{samples}
## Preferences

`preferences.jsonl` is written by `python -m course_utils.rlhf.preferences`: replies that the course's own
models
gave (the base model, the base with four solved records before the message, and one fine-tuned on mediocre
records), two to a message. The gold reward says which is better; pairs less than half a point apart are left
out. 1,000 pairs to learn from (`split` "train") and 300 to test by ("held_out") ask new messages in the
wordings of `train.jsonl`; of the first, one label in ten is turned round on purpose (`flipped`). 200 more
("unseen") ask what `dev.jsonl` asks, in other wordings. All labels but those ten per cent are clean.
The columns: `id`, `split`, `record` (the message that is asked), `prompt`, `chosen`, `rejected`, `chosen_by`
and `rejected_by` ("base", "few_shot" or "sft"), `chosen_gold` and `rejected_gold` (from -2 to 1), `flipped`,
and `reason`, why one is better, in words. Replies stand as they were drawn, mistakes and rudeness included.

## Limits

Customers of one firm, in tidy English of few words and one wish each. A model that does well here
has learned this desk, and nothing is said about others.
"""
PURPOSE = {
    "routing": "the team and the priority, by content",
    "record": "structured output: person, product and day in fixed fields",
    "facts": "a fact of the sheet",
    "refund": "arithmetic in two to four steps, with its working",
    "tone": "calm and an apology for an angry customer",
    "unanswerable": "to say that nobody knows",
}


def sheet():
    """The text of facts.csv."""
    table = io.StringIO(newline="")
    rows = [("key", "statement"), *((key, fact.statement) for key, fact in company.FACTS.items())]
    csv.writer(table, lineterminator="\n").writerows(rows)
    return table.getvalue()


def readme(splits):
    """The text of README.md for {split: records}."""
    skills = {split: Counter(record["skill"] for record in records) for split, records in splits.items()}
    counts, samples = [], []
    for skill, purpose in PURPOSE.items():
        numbers = " | ".join(str(skills[split][skill]) for split in splits)
        used = ", ".join(str(len(frames.of_skill(skill, split))) for split in splits)
        counts.append(f"| {skill} | {numbers} | {used} | {purpose} |")
        record = next(r for r in splits["train"] if r["skill"] == skill)
        samples.append(f"### {skill}\n\n```text\n{record['prompt']}{record['completion']}\n```\n")
    words = {topic: f"{word} ({meaning})" for word, (meaning, topic) in company.JARGON.items()}
    return README.format(
        seed=generate.SEED,
        frames=sum(len(frames.sentences(table)) for table in frames.TABLES),
        counts="\n".join(counts),
        teams="\n".join(f"| {topic} | {team} | {words[topic]} |" for topic, team in company.TEAMS.items()),
        rules="".join(f"- {rule}\n" for rule in company.PRIORITY_RULES + company.VOICE_RULES),
        week=company.WEEK_FEE,
        box=company.BOX_FEE,
        bonus=company.BROKEN_BONUS,
        samples="\n".join(samples),
    )


def write(folder):
    """Write all files of data/toy_desk into a folder, which is created if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    splits = {split: generate.records(split) for split in generate.SIZES}
    for split, records in splits.items():
        write_records(folder / f"{split}.jsonl", records)
    write_atomically(folder / "facts.csv", sheet())
    write_atomically(folder / "README.md", readme(splits))


if __name__ == "__main__":
    write(FOLDER)
    print("Wrote data/toy_desk.")
