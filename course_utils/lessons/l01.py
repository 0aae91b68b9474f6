"""Lesson 01: prompts from examples, answers out of reasoning, votes, retrieval, an honest search, chats."""

import functools
import re
from collections import Counter

from course_utils import models
from course_utils.generation import generate
from course_utils.lessons.exercise import Exercise, Prediction, cases, expect
from course_utils.lessons.numbers import n01
from course_utils.prompts import templates

__all__ = ["n01"]
real_model = functools.cache(models.load)  # loaded at the first check that asks it

p1 = Prediction(
    "01.p1",
    "SmolLM2, word lists with 0 to 8 examples: which step brings the most right answers?",
    ["0 to 1", "1 to 4", "4 to 8"],
)
p2 = Prediction(
    "01.p2",
    "The same instruction to SmolLM2: where is it obeyed more often?",
    ["in the system turn", "in the user turn"],
)
p3 = Prediction(
    "01.p3",
    "The glass box, answers begun with 'Take a deep breath.', with which no worked answer of its pretraining "
    "corpus begins: how many of 100 will be right?",
)
p4 = Prediction(
    "01.p4",
    "The glass box: a forum's header replaces an exam's. Of 100 questions, how many right answers fewer?",
)


def examples_then_query(pairs, query):
    blocks = [f"Input: {x}\nOutput: {y}" for x, y in pairs]
    return "\n\n".join([*blocks, f"Input: {query}\nOutput:"])


def _test_few_shot(answer):
    pairs = [("cat", "cats"), ("box", "boxes")]
    right = "Input: cat\nOutput: cats\n\nInput: box\nOutput: boxes\n\nInput: fox\nOutput:"
    result = answer(list(pairs), "fox")
    expect(isinstance(result, str), "return one text: join the blocks")
    expect(not result.endswith(" "), "a space at the end: the space belongs to the answer's first token")
    expect(
        result.rstrip().endswith("Output:"), "the last line must be an open 'Output:' for the model to fill"
    )
    expect(
        "cats" in result and "boxes" in result, "the examples must show their outputs: only the query is open"
    )
    expect(result.index("cat\n") < result.index("fox"), "the query comes last, after the examples")
    expect("\n\n" in result, "a blank line between the blocks shows where one example ends")
    expect(result == right, "not yet: 'Input: …', a line below 'Output: …', a blank line between blocks")
    expect(answer([], "fox") == "Input: fox\nOutput:", "without examples only the open query remains")


def _without_outputs(pairs, query):
    return "\n\n".join(f"Input: {x}\nOutput:" for x, _ in [*pairs, (query, "")])


def _query_first(pairs, query):
    blocks = [f"Input: {x}\nOutput: {y}" for x, y in pairs]
    return "\n\n".join([f"Input: {query}", *blocks, "Output:"])


q1 = Exercise(
    "01.1",
    """
    Write `examples_then_query(pairs, query)`: for each pair two lines, "Input: …" and "Output: …"; then the
    query as "Input: …" and an open "Output:". A blank line between the blocks, and no space at the end.
    """,
    examples_then_query,
    _test_few_shot,
    wrong=[
        (lambda pairs, query: examples_then_query(pairs, query) + " ", "a space at the end"),
        (lambda pairs, query: examples_then_query(pairs, query).removesuffix("\nOutput:"), "open 'Output:'"),
        (_without_outputs, "show their outputs"),
        (_query_first, "query comes last"),
        (lambda pairs, query: examples_then_query(pairs, query).replace("\n\n", "\n"), "blank line"),
        (lambda pairs, query: examples_then_query(pairs or [("a", "b")], query), "only the open query"),
        (lambda pairs, query: examples_then_query(pairs, query).replace(": ", ":"), "not yet"),
        (lambda pairs, query: examples_then_query(pairs, query).split("\n"), "one text"),
    ],
    hints=[
        "Make a list of blocks first; '\\n\\n'.join(blocks) puts blank lines between them.",
        "The query is one more block, with nothing after its 'Output:'.",
    ],
    minutes=5,
    difficulty=1,
)


