"""Writes data/helpdesk: the records, the policy sheet, the brand guide and the README.

python -m course_utils.tasks.helpdesk
"""

import csv
import io
import itertools
from collections import Counter

from course_utils.storage.files import write_atomically
from course_utils.storage.records import write_records
from course_utils.tasks.helpdesk import frames, generate, gold, mixed_quality, shop, trivial
from course_utils.tasks.helpdesk.prompting import instruction

README = """# The help desk

The task of the course's scoreboard: messages to {shop}, an online shop that does not exist, and one line of
JSON for each: the team that gets the message, its priority, and a reply to the customer. Everything here was
written for this course, under the course's MIT license, but the replies in `preferences.jsonl`: SmolLM2
(Apache 2.0) wrote them. `python -m course_utils.tasks.helpdesk` makes all files but that one from
`frames.jsonl` and the seed {seed}: the same bytes on every machine.

| file | what |
|---|---|
| `train.jsonl`, `dev.jsonl`, `test.jsonl` | 1,200, 300 and 500 records; `test` is frozen |
| `frames.jsonl` | {frames} hand-written messages with slots: see below |
| `mixed_quality.jsonl` | {mixed} of the training records, about half of them with a flaw, in the column \
`flaw` |
| `preferences.jsonl` | pairs of replies to one message, which SmolLM2 sampled after fine-tuning on \
records of mixed quality, the better one by the rules below, and the reason in words; made by \
`python -m course_utils.rlhf.sample_pairs`. `split`: `train` asks messages of `train.jsonl`, `held_out` \
those of `dev.jsonl` |
| `policies.csv` | the policy sheet: {facts} facts, with the columns `key`, `team`, `statement` and `topic` |
| `brand_guide.md` | how the shop writes, for people |

Columns of a record: `id`; `prompt`, the message and the word `Answer:`; `completion`, a right answer in one
line with a space in front; `kind`, see below; `intents`, what the customer wants, the one that decides the
team first; `products`, what each intent is about; `facts`, the keys of the facts asked for; `name`, as the
customer gives it, or null; `order`, the order number, or null; `needs_order`, whether the shop needs one;
`angry`; `frames`, the frames in it.

Columns of a frame: `id`, `split`, `intent`, `angry`, `goods` (what it may be about: "any", a group or a list)
and `text`; some are `steady` (no line of haste or patience suits them) or `gentle` (no angry line does).

## How it was made

A message is one frame, or two, with a product, names, numbers and towns in its slots, perhaps with a line of
haste, patience, anger or small talk, dressed as an email, a chat, a web form or a bare note, some with typing
errors. The intents come with the frames, so the right team, priority and reply follow from rules and are
not anybody's opinion. **The splits share no frame**, no line of haste, patience, anger or small talk, and no
message; {new} first names and {newp} products occur in dev and test only. Every fact and every intent is in
every split. Records of one frame resemble each other: an interval for test should know that it has
{testframes} frames, not only 500 records.

| kind | train | dev | test | what |
|---|---|---|---|---|
{kinds}

| team | train | dev | test | frames of the three |
|---|---|---|---|---|
{teams}

## The rules

**Teams.** {shop} has six, here in the order of precedence.

{team_rules}

{precedence}

**Priority.**

{priorities}
Angry is who {angry}.

**The reply** keeps the brand guide:

{guide}
The policy sheet:

{sheet}
What happens next, by intent; several get the same sentence. Where an order number is needed and missing, the
reply asks for it.

| intent | team | when | the reply says |
|---|---|---|---|
{steps}

## One record of each kind

{samples}
## Grading and reward

`gold.grade(record, reply)` says whether form, team, priority and reply are right, and `whole` if all are. The
reply may be worded freely: patterns look for the right fact or next step and for broken rules
(`gold.broken_rules`). What patterns cannot see is not graded: grammar, taste, and odd wordings of either
kind. `gold.gold_reward` is from -2 to 1:

| the reply | reward |
|---|---|
| is not in the form | -2 |
| is right in all | 1 |

and for each mistake less, though never below -2:

| mistake | reward |
|---|---|
| another team | {team_loss:g} |
| another priority | {priority_loss:g} |
{penalties}

What each kind of reply earns on test, on average. The last column is for the same replies with the right team
and priority, as a model may have learned to give them.

| policy | whole | reward | with the right labels |
|---|---|---|---|
{policies}

## Mixed quality

`mixed_quality.jsonl` is for lessons on what imitation copies and feedback can mend. Team and priority are
right.

{flaws}

## Limits

One shop, one language, one culture of complaint; one or two requests and one message each; replies from a
small repertoire. The customers are invented, and so are their names. A model that does well here has learned
this desk, and nothing is said about others.
"""
KINDS = {
    "single": "one calm request, for which something has to be done or found out",
    "fact": "a calm question that the policy sheet answers",
    "angry": "one request or question of an angry customer",
    "two_requests": "two requests of different teams, one customer in five angry",
}


