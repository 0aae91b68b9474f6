"""A memory planner: what a training step of a model keeps, found from its shapes alone.

    model = memory_planner.on_meta("530B")
    memory_planner.plan(model, "LoRA", batch=8, length=512)      {"weights": bytes, …}

The step is run on torch's meta device, where a tensor has a shape and no values, and what would be alive at
once is counted. So it holds for any causal model of the hub, with its own code. The same step with values is
measured by course_utils.scaling.measured_step. Taught in lesson 08. Left out: fragmentation, communication,
and fused kernels, which keep less. The loss is over all tokens; `training.train` computes logits only where
they count, which is less.
"""

import contextlib

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoModelForCausalLM

from course_utils import models
from course_utils.peft import lora, memory_estimates, nf4
from course_utils.scaling import parallelism
from course_utils.scaling.peak_memory import PeakMemory, activation_checkpointing
from course_utils.storage import paths, real_model

METHODS = ("full", "LoRA", "QLoRA")


def on_meta(name):
    """A model on the meta device: a key of parallelism.SHAPES, a name as for `models.load`, or a hub id.

    Of a hub id only the configuration is fetched, a few kilobytes.
    """
    if name in parallelism.SHAPES:
        return parallelism.build(name)
    source = name
    if name == models.REAL:
        source = real_model.folder()
    elif name in models.GLASS_BOX:
        source = paths.DATA / "models" / models.GLASS_BOX[name]
    with torch.device("meta"):
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
        return AutoModelForCausalLM.from_config(config, dtype=torch.float32)


def plan(model, method, batch, length, checkpointing=False, bf16=False):
    """Bytes at the peak of a training step: {"weights", "gradients", "moments", "activations"}.

    model: on the meta device; it is changed. method: of METHODS; the two LoRAs have rank 8, in all linear
    layers, in fp32. bf16: mixed precision, with weights, gradients and activations of 2 bytes, and an fp32
    copy of trained weights among the moments. "activations": what is alive beside the gradients at the peak.
    Raises ValueError for another method.
    """
    parameters = prepare(model.bfloat16() if bf16 else model, method)
    ids = torch.zeros(batch, length, dtype=torch.long, device="meta")
    peak = peak_of_gradients(model, ids, checkpointing)
    trained = sum(parameter.numel() for parameter in parameters)
    mixed = bf16 and method == "full"  # adapters are kept in fp32
    sizes = memory_estimates.CONVENTIONS["mixed precision" if mixed else "fp32"].trained
    weights = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    gradients, moments = sizes["gradients"] * trained, sizes["moments"] * trained
    return dict(weights=weights, gradients=gradients, moments=moments, activations=max(0, peak - gradients))


def prepare(model, method):
    """Make the model ready for a method, in place; returns the parameters to train."""
    if method not in METHODS:
        raise ValueError(f"No method {method!r}: there are {', '.join(METHODS)}.")
    model.set_attn_implementation("eager" if model.device.type == "cpu" else "sdpa")
    if method == "full":
        model.requires_grad_(True)
        return list(model.parameters())
    if method == "QLoRA":
        nf4.quantize(model)
    with torch.device(model.device):  # on the meta device no initial values are made
        return lora.add(model, rank=8, targets="all")


def peak_of_gradients(model, ids, checkpointing=False):
    """Bytes that a forward and a backward pass allocate at once, the gradients that stay included."""
    checkpoints = activation_checkpointing(model) if checkpointing else contextlib.nullcontext()
    model.train()
    length = ids.shape[1]
    # Ready-made: transformers would look for padding, and a tensor without values cannot be looked at.
    mask = torch.full((1, 1, length, length), torch.finfo(model.dtype).min, device=ids.device).triu(1)
    inputs = dict(
        attention_mask=mask.to(model.dtype), position_ids=torch.arange(length, device=ids.device)[None]
    )
    with checkpoints, PeakMemory() as memory:
        logits = model(input_ids=ids, **inputs, use_cache=False).logits  # (B, T, V)
        cross_entropy(logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten()).backward()
    del logits
    return memory.peak
