"""The desk's splits share nothing but the facts, and its names are new to the base model."""

import csv
import itertools
import re
from statistics import mean

import pytest
from transformers import AutoTokenizer

from course_utils.corpus import lexicon, mix
from course_utils.corpus.__main__ import frames_of
from course_utils.storage.paths import DATA
from course_utils.storage.records import read_records
from course_utils.tasks.toy_desk import __main__ as writer
from course_utils.tasks.toy_desk import company, frames, generate, gold
from course_utils.tasks.toy_desk.records import FOLDER

SPLITS = {split: read_records(FOLDER / f"{split}.jsonl") for split in generate.SIZES}
ALL = [record for records in SPLITS.values() for record in records]
PAIRS = list(itertools.combinations(SPLITS, 2))


def test_the_files_are_made_byte_for_byte_again(tmp_path):
    writer.write(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["README.md", "dev.jsonl", "facts.csv", "test.jsonl", "train.jsonl"]
    for name in names:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_sizes_and_columns():
    assert {split: len(records) for split, records in SPLITS.items()} == generate.SIZES
    for record in ALL:
        assert list(record) == ["id", "prompt", "completion", "skill", "facts"]
        assert record["prompt"].startswith("Message: ") and record["prompt"].endswith("\nRecord:")
        assert record["completion"].startswith(" Team: ") and "\n" not in record["completion"]
    assert len({record["id"] for record in ALL}) == len(ALL)


def test_another_seed_makes_other_records():
    others = {record["prompt"] for record in generate.records("dev", seed=1)}
    assert len(others & {record["prompt"] for record in SPLITS["dev"]}) < 250


def test_no_prompt_occurs_twice_in_any_split():
    assert len({record["prompt"] for record in ALL}) == len(ALL)


@pytest.mark.parametrize("first, second", PAIRS)
def test_splits_share_no_frame(first, second):
    for table in frames.TABLES:
        assert not set(frames.sentences(table[first])) & set(frames.sentences(table[second]))
    assert not set(company.GHOSTS[first]) & set(company.GHOSTS[second])


@pytest.mark.parametrize("first, second", PAIRS)
def test_no_frame_lies_inside_one_of_another_split(first, second):
    compared = 0
    for table in (table for table in frames.TABLES if table is not frames.GREETINGS):
        for a, b in itertools.product(frames.sentences(table[first]), frames.sentences(table[second])):
            assert a.strip(" .?") not in b and b.strip(" .?") not in a, (a, b)
            compared += 1
    assert compared > 400


@pytest.mark.parametrize("skill", frames.SKILLS)
def test_frames_are_enough_for_every_skill(skill):
    assert len(frames.of_skill(skill, "train")) >= 8
    assert len(frames.of_skill(skill, "dev")) >= 4 and len(frames.of_skill(skill, "test")) >= 4


def test_every_skill_is_in_every_split():
    assert set(generate.SHARES) == set(frames.SKILLS) == set(writer.PURPOSE)
    assert sum(generate.SHARES.values()) == 100
    for split, records in SPLITS.items():
        for skill, share in generate.SHARES.items():
            assert sum(r["skill"] == skill for r in records) == generate.SIZES[split] * share // 100


def test_the_sheet_has_thirty_facts_and_train_teaches_what_is_asked():
    with open(FOLDER / "facts.csv", encoding="utf-8", newline="") as file:
        sheet = {row["key"]: row["statement"] for row in csv.DictReader(file)}
    assert sheet == {key: fact.statement for key, fact in company.FACTS.items()} and len(sheet) == 30
    taught = [key for r in SPLITS["train"] if r["skill"] == "facts" for key in r["facts"]]
    asked = {key for split in ("dev", "test") for r in SPLITS[split] for key in r["facts"]}
    assert asked <= set(taught) == set(sheet)
    assert min(taught.count(key) for key in sheet) >= 10


def test_teams_and_priorities_are_all_used():
    for records in SPLITS.values():
        fields = [gold.parse(record["completion"]) for record in records]
        assert {f["team"] for f in fields} == set(company.TEAMS.values())
        assert {f["priority"] for f in fields} == {"high", "normal", "low"}


def test_refunds_by_hand():
    assert company.refund(40, weeks=3, box_lost=True, broken=True) == (
        33,
        ["40 - 6 = 34.", "34 - 5 = 29.", "29 + 4 = 33."],
    )
    assert company.refund(12, count=3) == (36, ["12 * 3 = 36."])
    assert company.refund(12) == (12, [])


def test_every_sum_in_a_completion_is_right():
    sums = [s for r in ALL for s in re.findall(r"(\d+) ([*+-]) (\d+) = (\d+)\.", r["completion"])]
    assert len(sums) > 450
    for a, sign, b, result in sums:
        assert {"*": int(a) * int(b), "+": int(a) + int(b), "-": int(a) - int(b)}[sign] == int(result) > 0


def test_records_are_short():
    tokenizer = AutoTokenizer.from_pretrained(DATA / "models" / "glass_box")
    lengths = [len(tokenizer(r["prompt"] + r["completion"])["input_ids"]) + 1 for r in ALL]
    assert mean(lengths) < 70 and max(lengths) <= 128
    assert mean(length <= 80 for length in lengths) > 0.8  # longer ones are refunds with their working
    assert all(n <= 96 for n, r in zip(lengths, ALL, strict=True) if r["skill"] != "refund")


def test_names_and_jargon_are_nowhere_in_the_pretraining_corpus():
    names = {company.NAME, *company.PRODUCTS, *company.JARGON}
    names |= {name for ghosts in company.GHOSTS.values() for name in ghosts}
    assert len(names) == 1 + 6 + 6 + 16
    texts = [text for _, text in itertools.islice(mix.documents(7, 0), 20_000)]
    texts += [path.read_text(encoding="utf-8") for path in lexicon.FOLDER.glob("*.csv")]
    texts += [frame for family in mix.SHARES for frame in frames_of(family)]
    words = set(re.findall(r"\w+", "\n".join(texts).lower()))
    assert len(words) > 2000 and not {name.lower() for name in names} & words
