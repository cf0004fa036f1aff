"""What a recipe may say: as a JSON schema for editors, and as words for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from corpuskit.recipe.load import RecipeKeys
from corpuskit.recipe.registry import SOURCES, STAGES, source_class, stage_class


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a recipe, with every built-in source and stage."""
    schema = RecipeKeys.model_json_schema()
    definitions: dict[str, Any] = schema.setdefault("$defs", {})
    for section, names, find in (("sources", SOURCES, source_class), ("stages", STAGES, stage_class)):
        choices = [_item(key, find(key), definitions) for key in names]
        if section == "stages":
            choices.append({"type": "string", "enum": list(names)})
        # a class of a user's own, by its dotted path
        choices.append({"type": "object", "patternProperties": {r"\.": {}}, "additionalProperties": False})
        schema["properties"][section]["items"] = {"anyOf": choices}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "corpuskit recipe", **schema}


def _item(key: str, model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    settings = model.model_json_schema()
    definitions.update(settings.pop("$defs", {}))
    definitions[key] = settings
    value = {"anyOf": [{"$ref": f"#/$defs/{key}"}, {"type": "null"}]}
    return {"type": "object", "properties": {key: value}, "required": [key], "additionalProperties": False}


@dataclass(frozen=True)
class Setting:
    name: str
    default: str
    help: str


@dataclass(frozen=True)
class Entry:
    key: str
    summary: str
    settings: list[Setting]


def described() -> dict[str, list[Entry]]:
    """'sources' and 'stages' -> each key with what it does and its settings."""
    return {
        "sources": [_entry(key, source_class) for key in SOURCES],
        "stages": [_entry(key, stage_class) for key in STAGES],
    }


def _entry(key: str, find: Callable[[str], type[BaseModel]]) -> Entry:
    model = find(key)
    settings = []
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else repr(field.get_default(call_default_factory=True))
        settings.append(Setting(name, default, " ".join((field.description or "").split())))
    return Entry(key, " ".join((model.__doc__ or "").strip().split("\n\n")[0].split()), settings)
