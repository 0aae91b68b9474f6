"""Generation for a mixed batch: each row is continued with the adapters of its own task.

`generation.generate` sorts and drops rows as it goes; here the rows keep their order, because
`adapter_layer.set_adapter` assigns tasks to rows by position. Taught in lesson 03. Left out:
sampling, sorting by length, and more rows than fit one batch.
"""

import torch

from course_utils.batching import context_length, encode, end_ids, evaluating, left_pad
from course_utils.peft import adapter_layer


@torch.inference_mode()
def reply(model, tokenizer, prompts, tasks, max_new_tokens=32, stop=None):
    """Greedy continuations of B prompts, each with the task of its row (None: the base model): list of str.

    Cut before `stop`, if given. Afterwards no adapter is active. Raises ValueError for an
    unknown task, or unless there is one task for each prompt.
    """
    if len(tasks) != len(prompts):
        raise ValueError(f"{len(prompts)} prompts and {len(tasks)} tasks: give one task for each.")
    rows, ends = encode(model, tokenizer, prompts), end_ids(model)
    context = int(min(context_length(model), 1e9))
    room = [min(max_new_tokens, context - len(row)) for row in rows]  # its own, whoever is in the batch
    ids, mask, positions = left_pad(rows, model.device)  # (B, T)
    new, cache, done = [[] for _ in rows], None, set()
    try:
        adapter_layer.set_adapter(model, list(tasks))
        with evaluating(model):
            for _ in range(max(room)):
                out = model(
                    input_ids=ids,
                    attention_mask=mask,
                    position_ids=positions,
                    past_key_values=cache,
                    use_cache=True,
                    logits_to_keep=1,
                )
                chosen, cache = out.logits[:, -1].argmax(-1), out.past_key_values  # (B,)
                for row, token in enumerate(chosen.tolist()):
                    if token in ends:
                        done.add(row)
                    if row not in done:
                        new[row].append(token)
                        if len(new[row]) == room[row] or (stop and stop in tokenizer.decode(new[row])):
                            done.add(row)
                if len(done) == len(rows):
                    break
                ids, positions = chosen[:, None], positions[:, -1:] + 1  # (B, 1)
                positions = positions.clamp(max=context - 1)  # finished rows stay in the batch
                mask = torch.cat([mask, mask.new_ones(len(rows), 1)], 1)
    finally:
        adapter_layer.set_adapter(model, None)
    texts = [tokenizer.decode(ids, skip_special_tokens=True) for ids in new]
    return [text.split(stop)[0] if stop else text for text in texts]
