"""From records to prompts: solved records ("shots") before an open request.

A prompt is built from the records as they stand: a shot is its prompt with its completion, the query a
prompt with nothing after it.
"""

import re

from course_utils.prompts import templates

LABELS = ("Message", "Record")  # for records whose prompt does not say where the reply begins


def few_shot_prompt(shots, request, instruction="", labels=None):
    """Instruction, solved records and the open request, a blank line between them; no space at the end.

    labels: (input, output) words that replace those of the records.
    """
    if labels:
        pairs = [(bare(shot["prompt"]), shot["completion"]) for shot in shots]
        return templates.few_shot(pairs, bare(request), *labels, instruction=instruction)
    solved = [f"{open_end(shot['prompt'])} {shot['completion'].strip()}" for shot in shots]
    return "\n\n".join([*filter(None, [instruction]), *solved, open_end(request)])


def open_end(request):
    """The request up to where its reply begins: as it is if it ends with a colon, else between LABELS."""
    request = request.strip()
    return request if request.endswith(":") else f"{LABELS[0]}: {request}\n{LABELS[1]}:"


def bare(request):
    """The request without the words for input and output around it ("Message: … Record:")."""
    return re.fullmatch(r"(?s)(?:[A-Z]\w*: )?(.*?)(?:\n\w+:)?", request.strip())[1].strip()


def ending(train):
    """Where a reply ends: at the end of its line, or at a blank line if the desk's replies have several."""
    return "\n\n" if any("\n" in record["completion"].strip() for record in train) else "\n"
