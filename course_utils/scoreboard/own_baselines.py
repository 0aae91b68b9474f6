"""The cheap baselines beside every technique on a task of your own: majority, nearest copy, a classifier.

Whatever costs more must beat all three: with labels of 68:32 a constant is right on 68 %. Left out: tuning
the classifier, which would make it a little stronger.
"""

import json
import time
from collections import Counter

from course_utils.prompts.few_shot import bare
from course_utils.prompts.retrieval import nearest
from course_utils.scoreboard.graders import MOST_LABELS, json_object
from course_utils.techniques.base import Result
from course_utils.techniques.baselines import constant, nearest_copy

STRENGTH = 10.0  # the inverse of the regularization


def majority(model, tokenizer, train, seed, task):
    """The most frequent completion, whatever is asked."""
    started = time.perf_counter()
    return constant(Counter(r["completion"].strip() for r in train).most_common(1)[0][0], train, started)


def tfidf_classifier(model, tokenizer, train, seed, task):
    """Logistic regression on TF-IDF of words and characters; of JSON replies, one for each field of labels.

    Fields that are texts rather than labels are copied from the nearest record. Raises ValueError where the
    completions are texts, since there is nothing to classify.
    """
    started = time.perf_counter()
    values = [fields_of(record["completion"]) for record in train]
    names = list(values[0])
    if any(list(each) != names for each in values):
        values, names = [{"": record["completion"].strip()} for record in train], [""]
    labels = [name for name in names if is_label([each[name] for each in values])]
    if not labels:
        raise ValueError("the completions are texts, not labels")
    features = vectorizer()
    seen = features.fit_transform([bare(record["prompt"]) for record in train])
    choosers, sizes = {}, []
    for name in labels:
        choosers[name], size = chooser(seen, [json.dumps(each[name]) for each in values])
        sizes.append(size)
    show = nearest(train, 1) if len(labels) < len(names) else None

    def reply(requests):
        vectors = features.transform([bare(request) for request in requests])
        chosen = {name: choose(vectors) for name, choose in choosers.items()}
        replies = []
        for place, request in enumerate(requests):
            copied = fields_of(show(request)[-1]["completion"]) if show else dict.fromkeys(names)
            replies.append(
                written(copied | {name: json.loads(texts[place]) for name, texts in chosen.items()})
            )
        return replies

    return Result(
        reply,
        trainable_parameters=sum(sizes),
        stored_parameters=sum(sizes),
        stored_bytes=sum(len(name.encode()) + 8 for name in features.get_feature_names_out())
        + 8 * sum(sizes),
        examples=len(train),
        train_seconds=time.perf_counter() - started,
    )


def fields_of(completion):
    """The fields of a JSON object, or the whole text as one field without a name."""
    return json_object(completion) or {"": completion.strip()}


def written(fields):
    """Fields as a reply again."""
    return fields[""] if list(fields) == [""] else json.dumps(fields, ensure_ascii=False)


def is_label(values):
    """Whether the values of a field are few enough to choose from."""
    different = len({json.dumps(value) for value in values})
    return different <= min(MOST_LABELS, len(values) // 2)


def vectorizer():
    """TF-IDF of words, pairs of words and groups of characters, so that it works in any script."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    return make_union(words, TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True))


def chooser(seen, labels):
    """(choose(vectors) -> labels, its number of weights), learned from the vectors seen.

    A constant, without weights, where there is one label only.
    """
    from sklearn.linear_model import LogisticRegression

    if len(set(labels)) == 1:
        return lambda vectors: [labels[0]] * vectors.shape[0], 0
    model = LogisticRegression(C=STRENGTH, max_iter=1000).fit(seen, labels)
    return model.predict, model.coef_.size + model.intercept_.size


BASELINES = {"majority": majority, "nearest_copy": nearest_copy, "tfidf_classifier": tfidf_classifier}
