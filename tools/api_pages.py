"""A hook of mkdocs: a page of the API reference for every public module, the list of them, and the front page.

A module is public where it defines a non-empty `__all__` and no part of its name begins with `_`. A package stands for
its modules: what it exports is documented on its page, and a module below it has a page of its own only where it
exports something that the package does not.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "corpuskit"


def exported(path: Path) -> list[str]:
    """The names in a module's `__all__`, where that is a plain list."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(name, ast.Name) and name.id == "__all__" for name in node.targets
        ):
            try:
                return [str(name) for name in ast.literal_eval(node.value)]
            except ValueError:
                return []
    return []


def public_modules() -> dict[str, list[str]]:
    """Dotted name -> names that it exports: packages first, then what they do not export."""
    found: dict[str, list[str]] = {}
    paths = sorted(PACKAGE.rglob("*.py"), key=lambda path: (len(path.parts), path.name != "__init__.py", str(path)))
    seen: dict[str, set[str]] = {}
    for path in paths:
        parts = path.relative_to(ROOT).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if len(parts) < 2 or any(part.startswith("_") for part in parts):
            continue
        above = set().union(*(seen.get(".".join(parts[:end]), set()) for end in range(1, len(parts))))
        names = [name for name in exported(path) if name not in above]
        seen[".".join(parts)] = set(names)
        if names:
            found[".".join(parts)] = names
    return dict(sorted(found.items()))


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages."""
    modules = public_modules()
    lines = ["# API reference", "", "Every public name, by module. All of it is made from the docstrings.", ""]
    for name, names in modules.items():
        members = "".join(f"\n        - {member}" for member in names)
        content = f"# {name}\n\n::: {name}\n    options:\n      members:{members}\n"
        files.append(File.generated(config, f"reference/{name}.md", content=content))
        lines.append(f"- [`{name}`]({name}.md): {', '.join(f'`{member}`' for member in names)}")
    files.append(File.generated(config, "reference/index.md", content="\n".join([*lines, ""])))
    files.append(File.generated(config, "index.md", content=front_page()))
    return files


def front_page() -> str:
    """The README, with its links as they are from inside docs/."""
    return (ROOT / "README.md").read_text(encoding="utf-8").replace("](docs/", "](")
