"""Training a tokenizer on a stated sample of texts.

Byte-level BPE (Sennrich et al. 2016, arXiv:1508.07909, over bytes as in Radford et al. 2019, GPT-2, section 2.2) is the
default: every text round-trips, Korean included, and no token is unknown. Unigram (Kudo 2018, arXiv:1804.10959) runs
over the same bytes. WordPiece (Schuster and Nakajima 2012, as in BERT, arXiv:1810.04805) is for encoders that follow
BERT; it is the one kind that may lose a rare character to `[UNK]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Literal

from corpuskit.errors import UsageError, nearest, require
from corpuskit.inputs import Texts, as_texts
from corpuskit.tokens.tokenizer import BEGIN, END, PAD, Tokenizer

Kind = Literal["bpe", "unigram", "wordpiece"]
KINDS = ("bpe", "unigram", "wordpiece")


def train_tokenizer(texts: Texts, vocabulary: int = 8000, kind: Kind = "bpe") -> Tokenizer:
    """Learn a tokenizer of `vocabulary` tokens, the special ones among them, from texts.

    The same texts in the same order give the same tokenizer. For a corpus in files, `sample_texts` draws the texts.
    A small sample may hold fewer pairs than were asked for, and then the vocabulary is smaller. Raises UsageError for
    an unknown kind, for a byte-level vocabulary under 260 tokens, and where there is no text.
    """
    if kind not in KINDS:
        raise UsageError(f"no tokenizer kind '{kind}'{nearest(kind, KINDS)}")
    if kind != "wordpiece" and vocabulary < 260:
        raise UsageError(f"a vocabulary of {vocabulary} cannot hold 256 bytes and 3 special tokens: give 260 or more")
    library = require("tokenizers", "train")
    tokenizer, trainer = _parts(library, vocabulary, kind)
    seen = False

    def watched() -> Iterable[str]:
        nonlocal seen
        for text in _each(texts):
            if text:
                seen = True
                yield text

    tokenizer.train_from_iterator(watched(), trainer)
    if not seen:
        raise UsageError("no text to train a tokenizer on")
    ids = {token: int(tokenizer.token_to_id(token)) for token in (BEGIN, END, PAD)}
    return Tokenizer(tokenizer.to_str(), ids[BEGIN], ids[END], ids[PAD])


def _each(texts: Texts) -> Iterator[str | None]:
    """The texts one by one; what is given as an iterator is never held whole."""
    if not isinstance(texts, Iterator):
        yield from as_texts(texts).to_pylist()
        return
    while some := list(islice(texts, 1024)):
        yield from as_texts(some).to_pylist()


def _parts(library: Any, vocabulary: int, kind: Kind) -> tuple[Any, Any]:
    special = [END, BEGIN, PAD]
    shared = {"vocab_size": vocabulary, "special_tokens": special, "show_progress": False}
    alphabet = library.pre_tokenizers.ByteLevel.alphabet()
    if kind == "wordpiece":
        tokenizer = library.Tokenizer(library.models.WordPiece(unk_token="[UNK]"))
        tokenizer.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = library.decoders.WordPiece()
        shared["special_tokens"] = [*special, "[UNK]"]
        return tokenizer, library.trainers.WordPieceTrainer(**shared)
    if kind == "unigram":
        tokenizer = library.Tokenizer(library.models.Unigram())
        trainer = library.trainers.UnigramTrainer(initial_alphabet=sorted(alphabet), **shared)
    else:
        tokenizer = library.Tokenizer(library.models.BPE())
        trainer = library.trainers.BpeTrainer(initial_alphabet=sorted(alphabet), **shared)
    tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = library.decoders.ByteLevel()
    return tokenizer, trainer
