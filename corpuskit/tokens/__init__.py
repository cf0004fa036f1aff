"""Tokens: train or load a tokenizer, encode a corpus into Arrow shards, and read them in an exact, replayable order."""

from corpuskit.tokens.order import SeenDocument, TokenOrder
from corpuskit.tokens.sample import sample_texts
from corpuskit.tokens.shards import Manifest, Shard, Shards, Statistic, open_shards, read_manifest, token_statistics
from corpuskit.tokens.tokenizer import Tokenizer, load_tokenizer
from corpuskit.tokens.train import train_tokenizer
from corpuskit.tokens.weights import Weights
from corpuskit.tokens.write import write_shards

__all__ = [
    "Manifest",
    "SeenDocument",
    "Shard",
    "Shards",
    "Statistic",
    "TokenOrder",
    "Tokenizer",
    "Weights",
    "load_tokenizer",
    "open_shards",
    "read_manifest",
    "sample_texts",
    "token_statistics",
    "train_tokenizer",
    "write_shards",
]
