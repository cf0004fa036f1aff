"""corpuskit: from the open web to a clean corpus, and from a clean corpus to a small language model, with evidence."""

__version__ = "0.1.0"
