"""Trains or evaluates a glass-box model: python -m course_utils.pretrain [--size small] [--tokens 30] …"""

import argparse
from pathlib import Path

import torch

from course_utils import models
from course_utils.pretrain import model_card
from course_utils.pretrain.train import PHASES, SEED, SIZES, train
from course_utils.storage import paths
from course_utils.tasks import abilities


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description="Train or evaluate the course's base model.")
    parser.add_argument("--size", choices=SIZES, default="base")
    parser.add_argument("--tokens", type=float, help="million tokens to train on (default: the recipe's)")
    parser.add_argument("--work", type=Path, help="folder of checkpoints (default: in the course's cache)")
    parser.add_argument("--out", type=Path, help="folder of the finished model (default: data/models/<name>)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: chosen by a probe)")
    parser.add_argument("--evaluate", type=Path, metavar="FOLDER", help="print the ability table of a model")
    parser.add_argument("--measure", action="store_true", help="only measure the milestones reached so far")
    parser.add_argument(
        "--note", default="", help="for the card: a sentence on what differed from the recipe"
    )
    parser.add_argument("--items", type=int, default=500, help="held-out items of each ability")
    args = parser.parse_args()
    torch.set_num_threads(args.threads or models.choose_threads())
    if args.evaluate:
        model, tokenizer = models.load(str(args.evaluate))
        return print(abilities.report(abilities.measure(model, tokenizer, abilities.ALL, args.items, True)))
    million = args.tokens or SIZES[args.size]["tokens"]
    work = args.work or paths.course_home() / "pretrain" / f"{args.size}-{million:g}M"
    out = args.out or paths.DATA / "models" / {"base": "glass_box"}.get(args.size, f"glass_box_{args.size}")
    shape = {key: value for key, value in SIZES[args.size].items() if key != "tokens"}
    phases = [f"{phase['tokens']:.0%} at {phase['peak']:g} of the top rate" for phase in PHASES]
    stages = "readings: " + ", ".join(phases)  # a text of the stored results, which stays
    recipe = {"million_tokens": million, "seed": SEED, "stages": stages, "shape": shape}
    if not args.measure:
        model, tokenizer, log = train(args.size, million, work)
        model_card.publish(args.size, model, tokenizer, out, recipe, log, args.items, args.note)
    model_card.measure(args.size, work, recipe, args.items)


if __name__ == "__main__":
    main()
