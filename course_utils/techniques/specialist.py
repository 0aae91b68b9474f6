"""An ensemble of specialists: small classifiers and templates, as one builds without a language model.

One classifier chooses the team, one the priority; the answer is the template of the most similar
training record, with the request's own numbers filled in. None of them can calculate or write.
"""

import re
import time

from safetensors.numpy import save as to_bytes
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from course_utils.techniques.base import Result, Technique

NUMBER = re.compile(r"\d+")


class Ensemble:
    """Team, priority and answer from the words of a request. `numbers` and `bytes` say what it keeps."""

    def __init__(self, train, task, ngrams=2, strength=10.0):
        """Learn from records of a task; strength is the inverse of the regularization.

        Raises ValueError if no completion is a structured reply.
        """
        known = [(record["prompt"], v) for record in train if (v := task.parse(record["completion"]))]
        if not known:
            raise ValueError(f"no completion holds the fields {', '.join(task.names)}")
        requests, values = map(list, zip(*known))
        self.task, (*chosen, text) = task, task.names
        self.words = TfidfVectorizer(ngram_range=(1, ngrams), sublinear_tf=True)
        self.seen = self.words.fit_transform(requests)  # (records, words), sparse
        self.choosers = {name: self._chooser([each[name] for each in values], strength) for name in chosen}
        self.templates = [masked(request, each[text]) for request, each in zip(requests, values)]
        kept = {"idf": self.words.idf_, "seen": self.seen.data, "columns": self.seen.indices}
        for name, chooser in self.choosers.items():
            if not isinstance(chooser, str):
                kept |= {f"{name} weights": chooser.coef_, f"{name} bias": chooser.intercept_}
        self.numbers = sum(array.size for array in kept.values())
        self.trained = self.numbers - self.seen.data.size - self.seen.indices.size - self.words.idf_.size
        texts = [*self.templates, *self.words.vocabulary_]
        self.bytes = len(to_bytes(kept)) + sum(len(text.encode()) + 1 for text in texts)

    def _chooser(self, labels, strength):
        if len(set(labels)) == 1:
            return labels[0]  # nothing to choose from
        return LogisticRegression(C=strength, max_iter=300).fit(self.seen, labels)

    def reply(self, requests):
        """Structured replies, in the order of the requests."""
        vectors = self.words.transform(requests)
        chosen = {
            name: [chooser] * len(requests) if isinstance(chooser, str) else chooser.predict(vectors)
            for name, chooser in self.choosers.items()
        }
        nearest = (vectors @ self.seen.T).toarray().argmax(1)
        answers = [filled(request, self.templates[i]) for request, i in zip(requests, nearest)]
        rows = zip(*chosen.values(), answers)
        return [self.task.written(dict(zip(self.task.names, row))) for row in rows]


def masked(request, answer):
    """The answer with each number that the request holds replaced by its place there: {0}, {1}, …"""
    places = {number: place for place, number in reversed(list(enumerate(NUMBER.findall(request))))}
    return NUMBER.sub(lambda m: f"{{{places[m[0]]}}}" if m[0] in places else m[0], answer)


def filled(request, template):
    """The template with the request's numbers in their places; a place that it lacks stays open."""
    numbers = NUMBER.findall(request)
    return re.sub(r"\{(\d+)\}", lambda m: numbers[int(m[1])] if int(m[1]) < len(numbers) else m[0], template)


def specialists(model, tokenizer, train, seed, task, ngrams=2, strength=10.0):
    """The ensemble, trained on all records; the language model is not asked. Nothing is random."""
    started = time.perf_counter()
    ensemble = Ensemble(train, task, ngrams, strength)
    return Result(
        ensemble.reply,
        trainable_parameters=ensemble.trained,
        stored_parameters=ensemble.numbers,
        stored_bytes=ensemble.bytes,
        examples=len(train),
        train_seconds=time.perf_counter() - started,
        choice={"ensemble": ensemble},
    )


SETTINGS = [{"ngrams": n, "strength": c} for n in (1, 2) for c in (1.0, 10.0, 100.0)]
TECHNIQUES = (
    Technique(
        "specialists",
        "specialists",
        "00",
        specialists,
        {"toy_desk": SETTINGS, "helpdesk": SETTINGS},
        frozenset(("fields",)),
        random=False,
    ),
)
