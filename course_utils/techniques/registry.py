"""The ladder: every technique that competes on the service desk, one family per file.

A technique is a function (see techniques.result); to add one, write it, list six settings to try,
and add its family here.
"""

import importlib

from course_utils.techniques import (
    ai_feedback,
    baselines,
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
from course_utils.techniques.base import Result, Rung

__all__ = ["TECHNIQUES", "Result", "Rung", "find"]

TECHNIQUES = {
    **baselines.RUNGS,
    **prompting.RUNGS,
    **reasoning.RUNGS,
    **search.RUNGS,
    **specialist.RUNGS,
    **soft_prompts.RUNGS,
    **peft.RUNGS,
    **finetune.RUNGS,
    **rlhf.RUNGS,
    **ai_feedback.RUNGS,
    **synthetic.RUNGS,
}


def find(name):
    """The Rung of a technique: its name here, or "module:name" for a Rung of your own.

    Raises ValueError for a name that is neither.
    """
    if name in TECHNIQUES:
        return TECHNIQUES[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        raise ValueError(f"There is no technique {name!r}. There are: {', '.join(TECHNIQUES)}.")
    rung = getattr(importlib.import_module(module), attribute, None)
    if not isinstance(rung, Rung):
        raise ValueError(f"{name} is not a Rung(function, lesson, settings).")
    return rung
