"""Prompt templates: plain functions from data to text, and the course's chat template.

No template ends with a space: " Paris" is one token for the models here, and a trailing space
would leave it only "Paris". Left out on purpose: template classes and placeholders in strings.
"""

STEP_BY_STEP = "Let's think step by step."

# The end token lies inside the generation block, so that a mask made from it teaches stopping.
CHAT_TEMPLATE = """\
{%- for message in messages -%}
    {%- if not loop.first -%}{{- '\\n' -}}{%- endif -%}
    {%- if message['role'] == 'system' -%}
        {{- 'System: ' + message['content'] | trim -}}
    {%- elif message['role'] == 'user' -%}
        {{- 'User: ' + message['content'] | trim -}}
    {%- elif message['role'] == 'assistant' -%}
        {{- 'Agent:' -}}
        {%- generation -%}{{- ' ' + message['content'] | trim + eos_token -}}{%- endgeneration -%}
    {%- else -%}
        {{- raise_exception('A role is system, user or assistant, not ' + message['role'] + '.') -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '\\nAgent:' -}}{%- endif -%}
"""


def few_shot(examples, query, input_label="Input", output_label="Output", instruction=None):
    """Labelled examples, then the query with its output left open.

    examples: list of (input, output) pairs, possibly empty. Ends with "Output:".
    Source: Brown et al. 2020, section 2.
    """
    blocks = [str(instruction).strip()] if instruction else []
    blocks += [f"{input_label}: {_text(x)}\n{output_label}: {_text(y)}" for x, y in examples]
    blocks.append(f"{input_label}: {_text(query)}\n{output_label}:")
    return "\n\n".join(blocks)


def arrow(examples, query):
    """Pairs as "input -> output", one a line, then "query ->"."""
    return "\n".join([f"{_text(x)} -> {_text(y)}" for x, y in examples] + [f"{_text(query)} ->"])


def question(text, trigger=None, examples=()):
    """ "Question: …" and "Answer:", after worked examples if there are any.

    examples: (question, answer) pairs, where an answer may hold its reasoning. trigger: the
    words that begin the answer, such as STEP_BY_STEP.
    Source: Wei et al. 2022 (worked examples), Kojima et al. 2022 (the trigger).
    """
    answer = f"Answer: {trigger.strip()}" if trigger else "Answer:"
    blocks = [f"Question: {_text(q)}\nAnswer: {_text(a)}" for q, a in examples]
    return "\n\n".join([*blocks, f"Question: {_text(text)}\n{answer}"])


def dialogue(user, system=None, turns=()):
    """A conversation that waits for the agent: "System: …", earlier turns, "User: …", "Agent:".

    turns: earlier (user, agent) pairs.
    """
    lines = [f"System: {_text(system)}"] if system else []
    for earlier, reply in turns:
        lines += [f"User: {_text(earlier)}", f"Agent: {_text(reply)}"]
    return "\n".join([*lines, f"User: {_text(user)}", "Agent:"])


def render_chat(tokenizer, messages, add_generation_prompt=True):
    """Chat messages as text, by the tokenizer's own template or else by the course's.

    messages: list of {"role": "system" | "user" | "assistant", "content": str}. Returns text,
    not ids: `apply_chat_template(tokenize=True)` returns a BatchEncoding, easily mistaken for a
    list. The text may already begin with the model's start token; `generation` adds no second.
    """
    template = None if tokenizer.chat_template else CHAT_TEMPLATE
    return tokenizer.apply_chat_template(
        messages, chat_template=template, add_generation_prompt=add_generation_prompt, tokenize=False
    )


def token_count(tokenizer, text):
    """How many tokens the text has, without start or end tokens."""
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


def _text(value):
    return str(value).strip()
