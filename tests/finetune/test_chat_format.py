"""What the model reads and what counts in the loss, with a chat template and without."""

import pytest

from course_utils.data import BadRecords
from course_utils.finetune import chat_format
from course_utils.generation import generate
from tests.helpers.tiny import byte_tokenizer, tiny_llama

CHATML = (
    "{% for m in messages %}"
    "{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{'<|im_start|>assistant\n'}}{% endif %}"
)
LAST_ONLY = (  # as Qwen3's: only the last reply has an empty thought
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n'}}"
    "{% if m['role'] == 'assistant' and loop.last %}{{'<think>\n\n</think>\n\n'}}{% endif %}"
    "{{m['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{'<|im_start|>assistant\n'}}{% endif %}"
)
RECORD = {"prompt": "Who?", "completion": "Me."}
LONG = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Bye"},
        {"role": "assistant", "content": "See you."},
    ]
}


def chat_tokenizer(template=CHATML):
    return byte_tokenizer(eos="<|im_end|>", pad=None, bos="<|im_start|>", template=template)


def parts(tokenizer, example):
    """(the whole text, the texts that count in the loss) of an example."""
    counted, run = [], []
    for token, counts in zip([*example["input_ids"], None], [*example["mask"], 0]):
        if counts:
            run.append(token)
        elif run:
            counted.append(tokenizer.decode(run))
            run = []
    return tokenizer.decode(example["input_ids"]), counted


def test_without_a_template_the_plain_form():
    tokenizer = tiny_llama()[1]
    assert not chat_format.is_chat(tokenizer)
    assert chat_format.opened(" Who? ") == "Question: Who?\nAnswer:"
    assert chat_format.opened("Message: hi\nRecord:") == "Message: hi\nRecord:"
    (example,) = chat_format.encoded(tokenizer, [RECORD])
    assert parts(tokenizer, example) == ("Question: Who?\nAnswer: Me.<|end|>", [" Me.<|end|>"])


def test_with_a_template_the_assistants_turn_and_its_end_count():
    tokenizer = chat_tokenizer()
    (example,) = chat_format.encoded(tokenizer, [RECORD])
    text = "<|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\nMe.<|im_end|>"
    assert parts(tokenizer, example) == (text, ["Me.<|im_end|>"])
    assert example["input_ids"].count(tokenizer.bos_token_id) == 2  # no start token beside the template's


def test_the_prompt_is_trained_on_as_it_is_asked():
    tokenizer = chat_tokenizer()
    for record in (RECORD, LONG):
        example = chat_format.encoded(tokenizer, [record])[-1]
        asked = tokenizer(chat_format.prompt_text(tokenizer, record), add_special_tokens=False)["input_ids"]
        assert example["input_ids"][: len(asked)] == asked


def test_all_turns_of_the_assistant_count_in_one_example():
    tokenizer = chat_tokenizer()
    (example,) = chat_format.encoded(tokenizer, [LONG])
    text, counted = parts(tokenizer, example)
    assert text.startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi")
    assert counted == ["Hello.<|im_end|>", "See you.<|im_end|>"] and text.endswith("See you.<|im_end|>")


def test_a_template_that_rewrites_earlier_turns_gets_an_example_for_each_reply():
    tokenizer = chat_tokenizer(LAST_ONLY)
    examples = chat_format.encoded(tokenizer, [LONG])
    thought = "<think>\n\n</think>\n\n"
    assert [parts(tokenizer, e)[1] for e in examples] == [
        [f"{thought}Hello.<|im_end|>"],
        [f"{thought}See you.<|im_end|>"],
    ]
    assert thought not in parts(tokenizer, examples[1])[0].split("Bye")[0]


def test_a_template_without_an_end_token_gets_the_tokenizers():
    bare = "{% for m in messages %}{{m['role'] + ': ' + m['content'] + '\n'}}{% endfor %}"
    tokenizer = chat_tokenizer(bare + "{% if add_generation_prompt %}{{'assistant: '}}{% endif %}")
    (example,) = chat_format.encoded(tokenizer, [RECORD])
    assert parts(tokenizer, example)[1] == ["Me.<|im_end|>"]


def test_a_conversation_without_a_template_has_the_courses_own():
    tokenizer = tiny_llama()[1]
    (example,) = chat_format.encoded(tokenizer, [LONG])
    text, counted = parts(tokenizer, example)
    assert text == "System: Be brief.\nUser: Hi\nAgent: Hello.<|end|>\nUser: Bye\nAgent: See you.<|end|>"
    assert counted == [" Hello.<|end|>", " See you.<|end|>"]


def test_what_is_too_long_is_refused_and_never_cut():
    model, tokenizer = tiny_llama(context=64)
    fits = {"prompt": "a" * 20, "completion": "b" * 24}  # 64 tokens with the form around it
    assert len(chat_format.encoded(tokenizer, [fits], 64)[0]["input_ids"]) == 64
    with pytest.raises(BadRecords, match="row 2: 65 tokens, more than 64"):
        chat_format.encoded(tokenizer, [fits, fits | {"prompt": "a" * 21}], 64)
    check = chat_format.too_long(tokenizer, model)
    assert check(fits) is None and "shorten it" in check(fits | {"prompt": "a" * 21})
    assert "shorten it" in check({"prompt": "a" * 500, "completion": "b"})  # all its labels would be cut off


def test_a_reply_ends_with_what_no_completion_holds():
    tokenizer, told = tiny_llama()[1], {"a": "\n", "a\nb": "\n\n", "a\n\nb\nc": None}
    found = {
        text: chat_format.ending(tokenizer, [{"prompt": "x", "completion": f" {text}\n"}]) for text in told
    }
    assert found == told
    assert chat_format.ending(chat_tokenizer(), [RECORD]) is None


def test_asking_renders_the_template():
    model, tokenizer = tiny_llama()
    said = chat_format.ask(model, tokenizer, [RECORD, LONG], room=5)
    texts = [
        "Question: Who?\nAnswer:",
        "System: Be brief.\nUser: Hi\nAgent: Hello.<|end|>\nUser: Bye\nAgent:",
    ]
    assert said == [text.strip() for text in generate(model, tokenizer, texts, max_new_tokens=5)]
