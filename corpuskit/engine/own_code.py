"""The code behind a class of a user's own that states no version: its module, and what that imports from their tree.

Modules are compared by their syntax trees, so that a comment or another layout of the lines changes nothing. What is
imported while the code runs, by a name that it computes, is not seen: such a class needs a `version`.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from corpuskit.errors import UsageError

PACKAGE = __name__.partition(".")[0]
_INSTALLED = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")}


def code_behind(owner: Any) -> dict[str, str]:
    """Module -> digest of its syntax tree, for the module of a class or function and what it imports from their tree.

    The tree is the top-level package of its module, and every other module that is neither installed nor part of
    Python. Raises UsageError for a class that no file holds (one typed into a session) or whose file does not parse.
    """
    top = owner.__module__.partition(".")[0]
    digests: dict[str, str] = {}
    waiting = [owner.__module__]
    while waiting:
        name = waiting.pop()
        if name in digests:
            continue
        path = _file(name)
        if path is None or not _is_own(name, path, top):
            continue
        source = path.read_bytes()
        if path.suffix != ".py":
            digests[name] = _digest(source)
            continue
        try:
            tree = ast.parse(source)
        except SyntaxError as error:
            raise UsageError(f"{path}: {error}") from error
        digests[name] = _digest(ast.dump(tree).encode())
        waiting += _parents(name)
        waiting += _imports(tree, name, package=path.name == "__init__.py")
    if owner.__module__ not in digests:
        raise UsageError(
            f"{owner.__qualname__}: no file holds its code, so a run cannot tell whether it has changed; "
            "move it to a module, or give it a 'version: ClassVar[int]'"
        )
    return dict(sorted(digests.items()))


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _file(name: str) -> Path | None:
    """The file of a module, None for a built-in one, a namespace package and one that does not exist."""
    module = sys.modules.get(name)
    origin = getattr(module, "__file__", None)
    if module is None:
        spec = _find(name)
        origin = spec.origin if spec is not None and spec.has_location else None
    return Path(origin).resolve() if origin is not None else None


def _find(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except Exception:  # finding `a.b` imports `a`, whose code may raise anything
        return None


def _is_own(name: str, path: Path, top: str) -> bool:
    first = name.partition(".")[0]
    if first == PACKAGE or not path.is_file():
        return False
    if first == top:
        return True
    if "site-packages" in path.parts or "dist-packages" in path.parts:
        return False
    return not any(path.is_relative_to(folder) for folder in _INSTALLED)


def _parents(name: str) -> list[str]:
    """The packages around a module, whose `__init__` runs with it."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _imports(tree: ast.Module, name: str, *, package: bool) -> Iterator[str]:
    """Names that may be modules, from every import of a module: at its top and inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = name.split(".") if package else name.split(".")[:-1]
                kept = parts[: len(parts) - (node.level - 1)]
                base = ".".join([*kept, *([base] if base else [])])
            if base:
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")
