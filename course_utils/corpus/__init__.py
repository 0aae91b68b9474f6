"""The pretraining corpus of the glass-box model: a generator of short documents about an invented world.

Families (corpus/families: one kind of document a file, such as exams, forums, word problems, look-ups) fill
sentence frames (corpus/frames, and the tables of each family) with words and facts from the lexicon (the
CSV files of data/corpus). Styles define how a reply follows a system line; `mix` samples families in stated
shares; `split` decides by a hash of its content whether an item belongs to the corpus or is held out for
evaluation; `tokens` makes the tokenizer and packed rows. Everything follows from a seed; nothing is stored.
"""
