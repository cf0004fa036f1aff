"""What the result of a step depends on, stated in words that people can read; the digest of it is the step's key.

A step depends on the configuration of its stages, on what they read, on the `version` that each class of corpuskit
states, and on the versions of the libraries and the digests of the files (models, word lists) that a stage names.
The bytes of our source files are no part of it, so a comment changes nothing. A class of a user's own may state a
`version`, too; without one it is known by its code (`corpuskit.engine.own_code`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from pydantic import BaseModel

from corpuskit.engine.files import digest, input_fingerprint
from corpuskit.engine.own_code import PACKAGE, code_behind

ENGINE_VERSION = 3
"""Raised when the engine itself (passes, parts, ledger, publishing) makes another result of the same stages."""


LATER = "an earlier step runs again"
"""The reason of a step that differs in nothing of its own."""


class Component(TypedDict):
    """A stage, source or job as a part of a key."""

    kind: str
    """'stage', 'source' or 'job'."""
    name: str
    settings: dict[str, Any]
    """Settings that differ from their defaults, by the names that a recipe gives them."""
    version: NotRequired[int]
    code: NotRequired[dict[str, str]]
    """Module -> digest, of a class of a user's own that states no version."""
    bases: NotRequired[dict[str, int]]
    """Classes of corpuskit that such a class is derived from -> their versions."""
    owner: NotRequired[str]
    """Dotted path of a class that is not corpuskit's."""
    libraries: NotRequired[dict[str, str]]
    """Distribution -> its installed version."""
    files: NotRequired[dict[str, str]]
    """Path of a file that it reads beside the documents -> digest."""
    input: NotRequired[str]
    """Digest of what a source reads: paths, sizes and times of change."""


class Parts(TypedDict):
    """All that a step's key is made of."""

    engine: int
    components: list[Component]
    after: NotRequired[str]
    """Key of the step whose output this one takes."""
    reads: NotRequired[dict[str, str]]
    """Output of an earlier step, by its folder -> digest of its files."""
    options: NotRequired[dict[str, Any]]


def key_of(parts: Parts) -> str:
    return digest(parts)


def settings_of(model: BaseModel) -> dict[str, Any]:
    """The settings of a model that differ from their defaults, as JSON.

    A new setting whose default changes nothing leaves every key as it is. A changed default is a changed result: it
    needs another `version`, and a test sees to it.
    """
    settings: dict[str, Any] = model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return settings


def defaults_of(model: type[BaseModel]) -> dict[str, Any]:
    """The defaults of a model's settings, as JSON, by the names that a recipe gives them."""
    found = {}
    for name, field in model.model_fields.items():
        if not field.is_required():
            default = field.get_default(call_default_factory=True, validated_data={})
            plain = default.model_dump(mode="json", by_alias=True) if isinstance(default, BaseModel) else default
            found[field.alias or name] = json.loads(json.dumps(plain, default=str))
    return found


@cache
def installed(distribution: str) -> str:
    """The version of an installed distribution without its build (`+cpu`), or 'absent'."""
    try:
        return version(distribution).partition("+")[0]
    except PackageNotFoundError:
        return "absent"


def component(
    kind: str,
    name: str,
    owner: type | None,
    *,
    settings: Mapping[str, Any],
    libraries: Iterable[str] = (),
    files: Sequence[Path] = (),
    state: Mapping[str, str] | None = None,
    own_code: Sequence[Any] = (),
    version: int | None = None,
) -> Component:
    """What a stage, source or job contributes to a key. `owner` is its class; a job states `version` instead."""
    found: Component = {"kind": kind, "name": name, "settings": dict(settings)}
    if owner is not None:
        if owner.__module__.partition(".")[0] != PACKAGE:
            found["owner"] = f"{owner.__module__}.{owner.__qualname__}"
        version = owner.__dict__.get("version")
    if version is not None:
        found["version"] = int(version)
    elif owner is not None:
        found["code"] = code_behind(owner)
        bases = {base.__qualname__: base.__dict__["version"] for base in owner.__mro__[1:] if "version" in vars(base)}
        if bases:
            found["bases"] = bases
    for each in own_code:
        if each.__module__.partition(".")[0] == PACKAGE:
            continue
        found["code"] = found.get("code", {}) | code_behind(each)
    if named := sorted(set(libraries)):
        found["libraries"] = {library: installed(library) for library in named}
    if files or state:
        found["files"] = {**dict(input_fingerprint(list(files))), **(state or {})}
    plain: Component = json.loads(json.dumps(found, default=str))
    return plain


