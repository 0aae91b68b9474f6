import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, GemmaConfig, LlamaConfig, Qwen2Config, Qwen3Config

from course_utils import generation, models
from course_utils.prompts.templates import CHAT_TEMPLATE
from tests.helpers.tiny import END, byte_tokenizer, shape, tiny_llama

ROOT = Path(__file__).resolve().parents[1]
HABITS = {  # architecture, and how its tokenizers treat special tokens
    "llama": (LlamaConfig, dict(bos="<s>", eos="</s>", pad=None)),
    "qwen2": (Qwen2Config, dict(eos="<|im_end|>", pad="<|endoftext|>")),
    "qwen3": (Qwen3Config, dict(eos="<|im_end|>", pad="<|endoftext|>")),
    "gemma": (GemmaConfig, dict(bos="<bos>", eos="<eos>", pad="<pad>")),
}


def save(folder, name="llama", dtype=torch.float32, **more):
    config, habits = HABITS[name]
    tokenizer = byte_tokenizer(**{"template": None, **habits, **more})
    torch.manual_seed(5)
    model = AutoModelForCausalLM.from_config(config(**shape(tokenizer)))
    model.to(dtype).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def glass_box(tmp_path, monkeypatch):
    """The folder of the glass box, which holds a tiny model stored in half precision; and a real one."""
    model, tokenizer = tiny_llama(seed=7)
    for name in models.GLASS_BOX.values():
        model.half().save_pretrained(tmp_path / "models" / name)
        tokenizer.save_pretrained(tmp_path / "models" / name)
    monkeypatch.setattr(models.paths, "DATA", tmp_path)
    real = save(tmp_path / "cache" / "smollm2", "llama")
    monkeypatch.setattr(models.real_model, "folder", lambda: real)
    monkeypatch.delenv("COURSE_MODEL", raising=False)
    monkeypatch.delenv("COURSE_RANDOM_WEIGHTS", raising=False)
    return tmp_path / "models" / "glass_box"


@pytest.mark.parametrize("name", ["glass-box", "glass-box-small", "glass-box-tiny"])
def test_glass_boxes_are_fp32_whatever_is_stored(glass_box, name):
    model, tokenizer = models.load(name)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert not model.training and model.device.type == models.device().type
    assert tokenizer.padding_side == "left" and tokenizer.pad_token == "<|pad|>"


def test_the_environment_replaces_the_real_model_only(glass_box, tmp_path, monkeypatch):
    tiny = models.load("glass-box")[0].config.to_dict()
    assert models.load()[0].config.model_type == models.load("smollm2")[0].config.model_type == "llama"
    monkeypatch.setenv("COURSE_MODEL", str(save(tmp_path / "mine", "qwen3")))
    assert models.load()[0].config.model_type == models.load("smollm2")[0].config.model_type == "qwen3"
    assert models.load("glass-box")[0].config.to_dict() == tiny


def test_the_environment_chooses_the_device(monkeypatch):
    models.device.cache_clear()
    monkeypatch.setenv("COURSE_DEVICE", "CPU")
    assert models.device() == torch.device("cpu")
    models.device.cache_clear()
    monkeypatch.setenv("COURSE_DEVICE", "tpu")
    with pytest.raises(ValueError, match="COURSE_DEVICE is 'tpu', and this machine has cpu"):
        models.device()
    models.device.cache_clear()


@pytest.mark.parametrize("wanted", ["cuda:99", "cpu:x", "gpu", "cuda:"])
def test_a_device_that_is_not_there_is_a_sentence(monkeypatch, wanted):
    models.device.cache_clear()
    monkeypatch.setenv("COURSE_DEVICE", wanted)
    with pytest.raises(ValueError, match=f"COURSE_DEVICE is '{wanted}'.*choose one of these"):
        models.device()
    models.device.cache_clear()


def test_real_model_is_fp32_where_the_gpu_has_fp16_only(glass_box, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "dtype", lambda: torch.float16)
    assert models.load()[0].dtype == models.load("glass-box")[0].dtype == torch.float32
    assert models.load(save(tmp_path / "other"))[0].dtype == torch.float16
    monkeypatch.setattr(models, "dtype", lambda: torch.bfloat16)
    assert models.load()[0].dtype == torch.bfloat16


@pytest.mark.parametrize(
    "model, offline", [("", True), ("smollm2", True), ("glass-box", True), ("HERE", True), ("o/model", False)]
)
def test_hub_is_off_unless_a_hub_id_is_asked_for(tmp_path, model, offline):
    environment = {k: v for k, v in os.environ.items() if k != "HF_HUB_OFFLINE"}
    environment["COURSE_MODEL"] = str(tmp_path) if model == "HERE" else model
    code = "import os, course_utils; print(os.environ.get('HF_HUB_OFFLINE'))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout.strip() == "1") == offline


