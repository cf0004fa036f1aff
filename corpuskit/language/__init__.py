"""Which language a text is in, and how much of it is Korean or English."""

from corpuskit.language.identify import LANGUAGES, identify

__all__ = ["LANGUAGES", "identify"]
