"""Three sizes of the glass box at equal tokens and equal schedule: exact match beside log-probability.

    python -m course_utils.pretrain.equal_tokens        train what is missing, measure, store (resumable)
    python -m course_utils.pretrain.equal_tokens --shipped      the two shipped models of 12 million tokens

Each size sees the same tokens in the same order, under the same learning-rate schedule: what differs is size
alone. Of the shipped models, tiny and small saw 12 million tokens, base saw 162 million. Exact match
is 0 or 1 for a whole answer, the log-probability of the answer changes with every token's: whether an ability
looks sharp depends on which of them is drawn (Schaeffer et al. 2023, arXiv:2304.15004).
"""

import argparse
import json
from pathlib import Path

import torch
from transformers import AutoTokenizer, LlamaForCausalLM

from course_utils import generation, models
from course_utils.evaluation import evaluate
from course_utils.pretrain.train import SIZES, train
from course_utils.storage import files, paths
from course_utils.tasks import abilities

RESULTS = paths.DATA / "results" / "equal_tokens.json"
MILLION_TOKENS = 12
ABILITIES = {
    "common facts": "common facts, exam",
    "rare facts": "rare facts, exam",
    "translation": "English to German",
    "look-up in the prompt": "look-up among 8 pairs",
    "new labels, 8 shots": "new label words, two categories, 8 shots",
}


def both_metrics(model, tokenizer, items):
    """{"hits": [0/1 per item], "logps": [nats per item, of the whole answer]}."""
    hits = [int(hit) for hit in evaluate(model, tokenizer, items)]
    answers = [f" {item.answer}" for item in items]
    logps = generation.logps(model, tokenizer, [item.prompt for item in items], answers)
    return {"hits": hits, "logps": [round(value, 3) for value in logps.tolist()]}


def all_abilities(model, tokenizer, count):
    """{ability: both metrics} on `count` held-out items of each."""
    chosen = {name: abilities.items(ability, count) for name, ability in ABILITIES.items()}
    return {name: both_metrics(model, tokenizer, items) for name, items in chosen.items()}


def measure(folder, already, count):
    """{tokens seen: {ability: both metrics}} of the milestones in `folder`; what is `already` there stays."""
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    measured = dict(already)
    for milestone in sorted(folder.glob("milestone-*"), key=lambda path: int(path.name.split("-")[1])):
        seen = milestone.name.split("-")[1]
        if seen not in measured:
            model = LlamaForCausalLM.from_pretrained(milestone, dtype=torch.float32).eval()
            measured[seen] = all_abilities(model, tokenizer, count)
    return measured


def known(size, million_tokens, path=RESULTS):
    """The stored milestones of a size, none if they are of a run of another length."""
    entry = json.loads(path.read_text(encoding="utf-8")).get(size, {}) if path.exists() else {}
    return entry.get("milestones", {}) if entry.get("million_tokens") == million_tokens else {}


def store(size, parameters, measured, path=RESULTS, million_tokens=MILLION_TOKENS):
    """Write one size's measurements beside those of the others that were trained as long."""
    whole = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    whole = {other: entry for other, entry in whole.items() if entry["million_tokens"] == million_tokens}
    whole[size] = {"parameters": parameters, "million_tokens": million_tokens, "milestones": measured}
    lines = (
        json.dumps(whole, separators=(",", ":")).replace('"hits"', '\n"hits"').replace('"logps"', '\n"logps"')
    )
    files.write_atomically(path, lines + "\n")


def summary(path=RESULTS):
    """[(size, parameters, tokens, ability, hits, logps)] of every stored measurement, in their order."""
    whole = json.loads(path.read_text(encoding="utf-8"))
    return [
        (size, entry["parameters"], int(seen), ability, values["hits"], values["logps"])
        for size, entry in whole.items()
        for seen, measured in entry["milestones"].items()
        for ability, values in measured.items()
    ]


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description="Train and measure three sizes at equal tokens.")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--work", type=Path, default=paths.course_home() / "pretrain")
    parser.add_argument("--items", type=int, default=200, help="held-out items of each ability")
    parser.add_argument("--shipped", action="store_true", help="measure the shipped tiny and small only")
    args = parser.parse_args()
    if args.shipped:
        for size in ("tiny", "small"):
            model, tokenizer = models.load(f"glass-box-{size}")
            row = {str(SIZES[size]["tokens"] * 1_000_000): all_abilities(model, tokenizer, args.items)}
            store(size, model.num_parameters(), row, million_tokens=SIZES[size]["tokens"])
        return
    for size in args.sizes:
        folder = args.work / f"{size}-{MILLION_TOKENS}M"
        model, _, _ = train(size, MILLION_TOKENS, folder)
        store(size, model.num_parameters(), measure(folder, known(size, MILLION_TOKENS), args.items))


if __name__ == "__main__":
    main()
