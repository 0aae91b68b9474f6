"""Records from a file and back: JSONL or CSV, in UTF-8, whole or refused.

A record is a dictionary with the texts "prompt" and "completion", an optional "id" and any other
columns. All problems of a file are reported at once, row by row. Left out: streaming, other formats.
"""

import contextlib
import csv
import io
import json
import unicodedata
from pathlib import Path

from course_utils.storage.files import write_atomically

FIELDS = ("prompt", "completion")
SHOWN = 20
REMEDY = 'save it as UTF-8 (in Excel: Save As, "CSV UTF-8"; in an editor: encoding UTF-8)'
KINDS = {type(None): "null", bool: "true or false", int: "a number", float: "a number"}
KINDS |= {list: "a list", dict: "an object"}


class BadRecords(ValueError):
    """A file or list of records that cannot be used; `problems` lists (row or None, reason)."""

    def __init__(self, name, problems):
        self.name, self.problems = str(name), list(problems)
        count = len(self.problems)
        lines = [f"cannot use {self.name}: {count} problem{'s' if count > 1 else ''}"]
        lines += [f"  {f'row {row}: ' if row else ''}{reason}" for row, reason in self.problems[:SHOWN]]
        lines += [f"  … and {count - SHOWN} more"] if count > SHOWN else []
        self.lines = lines
        super().__init__("\n".join(lines))

    def _render_traceback_(self):  # IPython shows this in place of a traceback
        return self.lines

    def __reduce__(self):
        return type(self), (self.name, self.problems)


def read_records(path, max_chars=4_000, check=None):
    """All records of a .jsonl or .csv file in UTF-8 (with or without a byte-order mark).

    A prompt or completion may have at most max_chars characters (None: no limit). Rows count from
    1; in CSV, row 1 is the header. Blank rows are skipped. check(record) -> a reason to refuse it, or None.
    Raises BadRecords, and nothing else.
    """
    path = Path(path)
    text = decode(path, read_bytes(path))
    rows, problems = (_rows_of_csv if path.suffix.lower() == ".csv" else rows_of_jsonl)(text)
    problems = sorted(problems + _problems(rows, max_chars), key=lambda problem: problem[0] or 0)
    if check and not problems:
        problems = [(row, reason) for row, record in rows if (reason := check(record))]
    if not rows and not problems:
        problems = [(None, "it has no records")]
    if problems:
        raise BadRecords(path.name, problems)
    return [record for _, record in rows]


def write_records(path, records):
    """Write records to a .jsonl or .csv file, whole or not at all.

    Raises BadRecords for records that read_records would refuse or that a table cannot hold, and OSError.
    """
    path, records = Path(path), list(records)
    problems = _problems(list(enumerate(records, 1)), None) if records else [(None, "it has no records")]
    if path.suffix.lower() not in (".jsonl", ".csv"):
        problems = [(None, "the name must end in .jsonl or .csv")]
    if not problems and path.suffix.lower() == ".csv":
        for row, record in enumerate(records, 2):
            if list(record) != list(records[0]):
                problems.append((row, "its columns differ from those of the first record"))
            elif any(not isinstance(c, (str, int, float)) or "\0" in str(c) for c in record.values()):
                problems.append((row, "CSV holds texts and numbers only; use .jsonl"))
    if problems:
        raise BadRecords(path.name, problems)
    if path.suffix.lower() == ".csv":
        table = io.StringIO(newline="")
        csv.writer(table).writerows([list(records[0]), *(record.values() for record in records)])
        write_atomically(path, table.getvalue())
    else:
        write_atomically(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))


def read_bytes(path, endings=(".jsonl", ".csv"), advice=".jsonl (one JSON object a line) or .csv"):
    """The bytes of a file whose name has one of these endings. Raises BadRecords, and nothing else."""
    path = Path(path)

    def refuse(reason):
        raise BadRecords(path.name or path, [(None, reason)]) from None

    try:
        if path.is_dir():
            refuse("it is a folder, not a file")
        if not path.exists():
            refuse(f"there is no such file (looked in {path.absolute().parent})")
        if path.suffix.lower() not in endings:
            refuse(f"the name must end in {advice}")
        if not path.is_file():
            refuse("it is not an ordinary file")
        return path.read_bytes()
    except OSError as error:
        refuse(f"it cannot be opened ({error.strerror})")
    except BadRecords:
        raise
    except ValueError:
        refuse("that is not a possible file name")


def decode(path, raw):
    """The text of a file's bytes, which must be UTF-8 (a byte-order mark is left out), or BadRecords."""
    path = Path(path)
    row, reason = None, None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start, end = max(0, error.start - 12), error.start + 12
        word = raw[start : error.start].split(b"\n")[-1] + raw[error.start : end].split(b"\n")[0]
        row, reason = _row_at(path, raw, error.start), f"it is not in UTF-8 (near {_shown(word)}); {REMEDY}"
    else:
        if "\0" in text:
            row, reason = _row_at(path, raw, raw.index(0)), "it has a NUL byte: is it a text file?"
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        row, reason = None, f"it is in UTF-16; {REMEDY}"
    if reason:
        raise BadRecords(path.name, [(row, reason)]) from None
    return text


