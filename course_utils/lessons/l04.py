"""Lesson 04: what counts in the loss, clean records, replay, when to stop, and what was lost."""

import random
import re

from course_utils.lessons.exercise import Exercise, Prediction, cases, expect

p1 = Prediction(
    "04.p1",
    "SmolLM2 sees ten new facts three times each. How many of ten questions in other words are right?",
)
p2 = Prediction(
    "04.p2",
    "Which depth forgets most of what the base model could do, each at one learning rate?",
    ["head", "last block", "last two blocks", "lora_all", "full"],
)


def with_mask(prompt, completion, end):
    input_ids = prompt + completion + [end]
    mask = [0] * len(prompt) + [1] * (len(completion) + 1)
    return input_ids, mask


def _no_end(prompt, completion, end):
    return prompt + completion, [0] * len(prompt) + [1] * len(completion)


def _silent_end(prompt, completion, end):
    return prompt + completion + [end], [0] * len(prompt) + [1] * len(completion) + [0]


def _everything(prompt, completion, end):
    ids = prompt + completion + [end]
    return ids, [1] * len(ids)


def _upside_down(prompt, completion, end):
    ids, mask = with_mask(prompt, completion, end)
    return ids, [1 - m for m in mask]


def _two_ends(prompt, completion, end):
    ids, mask = with_mask(prompt + [end], completion, end)
    return ids, mask


def _extends(prompt, completion, end):
    prompt += completion + [end]
    return prompt, [0] * (len(prompt) - len(completion) - 1) + [1] * (len(completion) + 1)


def _test_with_mask(answer):
    prompt, completion = [5, 6, 7], [8, 9]
    result = answer(list(prompt), list(completion), 0)
    expect(isinstance(result, (tuple, list)) and len(result) == 2, "return two lists: input_ids, mask")
    ids, mask = map(list, result)
    expect(ids != [5, 6, 7, 8, 9], "the end token is missing: the model would never learn to stop")
    expect(ids.count(0) < 2, "one end token, behind the completion; none between prompt and completion")
    expect(ids == [5, 6, 7, 8, 9, 0], "input_ids: the prompt, the completion, the end token")
    expect(len(mask) == len(ids), "the mask needs one number for each token")
    expect(mask != [1] * 6, "your mask still counts the prompt")
    expect(mask != [1, 1, 1, 0, 0, 0], "upside down: 1 counts in the loss, 0 does not")
    expect(mask != [0, 0, 0, 1, 1, 0], "the end token must count, or stopping is never learned")
    expect(mask == [0, 0, 0, 1, 1, 1], "not yet: 0 on the prompt, 1 on the completion and the end token")
    expect(tuple(answer([], [8], 0)) == ([8, 0], [1, 1]), "without a prompt everything counts")
    mine = list(prompt)
    answer(mine, list(completion), 0)
    expect(mine == prompt, "you changed the caller's list: make a new one")


q1 = Exercise(
    "04.1",
    """
    Write `with_mask(prompt, completion, end)`: two lists of token numbers, and the number of the end token.
    Return (input_ids, mask): prompt, completion and end in one list, and for each token 1 if it counts in
    the loss, else 0.
    """,
    with_mask,
    _test_with_mask,
    wrong=[
        (_no_end, "end token is missing"),
        (_silent_end, "end token must count"),
        (_everything, "still counts the prompt"),
        (_upside_down, "upside down"),
        (_two_ends, "one end token"),
        (_extends, "caller's list"),
        (lambda p, c, e: with_mask(p, c, e)[0], "two lists"),
        (lambda p, c, e: (with_mask(p, c, e)[0], [1] * (len(c) + 1)), "one number for each token"),
        (lambda p, c, e: (c + p + [e], with_mask(p, c, e)[1]), "input_ids: the prompt"),
    ],
    hints=[
        "Lists are joined with +, and [0] * 3 is [0, 0, 0].",
        "The end token is a part of what the model shall say: it counts.",
    ],
    minutes=5,
    difficulty=1,
)


def predictions_of(input_ids, mask):
    return [(t - 1, input_ids[t]) for t in range(1, len(input_ids)) if mask[t]]


