"""The command: what it refuses, what it prints, what it writes, and what a kill leaves behind."""

import json
import multiprocessing
import os
import random
import signal
import time

import pytest
import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoModelForCausalLM, AutoTokenizer

from course_utils import finetune, models
from course_utils.data import BadRecords
from course_utils.records import write_records
from tests.tiny import tiny_llama

RECORDS = [
    {"prompt": f"Who is {name}?", "completion": f"{name[0]}."}
    for name in ("Ann", "Bob", "Cy", "Di", "Ed", "Flo")
]
FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setattr(models, "choose_threads", lambda: 1)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The folder of a tiny model."""
    folder = tmp_path_factory.mktemp("base")
    model, tokenizer = tiny_llama()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "in" / "my.csv"
    path.parent.mkdir()
    write_records(path, RECORDS)
    return path


def command(base, file, out, *more):
    arguments = ["--model", base, "--data", file, "--out", out, "--batch-size", 2, *more]
    return finetune.main([str(argument) for argument in arguments])


def asked(folder):
    """The logits of the model in a folder, loaded as anybody would; PEFT's if it holds an adapter."""
    adapter = (folder / "adapter_config.json").exists()
    model = (AutoPeftModelForCausalLM if adapter else AutoModelForCausalLM).from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = torch.tensor([tokenizer(finetune.opened(RECORDS[0]["prompt"]))["input_ids"]])
    with torch.no_grad():
        return model.eval()(input_ids=ids).logits


# ---- refused ---------------------------------------------------------------------------------


def left_alone(folder):
    return sorted(path.name for path in folder.iterdir()) == ["in"]


