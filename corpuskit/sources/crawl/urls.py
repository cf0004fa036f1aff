"""The addresses of pages as the crawl spells them: see `corpuskit.urls`."""

from corpuskit.urls import MAX_LENGTH, canonical, host, origin

__all__ = ["MAX_LENGTH", "canonical", "host", "origin"]
