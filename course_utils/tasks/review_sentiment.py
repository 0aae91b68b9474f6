"""Is a product review positive or negative? A small task in plain English, with a dozen labeled reviews.

    seeds, real, test = review_sentiment.parts()        records {"prompt": review, "completion": its opinion}

No review stands in two parts. Taught in lesson 06. Left out: mixed opinions.
"""

import functools
import random

from course_utils.corpus.families.reviews import draw_review
from course_utils.tasks.prompting import everyday

SEEDS, REAL, COMPOSED = 12, 100, 300


@functools.cache
def parts():
    """(12 seeds, 100 real records for a control, 352 of a test: 52 short reviews, 300 longer ones)."""
    short = [{"id": f"r{i:02}", "prompt": text, "completion": label}
             for i, (text, label) in enumerate(everyday.reviews(), 1)]  # fmt: skip
    rng, composed = random.Random("review sentiment"), {}
    while len(composed) < REAL + COMPOSED:
        review = draw_review(rng, mixed=False, one_topic=True)
        composed[review["text"]] = review["polarity"]
    long = [{"id": f"c{i:03}", "prompt": text, "completion": label}
            for i, (text, label) in enumerate(composed.items(), 1)]  # fmt: skip
    return short[:SEEDS], long[COMPOSED:], short[SEEDS:] + long[:COMPOSED]