def final_answer(text):
    _, marker, rest = text.rpartition("The answer is")
    if not marker:
        return None
    return rest.split("\n")[0].strip().removesuffix(".").strip()


def _first_mention(text):
    _, marker, rest = text.partition("The answer is")
    return rest.split("\n")[0].strip().removesuffix(".").strip() if marker else None


def _to_the_end(text):
    _, marker, rest = text.rpartition("The answer is")
    return rest.strip().removesuffix(".").strip() if marker else None


def _last_number(text):
    return (re.findall(r"\d+", text) or [None])[-1]


q2 = Exercise(
    "01.2",
    """
    Write `final_answer(text)`: what stands after the LAST "The answer is" of a chain of thought, up to the
    end of that line, without spaces around it and without a final full stop. None if it is not there.
    """,
    final_answer,
    cases(
        (
            ("8 / 2 = 4. The answer is 4.",),
            "4",
            "return the text after 'The answer is', without its full stop",
        ),
        (("The answer is 3.5.",), "3.5", "take off the final full stop only: there may be one inside"),
        (
            ("The answer is not clear. 2 + 3 = 5. The answer is 5.",),
            "5",
            "the first mention may be a step on the way: take the last one",
        ),
        (
            ("The answer is blue.\nQuestion: How many are 2 and 2?",),
            "blue",
            "stop at the end of the line: models like to go on with a next question",
        ),
        (("3 + 4 = 7.",), None, "without a conclusion there is no answer: return None, do not guess"),
    ),
    wrong=[
        (lambda text: text.rpartition("The answer is")[2].strip(), "without its full stop"),
        (lambda text: (final_answer(text) or "").replace(".", ""), "one inside"),
        (_first_mention, "take the last one"),
        (_to_the_end, "end of the line"),
        (lambda text: final_answer(text) or "", "return None"),
        (_last_number, "one inside"),
    ],
    hints=[
        "text.rpartition(x) cuts at the last x: (before, x, after); the middle is empty if x is not there.",
        "text.removesuffix('.') takes off one final full stop.",
    ],
    minutes=5,
    difficulty=1,
    none_is_an_answer=True,
)


def majority(answers):
    counts = Counter(answer for answer in answers if answer is not None)
    return counts.most_common(1)[0][0] if counts else None


def _latest_at_a_tie(answers):
    return majority(answers[::-1])


def _counting_none(answers):
    return Counter(answers).most_common(1)[0][0]


q3 = Exercise(
    "01.3",
    """
    Write `majority(answers)`: the most frequent answer of a list (self-consistency). At a tie, the one that
    came first. An answer of None (a chain that never concluded) does not vote; all None gives None.
    """,
    majority,
    cases(
        ((["5", "4", "4"],), "4", "the most frequent answer wins, not the first, the last or the largest"),
        ((["9", "10", "10"],), "10", "the most frequent answer wins, not the first, the last or the largest"),
        ((["7", "7", "9", "3", "3"],), "7", "7 and 3 have two votes each: at a tie, the one that came first"),
        ((["3", "7", "7", "3"],), "3", "3 and 7 have two votes each: at a tie, the one that came first"),
        (([None, None, None, "4", "4"],), "4", "None is a chain without a conclusion: it has no vote"),
        (([None, None],), None, "if no chain concluded, return None"),
    ),
    wrong=[
        (lambda answers: answers[0], "most frequent"),
        (lambda answers: max(a for a in answers if a), "most frequent"),
        (_latest_at_a_tie, "came first"),
        (_counting_none, "no vote"),
        (lambda answers: majority(answers) or "", "no chain concluded"),
        (lambda answers: majority(answers)[0], "most frequent"),
    ],
    hints=[
        "collections.Counter(list).most_common(1) gives [(value, count)]; it keeps the order of first sight.",
        "Leave the Nones out before you count; then check that something is left.",
    ],
    minutes=6,
    difficulty=1,
)


