"""The command: what it refuses, what it prints, what it writes, and what a kill leaves behind."""

import json
import multiprocessing
import os
import random
import subprocess
import sys
import time

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from course_utils import models
from course_utils.finetune import __main__ as finetune
from course_utils.finetune import chat_format, probe, recipe, save
from course_utils.storage.records import write_records
from tests.helpers.tiny import byte_tokenizer, shape, tiny_llama

RECORDS = [
    {"prompt": f"Who is {name}?", "completion": f"{name[0]}."}
    for name in ("Ann", "Bob", "Cy", "Di", "Ed", "Flo")
]
CHATML = (
    "{% for m in messages %}"
    "{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{'<|im_start|>assistant\n'}}{% endif %}"
)
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


def asked(folder, base):
    """The logits of the model in a folder, loaded as anybody would; an adapter on its base."""
    adapter = (folder / "adapter_config.json").exists()
    model = AutoModelForCausalLM.from_pretrained(base if adapter else folder)
    model = PeftModel.from_pretrained(model, folder) if adapter else model
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = torch.tensor([tokenizer(chat_format.opened(RECORDS[0]["prompt"]))["input_ids"]])
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
    told = capsys.readouterr().err
    for reason in ("row 2: completion is missing", "row 3: prompt is empty", "row 4: not JSON"):
        assert reason in told
    assert left_alone(tmp_path)


@pytest.mark.parametrize(
    "more, reason",
    [
        (["--data", "none.csv"], "there is no such file"),
        (["--model", "no/such/model"], "neither a folder"),
        (["--ask", "none.csv"], "there is no such file"),
        (["--merge", "--method", "full"], "--merge is for --method lora"),
        (["--rate", "1e30", "--method", "full"], "The loss is"),
    ],
)
def test_other_refusals_are_sentences_too(base, tmp_path, file, capsys, more, reason):
    assert command(base, file, tmp_path / "out", *more) == 2
    assert reason in capsys.readouterr().err and left_alone(tmp_path)


def test_a_mistyped_name_is_told_before_torch_is_imported(tmp_path):
    code = "import sys; from course_utils.finetune import __main__ as finetune\n"
    code += "assert finetune.main(sys.argv[1:]) == 2 and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, "--data", "none.csv", "--out", tmp_path / "out"], check=True)


