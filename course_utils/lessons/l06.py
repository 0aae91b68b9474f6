"""Lesson 06: judges in both orders, agreement beyond chance, near-copies, ancestors, effort saved."""

import difflib

from course_utils.lessons.exercise import Exercise, Prediction, cases, expect

p1 = Prediction(
    "06.p1",
    "SmolLM2 compares two replies. In how many of 100 verdicts does it prefer the reply that is shown first?",
)
p2 = Prediction(
    "06.p2",
    "After five generations without fresh records: what has become of the planted bias, a sentence that a "
    "fifth of the first records carried?",
    ["gone", "less", "about as much", "more"],
)


def both_orders(as_a, as_b):
    votes = []
    for one, two in zip(as_a, as_b):
        votes.append(1 if one > 0 and two < 0 else -1 if one < 0 and two > 0 else 0)
    return votes


def _first_order_only(as_a, as_b):
    return [1 if one > 0 else -1 for one in as_a]


def _same_sign(as_a, as_b):
    return [1 if one > 0 and two > 0 else -1 if one < 0 and two < 0 else 0 for one, two in zip(as_a, as_b)]


def _swapped(as_a, as_b):
    return [-verdict for verdict in both_orders(as_a, as_b)]


def _averaged(as_a, as_b):
    return [(one > two) - (one < two) for one, two in zip(as_a, as_b)]


def _ties_to_the_first(as_a, as_b):
    return [verdict or 1 for verdict in both_orders(as_a, as_b)]


def _booleans(as_a, as_b):
    return [verdict > 0 for verdict in both_orders(as_a, as_b)]


q1 = Exercise(
    "06.1",
    """
    Write `both_orders(as_a, as_b)`: two lists of log-odds that a judge prefers what stands FIRST. In as_a
    our reply stood first, in as_b the same reply stood second. Return for each pair 1 if both orders say
    that our reply is better, -1 if both say that the other one is, and 0 if they contradict each other.
    """,
    both_orders,
    cases(
        (([2.0], [-1.0]), [1], "first and preferred, second and preferred again: our reply wins, 1"),
        (([-2.0], [1.0]), [-1], "the other reply is preferred in both places: -1"),
        (([2.0], [1.0]), [0], "the judge prefers whatever stands first: a contradiction, 0"),
        (([-2.0], [-1.0]), [0], "the judge prefers whatever stands second: a contradiction, 0"),
        (([2.0, 3.0], [-1.0, 0.5]), [1, 0], "one verdict for each pair"),
    ),
    wrong=[
        (_first_order_only, "a contradiction, 0"),
        (_same_sign, "our reply wins"),
        (_swapped, "our reply wins"),
        (_averaged, "a contradiction, 0"),
        (_ties_to_the_first, "a contradiction, 0"),
        (_booleans, "-1"),
        (lambda a, b: both_orders(a[:1], b[:1]), "one verdict for each pair"),
    ],
    hints=[
        "In as_b our reply stands second, so a number BELOW 0 speaks for it.",
        "Go through both lists with zip; there are four combinations of signs, and two of them are 0.",
    ],
    minutes=6,
    difficulty=1,
)


def kappa(judge, people):
    pairs = list(zip(judge, people))
    agreed = sum(a == b for a, b in pairs) / len(pairs)
    chance = sum(
        (judge.count(verdict) / len(pairs)) * (people.count(verdict) / len(pairs))
        for verdict in set(judge) | set(people)
    )
    return (agreed - chance) / (1 - chance)


def _plain_agreement(judge, people):
    return sum(a == b for a, b in zip(judge, people)) / len(judge)


def _half(judge, people):
    return 2 * _plain_agreement(judge, people) - 1


def _not_scaled(judge, people):
    return _plain_agreement(judge, people) - _expected(judge, people)


def _expected(judge, people):
    return sum((judge.count(v) / len(judge)) * (people.count(v) / len(people)) for v in set(judge + people))


def _only_yes(judge, people):
    chance = (judge.count("yes") / len(judge)) * (people.count("yes") / len(people))
    return (_plain_agreement(judge, people) - chance) / (1 - chance)


def _people_only(judge, people):
    chance = sum((people.count(v) / len(people)) ** 2 for v in set(people))
    return (_plain_agreement(judge, people) - chance) / (1 - chance)


