"""Lesson 08: what its notebook asserts, asks and teaches; its definitions are the package's."""

import pytest

from course_utils.lessons import l08
from tests.helpers.lesson import Lesson

LESSON = Lesson("08")


def test_it_checks_sums_that_must_agree():
    assert len(LESSON.calls("check_equal")) >= 10


def test_the_exercises_agree_with_the_package():
    from course_utils import models
    from course_utils.scaling import parallelism

    for stage in range(4):
        assert l08.bytes_each(1000, 8, stage) == pytest.approx(parallelism.zero_memory(1000, 8, stage))
    for devices, most in ((4, 0.2), (8, 0.1), (3, 0.3)):
        parts = l08.parts_needed(devices, most)
        bubble = parallelism.pipeline_bubble
        assert bubble(devices, parts) <= most + 1e-9 < bubble(devices, parts - 1)
    assert l08.number_format(models.device().type, (8, 0)) in ("fp32", "bf16")


def test_the_server_and_the_processes_are_really_used():
    for used in (
        "serving.Server(",
        "launch.start(",
        "launch.by_accelerate(",
        '"--shard"',
        "tiny_hub.make(",
    ):
        assert used in LESSON.source
