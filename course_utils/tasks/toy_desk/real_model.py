"""The toy desk for the real model, as a chat: what pretraining is worth where words are invented.

    python -m course_utils.scoreboard --task toy_desk_smollm2

Records, grading and gold reward are the toy desk's; how SmolLM2 is run is the help desk's. Budget: the 2,000
records once, in batches of 4. Left out: learning from feedback and from synthetic records.
"""

from dataclasses import replace

from course_utils.tasks import base
from course_utils.tasks.helpdesk.task import TASK as HELP_DESK
from course_utils.tasks.toy_desk.task import TASK as TOY_DESK

AS_THERE = ("model", "chat", "bf16", "trial", "dev_items", "seeds", "latencies", "kl_items", "retention")
TASK = replace(
    TOY_DESK,
    **{name: getattr(HELP_DESK, name) for name in AS_THERE},
    name="toy_desk_smollm2",
    system="You are an agent of the service desk.",
    budget=base.Budget(None, 500, 4),
    suffix="_toy_desk_smollm2",
)
