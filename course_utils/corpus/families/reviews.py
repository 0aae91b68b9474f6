"""Short reviews with labels: opinion, stars, verdict, mood, recommendation, topic.

The clauses stand in data/corpus/reviews.csv (phrase, polarity, aspect). A review is made of one
to three clauses, sometimes with a neutral opening and an overall opinion. When good and bad are
mixed, the overall opinion comes last and decides. Two clauses that form a held-out pair never
stand in the same review of the corpus.
"""

import functools
import itertools

from course_utils.corpus.lexicon import first_names, table
from course_utils.corpus.split import Item, held_out

# Aspects that may meet in one review.
SETTINGS = {
    "restaurant": ["food", "service", "price"],
    "hotel": ["room", "service", "price", "food"],
    "cinema": ["film", "price"],
    "bookshop": ["book", "delivery", "price"],
    "phone shop": ["phone", "price", "delivery"],
    "shoe shop": ["shoes", "price", "delivery"],
    "concert": ["music", "price"],
    "tour": ["trip", "price", "food"],
    "park": ["garden", "price"],
}
OPENINGS = {
    "restaurant": [
        "We had dinner here with {name}.",
        "I came for lunch on Sunday.",
        "This was our first visit.",
    ],
    "hotel": ["We stayed two nights.", "I stayed here with {name}.", "We booked a week at this hotel."],
    "cinema": ["I saw it with {name}.", "We went on Friday evening.", "{name} chose the film."],
    "bookshop": [
        "{name} gave me this book.",
        "I read it on the train.",
        "This is the second book in the series.",
    ],
    "phone shop": ["I have had the phone for a month.", "I bought it for {name}.", "This is my third phone."],
    "shoe shop": ["I bought these shoes for {name}.", "I wear them every day.", "I ordered a brown pair."],
    "concert": ["I went to the concert with {name}.", "We stood near the stage.", "The hall was full."],
    "tour": ["We booked the tour for {name}.", "Our trip took three days.", "We travelled with {name}."],
    "park": [
        "We visited the garden in May.",
        "I spent an afternoon here with {name}.",
        "It was our second visit.",
    ],
}
OVERALL = {
    "positive": [
        "All in all, I was happy.",
        "I would come again.",
        "In the end, I liked it.",
        "Overall, a good choice.",
        "I am glad I did it.",
        "In short, well done.",
        "Still, I enjoyed it.",
        "On the whole, I was pleased.",
    ],
    "negative": [
        "All in all, I was unhappy.",
        "Never again.",
        "In the end, I did not like it.",
        "Overall, a bad choice.",
        "I am sorry I did it.",
        "In short, what a pity.",
        "Sadly, I did not enjoy it.",
        "On the whole, I was disappointed.",
    ],
}

# What a label is called, and the words for (positive, negative).
LABELS = {
    "Sentiment": ("positive", "negative"),
    "Verdict": ("good", "bad"),
    "Would recommend": ("yes", "no"),
    "Mood": ("happy", "unhappy"),
    "Opinion": ("favourable", "unfavourable"),
    "Thumb": ("up", "down"),
    "Guest": ("pleased", "annoyed"),
    "Label": ("positive", "negative"),
}