def _same_place(input_ids, mask):
    return [(t, input_ids[t]) for t in range(len(input_ids)) if mask[t]]


def _mask_of_the_input(input_ids, mask):
    return [(t, input_ids[t + 1]) for t in range(len(input_ids) - 1) if mask[t]]


def _all_targets(input_ids, mask):
    return [(t - 1, input_ids[t]) for t in range(1, len(input_ids))]


def _around_the_corner(input_ids, mask):
    return [(t - 1, input_ids[t]) for t in range(len(input_ids)) if mask[t]]


def _backwards(input_ids, mask):
    return [(input_ids[t], t - 1) for t in range(1, len(input_ids)) if mask[t]]


q2 = Exercise(
    "04.2",
    """
    Write `predictions_of(input_ids, mask)`: the logits at a place predict the NEXT token. For each token
    that counts, list (the place whose logits predict it, the token): the pairs whose cross-entropy is the
    loss. Places count from 0. The first token of all has no prediction.
    """,
    predictions_of,
    cases(
        (
            ([5, 6, 8, 9], [0, 0, 1, 1]),
            [(1, 8), (2, 9)],
            "tokens 8 and 9 count; 8 is predicted at place 1, where the prompt ends, and 9 at place 2",
        ),
        (([5, 6, 8], [0, 0, 0]), [], "if nothing counts, the list is empty"),
        (([8, 9], [1, 1]), [(0, 9)], "the first token of all was predicted nowhere: leave it out"),
        (([5, 7, 7, 6], [0, 1, 0, 1]), [(0, 7), (2, 6)], "each token by its own mask, also with gaps"),
    ),
    wrong=[
        (_same_place, "predicted at place 1"),
        (_mask_of_the_input, "predicted at place 1"),
        (_all_targets, "predicted at place 1"),
        (_around_the_corner, "leave it out"),
        (_backwards, "predicted at place 1"),
        (lambda ids, mask: predictions_of(ids, mask) or [(0, ids[1])], "the list is empty"),
        (lambda ids, mask: predictions_of(ids, sorted(mask)), "with gaps"),
    ],
    hints=[
        "Go through the places t of the tokens from 1 on; the logits at t - 1 predict the token at t.",
        "It is the mask of the token that is predicted which decides, not of the place that predicts it.",
    ],
    minutes=7,
    difficulty=2,
)


def mean_of_all(parts):
    return sum(loss * count for loss, count in parts) / sum(count for _, count in parts)


q3 = Exercise(
    "04.3",
    """
    Write `mean_of_all(parts)`. A batch too large for the memory goes through the model in parts. Each part
    gives (its mean loss per token that counts, how many tokens count in it). Return the mean loss per
    token of the whole batch. (Libraries got this wrong for years.)
    """,
    mean_of_all,
    cases(
        (([(2.0, 10)],), 2.0, "one part alone is the whole batch"),
        (([(2.0, 10), (4.0, 10)],), 3.0, "two parts of ten tokens each: 2 and 4 must make 3"),
        (
            ([(2.0, 30), (4.0, 10)],),
            2.5,
            "30 tokens with loss 2 and 10 with loss 4: a mean of means lets the short part weigh too much",
        ),
        (([(2.0, 30), (7.0, 0)],), 2.0, "a part in which nothing counts must not count"),
    ),
    wrong=[
        (lambda parts: sum(loss for loss, _ in parts) / len(parts), "mean of means"),
        (lambda parts: sum(loss * count for loss, count in parts), "whole batch"),
        (lambda parts: sum(loss for loss, _ in parts), "must make 3"),
        (lambda parts: max(parts, key=lambda part: part[1])[0], "must make 3"),
        (
            lambda parts: sum(loss * max(1, n) for loss, n in parts) / sum(max(1, n) for _, n in parts),
            "must not count",
        ),
        (lambda parts: sum(loss / count for loss, count in parts), "whole batch"),
    ],
    hints=[
        "The sum of the losses of a part is its mean times its number of tokens.",
        "All sums together, divided by all tokens together.",
    ],
    minutes=5,
    difficulty=1,
)


