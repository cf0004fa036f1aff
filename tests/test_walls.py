"""Which package may import which: the layers that docs/architecture.md describes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "corpuskit"
BASE = {"document", "errors", "kernels", "statistics", "inputs", "urls"}
LOWER = BASE | {"engine", "drawing"}
FEATURES: dict[str, set[str]] = {
    "sources": set(),
    "extract": set(),
    "language": set(),
    "quality": set(),
    "duplicates": set(),
    "privacy": {"language"},
    "toxicity": set(),
    "contamination": set(),
    "tokens": {"exchange", "memorization", "training"},
    "exchange": {"tokens"},
    "training": {"tokens", "privacy", "toxicity"},
    "memorization": {"tokens", "training", "privacy"},
    "demo": set(),
}
ALLOWED: dict[str, set[str]] = {
    "kernels": set(),
    "document": set(),
    "errors": set(),
    "statistics": {"errors"},
    "inputs": {"errors", "kernels"},
    "urls": set(),
    "engine": BASE,
    "drawing": BASE | {"engine"},
    **{name: LOWER | others for name, others in FEATURES.items()},
    "recipe": LOWER | set(FEATURES) | {"report"},
    "report": LOWER | set(FEATURES),
    "cli": LOWER | {"recipe", "report"} | set(FEATURES),
}
ABOVE_RECIPES = {"commands", "studies"}
"""Modules and packages of a feature that run recipes and talk to people: a layer above `recipe`."""


def imports(path: Path) -> set[str]:
    """The top-level packages that a module imports from, at its top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= (
                {node.module} if node.module != "corpuskit" else {f"corpuskit.{alias.name}" for alias in node.names}
            )
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("corpuskit.")} - {"__version__"}


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_package_imports_only_what_its_layer_allows(package: str) -> None:
    files = sorted((PACKAGE / package).rglob("*.py")) or [PACKAGE / f"{package}.py"]
    for path in files:
        allowed = ALLOWED[package] | {package}
        if ABOVE_RECIPES & {part.removesuffix(".py") for part in path.relative_to(PACKAGE).parts}:
            allowed = allowed | {"recipe", "cli", "report"}
        extra = imports(path) - allowed
        assert not extra, f"{path.relative_to(PACKAGE)} must not import {', '.join(sorted(extra))}"


def test_every_package_is_in_the_plan() -> None:
    packages = {
        path.name.removesuffix(".py")
        for path in PACKAGE.iterdir()
        if path.name not in ("__init__.py", "__main__.py", "py.typed")
    }
    assert packages - {"__pycache__"} == set(ALLOWED)


def test_packages_import_no_heavy_library() -> None:
    """Importing any package brings no heavy library with it."""
    import subprocess
    import sys

    packages = ", ".join(f"corpuskit.{package}" for package in sorted(ALLOWED) if package != "cli")
    heavy = "'torch', 'transformers', 'presidio_analyzer', 'spacy', 'scrapy', 'sklearn', 'datasets', 'detoxify'"
    code = f"import sys, {packages}; print([name for name in ({heavy}) if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
