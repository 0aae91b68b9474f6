"""The toy desk for the real model, as a chat: what pretraining is worth where words are invented.

    python -m course_utils.scoreboard --task toy_desk_smollm2

Records, grading and gold reward are the toy desk's. Budget: its 2,000 records once, in batches of 4, which
on SmolLM2 takes as long as a run of the help desk; a trial on dev sees 400 of them once. Left out: learning
from feedback and from synthetic records.
"""

from dataclasses import replace

from course_utils.tasks import base
from course_utils.tasks.helpdesk.task import retention
from course_utils.tasks.toy_desk import task

TASK = replace(
    task.TASK,
    name="toy_desk_smollm2",
    model="smollm2",
    chat=True,
    system="You are an agent of the service desk.",
    budget=base.Budget(None, 500, 4),
    trial=base.Budget(400, 100, 4),
    dev_items=100,
    seeds=3,
    latencies=4,
    kl_items=40,
    bf16=True,
    retention=retention,
    suffix="_toy_desk_smollm2",
)
