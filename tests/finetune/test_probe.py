"""The probe counts and names what was lost, and the rehearsal keeps what the model says."""

import torch

from course_utils import training
from course_utils.finetune import chat_format, probe, rehearsal
from tests.helpers.tiny import tiny_llama

GOOD = [
    "Cairo.", "london", "It is Beijing", "A physicist.", "A scientist", "A chemist", "Nectar.",
    "The cow does.", "In the Antarctic", "cold", "Au", "It is H2O.",
]  # fmt: skip


def test_a_reply_is_right_by_its_key_word():
    assert probe.grades(GOOD) == [True] * len(probe.QUESTIONS)
    assert probe.grades(["clockmaker"] * len(GOOD)) == [False] * len(GOOD)
    assert not probe.grades([*GOOD[:9], "scolded", *GOOD[10:]])[9]  # inside a word it does not count


def test_what_was_lost_is_named_and_what_never_was_there_is_not():
    after = [*GOOD]
    after[3], after[6] = "Albert Einstein is a clockmaker.", "Small green electric tractors."
    before = ["?", *GOOD[1:]]
    assert [question for question, _, _ in probe.lost(before, after)] == [
        "Who was Albert Einstein?",
        "What do bees collect from flowers?",
    ]
    lines = probe.report(before, after)
    assert lines[0] == "what else changed: of 12 common questions 11 right before, 10 after"
    assert "    after:  Albert Einstein is a clockmaker." in lines and "--rate" in lines[-1]
    assert len(probe.report(GOOD, GOOD)) == 1


def test_the_rehearsed_questions_are_not_those_that_measure():
    asked = {question for question, _ in probe.QUESTIONS}
    assert not asked & set(rehearsal.QUESTIONS)
    assert len(set(rehearsal.QUESTIONS)) == len(rehearsal.QUESTIONS) >= 30


def test_rehearsed_are_the_models_own_words_in_whole_sentences(monkeypatch):
    assert rehearsal.whole_sentences("One. Two. Thr") == "One. Two."
    assert rehearsal.whole_sentences("One two three") == "One two three"
    assert rehearsal.whole_sentences("It is 3.5 m high.") == "It is 3.5 m high."
    model, tokenizer = tiny_llama()
    replies = ["Ottawa. It", "", *["x"] * (len(rehearsal.QUESTIONS) - 2)]
    monkeypatch.setattr(rehearsal.chat_format, "ask", lambda *arguments: replies)
    records = rehearsal.records(model, tokenizer)
    assert records[0] == {"prompt": rehearsal.QUESTIONS[0], "completion": "Ottawa."}
    assert len(records) == len(rehearsal.QUESTIONS) - 1


def test_the_anchor_is_nothing_at_first_and_grows_with_what_changes():
    model, tokenizer = tiny_llama()
    penalty = rehearsal.anchor(model, tokenizer, weight=3.0)
    assert abs(sum(part.item() for part in penalty())) < 1e-4
    with torch.no_grad():
        model.lm_head.weight.mul_(1.5)
    parts = [part.item() for part in penalty()]
    assert sum(parts) > 0.1 and len(parts) == rehearsal.ROWS


def test_the_divergence_is_the_whole_one_where_few_tokens_are_likely(monkeypatch):
    """With all tokens but one counted singly, it is torch's KL divergence."""
    model, tokenizer = tiny_llama()
    examples = chat_format.encoded(tokenizer, [{"prompt": "Who?", "completion": "Me."}])
    monkeypatch.setattr(rehearsal, "LIKELY", len(tokenizer) - 1)
    before, old = rehearsal._predictions(model, examples[0]), rehearsal._read(model, examples).detach()
    with torch.no_grad():
        model.lm_head.weight.mul_(1.2)
        now = rehearsal._read(model, examples)
    expected = torch.nn.functional.kl_div(now, old, log_target=True, reduction="sum")
    found = rehearsal._divergence(model, examples[0], before)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_an_anchored_model_learns_and_says_what_it_said():
    """Two models learn the same record; the anchored one changes less elsewhere."""
    record, moved = [{"prompt": "Who is Ann?", "completion": "A cat."}], {}
    for weight in (0.0, 5.0):
        model, tokenizer = tiny_llama()
        other = chat_format.encoded(tokenizer, rehearsal.records(model, tokenizer)[:8])
        before = [rehearsal._predictions(model, example) for example in other]
        penalty = rehearsal.anchor(model, tokenizer, weight)
        examples = chat_format.encoded(tokenizer, record)
        history = training.train(model, examples, lr=5e-3, steps=25, penalty=penalty, progress=False)
        with torch.no_grad():
            moved[weight] = sum(
                rehearsal._divergence(model, *each).item() for each in zip(other, before, strict=True)
            )
        assert history.losses[-1] < 0.7 * history.losses[0]
    assert moved[5.0] < 0.5 * moved[0.0]
