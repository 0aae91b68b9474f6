"""The trainings before PPO, each kept once it is done: a policy by SFT, then reward models from pairs.

    seconds = training_cache.sft(model, tokenizer, train, seed=0)          the model is changed
    reward, seconds = training_cache.fit_combined_reward(model, tokenizer, pairs, seed=0)
    value_model, seconds = training_cache.fit_value_model(model, tokenizer, prompts, pairs, seed=0)

Each takes half a minute and many runs need it, so the weights are kept in the learner's own folder,
under a name made from everything that they depend on. The seconds are those of the training, also
where it was spared. Taught in lesson 05. Left out: a limit to the folder's size.
"""

import contextlib
import copy
import hashlib
import inspect
import json
import time

import torch

from course_utils.peft import adapter_files
from course_utils.rlhf import combined_reward, guided_decoding, reward_model, rewards
from course_utils.storage.paths import course_home
from course_utils.tasks.toy_desk import noisy_demonstrations

FORMAT = "course_utils stage 1"


def sft(model, tokenizer, train, seed=0, known=None, progress=False, **settings):
    """Fine-tune the model on noisy demonstrations; the seconds that the training took.

    known: as noisy_demonstrations.tiers, which is the default. settings: those of
    noisy_demonstrations.tune.
    """
    known = known or noisy_demonstrations.tiers()
    records = noisy_demonstrations.records(noisy_demonstrations.thinned(train, known), seed)
    return fit(model, tokenizer, records, seed, progress, **settings)


def fit(model, tokenizer, records, seed=0, progress=False, **settings):
    """Fine-tune all weights of the model on demonstrations; the seconds that the training took."""
    texts = [[record["prompt"], record["completion"]] for record in records]
    key = ["sft", seed, scalar_settings(noisy_demonstrations.tune, settings), texts]
    settings |= {"seed": seed, "progress": progress}
    return train_once(model, key, noisy_demonstrations.tune, tokenizer, records, **settings)


def fit_combined_reward(policy, tokenizer, pairs, seed=0, **settings):
    """(a CombinedReward from pairs, with the policy as it is now and a head for the rest; the seconds).

    settings: those of reward_model.train.
    """
    started, ref = time.perf_counter(), copy.deepcopy(policy).requires_grad_(False)
    reward = combined_reward.fit(ref, tokenizer, pairs)
    prior = reward_model.margins(reward, tokenizer, pairs)
    seconds = time.perf_counter() - started
    reward.head, more = fit_reward_model(policy, tokenizer, pairs, seed, prior_margins=prior, **settings)
    return reward, seconds + more


def fit_reward_model(policy, tokenizer, pairs, seed=0, **settings):
    """(a RewardModel begun from the policy and trained on pairs, the seconds that it took).

    settings: those of reward_model.train.
    """
    model = reward_model.start(policy, seed)
    prior = [round(margin, 3) for margin in settings.get("prior_margins") or ()]  # threads move the last bit
    key = ["judge", seed, scalar_settings(reward_model.train, settings), texts_of(pairs), prior]
    return model, train_once(model, key, reward_model.train, tokenizer, pairs, seed=seed, **settings)


def fit_value_model(policy, tokenizer, prompts, pairs, seed=0, **settings):
    """(a value model for guided decoding, taught by the CombinedReward of these pairs; seconds for both).

    settings: those of guided_decoding.train.
    """
    reward, seconds = fit_combined_reward(policy, tokenizer, pairs, seed)
    model, reward_fn = reward_model.start(policy, seed), rewards.learned(reward, tokenizer)
    key = ["value", seed, scalar_settings(guided_decoding.train, settings), prompts, texts_of(pairs)]
    settings |= {"seed": seed, "progress": False}
    arguments = guided_decoding.train, policy, tokenizer, prompts, reward_fn
    return model, seconds + train_once(model, key, *arguments, **settings)


def texts_of(pairs):
    """[[prompt, chosen, rejected]] of pairs."""
    return [[pair[name] for name in ("prompt", "chosen", "rejected")] for pair in pairs]


def scalar_settings(function, settings):
    """The settings of a function with its defaults filled in, as far as they are JSON values."""
    defaults = {name: each.default for name, each in inspect.signature(function).parameters.items()}
    return {
        name: value
        for name, value in (defaults | settings).items()
        if isinstance(value, (int, float, str)) and name != "progress"
    }


def train_once(module, key, train, *arguments, kept=None, **settings):
    """train(module, …), or load what it made before from the same start; the seconds that it took.

    key: all else that the outcome depends on, as JSON values. kept: {name: tensor} of what the training
    changes, where that is not the whole module. A file that cannot be read is made again, and one that
    cannot be written costs only the time.
    """
    weights = own_weights(module) if kept is None else kept
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode())
    for name, tensor in own_weights(module).items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    file = course_home() / "stages" / f"{digest.hexdigest()[:24]}.safetensors"
    with contextlib.suppress(FileNotFoundError, adapter_files.BadFile):
        stored, notes = adapter_files.read(file, FORMAT)
        with torch.no_grad():
            for name, tensor in weights.items():
                tensor.copy_(stored[name])
        return notes["seconds"]
    started = time.perf_counter()
    train(module, *arguments, **settings)
    seconds = time.perf_counter() - started
    with contextlib.suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        adapter_files.write(file, weights, {"format": FORMAT, "seconds": seconds})
    return seconds


def own_weights(module):
    """{name: tensor} of a module's parameters, tied ones once, and of the buffers that it keeps."""
    parameters = dict(module.named_parameters())
    every = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    return parameters | {name: t for name, t in module.state_dict().items() if name not in every}
