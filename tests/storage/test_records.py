"""Reading and writing records: what is refused, in which words, and that nothing else can happen."""

import json
import os
import pickle
import random

import pytest

from course_utils.storage.records import BadRecords, read_records, write_records

GOOD = {"prompt": "Which team?", "completion": "Routes"}
LINE = json.dumps(GOOD)
HEAD = "prompt,completion\n"


def refusal(tmp_path, content, name="f.jsonl", **options):
    """The message with which a file of this content is refused."""
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    with pytest.raises(BadRecords) as caught:
        read_records(file, **options)
    return str(caught.value)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_reads_both_formats(tmp_path, mark, end):
    second = {"prompt": 'say "a, b"', "completion": "x", "id": "2", "note": ""}
    records = [GOOD | {"id": "1", "note": "ü"}, second]
    lines = [json.dumps(r, ensure_ascii=False) for r in records]
    (tmp_path / "f.JSONL").write_bytes(mark + (end + end).join(lines).encode())
    table = ["prompt, completion ,id,note", "Which team?,Routes,1,ü", "", '"say ""a, b""",x,2,']
    (tmp_path / "f.csv").write_bytes(mark + end.join(table).encode())
    assert read_records(tmp_path / "f.JSONL") == read_records(str(tmp_path / "f.csv")) == records


BAD_JSONL = {
    LINE + "\n{nope": "row 2: not JSON",
    LINE + "\n[1]": "row 2: not an object",
    LINE + "\n\n3": "row 3: not an object",
    '{"prompt": "a"}': "row 1: completion is missing",
    '{"prompt": " \\n", "completion": "b"}': "row 1: prompt is empty",
    '{"prompt": 3, "completion": "b"}': "row 1: prompt is a number, not a text",
    '{"prompt": true, "completion": null}': "row 1: completion is null",
    '{"prompt": ["a"], "completion": "b"}': "prompt is a list",
    '{"prompt": "a\\u0007", "completion": "b"}': "control character (U+0007)",
    '{"prompt": "a\\u0000", "completion": "b"}': "control character (U+0000)",
    '{"prompt": "a\\u0085", "completion": "b"}': "control character (U+0085)",
    '{"prompt": "\\ud83d", "completion": "b"}': "half a character",
    '{"prompt": "a", "completion": "b", "x": NaN}': "NaN is not a JSON number",
    '{"prompt": "a", "prompt": "c", "completion": "b"}': "a key appears twice",
    '{"prompt": "a", "completion": "b", "id": ""}': "id must be",
    '{"prompt": "a", "completion": "b", "id": [1]}': "id must be",
    '{"prompt": "a", "completion": "b", "x": 1%s}' % ("0" * 5000): "not usable JSON",
    "[" * 100_000: "nested too deeply",
    "": "it has no records",
    "\n \n": "it has no records",
    LINE + "\n\0": "row 2: it has a NUL byte",
    LINE.encode() + b"\n\xff\xfe": "row 2: it is not in UTF-8",
    LINE.encode("utf-16"): "UTF-16",
}
BAD_CSV = {
    "prompt;completion\na;b\n": "use commas",
    "prompt,answer\na,b\n": 'the header lacks the column "completion"',
    "prompt,completion,prompt\na,b,c\n": "two columns of the header have the same name",
    "prompt,completion,\na,b,\n": "a column of the header has no name",
    HEAD: "it has no records",
    HEAD + "a,b\nc\n": "row 3: 1 cells where the header has 2",
    HEAD + "a,b,c\n": "row 2: 3 cells where the header has 2",
    HEAD + 'a,"b\n': "row 2: not CSV",
    HEAD + 'a,"b"c\n': "row 2: not CSV",
    HEAD + "a," + "b" * 200_000: "row 2: not CSV",
    HEAD + 'a,"b\nb"\nc,\n': "row 3: completion is empty",
    HEAD + "a,\0b\n": "row 2: it has a NUL byte",
    "prompt,completion,id\na,b,7\nc,d,7\n": "row 3: the same id as row 2",
}


@pytest.mark.parametrize("content, reason", BAD_JSONL.items(), ids=BAD_JSONL.values())
def test_refuses_bad_jsonl(tmp_path, content, reason):
    assert reason in refusal(tmp_path, content)


@pytest.mark.parametrize("content, reason", BAD_CSV.items(), ids=BAD_CSV.values())
def test_refuses_bad_csv(tmp_path, content, reason):
    assert reason in refusal(tmp_path, content, "f.csv")


