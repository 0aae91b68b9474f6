"""Techniques that change the prompt and nothing else: instructions, shots, a system line, facts.

A prompt is built from the records as they stand: a shot is its prompt with its completion, the
query a prompt with nothing after it. Left out: orders and wordings made for single requests.
"""

import functools
import time

from course_utils.batching import context_length
from course_utils.generation import generate
from course_utils.prompts import templates
from course_utils.prompts.few_shot import bare, ending, few_shot_prompt, open_end
from course_utils.prompts.retrieval import nearest, retriever
from course_utils.tasks.toy_desk import replies
from course_utils.tasks.toy_desk.replies import stratified
from course_utils.techniques.base import Result, Rung

ROOM = 90  # tokens kept free for the reply
INSTRUCTIONS = {
    "none": "",
    "form": "Reply as: {form}",
    "teams": "Teams: {teams}. Reply as: {form}",
    "all": "Teams: {teams}. Priorities: {priorities}. Reply as: {form}",
    "sort": "Sort the messages. Teams: {teams}.",
    "role": "You work at the service desk. Read the message, choose team and priority, and answer politely.",
}
SYSTEMS = {
    "role": "You are a polite agent of the service desk.",
    "form": "Reply as: {form}",
    "role and form": "You are a polite agent of the service desk. Reply as: {form}",
    "short": "You are an agent of the service desk. Reply in one line, as: {form}",
    "choices": "You are an agent of the service desk. The teams are {teams}. Reply as: {form}",
    "all": "You are a polite agent. Teams: {teams}. Priorities: {priorities}. Reply as: {form}",
}


def zero_shot(model, tokenizer, train, seed, instruction="form"):
    """An instruction (a key of INSTRUCTIONS), then the request."""
    return prompted(model, tokenizer, train, [], instruction=INSTRUCTIONS[instruction])


def few_shot(model, tokenizer, train, seed, k=4, shots="nearest", instruction="none"):
    """k solved records, then the request.

    shots: "nearest", the training records most like the request by TF-IDF and cosine, the nearest last,
    chosen anew for each request (Liu et al. 2022, "What makes good in-context examples for GPT-3?");
    or "drawn", the same ones for all requests, drawn by seed so that skills alternate.
    """
    shown = stratified(train, k, seed) if shots == "drawn" else nearest(train, k)
    return prompted(model, tokenizer, train, shown, instruction=INSTRUCTIONS[instruction])


def few_shot_drawn(model, tokenizer, train, seed, k=4):
    """`few_shot` with the same k records before every request: what a prompt written once can hold."""
    return few_shot(model, tokenizer, train, seed, k, "drawn")


def system_prompt(model, tokenizer, train, seed, system="role and form"):
    """A system line (a key of SYSTEMS), then the request as the user's turn."""
    line = describe(SYSTEMS[system], train)

    def build(shots, request):
        return templates.dialogue(bare(request), system=line)

    return prompted(model, tokenizer, train, [], instruction=line, build=build)


def facts_in_prompt(model, tokenizer, train, seed, k=4, facts=2, known=None):
    """Above the request, and above each of k solved records, the company facts nearest to it.

    Nearest by TF-IDF and cosine. The solved records show how facts are used.

    known: {key: statement}, by default the desk's. Source: Lewis et al. 2020 (retrieval-augmented
    generation), with word counts in place of a neural retriever.
    """
    known = replies.statements() if known is None else known
    find = retriever(list(known.values()))

    def informed(request):
        return "\n".join([*find(bare(request), facts), open_end(request)])

    def build(shots, request):
        solved = [f"{informed(shot['prompt'])} {shot['completion'].strip()}" for shot in shots]
        return "\n\n".join([*solved, informed(request)])

    result = prompted(model, tokenizer, train, stratified(train, k, seed), build=build)
    result.stored_bytes += sum(len(text.encode()) for text in known.values())
    return result


def prompted(model, tokenizer, train, shots, instruction="", build=None, write=None, calls=1, sampling=None):
    """The Result of asking with shots; what does not fit into the context leaves, the first shot first.

    shots: records, or show(request) -> records, which may choose among all that there are.
    build(shots, request) -> the text sent, by default instruction, shots, request. write(model's text)
    -> reply. calls: how often each request is sent. sampling: arguments of generation.generate.
    """
    started, head = time.perf_counter(), describe(instruction, train)
    show, pool = (shots, train) if callable(shots) else (lambda request: shots, shots)
    build = build or (lambda kept, request: few_shot_prompt(kept, request, head))
    options = {"max_new_tokens": ROOM, "stop": ending(train)} | (sampling or {})
    limit = context_length(model) - options["max_new_tokens"]
    count = functools.partial(templates.token_count, tokenizer)

    def sent(request):
        kept = [shot for shot in show(request) if shot["prompt"] != request]  # never show what is asked for
        while count(text := build(kept, request)) > limit and kept:
            kept = kept[1:]
        return text

    def reply(requests):
        texts = generate(model, tokenizer, [sent(request) for request in requests], **options)
        return [(write or str.strip)(text) for text in texts]

    chosen = {shot["prompt"] for shot in pool} if pool is shots else set()
    others = [record["prompt"] for record in train if record["prompt"] not in chosen][:50]
    extra = [calls * count(sent(request)) - count(open_end(request)) for request in others]
    return Result(
        reply,
        stored_bytes=len(head.encode()) + sum(len((s["prompt"] + s["completion"]).encode()) for s in pool),
        examples=len(pool),
        train_seconds=time.perf_counter() - started,
        prompt_tokens=sum(extra) / max(1, len(extra)),
        choice={"shots": shots, "instruction": head, "prompt": sent},
    )


def describe(instruction, train):
    """The instruction with the desk's teams, priorities and form of reply filled in from the records."""
    if "{" not in instruction:
        return instruction
    form = replies.written({name: name for name in replies.NAMES})
    team, priority = (", ".join(sorted(replies.common(train, name))) for name in ("team", "priority"))
    return instruction.format(form=form, teams=team, priorities=priority)


NEAR = [{"k": k, "shots": "nearest"} for k in (1, 2, 4, 8)]
FAR = [{"k": k, "shots": "drawn"} for k in (4, 8)]
RUNGS = {
    "zero_shot": Rung(zero_shot, "01", [{"instruction": name} for name in INSTRUCTIONS]),
    "few_shot": Rung(few_shot, "01", NEAR + FAR),
    "few_shot_drawn": Rung(few_shot_drawn, "01", [{"k": k} for k in (1, 2, 4, 6, 8, 12)]),
    "system_prompt": Rung(system_prompt, "01", [{"system": name} for name in SYSTEMS]),
    "facts_in_prompt": Rung(
        facts_in_prompt, "01", [{"k": k, "facts": facts} for k in (2, 4, 8) for facts in (2, 3)]
    ),
}
