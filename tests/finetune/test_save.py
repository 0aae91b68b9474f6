"""What is written loads anywhere: after a move, in a fresh process, with the libraries alone."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest
import torch
from transformers import AutoTokenizer

from course_utils import models
from course_utils.finetune import __main__ as finetune
from course_utils.finetune import ask, base_model, card, save
from course_utils.finetune.trainable import choose
from course_utils.storage.records import write_records
from tests.helpers.tiny import byte_tokenizer, tiny_llama

RECORDS = [{"prompt": f"Who is {name}?", "completion": f"{name[0]}."} for name in ("Ann", "Bob", "Cy", "Di")]
FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
TEXT = "Question: Who is Ann?\nAnswer:"
PLAIN = """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel
folder, base = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(base or folder)
model = PeftModel.from_pretrained(model, folder) if base else model
tokenizer = AutoTokenizer.from_pretrained(folder)
ids = torch.tensor([tokenizer("Question: Who is Ann?\\nAnswer:")["input_ids"]])
with torch.no_grad():
    print(model.eval()(input_ids=ids).logits[0, -1, :8].tolist())
assert not any(name.startswith("course_utils") for name in sys.modules)
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The folder of a tiny model with tied embeddings, as the real one has them."""
    folder = tmp_path_factory.mktemp("some where") / "tiny base"
    model, tokenizer = tiny_llama()
    model.config.tie_word_embeddings = True
    model.lm_head.weight = model.model.embed_tokens.weight
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def written(base, tmp_path_factory):
    """{method: the folder that the command wrote, and that was moved since}."""
    home = tmp_path_factory.mktemp("home of mine")
    write_records(home / "my file.csv", RECORDS)
    folders = {}
    for method, more in (("lora", ["--merge"]), ("full", [])):
        out = home / "first" / method
        arguments = ["--model", base, "--data", home / "my file.csv", "--out", out, "--method", method]
        arguments += ["--epochs", 2, "--copies", 1, "--rate", 0.02, *more]
        assert finetune.main([str(argument) for argument in arguments]) == 0
        folders[method] = home / "moved" / f"{method} there"
        folders[method].parent.mkdir(exist_ok=True)
        os.rename(out, folders[method])
    return folders


def plainly(folder, base=""):
    """The first logits after TEXT, in a fresh process that does not know this package."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PLAIN, str(folder), str(base)],
        capture_output=True,
        text=True,
        cwd=folder.parent,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_a_moved_folder_loads_with_the_libraries_alone(written, base):
    untouched = plainly(base)
    adapter, merged = plainly(written["lora"], base), plainly(written["lora"] / "merged")
    assert adapter == pytest.approx(merged, abs=1e-4) and adapter != pytest.approx(untouched, abs=1e-3)
    assert plainly(written["full"]) != pytest.approx(untouched, abs=1e-3)


def test_no_written_file_has_a_path_of_this_machine(written, base):
    strange = re.compile(rb"/(tmp|home|root|work|var|Users)/|[A-Z]:\\\\|pytest-of|some where|home of mine")
    files = [file for folder in written.values() for file in folder.rglob("*") if file.is_file()]
    assert len(files) > 12
    for file in files:
        content = file.read_bytes()
        assert not strange.search(content), (file.name, strange.search(content))
        assert str(base.parent).encode() not in content
    settings = json.loads((written["lora"] / "adapter_config.json").read_text("utf-8"))
    assert settings["base_model_name_or_path"] == "tiny base"


def test_the_tokenizer_has_a_class_that_other_versions_know(written, base):
    for folder in (written["lora"], written["lora"] / "merged", written["full"]):
        settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
        assert settings["tokenizer_class"] == "PreTrainedTokenizerFast"
        assert not {"backend", "is_local", "local_files_only"} & set(settings)
        one, other = AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(base)
        assert one.get_vocab() == other.get_vocab() and one.eos_token == other.eos_token
        assert one.decode(one("a . b")["input_ids"]) == "a . b" and one.chat_template == other.chat_template


def test_older_versions_find_the_base_of_the_positions(written):
    """transformers 4 reads rope_theta, and takes 10,000 where it finds none."""
    for folder in (written["lora"] / "merged", written["full"]):
        settings = json.loads((folder / "config.json").read_text("utf-8"))
        assert settings["rope_theta"] == settings["rope_parameters"]["rope_theta"]
        assert settings["torch_dtype"] == settings["dtype"] == "float32"
    changed = save._for_all_versions(
        {"rope_parameters": {"rope_theta": 5.0, "rope_type": "linear", "factor": 2}}
    )
    assert changed["rope_theta"] == 5.0 and changed["rope_scaling"] == {"rope_type": "linear", "factor": 2}


def test_merged_weights_are_tied_as_before(written, base):
    model, _ = models.load(str(written["lora"] / "merged"))
    assert model.lm_head.weight is model.model.embed_tokens.weight and model.config.tie_word_embeddings
    assert models.count_parameters(model) == models.count_parameters(models.load(str(base))[0])


def test_the_card_and_the_record_are_true(written):
    for method, folder in written.items():
        facts = json.loads((folder / "training.json").read_text("utf-8"))
        text = (folder / "README.md").read_text("utf-8")
        assert facts["data"]["file"] == "my file.csv" and facts["data"]["used"] == 4
        assert facts["settings"]["method"] == method and facts["settings"]["lr"] == 0.02
        assert facts["steps"] == len(facts["loss"]["training"]) == 2 * 4
        assert "4 records of `my file.csv`" in text and f"| method | {method} |" in text
        assert f"{facts['loss']['before']:.3f}, {facts['loss']['after']:.3f}" in text
        assert "Who is Ann?" in text and "What else changed: of 12" in text and "More Information" not in text
        assert text.startswith("---\n") and ("library_name: peft" in text) == (method == "lora")
        assert not re.search(r"[{}]", text.split("## Before")[0].replace("{folder}", ""))


