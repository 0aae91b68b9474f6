"""The ladder: every technique that competes on a task, one family per file.

A technique is a function with a record (see techniques.base); to add one, write the function and put its
`Technique` into the TECHNIQUES of its file. Scoreboard, advisor and pictures read the record.
"""

import importlib

from course_utils.techniques import (
    ai_feedback,
    baselines,
    constrained,
    finetune,
    peft,
    prompting,
    reasoning,
    rlhf,
    search,
    soft_prompts,
    specialist,
    synthetic,
)
from course_utils.techniques.base import FAMILIES, Result, Technique

__all__ = ["TECHNIQUES", "Result", "Technique", "families", "find"]

FILES = (
    *(
        baselines,
        prompting,
        constrained,
        reasoning,
        search,
        specialist,
        soft_prompts,
        peft,
        finetune,
        rlhf,
        ai_feedback,
    ),
    synthetic,
)
TECHNIQUES = {technique.name: technique for file in FILES for technique in file.TECHNIQUES}


def find(name):
    """The Technique of a name that stands here, or of "module:name" for one of your own.

    Raises ValueError for a name that is neither.
    """
    if name in TECHNIQUES:
        return TECHNIQUES[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        raise ValueError(f"There is no technique {name!r}. There are: {', '.join(TECHNIQUES)}.")
    technique = getattr(importlib.import_module(module), attribute, None)
    if not isinstance(technique, Technique):
        raise ValueError(f"{name} is not a Technique(name, family, lesson, learn, settings).")
    return technique


def families():
    """{family: the names of its techniques}, in the order of FAMILIES, the controls last."""
    names = {family: [] for family in FAMILIES}
    for technique in TECHNIQUES.values():
        names[technique.family].append(technique.name)
    return {family: tuple(members) for family, members in names.items() if members}
