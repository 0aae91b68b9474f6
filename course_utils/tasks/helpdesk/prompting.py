"""What a model is shown: the prompt of all records, the instruction, and policy lines for a message."""

import functools

from course_utils.tasks.helpdesk import shop

HEAD, TAIL = "Message: ", "\nAnswer:"


def prompt(message):
    """A customer's message in the form that all records have."""
    return f"{HEAD}{message}{TAIL}"


def message_of(record):
    """The customer's message of a record, without the form around it."""
    return record["prompt"].removeprefix(HEAD).removesuffix(TAIL)


def instruction():
    """The rules in brief, for prompts without examples: at most 120 tokens."""
    teams = ", ".join(shop.TEAMS)
    return (
        f"You answer customers of the online shop {shop.NAME}. Write one line of JSON with the keys team "
        f"({teams}), priority (high, normal, low) and reply. The reply greets the customer by name, quotes "
        "the order number or asks for it if it is needed, apologizes once to angry customers only, states "
        f"the facts, never promises a refund, has at most {shop.MOST_WORDS} words and ends with "
        f'"{shop.SIGN_OFF}".'
    )


def facts_for(message, k=3):
    """The k statements of the policy sheet most like a message by TF-IDF and cosine, the best first.

    The sheet's column `topic` counts as well: customers seldom use the words of the statement.
    """
    vectorizer, matrix = _sheet()
    similarity = (matrix @ vectorizer.transform([message]).T).toarray().ravel()
    statements = [fact.statement for fact in shop.FACTS.values()]
    return [statements[i] for i in sorted(range(len(statements)), key=lambda i: -similarity[i])[:k]]


@functools.cache
def _sheet():
    """(vectorizer, matrix of the sheet's lines); scikit-learn is slow to import, so only here."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    # Pieces of words instead of whole ones: "returned" then finds "returns", and so do typing errors.
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    lines = [f"{fact.statement} {fact.topic}" for fact in shop.FACTS.values()]
    return vectorizer, vectorizer.fit_transform(lines)
