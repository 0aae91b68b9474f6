"""The columns of the scoreboard: the one place where they are named, in the table and in the pictures.

To add one, name it here and measure it in `measure`. Rows written before it existed have an empty cell.
"""

TEXT = "text"  # stands for the name of a task's free text ("answer", "reply") among the items
SCORES = {  # columns that are means over the test items: column -> name in the file of items
    "accuracy": "whole",
    "routing": "team",
    "priority": "priority",
    "form": "form",
    "reply": TEXT,
    "gold_reward": "gold_reward",
}
COSTS = (
    *("trainable_parameters", "stored_parameters", "stored_bytes", "examples", "labels"),
    *("train_seconds", "peak_memory_mb", "prompt_tokens", "latency_ms"),
    *("retention_drop", "format_drop", "kl_base", "kl_token"),  # the last two: nats per reply, per token
)
COLUMNS = ("technique", "lesson", "seed", *SCORES, *COSTS, "model", "machine", "versions")
BASELINES = {  # policies without skill and the line that each is in a picture
    "nearest_copy": "-",
    "constant_reply": (0, (1, 3)),
    "majority_class": ":",
    "random_reply": (0, (5, 3)),
    "always_decline": "-.",
}
TITLES = {  # of the columns that a reader is shown first; the last three are added by `costs.added`
    "accuracy": "whole record right",
    "routing": "team right",
    "gold_reward": "gold reward",
    "trainable_parameters": "trained",
    "stored_bytes": "bytes stored",
    "train_seconds": "seconds to learn",
    "prompt_tokens": "extra tokens",
    "latency_ms": "ms a message",
    "retention_drop": "forgotten",
    "human_hours": "hours of people",
    "money_once": "$ once",
    "money_per_1000": "$ per 1,000 messages",
}


def item_names(task):
    """{column of SCORES: its name in the files of this task's items}."""
    return {column: task.names[-1] if name == TEXT else name for column, name in SCORES.items()}