def test_start_names_a_wrong_device_in_a_sentence():
    command = [sys.executable, "-c", "import course_utils; course_utils.start()"]
    environment = os.environ | {"COURSE_DEVICE": "tpu"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert (
        done.returncode and done.stderr.startswith("COURSE_DEVICE is 'tpu'") and "\n" not in done.stderr[:-1]
    )


@pytest.mark.parametrize("name", ["smollm2", "glass-box"])
def test_random_weights_on_request(glass_box, monkeypatch, name):
    trained = models.load(name)[0]
    monkeypatch.setenv("COURSE_RANDOM_WEIGHTS", "1")
    random = models.load(name)[0]
    assert not torch.equal(trained.lm_head.weight, random.lm_head.weight)
    assert trained.config.to_dict() == random.config.to_dict()


@pytest.mark.parametrize("name", HABITS)
def test_architectures_and_their_special_tokens(tmp_path, name):
    model, tokenizer = models.load(save(tmp_path, name))
    habits = HABITS[name][1]
    assert model.config.model_type == name
    assert tokenizer.pad_token == (habits["pad"] or habits["eos"])
    assert model.config.pad_token_id == model.generation_config.pad_token_id == tokenizer.pad_token_id
    assert tokenizer.chat_template == CHAT_TEMPLATE
    starts = tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
    assert starts == ("bos" in habits)
    prompts = ["A short one", "A prompt that is clearly longer"]
    together = generation.generate(model, tokenizer, prompts, 5)
    alone = [generation.generate(model, tokenizer, [prompt], 5)[0] for prompt in prompts]
    assert together == alone


def test_a_template_of_its_own_is_kept(tmp_path):
    assert models.load(save(tmp_path, template="{{ 'mine' }}"))[1].chat_template == "{{ 'mine' }}"


def test_half_precision_folder_is_upcast_on_a_cpu(tmp_path):
    if models.device().type == "cpu":
        assert models.load(save(tmp_path, dtype=torch.bfloat16))[0].dtype == torch.float32


def test_pickles_are_refused(tmp_path):
    save(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="only pickled weights.*safetensors"):
        models.load(tmp_path)


def test_a_tokenizer_without_an_end_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no end token"):
        models.load(save(tmp_path, eos=None, pad="<pad>"))


@pytest.mark.parametrize("name", ["data/models/nowhere", "./nowhere", "nowhere"])
def test_a_wrong_path_is_a_sentence(name):
    with pytest.raises(FileNotFoundError, match="neither a folder"):
        models.load(name)


def test_a_broken_folder_is_a_sentence(tmp_path):
    save(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(ValueError, match="could not be loaded"):
        models.load(tmp_path)


@pytest.mark.parametrize("offline, words", [("1", "COURSE_MODEL=owner/model"), ("0", "could not be fetched")])
def test_hub_id_without_a_network_offers_the_glass_box(monkeypatch, offline, words):
    monkeypatch.setenv("HF_HUB_OFFLINE", offline)
    with pytest.raises(ConnectionError, match=words) as error:
        models.load("owner/model")
    assert 'models.load("glass-box")' in str(error.value) and "\n" not in str(error.value)


def test_a_missing_glass_box_names_the_command(glass_box):
    shutil.rmtree(glass_box)
    with pytest.raises(FileNotFoundError, match="course_utils.pretrain"):
        models.load("glass-box")


@pytest.mark.parametrize("capability, expected", [((7, 5), torch.float16), ((8, 0), torch.bfloat16)])
def test_bf16_only_where_it_is_native(monkeypatch, capability, expected):
    monkeypatch.setattr(models, "device", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
    assert models.dtype.__wrapped__() == expected


def test_count_parameters():
    model, tokenizer = tiny_llama()
    model.tie_weights()
    total = models.count_parameters(model)
    assert (
        total == sum(p.numel() for p in model.parameters()) == models.count_parameters(model, trainable=True)
    )
    model.lm_head.requires_grad_(False)
    assert models.count_parameters(model, trainable=True) == total - model.lm_head.weight.numel()


def test_randomised_is_a_different_model_and_repeatable():
    model, _ = tiny_llama(seed=7)
    before, state = model.lm_head.weight.clone(), torch.get_rng_state()
    one, two = models.randomised(model), models.randomised(model)
    assert torch.equal(one.lm_head.weight, two.lm_head.weight)
    assert not torch.equal(one.lm_head.weight, before) and torch.equal(model.lm_head.weight, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_choose_threads_changes_nothing(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    assert 1 <= models.choose_threads(rounds=1) <= models.physical_cores()
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    "cores, useful, expected",
    [(1, 1, 1), (2, 2, 2), (8, 8, 8), (8, 4, 4), (8, 1, 1), (6, 6, 6), (64, 16, 16)],
)
def test_choose_threads_takes_the_cores_that_help(monkeypatch, cores, useful, expected):
    """On a machine where threads help as long as there are at most `useful` of them."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(models, "physical_cores", lambda: cores)

    monkeypatch.setattr(models, "_seconds_of_products", lambda threads: 1 / min(threads, useful))
    assert models.choose_threads() == expected


def test_one_slow_run_is_enough_to_stay_with_fewer_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(models, "physical_cores", lambda: 2)
    runs = {1: iter([9.0, 1.0, 1.1]), 2: iter([9.0, 0.5, 0.95])}  # the first turn does not count
    monkeypatch.setattr(models, "_seconds_of_products", lambda threads: next(runs[threads]))
    assert models.choose_threads(rounds=2) == 1


def test_choose_threads_obeys_the_environment(monkeypatch):
    for wished in (1, 3):
        monkeypatch.setenv("OMP_NUM_THREADS", str(wished))
        assert models.choose_threads() == wished


def test_the_end_token_survives(glass_box):
    model, tokenizer = models.load("glass-box")
    assert tokenizer.eos_token == END and model.config.eos_token_id == tokenizer.eos_token_id


def test_a_fingerprint_names_the_weights_and_not_where_they_are(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"one")
    first = models.fingerprint(folder)
    (folder / "model.safetensors").write_bytes(b"two")
    assert first != models.fingerprint(folder)
    assert first.startswith("mine@") and models.fingerprint(f"{folder}/.") == models.fingerprint(folder)
    assert models.fingerprint("owner/model") == "owner/model"
    assert models.fingerprint("glass-box").startswith("glass-box@")