def reasons(new: Parts, old: Parts | None, defaults: Mapping[str, Mapping[str, Any]] | None = None) -> list[str]:
    """Why a step would run again: each difference between what its key is made of now and what it was made of.

    `defaults`: name of a component -> its settings' defaults, to say what a setting was that was not given.
    """
    if old is None:
        return []
    said: list[str] = []
    if new["engine"] != old["engine"]:
        said.append(f"the engine: version {new['engine']}, was {old['engine']}")
    ours, theirs = _by_name(new), _by_name(old)
    said += [f"{kind} {name} is new" for kind, name in ours if (kind, name) not in theirs]
    said += [f"{kind} {name} is gone" for kind, name in theirs if (kind, name) not in ours]
    for known, now in ours.items():
        if known in theirs:
            said += _differences(now, theirs[known], (defaults or {}).get(known[1], {}))
    if not said and list(ours) != list(theirs):
        said.append("the order has changed")
    for name, value in new.get("options", {}).items():
        before = old.get("options", {}).get(name)
        if value != before:
            said.append(f"{name} {_shown(value)}, was {_shown(before)}")
    read, was_read = new.get("reads", {}), old.get("reads", {})
    said += [f"{name} changed" for name in read if name in was_read and read[name] != was_read[name]]
    said += [f"{name} is read, was not" for name in read if name not in was_read]
    said += [f"{name} is no longer read" for name in was_read if name not in read]
    if new.get("after") != old.get("after") and not said:
        said.append(LATER)
    return list(dict.fromkeys(said))


def _by_name(parts: Parts) -> dict[tuple[str, str], Component]:
    return {(each["kind"], each["name"]): each for each in parts["components"]}


def _differences(now: Component, before: Component, defaults: Mapping[str, Any]) -> Iterator[str]:
    name = now["name"]
    what = f"{now['kind']} {name}"
    if now.get("owner") != before.get("owner"):
        yield f"{what}: another class"
    elif now.get("version") != before.get("version"):
        yield f"{what}: version {_shown(now.get('version'))}, was {_shown(before.get('version'))}"
    changed = _changed(now.get("code", {}), before.get("code", {}))
    if changed:
        yield f"{what}: its code changed ({', '.join(changed)})"
    for base in _changed(now.get("bases", {}), before.get("bases", {})):
        yield f"{base}: version {now.get('bases', {}).get(base)}, was {before.get('bases', {}).get(base)}"
    libraries, earlier = now.get("libraries", {}), before.get("libraries", {})
    for library in _changed(libraries, earlier):
        yield f"{library} {libraries.get(library, 'not used')}, was {earlier.get(library, 'not used')}"
    settings, given = _flat(now["settings"]), _flat(before["settings"])
    known = _flat(defaults)
    for setting in _changed(settings, given):
        values = (_shown(side.get(setting, known.get(setting, "the default"))) for side in (settings, given))
        yield "{}.{} {}, was {}".format(name, setting, *values)
    for path in _changed(now.get("files", {}), before.get("files", {})):
        yield f"{what}: {path} changed"
    if now.get("input") != before.get("input"):
        yield f"input changed ({name})"


def _changed(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    missing = object()
    return [name for name in {**before, **now} if now.get(name, missing) != before.get(name, missing)]


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted names."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
