"""Files as people have them: read whole, told what was recognized, or refused with row, reason and remedy."""

import json
import random

import pytest
from openpyxl import Workbook

from course_utils.finetune import own_data
from course_utils.storage.records import BadRecords

QA = [{"prompt": "Who?", "completion": "Ann."}, {"prompt": "Where?", "completion": "Here."}]
CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello."},
]


def write(path, content, encoding="utf-8"):
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def workbook(path, rows, more=()):
    """An Excel file of one sheet, and of further ones with one cell each."""
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for title in more:
        book.create_sheet(title).append(["x"])
    book.save(path)
    return path


def jsonl(*records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def refusal(path):
    """(the problems, the message) with which a file is refused."""
    with pytest.raises(BadRecords) as caught:
        own_data.read(path)
    return caught.value.problems, str(caught.value)


def said(own):
    return "\n".join(own.notes)


# ---- the forms of files ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.jsonl", jsonl(*QA)),
        ("a.json", json.dumps(QA)),
        ("a.json", json.dumps(QA, indent=2)),
        ("a.json", json.dumps({"version": 1, "data": QA}, indent=2)),
        ("a.json", jsonl(*QA)),
        ("a.jsonl", json.dumps(QA)),
        ("a.csv", "prompt,completion\nWho?,Ann.\nWhere?,Here.\n"),
        ("a.csv", "prompt;completion\r\nWho?;Ann.\r\nWhere?;Here.\r\n"),
        ("a.csv", "prompt\tcompletion\nWho?\tAnn.\nWhere?\tHere.\n"),
        ("a.csv", "sep=;\r\nprompt;completion\r\nWho?;Ann.\r\nWhere?;Here.\r\n"),
        ("a.csv", "sep=|\nprompt|completion\nWho?|Ann.\nWhere?|Here.\n"),
        ("a.csv", "\ufeffprompt,completion\nWho?,Ann.\nWhere?,Here.\n"),
        ("a.csv", "\ufeffsep=,\nprompt,completion\nWho?,Ann.\nWhere?,Here.\n"),
        ("a.tsv", "prompt\tcompletion\nWho?\tAnn.\nWhere?\tHere.\n"),
        ("A.CSV", ' PROMPT ,"Completion "\nWho?,Ann.\nWhere?,Here.\n'),
    ],
)
def test_the_same_records_from_every_form(tmp_path, name, content):
    own = own_data.read(write(tmp_path / name, content))
    assert own.records == QA and not own.empty and not own.repeated
    assert set(own.mapping) == {"prompt", "completion"}


def test_excel_is_read_as_csv_would_be(tmp_path):
    rows = [["Question", "Answer"], ["Two and two?", 4], ["A half?", 0.5], ["Four?", 4.0], ["So?", True]]
    own = own_data.read(workbook(tmp_path / "a.xlsx", rows))
    assert [r["completion"] for r in own.records] == ["4", "0.5", "4", "TRUE"] and own.rows == [2, 3, 4, 5]


def test_numbers_in_json_are_texts(tmp_path):
    file = write(
        tmp_path / "a.jsonl", '{"prompt": "2+2?", "completion": 4}\n{"prompt": 7, "completion": -0.5}\n'
    )
    assert own_data.read(file).records == [
        {"prompt": "2+2?", "completion": "4"},
        {"prompt": "7", "completion": "-0.5"},
    ]


def test_the_first_sheet_with_content_is_read_and_the_others_named(tmp_path):
    book = Workbook()
    book.create_sheet("Data").append(["prompt", "completion"])
    book["Data"].append(["Who?", "Ann."])
    book.create_sheet("Notes").append(["x"])
    book.save(tmp_path / "a.xlsx")
    own = own_data.read(tmp_path / "a.xlsx")
    assert own.records == QA[:1] and 'Only the sheet "Data" is read; not read: "Notes".' in own.notes


