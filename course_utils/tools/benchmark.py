"""The course's functions beside the libraries' on one model, in one run: how much sooner, with equal results.

    python -m course_utils.tools.benchmark                            about ten minutes on two cores
    python -m course_utils.tools.benchmark --only generation --model glass-box

Three parts: `generation.generate` beside `model.generate` on chat prompts of unequal lengths; a training
step beside TRL's SFTTrainer and the machine's matrix-multiply peak (course_utils.tools.training_benchmark);
`generation.logps` on few-shot prompts, with and without their shots read once. The rivals take turns, and
the fastest of several runs counts, since other programs may use the processor for a while. On one thread
the clock is that of this process's own computing.
"""

import argparse
import functools
import itertools
import time

import torch

from course_utils import generation, models
from course_utils.batching import encode, end_ids, left_pad
from course_utils.tools import training_benchmark

TOPICS = (
    "cheese",
    "the Moon",
    "bicycles",
    "volcanoes",
    "the violin",
    "honey bees",
    "bridges",
    "chess",
    "the Amazon River",
    "bread",
    "lighthouses",
    "penguins",
    "the printing press",
    "tea",
    "glaciers",
    "owls",
)
FRAMES = (
    "Tell me about {}.",
    "What is the first word that comes to mind with {}? Answer in one word.",
    "Name three facts about {}.",
    "Write one short sentence about {} for a child.",
    "Hello! I am preparing a talk on {} for my evening class, and my audience knows nothing about it. "
    "Which two points should I begin with, and why?",
    "Explain {} to me.",
    'A reader writes: "I enjoyed your article on {} very much, but I found it too long, and I missed a '
    'picture. Could you send me a shorter version by Friday? I would like to read it aloud at school." '
    "Write a reply of two sentences that thanks the reader.",
    "Is there anything surprising about {}? Answer with yes or no.",
)
REVIEWS = (
    ("The soup was cold and the waiter had forgotten us", "bad"),
    ("We laughed all evening, and the children want to go again", "good"),
    ("The room was clean, quiet and had a lovely view of the harbor", "good"),
    ("The zip broke on the second day, and nobody answers my letters", "bad"),
    ("I could not put the book down and read it in one night", "good"),
    ("The train was late, crowded and smelled of old fish", "bad"),
    ("The screen is scratched and the battery lasts an hour", "bad"),
    ("A kind and patient teacher who explains everything twice", "good"),
)


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmark", description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="a name, folder or hub id for models.load (default: the course's)")
    parser.add_argument("--only", choices=PARTS, help="one part instead of all")
    parser.add_argument("--threads", type=int, help="CPU threads (default: as many as help right now)")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each, of which the fastest counts")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads or models.choose_threads())
    model, tokenizer = models.load(options.model)
    print(
        f"{models.count_parameters(model):,} parameters, {next(model.parameters()).dtype}, "
        f"{torch.get_num_threads()} thread(s), the faster of {options.rounds} runs in turn"
    )
    for name in [options.only] if options.only else PARTS:
        PARTS[name](model, tokenizer, options.rounds)


def clock():
    """Seconds: this process's own on one thread, else the wall clock's."""
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def fastest(rivals, rounds):
    """({name: result of the last run}, {name: least seconds}) of functions that take turns."""
    results, seconds = {}, {}
    for _ in range(rounds):
        for name, run in rivals.items():
            started = clock()
            results[name] = run()
            seconds[name] = min(seconds.get(name, float("inf")), clock() - started)
    return results, seconds


def chat_prompts(tokenizer, count):
    """Questions of unequal lengths in the model's chat template: list of str."""
    questions = [frame.format(topic) for topic in TOPICS for frame in FRAMES]
    turns = ([{"role": "user", "content": question}] for question in itertools.islice(questions, count))
    return [tokenizer.apply_chat_template(t, tokenize=False, add_generation_prompt=True) for t in turns]


def by_generation(model, tokenizer, rounds, sizes=((1, 8), (32, 64), (128, 128)), max_new_tokens=48):
    """Prints tokens per second of both generators for each (batch size, number of prompts)."""
    print(f"\nGeneration: chat prompts of unequal lengths, greedy, at most {max_new_tokens} new tokens")
    for batch_size, count in sizes:
        rows = encode(model, tokenizer, chat_prompts(tokenizer, count))
        settings = dict(model=model, rows=rows, max_new_tokens=max_new_tokens, batch_size=batch_size)
        rivals = {
            "model.generate": functools.partial(library_ids, **settings),
            "generation": functools.partial(generation.continue_ids, **settings),
        }
        results, seconds = fastest(rivals, rounds)
        theirs, ours = results["model.generate"], results["generation"]
        tokens, same = sum(map(len, theirs)), sum(a == b for a, b in zip(ours, theirs))
        print(
            f"    batch {batch_size:3}: {count} prompts of {min(map(len, rows))} to {max(map(len, rows))} "
            f"tokens, {tokens:,} new tokens, the same in {same} of {count} rows"
        )
        show(seconds, tokens, "model.generate", "generation")


def library_ids(model, rows, max_new_tokens, batch_size):
    """The new ids by `model.generate`, as `generation.continue_ids` returns them: list of lists."""
    new, ends = [], end_ids(model)
    for start in range(0, len(rows), batch_size):
        ids, mask, _ = left_pad(rows[start : start + batch_size], model.device)
        out = model.generate(
            input_ids=ids, attention_mask=mask, max_new_tokens=max_new_tokens, do_sample=False
        )
        for row in out[:, ids.shape[1] :].tolist():
            new.append(list(itertools.takewhile(lambda token: token not in ends, row)))
    return new


def by_scoring(model, tokenizer, rounds, count=32):
    """Prints completions per second of `logps` after eight shots, with and without reading them once."""
    shots = "".join(f"Review: {text}.\nThe review is {label}.\n\n" for text, label in REVIEWS)
    questions = (frame.format(topic) for topic in TOPICS for frame in FRAMES[:4])
    prompts = [f"{shots}Review: {q}\nThe review is" for q in itertools.islice(questions, count)]
    pairs = [(prompt, f" {label}.") for prompt in prompts for label in ("good", "bad")]
    scored = [prompt for prompt, _ in pairs], [label for _, label in pairs]
    rivals = {
        "each prompt whole": lambda: generation.logps(model, tokenizer, *scored, share=False),
        "shots read once": lambda: generation.logps(model, tokenizer, *scored),
    }
    results, seconds = fastest(rivals, rounds)
    whole, once = results.values()
    gap = (whole - once).abs().max().item()
    lengths = [len(row) for row in tokenizer([shots, prompts[0]])["input_ids"]]
    print(
        f"\nScoring: {len(pairs)} completions, {lengths[0]} of about {lengths[1]} tokens of a prompt are "
        f"eight shots, log-probabilities within {gap:.0e}"
    )
    show(seconds, len(pairs), "each prompt whole", "shots read once", "completions")


def show(seconds, amount, theirs, ours, unit="tokens"):
    """Print the speed of two rivals and their ratio."""
    for name in (theirs, ours):
        print(f"        {name:22} {amount / seconds[name]:9,.1f} {unit}/s")
    print(f"        {'ratio':22} {seconds[theirs] / seconds[ours]:9.2f}")


PARTS = {"generation": by_generation, "training": training_benchmark.by_training, "scoring": by_scoring}

if __name__ == "__main__":
    main()
