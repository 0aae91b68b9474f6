"""Constrained decoding: the form of a reply is forced, its fields are chosen among those that exist.

At each step only the tokens that can go on one of the allowed beginnings keep their probability; the model
takes the likeliest of them. Behind the last field it writes freely up to what closes the text. So a reply is
in the form by construction, and only what stands in it can be wrong. Left out: grammars, and beams over the
choices. Source: Willard and Louf 2023, "Efficient Guided Generation for Large Language Models".
"""

import functools

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


def generate_within(model, tokenizer, prompts, heads, tail, max_new_tokens=64, stop="\n", batch_size=32):
    """Continuations that begin with one of `heads`, go on freely, and end in `tail`: list of str.

    The free text is not empty; it ends before the first character of the tail (without a tail, before
    `stop`), at the end token, or after max_new_tokens in all. With a tail it is the inside of a JSON string:
    tokens with control characters or backslashes are barred.
    """
    rows = batching.encode(model, tokenizer, prompts)
    paths = [tuple(ids) for ids in tokenizer(heads, add_special_tokens=False)["input_ids"]]
    closing = tail[0] if tail else stop
    barred, closers = unwritable(tokenizer, tail), closing_ids(tokenizer, closing) | batching.end_ids(model)
    chosen_ids = [[] for _ in rows]

    def free_text(ids):
        head = next((len(path) for path in paths if tuple(ids[: len(path)]) == path), None)
        return None if head is None else tokenizer.decode(ids[head:], skip_special_tokens=True)

    def pick(logits, indices, step):
        for place, row in enumerate(indices):
            ids = tuple(chosen_ids[row])
            if (written := free_text(ids)) is None:
                onward = {path[step] for path in paths if path[:step] == ids}
                keep_only(logits[place], onward)
            else:
                logits[place, list(barred)] = -torch.inf
                if not written.strip():
                    logits[place, list(closers)] = -torch.inf
        chosen = logits.argmax(-1)
        for row, token in zip(indices, chosen.tolist()):
            chosen_ids[row].append(token)
        return chosen

    def stopped(row, ids):
        return closing in (free_text(ids) or "")

    new = generation.continue_ids(model, rows, max_new_tokens, pick, stopped, batch_size)
    texts = [free_text(ids) or "" for ids in new]
    return [
        tokenizer.decode(ids)[: len(tokenizer.decode(ids)) - len(text)] + text.split(closing)[0] + tail
        for ids, text in zip(new, texts)
    ]


def keep_only(logits, ids):
    """Take the probability of all tokens but these, in place: logits (V,)."""
    ids = torch.tensor(sorted(ids), device=logits.device)
    kept = logits[ids]
    logits.fill_(-torch.inf)
    logits[ids] = kept


@functools.lru_cache(4)
def unwritable(tokenizer, tail):
    """The ids that may not stand in a JSON string as they are; none where there is no tail."""
    pieces = enumerate(tokenizer.batch_decode([[i] for i in range(len(tokenizer))])) if tail else ()
    return frozenset(i for i, text in pieces if any(c < " " or c == "\\" for c in text))


@functools.lru_cache(4)
def closing_ids(tokenizer, closing):
    """The ids of tokens that would close an empty text: nothing but white space before `closing`."""
    pieces = enumerate(tokenizer.batch_decode([[i] for i in range(len(tokenizer))]))
    return frozenset(i for i, text in pieces if text.lstrip(" ").startswith(closing))


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
