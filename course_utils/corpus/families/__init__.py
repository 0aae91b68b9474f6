"""The families of documents in the corpus, one a file: each has `document(rng)`, and most make test items."""
