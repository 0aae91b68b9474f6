"""docs/results.md: how every row of both ladders was made, what it says, and what both ladders agree on.

    python -m course_utils.tools.results_page            print it
    python -m course_utils.tools.results_page --write    put it into docs/results.md

Everything in the tables is read from data/results. Left out: what a row costs otherwise (lesson 07 shows it).
"""

import argparse
import sys
from pathlib import Path

from course_utils.scoreboard import curves, runner, table
from course_utils.storage.files import write_atomically
from course_utils.tasks import base
from course_utils.techniques.registry import TECHNIQUES

FILE = Path(__file__).resolve().parents[2] / "docs" / "results.md"
RESAMPLES = 10_000
TITLES = {
    "helpdesk": "The help desk (SmolLM2-135M-Instruct)",
    "toy_desk": "The toy desk (glass box)",
    "toy_desk_smollm2": "The toy desk (SmolLM2-135M-Instruct)",
}
QUESTIONS = (  # pairs that a reader asks about, by a column; each is answered on both ladders
    ("lora_all", "nearest_copy", "accuracy", "Does LoRA beat copying the most similar reply?"),
    ("full", "nearest_copy", "accuracy", "Does full fine-tuning?"),
    ("few_shot_nearest", "nearest_copy", "accuracy", "Do the most similar records as shots?"),
    ("facts_in_prompt", "few_shot_nearest", "accuracy", "Do retrieved facts beside shots help?"),
    ("constrained_decoding", "few_shot_nearest", "accuracy", "Does a forced form, beside shots?"),
    ("lora_all", "few_shot_nearest", "accuracy", "LoRA against the most similar records as shots"),
    ("full", "lora_all", "accuracy", "Full fine-tuning against LoRA on all layers"),
    ("full", "feature_last_block", "accuracy", "Full fine-tuning against the last blocks alone"),
    ("lora_all", "lora_qv", "accuracy", "LoRA on all layers against queries and values only"),
    ("lora_all", "bottleneck_adapter", "accuracy", "LoRA on all layers against bottleneck adapters"),
    ("lora_qv", "ia3", "accuracy", "LoRA on queries and values against IA³"),
    ("lora_all", "prompt_tuning", "accuracy", "LoRA against prompt tuning"),
    ("prefix_tuning", "prompt_tuning", "accuracy", "Prefix tuning against prompt tuning"),
    ("lora_all", "specialists", "accuracy", "LoRA against an ensemble of classifiers"),
    ("lora_all", "specialists", "routing", "The same by right teams"),
    ("full", "sft_mediocre", "accuracy", "Clean records against (on the help desk fewer) mixed ones"),
    ("full", "always_decline", "gold_reward", "Full fine-tuning against always declining"),
    ("dpo", "sft_mediocre", "gold_reward", "DPO against its start"),
    ("reward_best_of_n", "sft_mediocre", "gold_reward", "Best-of-n against its start"),
    ("grpo", "sft_mediocre", "gold_reward", "GRPO against its start"),
    ("rlaif", "sft_mediocre", "gold_reward", "RLAIF against its start"),
    ("synthetic_filtered", "synthetic_real_control", "accuracy", "Synthetic records against real ones"),
)
CURVES = {
    "label": """## The help desk by the number of records

Exact-match accuracy / team right on the first 200 test messages, with one setting for all numbers. The runs
at each number of records are draws of them and, with all records, seeds of training, if it has any.
""",
    "size": """## The help desk by the size of the model

Exact-match accuracy / team right on all 500 test messages. 0.14, 0.45 and 1.3 million parameters: the glass
box in three sizes, its settings tried on dev; 135 million: SmolLM2, with the settings of the first table. Two
families of models: pretraining, vocabulary and size differ together.
""",
}
INTRO = """# How every row was made

Made by `python -m course_utils.tools.results_page --write` from [data/results](../data/results/README.md),
where the columns, the budgets and the intervals are explained. Each technique tried its settings on dev (the
accuracy there stands behind each), and was then measured on test with the one in **bold**. Accuracy means
that the whole reply is right; brackets hold 95 % intervals. The interval of a row of one seed is over items
only: it does not say how much another seed would change.
"""


def page():
    """The page's Markdown."""
    measured = [task for task in base.TASKS if table.rows_done(task)]
    models = [two_models()] if "toy_desk_smollm2" in measured else []
    drawn = [curve(kind) for kind in CURVES if curves.rows(kind)]
    parts = [INTRO, *map(ladder, measured), *models, *drawn, agreement()]
    return "\n".join(parts)