def test_dates_are_told(tmp_path):
    import datetime

    rows = [["prompt", "completion"], ["When?", datetime.datetime(2024, 3, 1)], ["Then?", "x"]]
    own = own_data.read(workbook(tmp_path / "a.xlsx", rows))
    assert own.records[0]["completion"] == "2024-03-01" and "Dates are read as 2024-03-01 (row 2)" in said(
        own
    )


@pytest.mark.parametrize("mark", ["\x0b", "_x000B_", "\r\n", "\r"])
def test_line_breaks_of_excel_are_line_breaks(tmp_path, mark):
    book = Workbook()
    book.active.append(["prompt", "completion"])
    book.active.append(["Who?", "one" + ("_x000B_" if mark == "\x0b" else mark) + "two"])
    book.save(tmp_path / "a.xlsx")
    assert own_data.read(tmp_path / "a.xlsx").records[0]["completion"] == "one\ntwo"
    if not mark.startswith("_"):
        file = write(tmp_path / "a.csv", f'prompt,completion\nWho?,"one{mark}two"\n')
        assert own_data.read(file).records[0]["completion"] == "one\ntwo"


# ---- the names of columns --------------------------------------------------------------------


@pytest.mark.parametrize(
    "record, prompt",
    [
        ({"instruction": "Add.", "input": "2 and 2", "output": "a"}, "Add.\n\n2 and 2"),
        ({"Instruction": "Add.", "Input": "", "Output": "a"}, "Add."),
        (
            {"instruction": "Sum up.", "context": "A text.", "response": "a", "category": "x"},
            "Sum up.\n\nA text.",
        ),
        ({"QUESTION": "Who?", " Answer ": "a"}, "Who?"),
        ({"context": "Ann is here.", "question": "Who?", "answer": "a"}, "Ann is here.\n\nWho?"),
        ({"input": "Who?", "output": "a"}, "Who?"),
        ({"messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "a"}]}, "Who?"),
        ({"Conversations": [{"from": "human", "value": "Who?"}, {"from": "gpt", "value": "a"}]}, "Who?"),
        (
            {
                "prompt": [{"role": "user", "content": "Who?"}],
                "completion": [{"role": "assistant", "content": "a"}],
            },
            "Who?",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "Who?"}]},
                    {"role": "assistant", "content": "a"},
                ]
            },
            "Who?",
        ),
    ],
)
def test_known_names_are_recognized_and_told(tmp_path, record, prompt):
    own = own_data.read(write(tmp_path / "a.jsonl", jsonl(record)))
    assert own.records == [{"prompt": prompt, "completion": "a"}]
    assert own.notes[0].startswith("Columns: ") and all(
        f'"{name}"' in own.notes[0] for name in own.mapping.values()
    )


def test_what_is_not_used_is_told(tmp_path):
    own = own_data.read(write(tmp_path / "a.csv", "id,Question,Answer,note\n1,Who?,Ann.,x\n"))
    assert (
        own.notes[0] == 'Columns: "Question" is the prompt, "Answer" is the completion; not used: id, note.'
    )


def test_longer_conversations_and_system_turns_stay(tmp_path):
    more = [*CHAT, {"role": "user", "content": "Bye"}, {"role": "assistant", "content": "See you."}]
    lines = [{"messages": CHAT}, {"messages": more}]
    own = own_data.read(write(tmp_path / "a.jsonl", jsonl(*lines)))
    assert own.records == lines
    with_column = {"system": "Be brief.", "prompt": "Hi", "completion": "Hello."}
    own = own_data.read(write(tmp_path / "b.jsonl", jsonl(with_column)))
    assert own.records == [{"messages": CHAT}] and own.mapping["system"] == "system"


def test_turns_in_a_cell_of_a_table(tmp_path):
    own = own_data.read(workbook(tmp_path / "a.xlsx", [["messages"], [json.dumps(CHAT)]]))
    assert own.records == [{"messages": CHAT}]


