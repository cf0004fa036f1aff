"""Which package may import which. The layers and the data flow between features are those that the features declare."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from corpuskit.engine.features import features

PACKAGE = Path(__file__).resolve().parents[1] / "corpuskit"
BASE: dict[str, set[str]] = {
    "errors": set(),
    "kernels": set(),
    "document": set(),
    "urls": set(),
    "statistics": {"errors"},
    "inputs": {"errors", "kernels"},
}
"""Modules that know nothing of the engine."""

FEATURES = {feature.name: set(feature.uses) for feature in features().working if (PACKAGE / feature.name).is_dir()}
LOWER = set(BASE) | {"engine", "drawing"}
ALLOWED: dict[str, set[str]] = {
    **BASE,
    "engine": set(BASE),
    "drawing": set(BASE) | {"engine"},
    **{name: LOWER | uses for name, uses in FEATURES.items()},
    "report": LOWER,
    "recipe": LOWER | {"report"},
    "cli": LOWER | {"report", "recipe"},
}
"""`recipe`, `report` and `cli` name no feature: they combine what `feature.py` files declare."""

ABOVE_RECIPES = {"commands", "studies"}
"""Modules and packages of a feature that run recipes: a layer between `recipe` and `cli`. No other module imports
them."""


@cache
def modules() -> dict[str, Path]:
    """Every module of the package."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports(module: str) -> frozenset[str]:
    """The modules of the package that a module imports, at its top or inside functions; not for types alone."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in _nodes(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                names.add(whole if whole in modules() else node.module)
    return frozenset(name for name in names if name in modules() and name not in (module, "corpuskit"))


def _nodes(node: ast.AST) -> list[ast.AST]:
    for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    return [] if for_types else [node, *(inner for child in ast.iter_child_nodes(node) for inner in _nodes(child))]


def package_of(module: str) -> str:
    return [*module.split("."), ""][1]


def above_recipes(module: str) -> bool:
    return package_of(module) in FEATURES and bool(ABOVE_RECIPES & set(module.split(".")))


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_package_imports_only_what_its_layer_allows(package: str) -> None:
    for module in sorted(name for name in modules() if package_of(name) == package):
        allowed = ALLOWED[package] | {package} | ({"report", "recipe"} if above_recipes(module) else set())
        extra = {name for name in imports(module) if package_of(name) not in allowed}
        assert not extra, f"{module} must not import {', '.join(sorted(extra))}"
        if not above_recipes(module):
            front = {name for name in imports(module) if above_recipes(name)}
            assert not front, f"{module} is below recipes and must not import {', '.join(sorted(front))}"


def test_every_package_is_in_a_layer() -> None:
    assert not features().broken
    assert {package_of(name) for name in modules()} - {"", "__main__"} == set(ALLOWED)


def test_data_flow_between_features_has_no_circle() -> None:
    list(TopologicalSorter(FEATURES).static_order())
    undeclared = {name: uses - set(FEATURES) for name, uses in FEATURES.items() if uses - set(FEATURES)}
    assert not undeclared


def test_no_modules_import_each_other() -> None:
    """Imports inside functions count: a circle is a circle, even when Python does not fail on it."""
    graph = {module: {name for name in imports(module) if not module.startswith(f"{name}.")} for module in modules()}
    # What a package's __init__ gathers from its own modules is no dependency of those modules.
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_reading_the_declarations_is_fast_and_imports_no_feature() -> None:
    code = (
        "import sys, time; start = time.process_time()\n"
        "from corpuskit.engine.features import features\n"
        "names = [feature.name for feature in features().working]\n"
        "spent = time.process_time() - start\n"
        "libraries = ('numpy', 'pyarrow', 'numba', 'pydantic', 'torch', 'jinja2')\n"
        "heavy = [name for name in libraries if name in sys.modules]\n"
        "print(len(names), spent, heavy, [name for name in names if f'corpuskit.{name}' in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split(" ", 2) for _ in range(3)]
    assert {int(number) for number, _, _ in runs} == {len(features().working)}
    assert min(float(seconds) for _, seconds, _ in runs) < 0.15
    assert {rest.strip() for _, _, rest in runs} == {"[] []"}


def test_packages_import_no_heavy_library() -> None:
    packages = ", ".join(f"corpuskit.{package}" for package in sorted(ALLOWED) if package != "cli")
    heavy = "'torch', 'transformers', 'presidio_analyzer', 'spacy', 'scrapy', 'sklearn', 'datasets', 'detoxify'"
    code = f"import sys, {packages}; print([name for name in ({heavy}) if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
