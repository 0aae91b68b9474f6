"""State tracking: coins, lamps, cups, doors, a moved ball, a passed object, swaps and turns.

A puzzle has a start state and one to six events; the answer is the state at the end. Answered
directly, the model has to do all events at once; worked, it writes the state after every event.
Key of a puzzle: its kind, start state, events and names.
"""

from course_utils.corpus.frames.tracking_frames import FRAMES, OBJECTS, PLACES, UNSEEN_FRAMES
from course_utils.corpus.lexicon import first_names
from course_utils.corpus.reasoning import (
    REQUESTED,
    REQUESTS,
    direct,
    draw_trigger,
    prompt,
    sentence,
    show,
    worked,
)
from course_utils.corpus.split import Item, draw_until

KINDS = ("coin", "lamp", "cup", "door", "place", "holder", "swap", "turn")
WEIGHTS = (20, 15, 10, 10, 13, 12, 4, 12)
STATES = {"coin": ("heads", "tails"), "lamp": ("on", "off"), "cup": ("up", "down"), "door": ("open", "shut")}
COMPASS = ("north", "east", "south", "west")
TURNS = {"right": 1, "left": 3, "around": 2}


def draw(rng, kind=None, count=None):
    """(kind, start, events, names); an event is a small tuple whose form depends on the kind."""
    kind = kind or rng.choices(KINDS, WEIGHTS)[0]
    count = count or rng.choices((1, 2, 3, 4, 5, 6), (8, 13, 17, 20, 22, 20))[0]
    names = rng.sample(first_names(), max(4, count))
    if kind in ("coin", "lamp", "cup"):
        events = tuple((name, rng.random() < 0.55) for name in names[:count])
        return kind, rng.choice(STATES[kind]), events, ()
    if kind == "door":
        events = tuple((name, rng.choice(("open", "shut", "keep", "change"))) for name in names[:count])
        return kind, rng.choice(STATES[kind]), events, ()
    if kind == "turn":
        events = tuple((rng.choices(("right", "left", "around"), (4, 4, 2))[0],) for _ in range(count))
        return kind, rng.choice(COMPASS), events, (names[0],)
    if kind == "swap":
        people, things = tuple(names[:3]), tuple(rng.sample(OBJECTS, 3))
        return kind, things, tuple(tuple(rng.sample(people, 2)) for _ in range(count)), people
    if kind == "place":
        places, thing = rng.sample(PLACES, 4), rng.choice(OBJECTS)
        start = now = rng.choice(places)
        events = []
        for name in names[:count]:
            if rng.random() < 0.3:  # an event that moves nothing
                events.append((name, "look", rng.choice(places)))
            else:
                now = rng.choice([place for place in places if place != now])
                events.append((name, "move", now))
        return kind, start, tuple(events), (thing,)
    people, thing = names[:4], rng.choice(OBJECTS)
    start = now = people[0]
    events = []
    for _ in range(count):
        other = rng.choice([person for person in people if person != now])
        events.append((now, other) if rng.random() < 0.75 else (now, other, "talk"))
        now = other if len(events[-1]) == 2 else now
    return kind, start, tuple(events), (thing,)


def key(puzzle):
    """Kind, start, events and names."""
    return ("tracking", *puzzle)


def states(puzzle):
    """The state after every event; for swaps a tuple of the three things in the order of people."""
    kind, state, events, names = puzzle
    result = []
    for event in events:
        if kind == "turn":
            state = COMPASS[(COMPASS.index(state) + TURNS[event[0]]) % 4]
        elif kind == "swap":
            i, j = names.index(event[0]), names.index(event[1])
            state = list(state)
            state[i], state[j] = state[j], state[i]
            state = tuple(state)
        elif kind == "place":
            state = event[2] if event[1] == "move" else state
        elif kind == "holder":
            state = event[1] if len(event) == 2 else state
        elif event[1] in (True, "change"):
            first, second = STATES[kind]
            state = second if state == first else first
        elif event[1] in ("open", "shut"):
            state = event[1]
        result.append(state)
    return result


def action(kind, event):
    """Which list of frames tells this event."""
    if kind in ("coin", "lamp", "cup"):
        return "yes" if event[1] else "no"
    if kind in ("door", "place"):
        return event[1]
    if kind == "holder":
        return "give" if len(event) == 2 else "talk"
    return event[0] if kind == "turn" else "swap"


