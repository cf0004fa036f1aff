"""Who may know whom: the walls that docs/architecture.md draws."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "corpuskit"
BASE = {"document", "errors", "kernels", "statistics"}
FEATURES = {
    "sources": set(),
    "extract": set(),
    "language": set(),
    "quality": set(),
    "duplicates": set(),
    "privacy": {"language"},
    "toxicity": set(),
    "contamination": set(),
    "tokens": set(),
    "training": {"tokens"},
    "memorization": {"tokens", "training"},
    "report": set(),
    "demo": set(),
}
ALLOWED: dict[str, set[str]] = {
    "kernels": set(),
    "document": set(),
    "errors": set(),
    "statistics": {"errors"},
    "engine": BASE,
    **{name: BASE | {"engine"} | others for name, others in FEATURES.items()},
    "recipe": BASE | {"engine"} | set(FEATURES),
    "cli": BASE | {"engine", "recipe"} | set(FEATURES),
}


def imports(path: Path) -> set[str]:
    """Rooms of the house that a module imports from, at its top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "corpuskit" else [f"corpuskit.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("corpuskit.") and name.count(".")}
    return found - {"__version__"}


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_knows_only_what_flows_into_it(room: str) -> None:
    files = sorted((PACKAGE / room).rglob("*.py")) or [PACKAGE / f"{room}.py"]
    for path in files:
        strangers = imports(path) - ALLOWED[room] - {room}
        assert not strangers, f"{path.relative_to(PACKAGE)} must not know {', '.join(sorted(strangers))}"


def test_every_room_stands_in_the_plan() -> None:
    rooms = {
        path.name.removesuffix(".py")
        for path in PACKAGE.iterdir()
        if path.name not in ("__init__.py", "__main__.py", "py.typed")
    }
    assert rooms - {"__pycache__"} == set(ALLOWED)


def test_the_front_doors_are_light() -> None:
    """Importing any room brings no heavy library with it."""
    import subprocess
    import sys

    rooms = ", ".join(f"corpuskit.{room}" for room in sorted(ALLOWED) if room != "cli")
    heavy = "'torch', 'transformers', 'presidio_analyzer', 'spacy', 'scrapy', 'sklearn', 'datasets', 'detoxify'"
    code = f"import sys, {rooms}; print([name for name in ({heavy}) if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
