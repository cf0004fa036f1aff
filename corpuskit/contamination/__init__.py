"""What a corpus holds of the benchmarks that a model will be judged by."""

from corpuskit.contamination.benchmarks import Part, load
from corpuskit.contamination.check import Benchmarks, check, prepare

__all__ = ["Benchmarks", "Part", "check", "load", "prepare"]