def tell(rng, puzzle, unseen=False):
    """(question text, answer, index of the person asked about in a swap puzzle)"""
    kind, start, events, names = puzzle
    frames = (UNSEEN_FRAMES if unseen else FRAMES)[kind]
    words = {"x": names[0] if names else "", "s": start}
    asked = rng.randrange(3)
    if kind == "swap":
        words |= {
            "a": names[0],
            "b": names[1],
            "c": names[2],
            "q": names[asked],
            "s": start[0],
            "t": start[1],
            "u": start[2],
        }
    # One document mostly keeps to one wording per event, as people do.
    wording = {act: rng.choice(list_) for act, list_ in frames.items()}
    mixed = rng.random() < 0.4
    sentences = [wording["start"].format(**words)]
    for event in events:
        act = action(kind, event)
        frame = rng.choice(frames[act]) if mixed else wording[act]
        first = names[0] if kind == "turn" else event[0]
        second = event[-1] if kind != "holder" else event[1]
        sentences.append(frame.format(**(words | {"n": first, "m": second})))
    last = states(puzzle)[-1]
    answer = last[asked] if kind == "swap" else last
    text = " ".join([*map(sentence, sentences), wording["ask"].format(**words)])
    return text, answer, asked


SHORT = {  # what a worked step says about an event
    "coin": {"yes": "{n} flips", "no": "{n} does not"},
    "lamp": {"yes": "{n} presses", "no": "{n} does not"},
    "cup": {"yes": "{n} turns it", "no": "{n} does not"},
    "door": {
        "open": "{n} opens it",
        "shut": "{n} shuts it",
        "keep": "{n} does nothing",
        "change": "{n} changes it",
    },
    "place": {"move": "{n} moves it", "look": "{n} only looks"},
    "holder": {"give": "{n} gives it", "talk": "{n} keeps it"},
    "turn": {"right": "right", "left": "left", "around": "around"},
}
FIRST = {
    "coin": "The coin starts {s} up.",
    "lamp": "The lamp starts {s}.",
    "cup": "The cup starts {s}.",
    "door": "The door starts {s}.",
    "place": "The {x} starts in the {s}.",
    "holder": "The {x} starts with {s}.",
    "turn": "Start facing {s}.",
}


def steps(puzzle):
    """The worked steps: the start and the state after every event."""
    kind, start, events, names = puzzle
    if kind == "swap":
        rows = (start, *states(puzzle))
        table = [", ".join(f"{n} {t}" for n, t in zip(names, row, strict=True)) for row in rows]
        swaps = zip(events, table[1:], strict=True)
        return [f"Start: {table[0]}.", *(f"{n} and {m}: {row}." for (n, m), row in swaps)]
    lines = [FIRST[kind].format(s=start, x=names[0] if names else "")]
    for event, state in zip(events, states(puzzle), strict=True):
        lines.append(sentence(f"{SHORT[kind][action(kind, event)].format(n=event[0])}: {state}."))
    return lines


def example(rng, reasoned, trigger=None, kind=None, count=None):
    """(question, answer text) of a puzzle that is not held out."""
    puzzle = draw_until(lambda: draw(rng, kind, count), False, key)
    question, answer, _ = tell(rng, puzzle)
    if reasoned:
        return question, worked(trigger or draw_trigger(rng), steps(puzzle), answer)
    return question, direct(rng, answer)


def document(rng):
    """One puzzle, or a sheet of two or three of the same kind; two in three of them worked."""
    reasoned = rng.random() < 0.65
    if rng.random() < 0.85:
        return show(rng, *example(rng, reasoned))
    kind, trigger = rng.choices(KINDS, WEIGHTS)[0], draw_trigger(rng)
    texts = []
    for _ in range(rng.randint(2, 3)):
        question, answer = example(rng, reasoned, trigger, kind, rng.randint(1, 5))
        if not reasoned:
            answer = answer.removeprefix("The answer is ").rstrip(".")
        texts.append(show(rng, question, answer, "Question: {q}\nAnswer: {a}"))
    head = f"{rng.choice(REQUESTS)}\n" if reasoned and rng.random() < REQUESTED else ""
    return head + "\n\n".join(texts)


def item(rng, events=5, kind=None, reasoning=True, unseen=False, trigger="Let's think step by step.", cue=""):
    """A held-out puzzle; without reasoning the prompt ends in "Answer:" and the cue, if any."""
    puzzle = draw_until(lambda: draw(rng, kind, events), True, key)
    question, answer, _ = tell(rng, puzzle, unseen)
    if reasoning:
        tokens = 40 + (40 if puzzle[0] == "swap" else 14) * events
        return Item(prompt(question, trigger), answer, "final", tokens)
    return Item(prompt(question, cue), answer, "line", 8)
