"""Evaluation: what held-out text costs a model in bits, what tasks it can do, and with how many examples."""

from corpuskit.training.evaluation.held_out import Bits, HeldOutBits, held_out_bits, summarize
from corpuskit.training.evaluation.language_model import LanguageModel, open_model
from corpuskit.training.evaluation.statistics import Estimate, mean, paired_difference, ratio

__all__ = [
    "Bits",
    "Estimate",
    "HeldOutBits",
    "LanguageModel",
    "held_out_bits",
    "mean",
    "open_model",
    "paired_difference",
    "ratio",
    "summarize",
]
