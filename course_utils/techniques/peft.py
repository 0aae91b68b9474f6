"""Techniques that train small parts inside the frozen model: adapters, IA3, LoRA and its relatives.

The first four are this course's own; DoRA and LLaMA-Adapter come from PEFT, as variations of one
line. All see the same records for the same number of steps. Left out: what each could do with more.
"""

import itertools
import time

import safetensors.torch
import torch

from course_utils import data, training
from course_utils.peft import bottleneck, ia3, lora
from course_utils.techniques.base import Result, Technique, replier


def bottleneck_adapter(
    model, tokenizer, train, seed, task, lr=3e-3, width=16, placement="houlsby", steps=None
):
    """A bottleneck behind the sublayers. Source: Houlsby et al. 2019."""
    parameters = bottleneck.add(model, width=width, placement=placement, seed=seed)
    return trained(model, parameters, tokenizer, train, seed, task, lr, steps)


def ia3_vectors(model, tokenizer, train, seed, task, lr=3e-2, steps=None):
    """Vectors that rescale keys, values and feed-forward activations. Source: Liu et al. 2022."""
    return trained(model, ia3.add(model), tokenizer, train, seed, task, lr, steps)


def lora_qv(model, tokenizer, train, seed, task, lr=1e-2, rank=8, steps=None):
    """LoRA on the queries and values. Source: Hu et al. 2021."""
    parameters = lora.add(model, rank=rank, alpha=2.0 * rank, seed=seed)
    return trained(model, parameters, tokenizer, train, seed, task, lr, steps)


def lora_all(model, tokenizer, train, seed, task, lr=3e-3, rank=8, steps=None):
    """LoRA on every linear layer of the blocks. Source: Dettmers et al. 2023 (QLoRA), section 4."""
    parameters = lora.add(model, rank=rank, alpha=2.0 * rank, targets="all", seed=seed)
    return trained(model, parameters, tokenizer, train, seed, task, lr, steps)


def lora_last(model, tokenizer, train, seed, task, lr, shape, steps=None):
    """LoRA on every linear layer of the last blocks. shape: (rank, how many blocks)."""
    rank, blocks = shape
    last = list(range(model.config.num_hidden_layers)[-blocks:])
    parameters = lora.add(model, "lora", rank, 2.0 * rank, targets="all", seed=seed, layers_to_transform=last)
    return trained(model, parameters, tokenizer, train, seed, task, lr, steps)


def dora(model, tokenizer, train, seed, task, lr=3e-3, rank=8, steps=None):
    """LoRA for a weight's direction, a vector for its length, by PEFT. Source: Liu et al. 2024 (DoRA).

    On every linear layer of the blocks, but for those in which training has left a neuron dead: the
    direction of a row of zeros is 0 / 0, and PEFT's DoRA then gives logits that are no numbers.
    """
    from peft import LoraConfig

    settings = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=alive(model), use_dora=True)
    return trained(*by_peft(model, settings, seed), tokenizer, train, seed, task, lr, steps)


def llama_adapter(model, tokenizer, train, seed, task, lr=1e-2, length=10, layers=None, steps=None):
    """A learned prompt in the attention of the last layers, behind a gate that starts at 0, by PEFT.

    layers: how many, by default all. Source: Zhang et al. 2023. PEFT's own needs position_ids where a
    batch is padded on the left; `generate` gives them.
    """
    from peft import AdaptionPromptConfig

    layers = layers or model.config.num_hidden_layers
    settings = AdaptionPromptConfig(adapter_len=length, adapter_layers=layers, task_type="CAUSAL_LM")
    return trained(*by_peft(model, settings, seed), tokenizer, train, seed, task, lr, steps)


def alive(model):
    """The names of the linear layers below the head of whose weights no row is all zeros."""
    linear = {name: layer for name, layer in model.named_modules() if isinstance(layer, torch.nn.Linear)}
    head = model.get_output_embeddings()
    return [
        name
        for name, layer in linear.items()
        if layer is not head and bool(layer.weight.detach().norm(dim=1).min() > 0)
    ]


