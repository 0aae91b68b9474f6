"""From documents to rows of token ids: the tokenizer, and the packing of a shard."""

import itertools
import random

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from course_utils.corpus.lexicon import all_words
from course_utils.corpus.mix import documents
from course_utils.prompts.templates import CHAT_TEMPLATE

VOCABULARY = 2048
END = "<|end|>"  # ends a document, and a turn
PAD = "<|pad|>"
# Words, single digits, signs and spaces; a word, a digit or a sign takes the space before it along.
PIECES = Regex(r" ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


def train_tokenizer(seed, documents_used=30_000, word_lists=8_000):
    """A byte-level BPE tokenizer with single digits, trained on the first documents of the corpus.

    Two aids for a small vocabulary. A word at the start of a line is the same token as within a
    line, because a space is put before it (and taken away in decoding, so nothing is lost). And
    lists of the basic words are added to the training texts, so that most of these are one token.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Replace(Regex("\n(?=[^\n])"), "\n ")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(PIECES, "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Replace("\n ", "\n")])
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    rng, words = random.Random(f"words {seed}"), all_words()
    lists = (" " + " ".join(rng.sample(words, 20)) for _ in range(word_lists))
    texts = (text for _, text in itertools.islice(documents(seed, "tokenizer"), documents_used))
    tokenizer.train_from_iterator(itertools.chain(texts, lists), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END, pad_token=PAD, model_max_length=1024, padding_side="left"
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def rows(tokenizer, seed, index, count, length, shares=None):
    """`count` packed rows of shard `index`: (count, length + 1) uint16 token ids.

    Every row starts with a document and the last document of a row is cut, so that the model
    sees many document starts at position 0, as a prompt has.
    """
    stream = documents(seed, index, shares)
    backend, end = tokenizer.backend_tokenizer, tokenizer.eos_token_id
    packed = np.empty((count, length + 1), dtype=np.uint16)
    pending = iter(())
    for row in packed:
        filled = 0
        while filled <= length:
            ids = next(pending, None)
            if ids is None:
                texts = [text for _, text in itertools.islice(stream, 256)]
                pending = iter([e.ids for e in backend.encode_batch_fast(texts)])
                continue
            piece = (ids + [end])[: length + 1 - filled]
            row[filled : filled + len(piece)] = piece
            filled += len(piece)
    return packed