def most_alike(query, texts, n):
    def words(text):
        return set(re.findall(r"\w+", text.lower()))

    def overlap(text):
        return len(words(text) & words(query)) / len(words(text) | words(query))

    return sorted(texts, key=overlap)[-n:]


def _by_count(query, texts, n):
    """Counts shared words only, so that long texts win."""
    asked = set(re.findall(r"\w+", query.lower()))
    return sorted(texts, key=lambda text: len(set(re.findall(r"\w+", text.lower())) & asked))[-n:]


def _with_capitals(query, texts, n):
    asked = set(re.findall(r"\w+", query))

    def overlap(text):
        words = set(re.findall(r"\w+", text))
        return len(words & asked) / len(words | asked)

    return sorted(texts, key=overlap)[-n:]


def _with_stops(query, texts, n):
    asked = set(query.lower().split())

    def overlap(text):
        words = set(text.lower().split())
        return len(words & asked) / len(words | asked)

    return sorted(texts, key=overlap)[-n:]


def _test_nearest(answer):
    facts = ["anna keeps a goat.", "Otto paints walls.", "The door of Otto is green."]
    result = answer("Are walls green?", ["A sea.", "Otto paints walls.", "The wind."], 1)
    expect(isinstance(result, list), "return a list of texts, also for n = 1")
    expect(len(result) == 1, "return exactly n texts")
    expect(result == ["Otto paints walls."], "take the words out of the punctuation: 'walls?' is 'walls'")
    result = answer("What does Anna keep?", list(facts), 1)
    expect(result == ["anna keeps a goat."], "Anna and anna are one word: compare in lower case")
    long = "Otto has a green door, a cat, a dog, a boat, a house and a hat."
    result = answer("Otto: green door", [long, "The green door"], 1)
    expect(result != [long], "you count shared words: a long text has many by chance, so divide")
    result = answer("Is the door of Otto green?", list(facts), 2)
    expect(
        result != ["The door of Otto is green.", "Otto paints walls."],
        "the nearest text comes last, right above the question that needs it",
    )
    expect(result == ["Otto paints walls.", "The door of Otto is green."], "not yet: the n nearest, in order")


q4 = Exercise(
    "01.4",
    """
    Write `most_alike(query, texts, n)`: the n texts most like the query, the most like it LAST. Likeness: the
    number of different words that both have, divided by the number that at least one has. A word is what
    `re.findall(r"\\w+", text.lower())` finds; import re yourself.
    """,
    most_alike,
    _test_nearest,
    wrong=[
        (lambda query, texts, n: most_alike(query, texts, n)[-1], "a list of texts"),
        (lambda query, texts, n: most_alike(query, texts, n + 1), "exactly n"),
        (_with_stops, "punctuation"),
        (_with_capitals, "lower case"),
        (_by_count, "so divide"),
        (lambda query, texts, n: most_alike(query, texts, n)[::-1], "comes last"),
        (lambda query, texts, n: texts[:n], "punctuation"),
    ],
    hints=[
        "For sets, a & b is what both have and a | b what at least one has.",
        "sorted(texts, key=likeness) puts the most like one last; [-n:] takes the last n.",
    ],
    minutes=8,
    difficulty=2,
    solution_text="""
    def most_alike(query, texts, n):
        def words(text):
            return set(re.findall(r"\\w+", text.lower()))

        def likeness(text):
            return len(words(text) & words(query)) / len(words(text) | words(query))

        return sorted(texts, key=likeness)[-n:]
    """,
)


def choose_prompt(dev, test):
    best = max(dev, key=lambda name: sum(dev[name]) / len(dev[name]))
    return best, sum(dev[best]) / len(dev[best]), sum(test[best]) / len(test[best])


def _on_test(dev, test):
    best = max(test, key=lambda name: sum(test[name]))
    return best, sum(dev[best]) / len(dev[best]), sum(test[best]) / len(test[best])


def _best_of_both(dev, test):
    best = choose_prompt(dev, test)
    return best[0], best[1], max(sum(hits) / len(hits) for hits in test.values())