def sheet():
    """The text of policies.csv."""
    table = io.StringIO(newline="")
    rows = [("key", "team", "statement", "topic")]
    rows += [(key, fact.team, fact.statement, fact.topic) for key, fact in shop.FACTS.items()]
    csv.writer(table, lineterminator="\n").writerows(rows)
    return table.getvalue()


def brand_guide():
    """The text of brand_guide.md."""
    guide = "".join(f"{number}. {rule}\n" for number, rule in enumerate(shop.BRAND_GUIDE, 1))
    return (
        f"# How {shop.NAME} writes to its customers\n\n{guide}\nAngry is who {shop.ANGRY}. A customer who is "
        "disappointed, worried or in a hurry is not angry.\n\n## In brief, as a model is told\n\n"
        f"> {instruction()}\n"
    )


def readme(splits, mixed):
    """The text of README.md for {split: records} and the records of mixed quality."""
    rows = trivial.trivial_policies(splits["train"], splits["test"])
    return README.format(
        shop=shop.NAME,
        seed=generate.SEED,
        frames=len(frames.frames()),
        mixed=len(mixed),
        facts=len(shop.FACTS),
        new=len(frames.NEW_FIRST_NAMES),
        newp=len(frames.NEW_PRODUCTS),
        testframes=sum(frame["split"] == "test" for frame in frames.frames()),
        kinds=_kinds(splits),
        teams=_teams(splits),
        team_rules="\n".join(f"1. `{team}`: {what}" for team, what in shop.TEAMS.items()),
        precedence=shop.PRECEDENCE,
        priorities="".join(f"- `{level}`: {when}.\n" for level, when in shop.PRIORITIES.items()),
        angry=shop.ANGRY,
        guide="".join(f"1. {rule}\n" for rule in shop.BRAND_GUIDE),
        sheet="".join(f"- {fact.statement} (`{key}`, {fact.team})\n" for key, fact in shop.FACTS.items()),
        steps="\n".join(map(_step, shop.STEPS)),
        samples="\n".join(_samples(splits["train"])),
        team_loss=gold.TEAM,
        priority_loss=gold.PRIORITY,
        penalties="\n".join(f"| {rule} | {loss:g} |" for rule, loss in gold.PENALTIES.items()),
        policies="\n".join(map(_policy, rows)),
        flaws=_flaws(mixed),
    )


def _step(intent):
    step = shop.STEPS[intent]
    says = shop.SENTENCES[step.says]
    says = (says.given or says.missing).format(o="…", p="…")
    return f"| {intent} | {step.team} | {step.meaning} | {says} |"


def _policy(row):
    numbers = (f"{row[column]:.2f}" for column in ("whole", "reward", "reward_with_labels"))
    return f"| {row['policy']} | {' | '.join(numbers)} |"


def _kinds(splits):
    counts = {split: Counter(record["kind"] for record in records) for split, records in splits.items()}
    return "\n".join(
        f"| {kind} | {' | '.join(str(counts[split][kind]) for split in splits)} | {what} |"
        for kind, what in KINDS.items()
    )


def _teams(splits):
    counts = {s: Counter(shop.team_of(r["intents"][0]) for r in records) for s, records in splits.items()}
    used = Counter((frame["split"], shop.team_of(frame["intent"])) for frame in frames.frames())
    return "\n".join(
        f"| {team} | {' | '.join(str(counts[split][team]) for split in splits)} | "
        f"{', '.join(str(used[split, team]) for split in splits)} |"
        for team in shop.TEAMS
    )


def _samples(records):
    """Two records of each kind, the first and one with the other answer to "is there an order number?"."""
    for kind in KINDS:
        own = [record for record in records if record["kind"] == kind]
        other = next(record for record in own if bool(record["order"]) != bool(own[0]["order"]))
        texts = (f"```text\n{record['prompt']}{record['completion']}\n```\n" for record in (own[0], other))
        yield f"### {kind}\n\n" + "\n".join(texts)


def _flaws(mixed):
    """A table of the flaws with their numbers and an example of each."""
    lines = ["| flaw | records | an example |", "|---|---|---|"]
    for flaw in ("none", *mixed_quality.FLAWS):
        own = [record for record in mixed if record["flaw"] == flaw]
        lines.append(f"| {flaw} | {len(own)} | {gold.parse(own[0]['completion'])['reply']} |")
    return "\n".join(lines)


def write(folder):
    """Write all files of data/helpdesk but the frames into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    splits = {split: generate.records(split) for split in generate.SIZES}
    mixed = mixed_quality.records(splits["train"])
    for name, records in itertools.chain(splits.items(), [("mixed_quality", mixed)]):
        write_records(folder / f"{name}.jsonl", records)
    write_atomically(folder / "policies.csv", sheet())
    write_atomically(folder / "brand_guide.md", brand_guide())
    write_atomically(folder / "README.md", readme(splits, mixed))


if __name__ == "__main__":
    write(frames.FOLDER)
    print("Wrote data/helpdesk.")