def clean(records):
    replies = {}
    for record in records:
        replies.setdefault(record["prompt"].strip(), set()).add(record["completion"].strip())
    kept = []
    for record in records:
        if len(replies.pop(record["prompt"].strip(), ())) == 1:
            kept.append(record)
    return kept


def _first_wins(records):
    first = {}
    for record in records:
        first.setdefault(record["prompt"].strip(), record)
    return list(first.values())


def _only_exact(records):
    return [record for i, record in enumerate(records) if record not in records[:i]]


def _no_repeats_at_all(records):
    asked = [record["prompt"].strip() for record in records]
    return [record for record in records if asked.count(record["prompt"].strip()) == 1]


def _spaces_count(records):
    replies = {}
    for record in records:
        replies.setdefault(record["prompt"], set()).add(record["completion"])
    kept = {}
    for record in records:
        if len(replies[record["prompt"]]) == 1:
            kept.setdefault(record["prompt"], record)
    return list(kept.values())


def _by_completion(records):
    return list({record["completion"].strip(): record for record in clean(records)[::-1]}.values())[::-1]


def _sorted(records):
    return sorted(clean(records), key=lambda record: record["prompt"])


def _test_clean(answer):
    def record(prompt, completion):
        return {"prompt": prompt, "completion": completion}

    plain = [record("zoo?", " Red."), record("ant?", " Blue."), record("bee?", " Red.")]
    result = answer([dict(r) for r in plain])
    expect(isinstance(result, list), "return a list of records")
    expect(len(result) == 3, "two questions may have the same answer: nothing is wrong with these three")
    expect(result == plain, "keep the order of the records that stay")
    result = answer([plain[0], plain[1], dict(plain[0])])
    expect(len(result) == 2, "the same record twice: keep it once")
    expect(result == plain[:2], "of repeated records keep the first")
    result = answer([plain[0], record("zoo?", " Green."), plain[1]])
    expect(
        plain[0] not in result and record("zoo?", " Green.") not in result,
        "one prompt with two different replies: nobody knows which is right, so both must go",
    )
    expect(result == [plain[1]], "a contradiction must not take the others with it")
    result = answer([plain[0], record(" zoo? ", " Red. "), plain[1]])
    expect(result == plain[:2], "spaces around a text make no other record: compare stripped texts")
    result = answer([plain[0], record("zoo? ", "Green."), plain[0]])
    expect(result == [], "three records of one prompt, two of them alike: still a contradiction")


q4 = Exercise(
    "04.4",
    """
    Write `clean(records)`: of records with the same prompt AND the same completion, keep the first; where
    one prompt has different completions, drop them all. Spaces around a text do not matter. What stays,
    stays in its order.
    """,
    clean,
    _test_clean,
    wrong=[
        (_first_wins, "both must go"),
        (_only_exact, "both must go"),
        (_no_repeats_at_all, "keep it once"),
        (_spaces_count, "compare stripped texts"),
        (_by_completion, "same answer"),
        (_sorted, "keep the order"),
        (lambda records: clean(records)[:1], "same answer"),
        (lambda records: {r["prompt"]: r for r in clean(records)}, "a list of records"),
    ],
    hints=[
        "First pass: {prompt: set of its completions}. Second pass: keep a record if its set has one member.",
        "Remember which prompts you have kept already, so that a repetition is not kept again.",
    ],
    minutes=10,
    difficulty=2,
)


def with_replay(new, old, share, seed):
    rng = random.Random(seed)
    count = min(len(old), round(share / (1 - share) * len(new)))
    mixed = new + rng.sample(old, count)
    rng.shuffle(mixed)
    return mixed


def _share_of_new(new, old, share, seed):
    return _mixed(new, old, round(share * len(new)), seed)


def _mixed(new, old, count, seed):
    rng = random.Random(seed)
    mixed = new + rng.sample(old, min(count, len(old)))
    rng.shuffle(mixed)
    return mixed


def _behind(new, old, share, seed):
    return new + random.Random(seed).sample(old, min(len(old), round(share / (1 - share) * len(new))))


def _always_the_first(new, old, share, seed):
    count = min(len(old), round(share / (1 - share) * len(new)))
    return random.Random(seed).sample(new + old[:count], len(new) + count)


