"""The stages of RLHF before PPO, each kept once it is trained: a policy by SFT, then a judge from pairs.

    seconds = stages.sft(model, tokenizer, train, seed=0)          the model is changed
    judge, seconds = stages.judge(model, tokenizer, pairs, seed=0)
    value, seconds = stages.value(model, tokenizer, prompts, pairs, seed=0)    for guided decoding

Each takes half a minute and many runs need it, so the weights are kept in the learner's own folder,
under a name made from everything that they depend on. The seconds are those of the training, also
where it was spared. Taught in lesson 05. Left out: a limit to the folder.
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
PAIR = ("prompt", "chosen", "rejected")


def sft(model, tokenizer, train, seed=0, known=None, progress=False, **settings):
    """Fine-tune the model on mediocre records (mediocre.tune); the seconds that the training took.

    known: as mediocre.tiers, which is the default. settings: those of mediocre.tune.
    """
    told = noisy_demonstrations.records(
        noisy_demonstrations.thinned(train, known or noisy_demonstrations.tiers()), seed
    )
    about = [
        "sft",
        seed,
        complete(noisy_demonstrations.tune, settings),
        [[record["prompt"], record["completion"]] for record in told],
    ]
    return once(
        model,
        about,
        lambda: noisy_demonstrations.tune(model, tokenizer, told, seed, progress=progress, **settings),
    )


def judge(policy, tokenizer, pairs, seed=0, **settings):
    """(a SecondOpinion from pairs, the seconds that it took): the policy's own, and a head for the rest.

    The policy is copied as it is now. settings: those of reward_model.train.
    """
    started, ref = time.perf_counter(), copy.deepcopy(policy).requires_grad_(False)
    found = combined_reward.fit(ref, tokenizer, pairs)
    ahead = reward_model.margins(found, tokenizer, pairs)
    spent = time.perf_counter() - started
    found.head, more = head(policy, tokenizer, pairs, seed, ahead=ahead, **settings)
    return found, spent + more


def head(policy, tokenizer, pairs, seed=0, **settings):
    """(a RewardModel begun from the policy and trained on pairs, the seconds that it took).

    settings: those of reward_model.train.
    """
    found = reward_model.start(policy, seed)
    told = [[pair[name] for name in PAIR] for pair in pairs]
    ahead = [round(number, 3) for number in settings.get("ahead") or ()]  # for threads differ in the last bit
    about = ["judge", seed, complete(reward_model.train, settings), told, ahead]
    return found, once(
        found, about, lambda: reward_model.train(found, tokenizer, pairs, seed=seed, **settings)
    )


def value(policy, tokenizer, prompts, pairs, seed=0):
    """(the critic's value network, taught by the judge that these pairs make, the seconds for both)."""
    opinion, spent = judge(policy, tokenizer, pairs, seed)
    found, learned = reward_model.start(policy, seed), rewards.learned(opinion, tokenizer)
    about = ["value", seed, prompts, [[pair[name] for name in PAIR] for pair in pairs]]
    return found, spent + once(
        found,
        about,
        lambda: guided_decoding.train(found, policy, tokenizer, prompts, learned, seed=seed, progress=False),
    )


def complete(function, settings):
    """The settings of a function with its defaults filled in, as far as they are JSON values."""
    known = {name: each.default for name, each in inspect.signature(function).parameters.items()}
    return {
        k: v for k, v in (known | settings).items() if isinstance(v, (int, float, str)) and k != "progress"
    }


def once(module, about, make):
    """Call make(), which trains the module, or load what it made before from the same start; the seconds.

    about: all else that the outcome depends on, as JSON values. A file that cannot be read is made
    again, and one that cannot be written costs only the time.
    """
    weights = own_weights(module)
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, tensor in weights.items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    file = course_home() / "stages" / f"{digest.hexdigest()[:24]}.safetensors"
    with contextlib.suppress(FileNotFoundError, adapter_files.BadFile):
        found, notes = adapter_files.read(file, FORMAT)
        with torch.no_grad():
            for name, tensor in weights.items():
                tensor.copy_(found[name])
        return notes["seconds"]
    started = time.perf_counter()
    make()
    seconds = time.perf_counter() - started
    with contextlib.suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        adapter_files.write(file, own_weights(module), {"format": FORMAT, "seconds": seconds})
    return seconds


def own_weights(module):
    """{name: tensor} of a module's parameters, tied ones once, and of the buffers that it keeps."""
    parameters = dict(module.named_parameters())
    every = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    return parameters | {name: t for name, t in module.state_dict().items() if name not in every}
