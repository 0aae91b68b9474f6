"""A policy whose adapter alone trains: start, policy and reward model are adapters of one set of weights.

    seconds = adapter_policy.sft(model, tokenizer, demonstrations, (8, 15), …)     the adapter "start"
    parameters = adapter_policy.policy(model)                        a copy of it, "policy", which trains
    reward, seconds = adapter_policy.fit_reward(model, tokenizer, pairs, seed, …)     another, "reward"
    ref = adapter_policy.Reference(model)                            the same weights with "start" active

A reference, a judge and a reward model as copies would each cost the memory of all weights. Taught in
lesson 05. Left out: adapters of other kinds. Source: the two adapters of a policy and its reference in
TRL's documentation of DPO, "Reference model considerations with PEFT".
"""

import dataclasses

import torch

from course_utils import data, training
from course_utils.peft import adapter_layer, lora
from course_utils.rlhf import reward_model, training_cache

BASE, START, POLICY, REWARD = None, "start", "policy", "reward"  # None: the model as it was loaded


def sft(model, tokenizer, records, shape, seed=0, name=START, **settings):
    """As `tune`, but what was trained once from the same model is loaded (training_cache.train_once)."""
    constant = {key: value for key, value in settings.items() if key != "checkpoint"}
    texts = [[record["prompt"], record["completion"]] for record in records]
    key = ["adapter", name, list(shape), seed, constant, texts]
    parameters = insert(model, shape, seed, name)
    kept = {str(number): parameter for number, parameter in enumerate(parameters)}
    arguments = fit, tokenizer, records, parameters, seed
    return training_cache.train_once(model, key, *arguments, kept=kept, **settings)


def tune(model, tokenizer, records, shape, seed=0, name=START, **settings):
    """Insert an adapter, fine-tune it on records {"prompt", "completion"}, leave it active; the seconds.

    shape: (rank, number of last blocks with LoRA beside every linear layer). settings: those of
    training.train.
    """
    return fit(model, tokenizer, records, insert(model, shape, seed, name), seed, **settings).seconds


def insert(model, shape, seed, name):
    """LoRA beside every linear layer of the last blocks; its parameters. shape: as in `tune`."""
    rank, blocks = shape
    last = list(range(model.config.num_hidden_layers)[-blocks:])
    return lora.add(model, name, rank, 2.0 * rank, targets="all", seed=seed, layers_to_transform=last)


def fit(model, tokenizer, records, parameters, seed, **settings):
    """Train an adapter's parameters on records; the training's History."""
    examples = data.encode(tokenizer, records)
    settings |= dict(seed=seed, parameters=parameters, pad_id=tokenizer.pad_token_id, progress=False)
    return training.train(model, examples, **settings)


def policy(model):
    """Insert the adapter "policy", a copy of "start", active; its parameters, which alone train."""
    return adapter_layer.duplicate(model, START, POLICY)


def fit_reward(model, tokenizer, pairs, seed, *, bf16=False, **settings):
    """(a RewardModel on the model's weights with the adapter "reward", begun from "start"; the seconds).

    settings: those of reward_model.train. What was trained once is loaded.
    """
    reward = reward_model.start_adapter(model, START, REWARD, seed)
    key = ["adapter reward", seed, bf16, sorted(settings.items()), training_cache.texts_of(pairs)]
    kept = {str(number): parameter for number, parameter in enumerate(reward.trained())}
    arguments = reward_model.train, tokenizer, pairs
    settings |= {"seed": seed, "bf16": bf16, "kept": kept | {"mean": reward.mean}}
    return reward, training_cache.train_once(reward, key, *arguments, **settings)


@dataclasses.dataclass
class Reference:
    """The model with one of its adapters, whichever is active: called as a model is, without gradients.

    It is no module, so that nothing counts its weights twice.
    """

    model: torch.nn.Module
    task: str | None = START

    @torch.no_grad()
    def __call__(self, **inputs):
        with adapter_layer.active(self.model, self.task):
            return self.model(**inputs)
