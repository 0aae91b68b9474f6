"""The help desk's splits share nothing but the shop, and its files are made again byte for byte."""

import csv
import itertools
import re
from collections import Counter
from statistics import mean

import pytest

from course_utils.storage.records import read_records
from course_utils.tasks.helpdesk import __main__ as writer
from course_utils.tasks.helpdesk import frames, generate, gold, mixed_quality, shop
from course_utils.tasks.helpdesk.prompting import facts_for, instruction, message_of, prompt

SPLITS = {split: read_records(frames.FOLDER / f"{split}.jsonl") for split in generate.SIZES}
ALL = [record for records in SPLITS.values() for record in records]
FRAMES = frames.frames()
TEXTS = {frame["id"]: frame["text"].replace("{p2}", "") for frame in FRAMES}
INTENTS = {*shop.STEPS, *shop.FACTS}
COLUMNS = ["id", "prompt", "completion", "kind", "intents", "products", "facts", "name", "order",
           "needs_order", "angry", "frames"]  # fmt: skip


def test_the_files_are_made_byte_for_byte_again(tmp_path):
    writer.write(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    stored = {path.name: path.read_bytes() for path in frames.FOLDER.iterdir()}
    assert set(stored) - set(made) == {"frames.jsonl", "preferences.jsonl"} and set(made) <= set(stored)
    for name, content in made.items():
        assert content == stored[name], name


def test_sizes_and_columns():
    assert {split: len(records) for split, records in SPLITS.items()} == generate.SIZES
    for record in ALL:
        assert list(record) == COLUMNS
        assert record["prompt"] == prompt(message_of(record)) and "\n" not in message_of(record)
        assert record["completion"].startswith(' {"team": "') and "\n" not in record["completion"]
    assert len({record["id"] for record in ALL}) == len(ALL)


def test_no_message_occurs_twice():
    assert len({message_of(record).lower() for record in ALL}) == len(ALL)


def test_another_seed_makes_other_records():
    others = {record["prompt"] for record in generate.records("dev", seed=1)}
    assert len(others & {record["prompt"] for record in SPLITS["dev"]}) < 30


def test_frames_are_many_and_each_is_in_one_split():
    assert len(FRAMES) >= 240 and len({frame["id"] for frame in FRAMES}) == len(FRAMES)
    assert len({frame["text"].lower() for frame in FRAMES}) == len(FRAMES)
    teams = Counter(shop.team_of(frame["intent"]) for frame in FRAMES)
    assert set(teams) == set(shop.TEAMS) and min(teams.values()) >= 35
    shares = Counter(frame["split"] for frame in FRAMES)
    assert shares["train"] / len(FRAMES) > 0.5 and min(shares.values()) / len(FRAMES) > 0.15


@pytest.mark.parametrize("split", generate.SIZES)
def test_every_intent_and_fact_is_in_every_split(split):
    assert {frame["intent"] for frame in FRAMES if frame["split"] == split} == INTENTS
    counts = Counter(intent for record in SPLITS[split] for intent in record["intents"])
    assert set(counts) == INTENTS and min(counts.values()) >= 4
    assert {gold.parse(record["completion"])["team"] for record in SPLITS[split]} == set(shop.TEAMS)
    assert {gold.parse(record["completion"])["priority"] for record in SPLITS[split]} == set(shop.PRIORITIES)


def test_train_teaches_each_fact_often():
    counts = Counter(fact for record in SPLITS["train"] for fact in record["facts"])
    assert set(counts) == set(shop.FACTS) and min(counts.values()) >= 15


@pytest.mark.parametrize("first, second", itertools.combinations(generate.SIZES, 2))
def test_splits_share_no_frame_and_no_line(first, second):
    used = [{frame for record in SPLITS[split] for frame in record["frames"]} for split in (first, second)]
    assert not used[0] & used[1]
    for table in (frames.URGENT, frames.PATIENT, frames.ANGRY, frames.IGNORED, frames.ASIDES):
        assert not set(table[first]) & set(table[second])


def test_a_record_uses_frames_of_its_own_split_and_all_are_used():
    for split, records in SPLITS.items():
        own = {frame["id"] for frame in FRAMES if frame["split"] == split}
        assert {frame for record in records for frame in record["frames"]} == own


def test_no_slot_is_left_open_and_no_name_or_number_is_mistyped():
    for record in ALL:
        message = message_of(record)
        assert not re.search(r"[{}]|\[\[|\]\]| {2}", message), message
        assert record["name"] is None or record["name"].lower() in message.lower()
        assert record["order"] is None or record["order"] in message
        for frame, product in zip(record["frames"], record["products"], strict=True):
            one = product.removesuffix("s")  # in the plural for quotes only, where a guest gets one
            assert "{p" not in TEXTS[frame] or one in message.lower(), message


def test_messages_and_replies_are_short():
    messages = [len(message_of(record).split()) for record in ALL]
    assert max(messages) <= generate.MOST_WORDS and mean(15 <= words <= 60 for words in messages) > 0.8
    replies = [len(gold.parse(record["completion"])["reply"].split()) for record in ALL]
    assert max(replies) <= shop.MOST_WORDS and mean(replies) < 20


def test_priorities_by_hand():
    assert shop.priority(["trace"]) == "normal" and shop.priority(["trace"], patient=True) == "low"
    assert shop.priority(["trace"], angry=True) == shop.priority(["gift_wrap"], urgent=True) == "high"
    assert shop.priority(["danger"]) == shop.priority(["security"]) == "high"
    assert shop.priority(["gift_wrap"]) == shop.priority(["howto", "stock"]) == "low"
    assert shop.priority(["trace", "gift_wrap"]) == "normal"


@pytest.mark.parametrize(
    "intents, first",
    [
        (("danger", "charge"), "danger"),
        (("close", "invoice"), "invoice"),
        (("security", "refund_time"), "security"),
        (("newsletter", "return_fee"), "newsletter"),
        (("gift_wrap", "price_match"), "price_match"),
    ],
)
def test_precedence_by_hand(intents, first):
    assert shop.by_precedence(list(intents))[0] == shop.by_precedence(list(intents)[::-1])[0] == first


def test_two_requests_belong_to_two_teams_and_the_first_decides():
    pairs = [record for record in ALL if record["kind"] == "two_requests"]
    assert len(pairs) == 96 + 24 + 40  # 8 per cent of each split
    for record in pairs:
        assert len({shop.team_of(intent) for intent in record["intents"]}) == 2
        assert gold.parse(record["completion"])["team"] == shop.team_of(record["intents"][0])


def test_the_policy_sheet_is_that_of_the_shop():
    with open(frames.FOLDER / "policies.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["key"]: row["statement"] for row in rows} == {k: f.statement for k, f in shop.FACTS.items()}


def test_the_instruction_is_short_and_names_the_teams():
    assert len(instruction().split()) <= 90 and all(team in instruction() for team in shop.TEAMS)


def test_retrieval_finds_most_facts_that_dev_asks_for():
    asked = [(record, fact) for record in SPLITS["dev"] for fact in record["facts"]]
    hits = [shop.FACTS[fact].statement in facts_for(message_of(record), k=3) for record, fact in asked]
    assert mean(hits) > 0.85
    assert facts_for("How much is gift wrapping?", k=1) == ["Gift wrapping costs $4 per item."]
    assert len(facts_for("hello", k=5)) == 5


def test_low_data_is_nested_and_stratified():
    train = SPLITS["train"]
    small, middle, large = (generate.low_data(train, size) for size in (25, 100, 400))
    assert small == middle[:25] and middle == large[:100] and len(large) == 400
    assert len({record["id"] for record in large}) == 400
    shares = Counter(shop.team_of(record["intents"][0]) for record in train)
    for subset in (small, middle, large):
        counts = Counter(shop.team_of(record["intents"][0]) for record in subset)
        assert all(abs(counts[team] - len(subset) * shares[team] / len(train)) <= 1.5 for team in shares)
    assert generate.low_data(train, 25, seed=1) != small
    with pytest.raises(ValueError, match="between 1 and 1200"):
        generate.low_data(train, 1201)


def test_mixed_quality_is_half_good_and_each_flaw_breaks_its_rule():
    stored = read_records(frames.FOLDER / "mixed_quality.jsonl")
    by_id = {record["id"]: record for record in SPLITS["train"]}
    flaws = Counter(record["flaw"] for record in stored)
    assert 0.42 < flaws["none"] / len(stored) < 0.58 and set(flaws) == {"none", *mixed_quality.FLAWS}
    assert min(flaws.values()) >= 40
    for record in stored:
        assert record["prompt"] == by_id[record["id"]]["prompt"]
        broken = gold.broken_rules(by_id[record["id"]], record["completion"])
        if record["flaw"] == "none":
            assert record["completion"] == by_id[record["id"]]["completion"]
        elif record["flaw"] == "curt":
            assert {"next step missing", "fact missing or wrong"} & set(broken)
        else:
            assert mixed_quality.FLAWS[record["flaw"]] in broken, (record["flaw"], broken)
