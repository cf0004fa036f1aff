"""The classes behind the names that a recipe may use, imported when they are used."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpuskit.engine.features import features, resolve
from corpuskit.engine.job import JobKey
from corpuskit.engine.source import Source
from corpuskit.engine.stage import Stage
from corpuskit.errors import UsageError, nearest


def source_class(key: str) -> type[Source]:
    """The class behind a source's key or dotted path. Raises UsageError with the nearest valid name."""
    cls: type[Source] = _class(key, features().sources(), Source, "source")
    return cls


def stage_class(key: str) -> type[Stage]:
    """The class behind a stage's key or dotted path. Raises UsageError with the nearest valid name."""
    cls: type[Stage] = _class(key, features().stages(), Stage, "stage")
    return cls


def job_key(key: str) -> JobKey:
    """What a key of the recipe makes. Raises UsageError where its feature cannot be imported."""
    entry = resolve(features().recipe_keys()[key].target)
    if not isinstance(entry, JobKey):
        raise UsageError(f"the recipe key '{key}' is not declared by a corpuskit.engine.job.JobKey")
    return entry


def make_importable(folder: Path) -> None:
    """Let recipes name classes of modules in a folder, after everything that is installed."""
    path = str(folder.resolve())
    if path not in sys.path:
        sys.path.append(path)


def suggestion(key: str, known: Mapping[str, Any]) -> str:
    """The end of a message about an unknown name: the nearest valid name, and the features that cannot be used."""
    broken = "".join(f"; the feature '{name}' cannot be used ({why})" for name, why in features().broken.items())
    return nearest(key, known) + broken


def _class(key: str, known: Mapping[str, str], base: type[Any], what: str) -> Any:
    if key in known:
        cls = resolve(known[key])
    elif "." in key:
        module, _, name = key.rpartition(".")
        cls = resolve(f"{module}:{name}")
    else:
        raise UsageError(f"unknown {what} '{key}'{suggestion(key, known)}")
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise UsageError(f"{what} '{key}' is not a subclass of {base.__module__}.{base.__name__}")
    return cls
