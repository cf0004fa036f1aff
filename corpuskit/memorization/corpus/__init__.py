"""The side of the text: which windows are tested, how often each stands in the corpus, and where it came from."""

from corpuskit.memorization.corpus.windows import Windows, copies_in, sample_windows, stratified_windows

__all__ = ["Windows", "copies_in", "sample_windows", "stratified_windows"]