def _replaces(new, old, share, seed):
    rng = random.Random(seed)
    count = round(share * len(new))
    return rng.sample(rng.sample(new, len(new) - count) + rng.sample(old, count), len(new))


def _by_luck(new, old, share, seed):
    return with_replay(new, old, share, random.random())


def _test_with_replay(answer):
    new, old = [f"new {i}" for i in range(30)], [f"old {i}" for i in range(100)]
    result = answer(list(new), list(old), 0.25, 0)
    expect(isinstance(result, list), "return one list")
    expect(set(new) <= set(result), "replay is added: all new records stay")
    count = sum(text.startswith("old") for text in result)
    expect(count != 8 and count != 7, "share is of the whole mixture: 30 new and 10 old make a quarter old")
    expect(count == 10, "30 new records and share 0.25 need 10 old ones")
    expect(len(set(result)) == 40, "no record twice")
    expect(
        any(text.startswith("old") for text in result[:30]),
        "the old ones stand behind the new ones: shuffle, or the end of training sees nothing else",
    )
    expect(answer(list(new), list(old), 0.25, 0) == result, "the same seed must give the same mixture")
    chosen = {frozenset(t for t in answer(list(new), list(old), 0.25, s) if t in old) for s in range(4)}
    expect(len(chosen) > 1, "other seeds must choose other old records, not always the first ones")
    expect(len(answer(list(new), old[:5], 0.25, 0)) == 35, "if there are too few old records, take them all")
    expect(sorted(answer(list(new), list(old), 0.0, 0)) == sorted(new), "share 0: nothing old")
    mine, theirs = list(new), list(old)
    answer(mine, theirs, 0.25, 0)
    expect(mine == new and theirs == old, "you changed the caller's lists: make a new one")


q5 = Exercise(
    "04.5",
    """
    Write `with_replay(new, old, share, seed)`: all new records, and as many old ones that `share` of the
    mixture is old (0 <= share < 1, rounded; if there are too few, all of them). Choose the old ones by
    `random.Random(seed)` and shuffle; import random yourself. Leave both lists as they are.
    """,
    with_replay,
    _test_with_replay,
    wrong=[
        (_share_of_new, "of the whole mixture"),
        (_behind, "shuffle"),
        (_always_the_first, "not always the first"),
        (_replaces, "all new records stay"),
        (_by_luck, "same seed"),
        (lambda new, old, share, seed: _mixed(new, old, 20, seed), "need 10"),
        (lambda new, old, share, seed: with_replay(new, old * 2, share, seed), "take them all"),
    ],
    hints=[
        "If `share` of the mixture is old, old : new = share : (1 - share).",
        "rng = random.Random(seed); rng.sample(old, count) chooses, rng.shuffle(list) mixes in place.",
    ],
    minutes=8,
    difficulty=2,
)


def stop_at(losses, patience):
    lowest, waited = 0, 0
    for place in range(1, len(losses)):
        if losses[place] < losses[lowest]:
            lowest, waited = place, 0
        else:
            waited += 1
        if waited == patience:
            break
    return lowest


def _the_last(losses, patience):
    waited = 0
    for place in range(1, len(losses)):
        waited = 0 if losses[place] < min(losses[:place]) else waited + 1
        if waited == patience:
            return place
    return len(losses) - 1


def _never_stops(losses, patience):
    return losses.index(min(losses))


def _against_the_one_before(losses, patience):
    lowest, waited = 0, 0
    for place in range(1, len(losses)):
        waited = 0 if losses[place] < losses[place - 1] else waited + 1
        if losses[place] < losses[lowest]:
            lowest = place
        if waited == patience:
            break
    return lowest


def _never_forgives(losses, patience):
    lowest, waited = 0, 0
    for place in range(1, len(losses)):
        if losses[place] < losses[lowest]:
            lowest = place
        else:
            waited += 1
        if waited == patience:
            break
    return lowest


