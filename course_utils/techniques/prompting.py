"""Techniques that change the prompt and nothing else: instructions, shots, a system line, facts.

A prompt is built from the records as they stand: plain text, where a shot is its prompt with its
completion, or the turns of a chat by the tokenizer's template. Left out: wordings made for single requests.
"""

import functools
import time

from course_utils.batching import context_length
from course_utils.generation import generate
from course_utils.prompts import templates
from course_utils.prompts.few_shot import bare, ending, few_shot_prompt, open_end
from course_utils.prompts.retrieval import nearest
from course_utils.techniques.base import Result, Technique


def zero_shot(model, tokenizer, train, seed, task, instruction="form", form=None):
    """An instruction (a key of the task's `instructions`), then the request."""
    return prompted(model, tokenizer, train, task, [], instruction=task.instructions[instruction], form=form)


def few_shot(model, tokenizer, train, seed, task, k=4, instruction="none", form=None):
    """The same k solved records before every request, drawn by seed so that kinds alternate.

    What a prompt written once can hold. form: "plain" or "chat" (see `prompted`). Source: Brown et al. 2020.
    """
    shown = task.sample(train, k, seed)
    return prompted(
        model, tokenizer, train, task, shown, instruction=task.instructions[instruction], form=form
    )


def few_shot_nearest(model, tokenizer, train, seed, task, k=4, instruction="none", form=None):
    """The k training records most like the request, by TF-IDF and cosine, the nearest last, then the request.

    Chosen anew for each request, so that all records must be at hand. Source: Liu et al. 2022, "What makes
    good in-context examples for GPT-3?".
    """
    shown = nearest(train, k)
    return prompted(
        model, tokenizer, train, task, shown, instruction=task.instructions[instruction], form=form
    )


def system_prompt(model, tokenizer, train, seed, task, system="role and form"):
    """A system line (a key of the task's `systems`), then the request as the user's turn."""
    line = task.described(task.systems[system], train)

    def build(shots, request):
        if task.chat:
            return task.conversation(tokenizer, shots, request, system=line)
        return templates.dialogue(bare(request), system=line)

    return prompted(model, tokenizer, train, task, [], instruction=task.systems[system], build=build)


def facts_in_prompt(
    model, tokenizer, train, seed, task, k=4, facts=2, shots="drawn", instruction="none", form=None
):
    """Above the request, and above each of k solved records, the facts of the task nearest to it.

    The solved records, "drawn" by seed or "nearest" to the request, show how facts are used. Source: Lewis et
    al. 2020 (retrieval-augmented generation), with word counts in place of a neural retriever.
    """
    shown = nearest(train, k) if shots == "nearest" else task.sample(train, k, seed)
    head = task.described(task.instructions[instruction], train)

    @functools.cache
    def informed(request):
        return "\n".join([*task.facts_for(bare(request), facts), open_end(request)])

    def build(kept, request):
        if (form or usual_form(task)) == "chat":
            pairs = [shot | {"prompt": above(shot["prompt"])} for shot in kept]
            return task.conversation(tokenizer, pairs, above(request), head)
        solved = [f"{informed(shot['prompt'])} {shot['completion'].strip()}" for shot in kept]
        return "\n\n".join([*filter(None, [head]), *solved, informed(request)])

    def above(request):  # "Facts: …" and the message, as one turn of a chat
        return f"Facts: {' '.join(task.facts_for(bare(request), facts))}\nMessage: {bare(request)}"

    result = prompted(model, tokenizer, train, task, shown, build=build)
    result.stored_bytes += sum(len(text.encode()) for text in task.statements().values())
    return result


def usual_form(task):
    """How a task's model is asked where a setting does not say: "chat" or "plain"."""
    return "chat" if task.chat else "plain"


