"""YAML with the line of every key, so that an error can say where."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from corpuskit.errors import UsageError

Place = tuple[str | int, ...]


@dataclass
class Located:
    """Plain values, and where each of them stands."""

    value: Any
    name: str
    """What messages call the file."""
    lines: dict[Place, int] = field(default_factory=dict)
    changed: dict[Place, str] = field(default_factory=dict)
    """Places that `--set` gave their value, with the option as typed."""

    def where(self, place: Sequence[str | int]) -> str:
        """'recipe.yaml line 12' for a place, or for what holds it; the option where `--set` made it."""
        parts = tuple(place)
        for length in range(len(parts), -1, -1):
            if parts[:length] in self.changed:
                return self.changed[parts[:length]]
            if parts[:length] in self.lines:
                return f"{self.name} line {self.lines[parts[:length]]}"
        return self.name


class _Loader(yaml.SafeLoader):
    """Reads `1e-3` as a number, as YAML 1.2 does."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def parse(text: str, name: str) -> Located:
    """Raises UsageError, with the line, for what is no YAML, and for a key that stands twice."""
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            located = Located(None, name)
            located.value = _value(loader, node, (), located) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{name}{line}: not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: not valid YAML: {error}") from error
    return located


def _value(loader: _Loader, node: yaml.Node, place: Place, located: Located) -> Any:
    located.lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(loader.construct_object(key_node, deep=True))
            line = key_node.start_mark.line + 1
            if key in found:
                raise UsageError(f"{located.name} line {line}: the key '{key}' stands twice")
            located.lines[(*place, key)] = line
            found[key] = _value(loader, value_node, (*place, key), located)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, item, (*place, number), located) for number, item in enumerate(node.value)]
    return loader.construct_object(node, deep=True)
