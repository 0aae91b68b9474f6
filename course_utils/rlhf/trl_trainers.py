"""TRL's trainers for feedback, called as this course calls its own: DPO, GRPO and RLOO.

    trl_trainers.dpo(policy, tokenizer, pairs, lr=1e-4, beta=0.1)                 from pairs, off-policy
    trl_trainers.grpo(policy, tokenizer, prompts, reward_fn, lr=2e-4, beta=0.05)  from a reward, on-policy

Each changes the policy and returns a training.History of TRL's own log. The reference is the policy as
it was. TRL's settings are for large GPUs; here they are set for a small model on any device. Taught in
lesson 05. Sources: Rafailov et al. 2023 (DPO); Shao et al. 2024 (GRPO); Ahmadian et al. 2024 (RLOO). Left
out: PEFT models, whose prompts GRPO handles wrongly.
"""

import copy
import tempfile
import time

from course_utils import training
from course_utils.storage.paths import course_home

GROUP = 8  # replies to one prompt, which are compared with each other
KL = 0.05  # GRPO's and RLOO's KL coefficient, their `beta`


def dpo(policy, tokenizer, pairs, lr=1e-4, beta=0.1, epochs=1, batch_size=16, seed=0):
    """Direct preference optimization on {"prompt", "chosen", "rejected"}; a History.

    No reward model and no sampling: beta * log(policy / ref) is the reward (losses.dpo).
    """
    from trl import DPOConfig, DPOTrainer

    settings = common(policy, lr, batch_size, seed) | dict(num_train_epochs=epochs, max_length=None)
    columns = ("prompt", "chosen", "rejected")
    trainer = DPOTrainer(
        policy,
        copy.deepcopy(policy),
        DPOConfig(beta=beta, **settings),
        train_dataset=_dataset([{name: pair[name] for name in columns} for pair in pairs]),
        processing_class=tokenizer,
    )
    return run(trainer, policy)


def grpo(policy, tokenizer, prompts, reward_fn, lr=2e-4, beta=KL, steps=24, **settings):
    """Group-relative policy optimization: the advantage of a reply is over its group's mean; a History.

    reward_fn(prompts, replies) -> [float]; beta: the KL coefficient. settings: as on_policy.
    """
    return on_policy("GRPO", policy, tokenizer, prompts, reward_fn, lr, beta, steps, **settings)


def rloo(policy, tokenizer, prompts, reward_fn, lr=2e-4, beta=KL, steps=24, **settings):
    """REINFORCE with the mean of the *other* replies of the group as the baseline; as grpo otherwise."""
    return on_policy("RLOO", policy, tokenizer, prompts, reward_fn, lr, beta, steps, **settings)


def on_policy(
    name,
    policy,
    tokenizer,
    prompts,
    reward_fn,
    lr,
    beta,
    steps,
    batch_size=64,
    group=GROUP,
    max_new_tokens=64,
    seed=0,
):
    """One of TRL's trainers that sample replies: batch_size in a step, group to a prompt.

    More than ten arguments: they are the hyperparameters that the course sets, in TRL's meaning.
    """
    import trl

    def reward(prompts, completions, **_):
        return reward_fn(prompts, completions)

    settings = common(policy, lr, batch_size, seed) | dict(
        max_steps=steps,
        beta=beta,
        num_generations=group,
        max_completion_length=max_new_tokens,
        temperature=1.0,
        lr_scheduler_type="linear",
    )
    trainer_class, config = getattr(trl, f"{name}Trainer"), getattr(trl, f"{name}Config")
    name_before = policy.config._name_or_path
    with tempfile.TemporaryDirectory() as folder:
        policy.save_pretrained(folder)  # TRL makes its reference from the policy's files
        policy.config._name_or_path = folder
        try:
            trainer = trainer_class(
                policy,
                reward_funcs=reward,
                args=config(**settings),
                train_dataset=_dataset([{"prompt": prompt} for prompt in prompts]),
                processing_class=tokenizer,
            )
        finally:
            policy.config._name_or_path = name_before
    return run(trainer, policy)


def common(policy, lr, batch_size, seed):
    """Settings that all of TRL's trainers share here: no files, no messages, no 16-bit arithmetic."""
    return dict(
        output_dir=str(course_home() / "trl"),
        learning_rate=lr,
        per_device_train_batch_size=batch_size,
        use_cpu=policy.device.type == "cpu",
        bf16=False,
        gradient_checkpointing=False,  # its name in transformers 5.15 as well, where it is not yet an old one
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=seed,
    )


def run(trainer, policy):
    """Train without TRL's printed dictionaries; the policy is left in evaluation mode; a History."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    policy.eval()
    for parameter in policy.parameters():
        parameter.grad = None
    return training.History(trainer.state.log_history, seconds)


def _dataset(rows):
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    return Dataset.from_list(rows)