# ---- skipped and counted ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.jsonl"])
def test_empty_rows_are_skipped_and_counted(tmp_path, name):
    rows = [["prompt", "completion"], ["Who?", "Ann."], [" ", "\u200b"], ["Where?", "Here."], ["", ""]]
    if name == "a.csv":
        file = write(tmp_path / name, "\n".join(",".join(row) for row in rows))
    elif name == "a.xlsx":
        file = workbook(tmp_path / name, rows)
    else:
        file = write(tmp_path / name, jsonl(*(dict(zip(rows[0], row)) for row in rows[1:])))
    own, first = own_data.read(file), 1 if name == "a.jsonl" else 2
    assert own.records == QA and own.empty == [first + 1, first + 3]
    assert f"2 empty rows are skipped (rows {first + 1}, {first + 3})." in own.notes


@pytest.mark.parametrize("head", ["", "Unnamed: 0"])
def test_the_index_of_pandas_is_named_with_its_remedy(tmp_path, head):
    own = own_data.read(write(tmp_path / "a.csv", f"{head},prompt,completion\n0,Who?,Ann.\n1,Where?,Here.\n"))
    assert own.records == QA
    assert f'The first column ("{head}") only numbers the rows' in said(own) and "index=False" in said(own)


def test_a_first_column_without_a_name_that_is_no_index_is_told(tmp_path):
    own = own_data.read(write(tmp_path / "a.csv", ",prompt,completion\nred,Who?,Ann.\nblue,Where?,Here.\n"))
    assert own.records == QA and "Column 1 has no name in the header and is not used." in own.notes


def test_repetitions_are_used_once_and_contradictions_told(tmp_path):
    rows = "prompt,completion\nWho?,Ann.\nWho?,Bob.\nWhere?,Here.\n Who? ,Ann. \n"
    own = own_data.read(write(tmp_path / "a.csv", rows))
    assert own.records == [QA[0], {"prompt": "Who?", "completion": "Bob."}, QA[1]] and own.repeated == [5]
    assert "1 row repeats an earlier one word for word and is used once (row 5)." in own.notes
    assert "Careful: rows 2, 3 ask the same ('Who?') and want different answers." in own.notes


def test_excel_leaves_out_empty_cells_at_the_end(tmp_path):
    own = own_data.read(write(tmp_path / "a.csv", "prompt,completion,note\nWho?,Ann.\nWhere?,Here.,x,\n"))
    assert own.records == QA


def test_nothing_is_lost_in_silence(tmp_path):
    """Used, empty and repeated rows are all rows, whatever the mix; a refused file names its bad rows."""
    draw = random.Random(0)
    texts = ["Who?", "Where?", "", " ", "\u200b", "a,b", 'say "x"', "x\ny", "4", "ü"]
    used = refused = 0
    for turn in range(300):
        rows = [[draw.choice(texts), draw.choice(texts)] for _ in range(draw.randrange(1, 6))]
        if turn % 2:
            table = [["prompt", "completion"], *rows]
            file = write(
                tmp_path / "a.csv",
                "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table),
            )
            first = 2
        else:
            file = write(tmp_path / "a.jsonl", jsonl(*({"prompt": p, "completion": c} for p, c in rows)))
            first = 1
        blank = [not p.strip(" \u200b") for p, _ in rows], [not c.strip(" \u200b") for _, c in rows]
        bad = [first + i for i, (p, c) in enumerate(zip(*blank)) if p != c]
        if bad or all(p and c for p, c in zip(*blank)):
            problems, _ = refusal(file)
            assert [row for row, _ in problems] == (bad or [None])
            refused += 1
        else:
            own = own_data.read(file)
            places = sorted([*own.rows, *own.empty, *own.repeated])
            assert places == list(range(first, first + len(rows)))
            used += 1
    assert used > 40 and refused > 100


