"""The pretraining corpus of the glass-box model: word lists, sentence frames and the documents made of
them."""