def by_peft(model, settings, seed):
    """(PEFT's model around this one, the parameters that train), for a configuration of PEFT's."""
    from peft import get_peft_model

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        wrapped = get_peft_model(model, settings)
    return wrapped, [parameter for parameter in wrapped.parameters() if parameter.requires_grad]


def trained(model, parameters, tokenizer, train, seed, task, lr, steps=None):
    """Train these parameters within the task's budget; the Result of asking with the bare request.

    steps: in place of the budget's.
    """
    started, train = time.perf_counter(), task.subset(train, seed)
    training.train(
        model,
        data.encode(tokenizer, task.training_records(tokenizer, train)),
        lr=lr,
        steps=steps or task.budget.steps,
        batch_size=task.budget.batch,
        seed=seed,
        parameters=parameters,
        progress=False,
        pad_id=tokenizer.pad_token_id,
        bf16=None if task.bf16 else False,
    )
    seconds = time.perf_counter() - started
    count = sum(parameter.numel() for parameter in parameters)
    kept = {str(i): parameter.detach().cpu().contiguous() for i, parameter in enumerate(parameters)}
    return Result(
        replier(model, tokenizer, task, train),
        trainable_parameters=count,
        stored_parameters=count,
        stored_bytes=len(safetensors.torch.save(kept)),
        examples=len(train),
        train_seconds=seconds,
        model=model,
    )


def grid(**values):
    """Every combination of some values as settings: grid(lr=(1, 2), rank=(8,)) has two."""
    return [dict(zip(values, combination)) for combination in itertools.product(*values.values())]


TECHNIQUES = (
    Technique(
        "bottleneck_adapter",
        "PEFT",
        "03",
        bottleneck_adapter,
        {
            "toy_desk": grid(lr=(3e-3, 1e-2, 3e-2), width=(16, 32)),
            "helpdesk": grid(lr=(1e-3, 3e-3, 1e-2, 3e-2), width=(32,)),
        },
    ),
    Technique(
        "ia3",
        "PEFT",
        "03",
        ia3_vectors,
        {
            "toy_desk": grid(lr=(4e-2, 8e-2, 0.15, 0.3, 0.6, 1.2)),
            "helpdesk": grid(lr=(1e-2, 3e-2, 0.1, 0.3)),
        },
    ),
    Technique(
        "lora_qv",
        "PEFT",
        "03",
        lora_qv,
        {
            "toy_desk": grid(lr=(1e-3, 3e-3, 1e-2), rank=(8, 32)),
            "helpdesk": grid(lr=(2e-3, 5e-3, 1e-2, 2e-2), rank=(8,)),
        },
    ),
    Technique(
        "lora_all",
        "PEFT",
        "03",
        lora_all,
        {
            "toy_desk": grid(lr=(1e-3, 2e-3, 5e-3), rank=(8, 16)),
            "toy_desk_smollm2": grid(lr=(1e-3, 2e-3, 5e-3, 1e-2), rank=(8,)),
            "helpdesk": grid(lr=(1e-3, 2e-3, 5e-3, 1e-2), rank=(8,)),
        },
    ),
    Technique(
        "dora",
        "PEFT",
        "03",
        dora,
        {
            "toy_desk": grid(lr=(2e-3, 5e-3, 1e-2), rank=(8, 16)),
            "helpdesk": grid(lr=(1e-3, 2e-3, 5e-3, 1e-2), rank=(8,)),
        },
    ),
    Technique(
        "llama_adapter",
        "PEFT",
        "03",
        llama_adapter,
        {
            "toy_desk": grid(lr=(0.1, 0.3, 1.0), length=(10, 30)),
            "helpdesk": grid(lr=(3e-3, 1e-2, 3e-2, 0.1), length=(10,)),
        },
    ),
)