q2 = Exercise(
    "06.2",
    """
    Write `kappa(judge, people)` for two lists of verdicts such as "yes" and "no". A judge that says yes to
    everything agrees often where most replies are good. Cohen's kappa takes that off:
    (agreed - chance) / (1 - chance), where `agreed` is the share of equal verdicts, and `chance` the share
    expected if both kept their habits and nobody looked: for each verdict, the judge's share of it times
    the people's share of it, added up.
    """,
    kappa,
    cases(
        ((["yes", "no", "yes", "no"], ["yes", "no", "yes", "no"]), 1.0, "full agreement is 1"),
        (
            (["yes", "yes", "no", "no"], ["yes", "no", "yes", "no"]),
            0.0,
            "half of the verdicts agree, as many as by chance: 0",
        ),
        (
            (["yes"] * 10, ["yes"] * 8 + ["no"] * 2),
            0.0,
            "always yes agrees on 8 of 10 and has looked at nothing: 0",
        ),
        (
            (["yes", "yes", "yes", "no"], ["yes", "yes", "no", "no"]),
            0.5,
            "agreed 3/4, chance 3/4 * 1/2 + 1/4 * 1/2 = 1/2, so kappa is 1/2",
        ),
        (
            (["yes", "no", "no", "no", "no"], ["yes", "yes", "yes", "no", "no"]),
            (0.6 - 0.44) / 0.56,
            "chance needs the habits of both: the judge's share of a verdict times the people's",
        ),
    ),
    wrong=[
        (_plain_agreement, "as many as by chance"),
        (_half, "always yes"),
        (_not_scaled, "full agreement is 1"),
        (_only_yes, "as many as by chance"),
        (_people_only, "always yes"),
        (lambda judge, people: 1 - kappa(judge, people), "full agreement"),
    ],
    hints=[
        "judge.count('yes') / len(judge) is the judge's share of yes.",
        "chance = the sum over set(judge) | set(people) of share in judge times share in people.",
    ],
    minutes=10,
    difficulty=2,
)


def similar(a, b):
    return difflib.SequenceMatcher(None, a, b).ratio()


def without_copies(texts, known, alike, similar):
    kept = []
    for text in texts:
        if all(similar(text, other) < alike for other in known + kept):
            kept.append(text)
    return kept


def _exact_only(texts, known, alike, similar):
    return [text for i, text in enumerate(texts) if text not in known + texts[:i]]


def _forgets_known(texts, known, alike, similar):
    return without_copies(texts, [], alike, similar)


def _forgets_kept(texts, known, alike, similar):
    return [text for text in texts if all(similar(text, other) < alike for other in known)]


def _both_go(texts, known, alike, similar):
    return [
        text
        for i, text in enumerate(texts)
        if all(similar(text, other) < alike for other in known + texts[:i] + texts[i + 1 :])
    ]


def _against_dropped(texts, known, alike, similar):
    return [
        text
        for i, text in enumerate(texts)
        if all(similar(text, other) < alike for other in known + texts[:i])
    ]


def _returns_known(texts, known, alike, similar):
    return known + without_copies(texts, known, alike, similar)


def _beyond(texts, known, alike, similar):
    return without_copies(texts, known, alike + 1e-9, similar)


def _changes_known(texts, known, alike, similar):
    kept = []
    for text in texts:
        if all(similar(text, other) < alike for other in known):
            kept.append(text)
            known.append(text)
    return kept


def _test_without_copies(answer):
    def near(a, b):  # texts of equal length: the share of equal letters
        return sum(x == y for x, y in zip(a, b)) / max(len(a), len(b))

    result = answer(["aaaa", "bbbb"], [], 0.75, near)
    expect(result == ["aaaa", "bbbb"], "what resembles nothing stays, in its order")
    result = answer(["aaaa", "aaab", "bbbb"], [], 0.75, near)
    expect("aaaa" in result, "of two near-copies the first stays")
    expect(result == ["aaaa", "bbbb"], "aaab is three quarters of aaaa, and 0.75 is alike already: it goes")
    result = answer(["aaaa", "bbbb"], ["aaac"], 0.75, near)
    expect("aaac" not in result, "return the new texts only, not the known ones")
    expect(result == ["bbbb"], "a near-copy of a known text goes, too")
    result = answer(["aaaa", "aabb", "abbb"], [], 0.75, near)
    expect(result == ["aaaa", "aabb"], "abbb is like aabb, which was kept: it goes")
    result = answer(["aaaa", "aaab", "aabb"], [], 0.75, near)
    expect(
        result == ["aaaa", "aabb"],
        "aabb is like aaab only, and that has been dropped: compare with what was kept",
    )
    mine = ["cccc"]
    answer(["aaaa"], mine, 0.75, near)
    expect(mine == ["cccc"], "you changed the caller's list: make a new one")


q3 = Exercise(
    "06.3",
    """
    Write `without_copies(texts, known, alike, similar)`: go through the texts in order and keep one if it is
    like no known text and like no text kept before. `similar(a, b)` gives a number from 0 to 1; two texts are
    alike from `alike` on. Return the kept texts only.
    """,
    without_copies,
    _test_without_copies,
    wrong=[
        (_exact_only, "aaab is three quarters"),
        (_forgets_known, "known text goes, too"),
        (_forgets_kept, "aaab is three quarters"),
        (_both_go, "the first stays"),
        (_against_dropped, "compare with what was kept"),
        (_returns_known, "new texts only"),
        (_beyond, "0.75 is alike already"),
        (_changes_known, "caller's list"),
    ],
    hints=[
        "Begin with kept = [] and add to it; compare each text with known + kept.",
        "all(condition for other in known + kept) is True if the condition holds for each of them.",
    ],
    minutes=8,
    difficulty=2,
)


