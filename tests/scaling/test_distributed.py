"""Two real processes learn what one learns, sharded or not; and a launcher that starts one is seen."""

import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from course_utils import data, losses, models
from course_utils.scaling import accelerate_loop, distributed, launch
from course_utils.storage.records import write_records
from tests.helpers.tiny import tiny_llama

RECORDS = [
    {"prompt": f"Say {i}:", "completion": " no" if i % 3 else " yes, and this one is longer"}
    for i in range(24)
]
STEPS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny model, its records, and the options of the script."""
    folder = tmp_path_factory.mktemp("several")
    model, tokenizer = tiny_llama()
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    write_records(folder / "records.jsonl", RECORDS)
    return folder


def options(folder, name):
    named = {"out": folder / name, "model": folder / "model", "data": folder / "records.jsonl"}
    named |= {"steps": STEPS, "batch-size": 6, "lr": 1e-2}
    return [str(part) for key, value in named.items() for part in (f"--{key}", value)]


def results(folder, name):
    report = json.loads((folder / name / "report.json").read_text("utf-8"))
    return report, load_file(folder / name / "weights.safetensors")


def apart(a, b):
    assert a.keys() == b.keys() and a
    return max((a[name] - b[name]).abs().max().item() for name in a)


@pytest.fixture(scope="module")
def alone(folder):
    distributed.main(options(folder, "alone"))
    return results(folder, "alone")


def test_one_process_is_the_training_loop(folder, alone):
    from course_utils import training

    model, tokenizer = models.load(folder / "model")
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    examples = data.encode(tokenizer, RECORDS)
    settings = dict(lr=1e-2, steps=STEPS, batch_size=6, pad_id=tokenizer.pad_token_id, bf16=False)
    history = training.train(model, examples, progress=False, **settings)
    after = {name: p.detach() for name, p in model.named_parameters()}
    assert history.losses == alone[0]["losses"] and apart(after, alone[1]) == 0
    assert apart(before, alone[1]) > 1e-3, "nothing was learned"


def test_two_processes_learn_what_one_learns(folder, alone):
    said = launch.start("course_utils.scaling.distributed", options(folder, "two"), processes=2)
    assert sorted(said.strip().split("\n")) == ["I am process 1 of 2.", "I am process 2 of 2."]
    report, weights = results(folder, "two")
    assert report["world"] == 2 and report["losses"] == pytest.approx(alone[0]["losses"], abs=1e-4)
    assert apart(weights, alone[1]) < 1e-4
    assert report["kept"] == [alone[0]["kept"][0]] * 2, "a copy is whole"


def test_sharded_processes_keep_half_and_learn_the_same(folder, alone):
    launch.start("course_utils.scaling.distributed", [*options(folder, "sharded"), "--shard"], processes=2)
    report, weights = results(folder, "sharded")
    assert report["losses"] == pytest.approx(alone[0]["losses"], abs=1e-4)
    assert apart(weights, alone[1]) < 1e-4
    for kept in report["kept"]:
        for kind, size in alone[0]["kept"][0].items():
            assert size > 0 and kept[kind] == pytest.approx(size / 2, rel=0.05), kind


def test_accelerate_gives_the_same(folder, alone):
    AcceleratorState._reset_state(True)  # another test may have left one
    accelerate_loop.main(options(folder, "accelerated"))
    AcceleratorState._reset_state(True)
    report, weights = results(folder, "accelerated")
    assert report["losses"] == pytest.approx(alone[0]["losses"], abs=1e-4)
    assert apart(weights, alone[1]) < 1e-4


@pytest.mark.slow
def test_accelerate_in_two_processes_gives_the_same(folder, alone):
    launch.start("course_utils.scaling.accelerate_loop", options(folder, "accelerated two"), processes=2)
    report, weights = results(folder, "accelerated two")
    assert report["world"] == 2 and report["losses"] == pytest.approx(alone[0]["losses"], abs=1e-4)
    assert apart(weights, alone[1]) < 1e-4


def test_the_launcher_that_starts_one_process_is_seen():
    said = launch.by_accelerate("course_utils.scaling.launch", 2)
    assert said.strip() == "I am process 1 of 1."


def test_processes_announce_themselves_in_one_write(monkeypatch):
    writes = []
    stdout = SimpleNamespace(write=writes.append, flush=lambda: None)
    monkeypatch.setattr("sys.stdout", stdout)
    launch.announce()
    assert writes == [f"{launch.sentence()}\n"]


def test_rank_and_world_size_come_from_the_launcher(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert launch.rank_and_world_size() == (0, 1)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert launch.rank_and_world_size() == (1, 3) and launch.sentence() == "I am process 2 of 3."
    assert "RANK" not in launch.environment(), "a child gets its rank from its own launcher"


def test_a_run_that_fails_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="neither a folder"):
        launch.start("course_utils.scaling.distributed", ["--out", tmp_path, "--model", "nowhere"])


def test_a_batch_too_small_is_refused(monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(ValueError, match="4 processes need 4 rows or more at once; some batch has 3"):
        distributed.train(None, [0] * 17, batch_size=4, lr=1, steps=1)
    smallest = distributed.smallest_micro_batch
    assert smallest([0] * 16, 4) == 4 and smallest([0] * 16, 4, 2) == 4
    assert smallest([0] * 5, 3, 2) == 2  # 5 rows in two micro-batches: 3 and 2


def test_local_batches_cover_the_batch_once():
    class Echo(torch.nn.Module):
        def forward(self, input_ids, use_cache):
            return input_ids

    ids = torch.arange(10).reshape(5, 2)
    read = [distributed.LocalBatch(Echo(), rank, 3)(input_ids=ids, use_cache=False) for rank in range(3)]
    assert sorted(torch.cat(read)[:, 0].tolist()) == [0, 2, 4, 6, 8]


def test_local_losses_average_to_the_mean_over_all_tokens(monkeypatch):
    monkeypatch.setattr(distributed.dist, "all_reduce", lambda tensor: None)
    torch.manual_seed(0)
    ids, logits = torch.randint(7, (5, 4)), torch.randn(5, 4, 7, requires_grad=True)
    mask = torch.tensor([[0, 1, 1, 1], [0, 0, 0, 1], [0, 1, 1, 0], [0, 0, 1, 1], [0, 1, 0, 0]])
    batch = {"input_ids": ids, "mask": mask}
    losses.sft(logits, ids, mask).backward()
    whole = logits.grad.clone()
    for world in (2, 3):
        logits.grad = None
        for rank in range(world):
            distributed.global_batch_loss(rank, world)(logits[rank::world], batch).div(world).backward()
        assert torch.allclose(logits.grad, whole, atol=1e-6)


@pytest.mark.parametrize(
    "names, chosen", [(["eth0", "lo"], "lo"), (["lo0", "en0"], "lo0"), (["ethernet_1"], None)]
)
def test_gloo_is_told_the_loopback_interface_of_each_system(monkeypatch, names, chosen):
    monkeypatch.setattr(launch.socket, "if_nameindex", lambda: list(enumerate(names)))
    monkeypatch.delenv("GLOO_SOCKET_IFNAME", raising=False)
    assert launch.environment().get("GLOO_SOCKET_IFNAME") == chosen
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("MASTER_ADDR", "nowhere.invalid")
    launch.stay_local()
    assert os.environ["MASTER_ADDR"] == "127.0.0.1" and os.environ.get("GLOO_SOCKET_IFNAME") == chosen
    monkeypatch.delenv("GLOO_SOCKET_IFNAME", raising=False)


def test_processes_on_several_machines_meet_where_they_were_told(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("MASTER_ADDR", "first.example")
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "eth7")
    launch.stay_local()
    assert os.environ["MASTER_ADDR"] == "first.example"
    monkeypatch.setenv("WORLD_SIZE", "2")
    launch.stay_local()
    assert os.environ["GLOO_SOCKET_IFNAME"] == "eth7", "what the user chose is kept"


RENAMED = ["unshare", "--map-root-user", "--uts", "sh", "-c", 'hostname nowhere.invalid && exec "$@"', "sh"]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("unshare"), reason="needs Linux namespaces")
def test_a_machine_whose_name_nobody_knows(folder):
    """With a name that cannot be looked up; torchrun without --local_addr waits for minutes there."""
    if subprocess.run([*RENAMED, "true"]).returncode:
        pytest.skip("this system allows no namespaces")
    options_ = options(folder, "renamed")
    start = f"launch.start('course_utils.scaling.distributed', {options_}, 2)"
    code = f"from course_utils.scaling import launch; {start}"
    ended = subprocess.run(
        [*RENAMED, sys.executable, "-c", code], env=launch.environment(), capture_output=True, timeout=100
    )
    assert ended.returncode == 0, ended.stderr
    assert results(folder, "renamed")[0]["world"] == 2
