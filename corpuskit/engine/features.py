"""What a feature declares in its `feature.py`, and how declarations are found and used.

A declaration names sources, stages, recipe keys, commands and report sections by their dotted paths, so that reading
all declarations imports no code of any feature. The features of corpuskit are the folders of the package that hold a
`feature.py`; other packages register the same declaration under an entry point in the group `corpuskit.features`.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, get_args

from corpuskit.errors import CorpuskitError, MissingExtra, UsageError

GROUP = "corpuskit.features"
"""The entry point group in which another package registers its declaration."""

Phase = Literal["collect", "clean", "tokenise", "train", "audit", "try"]
"""Where on the way from the web to an audited model a feature works. Lists of features follow this order."""

Part = Literal["cleaning", "training", "audit", "record"]
"""Part of the report page to which a section belongs."""


@dataclass(frozen=True)
class Command:
    target: str
    """`module:attribute` of a function or of a `typer.Typer`."""
    summary: str
    """One sentence, shown by `corpuskit --help` without importing the target."""


@dataclass(frozen=True)
class RecipeKey:
    target: str
    """`module:attribute` of a `corpuskit.engine.job.JobKey`."""
    after: tuple[str, ...] = ()
    """Recipe keys whose jobs run before this key's jobs, where the recipe has them."""


@dataclass(frozen=True)
class ReportSection:
    target: str
    """`module:attribute` of a function from `corpuskit.drawing.run.RunFacts` to a section, or None where there is
    nothing to show."""
    part: Part


@dataclass(frozen=True)
class Feature:
    """A feature of corpuskit or of another package."""

    name: str
    phase: Phase
    uses: tuple[str, ...] = ()
    """Features whose data flow into this one: it may import them."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Source key -> `module:class`."""
    stages: Mapping[str, str] = field(default_factory=dict)
    """Stage key -> `module:class`."""
    recipe_keys: Mapping[str, RecipeKey] = field(default_factory=dict)
    """Top-level key of the recipe -> the jobs that it makes."""
    commands: Mapping[str, Command] = field(default_factory=dict)
    """Words after `corpuskit` -> command. 'tokens export' adds to the group that another command declares."""
    report: tuple[ReportSection, ...] = ()
    """Sections of the report page, in order."""
    histories: tuple[str, ...] = ()
    """`module:attribute` of functions from a run's folder and a `corpuskit.engine.ledger.Story` to the lines that
    `corpuskit why` adds to it."""


@dataclass(frozen=True)
class Features:
    """All features that are installed."""

    working: tuple[Feature, ...]
    broken: Mapping[str, str]
    """Feature whose declaration cannot be read -> the reason."""

    def sources(self) -> dict[str, str]:
        return {key: target for feature in self.working for key, target in feature.sources.items()}

    def stages(self) -> dict[str, str]:
        return {key: target for feature in self.working for key, target in feature.stages.items()}

    def commands(self) -> dict[str, tuple[Feature, Command]]:
        return {words: (feature, command) for feature in self.working for words, command in feature.commands.items()}

    def recipe_keys(self) -> dict[str, RecipeKey]:
        """Every recipe key, in the order in which a run does their jobs."""
        left = {key: entry for feature in self.working for key, entry in feature.recipe_keys.items()}
        ordered: dict[str, RecipeKey] = {}
        while left:
            ready = [key for key, entry in left.items() if not set(entry.after) & set(left)]
            if not ready:
                raise CorpuskitError(f"the recipe keys {', '.join(left)} each run after another of them")
            ordered[ready[0]] = left.pop(ready[0])
        return ordered

    def report(self, part: Part) -> list[tuple[Feature, ReportSection]]:
        """The sections of a part of the report page, in order."""
        return [(feature, section) for feature in self.working for section in feature.report if section.part == part]


@cache
def features() -> Features:
    """The features of corpuskit and of other installed packages, in the order of their phases."""
    working: list[Feature] = []
    broken: dict[str, str] = {}
    package = Path(__file__).resolve().parents[1]
    own = [(path.parent.name, path) for path in sorted(package.glob("*/feature.py"))]
    others = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    readers: list[tuple[str, Callable[[], Any]]] = [(name, partial(_declaration, name, path)) for name, path in own]
    readers += [(point.name, point.load) for point in others]
    for name, reader in readers:
        try:
            feature = reader()
            if not isinstance(feature, Feature):
                raise TypeError(f"{type(feature).__name__} is not a corpuskit.engine.features.Feature")
            _check_names(feature, working)
        except Exception as error:  # another package's code may raise anything; the other features still work
            broken[name] = f"{type(error).__name__}: {error}"
        else:
            working.append(feature)
    working.sort(key=lambda feature: get_args(Phase).index(feature.phase))
    return Features(tuple(working), broken)


def _declaration(name: str, path: Path) -> Any:
    """The declaration in a folder of this package, read without importing the folder's `__init__`."""
    module_name = f"corpuskit.{name}.feature"
    if module_name not in sys.modules:
        spec = importlib.util.spec_from_file_location(module_name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[module_name]
            raise
    return sys.modules[module_name].FEATURE


def _check_names(feature: Feature, working: list[Feature]) -> None:
    """Raises ValueError where a feature takes a name that another feature has."""
    if feature.phase not in get_args(Phase):
        raise ValueError(f"unknown phase '{feature.phase}'; valid: {', '.join(get_args(Phase))}")
    for other in working:
        if other.name == feature.name:
            raise ValueError(f"two features are named '{feature.name}'")
        for what in ("sources", "stages", "recipe_keys", "commands"):
            taken = set(getattr(other, what)) & set(getattr(feature, what))
            if taken:
                raise ValueError(f"{what} {', '.join(sorted(taken))}: declared by the feature '{other.name}', too")


def resolve(target: str) -> Any:
    """Import what a declaration names (`module:attribute`).

    Raises UsageError that names the target and the reason where it cannot be imported.
    """
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (MissingExtra, UsageError):
        raise
    except Exception as error:  # a feature that fails to import is named, and the rest works
        raise UsageError(f"'{target}' cannot be imported: {type(error).__name__}: {error}") from error
