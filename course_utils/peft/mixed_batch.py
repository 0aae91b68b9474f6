"""Generation for a mixed batch: each row is continued with the adapters of its own task.

`generation.continue_ids` reads prompts in parts and drops rows as it goes, and before each forward pass
it tells which rows are in it: `adapter_layer.set_adapter` then assigns each its own task. Taught in
lesson 03. Left out: sampling.
"""

from course_utils.batching import encode
from course_utils.generation import continue_ids
from course_utils.peft import adapter_layer


def reply(model, tokenizer, prompts, tasks, max_new_tokens=32, stop=None):
    """Greedy continuations of B prompts, each with the task of its row (None: the base model): list of str.

    Cut before `stop`, if given. Afterwards no adapter is active. Raises ValueError for an
    unknown task, or unless there is one task for each prompt.
    """
    if len(tasks) != len(prompts):
        raise ValueError(f"{len(prompts)} prompts and {len(tasks)} tasks: give one task for each.")
    rows = encode(model, tokenizer, prompts)

    def choose_tasks(numbers):
        adapter_layer.set_adapter(model, [tasks[number] for number in numbers])

    def stopped(row, ids):
        return stop in tokenizer.decode(ids)

    try:
        adapter_layer.set_adapter(model, list(tasks))  # an unknown one is refused before any work
        ends = stopped if stop else None
        new = continue_ids(model, rows, max_new_tokens, stopped=ends, before=choose_tasks)
    finally:
        adapter_layer.set_adapter(model, None)
    texts = [tokenizer.decode(ids, skip_special_tokens=True) for ids in new]
    return [text.split(stop)[0] if stop else text for text in texts]
