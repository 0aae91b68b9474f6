"""Finding what to show in a prompt: the texts or records most like a request, by TF-IDF and cosine."""

from course_utils.prompts.few_shot import bare


def nearest(train, k):
    """show(request) -> the k records whose requests are most like it, the nearest last."""
    find = retriever([bare(record["prompt"]) for record in train], train)
    return lambda request: find(bare(request), k)


def retriever(texts, things=None):
    """find(query, n) -> the n texts nearest to the query, the nearest last, next to where it is used.

    things: what to give back in place of each text.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    matrix, things = words.fit_transform(texts), things or texts

    def find(query, n):
        near = (matrix @ words.transform([query]).T).toarray()[:, 0]
        return [things[i] for i in near.argsort(kind="stable")[max(0, len(texts) - n) :]]

    return find