q6 = Exercise(
    "04.6",
    """
    Write `stop_at(losses, patience)`, the rule of early stopping. losses: the validation loss at each
    evaluation. Training ends after `patience` evaluations in a row without a new lowest loss. Return the
    number of the evaluation whose weights are kept (from 0): the lowest one so far, the first at a tie.
    """,
    stop_at,
    cases(
        (([3.0, 2.0, 1.5], 2), 2, "as long as the loss falls, the last evaluation is the best"),
        (([3.0, 2.0, 2.5, 2.6, 2.7], 2), 1, "keep the weights of the lowest loss, not the last ones"),
        (
            ([3.0, 2.0, 2.5, 2.6, 1.0], 2),
            1,
            "after two evaluations without a new lowest loss, training has ended",
        ),
        (([3.0, 2.0, 2.5, 2.4, 1.0], 2), 1, "2.4 is lower than the one before, and yet no new lowest loss"),
        (([3.0, 2.0, 2.5, 1.9, 2.5, 1.8], 2), 5, "a new lowest loss sets the count back to 0: in a row"),
        (([2.0, 2.0, 2.0], 2), 0, "an equal loss is no new lowest one"),
    ),
    wrong=[
        (_the_last, "not the last ones"),
        (_never_stops, "training has ended"),
        (_against_the_one_before, "no new lowest loss"),
        (_never_forgives, "in a row"),
        (lambda losses, patience: stop_at([-x for x in losses], patience), "as long as the loss falls"),
        (lambda losses, patience: len(losses) - 1, "not the last ones"),
    ],
    hints=[
        "Keep two things: the place of the lowest loss so far, and how many evaluations ago it was.",
        "Compare with the lowest loss so far, not with the one before.",
    ],
    minutes=8,
    difficulty=2,
)


def lost_questions(before, after, keys):
    return [
        place
        for place, (old, new, key) in enumerate(zip(before, after, keys))
        if re.search(key, old, re.IGNORECASE) and not re.search(key, new, re.IGNORECASE)
    ]


def _all_wrong(before, after, keys):
    return [i for i, (new, key) in enumerate(zip(after, keys)) if not re.search(key, new, re.IGNORECASE)]


def _changed(before, after, keys):
    return [i for i, (old, new) in enumerate(zip(before, after)) if old != new]


def _case_counts(before, after, keys):
    return [
        i
        for i, (a, b, key) in enumerate(zip(before, after, keys))
        if re.search(key, a) and not re.search(key, b)
    ]


def _from_the_start(before, after, keys):
    flags = re.IGNORECASE
    return [
        i
        for i, (a, b, key) in enumerate(zip(before, after, keys))
        if re.match(key, a, flags) and not re.match(key, b, flags)
    ]


q7 = Exercise(
    "04.7",
    """
    Write `lost_questions(before, after, keys)`: replies before and after fine-tuning, and for each question
    a regular expression that a right reply holds, upper and lower case alike. Return the numbers (from 0)
    of the questions that were right before and are wrong now. The next cell tries it on SmolLM2.
    """,
    lost_questions,
    cases(
        (
            (["A physicist.", "Paris"], ["A clockmaker.", "Paris"], ["physic", "paris"]),
            [0],
            "question 0 was right and is wrong now, question 1 is still right; a key may stand anywhere",
        ),
        ((["Rome"], ["Oslo"], ["paris"]), [], "what was wrong before cannot be lost"),
        ((["Paris, I think"], ["It is Paris"], ["paris"]), [], "other words, still right: nothing is lost"),
        ((["It is a COW"], ["A dog"], [r"\bcows?\b|goat"]), [0], "upper and lower case are alike"),
        ((["Rome"], ["Paris"], ["paris"]), [], "what is right now is not lost"),
    ),
    wrong=[
        (_all_wrong, "cannot be lost"),
        (_changed, "cannot be lost"),
        (_case_counts, "upper and lower case"),
        (_from_the_start, "anywhere"),
        (lambda before, after, keys: len(lost_questions(before, after, keys)), "question 0"),
        (lambda before, after, keys: lost_questions(after, before, keys), "question 0"),
    ],
    hints=[
        "re.search(key, reply, re.IGNORECASE) is None if the key does not stand in the reply.",
        "Two conditions: found in the reply before, not found in the reply after.",
    ],
    minutes=7,
    difficulty=1,
)
