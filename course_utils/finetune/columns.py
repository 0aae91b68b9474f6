"""Which column is the prompt and which the completion: the names that data sets use for them.

    columns.recognize(["Frage-Nr", "Question", "Answer"])   {"prompt": "Question", "completion": "Answer"}

Upper and lower case, and spaces and underscores around, do not matter. Left out: guessing from what
the columns hold.
"""

CONVERSATION = ("messages", "conversations", "conversation", "dialogue", "turns")
PAIRS = (  # (prompt, completion); the first pair that the file has is taken
    ("prompt", "completion"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("instruction", "completion"),
    ("instruction", "answer"),
    ("question", "answer"),
    ("question", "response"),
    ("question", "completion"),
    ("question", "output"),
    ("prompt", "response"),
    ("prompt", "answer"),
    ("prompt", "output"),
    ("query", "response"),
    ("query", "answer"),
    ("input", "output"),
    ("input", "response"),
    ("user", "assistant"),
)
CONTEXTS = {"instruction": ("input", "context"), "question": ("context",), "prompt": ("context",)}
SYSTEM = ("system", "system_prompt")
ADVICE = 'rename two columns to "prompt" and "completion" (or "question" and "answer"), or one to "messages"'
PREFERENCES = {"chosen", "rejected"}


def recognize(names):
    """{role: name} for the column names of a file, the roles being messages, or prompt and completion,
    with context and system where there are such columns.

    Raises ValueError with a sentence if no known pair of names is there, or a name is not unique.
    """
    known = {}
    for name in names:
        known.setdefault(plain(name), []).append(name)
    mapping = _mapping(known)
    if not mapping:
        listed = ", ".join(f'"{name}"' for name in names) or "none"
        if set(known) >= PREFERENCES:
            raise ValueError(
                'the columns "chosen" and "rejected" are preferences between replies, which another method '
                f"learns from (lesson 05); to learn the chosen replies, {ADVICE}"
            )
        raise ValueError(f"no columns for the prompt and the completion (the columns are {listed}): {ADVICE}")
    for role, name in mapping.items():
        if len(known[name]) > 1:
            several = " and ".join(f'"{each}"' for each in known[name])
            raise ValueError(f"several columns could be the {role}: {several}; rename or delete one")
    return {role: known[name][0] for role, name in mapping.items()}


def question_alone(names):
    """The name of the only column that could be a prompt, in a file without completions; else None."""
    known = {plain(name): name for name in names}
    prompts = [known[name] for name in dict.fromkeys(prompt for prompt, _ in PAIRS) if name in known]
    return prompts[0] if len(prompts) == 1 and not _mapping(known) else None


def plain(name):
    """A column's name without case, outer spaces and underscores, and with _ for inner spaces."""
    return "_".join(str(name).strip(" \t\n_\ufeff").lower().split())


def _mapping(known):
    """{role: plain name}, or an empty dictionary."""
    for prompt, completion in PAIRS:
        if prompt in known and completion in known:
            mapping = {"prompt": prompt, "completion": completion}
            context = next((name for name in CONTEXTS.get(prompt, ()) if name in known), None)
            break
    else:
        name = next((name for name in CONVERSATION if name in known), None)
        mapping, context = ({"messages": name} if name else {}), None
    if context:
        mapping["context"] = context
    system = next((name for name in SYSTEM if name in known), None)
    if system and mapping:
        mapping["system"] = system
    return mapping


def described(mapping, names):
    """The mapping in a sentence, with the names of the columns that are not used."""
    parts = [f'"{name}" is the {role}' for role, name in mapping.items()]
    unused = [name for name in names if name not in mapping.values()]
    rest = f"; not used: {', '.join(unused)}" if unused else ""
    return f"Columns: {', '.join(parts)}{rest}."
