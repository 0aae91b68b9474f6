"""A table of soft prompts: one base model, one row per task, one file.

    table = PromptTable(model)
    table.add("desk", soft)                  # a trained SoftPrompted, without its encoder
    table.save("prompts.safetensors")
    generation.generate(table.model("desk"), tokenizer, prompts)

It holds prompt-tuned, p-tuned and prefix-tuned tasks. Left out: different tasks in one
batch (course_utils.peft.mixed_batch does that for adapters).
"""

import torch

from course_utils.peft import adapter_files
from course_utils.peft.adapter_files import BadFile
from course_utils.peft.soft_prompt_encoders import Direct, without_encoder
from course_utils.peft.soft_prompts import SoftPrompted

FORMAT = "course_utils prompts 1"


class PromptTable:
    """Soft prompts {task: tensor} for one base model, each (v, D) or (v, L, 2, H, D / H)."""

    def __init__(self, base):
        self.base, self.prompts = base, {}
        self.behind = {}  # {task: (vectors behind the text, the id of the first mark)}

    def __contains__(self, task):
        return task in self.prompts

    def add(self, task, soft):
        """Copy the values of a trained SoftPrompted.

        Raises ValueError for a name that is taken or empty, or a soft prompt of another base.
        """
        if not task or not isinstance(task, str):
            raise ValueError(f"A task's name is a text, not {task!r}.")
        if task in self.prompts:
            raise ValueError(f"The table has a task {task!r} already: remove it first.")
        if soft.base is not self.base:
            raise ValueError(f"{task!r} was trained on another base model than this table's.")
        self.prompts[task] = without_encoder(soft.part)().detach().clone()
        self.behind[task] = (soft.behind, soft.first_mark)

    def model(self, task):
        """The base with this task's soft prompt. Raises ValueError for an unknown task."""
        self._known(task)
        return SoftPrompted(self.base, Direct(self.prompts[task]), *self.behind[task])

    def remove(self, task):
        """Forget a task; the others stay as they are. Raises ValueError for an unknown task."""
        self._known(task)
        del self.prompts[task], self.behind[task]

    def count(self, task):
        """How many parameters a task stores."""
        self._known(task)
        return self.prompts[task].numel()

    def save(self, path):
        """Write all tasks to one safetensors file, atomically."""
        base = adapter_files.signature(self.base)
        adapter_files.write(path, self.prompts, {"format": FORMAT, "base": base, "behind": self.behind})

    @classmethod
    def load(cls, base, path):
        """The table in a file that `save` wrote.

        Raises FileNotFoundError, or BadFile for a file that is damaged, of another kind, or made for
        another base model.
        """
        tensors, about = adapter_files.read(path, FORMAT)
        own, stored = adapter_files.signature(base), about.get("base", [])
        if len(own) != len(stored) or not torch.allclose(
            torch.tensor(own), torch.tensor(stored), rtol=adapter_files.ROUNDING, atol=1e-4
        ):
            raise BadFile(f"{path} holds soft prompts for another base model, where they mean nothing.")
        table = cls(base)
        for task, behind in about["behind"].items():  # in the order in which they were added
            table.prompts[task], table.behind[task] = tensors[task].to(base.device), behind
        return table

    def _known(self, task):
        if task not in self.prompts:
            raise ValueError(f"No task {task!r}: the table has {', '.join(self.prompts) or 'none'}.")
