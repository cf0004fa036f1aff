"""Tokens: train or load a tokenizer, encode a corpus into Arrow shards, and read them in an exact, replayable order."""

from corpuskit.tokens.order import Seen, TokenOrder
from corpuskit.tokens.sample import sample_texts
from corpuskit.tokens.shards import Manifest, Shard, Shards, open_shards, read_manifest
from corpuskit.tokens.tokenizer import Tokenizer, load_tokenizer
from corpuskit.tokens.train import train_tokenizer
from corpuskit.tokens.write import write_shards

__all__ = [
    "Manifest",
    "Seen",
    "Shard",
    "Shards",
    "TokenOrder",
    "Tokenizer",
    "load_tokenizer",
    "open_shards",
    "read_manifest",
    "sample_texts",
    "train_tokenizer",
    "write_shards",
]