def prompted(
    model,
    tokenizer,
    train,
    task,
    shots,
    *,
    instruction="",
    form=None,
    build=None,
    write=None,
    calls=1,
    sampling=None,
    decode=generate,
):
    """The Result of asking with shots; what does not fit into the context leaves, the first shot first.

    shots: records, or show(request) -> records, which may choose among all that there are.
    form: "plain", solved records as text, or "chat", as turns with the instruction in the first user's turn.
    build(shots, request) -> the text sent, in place of instruction, shots, request. write(model's text)
    -> reply. calls: how often each request is sent. sampling: arguments of generation.generate. decode:
    what takes its place.
    """
    started, head = time.perf_counter(), task.described(instruction, train)
    show, pool = (shots, train) if callable(shots) else (lambda request: shots, shots)
    build = build or builder(tokenizer, task, head, form or usual_form(task))
    options = {"max_new_tokens": task.room, "stop": ending(train)} | (sampling or {})
    limit = context_length(model) - options["max_new_tokens"]
    count = functools.partial(templates.token_count, tokenizer)

    def sent(request):
        kept = [shot for shot in show(request) if shot["prompt"] != request]  # never show what is asked for
        while count(text := build(kept, request)) > limit and kept:
            kept = kept[1:]
        return text

    def reply(requests):
        texts = decode(model, tokenizer, [sent(request) for request in requests], **options)
        return [(write or str.strip)(text) for text in texts]

    chosen = {shot["prompt"] for shot in pool} if pool is shots else set()
    others = [record["prompt"] for record in train if record["prompt"] not in chosen][:50]
    extra = [calls * count(sent(request)) - count(task.asked(tokenizer, request)) for request in others]
    return Result(
        reply,
        stored_bytes=len(head.encode()) + sum(len((s["prompt"] + s["completion"]).encode()) for s in pool),
        examples=len(pool),
        train_seconds=time.perf_counter() - started,
        prompt_tokens=sum(extra) / max(1, len(extra)),
        choice={"shots": shots, "instruction": head, "prompt": sent},
    )


def builder(tokenizer, task, head, form):
    """build(shots, request) -> text for a form. Raises ValueError for one that does not exist."""
    if form == "chat":
        return lambda shots, request: task.conversation(tokenizer, shots, request, head)
    if form != "plain":
        raise ValueError(f"There is no form {form!r} of a prompt: choose plain or chat.")
    return lambda shots, request: few_shot_prompt(shots, request, head)


FORMS = ("chat", "plain")
TECHNIQUES = (
    Technique(
        "zero_shot",
        "prompting",
        "01",
        zero_shot,
        {
            "toy_desk": [{"instruction": n} for n in ("none", "form", "teams", "all", "sort", "role")],
            "helpdesk": [
                {"instruction": n, "form": form}
                for n in ("form", "rules", "rules and sheet")
                for form in FORMS
            ],
        },
        random=False,
        plain={"instruction": "none"},
    ),
    Technique(
        "few_shot",
        "prompting",
        "01",
        few_shot,
        {
            "toy_desk": [{"k": k} for k in (1, 2, 4, 6, 8, 12)],
            "helpdesk": [
                *({"k": k, "instruction": "rules", "form": "chat"} for k in (4, 8, 16)),
                *({"k": k, "instruction": "rules", "form": "plain"} for k in (8, 16)),
                {"k": 16, "instruction": "none", "form": "plain"},
            ],
        },
    ),
    Technique(
        "few_shot_nearest",
        "prompting",
        "01",
        few_shot_nearest,
        {
            "toy_desk": [{"k": k} for k in (1, 2, 4, 6, 8, 12)],
            "toy_desk_smollm2": [
                *({"k": k, "instruction": "all", "form": "chat"} for k in (8, 16)),
                *({"k": k, "instruction": "none", "form": "plain"} for k in (2, 4, 8, 16)),
            ],
            "helpdesk": [
                *({"k": k, "instruction": "rules", "form": "chat"} for k in (4, 8)),
                *({"k": k, "instruction": "rules", "form": "plain"} for k in (4, 8, 16)),
                {"k": 8, "instruction": "none", "form": "plain"},
            ],
        },
        random=False,
    ),
    Technique(
        "system_prompt",
        "prompting",
        "01",
        system_prompt,
        {
            "toy_desk": [{"system": n} for n in ("role", "form", "role and form", "short", "choices", "all")],
            "helpdesk": [{"system": n} for n in ("form", "choices", "rules", "rules and sheet")],
        },
        frozenset(("fields",)),
        random=False,
    ),
    Technique(
        "facts_in_prompt",
        "prompting",
        "01",
        facts_in_prompt,
        {
            "toy_desk": [{"k": k, "facts": facts} for k in (2, 4, 8) for facts in (2, 3)],
            "helpdesk": [
                {"k": k, "facts": facts, "shots": "nearest", "instruction": "rules", "form": form}
                for k, facts in ((4, 2), (8, 2), (4, 3))
                for form in FORMS
            ],
        },
        frozenset(("fields", "facts")),
    ),
)
