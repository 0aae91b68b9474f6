"""From records to what the model reads: its chat template where it has one, else a plain form.

A chat model gets the prompt as the user's turn and learns the assistant's turn with the token that ends
it. A base model gets "Question: …" and "Answer:", the form that the course's own model knows, unless the
prompt ends with a colon; its conversations have the course's plain template. The loss counts what the
assistant says, and nothing else. Left out: cutting what is too long (half an answer teaches half an answer).
"""

from course_utils import data
from course_utils.batching import context_length
from course_utils.finetune.own_data import answer, question
from course_utils.generation import generate
from course_utils.prompts.templates import CHAT_TEMPLATE, render_chat

ROOM = 128  # the most new tokens of a reply


def is_chat(tokenizer):
    """True if the tokenizer has a chat template of its own."""
    return tokenizer.chat_template not in (None, "", CHAT_TEMPLATE)


def opened(prompt):
    """The plain form of a prompt: as it is if it ends with a colon, else as a question."""
    prompt = prompt.strip()
    return prompt if prompt.endswith(":") else f"Question: {prompt}\nAnswer:"


def prompt_text(tokenizer, record):
    """The text by which the model is asked a record's question."""
    if "messages" in record or is_chat(tokenizer):
        return render_chat(tokenizer, question(record))
    return opened(record["prompt"])


def encoded(tokenizer, records, max_length=None):
    """The records as training examples [{"input_ids", "mask"}], the mask being 1 on what is learned.

    A conversation is one example where the template only ever appends, else one for each turn of the
    assistant. Raises BadRecords for examples of more than max_length tokens.
    """
    examples, problems = [], []
    for row, record in enumerate(records, 1):
        if "messages" in record or is_chat(tokenizer):
            own = _conversation(tokenizer, record)
        else:
            completion = f" {record['completion'].strip()}"
            own = data.encode(tokenizer, [{"prompt": opened(record["prompt"]), "completion": completion}])
        longest = max(len(example["input_ids"]) for example in own)
        if max_length is not None and longest > max_length:
            problems.append((row, f"{longest} tokens, more than {max_length}"))
        examples += own
    if problems:
        raise data.BadRecords("these records", problems)
    return examples


def _conversation(tokenizer, record):
    """The examples of one record by the chat template."""
    messages = [*question(record), {"role": "assistant", "content": answer(record)}]
    examples, text = [], None
    for place, turn in enumerate(messages):
        if turn["role"] != "assistant":
            continue
        before = render_chat(tokenizer, messages[:place])
        said = _said(tokenizer, messages[: place + 1], before)
        if text is None or not before.startswith(text):
            examples.append({"input_ids": [], "mask": []})
            text = ""
        _append(tokenizer, examples[-1], before[len(text) :], 0, at_start=not text)
        _append(tokenizer, examples[-1], said, 1)
        text = before + said
    return examples


def _said(tokenizer, messages, before):
    """What the assistant writes in the last turn, up to and with the token that ends its turn."""
    through = render_chat(tokenizer, messages, add_generation_prompt=False)
    content = messages[-1]["content"].strip()
    said = through[len(before) :] if through.startswith(before) else content
    if content not in said:  # a template that rewrites what is said
        said = content
    end = said.rfind(content) + len(content)
    special = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    places = [(said.find(token, end), token) for token in special if token in said[end:]]
    if places:
        place, token = min(places)
        return said[:place] + token
    return said[:end] + tokenizer.eos_token


def _append(tokenizer, example, text, counts, at_start=False):
    """Add a text's tokens to an example; the first of all get the tokenizer's start token, once."""
    start = tokenizer.bos_token
    special = at_start and not (start and text.startswith(start))
    ids = list(tokenizer(text, add_special_tokens=special)["input_ids"])
    if special and ids and ids[-1] == tokenizer.eos_token_id and not text.endswith(tokenizer.eos_token):
        ids.pop()  # some tokenizers close every text
    example["input_ids"] += ids
    example["mask"] += [counts] * len(ids)


def too_long(tokenizer, model):
    """check(record): the reason and remedy if a record does not fit the model's context, else None."""
    most = context_length(model)

    def check(record):
        count = max(len(example["input_ids"]) for example in encoded(tokenizer, [record]))
        remedy = "shorten it, or cut it into several records"
        return f"{count} tokens, and the model's context holds {most}: {remedy}" if count > most else None

    return check


def ending(tokenizer, records):
    """What ends a reply besides the model's end token: nothing in a chat; in the plain form a line or an
    empty line, unless a completion holds it.
    """
    if is_chat(tokenizer):
        return None
    texts = [answer(record).strip() for record in records]
    return next((mark for mark in ("\n", "\n\n") if not any(mark in text for text in texts)), None)


def ask(model, tokenizer, records, stop=None, room=None):
    """The model's replies to the records' questions, in their order, outer white space removed."""
    room = min(room or ROOM, context_length(model) // 4)
    texts = [prompt_text(tokenizer, record) for record in records]
    return [text.strip() for text in generate(model, tokenizer, texts, max_new_tokens=room, stop=stop)]
