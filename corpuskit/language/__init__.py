"""Which language a text is in, and how much of it is Korean or English."""

from corpuskit.language.identify import identify

__all__ = ["identify"]
