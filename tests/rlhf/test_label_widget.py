"""Labels by hand follow the sides shown, are saved at once, can be undone, and replace the stored ones."""

import json

import pytest

from course_utils.rlhf import label_widget
from course_utils.rlhf.label_widget import LEFT, RIGHT, SKIP, Labels

PAIRS = [
    {"id": f"p{i}", "prompt": f"Message: Ask {i}?\nRecord:", "chosen": f" good {i}", "rejected": f" bad {i}"}
    for i in range(12)
]
EVIL = [{"id": "x", "prompt": "Message: <b>&\nRecord:", "chosen": " <script>1</script>", "rejected": " b"}]


@pytest.fixture
def state(tmp_path):
    return Labels(PAIRS, file=tmp_path / "labels.json")


def test_with_no_choice_the_stored_labels_stand_in(state):
    assert state.pairs() == PAIRS and state.count() == 0


def test_a_choice_is_about_the_side_that_was_shown(state):
    for choice in (LEFT, RIGHT, LEFT, RIGHT):
        pair = state.current()
        sides = state.sides(pair)
        state.choose(choice)
        (labeled,) = [each for each in state.pairs() if each["id"] == pair["id"]]
        picked, other = sides if choice == LEFT else sides[::-1]
        assert (labeled["chosen"], labeled["rejected"]) == (picked, other)
    assert state.count() == 4 and len(state.pairs()) == len(PAIRS)


def test_the_better_reply_stands_on_both_sides(state):
    sides = [state.sides(pair)[0].startswith(" good") for pair in PAIRS]
    assert 2 < sum(sides) < 10
    assert [p["id"] for p in state.order] != [p["id"] for p in PAIRS]


def test_choices_are_saved_as_they_are_made_and_found_again(state):
    state.choose(LEFT)
    state.choose(SKIP)
    assert json.loads(state.file.read_text()) == state.choices
    later = Labels(PAIRS, file=state.file)
    assert later.choices == state.choices and later.current() == state.current()
    assert later.count() == 1 and len(later.choices) == 2


def test_undo_takes_back_the_last_choice_only(state):
    first = state.current()
    state.undo()
    state.choose(LEFT)
    second = state.current()
    state.choose(RIGHT)
    state.undo()
    assert state.current() == second and list(state.choices) == [first["id"]]
    assert json.loads(state.file.read_text()) == state.choices


def test_a_damaged_file_and_strange_pairs_are_left_aside(tmp_path):
    file = tmp_path / "labels.json"
    for text in ("{", "[1]", '{"p1": 3}'):
        file.write_text(text)
        assert Labels(PAIRS, file=file).choices == {}
    file.write_text('{"of another set": "left", "p3": "right"}')
    assert Labels(PAIRS, file=file).choices == {"p3": "right"}


def test_at_the_end_nothing_is_left_and_other_words_are_refused(state):
    with pytest.raises(ValueError, match="maybe"):
        state.choose("maybe")
    for _ in PAIRS:
        state.choose(LEFT)
    assert state.current() is None
    state.choose(LEFT)
    assert len(state.choices) == len(PAIRS) and "Thank you" in repr(label_widget.shown(state))


def test_texts_are_escaped(tmp_path):
    shown = label_widget.shown(Labels(EVIL, file=tmp_path / "l.json"))._repr_html_()
    assert "<script>" not in shown and "&lt;script&gt;" in shown and "&lt;b&gt;" in shown


def test_buttons_and_keys_do_the_same(state):
    box = label_widget.widget(state)
    pair, buttons, row, note = box.children
    left, right, skip, undo = buttons.children
    keys, bar = row.children
    first = state.current()
    left.click()
    assert state.choices == {first["id"]: LEFT} and bar.value == 1 and "1 labels" in note.value
    keys.value = "j"
    assert list(state.choices.values()) == [LEFT, RIGHT] and keys.value == ""
    keys.value = "x"
    keys.value = "S"
    assert list(state.choices.values()) == [LEFT, RIGHT, SKIP]
    undo.click()
    keys.value = "u"
    assert list(state.choices.values()) == [LEFT] and bar.value == 1
    shown = state.current()
    assert state.sides(shown)[0].strip() in pair.value
    right.click()
    skip.click()
    assert list(state.choices.values()) == [LEFT, RIGHT, SKIP] and bar.max == len(PAIRS)


def test_without_widgets_the_pair_is_a_table(state, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    assert "left (f)" in repr(label_widget.widget(state))
