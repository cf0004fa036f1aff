"""Mutation testing finds its targets, plants what it says, and leaves messages and types alone."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def mutants() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutants", ROOT / "tools/mutants.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutants"] = module
    spec.loader.exec_module(module)
    return module


def test_every_target_has_code_and_tests(mutants: ModuleType) -> None:
    for name, target in mutants.TARGETS.items():
        assert mutants.mutants_of(name), name
        for test in target.tests:
            assert (ROOT / test).is_file(), f"{name} names {test}, which is not there"


def test_what_is_listed_as_equivalent_is_a_mutant(mutants: ModuleType) -> None:
    names = {mutant.name for target in mutants.TARGETS for mutant in mutants.mutants_of(target)}
    assert set(mutants.EQUIVALENT) <= names


SOURCE = '''
"""Module."""
LIMIT = 3
Alias = list[int] | None

def price(kl: float, config: object) -> float:
    """Docstring with 7."""
    if kl > LIMIT and not config:
        raise ValueError(f"{kl} is over 5")
    total = spend(kl, config.kl)
    total += 1
    return -total / 2

def other() -> int:
    return 9
'''


def planted(mutants: ModuleType, wanted: tuple[str, ...]) -> list[tuple[str, str]]:
    tree = ast.parse(SOURCE)
    before = ast.dump(tree)
    found = []
    for place, _, change in mutants._Walker(tree, wanted).variants():
        assert ast.dump(tree) != before, f"{change} changes nothing"
        found.append((place, change))
    assert ast.dump(tree) == before, "the tree is as it was"
    return found


def test_each_kind_of_fault_is_planted(mutants: ModuleType) -> None:
    assert planted(mutants, ("price",)) == [
        ("price", "negated: kl > LIMIT and (not config)"),
        ("price", "kl > LIMIT and (not config) → kl > LIMIT or not config"),
        ("price", "kl > LIMIT → kl >= LIMIT"),
        ("price", "not config → config"),
        ("price", "config.kl → 0 in spend(kl, config.kl)"),
        ("price", "left out: total += 1"),
        ("price", "1 → 2"),
        ("price", "-total / 2 → -total * 2"),
        ("price", "-total → total"),
        ("price", "2 → 3"),
    ]
    everything = planted(mutants, ())
    assert ("module", "3 → 4") in everything
    assert ("other", "9 → 10") in everything


def test_a_target_that_has_moved_is_an_error(mutants: ModuleType) -> None:
    with pytest.raises(SystemExit, match="nothing is called gone"):
        planted(mutants, ("gone",))
    with pytest.raises(SystemExit, match=r"no module corpuskit\.gone"):
        mutants.source_file("corpuskit.gone")
