"""How a text reads: Gopher, C4, FineWeb and Korean measurements in one pass, and the rules that stand on them."""

from corpuskit.quality.c4 import clean_lines
from corpuskit.quality.korean import clean as clean_korean
from corpuskit.quality.measure import measure
from corpuskit.quality.rules import rule_sets

__all__ = ["clean_korean", "clean_lines", "measure", "rule_sets"]
