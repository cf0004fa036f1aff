"""What corpuskit says when it cannot go on: one line that names the thing, the place and the way out."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType


class CorpuskitError(Exception):
    """A run failed for a stated reason. The command line prints the message alone and exits with `exit_code`."""

    exit_code = 1


class UsageError(CorpuskitError):
    """The recipe, the command or an argument is wrong: nothing was run."""

    exit_code = 2


class Stopped(CorpuskitError):
    """A run was asked to stop (SIGTERM, Ctrl-C) and did, with everything saved: the same command goes on."""

    exit_code = 0


class MissingExtra(CorpuskitError):
    """An optional part of corpuskit is not installed."""

    exit_code = 2


def require(module: str, extra: str) -> ModuleType:
    """Import an optional dependency.

    Raises MissingExtra, naming the command that installs it, where it is absent.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        if missing.split(".")[0] == "corpuskit":
            raise
        raise MissingExtra(
            f"'{missing}' is not installed, and this needs it: pip install 'corpuskit[{extra}]'"
        ) from error


def nearest(word: str, words: Iterable[str]) -> str:
    """`; did you mean 'quality'?` for the nearest valid word, or the list of valid words where none is near."""
    valid = sorted(set(words))
    close = difflib.get_close_matches(word, valid, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; valid here: {', '.join(valid)}" if valid else ""