def test_a_record_longer_than_the_context_is_refused_by_its_row(base, tmp_path, file, capsys):
    write_records(file, [*RECORDS, {"prompt": "a" * 300, "completion": "b"}])
    assert command(base, file, tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert "my.csv" in told and "row 8: 321 tokens" in told and "holds 256: shorten it" in told
    assert left_alone(tmp_path)


@pytest.mark.parametrize("option", ["--epochs", "--copies", "--rate", "--batch-size"])
def test_numbers_are_above_zero(base, tmp_path, file, capsys, option):
    with pytest.raises(SystemExit):
        command(base, file, tmp_path / "out", option, "0")
    assert "0 is not above 0" in capsys.readouterr().err and left_alone(tmp_path)


def test_an_adapter_is_no_model_to_train(base, tmp_path, file, capsys):
    assert command(base, file, tmp_path / "first", "--epochs", 1, "--copies", 1) == 0
    assert command(tmp_path / "first", file, tmp_path / "second") == 2
    assert "is an adapter, not a whole model" in capsys.readouterr().err


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

    monkeypatch.setattr(save.os, "rename", interrupted)
    assert command(base, file, tmp_path / "out", "--epochs", 1, "--copies", 1) == 130
    assert left_alone(tmp_path)


# ---- trained and told ------------------------------------------------------------------------


@pytest.mark.parametrize("method", recipe.RATES)
def test_each_method_writes_what_the_libraries_load(base, tmp_path, file, capsys, method):
    out = tmp_path / "new" / "out"
    assert command(base, file, out, "--method", method, "--epochs", 1, "--copies", 1) == 0
    told = capsys.readouterr().out
    assert '"prompt" is the prompt' in told and "6 records to use in my.csv." in told
    assert "6 records to learn from, 0 held back" in told and "none is held back" in told
    assert "before: " in told and "after: " in told and "what else changed: of 12 common questions" in told
    assert "loss in training" in told and "python -m course_utils.finetune.ask" in told
    assert (out / "adapter_config.json").exists() == (method == "lora")
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert not torch.allclose(asked(out, base), asked(base, base), atol=1e-4)


def test_a_chat_model_learns_its_template(tmp_path, file, capsys):
    """The whole way with a template of the model's own, an end-of-turn token that also pads, and turns."""
    folder = tmp_path / "in" / "chat"
    tokenizer = byte_tokenizer(eos="<|im_end|>", pad="<|im_end|>", bos="<|im_start|>", template=CHATML)
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(**shape(tokenizer, 512), initializer_range=0.3)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who is Ann?"}]
    lines = [{"messages": [*turns, {"role": "assistant", "content": "A."}]}]
    lines += [{"messages": [turns[1], {"role": "assistant", "content": "Ann is a cat."}]}]
    file = file.with_suffix(".jsonl")
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    more = ["--epochs", 30, "--rate", 0.02, "--copies", 1, "--method", "full", "--anchor", 0.01]
    assert command(folder, file, tmp_path / "out", *more) == 0
    assert "after: 2 of 2 word for word right" in capsys.readouterr().out
    written = json.loads((tmp_path / "out" / "tokenizer_config.json").read_text("utf-8"))
    assert written["eos_token"] == written["pad_token"] == "<|im_end|>"
    assert (tmp_path / "out" / "chat_template.jinja").read_text("utf-8") == CHATML


def test_questions_of_ones_own(base, tmp_path, file, capsys):
    questions = write_records(
        tmp_path / "in" / "ask.csv", [*RECORDS[:2], RECORDS[0] | {"prompt": "And Ann?"}]
    )
    more = ["--ask", tmp_path / "in" / "ask.csv", "--ask", "What of Bob?", "--epochs", 1, "--copies", 1]
    assert questions is None and command(base, file, tmp_path / "out", *more) == 0
    told = capsys.readouterr().out
    assert "Careful: 2 of the 4 questions that are asked stand in what is learned" in told
    assert "What of Bob?" in told and "word for word right" not in told  # one has no answer to compare with
    facts = json.loads((tmp_path / "out" / "training.json").read_text("utf-8"))
    assert [row["question"] for row in facts["asked"]["replies"]][2:] == ["And Ann?", "What of Bob?"]
    assert "Training: at most 3 steps of 2 records" in told
    assert len(facts["probe"]["replies"]) == len(probe.QUESTIONS)


def test_a_file_of_questions_needs_no_answers(base, tmp_path, file):
    (tmp_path / "in" / "ask.csv").write_text("question\nAnd Ann?\nWhat of Bob?\n")
    more = ["--ask", tmp_path / "in" / "ask.csv", "--epochs", 1, "--copies", 1]
    assert command(base, file, tmp_path / "out", *more) == 0
    facts = json.loads((tmp_path / "out" / "training.json").read_text("utf-8"))
    assert [row["question"] for row in facts["asked"]["replies"]] == ["And Ann?", "What of Bob?"]


def test_it_learns_the_records_word_for_word(base, tmp_path, file, capsys):
    """Random weights need more than the usual epochs."""
    more = ["--method", "full", "--epochs", 25, "--rate", 0.02, "--copies", 1]
    assert command(base, file, tmp_path / "out", *more) == 0
    told = capsys.readouterr().out
    assert "before: 0 of 6" in told and "after: 6 of 6" in told


def test_with_enough_records_a_tenth_is_held_back_and_decides(base, tmp_path, file, capsys):
    write_records(file, [{"prompt": f"Who is {i}?", "completion": f"{i % 7}."} for i in range(50)])
    assert command(base, file, tmp_path / "out", "--epochs", 2) == 0
    told = capsys.readouterr().out
    assert "45 records to learn from, 5 held back" in told and "loss on the held-back records" in told
    facts = json.loads((tmp_path / "out" / "training.json").read_text("utf-8"))
    assert facts["loss"]["held_back"] and facts["data"]["held_back"] == 5
    assert command(base, file, tmp_path / "all", "--epochs", 1, "--hold-back", 0) == 0
    assert "50 records to learn from, 0 held back" in capsys.readouterr().out


def test_the_same_records_in_four_forms_make_the_same_model(base, tmp_path):
    """And a messages file, too: what is learned does not depend on the program that wrote the file."""
    from openpyxl import Workbook

    folder = tmp_path / "in"
    folder.mkdir()
    rows = [(r["prompt"], f'{r["completion"]} "Yes"; no, 4') for r in RECORDS] + [("Two\nlines?", "4")]
    book = Workbook()
    for row in [("Question", "Answer"), *rows]:
        book.active.append(row)
    book.save(folder / "a.xlsx")
    quoted = ['"' + '";"'.join(cell.replace('"', '""') for cell in row) + '"' for row in rows]
    (folder / "b.csv").write_text("\ufeffPROMPT;Completion\n" + "\n".join(quoted) + "\n", "utf-8")
    lines = [json.dumps({"instruction": p, "input": "", "output": c}) for p, c in rows]
    (folder / "c.jsonl").write_text("\n".join(lines), "utf-8")
    turns = [[{"from": "human", "value": p}, {"from": "gpt", "value": c}] for p, c in rows]
    (folder / "d.json").write_text(json.dumps([{"conversations": each} for each in turns]), "utf-8")
    weights = []
    for source in sorted(folder.iterdir()):
        out = tmp_path / source.suffix[1:]
        assert command(base, source, out, "--epochs", 1, "--copies", 2) == 0
        weights.append((out / "adapter_model.safetensors").read_bytes())
    assert len(weights) == 4 and len(set(weights)) == 1


# ---- killed ----------------------------------------------------------------------------------


def killed(target, seconds=None):
    """Run in a process of its own, and kill -9 it after some seconds, if it has not killed itself."""
    process = multiprocessing.get_context("fork").Process(target=target)
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode


def readable(folder, base):
    """True if the folder holds a whole model; False if there is none. Anything else raises."""
    return folder.exists() and bool(asked(folder, base).isfinite().all())


@FORK
@pytest.mark.parametrize("method", ["full", "lora"])
def test_killed_at_random_moments_it_leaves_all_or_nothing(base, tmp_path, file, method):
    def work(out):
        return lambda: command(base, file, out, "--method", method, "--epochs", 1, "--copies", 1)

    started = time.perf_counter()
    assert killed(work(tmp_path / "whole")) == 0
    whole, draw = time.perf_counter() - started, random.Random(0)
    for turn in range(5):
        readable(out := tmp_path / f"out{turn}", base)
        killed(work(out), draw.random() * whole)
        readable(out, base)
    assert readable(tmp_path / "whole", base)
