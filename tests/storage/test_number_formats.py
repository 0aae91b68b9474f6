"""16-bit arithmetic is asked of the hardware, and used only where it is asked for."""

import torch

from course_utils.storage import number_formats
from tests.helpers.tiny import tiny_llama


def test_bf16_is_asked_of_the_hardware(monkeypatch):
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False, raising=False)
    assert not number_formats.bf16_is_native("cpu") and not number_formats.bf16_is_native("mps")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)
    assert number_formats.bf16_is_native("cpu") and not number_formats.bf16_is_native("mps")


def test_autocast_computes_in_16_bits_only_where_it_is_asked_for():
    model, _ = tiny_llama()
    x = torch.ones(2, 2)
    for bf16, number_format in ((False, torch.float32), (True, torch.bfloat16)):
        with number_formats.autocast(model, bf16):
            assert (x @ x).dtype == number_format
    native = number_formats.bf16_is_native("cpu")
    with number_formats.autocast(model, None):
        assert ((x @ x).dtype == torch.bfloat16) == native
    with number_formats.autocast(model.to(torch.bfloat16)):
        assert (x @ x).dtype == torch.bfloat16, "the model's own format"
