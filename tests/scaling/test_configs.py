"""The configurations for GPUs are read by accelerate's own reader, and reach what they name."""

import os

import pytest
from accelerate.commands.config.config_args import ClusterConfig
from accelerate.commands.launch import launch_command_parser
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from torch.distributed.fsdp import CPUOffloadPolicy

from course_utils.storage import paths

FILES = sorted((paths.DATA / "configs").glob("*.yaml"))
KINDS = {
    "one_gpu": DistributedType.NO,
    "several_gpus": DistributedType.MULTI_GPU,
    "fsdp": DistributedType.FSDP,
    "deepspeed_zero2": DistributedType.DEEPSPEED,
    "deepspeed_zero3": DistributedType.DEEPSPEED,
}


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def file(request):
    return request.param


def test_all_are_there():
    assert {path.stem for path in FILES} == set(KINDS)
    readme = (paths.DATA / "configs" / "README.md").read_text("utf-8")
    assert all(path.name in readme for path in FILES)


def test_each_is_read(file):
    config = ClusterConfig.from_yaml_file(str(file))
    assert config.distributed_type == KINDS[file.stem]
    assert config.mixed_precision == "bf16" and config.use_cpu is False
    assert config.num_processes == (1 if file.stem == "one_gpu" else 2)


def test_every_key_is_one_that_the_launcher_knows(file):
    config = ClusterConfig.from_yaml_file(str(file))
    known = {action.dest for action in launch_command_parser()._actions}
    assert set(config.fsdp_config) | set(config.deepspeed_config) <= known


def test_a_key_that_does_not_exist_is_refused(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(FILES[0].read_text("utf-8") + "number_of_gpus: 2\n", "utf-8")
    with pytest.raises(ValueError, match="unknown keys"):
        ClusterConfig.from_yaml_file(str(wrong))


def test_the_fsdp_settings_make_its_plugin(monkeypatch):
    """As `accelerate launch` hands them on: one environment variable for each key."""
    config = ClusterConfig.from_yaml_file(str(paths.DATA / "configs" / "fsdp.yaml"))
    for name in [name for name in os.environ if name.startswith("FSDP_")]:
        monkeypatch.delenv(name)
    for key, value in config.fsdp_config.items():
        monkeypatch.setenv(key.upper(), str(value).lower() if isinstance(value, bool) else str(value))
    plugin = FullyShardedDataParallelPlugin()
    assert plugin.fsdp_version == 2 and plugin.reshard_after_forward is True
    assert not isinstance(plugin.cpu_offload, CPUOffloadPolicy)
    monkeypatch.setenv("FSDP_OFFLOAD_PARAMS", "true")
    assert isinstance(FullyShardedDataParallelPlugin().cpu_offload, CPUOffloadPolicy), "it is read"


def test_the_zero_stages_are_as_named():
    for stage in (2, 3):
        config = ClusterConfig.from_yaml_file(str(paths.DATA / "configs" / f"deepspeed_zero{stage}.yaml"))
        assert config.deepspeed_config["zero_stage"] == stage
