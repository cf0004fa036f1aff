"""What a corpus holds of the benchmarks that a model will be judged by."""

from corpuskit.contamination.benchmarks import Fields, FileTable, Part, load
from corpuskit.contamination.check import Benchmarks, check, matched, prepare

__all__ = ["Benchmarks", "Fields", "FileTable", "Part", "check", "load", "matched", "prepare"]
