"""Word problems with a checker: the right number pays, and no problem that is asked was trained on."""

import pytest

from course_utils.tasks import word_problems


def test_the_checker_pays_for_the_final_number_only():
    prompts, reward_fn = word_problems.task(steps=(5,), count=6, asked=3)
    known = {item.prompt: item for n in (5,) for item in word_problems.items(n, 3)}
    assert len(set(prompts)) == 6 and not set(prompts) & set(known)
    number = next(
        n for n in range(200) if reward_fn(prompts[:1], [f" 1 + 1 = 3. The answer is {n}."]) == [1.0]
    )
    asked = prompts[:1] * 4
    said = [f" The answer is {number}.", f" It is {number}.", f" The answer is {number + 1}.", ""]
    assert reward_fn(asked, said) == [1.0, 0.0, 0.0, 0.0]
    another = f"{said[0]}\n\nQuestion: And now? The answer is {number + 1}."  # the base goes on by itself
    assert reward_fn(asked[:2], [another, f"{said[2]}\n\n{said[0]}"]) == [1.0, 0.0]
    with pytest.raises(KeyError):
        reward_fn(["another"], ["The answer is 1."])


def test_the_same_seed_gives_the_same_problems():
    assert word_problems.task(count=5, asked=2)[0] == word_problems.task(count=5, asked=2)[0]
    assert word_problems.task(count=5, asked=2)[0] != word_problems.task(count=5, seed=1, asked=2)[0]


def test_accuracy_is_counted_by_the_number_of_steps(monkeypatch):
    monkeypatch.setattr(
        word_problems.evaluation,
        "evaluate",
        lambda model, tokenizer, items: [i % 2 == 0 for i in range(len(items))],
    )
    assert word_problems.accuracy(None, None, steps=(1, 6), count=5) == {1: (3, 5), 6: (3, 5)}
    assert word_problems.items(6, 4)[0].prompt.count("Question:") == 1


def test_drawn_answers_are_counted_each(monkeypatch):
    asked = []

    def generate(model, tokenizer, prompts, **told):
        asked.append((len(set(prompts)), len(prompts), told["temperature"]))
        return [" The answer is -1."] * len(prompts)

    monkeypatch.setattr(word_problems, "generate", generate)
    assert word_problems.accuracy(None, None, steps=(4,), count=5, temperature=1.0, tries=3) == {4: (0, 15)}
    assert asked == [(5, 15, 1.0)]
