"""Errors as people read them: one line that says what is wrong, where, and what to do. And how a command ends:

| exit code | meaning |
|---|---|
| 0 | done; or stopped on request (SIGTERM, Ctrl-C in a training) with everything saved |
| 1 | the run failed, or `verify` found damage |
| 2 | the recipe, the command or an argument is wrong, or a part of corpuskit is not installed: nothing was run |
| 3 | finished work would be replaced: nothing was changed; `--overwrite` or another folder |
| 4 | `--strict`: the run ended, and left something open: pages not fetched, records not read |
| 130 | interrupted with Ctrl-C; what was committed is kept |
"""

from __future__ import annotations

import difflib
import errno
import importlib
import os
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

_WAYS_OUT = {
    errno.ENOSPC: "free some space and run the same command again: it goes on where it stopped",
    errno.EDQUOT: "free some space and run the same command again: it goes on where it stopped",
    errno.EROFS: "choose another folder",
    errno.EACCES: "choose another folder, or change its permissions",
    errno.EEXIST: "a file is in the way; choose another folder",
    errno.ENOTDIR: "a file is in the way; choose another folder",
}


class CorpuskitError(Exception):
    """A run failed for a stated reason. The command line prints the message alone and exits with `exit_code`."""

    exit_code = 1


class UsageError(CorpuskitError):
    """The recipe, the command or an argument is wrong: nothing was run."""

    exit_code = 2


class InputError(UsageError, ValueError):
    """An argument of a public function is of no use: a str for a list, languages that do not match, an unknown code."""


class WouldReplace(CorpuskitError):
    """Finished work is in the way, made of other settings or input, and nobody said that it may be replaced."""

    exit_code = 3

    def __init__(self, where: Path | str, why: str):
        super().__init__(
            f"{where}: finished work is here, and would be replaced: {why}. Nothing was changed. To replace it, add "
            "--overwrite (in a recipe: 'overwrite: true'); to keep it, choose another folder with --output"
        )


class Incomplete(CorpuskitError):
    """A strict run ended, and left something open."""

    exit_code = 4


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


def refused_by_system(error: BaseException) -> str | None:
    """What to tell a person whose disk is full or whose folder may not be written; None for any other error.

    The chain is walked, since closing a half-written file on a full disk raises an error of its own on top.
    """
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OSError) and link.errno in _WAYS_OUT:
            where = f"{link.filename}: " if link.filename is not None else ""
            return f"{where}{os.strerror(link.errno)}; {_WAYS_OUT[link.errno]}"
        link = link.__cause__ or link.__context__
    return None
