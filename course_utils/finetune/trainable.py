"""Which parameters a method trains: all, the last blocks, the head, or a LoRA adapter beside them.

Taught in lessons 03 and 04. Left out: a rate of its own for each depth (Howard and Ruder 2018).
"""

import torch
from torch import nn

RANK = 8


def choose(model, method, seed=0, rank=RANK):
    """(model, the parameters to train) for lora, full, last_block or head. With "lora" the model is PEFT's.

    The seed decides where LoRA starts (Hu et al. 2021: random A, zero B, so that nothing changes at
    first). Raises ValueError for another method.
    """
    if method == "lora":
        from peft import LoraConfig, get_peft_model  # imported late: it takes seconds

        settings = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = get_peft_model(model, settings)
        return model, [parameter for parameter in model.parameters() if parameter.requires_grad]
    chosen = {"full": lambda model: list(model.parameters()), "last_block": last_blocks, "head": own_head}
    if method not in chosen:
        raise ValueError(f"There is no method {method!r}: use lora, {', '.join(chosen)}.")
    return model, chosen[method](model)


def last_blocks(model, count=1):
    """The parameters of the last `count` blocks. Raises ValueError if there are not so many."""
    total = model.config.get_text_config().num_hidden_layers
    lists = (m for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) == total)
    blocks = next(lists, None)
    if blocks is None or not 1 <= count <= total:
        raise ValueError(f"{count} blocks of the model's {total} cannot be chosen.")
    return [parameter for block in blocks[total - count :] for parameter in block.parameters()]


def own_head(model):
    """The parameters of the head, which gets a weight of its own if it shares that of the embeddings.

    Otherwise what the model reads would change with what it writes.
    """
    head = model.get_output_embeddings()
    if head.weight is model.get_input_embeddings().weight:
        head.weight = nn.Parameter(head.weight.detach().clone())
        model.config.get_text_config().tie_word_embeddings = False
        model.config.tie_word_embeddings = False
    return list(head.parameters())