def _dev_twice(dev, test):
    best, rate, _ = choose_prompt(dev, test)
    return best, rate, rate


def _on_all(dev, test):
    best = max(dev, key=lambda name: sum(dev[name]) + sum(test[name]))
    return best, sum(dev[best]) / len(dev[best]), sum(test[best]) / len(test[best])


def _test_choose(answer):
    dev = {"plain": [1, 0, 1, 0, 0], "polite": [1, 1, 1, 1, 0], "long": [1, 0, 1, 1, 0]}
    test = {"plain": [1, 1, 1, 1], "polite": [1, 0, 1, 0], "long": [1, 1, 1, 0]}
    result = answer({k: list(v) for k, v in dev.items()}, {k: list(v) for k, v in test.items()})
    expect(isinstance(result, (tuple, list)) and len(result) == 3, "return three things: name, dev, test")
    name, on_dev, on_test = result
    expect(name == "polite", "you looked at test to choose: then test is no test any more. Choose on dev")
    expect(abs(on_dev - 0.8) < 1e-9, "the second number is the accuracy on dev, between 0 and 1")
    expect(abs(on_test - 1.0) > 1e-9, "that is the best of all on test: report the one you chose on dev")
    expect(
        abs(on_test - 0.8) > 1e-9, "you report dev twice: it overestimates the winner, which was chosen by it"
    )
    expect(abs(on_test - 0.5) < 1e-9, "the third number is the chosen prompt's accuracy on test")


q6 = Exercise(
    "01.6",
    """
    Write `choose_prompt(dev, test)`: both are {name of a prompt: list of 0/1, one per question}. Return
    (name, accuracy on dev, accuracy on test) of the prompt that an honest report names.
    """,
    choose_prompt,
    _test_choose,
    wrong=[
        (_on_test, "Choose on dev"),
        (_on_all, "Choose on dev"),
        (_best_of_both, "chose on dev"),
        (_dev_twice, "dev twice"),
        (lambda dev, test: choose_prompt(dev, test)[0], "three things"),
        (lambda dev, test: (choose_prompt(dev, test)[0], 4, 2), "between 0 and 1"),
        (lambda dev, test: (*choose_prompt(dev, test)[:2], 2), "third number"),
    ],
    hints=[
        "max(dev, key=…) gives the name with the largest value of a function of the name.",
        "The choice must not use test at all; test is looked at once, for the chosen name.",
    ],
    minutes=7,
    difficulty=2,
)


def template_cost(tokenizer, text):
    turns = [{"role": "user", "content": text}]
    whole = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return len(tokenizer(whole)["input_ids"]) - len(tokenizer(text)["input_ids"])


def _whole_length(tokenizer, text):
    return template_cost(tokenizer, text) + len(tokenizer(text)["input_ids"])


def _in_characters(tokenizer, text):
    turns = [{"role": "user", "content": text}]
    whole = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return len(whole) - len(text)


def _without_the_opening(tokenizer, text):
    turns = [{"role": "user", "content": text}]
    whole = tokenizer.apply_chat_template(turns, tokenize=False)
    return len(tokenizer(whole)["input_ids"]) - len(tokenizer(text)["input_ids"])


def _parts_of_an_encoding(tokenizer, text):
    turns = [{"role": "user", "content": text}]
    return len(tokenizer.apply_chat_template(turns, tokenize=True)) - len(tokenizer(text)["input_ids"])


def _test_template_cost(answer):
    _, tokenizer = real_model()
    for text in ("What is the capital of Italy?", "Hi"):
        result, right = answer(tokenizer, text), template_cost(tokenizer, text)
        expect(isinstance(result, int), "return a whole number of tokens")
        expect(
            result != _whole_length(tokenizer, text),
            "that is the whole prompt: take off the text's own tokens",
        )
        expect(result != _in_characters(tokenizer, text), "you count characters: a model is billed by tokens")
        expect(
            result != _without_the_opening(tokenizer, text),
            "the turn that waits for the reply costs tokens, too: add_generation_prompt=True",
        )
        expect(
            result != _parts_of_an_encoding(tokenizer, text),
            "with tokenize=True you get a dictionary, and len counts its keys: use tokenize=False",
        )
        expect(result == right, "not yet: tokens of the rendered chat, less those of the text alone")


