"""The command line: thin commands over the functions that people call from Python."""

from corpuskit.cli.app import main

__all__ = ["main"]
