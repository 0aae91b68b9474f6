"""Conversations in the forms that data sets use, as one form: [{"role", "content"}], in good order.

OpenAI's and TRL's turns have role and content, ShareGPT's from and value. Left out: tools, images,
and turns that do not count in the loss.
"""

import json

from course_utils.finetune.read_table import is_blank

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
}
KINDS = {type(None): "null", bool: "true or false", list: "a list", dict: "an object"}
CONTROLS = {*range(0x20), *range(0x7F, 0xA0)} - {ord("\t"), ord("\n")}
BREAKS = str.maketrans({"\x0b": "\n", "\r": "\n"})  # Excel's and old systems' line breaks


def clean(value):
    """A cell or a JSON value as a text: numbers as in CSV, one kind of line break, no white space around.

    Raises ValueError with a reason and a remedy for what is no text or shows nothing.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
        if value in ("inf", "-inf", "nan"):
            raise ValueError("is no finite number: write it in quotes, or leave the row out")
    if not isinstance(value, str):
        kind = KINDS.get(type(value), "something else")
        raise ValueError(f"is {kind}, not a text: write it in quotes, or leave the row out")
    if is_blank(value):
        raise ValueError("is empty: fill it in, or delete the row")
    text = value.replace("\r\n", "\n").translate(BREAKS).strip()
    odd = next((char for char in text if ord(char) in CONTROLS), None)
    if odd is not None:
        raise ValueError(f"has a control character (U+{ord(odd):04X}): delete it, or retype the text")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("has half a character (a lone surrogate): retype the text") from None
    return text


def parsed(value):
    """The turns that a cell or a JSON value holds, cleaned, as [{"role", "content"}].

    Raises ValueError with a reason and a remedy.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError(
                'is no JSON list of turns: write [{"role": "user", "content": "…"}, …], or use a .jsonl file'
            ) from None
    if not isinstance(value, list):
        raise ValueError('is not a list of turns: write [{"role": "user", "content": "…"}, …]')
    if not value:
        raise ValueError("has no turns: fill it in, or delete the row")
    return [_turn(turn, number) for number, turn in enumerate(value, 1)]


def check_order(turns):
    """Raises ValueError unless user and assistant alternate, after at most one system turn, and the
    assistant has the last word.
    """
    roles = [turn["role"] for turn in turns]
    spoken = roles[1:] if roles[:1] == ["system"] else roles
    if "system" in spoken:
        raise ValueError("has a system turn that is not the first: move it to the front, or delete it")
    for number, role in enumerate(spoken):
        wanted = ("user", "assistant")[number % 2]
        if role != wanted:
            place = number + 1 + len(roles) - len(spoken)
            raise ValueError(
                f"has the {role} in turn {place} where the {wanted} must speak: join or delete turns, so "
                "that user and assistant alternate and the user begins"
            )
    if not spoken or spoken[-1] != "assistant":
        raise ValueError(
            "does not end with a turn of the assistant, which is what is learned: add or delete a turn"
        )


def _turn(turn, number):
    """One turn in the form of this module."""
    if not isinstance(turn, dict):
        raise ValueError(f'has no object in turn {number}: write {{"role": "user", "content": "…"}}')
    keys = {str(key).strip().lower(): value for key, value in turn.items()}
    for key in ("tool_calls", "function_call"):
        if keys.get(key):
            raise ValueError(f"calls a tool in turn {number}, which is not supported: leave the row out")
    said = keys.get("role", keys.get("from"))
    role = ROLES.get(said.strip().lower()) if isinstance(said, str) else None
    if role is None:
        raise ValueError(f"has the role {said!r} in turn {number}: use system, user or assistant")
    content = keys.get("content", keys.get("value"))
    if isinstance(content, list):
        content = _joined(content, number)
    try:
        return {"role": role, "content": clean(content)}
    except ValueError as error:
        raise ValueError(f"has a turn {number} that {error}") from None


def _joined(parts, number):
    """The text of a content that comes in parts, as in OpenAI's files."""
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    if len(texts) < len(parts) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"has a turn {number} with more than text, such as an image: leave the row out")
    return "\n".join(texts)