def _row_at(path, raw, place):
    """The row that the byte at `place` stands in: a spreadsheet's row in a table, else the line."""
    before = raw[:place].decode("cp1252", "replace")
    if path.suffix.lower() == ".jsonl" or '"' not in before:
        return before.count("\n") + 1
    with contextlib.suppress(csv.Error):
        return sum(1 for _ in csv.reader(io.StringIO(before + "x", newline="")))
    return None


def _shown(raw):
    """Some bytes as the text that they most likely are, in Windows' own western encoding."""
    return repr(" ".join(raw.decode("cp1252", "replace").split()))


def rows_of_jsonl(text):
    """[(row, value)] and [(row, problem)]. Lines end in \\n only: U+2028 is allowed inside a text."""
    rows, problems = [], []
    for row, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            rows.append((row, parse_json(line)))
        except ValueError as error:
            problems.append((row, str(error)))
    return rows, problems


def parse_json(text):
    """The value of a JSON text. Raises ValueError with a reason; a key that appears twice is one, too."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        raise ValueError(f"not JSON ({error.msg} at {line}character {error.colno})") from None
    except ValueError as error:
        raise ValueError(f"not usable JSON ({str(error)[:80]})") from None
    except RecursionError:
        raise ValueError("not usable JSON (nested too deeply)") from None


def _object(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise ValueError("a key appears twice in one object")
    return dict(pairs)


def _no_constant(name):
    raise ValueError(f"{name} is not a JSON number")


def cells_of_csv(text, separator=","):
    """[(row, cells)] and [(row, problem)] of a table. Blank lines are left out, and count as rows."""
    rows, problems, row = [], [], 0
    table = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row, cells in enumerate(table, 1):
            if cells:
                rows.append((row, cells))
    except csv.Error as error:
        problems.append((row + 1, f"not CSV ({error})"))
    return rows, problems


def _rows_of_csv(text):
    """[(row, record)] and [(row, problem)] of a comma-separated table with a header."""
    table, problems = cells_of_csv(text)
    if not table:
        return [], problems
    (first, header), *table = table
    header, rows = [name.strip() for name in header], []
    if reasons := list(_header_problems(header)):
        return [], [(first, reason) for reason in reasons]
    for row, cells in table:
        if len(cells) != len(header):
            problems.append((row, f"{len(cells)} cells where the header has {len(header)}"))
        else:
            rows.append((row, dict(zip(header, cells, strict=True))))
    return rows, problems


def _header_problems(header):
    missing = [field for field in FIELDS if field not in header]
    for field in missing:
        yield f'the header lacks the column "{field}"'
    if missing and any(mark in header[0] for mark in ";\t"):
        yield "it seems to be separated by semicolons or tabs; use commas"
    if len(set(header)) < len(header):
        yield "two columns of the header have the same name"
    if "" in header:
        yield "a column of the header has no name"


def _problems(rows, max_chars):
    """[(row, reason)] for every record that cannot be used."""
    problems, seen = [], {}
    for row, record in rows:
        if not isinstance(record, dict):
            problems.append((row, "not an object with a prompt and a completion"))
            continue
        for field in FIELDS:
            problems += [(row, reason) for reason in _field_problems(record, field, max_chars)]
        if not _encodable(record):
            problems.append((row, "it holds what a UTF-8 JSON file cannot, such as half a character"))
        if "id" in record:
            name = record["id"]
            if isinstance(name, bool) or not isinstance(name, (str, int)) or not str(name).strip():
                problems.append((row, "id must be a text or a whole number, and not empty"))
            elif str(name) in seen:
                problems.append((row, f"the same id as row {seen[str(name)]}"))
            else:
                seen[str(name)] = row
    return problems


def _field_problems(record, field, max_chars):
    value = record.get(field)
    if field not in record:
        yield f"{field} is missing"
    elif not isinstance(value, str):
        yield f"{field} is {KINDS.get(type(value), 'something else')}, not a text"
    elif not value.strip():
        yield f"{field} is empty"
    else:
        if max_chars is not None and len(value) > max_chars:
            yield f"{field} has {len(value)} characters, more than {max_chars}"
        odd = next((c for c in value if unicodedata.category(c) == "Cc" and c not in "\t\n\r"), None)
        if odd is not None:
            yield f"{field} has a control character (U+{ord(odd):04X})"


def _encodable(record):
    try:
        json.dumps(record, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, TypeError, RecursionError):
        return False
    return True
