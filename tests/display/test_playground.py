"""The playground: the prompt and its cost by part, and widgets that escape what the model says."""

import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pytest

from course_utils.display import playground
from course_utils.display.playground import Playground
from course_utils.prompts import templates
from tests.helpers.tiny import tiny_llama

EVIL = "<script>alert(1)</script>"
SHOTS = [("red", "rot"), ("blue", "blau"), ("green", "grün")]


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def tiny():
    return tiny_llama()


@pytest.fixture
def state(tiny):
    return Playground(*tiny, query="white", shots=SHOTS, k=2)


def test_forms_are_those_of_the_course(state):
    assert state.prompt() == templates.arrow(SHOTS[:2], "white")
    state.form = "questions"
    state.k = 0
    assert state.prompt() == templates.question("white")
    state.form, state.system, state.k, state.context = "chat", "Be polite.", 1, "Snow is white."
    turns = [
        ("system", "Be polite."),
        ("user", "red"),
        ("assistant", "rot"),
        ("user", "Snow is white.\n\nwhite"),
    ]
    messages = [{"role": role, "content": text} for role, text in turns]
    assert state.prompt() == templates.render_chat(state.tokenizer, messages)
    state.system = state.context = ""
    assert state.prompt() == templates.render_chat(
        state.tokenizer, messages[1:3] + [{"role": "user", "content": "white"}]
    )


def test_context_stands_above_the_query(state):
    state.form, state.context = "questions", "Snow is white."
    assert state.prompt().endswith("Passage: Snow is white.\nQuestion: white\nAnswer:")


def test_order(state):
    state.k = 3
    assert state.chosen() == SHOTS
    state.order = "reversed"
    assert state.chosen() == SHOTS[::-1]
    state.order = "shuffled"
    assert sorted(state.chosen()) == sorted(SHOTS) and state.chosen() == state.chosen()
    state.order = "upside down"
    with pytest.raises(ValueError, match="upside down"):
        state.chosen()


@pytest.mark.parametrize("form", playground.FORMS)
def test_parts_add_up_to_the_prompt(state, form):
    state.form, state.system, state.context = form, "Be polite.", "Snow is white."
    cost = state.cost()
    assert list(cost) == list(playground.PARTS) and min(cost.values()) > 0
    assert sum(cost.values()) == templates.token_count(state.tokenizer, state.prompt())
    state.k, state.system, state.context = 0, " ", ""
    assert [state.cost()[name] for name in ("context", "shots")] == [0, 0]
    assert (state.cost()["system line"] == 0) == (form != "chat"), "a chat template opens the user's turn"


def test_an_edit_at_the_end_costs_its_tokens_only(state):
    state.k = 3
    first = state.next_tokens()
    whole = state.kept.computed
    assert whole == sum(state.cost().values()) and len(state.next_tokens(5)) == 5
    assert state.kept.computed == 1, "nothing changed: only the last token goes through again"
    state.query = "black"
    state.next_tokens()
    assert state.kept.computed < whole / 2
    state.query = "white"
    assert state.next_tokens()[0][1] == pytest.approx(first[0][1], abs=1e-5)


def test_shots_survive_the_text_box():
    assert playground.read(playground.written(SHOTS)) == SHOTS
    assert playground.read("no answer\n = x\ny = \n2 + 2 = 4") == [("2 + 2", "4")]


def test_html_is_escaped(tiny):
    page = playground.prompt_html(Playground(*tiny, EVIL, shots=[(EVIL, EVIL)], k=1, system=EVIL), EVIL)
    assert "<script>" not in page and page.count("&lt;script&gt;") >= 5
    assert "system line, " in page and "shots, " in page, "the parts are named, not only coloured"


def test_widgets(tiny):
    state = Playground(*tiny, query="white", shots=SHOTS)
    query, shots, system, context, choices, ask, shown = playground.prompt_playground(state).children
    before = shown.value
    assert "Reply" not in before and "may begin with" in before
    choices.children[0].value = 3
    assert "grün" in shown.value and state.k == 3
    system.value, context.value, query.value = "Colours", "Of the world", "<b>pink</b>"
    assert "&lt;b&gt;pink" in shown.value and "<b>pink" not in shown.value
    choices.children[1].value = "reversed"
    assert shown.value.index("grün") < shown.value.index("rot")
    shots.value = "one = eins"
    assert state.shots == [("one", "eins")]
    shots.value = "\n".join(f"{i} = x" for i in range(7))
    assert choices.children[0].max == 7, "all shots of the box can be shown"
    ask.click()
    assert "Reply" in shown.value
    query.value = "white dog"
    assert "of them computed anew" in shown.value
    query.value = "x" * 300
    ask.click()
    assert "context holds" in shown.value


def test_picture(tiny, state, tmp_path):
    ax = playground.cost_picture(
        {"two $": state, "none": Playground(*tiny, "white")}, {"two $": "a", "none": ""}
    )
    assert [t.get_text().strip() for t in ax.texts][-2:] == ["a", "(empty)"]
    counts = [t.get_text() for t in ax.texts[:-2]]
    assert len(counts) == 8 and sum(map(int, filter(None, counts))) == sum(
        bar.get_width() for bar in ax.patches
    )
    assert sum(bar.get_width() for bar in ax.patches[1::2]) == sum(Playground(*tiny, "white").cost().values())
    ax.figure.savefig(tmp_path / "picture.png")


def test_without_ipywidgets_it_is_a_picture(state, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert len(playground.prompt_playground(state).patches) == 4
