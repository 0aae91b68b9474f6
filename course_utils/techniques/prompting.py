"""Techniques that change the prompt and nothing else: instructions, shots, a system line, facts.

A prompt is built from the records as they stand: a shot is its prompt with its completion, the
query a prompt with nothing after it. Left out: orders and wordings made for single requests.
"""

import functools
import random
import re
import time
from collections import defaultdict

from course_utils.batching import context_length
from course_utils.generation import generate
from course_utils.prompts import templates
from course_utils.tasks.toy_desk import replies
from course_utils.techniques.base import Result, Rung

ROOM = 90  # tokens kept free for the reply
LABELS = ("Message", "Record")  # for records whose prompt does not say where the reply begins
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


def nearest(train, k):
    """show(request) -> the k records whose requests are most like it, the nearest last."""
    find = retriever([bare(record["prompt"]) for record in train], train)
    return lambda request: find(bare(request), k)


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


def describe(instruction, train):
    """The instruction with the desk's teams, priorities and form of reply filled in from the records."""
    if "{" not in instruction:
        return instruction
    form = replies.written({name: name for name in replies.NAMES})
    team, priority = (", ".join(sorted(replies.common(train, name))) for name in ("team", "priority"))
    return instruction.format(form=form, teams=team, priorities=priority)


def stratified(train, k, seed):
    """k different records, shuffled: the skills in turn, and teams not yet shown before the others.

    Raises ValueError if there are fewer than k.
    """
    if k > len(train):
        raise ValueError(f"{k} shots from {len(train)} records")
    draw, by_skill = random.Random(seed), defaultdict(list)
    for record in draw.sample(train, len(train)):
        by_skill[record["skill"]].append(record)
    turns, chosen, shown = draw.sample(sorted(by_skill), len(by_skill)), [], set()
    while len(chosen) < k:
        for skill in turns:
            if by_skill[skill]:
                new = (i for i, record in enumerate(by_skill[skill]) if _team(record) not in shown)
                chosen.append(by_skill[skill].pop(next(new, -1)))
                shown.add(_team(chosen[-1]))
    return draw.sample(chosen[:k], k)


def _team(record):
    return (replies.fields(record["completion"]) or {}).get("team")


def ending(train):
    """Where a reply ends: at the end of its line, or at a blank line if the desk's replies have several."""
    return "\n\n" if any("\n" in record["completion"].strip() for record in train) else "\n"


def retriever(texts, things=None):
    """find(query, n) -> the n texts nearest to the query, the nearest last, next to where it is used.

    things: what to give back in place of each text.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    matrix, things = words.fit_transform(texts), things or texts

    def find(query, n):
        near = (matrix @ words.transform([query]).T).toarray()[:, 0]
        return [things[i] for i in near.argsort(kind="stable")[max(0, len(texts) - n) :]]

    return find


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
