"""The command line: thin commands over the functions that people call from Python."""

from corpuskit.cli.main import main

__all__ = ["main"]