# ---- refused ---------------------------------------------------------------------------------

HEAD = "prompt,completion\n"
REFUSED = [
    ("a.csv", HEAD + "Who?,\n", 2, "completion is empty: fill it in, or delete the row"),
    ("a.csv", HEAD + "\u200b,Ann.\n", 2, "prompt is empty"),
    ("a.csv", HEAD + "Who?,\u2800\n", 2, "completion is empty"),
    (
        "a.csv",
        HEAD + "Who?,Ann.,x\n",
        2,
        "3 cells where the header has 2: put a text that holds the separator",
    ),
    ("a.csv", HEAD + 'Who?,"Ann.\n', 2, "not CSV"),
    ("a.csv", HEAD + "Who?,a\x07\n", 2, "control character (U+0007): delete it"),
    ("a.csv", "question,reply_text\nWho?,Ann.\n", None, 'the columns are "question", "reply_text"'),
    (
        "a.csv",
        "prompt,Prompt,completion\nWho?,x,Ann.\n",
        None,
        'several columns could be the prompt: "prompt" and',
    ),
    ("a.csv", "prompt,prompt,completion\nWho?,x,Ann.\n", None, 'two columns are called "prompt"'),
    ("a.csv", "prompt,chosen,rejected\nWho?,x,y\n", None, "are preferences between replies"),
    ("a.csv", HEAD, None, "it has no records"),
    ("a.csv", "", None, "it has no records"),
    ("a.jsonl", '{"prompt": "a", "completion": "b"}\n{"prompt": "a"}\n', 2, "completion is missing: add it"),
    (
        "a.jsonl",
        '{"prompt": "a", "completion": true}',
        1,
        "completion is true or false, not a text: write it in",
    ),
    ("a.jsonl", '{"prompt": "a", "completion": {"x": 1}}', 1, "completion is an object"),
    ("a.jsonl", '{"prompt": "a", "completion": 1e999}', 1, "no finite number"),
    ("a.jsonl", '{"prompt": "a\\ud83d", "completion": "b"}', 1, "half a character"),
    ("a.jsonl", '{"prompt": "a", "completion": "b"}\n{', 2, "not JSON"),
    ("a.jsonl", '{"prompt": "a", "completion": "b"}\n3', 2, "not an object"),
    ("a.json", '[{"prompt": "a",\n "completion": "b" "c"}]', None, "not JSON"),
    ("a.json", "[1]", 1, "not an object"),
    ("a.jsonl", '{"messages": []}', 1, "messages has no turns"),
    (
        "a.jsonl",
        '{"messages": [{"role": "user", "content": "a"}]}',
        1,
        "does not end with a turn of the assistant",
    ),
    (
        "a.jsonl",
        '{"messages": [{"role": "tool", "content": "a"}]}',
        1,
        "the role 'tool' in turn 1: use system",
    ),
    ("a.jsonl", '{"messages": [{"role": "assistant", "content": "a"}]}', 1, "where the user must speak"),
    ("a.jsonl", '{"messages": [{"role": "user", "content": " "}]}', 1, "has a turn 1 that is empty"),
    ("a.jsonl", '{"messages": [{"role": "user", "content": [{"type": "image"}]}]}', 1, "such as an image"),
    ("a.jsonl", '{"messages": [{"role": "assistant", "content": "", "tool_calls": [1]}]}', 1, "calls a tool"),
    ("a.csv", "messages\n[{'role': 'user'}]\n", 2, "is no JSON list of turns"),
    ("a.txt", "x", None, "save older or other kinds of table as one of these"),
    ("a.xls", b"x", None, ".xlsx"),
    ("a.xlsx", b"x", None, "cannot be opened as an Excel workbook"),
    (
        "a.csv",
        (HEAD + "Who?,Größe\n").encode("cp1252"),
        2,
        "not in UTF-8 (near 'Who?,Größe'); save it as UTF-8 (in",
    ),
    ("a.csv", (HEAD + '"a\nb",x\nWho?,\u201cAnn\u201d\n').encode("cp1252"), 3, '"CSV UTF-8"'),
    ("a.csv", (HEAD + "Who?,Ann.\n").encode("utf-16"), None, "UTF-16; save it as UTF-8"),
    ("a.csv", HEAD + "Who?,a\0b\n", 2, "NUL byte"),
]


