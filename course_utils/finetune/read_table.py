"""From a file to rows: JSONL, a JSON list, CSV, TSV or an Excel workbook, whatever its columns are called.

    table = read_table.read("my_questions.xlsx")
    table.rows      [(row number, {column: value})]

Rows are numbered as a reader finds them again: as the spreadsheet shows them (the header is row 1), by
line in JSONL, by place in a JSON list. What the columns mean is decided in `columns`. Left out: the
older .xls, OpenDocument, Parquet and compressed files.
"""

import csv
import datetime
import io
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.storage.records import (
    BadRecords,
    cells_of_csv,
    decode,
    parse_json,
    read_bytes,
    rows_of_jsonl,
)

ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".xlsx", ".xlsm")
ADVICE = ".jsonl, .json, .csv, .tsv or .xlsx (save older or other kinds of table as one of these)"
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
ESCAPED = re.compile(r"_x(00[01][0-9A-Fa-f])_")  # how a workbook writes a control character
INVISIBLE = {"Cc", "Cf", "Zl", "Zp", "Zs"}  # Unicode's categories of controls, formats, separators
FILLERS = "\u2800\u3164\u115f\u1160\uffa0"  # blanks that Unicode counts among symbols and letters
TURN = {"role", "from", "content", "value"}  # what the turns of a conversation are made of
INDEX = re.compile(r"(Unnamed: ?0)?", re.IGNORECASE)  # the header over pandas' row numbers


@dataclass
class Table:
    """Rows with their numbers, what is wrong with others, and what the reader should be told."""

    name: str
    rows: list = field(default_factory=list)  # [(row, {column: value})]
    problems: list = field(default_factory=list)  # [(row or None, reason and remedy)]
    notes: list = field(default_factory=list)
    empty: list = field(default_factory=list)  # numbers of the rows without any content


def read(path):
    """The Table of a file. Raises BadRecords where nothing can be read, and nothing else."""
    path = Path(path)
    raw, ending = read_bytes(path, ENDINGS, ADVICE), path.suffix.lower()
    table = Table(path.name)
    if ending in (".xlsx", ".xlsm"):
        _from_cells(table, _cells_of_workbook(table, raw))
    elif ending in (".csv", ".tsv"):
        _from_cells(table, _cells_of_text(table, decode(path, raw), ending))
    else:
        _from_json(table, decode(path, raw))
    table.empty += [row for row, values in table.rows if _is_empty(values)]
    table.rows = [(row, values) for row, values in table.rows if not _is_empty(values)]
    return table


def is_blank(text):
    """True for a text that shows nothing: white space, zero-width characters and the like."""
    return all(unicodedata.category(char) in INVISIBLE or char in FILLERS for char in text)


def _is_empty(values):
    """True if a row has no content in any column."""
    return isinstance(values, dict) and all(
        value is None or (isinstance(value, str) and is_blank(value)) for value in values.values()
    )


# ---- JSON ------------------------------------------------------------------------------------


def _from_json(table, text):
    """Fill the table from JSONL, from a list of objects, or from an object that holds one such list."""
    rows, problems = rows_of_jsonl(text)
    if text.lstrip()[:1] == "[" or (problems and _is_json(text)) or (len(rows) == 1 and not problems):
        try:
            rows, problems = list(enumerate(_records_in(table, parse_json(text)), 1)), []
        except ValueError as error:
            rows, problems = [], [(None, str(error))]
    for row, values in rows:
        if isinstance(values, dict):
            table.rows.append((row, values))
        else:
            problems.append((row, 'not an object: write {"prompt": "…", "completion": "…"}'))
    table.problems += problems


def _is_json(text):
    """True for a text that is JSON as a whole, such as one object over several lines."""
    try:
        parse_json(text)
    except ValueError:
        return False
    return True


def _records_in(table, content):
    """The list of records in the content of a JSON file; a single record is a list of one."""
    if isinstance(content, list):
        return content
    lists = (
        [name for name, value in content.items() if _holds_records(value)]
        if isinstance(content, dict)
        else []
    )
    if len(lists) != 1:
        return [content]
    table.notes.append(f'The records are taken from the list "{lists[0]}" of the file.')
    return content[lists[0]]


def _holds_records(value):
    """True for a list of objects that are no turns of a conversation."""
    objects = isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
    return objects and not all({name.strip().lower() for name in item} & TURN for item in value)


# ---- tables ----------------------------------------------------------------------------------


