"""How a text reads: Gopher, C4, FineWeb and Korean measurements in one pass, and the rules that use them."""

from corpuskit.quality.c4 import clean_lines
from corpuskit.quality.compatible import clean_lines_as, measure_as
from corpuskit.quality.korean import clean as clean_korean
from corpuskit.quality.limits import DerivedLimit, derive_limits
from corpuskit.quality.measure import measure
from corpuskit.quality.model import Model, train, train_files
from corpuskit.quality.model import load as load_model
from corpuskit.quality.rules import rule_sets

__all__ = [
    "DerivedLimit",
    "Model",
    "clean_korean",
    "clean_lines",
    "clean_lines_as",
    "derive_limits",
    "load_model",
    "measure",
    "measure_as",
    "rule_sets",
    "train",
    "train_files",
]
