"""Documents that are no HTML: PDF, office files, books, HWP and HWPX, mail and Markdown, each to plain text."""

from __future__ import annotations

from corpuskit.extract.documents.formats import document_format, read_document

__all__ = ["document_format", "read_document"]
