"""Specialists: a small classifier for each skill, and the ensemble that one builds of them.

TF-IDF word counts and logistic regression from scikit-learn. A specialist learns from labeled examples and
answers with one of the labels that it has seen; it cannot write, and knows no second skill. Several of them
need a router, which decides whose request it is, and a little code between the two.
"""

import time
from dataclasses import replace

from safetensors.numpy import save as to_bytes
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


class Specialist:
    """Learns the answers of items (course_utils.corpus.split.Item) from their prompts.

    After fit: seconds (to build), bytes (of its numbers and words), and after right:
    milliseconds (per text, one at a time, as requests come).
    """

    def fit(self, items):
        """Learn from labeled items; one label only is allowed and then always given. Returns self."""
        start = time.perf_counter()
        labels = [item.answer for item in items]
        self.only = labels[0] if len(set(labels)) == 1 else None
        self.pipeline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1000))
        if self.only is None:
            self.pipeline.fit([item.prompt for item in items], labels)
            words, regression = self.pipeline[0], self.pipeline[1]
            numbers = {"idf": words.idf_, "weights": regression.coef_, "bias": regression.intercept_}
            self.bytes = len(to_bytes(numbers)) + sum(len(word) + 1 for word in words.vocabulary_)
        else:
            self.bytes = len(self.only)
        self.seconds = time.perf_counter() - start
        return self

    def answers(self, items):
        """The label given to each item."""
        if self.only is not None:
            return [self.only] * len(items)
        return list(self.pipeline.predict([item.prompt for item in items]))

    def right(self, items):
        """[bool] per item: is the label the item's answer? Also times single requests."""
        start = time.perf_counter()
        for item in items[:20]:
            self.answers([item])
        self.milliseconds = 1000 * (time.perf_counter() - start) / max(1, len(items[:20]))
        return [answer == item.answer for answer, item in zip(self.answers(items), items, strict=True)]


class Ensemble:
    """One specialist for each skill behind a router, which is itself a specialist for whose request it is.

    A skill whose answers no classifier can list may have a function from request to answer, written by hand.
    After fit: seconds (to build), labels (that people had to give) and bytes, each in total.
    """

    def fit(self, skills, written=None):
        """Learn from {skill: labeled items}; the skill of each item is the router's label. Returns self.

        written: {skill: function from an item's prompt to its answer}, in place of that skill's classifier.
        """
        self.written = written or {}
        learned = {skill: items for skill, items in skills.items() if skill not in self.written}
        self.specialists = {skill: Specialist().fit(items) for skill, items in learned.items()}
        routed = [replace(item, answer=skill) for skill, items in skills.items() for item in items]
        self.router = Specialist().fit(routed)
        parts = [self.router, *self.specialists.values()]
        self.labels = len(routed)
        self.seconds, self.bytes = sum(part.seconds for part in parts), sum(part.bytes for part in parts)
        return self

    def answers(self, items):
        """The answer to each item: first the router, then the specialist that it chose."""
        return [
            self.written[skill](item.prompt)
            if skill in self.written
            else self.specialists[skill].answers([item])[0]
            for item, skill in zip(items, self.router.answers(items), strict=True)
        ]

    def right(self, items):
        """[bool] per item: is the answer the item's?"""
        return [answer == item.answer for answer, item in zip(self.answers(items), items, strict=True)]