def _cells_of_text(table, text, ending):
    """[(row, cells)] of a table of text, with the separator that its first line tells."""
    said = re.match(r"sep=(.)\r?\n", text)  # Excel's own way of saying it; Excel does not count the line
    if said:
        separator, text = said[1], text[said.end() :]
    else:
        separator = _separator(text, "\t" if ending == ".tsv" else ",")
    if said or separator != ("\t" if ending == ".tsv" else ","):
        named = SEPARATORS.get(separator, repr(separator))
        table.notes.append(f"The columns of {table.name} are separated by {named}.")
    rows, problems = cells_of_csv(text, separator)
    remedy = "put a text that holds a separator or a line break in double quotes, and double any quote in it"
    table.problems += [(row, f"{reason}: {remedy}") for row, reason in problems]
    return rows


def _separator(text, usual):
    """The separator that cuts the header into the most names; the usual one where several do."""

    def names(separator):
        try:
            header = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
        except csv.Error:
            return 0
        return sum(bool(name.strip()) for name in header)

    return max([usual, *SEPARATORS], key=names)  # the first of several with as many


def _cells_of_workbook(table, raw):
    """[(row, cells)] of the first sheet with content, every cell as the text that CSV would hold."""
    from openpyxl import load_workbook  # imported late: it takes a third of a second

    try:
        book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what a file says of its size is often wrong
        sheets = {sheet.title: list(sheet.iter_rows()) for sheet in book.worksheets}
    except Exception:  # a damaged workbook raises whatever zip, XML and the library raise
        reason = "it cannot be opened as an Excel workbook (damaged, or locked by a password): save it anew"
        raise BadRecords(table.name, [(None, reason)]) from None
    filled = {
        title: rows for title, rows in sheets.items() if any(c.value is not None for r in rows for c in r)
    }
    if len(filled) > 1:
        title, *others = filled
        also = ", ".join(f'"{other}"' for other in others)
        table.notes.append(f'Only the sheet "{title}" is read; not read: {also}.')
    rows, dates = [], []
    for row, cells in enumerate(next(iter(filled.values()), []), 1):
        for cell in cells:
            if getattr(cell, "data_type", "n") == "e":
                table.problems.append((row, f"a cell has the error {cell.value}: repair its formula"))
        dates += [row for cell in cells if isinstance(cell.value, (datetime.date, datetime.time))][:1]
        rows.append((row, [_text_of_cell(cell.value) for cell in cells]))
    if dates:
        table.notes.append(
            f"Dates are read as 2024-03-01 ({listed(dates)}): to have another form, enter text."
        )
    return rows


def _text_of_cell(value):
    """A cell's value as CSV would hold it: 4 for 4.0, TRUE for true, 2024-03-01 for a date."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.15g}"  # a spreadsheet keeps and shows 15 digits
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ") if value.time() != datetime.time() else value.date().isoformat()
    if isinstance(value, str):
        return ESCAPED.sub(lambda code: chr(int(code[1], 16)), value)
    return str(value)


def _from_cells(table, rows):
    """Fill the table from rows of cells, the first of them with content being the header."""
    rows = [(row, list(cells)) for row, cells in rows]
    while rows and all(map(is_blank, rows[0][1])):
        rows.pop(0)  # nothing stands above the header
    if not rows:
        return
    (_, header), *rows = rows
    header = [name.strip() for name in header]
    for row, cells in rows:
        cells = cells + [""] * (len(header) - len(cells))  # Excel leaves out empty cells at the end
        if any(not is_blank(cell) for cell in cells[len(header) :]):
            remedy = "put a text that holds the separator in double quotes"
            table.problems.append((row, f"{len(cells)} cells where the header has {len(header)}: {remedy}"))
        else:
            table.rows.append((row, cells[: len(header)]))
    _leave_out_index(table, header)
    named = [place for place, name in enumerate(header) if name]
    for place in sorted(set(range(len(header))) - set(named)):
        if any(not is_blank(cells[place]) for _, cells in table.rows):
            table.notes.append(f"Column {place + 1} has no name in the header and is not used.")
    for name in sorted({name for name in header if name and header.count(name) > 1}):
        table.problems.append((None, f'two columns are called "{name}": rename or delete one'))
    table.rows = [(row, {header[place]: cells[place] for place in named}) for row, cells in table.rows]


def _leave_out_index(table, header):
    """Take out a first column that only numbers the rows, as pandas writes it, and say so."""
    numbers = [cells[0].strip() for _, cells in table.rows if not all(map(is_blank, cells))]
    if len(header) < 2 or not INDEX.fullmatch(header[0]) or not all(map(str.isdecimal, numbers)):
        return
    table.notes.append(
        f'The first column ("{header[0]}") only numbers the rows, as pandas writes them, and is not used; '
        "to leave it out of the file: frame.to_csv(file, index=False)."
    )
    del header[0]
    for _, cells in table.rows:
        del cells[0]


def listed(rows, most=10):
    """ "row 3" or "rows 3, 5 and 2 more"."""
    shown = ", ".join(map(str, rows[:most])) + (f" and {len(rows) - most} more" if len(rows) > most else "")
    return f"row{'s' if len(rows) > 1 else ''} {shown}"
