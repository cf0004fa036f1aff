"""From located YAML to validated configuration: every error names the file, the line and the nearest valid word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from corpuskit.engine.located import Located, Place
from corpuskit.engine.wording import worded
from corpuskit.errors import UsageError

Model = TypeVar("Model", bound=BaseModel)


class Problems:
    """Everything wrong with a recipe, collected, so that a person mends it once."""

    def __init__(self, located: Located):
        self.located = located
        self._problems: list[str] = []

    def add(self, place: Sequence[str | int], message: str) -> None:
        path = _shown(tuple(place))
        self._problems.append(f"{self.located.where(place)}: {path + ': ' if path else ''}{message}")

    def validate(self, model: type[Model], value: Any, place: Place) -> Model | None:
        """The model, or None with the problems noted."""
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            fields = ", ".join(model.model_fields)
            self.add(place, f"expected keys ({fields}), found {value!r}")
            return None
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                location = tuple(part for part in problem["loc"] if not _is_union_label(part, value))
                self.add((*place, *location), worded(model, problem, location))
            return None

    def raise_any(self) -> None:
        if self._problems:
            raise UsageError("\n".join(self._problems))


def _is_union_label(part: str | int, value: Any) -> bool:
    """Pydantic puts the branch of a union ('list[str]') into a location; people need not see it."""
    return isinstance(part, str) and bool(re.search(r"[\[\]()]|^(str|int|float|bool|none|dict|list)$", part))


def _shown(place: Place) -> str:
    """'stages.near_duplicates.threshold' for a place; numbers of a list of named things are left out."""
    return ".".join(
        str(part)
        for position, part in enumerate(place)
        if not (isinstance(part, int) and position == 1 and len(place) > 2)
    )
