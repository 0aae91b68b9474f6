"""Lesson 08: what its notebook asserts, asks and teaches; its definitions are the package's."""

import pytest
import torch

from course_utils import models
from course_utils.lessons import l08
from course_utils.scaling import parallelism, quantization
from tests.helpers.lesson import Lesson

LESSON = Lesson("08")


def test_it_checks_sums_that_must_agree():
    assert len(LESSON.calls("check_equal")) >= 15


def test_it_claims_what_it_measures():
    live, stored = LESSON.claims()
    assert len(live) >= 8 and len(stored) >= 1


def test_the_exercises_agree_with_the_package():
    for stage in range(4):
        assert l08.bytes_each(1000, 8, stage) == pytest.approx(parallelism.zero_memory(1000, 8, stage))
    for devices, most in ((4, 0.2), (8, 0.1), (3, 0.3)):
        fewest = l08.fewest_micro_batches(devices, most)
        bubble = parallelism.pipeline_bubble
        assert bubble(devices, fewest) <= most + 1e-9 < bubble(devices, fewest - 1)
    assert l08.number_format(models.device().type, (8, 0)) in ("fp32", "bf16")
    block = torch.linspace(-1, 0.9, quantization.BLOCK)
    whole, scales = quantization.to_8_bits(block)
    assert l08.rounded(block.tolist(), 8) == pytest.approx((whole * scales)[0].tolist(), abs=1e-3)


def test_bytes_each_process_and_every_export_are_really_used():
    for used in (
        "serving.Server(",
        "launch.start(",
        "launch.by_accelerate(",
        '"--shard"',
        "tiny_hub.make(",
        "export.export_merged(",
        "export.export_gguf(",
        "memory_planner.plan(",
        "nf4.quantize(",
    ):
        assert used in LESSON.source
