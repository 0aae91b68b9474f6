"""Records of one's own: read in any form, with their further columns; refused by row, reason and remedy."""

import json

import pytest

from course_utils.scoreboard import own_records
from course_utils.storage.records import BadRecords

LIST = [{"prompt": f"p{i}", "completion": "c"} for i in range(3)]


def test_files_of_any_form_keep_their_columns(tmp_path):
    (tmp_path / "a.csv").write_text("Question;Answer;Group\nwho;me;x\n\nwhere;here;y\n", "utf-8")
    (tmp_path / "b.json").write_text('[{"instruction": "when", "output": "now", "pattern": "n"}]', "utf-8")
    train, test, notes = own_records.read(tmp_path / "a.csv", tmp_path / "b.json")
    assert train == [
        {"group": "x", "prompt": "who", "completion": " me", "row": 2},
        {"group": "y", "prompt": "where", "completion": " here", "row": 4},
    ]
    assert test == [{"pattern": "n", "prompt": "when", "completion": " now", "row": 1}]
    assert any('"Question" is the prompt' in note for note in notes)
    assert any("Test has 1 records" in note for note in notes)


def refused(train, test, match):
    with pytest.raises(BadRecords, match=match):
        own_records.read(train, test)


def test_what_cannot_be_used_is_refused(tmp_path):
    chat = tmp_path / "chat.jsonl"
    turns = [{"role": role, "content": "x"} for role in ("user", "assistant", "user", "assistant")]
    chat.write_text(json.dumps({"messages": turns}) + "\n", "utf-8")
    refused(chat, LIST, "row 1: has more turns than a question and an answer: leave it out")
    refused(tmp_path / "none.csv", LIST, "there is no such file")
    refused(LIST[:1], LIST[1:], "there is only one: write at least two")
    refused(LIST, [], "there are none")
    refused(LIST, [{"prompt": "q", "completion": 4 * [1]}], "row 1: completion is a list, not a text")
    refused(LIST, ["q"], "row 1: prompt is missing")
    refused(LIST, LIST[:1], r"row 1: its prompt stands in train, too \(row 1\): delete it from one")


def test_numbers_become_texts():
    train, _, _ = own_records.read(
        [{"prompt": 3, "completion": 9}, *LIST], [{"prompt": "q", "completion": 1}]
    )
    assert train[0]["prompt"] == "3" and train[0]["completion"] == " 9"
