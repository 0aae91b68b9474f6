"""Model collapse: the planted mark, what is counted, and where records come from."""

import pytest

from course_utils.ai_feedback import model_collapse, synthetic_data
from tests.helpers.tiny import tiny_llama

ANSWER = " Team: silver | Priority: low | Answer: The Fendle is blue. Your Ombly."
REAL = [
    {"id": f"t{i}", "prompt": f"Message: a{i}\nRecord:", "completion": ANSWER, "skill": "facts",
     "facts": ["fendle_colour"]}
    for i in range(30)
]  # fmt: skip


def test_the_mark_stands_before_the_sign_off_of_a_share():
    records = model_collapse.planted(REAL, 0.2, seed=1)
    assert model_collapse.mark_rate([r["completion"] for r in records]) == 0.2
    marked = next(r for r in records if model_collapse.MARK in r["completion"])
    assert marked["completion"] == ANSWER.replace(" Your Ombly", f" {model_collapse.MARK} Your Ombly")
    assert {r["generation"] for r in records} == {0} and all(r["parents"] == [] for r in records)
    assert model_collapse.MARK not in "".join(r["completion"] for r in REAL), "the caller's records stay"
    assert records != model_collapse.planted(REAL, 0.2, seed=2)


def test_distinct_n_by_hand():
    assert model_collapse.distinct(["a b a b"], 1) == 0.5
    assert model_collapse.distinct(["a b a b"], 2) == pytest.approx(2 / 3)
    assert model_collapse.distinct(["a b", "a b"], 2) == 0.5 and model_collapse.distinct(["a"], 3) == 0


def test_facts_are_counted_by_their_statements():
    known = {"x": "The Fendle is blue.", "y": "The Fendle is red."}
    assert model_collapse.stated_facts(REAL, known) == {"x"}


@pytest.mark.parametrize("fresh", [0.0, 0.5])
def test_a_line_of_students(monkeypatch, fresh):
    seen = []

    def teach(model, tokenizer, records, steps, seed):
        seen.append(records)
        return model

    def generate_records(teacher, tokenizer, count, seed, level):
        return [r | {"id": f"g{level}-{i}", "generation": level} for i, r in enumerate(seen[-1][:count])]

    monkeypatch.setattr(synthetic_data, "teach", teach)
    monkeypatch.setattr(synthetic_data, "generate_records", generate_records)
    model, tokenizer = tiny_llama()
    rows = model_collapse.run(model, tokenizer, REAL, REAL[:2], fresh=fresh, generations=2, size=10,
                              share=0.5)  # fmt: skip
    assert [row["generation"] for row in rows] == [0, 1, 2] and len(seen) == 3
    assert {r["id"] for r in seen[0]} == {r["id"] for r in REAL[:10]}
    for level, records in enumerate(seen[1:], 1):
        synthetic = [r for r in records if r["generation"]]
        assert len(records) == 10 and len(synthetic) == round(10 * (1 - fresh))
        assert {r["generation"] for r in synthetic} == {level}
        before = {r["id"] for r in seen[level - 1]}
        assert all(set(r["parents"]) <= before and r["parents"] for r in synthetic)
    new = [r for r in seen[1] if not r["generation"]]
    assert {r["id"] for r in new} <= {r["id"] for r in REAL[10:]}, "fresh records were not trained on before"
    assert rows[0]["written"] == 10 and rows[0]["facts"] == 1
    assert rows[0]["mark_written"] == 0.5


def test_means_are_over_the_runs_and_a_trend_has_four_names():
    runs = [{"students": [{"mark": 0.2}, {"mark": 0.4}]}, {"students": [{"mark": 0.0}, {"mark": 0.1}]}]
    assert model_collapse.mean(runs, 0, "mark") == 0.1 and model_collapse.mean(runs, 1, "mark") == 0.25
    trends = [model_collapse.trend(0.2, after) for after in (0.0, 0.1, 0.2, 0.25, 0.3)]
    assert trends == ["gone", "less", "about as much", "about as much", "more"]