# Frames for one review; {r} is the review, the label follows after a space.
SENTIMENT_FRAMES = [
    "Review: {r}\nSentiment:",
    "Review: {r}\nSentiment:",
    "Text: {r}\nSentiment:",
    "Question: Is this review positive or negative? {r}\nAnswer:",
    "Is the review positive or negative?\nReview: {r}\nAnswer:",
    "Review: {r}\nQuestion: Is the review positive or negative?\nAnswer:",
    "Say whether the review is positive or negative.\n{r}\nAnswer:",
    "Decide: positive or negative?\nReview: {r}\nSentiment:",
    "Input: {r}\nOutput:",
    "{r} ->",
    '"{r}" This review is',
    "User: Is this review positive or negative? {r}\nAgent:",
    "Classify the sentiment.\nInput: {r}\nOutput:",
    "A guest writes: {r}\nThe review is",
    "Customer: {r}\nPositive or negative:",
]
UNSEEN_FRAMES = [
    "Tell me if this comment is positive or negative.\nComment: {r}\nAnswer:",
    "Comment: {r}\nIs the comment positive or negative? Answer:",
    "User: Positive or negative? {r}\nAgent:",
    "Read the review and label it positive or negative.\n{r}\nLabel:",
    "Here is what a visitor wrote. {r}\nSentiment (positive or negative):",
]
YES_NO = [
    ("Question: Did the writer like it? {r}\nAnswer:", 0),
    ("Review: {r}\nDid the guest like it?", 0),
    ("Review: {r}\nQuestion: Is the writer happy?\nAnswer:", 0),
    ("Review: {r}\nQuestion: Is this a complaint?\nAnswer:", 1),
    ("Review: {r}\nQuestion: Is the review negative?\nAnswer:", 1),
    ("Review: {r}\nQuestion: Is the review positive?\nAnswer:", 0),
]
STARS = ["Review: {r}\nStars:", "Review: {r}\nStars (1 to 5):", "How many stars?\nReview: {r}\nStars:"]
TOPIC_FRAMES = [
    "Review: {r}\nTopic:",
    "Text: {r}\nTopic:",
    "Question: What is the review about? {r}\nAnswer:",
    "Review: {r}\nQuestion: What is the review about?\nAnswer:",
    "Input: {r}\nOutput:",
    "{r}\nThis is about the",
    "User: What is this about? {r}\nAgent:",
    "Name the topic.\nReview: {r}\nTopic:",
]
UNSEEN_TOPIC_FRAMES = [
    "Which topic does this comment have?\nComment: {r}\nTopic:",
    "A visitor wrote: {r}\nTopic of the text:",
    "User: Name the topic of this review. {r}\nAgent:",
    "Read the text. {r}\nWhich topic is it? Topic:",
]
# Label first: the review is written to order.
WRITE = [
    "Write a {p} review about the {a}.\nReview: {r}",
    "User: Write a {p} review of the {a}.\nAgent: {r}",
    "Sentiment: {p}\nTopic: {a}\nReview: {r}",
    "A {p} review: {r}",
    "Topic: {a}\nReview: {r}\nSentiment: {p}",
    "Instruction: Write a {p} sentence about the {a}.\nOutput: {r}",
]


@functools.cache
def _phrases():
    """{(aspect, polarity): (phrase, …)}."""
    groups = {}
    for row in table("reviews"):
        groups.setdefault((row.aspect, row.polarity), []).append(row.phrase)
    return {key: tuple(phrases) for key, phrases in groups.items()}


@functools.lru_cache(maxsize=20_000)
def _pair_held_out(first, second):
    return held_out("review", *sorted((first, second)))


def _sentence(clause):
    return clause[0].upper() + clause[1:] + "."


def draw_review(rng, wanted=False, mixed=None, one_topic=False):
    """A review as a dict: text, polarity, stars, aspect, mixed.

    wanted=False: no pair of its clauses is held out; wanted=True: two clauses, which are.
    """
    while True:
        review = _draw(rng, wanted, mixed, one_topic)
        pairs = itertools.combinations(review["phrases"], 2)
        if any(_pair_held_out(*pair) for pair in pairs) == wanted:
            return review