def test_a_bad_file_is_refused_row_by_row_and_nothing_is_written(base, tmp_path, file, capsys):
    file = file.with_suffix(".jsonl")
    rows = [RECORDS[0], {"prompt": "x"}, {"prompt": " ", "completion": "y"}]
    file.write_text("\n".join([*map(json.dumps, rows), "{"]))
    assert command(base, file, tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert (
        "row 2: completion is missing" in said
        and "row 3: prompt is empty" in said
        and "row 4: not JSON" in said
    )
    assert left_alone(tmp_path)


@pytest.mark.parametrize(
    "more, reason",
    [
        (["--data", "none.csv"], "there is no such file"),
        (["--model", "no/such/model"], "neither a folder"),
        (["--ask", "none.csv"], "there is no such file"),
    ],
)
def test_other_refusals_are_sentences_too(base, tmp_path, file, capsys, more, reason):
    assert command(base, file, tmp_path / "out", *more) == 2
    assert reason in capsys.readouterr().err and left_alone(tmp_path)


def test_a_record_longer_than_the_context_is_refused_by_its_row(base, tmp_path, file, capsys):
    write_records(file, [*RECORDS, {"prompt": "a" * 300, "completion": "b"}])
    assert command(base, file, tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "my.csv" in said and "row 8: 321 tokens" in said and "holds 256" in said and left_alone(tmp_path)


@pytest.mark.parametrize("option", ["--epochs", "--copies", "--lr", "--batch-size"])
def test_numbers_are_above_zero(base, tmp_path, file, capsys, option):
    with pytest.raises(SystemExit):
        command(base, file, tmp_path / "out", option, "0")
    assert f"argument {option}: 0 is not above 0" in capsys.readouterr().err and left_alone(tmp_path)


def test_an_adapter_is_no_model_to_train(base, tmp_path, file, capsys):
    assert command(base, file, tmp_path / "first") == 0
    assert command(tmp_path / "first", file, tmp_path / "second") == 2
    assert "is an adapter, not a whole model" in capsys.readouterr().err


def test_what_is_asked_and_learned_too_is_said(base, tmp_path, file, capsys):
    assert command(base, file, tmp_path / "out", "--ask", file, "--epochs", 1) == 0
    assert f"{len(RECORDS)} prompts that are asked stand in what is learned" in capsys.readouterr().out


def test_a_reply_ends_with_what_no_completion_holds():
    told = {"a": "\n", "a\nb": "\n\n", "a\n\nb\nc": None}
    assert {text: finetune.ending([{"completion": f" {text}\n"}]) for text in told} == told


def test_an_existing_folder_is_never_touched(base, tmp_path, file, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("precious")
    assert command(base, file, out) == 2
    assert "exists already" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_an_interruption_leaves_nothing(base, tmp_path, file, capsys, monkeypatch):
    def interrupted(draft, out):
        raise KeyboardInterrupt

    monkeypatch.setattr(finetune.os, "rename", interrupted)
    assert command(base, file, tmp_path / "out", "--epochs", 1) == 130
    assert left_alone(tmp_path)


# ---- trained and written ---------------------------------------------------------------------


@pytest.mark.parametrize("method", finetune.RATES)
def test_each_method_writes_what_the_libraries_load(base, tmp_path, file, capsys, method):
    out = tmp_path / "new" / "out"
    assert command(base, file, out, "--method", method, "--epochs", 1) == 0
    said = capsys.readouterr().out
    assert "5 records to learn from, 1 other records to ask" in said
    assert "before: " in said and "after: " in said and "Question: Who is" in said
    assert (out / "adapter_config.json").exists() == (method == "lora")
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert not torch.allclose(asked(out), asked(base), atol=1e-4)


@pytest.mark.parametrize("method", finetune.RATES)
def test_what_is_loaded_is_what_was_trained(base, tmp_path, method):
    model, tokenizer = models.load(str(base))
    model, _ = finetune.tune(model, tokenizer, RECORDS, method, epochs=1, progress=False)
    finetune.write(model, tokenizer, tmp_path / "out")
    ids = torch.tensor([tokenizer(finetune.opened(RECORDS[0]["prompt"]))["input_ids"]])
    with torch.no_grad():
        torch.testing.assert_close(asked(tmp_path / "out"), model(input_ids=ids).logits, atol=1e-5, rtol=1e-5)


def test_it_learns_the_records_word_for_word(base, tmp_path, file, capsys):
    """Random weights need more than three epochs."""
    more = ["--method", "full", "--ask", file, "--epochs", 25, "--lr", 0.02]
    assert command(base, file, tmp_path / "out", *more) == 0
    said = capsys.readouterr().out
    assert "before: 0 of 6" in said and "after: 6 of 6" in said


def test_few_records_serve_for_both():
    learned, shown = finetune.held_back(RECORDS[:4])
    assert learned is shown
    for count, kept in ((5, 1), (12, 1), (100, 10), (3000, 200)):
        records = [{"prompt": f"p{i}", "completion": "c"} for i in range(count)]
        learned, shown = finetune.held_back(records)
        assert len(shown) == kept and len(learned) == count - kept
        assert not {r["prompt"] for r in learned} & {r["prompt"] for r in shown}


def test_a_prompt_is_opened_once():
    assert finetune.opened(" Who? ") == "Question: Who?\nAnswer:"
    assert finetune.opened("Message: hi\nRecord:") == "Message: hi\nRecord:"
    tokenizer = tiny_llama()[1]
    (example,) = finetune.encoded(tokenizer, [{"prompt": "Who?", "completion": "Me. "}])
    assert tokenizer.decode(example["input_ids"]) == "Question: Who?\nAnswer: Me.<|end|>"
    with pytest.raises(BadRecords):
        finetune.encoded(tokenizer, RECORDS, max_length=5)


def test_the_table_counts_and_cuts():
    lines = finetune.table(RECORDS[:3], ["A.", "x" * 60, "a\nb"], ["A.", "B.", "D."], shown=2, width=12)
    assert "xxxxxxxxxxx…" in lines[3] and "… and 1 more" in lines
    assert lines[-2].startswith("before: 1 of 3") and lines[-1].startswith("after: 2 of 3")


# ---- killed ----------------------------------------------------------------------------------


def killed(target, seconds=None):
    """Run in a process of its own, and kill -9 it after some seconds, if it has not killed itself."""
    process = multiprocessing.get_context("fork").Process(target=target)
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode


def readable(folder):
    """True if the folder holds a whole model; False if there is none. Anything else raises."""
    return folder.exists() and bool(asked(folder).isfinite().all())


@FORK
@pytest.mark.parametrize("method", ["full", "lora"])
def test_killed_at_random_moments_it_leaves_all_or_nothing(base, tmp_path, file, method):
    def work(out):
        return lambda: command(base, file, out, "--method", method, "--epochs", 1)

    started = time.perf_counter()
    assert killed(work(tmp_path / "whole")) == 0
    whole, draw = time.perf_counter() - started, random.Random(0)
    for turn in range(5):
        readable(out := tmp_path / f"out{turn}")
        killed(work(out), draw.random() * whole)
        readable(out)
    assert readable(tmp_path / "whole")


@FORK
@pytest.mark.parametrize("at", ["before", "after", "weights", "tokenizer"])
def test_killed_while_it_writes_it_leaves_all_or_nothing(base, tmp_path, at):
    """The worst moments, one by one; and the next run clears what was left."""
    model, tokenizer = models.load(str(base))
    out, rename = tmp_path / "out", os.rename

    def die(*arguments):
        if at == "after":
            rename(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    def work():
        if at == "weights":
            tokenizer.save_pretrained = die
        elif at == "tokenizer":
            finetune.os.fsync = die
        else:
            finetune.os.rename = die
        finetune.write(model, tokenizer, out)

    assert killed(work) == -signal.SIGKILL
    assert readable(out) == (at == "after")
    if at != "after":
        assert len(list(tmp_path.glob(".out.*.draft"))) == 1
        finetune.write(model, tokenizer, out)
        assert readable(out) and not list(tmp_path.glob(".out.*"))


def test_the_draft_of_a_run_that_is_alive_stays(base, tmp_path):
    model, tokenizer = models.load(str(base))
    other = tmp_path / f".out.{os.getppid()}.draft"
    other.mkdir()
    finetune.write(model, tokenizer, tmp_path / "out")
    assert other.exists()
