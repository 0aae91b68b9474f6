"""The desk's files in data/toy_desk, and their reader."""

from course_utils.storage import paths
from course_utils.storage.records import read_records

FOLDER = paths.DATA / "toy_desk"
PARTS = ("train", "dev", "test")


def file(part):
    """The path of one part's records."""
    return FOLDER / f"{part}.jsonl"


def read(part):
    """The records of a part: "train" (2,000), "dev" or "test" (500 each). Raises ValueError for another."""
    if part not in PARTS:
        raise ValueError(f"The desk has no part {part!r}: choose {', '.join(PARTS)}.")
    return read_records(file(part))
