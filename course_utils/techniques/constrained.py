"""Constrained decoding: the form of a reply is forced, its fields are chosen among those that exist.

At each step only the tokens that can go on one of the allowed beginnings keep their probability; the model
takes the likeliest of them. Behind the last field it writes freely up to what closes the text. So a reply is
in the form by construction, and only what stands in it can be wrong. Left out: grammars, and beams over the
choices. Source: Willard and Louf 2023, "Efficient Guided Generation for Large Language Models".
"""

import functools
import re

import torch

from course_utils import batching, generation
from course_utils.prompts.retrieval import nearest
from course_utils.techniques.base import Technique
from course_utils.techniques.prompting import prompted, usual_form


def constrained_decoding(model, tokenizer, train, seed, task, k=4, instruction="none", form=None):
    """`few_shot_nearest` (or, with k = 0, `zero_shot`) whose replies cannot leave the form."""
    heads, tail = task.heads(train)
    # In a chat the reply begins its own turn; in plain text it stands behind a colon, with its space.
    space = "" if (form or usual_form(task)) == "chat" else " "
    decode = functools.partial(generate_within, heads=[space + head for head in heads], tail=tail)
    shown = nearest(train, k) if k else []
    return prompted(
        model,
        tokenizer,
        train,
        task,
        shown,
        instruction=task.instructions[instruction],
        form=form,
        decode=decode,
    )


def generate_within(model, tokenizer, prompts, heads, tail, max_new_tokens=64, stop=None, batch_size=32):
    """Continuations that begin with one of `heads`, go on freely, and end in `tail`: list of str.

    The free text ends before an unescaped first character of the tail (with an empty tail, before `stop`), at
    the end token, or after max_new_tokens in all.
    """
    rows = batching.encode(model, tokenizer, prompts)
    paths = [tuple(ids) for ids in tokenizer(heads, add_special_tokens=False)["input_ids"]]
    end = rf"(?<!\\){re.escape(tail[0])}|\n" if tail else re.escape(stop or "\n")
    written = [[] for _ in rows]  # ids chosen so far, row by row

    def pick(logits, indices, step):
        for place, row in enumerate(indices):
            onward = {path[step] for path in paths if len(path) > step and path[:step] == tuple(written[row])}
            if onward:
                allowed = torch.tensor(sorted(onward), device=logits.device)
                barred = torch.full_like(logits[place], -torch.inf)
                barred[allowed] = logits[place, allowed]
                logits[place] = barred
        chosen = logits.argmax(-1)
        for row, token in zip(indices, chosen.tolist()):
            written[row].append(token)
        return chosen

    def text_of(ids):
        head = next((len(path) for path in paths if tuple(ids[: len(path)]) == path), len(ids))
        return tokenizer.decode(ids[:head]), tokenizer.decode(ids[head:], skip_special_tokens=True)

    def stopped(row, ids):
        return re.search(end, text_of(ids)[1]) is not None

    new = generation.continue_ids(model, rows, max_new_tokens, pick, stopped, batch_size)
    return [head + re.split(end, free)[0] + tail for head, free in map(text_of, new)]


TECHNIQUES = (
    Technique(
        "constrained_decoding",
        "prompting",
        "01",
        constrained_decoding,
        {
            "toy_desk": [{"k": k} for k in (1, 2, 4, 6, 8, 12)],
            "helpdesk": [
                {"k": 0, "instruction": "rules and sheet", "form": "chat"},
                {"k": 4, "instruction": "rules", "form": "chat"},
                {"k": 4, "instruction": "rules", "form": "plain"},
                {"k": 8, "instruction": "rules", "form": "chat"},
                {"k": 8, "instruction": "rules", "form": "plain"},
                {"k": 16, "instruction": "rules", "form": "plain"},
            ],
        },
        frozenset(("fields",)),
        random=False,
    ),
)
