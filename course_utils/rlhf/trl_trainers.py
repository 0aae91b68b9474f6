"""TRL's trainers for feedback, called as this course calls its own: DPO, GRPO and RLOO.

    trl_feedback.dpo(policy, tokenizer, pairs, lr=1e-4, beta=0.1)                 from pairs, off-policy
    trl_feedback.grpo(policy, tokenizer, prompts, reward_fn, lr=2e-4, beta=0.05)  from a reward, on-policy

Each changes the policy and returns a History of TRL's own log. The reference is the policy as it was.
TRL's settings are for large GPUs; here they are set for a small model on any device. Taught in lesson
05. Sources: Rafailov et al. 2023 (DPO); Shao et al. 2024 (GRPO); Ahmadian et al. 2024 (RLOO). Left out:
PEFT models, whose prompts GRPO reads wrongly.
"""

import copy
import tempfile
import time
from dataclasses import dataclass, field

from course_utils.storage.paths import course_home

GROUP = 8  # replies to one prompt, which are compared with each other


@dataclass
class History:
    """What a TRL trainer noted: a dictionary for each logged step, and seconds."""

    log: list = field(default_factory=list)
    seconds: float = 0.0

    def column(self, name):
        """One number per step that has it."""
        return [entry[name] for entry in self.log if name in entry]


def dpo(policy, tokenizer, pairs, lr=1e-4, beta=0.1, epochs=1, batch_size=16, seed=0):
    """Direct preference optimisation on {"prompt", "chosen", "rejected"}; a History.

    No reward model and no sampling: beta * log(policy / ref) is the reward (losses.dpo).
    """
    from trl import DPOConfig, DPOTrainer

    settings = common(policy, lr, batch_size, seed) | dict(num_train_epochs=epochs, max_length=None)
    names = ("prompt", "chosen", "rejected")
    told = _dataset([{name: pair[name] for name in names} for pair in pairs])
    trainer = DPOTrainer(
        policy,
        copy.deepcopy(policy),
        DPOConfig(beta=beta, **settings),
        train_dataset=told,
        processing_class=tokenizer,
    )
    return run(trainer, policy)


def grpo(policy, tokenizer, prompts, reward_fn, lr=2e-4, beta=0.05, steps=24, **settings):
    """Group-relative policy optimisation: a reply is as good as it beats its group; a History.

    reward_fn(prompts, replies) -> [float]; beta: the weight of the KL penalty. settings: as on_policy.
    """
    from trl import GRPOConfig, GRPOTrainer

    return on_policy(
        GRPOTrainer, GRPOConfig, policy, tokenizer, prompts, reward_fn, lr, beta, steps, **settings
    )


def rloo(policy, tokenizer, prompts, reward_fn, lr=2e-4, beta=0.05, steps=24, **settings):
    """REINFORCE with the mean of the *other* replies of the group as the baseline; as grpo otherwise."""
    from trl import RLOOConfig, RLOOTrainer

    return on_policy(
        RLOOTrainer, RLOOConfig, policy, tokenizer, prompts, reward_fn, lr, beta, steps, **settings
    )


def on_policy(
    kind,
    config,
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
    temperature=1.0,
    seed=0,
):
    """One of TRL's trainers that draw replies: batch_size of them in a step, group to a prompt."""

    def judged(prompts, completions, **_):
        return reward_fn(prompts, completions)

    settings = common(policy, lr, batch_size, seed) | dict(
        max_steps=steps,
        beta=beta,
        num_generations=group,
        max_completion_length=max_new_tokens,
        temperature=temperature,
        lr_scheduler_type="linear",
    )
    before = policy.config._name_or_path
    with tempfile.TemporaryDirectory() as folder:
        policy.save_pretrained(folder)  # TRL makes its reference from the policy's files
        policy.config._name_or_path = folder
        try:
            trainer = kind(
                policy,
                reward_funcs=judged,
                args=config(**settings),
                train_dataset=_dataset([{"prompt": prompt} for prompt in prompts]),
                processing_class=tokenizer,
            )
        finally:
            policy.config._name_or_path = before
    return run(trainer, policy)


def common(policy, lr, batch_size, seed):
    """Settings that all of TRL's trainers share here: no files, no messages, no numbers of 16 bits."""
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
    return History(trainer.state.log_history, seconds)


def _dataset(rows):
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    return Dataset.from_list(rows)
