"""What a recipe may contain: as a JSON schema for editors, and as descriptions for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from corpuskit.engine.features import features
from corpuskit.errors import CorpuskitError
from corpuskit.recipe.load import RecipeKeys
from corpuskit.recipe.registry import job_key, source_class, stage_class


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a recipe, with the sources, stages and keys of every feature installed."""
    schema = RecipeKeys.model_json_schema()
    definitions: dict[str, Any] = schema.setdefault("$defs", {})
    declared = features()
    for section, names, find in (
        ("sources", declared.sources(), source_class),
        ("stages", declared.stages(), stage_class),
    ):
        choices = [_item(key, find(key), definitions) for key in names]
        if section == "stages":
            choices.append({"type": "string", "enum": list(names)})
        # a class of a user's own, by its dotted path
        choices.append({"type": "object", "patternProperties": {r"\.": {}}, "additionalProperties": False})
        schema["properties"][section]["items"] = {"anyOf": choices}
    for key in declared.recipe_keys():
        entry = job_key(key)
        settings = entry.settings.model_json_schema()
        definitions.update(settings.pop("$defs", {}))
        definitions[f"key {key}"] = settings
        schema["properties"][key] = {
            "anyOf": [{"$ref": f"#/$defs/key {key}"}, {"type": "null"}],
            "default": None,
            "description": entry.summary,
        }
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


@dataclass(frozen=True)
class Description:
    """What a recipe may name."""

    sources: list[Entry]
    stages: list[Entry]
    keys: list[Entry]
    """Keys of the jobs on the finished corpus, in the order in which a run does them."""
    broken: dict[str, str]
    """A feature, source, stage or key that cannot be imported -> the reason."""


def described() -> Description:
    """Every source, stage and job key that is installed, with its settings."""
    declared = features()
    broken = dict(declared.broken)

    def entries(keys: Iterable[str], find: Callable[[str], Entry]) -> list[Entry]:
        found = []
        for key in keys:
            try:
                found.append(find(key))
            except CorpuskitError as error:
                broken[key] = str(error)
        return found

    return Description(
        sources=entries(declared.sources(), lambda key: _entry(key, source_class(key))),
        stages=entries(declared.stages(), lambda key: _entry(key, stage_class(key))),
        keys=entries(declared.recipe_keys(), lambda key: _entry(key, job_key(key).settings, job_key(key).summary)),
        broken=broken,
    )


def _entry(key: str, model: type[BaseModel], summary: str | None = None) -> Entry:
    settings = []
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else repr(field.get_default(call_default_factory=True))
        settings.append(Setting(name, default, " ".join((field.description or "").split())))
    return Entry(key, summary or " ".join((model.__doc__ or "").strip().split("\n\n")[0].split()), settings)