q7 = Exercise(
    "01.7",
    """
    SmolLM2: write `template_cost(tokenizer, text)`: how many tokens the chat template adds to a single user
    turn, the default system turn and the opening of the reply included. Both counts without a model's help:
    `tokenizer(text)["input_ids"]` is the list of a text's tokens.
    """,
    template_cost,
    _test_template_cost,
    wrong=[
        (_whole_length, "whole prompt"),
        (_in_characters, "characters"),
        (_without_the_opening, "waits for the reply"),
        (_parts_of_an_encoding, "counts its keys"),
        (lambda tokenizer, text: 0, "not yet"),
        (lambda tokenizer, text: str(template_cost(tokenizer, text)), "whole number"),
    ],
    hints=[
        "tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True) renders text.",
        "turns is a list with one dictionary: its keys are role and content.",
    ],
    minutes=6,
    difficulty=2,
)

LANGUAGES = {
    "France": "French", "Japan": "Japanese", "Poland": "Polish", "Greece": "Greek", "Turkey": "Turkish",
    "Russia": "Russian", "Portugal": "Portuguese", "Hungary": "Hungarian",
}  # fmt: skip
ENOUGH = 6  # of the eight


def language_prompt(country):
    shots = [("Italy", "Italian"), ("Germany", "German"), ("Sweden", "Swedish"), ("China", "Chinese")]
    return "\n".join([*(f"{x} -> {y}" for x, y in shots), f"{country} ->"])


def _asked_for_words(country):
    return f"Which language is spoken in {country}? Answer with one word."


def _with_the_answers(country):
    return "\n".join([*(f"{x} -> {y}" for x, y in LANGUAGES.items()), f"{country} ->"])


def _test_language_prompt(answer):
    prompts = {country: answer(country) for country in LANGUAGES}
    expect(all(isinstance(p, str) for p in prompts.values()), "return one text: the prompt")
    for country, prompt in prompts.items():
        expect(country in prompt, f"the prompt for {country} does not mention {country}")
        expect(
            LANGUAGES[country] not in prompt, f"your prompt gives {LANGUAGES[country]} away: show other pairs"
        )
        expect(prompt == prompt.rstrip(" "), "no space at the end: it belongs to the answer's first token")
    replies = generate(*real_model(), list(prompts.values()), max_new_tokens=6, stop="\n")
    right = sum(said.strip().rstrip(".") == wanted for said, wanted in zip(replies, LANGUAGES.values()))
    first = f"for {next(iter(LANGUAGES))} it says {replies[0].strip()[:40]!r}"
    missed = f"{right} of {len(prompts)} right ({first}): the line must be the bare language."
    expect(right >= ENOUGH, f"{missed} Show some solved pairs in the form that you want")


q8 = Exercise(
    "01.8",
    f"""
    SmolLM2: write `language_prompt(country)`, a prompt that the model continues with the country's language
    and the end of the line ("Italy" gives "Italian"). The check asks about eight countries and wants
    {ENOUGH} right. The prompt must not show their languages.
    """,
    language_prompt,
    _test_language_prompt,
    wrong=[
        (_asked_for_words, "Show some solved pairs"),
        (_with_the_answers, "away"),
        (lambda country: templates.arrow([], country), "Show some solved pairs"),
        (lambda country: language_prompt("Italy"), "does not mention"),
        (lambda country: language_prompt(country) + " ", "space at the end"),
        (lambda country: [language_prompt(country)], "one text"),
    ],
    hints=[
        "Four pairs of other countries and their languages, one a line, then the open line.",
        "The form 'Italy -> Italian' has worked for the word lists of section 1.",
    ],
    minutes=8,
    difficulty=2,
)
