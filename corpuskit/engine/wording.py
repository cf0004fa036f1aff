"""What is wrong with a setting, in words for the person who wrote it."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from corpuskit.engine.located import Place
from corpuskit.errors import nearest


def worded(model: type[BaseModel], problem: Mapping[str, Any], location: Place) -> str:
    """A problem of pydantic's in plain words, with the nearest valid one where a key or a choice is misspelt.

    `problem` is one of `ValidationError.errors()`; `location` its place inside the model.
    """
    kind, given = problem["type"], problem.get("input")
    if kind == "extra_forbidden":
        key, models = str(location[-1]), _models_at(model, location[:-1])
        fields = sorted({name for each in models for name in each.model_fields})
        for each in models:
            if key in getattr(each, "renamed", {}):
                return f"'{key}' is now called '{each.renamed[key]}'"  # type: ignore[attr-defined]
        words = nearest(key, fields)
        if "columns" in fields and isinstance(given, str) and "did you mean" not in words:
            words += f". If a field of the records is meant, write columns: {{{key}: {given}}}"
        return f"unknown key{words}"
    if kind == "missing":
        return "this key is required"
    if kind in ("literal_error", "enum"):
        valid = re.findall(r"'([^']*)'", str(problem.get("ctx", {}).get("expected", "")))
        return f"{given!r} is not valid{nearest(str(given), valid)}"
    message = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind in ("value_error", "assertion_error"):
        return message
    return f"{message[:1].lower()}{message[1:]} (found {_short(given)})"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _models_at(model: type[BaseModel], location: Place) -> list[type[BaseModel]]:
    """The models whose keys are valid at a place inside a model."""
    current: list[type[BaseModel]] = [model]
    for part in location:
        if isinstance(part, int):
            continue
        current = [
            found
            for each in current
            if part in each.model_fields
            for found in _models(each.model_fields[part].annotation)
        ]
    return current


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, list, tuple, dict, typing.Annotated, Sequence):
        return [found for argument in typing.get_args(annotation) for found in _models(argument)]
    return []