def test_the_code_of_the_card_runs(written):
    text = (written["full"] / "README.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1].replace('"full"', repr(str(written["full"])))
    names = {}
    exec(code, names)  # what a reader copies
    assert names["model"].config.model_type == "llama" and names["tokenizer"].eos_token == "<|end|>"


def test_it_can_be_asked(written, base, capsys):
    assert ask.main([str(written["lora"]), "Who is Ann?", "Who is Bob?", "--model", str(base)]) == 0
    assert len(capsys.readouterr().out.split("\n")) == 3
    assert ask.main([str(written["full"]), "Who is Ann?"]) == 0
    capsys.readouterr()
    assert ask.main([str(written["lora"]), "Who is Ann?"]) == 2
    assert "Name the folder of the base model: --model FOLDER." in capsys.readouterr().err


@pytest.mark.parametrize("method", ["lora", "full", "last_block", "head"])
def test_what_is_loaded_is_what_was_trained(base, tmp_path, method):
    model, tokenizer = models.load(str(base))
    ids = torch.tensor([tokenizer(TEXT)["input_ids"]])
    model, parameters = choose(model, method)
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
        expected = model(input_ids=ids).logits
    save.folder(tmp_path / "out", lambda draft: save.model(model, tokenizer, draft, "tiny"))
    loaded, _ = ask.load(tmp_path / "out", str(base))
    with torch.no_grad():
        torch.testing.assert_close(loaded(input_ids=ids).logits, expected, atol=1e-5, rtol=1e-5)


# ---- names -----------------------------------------------------------------------------------


def test_base_models_have_names_that_mean_something_elsewhere(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_MODEL", raising=False)
    assert base_model.describe().hub == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert base_model.describe("glass-box") == base_model.Base("glass-box", None, "mit", "glass-box")
    assert base_model.describe("Qwen/Qwen3-0.6B").hub == "Qwen/Qwen3-0.6B"
    folder = base_model.describe(str(tmp_path))
    assert folder.name == tmp_path.name and folder.hub is folder.course_name is None
    monkeypatch.setenv("COURSE_MODEL", "a/b")
    assert base_model.describe().name == "a/b"


def test_the_card_says_how_to_load_on_every_base(tmp_path):
    facts = {
        "data": {"file": "f.csv", "used": 1, "learned": 1, "held_back": 0},
        "settings": {"method": "lora", "merged": True},
        "steps": 1,
        "loss": {"first": 1.0, "last": 0.5, "before": None, "after": None},
        "asked": {"what": "Asked.", "scores": [], "replies": []},
        "probe": {"report": ["what else changed: nothing", "  lost: x"]},
        "versions": card.versions(),
    }
    real = card.card(facts, base_model.describe("smollm2"), "mine")
    assert 'AutoPeftModelForCausalLM.from_pretrained("mine")' in real and 'models.load("smollm2")' in real
    assert "base_model: HuggingFaceTB/SmolLM2-135M-Instruct" in real and '"mine/merged"' in real
    box = card.card(facts, base_model.describe("glass-box"), "mine")
    assert 'models.load("glass-box")' in box and "AutoPeft" not in box and "base_model:" not in box
    own = card.card(facts, base_model.describe(str(tmp_path)), "mine")
    assert f'AutoModelForCausalLM.from_pretrained("{tmp_path.name}")' in own


# ---- whole or not at all ---------------------------------------------------------------------


def killed(target):
    """The exit code of a function in a process of its own."""
    import multiprocessing

    process = multiprocessing.get_context("fork").Process(target=target)
    process.start()
    process.join()
    return process.exitcode


@FORK
@pytest.mark.parametrize("at", ["before", "after", "weights", "disk"])
def test_killed_while_it_writes_it_leaves_all_or_nothing(tmp_path, at):
    """The worst moments, one by one; and the next run clears what was left."""
    out, rename = tmp_path / "out", os.rename

    def die(*arguments):
        if at == "after":
            rename(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    def fill(draft):
        (draft / "deep").mkdir()
        (draft / "deep" / "file").write_text("x")
        if at == "weights":
            die()

    def work():
        if at == "disk":
            save.os.fsync = die
        elif at != "weights":
            save.os.rename = die
        save.folder(out, fill)

    assert killed(work) == -signal.SIGKILL
    assert out.exists() == (at == "after")
    if at != "after":
        assert len(list(tmp_path.glob(".out.*.draft"))) == 1
        save.folder(out, lambda draft: (draft / "file").write_text("y"))
        assert (out / "file").read_text() == "y" and not list(tmp_path.glob(".out.*"))


def test_the_draft_of_a_run_that_is_alive_stays(tmp_path):
    other = tmp_path / f".out.{os.getppid()}.draft"
    other.mkdir()
    save.folder(tmp_path / "out", lambda draft: (draft / "file").write_text("y"))
    assert other.exists()


def test_a_folder_that_appeared_meanwhile_is_not_replaced(tmp_path):
    def fill(draft):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine.txt").write_text("precious")

    with pytest.raises(FileExistsError):
        save.folder(tmp_path / "out", fill)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "mine.txt").read_text() == "precious"


def test_a_start_token_is_no_obstacle(tmp_path):
    tokenizer = byte_tokenizer(bos="<s>")
    model, _ = tiny_llama()
    save.folder(tmp_path / "out", lambda draft: save.model(model, tokenizer, draft, "tiny"))
    assert AutoTokenizer.from_pretrained(tmp_path / "out")("a")["input_ids"] == tokenizer("a")["input_ids"]