def test_refuses_what_is_not_a_file_of_records(tmp_path):
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl") if hasattr(os, "mkfifo") else None
    for name, reason in {
        "folder.jsonl": "folder",
        "missing.jsonl": "no such file",
        "pipe.jsonl": "file",
        "nul\0.jsonl": "file",
        "x" * 300 + ".jsonl": "File name too long",
    }.items():
        with pytest.raises(BadRecords, match=reason):
            read_records(tmp_path / name)
    assert "must end in .jsonl" in refusal(tmp_path, LINE, "f.txt")


def test_length_limit_is_inclusive(tmp_path):
    text = json.dumps({"prompt": "a" * 10, "completion": "b"})
    assert "prompt has 10 characters, more than 9" in refusal(tmp_path, text, max_chars=9)
    assert len(read_records(tmp_path / "f.jsonl", max_chars=10)) == 1
    assert len(read_records(tmp_path / "f.jsonl", max_chars=None)) == 1


def test_number_and_text_ids_are_one_id(tmp_path):
    lines = [json.dumps(GOOD | {"id": name}) for name in (7, "7")]
    assert "row 2: the same id as row 1" in refusal(tmp_path, "\n".join(lines))


def test_message_shows_twenty_rows_and_the_count(tmp_path):
    message = refusal(tmp_path, "\n".join(["{}"] * 15))  # two fields missing in each
    assert message.startswith("cannot use f.jsonl: 30 problems") and message.endswith("… and 10 more")
    assert len(message.splitlines()) == 22
    assert str(tmp_path) not in message


def test_problems_come_in_order_of_rows_and_survive_pickling(tmp_path):
    (tmp_path / "f.jsonl").write_text("{}\nnope\n{}")
    with pytest.raises(BadRecords) as caught:
        read_records(tmp_path / "f.jsonl")
    assert [row for row, _ in caught.value.problems] == [1, 1, 2, 3, 3]
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def random_text(draw):
    alphabet = "ab ü\u2028\u00a0\r\n\t\",;\\😀\ufeff'"
    return "".join(draw.choice(alphabet) for _ in range(draw.randrange(1, 12))) + "."


@pytest.mark.parametrize("name", ["f.jsonl", "f.csv"])
def test_written_records_come_back(tmp_path, name):
    draw = random.Random(0)
    for _ in range(100):
        records = [
            {name: random_text(draw) for name in ("prompt", "completion", "x")} | {"id": str(i)}
            for i in range(draw.randrange(1, 5))
        ]
        write_records(tmp_path / name, records)
        assert read_records(tmp_path / name) == records


def test_refused_records_leave_the_old_file(tmp_path):
    for name, records in {
        "f.jsonl": [{"prompt": "a"}],
        "f.csv": [GOOD, GOOD | {"id": "1"}],
        "g.csv": [GOOD | {"facts": ["a"]}],
        "h.csv": [GOOD | {"note": "\0"}],
        "e.jsonl": [],
        "f.txt": [GOOD],
        "i.jsonl": [GOOD | {"note": {1}}],
    }.items():
        (tmp_path / name).write_text("old")
        with pytest.raises(BadRecords):
            write_records(tmp_path / name, records)
        assert (tmp_path / name).read_text() == "old"


