"""Generation speed beside model.generate: `python -m course_utils.generation --benchmark`."""

import itertools
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from course_utils import models
from course_utils.batching import end_ids, left_pad
from course_utils.corpus.mix import documents
from course_utils.generation import continue_ids


def generation(count=512, batch_size=128, max_new_tokens=48):
    """Prints tokens per second of model.generate and of continue_ids, alternating in one run.

    Two loads: ragged prompts whose rows end at different times (as in the lessons), and equal
    prompts of which no row ends, where both do the same arithmetic.
    """
    torch.set_num_threads(1)
    model, rows = subject(2 * count)
    end = model.config.eos_token_id
    equal = [row[:24] for row in rows if len(row) >= 24][:batch_size]
    for name, some, ends in ("ragged prompts", rows[:count], end), ("equal, endless", equal, None):
        model.config.eos_token_id = model.generation_config.eos_token_id = ends
        slow, fast, best = [], [], {}
        for _ in range(3):
            for label, run in ("model.generate", library_ids), ("continue_ids", continue_ids):
                started = time.perf_counter()
                new = run(model, some, max_new_tokens, batch_size=batch_size)
                best[label] = min(best.get(label, float("inf")), time.perf_counter() - started)
                (slow if run is library_ids else fast).append(new)
        tokens = sum(map(len, fast[0]))
        print(f"{name}: {len(some)} prompts, {tokens} new tokens, same tokens: {slow == fast}")
        for label, seconds in best.items():
            print(f"    {label:15} {tokens / seconds:8,.0f} tokens/s")
        print(f"    ratio           {best['model.generate'] / best['continue_ids']:8.2f}")


def subject(count):
    """(model, prompts as id lists): the base model on halves of documents, or else random ones."""
    try:
        model, tokenizer = models.load("glass-box")
    except FileNotFoundError:
        print("data/models/glass_box is missing: a random model and random prompts instead.")
        torch.manual_seed(0)
        shape = dict(vocab_size=2048, hidden_size=128, intermediate_size=384, num_hidden_layers=4)
        ends = list(range(100))  # many, so that random text ends now and then
        model = LlamaForCausalLM(
            LlamaConfig(**shape, num_attention_heads=4, eos_token_id=ends, pad_token_id=0)
        )
        return model.eval(), [
            torch.randint(100, 2048, (n,)).tolist() for n in torch.randint(8, 100, (count,))
        ]
    texts = [text for _, text in itertools.islice(documents(0, "benchmark"), count)]
    return model, [ids[: 1 + len(ids) // 2][:300] for ids in tokenizer(texts)["input_ids"]]


def library_ids(model, rows, max_new_tokens, batch_size):
    """The new ids by `model.generate`, as `continue_ids` returns them: list of lists."""
    new, ends = [], end_ids(model)
    for i in range(0, len(rows), batch_size):
        ids, mask, _ = left_pad(rows[i : i + batch_size], model.device)
        out = model.generate(
            input_ids=ids, attention_mask=mask, max_new_tokens=max_new_tokens, do_sample=False
        )
        for row in out[:, ids.shape[1] :].tolist():
            new.append(list(itertools.takewhile(lambda token: token not in ends, row)))
    return new
