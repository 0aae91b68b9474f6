"""Feature-based transfer in its strict sense: a frozen model, whose hidden states feed a new head.

    x = features.of(model, tokenizer, texts)         (N, D)
    head = features.head(x, labels)
    head.predict(features.of(model, tokenizer, new_texts))

Nothing in the model changes, so nothing is forgotten; the head answers with one of the labels that it was
trained on, and writes no text. Taught in lesson 04. Source: Peters et al. 2018 (ELMo) and 2019, "To Tune or
Not to Tune?". Left out: a weighted mix of the layers.
"""

import torch

from course_utils.batching import batches, left_pad

BATCH = 16


@torch.inference_mode()
def of(model, tokenizer, texts, layer=None):
    """The mean hidden state of each text after a layer, by default the middle one: (N, D)."""
    layer = model.config.get_text_config().num_hidden_layers // 2 if layer is None else layer
    rows = [tokenizer(text)["input_ids"] for text in texts]
    means = [None] * len(rows)
    for batch in batches(rows, BATCH):
        ids, mask, positions = left_pad([rows[i] for i in batch], model.device)
        states = model.get_decoder()(
            input_ids=ids, attention_mask=mask, position_ids=positions, output_hidden_states=True
        ).hidden_states[layer]  # (B, T, D)
        weights = mask[..., None].float()
        for i, mean in zip(batch, (states.float() * weights).sum(1) / weights.sum(1)):
            means[i] = mean.cpu()
    return torch.stack(means)


def head(features, labels):
    """A new head with predict(features): logistic regression from standardized features (N, D) to labels."""
    from sklearn.linear_model import LogisticRegression  # imported late: it takes seconds
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=500)).fit(features, labels)


def head_on_words(texts, labels):
    """The rival without a model: predict(texts) by logistic regression on TF-IDF of one and two words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(ngram_range=(1, 2))
    return make_pipeline(words, LogisticRegression(C=10, max_iter=1000)).fit(texts, labels)