@pytest.mark.parametrize("name, content, row, reason", REFUSED, ids=[case[3][:40] for case in REFUSED])
def test_what_cannot_be_used_is_refused_with_row_and_remedy(tmp_path, name, content, row, reason):
    problems, message = refusal(write(tmp_path / name, content))
    assert row in [place for place, _ in problems] and reason in message
    assert str(tmp_path) not in message


def test_errors_and_formulas_of_excel(tmp_path):
    book = Workbook()
    for row in (["prompt", "completion"], ["Who?", "=1+1"], ["Where?", "#N/A"]):
        book.active.append(row)
    book["Sheet"]["B3"].data_type = "e"
    book.save(tmp_path / "a.xlsx")
    problems, message = refusal(tmp_path / "a.xlsx")
    assert [row for row, _ in problems] == [2, 3]
    assert (
        "a formula that was never calculated counts as empty" in message and "has the error #N/A" in message
    )


def test_a_missing_file_and_a_folder(tmp_path):
    assert "there is no such file" in refusal(tmp_path / "none.csv")[1]
    (tmp_path / "b.csv").mkdir()
    assert "it is a folder" in refusal(tmp_path / "b.csv")[1]


def test_all_bad_rows_are_named_up_to_twenty(tmp_path):
    problems, message = refusal(write(tmp_path / "a.csv", HEAD + "Who?,\n" * 30))
    assert len(problems) == 30 and len(message.splitlines()) == 22 and "… and 10 more" in message


def test_damaged_files_are_read_or_refused_never_worse(tmp_path):
    """Every form, damaged at random: usable records come back, or BadRecords."""
    draw, read, refused = random.Random(1), 0, 0
    workbook(tmp_path / "a.xlsx", [["prompt", "completion"], ["Who?", "Ann."], ["Where?", 4]])
    write(tmp_path / "a.csv", HEAD + 'Who?,"Ann, you"\nWhere?,4\n')
    write(tmp_path / "a.jsonl", jsonl({"messages": CHAT}, {"messages": CHAT[1:]}))
    write(tmp_path / "a.json", json.dumps(QA, indent=1))
    whole = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for _ in range(600):
        name = draw.choice(sorted(whole))
        raw = bytearray(whole[name])
        for _ in range(draw.randrange(1, 4)):
            at = draw.randrange(len(raw) + 1)
            if draw.random() < 0.5:
                raw[at : at + 1] = bytes([draw.randrange(256)])
            else:
                del raw[at : at + draw.randrange(1, 20)]
        try:
            own = own_data.read(write(tmp_path / name, bytes(raw)))
        except BadRecords as error:
            assert error.problems
            refused += 1
        else:
            assert own.records and all(own_data.answer(record).strip() for record in own.records)
            read += 1
    assert read > 20 and refused > 200


def test_questions_alone_and_what_is_missing_in_them(tmp_path):
    file = write(tmp_path / "ask.csv", "Question,Note\nWho?,x\n ,y\n")
    with pytest.raises(BadRecords, match="row 3: Question is empty"):
        own_data.to_ask(file)
    assert own_data.to_ask(write(file, "Question,Note\nWho?,x\n")) == [{"prompt": "Who?", "completion": ""}]
    assert own_data.to_ask(write(tmp_path / "ask.jsonl", jsonl(*QA))) == QA
    with pytest.raises(BadRecords, match="no columns for the prompt"):
        own_data.to_ask(write(file, "Note,Sum\nx,y\n"))
