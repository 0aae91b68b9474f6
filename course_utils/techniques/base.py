"""What a technique is: a function that learns from records, what it hands back, and its record.

    def few_shot(model, tokenizer, train, seed, task, **setting) -> Result

The function may change the model that it is given; it then returns it in `Result.model`. `seed`
varies everything that is random: initialization, the order of data, the choice of shots. `task` says how a
model is asked and a reply is read (course_utils.tasks.base).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from course_utils.generation import generate
from course_utils.prompts import few_shot

CONTROL = "control"  # the family of what is measured for comparison and never advised
FAMILIES = (  # in the order of the lessons
    *("prompting", "soft prompts", "PEFT", "fine-tuning", "RLHF", "AI feedback", "synthetic data"),
    *("specialists", CONTROL),
)
DATA = {  # what a technique learns from: only rows that saw the same are fair rivals
    "clean": "clean records",
    "mixed quality": "records of mixed quality, with preferences between replies",
    "few": "a few clean records, with others beside them",
}


@dataclass
class Result:
    """A technique that is ready to reply, and what it cost.

    reply: requests (prompts of records) -> replies, in their order. examples: records whose completion
    it used; labels: judgements of replies that it used (preferences, scores). Stored numbers are those
    kept per task beside the base model, and stored_bytes is all that is kept, text included.
    prompt_tokens: tokens per request beyond the request itself, over all its calls of the model.
    model: the model as trained, or None if the base is unchanged. choice: what it chose, to look at.
    """

    reply: Callable[[list], list]
    trainable_parameters: int = 0
    stored_parameters: int = 0
    stored_bytes: int = 0
    examples: int = 0
    labels: int = 0
    train_seconds: float = 0.0
    prompt_tokens: float = 0.0
    model: Any = None
    choice: dict = field(default_factory=dict)


def replier(model, tokenizer, task, train, room=None):
    """reply(requests) of a model that is asked with the bare request. room: tokens, by default the task's."""
    stop, room = few_shot.ending(train), room or task.room

    def reply(requests):
        texts = [task.asked(tokenizer, request) for request in requests]
        return [text.strip() for text in generate(model, tokenizer, texts, max_new_tokens=room, stop=stop)]

    return reply


@dataclass(frozen=True)
class Technique:
    """All that is known of a technique beforehand: the one place where a new one is described.

    family: one of FAMILIES. lesson: two digits. learn: its function. settings: {task: the keyword arguments
    to try on its dev records}; on a task that is not there it does not run. needs: what records alone do not
    offer ("fields": completions of several fields in a fixed form, "facts": a sheet of them, "pairs": stored
    preferences). random: whether the seed changes anything. plain: the setting for a task of one's own, where
    nothing is tried. data: what it learns from, a key of DATA.
    """

    name: str
    family: str
    lesson: str
    learn: Callable
    settings: dict
    needs: frozenset = frozenset()
    random: bool = True
    plain: dict = field(default_factory=dict)
    data: str = "clean"

    def __post_init__(self):
        if self.data not in DATA:
            raise ValueError(f"{self.name}: no data {self.data!r}; there are {', '.join(DATA)}.")
        if self.family not in FAMILIES:
            raise ValueError(f"{self.name}: no family {self.family!r}; there are {', '.join(FAMILIES)}.")

    def settings_for(self, task):
        """The settings to try on a task, by its name. Raises ValueError if there are none."""
        if task not in self.settings:
            raise ValueError(f"{self.name} has no settings for the task {task!r}: add them to its Technique.")
        return self.settings[task]
