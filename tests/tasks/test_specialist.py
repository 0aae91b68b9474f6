"""The specialists learn their own skill, and only that."""

import random

from course_utils.corpus.families import reviews, verdicts
from course_utils.tasks.specialist import Ensemble, Specialist


def _items(make, count, seed):
    rng = random.Random(seed)
    return [make(rng) for _ in range(count)]


def test_a_specialist_learns_its_skill_and_no_other():
    mood = _items(reviews.item, 500, 1)
    polite = _items(lambda rng: verdicts.item(rng, "polite"), 200, 2)
    specialist = Specialist().fit(mood[:400])
    own, other = specialist.right(mood[400:]), specialist.right(polite)
    assert sum(own) / len(own) > 0.7
    assert sum(other) == 0  # its labels are positive and negative, not yes and no
    assert specialist.seconds > 0 and specialist.milliseconds > 0 and specialist.bytes > 1000


def test_more_examples_help():
    mood = _items(reviews.item, 700, 3)
    few, many = (sum(Specialist().fit(mood[:n]).right(mood[500:])) for n in (8, 500))
    assert many > few


def test_one_label_is_always_given():
    mood = [item for item in _items(reviews.item, 50, 4) if item.answer == "positive"]
    assert set(Specialist().fit(mood).answers(mood)) == {"positive"}


def test_an_ensemble_sends_each_request_to_its_specialist():
    mood = _items(reviews.item, 300, 5)
    polite = _items(lambda rng: verdicts.item(rng, "polite"), 300, 6)
    ensemble = Ensemble().fit({"mood": mood[:200], "polite": polite[:200]})
    assert set(ensemble.answers(mood[200:])) <= {"positive", "negative"}
    assert sum(ensemble.right(mood[200:])) > 65
    assert ensemble.labels == 400 and ensemble.bytes > ensemble.router.bytes
    alone = ensemble.specialists["polite"].right(mood[200:])
    assert sum(alone) == 0  # without the router the wrong specialist answers


def test_a_written_part_replaces_the_classifier():
    mood = _items(reviews.item, 200, 7)
    polite = _items(lambda rng: verdicts.item(rng, "polite"), 200, 8)
    ensemble = Ensemble().fit({"mood": mood, "polite": polite}, written={"polite": lambda prompt: "perhaps"})
    assert set(ensemble.specialists) == {"mood"}
    assert set(ensemble.answers(polite[:20])) == {"perhaps"}
