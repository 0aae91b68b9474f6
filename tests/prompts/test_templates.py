import pytest

from course_utils.prompts import templates
from tests.helpers.tiny import END, byte_tokenizer

PAIRS = [("cat", "animal"), ("oak ", "plant")]


def test_few_shot():
    text = templates.few_shot(PAIRS, "elm", instruction="Sort the words.")
    assert text == (
        "Sort the words.\n\nInput: cat\nOutput: animal\n\nInput: oak\nOutput: plant\n\nInput: elm\nOutput:"
    )
    assert templates.few_shot([], "elm", "Word", "Kind") == "Word: elm\nKind:"


def test_arrow():
    assert templates.arrow([("a", "b")], "c") == "a -> b\nc ->"
    assert templates.arrow([], "c") == "c ->"


def test_question():
    assert templates.question("2 + 2?") == "Question: 2 + 2?\nAnswer:"
    assert templates.question("2 + 2?", templates.STEP_BY_STEP).endswith(
        "\nAnswer: Let's think step by step."
    )
    assert (
        templates.question("3?", examples=[("1?", 1)]) == "Question: 1?\nAnswer: 1\n\nQuestion: 3?\nAnswer:"
    )


def test_dialogue():
    assert templates.dialogue("Hi", "Be brief.") == "System: Be brief.\nUser: Hi\nAgent:"
    assert templates.dialogue("Bye", turns=[("Hi", "Hello.")]) == "User: Hi\nAgent: Hello.\nUser: Bye\nAgent:"


def test_no_prompt_ends_with_a_space():
    texts = [
        templates.few_shot(PAIRS, "x ", instruction="Do. "),
        templates.few_shot([], ""),
        templates.arrow(PAIRS, " "),
        templates.question("Why? ", "Think. "),
        templates.dialogue(" "),
    ]
    assert all(text == text.rstrip() for text in texts)


MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi "},
    {"role": "assistant", "content": "Hello."},
]


@pytest.mark.parametrize("template", [templates.CHAT_TEMPLATE, None])
def test_render_chat(template):
    tokenizer = byte_tokenizer(template=template)
    asked = templates.render_chat(tokenizer, MESSAGES[:2])
    answered = templates.render_chat(tokenizer, MESSAGES, add_generation_prompt=False)
    assert asked == templates.dialogue("Hi", "Be brief.") == "System: Be brief.\nUser: Hi\nAgent:"
    assert answered == asked + " Hello." + END  # so the completion starts with a space


def test_a_second_turn_starts_on_a_new_line():
    text = templates.render_chat(byte_tokenizer(), [*MESSAGES, {"role": "user", "content": "Bye"}])
    assert text.endswith(f"Agent: Hello.{END}\nUser: Bye\nAgent:")


def test_the_assistant_mask_holds_the_end_token_and_nothing_of_the_prompt():
    tokenizer = byte_tokenizer()
    out = tokenizer.apply_chat_template(MESSAGES, return_dict=True, return_assistant_tokens_mask=True)
    inside = [i for i, m in zip(out["input_ids"], out["assistant_masks"]) if m]
    assert tokenizer.decode(inside) == " Hello." + END
    assert inside[-1] == tokenizer.eos_token_id


def test_an_unknown_role_is_refused():
    with pytest.raises(Exception, match="not tool"):
        templates.render_chat(byte_tokenizer(), [{"role": "tool", "content": "x"}])


def test_token_count():
    tokenizer = byte_tokenizer(bos="<bos>")
    assert templates.token_count(tokenizer, "abc") == 3
    assert len(tokenizer("abc")["input_ids"]) == 4