def lines_of(record, records):
    by_id = {each["id"]: each for each in records}
    origins, waiting = set(), [record]
    while waiting:
        each = waiting.pop()
        if not each["parents"]:
            origins.add(each["id"])
        waiting += [by_id[parent] for parent in each["parents"]]
    return origins


def _parents_only(record, records):
    return set(record["parents"])


def _all_ancestors(record, records):
    by_id = {each["id"]: each for each in records}
    ancestors, waiting = set(), list(record["parents"])
    while waiting:
        name = waiting.pop()
        ancestors.add(name)
        waiting += by_id[name]["parents"]
    return ancestors


def _first_parent(record, records):
    by_id = {each["id"]: each for each in records}
    while record["parents"]:
        record = by_id[record["parents"][0]]
    return {record["id"]}


def _grandparents(record, records):
    by_id = {each["id"]: each for each in records}
    return {grand for parent in record["parents"] for grand in by_id[parent]["parents"]}


def _as_list(record, records):
    by_id = {each["id"]: each for each in records}
    if not record["parents"]:
        return [record["id"]]
    return [name for parent in record["parents"] for name in _as_list(by_id[parent], records)]


def _test_lines_of(answer):
    def record(name, *parents):
        return {"id": name, "parents": list(parents)}

    family = [record("r1"), record("r2"), record("r3"), record("a", "r1", "r2"), record("b", "r2")]
    family += [record("c", "a", "b"), record("d", "c", "r3")]
    result = answer(family[0], family)
    expect(isinstance(result, (set, frozenset)), "return a set of ids: whom one meets twice counts once")
    expect(result == {"r1"}, "a real record has no parents: it is its own beginning")
    result = answer(family[3], family)
    expect("a" not in result, "only records without parents are a beginning")
    expect(result == {"r1", "r2"}, "follow both parents")
    result = answer(family[5], family)
    expect(
        result == {"r1", "r2"}, "go on until there are no parents: c comes from a and b, they from r1 and r2"
    )
    expect(
        answer(family[6], family) == {"r1", "r2", "r3"},
        "lines may have different lengths: d is from c and from r3",
    )


q4 = Exercise(
    "06.4",
    """
    Write `lines_of(record, records)`: every record has "id" and "parents", a list of ids; a real record's
    list is empty. Return the set of ids of the real records from which this one descends, over any number
    of generations. A real record descends from itself.
    """,
    lines_of,
    _test_lines_of,
    wrong=[
        (_parents_only, "it is its own beginning"),
        (_all_ancestors, "it is its own beginning"),
        (_first_parent, "follow both parents"),
        (_grandparents, "it is its own beginning"),
        (_as_list, "a set of ids"),
        (lambda record, records: _all_ancestors(record, records) or {record["id"]}, "go on until"),
        (lambda record, records: _parents_only(record, records) or {record["id"]}, "go on until"),
    ],
    hints=[
        "Make {id: record} first. Keep a list of records that wait; take one, put its parents on the list.",
        "A record whose parents are empty goes into the result. Stop when nothing waits.",
    ],
    minutes=10,
    difficulty=2,
)


def speed_up(scratch, check, right):
    return scratch / (check + (1 - right) * scratch)


q5 = Exercise(
    "06.5",
    """
    Write `speed_up(scratch, check, right)`: a label from scratch takes `scratch` seconds. With a model's
    proposal, every label takes `check` seconds of reading, and where the proposal is wrong the label is made
    from scratch after that. `right` is the share of right proposals. Return how many times faster it is.
    """,
    speed_up,
    cases(
        ((20.0, 5.0, 1.0), 4.0, "all right: only the reading remains, 20 / 5"),
        ((20.0, 5.0, 0.0), 0.8, "all wrong: reading and then the whole work, 20 / 25: slower than without"),
        ((20.0, 5.0, 0.5), 20 / 15, "half right: 5 of reading, and half of the labels cost 20 more: 20 / 15"),
        ((30.0, 0.0, 0.5), 2.0, "reading for nothing: half of the work remains"),
    ),
    wrong=[
        (lambda scratch, check, right: scratch / check, "slower than without"),
        (lambda scratch, check, right: scratch / (check + right * scratch), "only the reading"),
        (lambda scratch, check, right: (check + (1 - right) * scratch) / scratch, "20 / 5"),
        (
            lambda scratch, check, right: (
                right * scratch / check + (1 - right) * scratch / (scratch + check) if check else 2.0
            ),
            "half right",
        ),
        (
            lambda scratch, check, right: scratch / (right * check + (1 - right) * scratch),
            "slower than without",
        ),
        (lambda scratch, check, right: 1 + right * (scratch / (check or 30) - 1), "slower than without"),
    ],
    hints=[
        "First the seconds of one label on average: the reading always, the whole work in a share 1 - right.",
        "Speed-ups of parts must not be averaged: add seconds, then divide.",
    ],
    minutes=6,
    difficulty=1,
)