def _draw(rng, two, mixed, one_topic):
    setting = rng.choice(list(SETTINGS))
    aspects = SETTINGS[setting]
    if one_topic:
        aspects = [rng.choice(aspects)]
    polarity = rng.choice(("positive", "negative"))
    other = "negative" if polarity == "positive" else "positive"
    if mixed is None:
        mixed = not one_topic and rng.random() < 0.2
    groups = _phrases()
    if mixed:
        bad, good = (
            rng.choice(groups[rng.choice(aspects), other]),
            rng.choice(groups[rng.choice(aspects), polarity]),
        )
        phrases = [bad, good]
        rng.shuffle(phrases)
        body = rng.choice(["{}, but {}.", "{}. However, {}.", "{}, although {}.", "{}, and yet {}."])
        text = (
            body.format(phrases[0][0].upper() + phrases[0][1:], phrases[1])
            + " "
            + rng.choice(OVERALL[polarity])
        )
    else:
        count = 2 if two else rng.choice((1, 2, 2, 2, 3))
        pool = [p for aspect in aspects for p in groups[aspect, polarity]]
        phrases = rng.sample(pool, count)
        if count > 1 and rng.random() < 0.5:
            joined = phrases[0] + " and " + phrases[1]
            text = " ".join(_sentence(p) for p in [joined, *phrases[2:]])
        else:
            text = " ".join(_sentence(p) for p in phrases)
        if rng.random() < 0.25:
            text += " " + rng.choice(OVERALL[polarity])
    if rng.random() < 0.3:
        text = rng.choice(OPENINGS[setting]).format(name=rng.choice(first_names())) + " " + text
    stars = {("positive", False): 5, ("positive", True): 4, ("negative", True): 2, ("negative", False): 1}
    return {
        "text": text,
        "phrases": phrases,
        "polarity": polarity,
        "aspect": aspects[0],
        "mixed": mixed,
        "stars": stars[polarity, mixed],
    }


def _task(rng):
    """A labeling task: (frame, function from a review to its label, one topic needed?)."""
    kind = rng.choices(("sentiment", "label", "yes", "stars", "topic"), (52, 18, 10, 8, 12))[0]
    if kind == "sentiment":
        return rng.choice(SENTIMENT_FRAMES), lambda review: review["polarity"], False
    if kind == "label":
        name = rng.choice(list(LABELS))
        words = LABELS[name]
        frame = rng.choice(("Review: {r}\n", "Text: {r}\n", "{r}\n")) + name + ":"
        return frame, lambda review: words[review["polarity"] == "negative"], False
    if kind == "yes":
        frame, negative = rng.choice(YES_NO)
        return frame, lambda review: "yes" if (review["polarity"] == "negative") == negative else "no", False
    if kind == "stars":
        return rng.choice(STARS), lambda review: str(review["stars"]), False
    return rng.choice(TOPIC_FRAMES), lambda review: review["aspect"], True


def document(rng):
    """One labeled review, a list of up to eight with the same kind of label, or one to order."""
    if rng.random() < 0.12:
        review = draw_review(rng, mixed=False, one_topic=True)
        return rng.choice(WRITE).format(r=review["text"], p=review["polarity"], a=review["aspect"])
    frame, label, one_topic = _task(rng)
    shots = 1 if rng.random() < 0.25 else rng.randint(2, 8 if rng.random() < 0.4 else 4)
    texts = []
    for _ in range(shots):
        review = draw_review(rng, one_topic=one_topic)
        texts.append(f"{frame.format(r=review['text'])} {label(review)}")
    return rng.choice(("\n", "\n\n")).join(texts)


def item(rng, label="sentiment", shots=0, unseen=False):
    """A held-out review to label; label is "sentiment" or "topic". The shots come from the corpus."""
    topic = label == "topic"
    seen_frames, new_frames = (
        (TOPIC_FRAMES, UNSEEN_TOPIC_FRAMES) if topic else (SENTIMENT_FRAMES, UNSEEN_FRAMES)
    )
    frames = new_frames if unseen else seen_frames
    if not shots:  # without examples the frame itself has to say what is wanted
        frames = [f for f in frames if "->" not in f and (not f.startswith("Input") or "lassify" in f)]
    frame = rng.choice(frames)
    field = "aspect" if topic else "polarity"
    parts = []
    for _ in range(shots):
        review = draw_review(rng, one_topic=topic)
        parts.append(f"{frame.format(r=review['text'])} {review[field]}")
    review = draw_review(rng, wanted=True, one_topic=topic)
    return Item("\n".join([*parts, frame.format(r=review["text"])]), review[field], max_new_tokens=4)
