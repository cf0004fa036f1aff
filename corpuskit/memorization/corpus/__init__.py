"""The side of the text: which windows are tested, how often each stands in the corpus, and where it came from."""

from corpuskit.memorization.corpus.copies import Copies, copies_in, count_stretches, stretch_copies
from corpuskit.memorization.corpus.frames import TrainingFrames, training_frames
from corpuskit.memorization.corpus.trace import Span, corpus_spans
from corpuskit.memorization.corpus.windows import Windows, sample_windows, stratified_windows

__all__ = [
    "Copies",
    "Span",
    "TrainingFrames",
    "Windows",
    "copies_in",
    "corpus_spans",
    "count_stretches",
    "sample_windows",
    "stratified_windows",
    "stretch_copies",
    "training_frames",
]
