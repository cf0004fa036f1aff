"""Choosing documents by any column: expressions, addresses, patterns, and a sample."""

from corpuskit.selection.expression import Expression, select

__all__ = ["Expression", "select"]