def ladder(task):
    """One ladder: a table with a row for each technique, what ended on its grid's edge, what is missing."""
    rows = table.rows_done(task)
    tuning = runner.read_tuning(base.results_file(base.find(task), "tuning.json"))
    done = list(dict.fromkeys(row["technique"] for row in rows))
    lines = [
        f"## {TITLES[task]}\n",
        "| technique | seeds | records | seconds | accuracy | team right | gold reward | tried on dev |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in done:
        own = [row for row in rows if row["technique"] == name]
        seconds = sum(float(row["train_seconds"] or 0) for row in own) / len(own)
        scores = [
            bracketed(table.mean(name, column, RESAMPLES, task))
            for column in ("whole", "team", "gold_reward")
        ]
        cells = [
            f"`{name}`",
            len(own),
            own[0]["examples"],
            f"{seconds:,.0f}",
            *scores,
            tried(tuning.get(name, {})),
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    machines = sorted({row["machine"] for row in rows})
    edges = [f"`{name}`" for name in done if on_edge(tuning.get(name, {}))]
    missing = [f"`{name}`" for name, t in TECHNIQUES.items() if task in t.settings and name not in done]
    lines += ["", f"Measured on: {'; '.join(machines)}."]
    lines += ["", f"The best value lies on the edge of what was tried: {', '.join(edges) or 'none'}."]
    lines += ["", f"Not measured yet: {', '.join(missing) or 'none'}.", ""]
    return "\n".join(lines)


def two_models():
    """The toy desk on both models: what pretraining is worth where the words of a task are invented."""
    lines = [
        "## The toy desk by model\n",
        "Exact-match accuracy on the same 500 messages. With training, the glass box saw its 2,000 records",
        "about twice (240 steps of 16, seconds), SmolLM2 once (500 steps of 4, minutes).\n",
        "| technique | glass box | SmolLM2 | difference |",
        "|---|---|---|---|",
    ]
    real = "toy_desk_smollm2"
    for name in dict.fromkeys(row["technique"] for row in table.rows_done(real)):
        old, new = (table.mean(name, "whole", RESAMPLES, task) for task in ("toy_desk", real))
        gap = table.compare(name, name, "whole", RESAMPLES, real, other="toy_desk")
        lines.append(f"| `{name}` | {bracketed(old)} | {bracketed(new)} | {bracketed(gap)} |")
    return "\n".join(lines) + "\n"


def curve(kind):
    """One curve of the help desk, "label" or "size": accuracy and right teams at each of its points."""
    points = curves.points(kind)
    ticks = sorted({tick for values in points.values() for tick in values})
    heads = [curves.tick(kind, tick) + {"label": " records", "size": " M"}[kind] for tick in ticks]
    lines = [
        CURVES[kind],
        "| technique | runs | " + " | ".join(heads) + " |",
        "|---|---|" + "---|" * len(ticks),
    ]
    taken = [(row["technique"], row[curves.axis(kind)]) for row in curves.rows(kind)]
    for name, measured in points.items():
        cells = [
            " / ".join(
                bracketed(curves.mean(kind, name, tick, column, resamples=RESAMPLES))
                for column in ("accuracy", "routing")
            )
            if tick in measured
            else "not measured"
            for tick in ticks
        ]
        runs = ", ".join(str(taken.count((name, tick))) for tick in ticks)
        lines.append(f"| `{name}` | {runs} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def bracketed(interval):
    """A mean with its interval, such as ".43 (.38 to .48)"."""
    value, low, high = map(short, interval)
    return f"{value} ({low} to {high})"


def short(number):
    """Two decimals, without the zero before the point."""
    text = f"{number:.2f}"
    return text.replace("0.", ".", 1) if abs(number) < 1 else text


def tried(entry):
    """The trials in words, such as "lr 0.001: .10; **lr 0.002: .12**"; empty where there was no choice."""
    texts = []
    trials = entry.get("trials", [])
    for trial in trials if len(trials) > 1 else []:
        setting = ", ".join(f"{key} {value}" for key, value in trial["setting"].items())
        text = f"{setting}: {short(trial['accuracy'])}"
        texts.append(f"**{text}**" if trial["setting"] == entry["chosen"] else text)
    return "; ".join(texts)


def on_edge(entry):
    """Whether a number of the chosen setting is the smallest or largest of three or more that were tried."""
    for key, value in (entry.get("chosen") or {}).items():
        values = {trial["setting"].get(key) for trial in entry["trials"]}
        numbers = sorted(v for v in values if isinstance(v, (int, float)))
        if len(numbers) > 2 and value in (numbers[0], numbers[-1]):
            return True
    return False


def agreement():
    """The QUESTIONS, answered on both ladders: paired differences, and whether they agree."""
    lines = [
        "## What holds on both ladders\n",
        "Paired differences over the same test items, with 95 % intervals.\n",
        "| question | by | help desk, SmolLM2 | toy desk, glass box | together |",
        "|---|---|---|---|---|",
    ]
    for first, second, column, question in QUESTIONS:
        differences = [difference(first, second, column, task) for task in ("helpdesk", "toy_desk")]
        cells = [bracketed(each) if each else "not measured yet" for each in differences]
        cells = [f"{question} (`{first}`, `{second}`)", column.replace("_", " "), *cells]
        lines.append("| " + " | ".join([*cells, verdict(differences)]) + " |")
    return "\n".join(lines) + "\n"


def difference(first, second, column, task):
    """The paired difference by a column (mean, low, high), or None before both are measured."""
    try:
        return table.compare(first, second, column, RESAMPLES, task)
    except FileNotFoundError:
        return None


def verdict(differences):
    """In words: whether two intervals say the same."""
    if None in differences:
        return "–"
    signs = [(low > 0) - (high < 0) for _, low, high in differences]
    if 0 in signs:
        return "cannot tell on " + ("either" if signs == [0, 0] else "one of them")
    return "holds on both" if signs[0] == signs[1] else "reverses"


def main(arguments=None):
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put it into docs/results.md")
    text = page()
    if parser.parse_args(arguments).write:
        write_atomically(FILE, text)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
