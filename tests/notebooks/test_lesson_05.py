"""Lesson 05: what its notebook holds, that what it teaches is the package's, and what its exercises catch."""

import ast
import math

import pytest
import torch

from course_utils import data, losses
from course_utils.experiments import rlhf, rlhf_open_questions, rlhf_ppo
from course_utils.lessons import l05
from course_utils.rlhf import reward_model, rewards
from course_utils.tasks import open_questions
from tests.helpers.lesson import Lesson
from tests.helpers.tiny import tiny_llama

LESSON = Lesson("05")


def test_the_reward_model_that_it_teaches_is_short_and_the_package_s():
    taught = [LESSON.definitions()[name] for name in ("reward", "score")]
    assert sum(len(ast.get_source_segment(LESSON.source, node).splitlines()) for node in taught) <= 20
    model, tokenizer = tiny_llama()
    scorer = reward_model.start(model, seed=1)
    prompts, replies = ["Hi", "Which team is it?"], [" you", " Owls, of course"]
    rows = data.encode(tokenizer, [{"prompt": p, "completion": r} for p, r in zip(prompts, replies)])
    with torch.no_grad():
        scores = LESSON.taught("score", torch=torch)(scorer.body, scorer.head, data.collate(rows, 0)).tolist()
    assert scores == pytest.approx(scorer.score(tokenizer, prompts, replies), abs=1e-4)
    assert abs(scores[0] - scores[1]) > 1e-3


def test_the_widget_has_a_picture_beside_it():
    place = next(i for i, cell in enumerate(LESSON.cells) if "label_widget.widget(" in cell.source)
    assert "label_widget.shown(" in LESSON.cells[place + 2].source
    assert any("text/html" in output.get("data", {}) for output in LESSON.cells[place + 2].outputs)


def test_stored_claims_say_so_and_live_ones_do_not():
    stored = {"best", "wrong", "low", "rare", "last", "ahead", "spread", "good", "bad", "gained", "effect"}
    for call in LESSON.calls("claim"):
        values = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
        names = {n.id for value in values for n in ast.walk(value) if isinstance(n, ast.Name)}
        assert ("(stored" in ast.unparse(call.args[0])) == bool(names & stored), ast.unparse(call)


def test_the_second_section_shows_four_bad_runs_and_a_good_one():
    assert "known-bad runs" in " ".join(cell.source for cell in LESSON.cells if cell.cell_type == "markdown")
    assert set(l05.LOGS.values()) == set(rlhf_ppo.WRONG) and list(l05.LOGS) == list("ABCD")
    logs = rlhf.bad_runs()
    assert set(logs) == {*rlhf_ppo.WRONG, "a good run"}
    good = logs["a good run"]["curves"]
    for name, log in logs.items():
        assert {len(values) for values in log["curves"].values()} == {len(good["reward"])}, name
    assert max(logs["values explode"]["curves"]["value_loss"]) > 10 * max(good["value_loss"])
    assert logs["length is rewarded"]["curves"]["tokens"][-1] > good["tokens"][-1]
    assert logs["no KL penalty"]["curves"]["kl"][-1] > good["kl"][-1]
    assert logs["learning rate too high"]["curves"]["clip_fraction"][1] > good["clip_fraction"][1]


def test_the_prediction_about_honesty_has_the_answer_of_the_scale():
    ways = {"be confident": {"confident": 1.0}, "hedge": {"hedged": 1.0}, "decline": {}}
    worth = {name: rewards.expected(0.6, **way) for name, way in ways.items()}
    assert max(worth, key=worth.get) == "hedge" and set(l05.p2.choices) == set(worth)
    assert worth["be confident"] == pytest.approx(3 * 0.6 - 2)


def test_the_stored_pairs_are_as_many_as_the_text_says():
    prose = " ".join(cell.source for cell in LESSON.cells if cell.cell_type == "markdown")
    train, held_out = (open_questions.preferences(split) for split in ("train", "held_out"))
    assert f"{len(train)} pairs remain for training, and {len(held_out)} " in prose
    assert f"{len(train)} pairs" in l05.p1.question
    (start,) = (row for row in rlhf_open_questions.read("start") if row["policy"] == "start")
    assert start["pairs"] == len(train), "the stored runs learned from as many"


def test_the_text_s_own_sums_by_hand():
    assert losses.reward(torch.zeros(1), torch.zeros(1)).item() == pytest.approx(math.log(2))
