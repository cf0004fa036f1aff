"""The invented values and sentences that the benchmarks measure with."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def labelled() -> ModuleType:
    """benchmarks/privacy_labelled.py, with the values in its VALUES."""
    folder = str(Path(__file__).resolve().parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("privacy_labelled")
    finally:
        sys.path.remove(folder)