def test_damaged_files_are_read_or_refused_never_worse(tmp_path):
    """Good files, damaged at random: a list of usable records comes back, or BadRecords."""
    draw, refused, read = random.Random(1), 0, 0
    splinters = rb'" , ; \ { } [ \u \ud800 1e999 NaN null "prompt"'.split()
    splinters += [b"\0", b"\n", b"\r", b"\x1b", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe2\x80\xa8"]
    whole = []
    for name in ("f.jsonl", "f.csv") * 10:
        write_records(tmp_path / name, [GOOD | {"id": str(i), "x": random_text(draw)} for i in range(3)])
        whole.append((name, (tmp_path / name).read_bytes()))
    for turn in range(1_000):
        name, good = draw.choice(whole)
        raw = bytearray(good)
        for _ in range(draw.randrange(1, 4)):  # one to three wounds
            at, kind = draw.randrange(len(raw) + 1), draw.randrange(4)
            if kind == 0:
                raw[at:at] = draw.choice(splinters)
            elif kind == 1:
                del raw[at : at + draw.randrange(1, 20)]
            elif kind == 2:
                raw[at : at + 1] = bytes([draw.randrange(256)])
            else:
                raw[at:at] = raw[: draw.randrange(40)]
        (tmp_path / name).write_bytes(raw)
        try:
            records = read_records(tmp_path / name)
        except BadRecords as error:
            assert error.problems and len(str(error).splitlines()) <= 22
            refused += 1
        else:
            assert records and all(r["prompt"].strip() and r["completion"].strip() for r in records)
            read += 1
            if turn % 10 == 0:
                write_records(tmp_path / "again.jsonl", records)
                assert read_records(tmp_path / "again.jsonl") == records
    assert refused > 300 and read > 100


def test_noise_is_refused(tmp_path):
    draw = random.Random(2)
    for turn in range(500):
        name = ("f.jsonl", "f.csv")[turn % 2]
        assert "cannot use" in refusal(tmp_path, draw.randbytes(draw.randrange(200)), name)


def jsonl_faults(draw, record):
    """One damaged line, from the many ways in which a line of JSON can be wrong for sure."""
    line, field = json.dumps(record, ensure_ascii=False), draw.choice(("prompt", "completion"))
    return draw.choice(
        [
            line[: draw.randrange(1, len(line))],
            line + draw.choice(("}", ",", " x", line)),
            line.replace('"prompt"', '"Prompt"', 1),
            line[:-1] + f', "{field}": "b"}}',
            line[:-1] + draw.choice((', "x": NaN}', ', "x": 1e999}', ', "x": "\\ud83d"}', ', "x": [[}')),
            json.dumps(record | {field: draw.choice(("", " \n", 3, None, True, ["a"], {"a": 1}, "a\x07"))}),
            json.dumps(record | {"id": draw.choice(("", [], None, True, 1.5, "first"))}),
            json.dumps([record]),
            json.dumps(random_text(draw)),
            b"\xff".join((line[:9].encode(), line[9:].encode())),
            b"\0".join((line[:9].encode(), line[9:].encode())),
        ]
    )


def csv_faults(draw, record):
    """One damaged row of a table with the columns id, prompt and completion."""
    cells = ['"' + text.replace('"', '""') + '"' for text in record.values()]
    return draw.choice(
        [
            ",".join(cells[: draw.randrange(1, 3)]),
            ",".join([*cells, draw.choice(("", "x"))]),
            ",".join([*cells[:2], draw.choice(('""', '" "', '"a\x07"', "", '"a"b'))]),
            ",".join([cells[0], draw.choice(('""', '" "', '"a\x1b"', "", '"a" b')), cells[2]]),
            ",".join([draw.choice(('""', '" "', "first")), *cells[1:]]),
            ",".join(cells)[:-1],  # a quote that is never closed
            b"\xfe".join((",".join(cells[:2]).encode(), cells[2].encode())),
            b"\0".join((",".join(cells[:2]).encode(), cells[2].encode())),
        ]
    )


@pytest.mark.parametrize("name, faults", [("f.jsonl", jsonl_faults), ("f.csv", csv_faults)])
def test_a_file_with_one_bad_row_is_never_half_read(tmp_path, name, faults):
    """A thousand files of each kind, all malformed: every one is refused, none crashes the reader."""
    draw = random.Random(name)
    for turn in range(1_000):
        rows = [{"id": "first", "prompt": "a", "completion": "b"}]
        rows += [{"id": str(i)} | {f: random_text(draw) for f in ("prompt", "completion")} for i in range(4)]
        write_records(tmp_path / name, rows[: draw.randrange(1, 4)])
        good = (tmp_path / name).read_bytes()
        bad = faults(draw, rows[4])
        after = (
            b"" if draw.random() < 0.5 else b"\n" + (json.dumps(GOOD) if "json" in name else "9,a,b").encode()
        )
        (tmp_path / name).write_bytes(good + (bad if isinstance(bad, bytes) else bad.encode()) + after)
        with pytest.raises(BadRecords) as caught:
            read_records(tmp_path / name)
        assert caught.value.problems, turn


def test_a_notebook_shows_the_sentences_and_no_traceback(tmp_path):
    with pytest.raises(BadRecords) as caught:
        read_records(tmp_path / "none.csv")
    lines = caught.value._render_traceback_()
    assert lines[0].startswith("cannot use none.csv") and f"looked in {tmp_path}" in lines[1]
