"""What all tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import samples as own_samples
from samples import SHARED_DATA

if "PYTEST_XDIST_WORKER" in os.environ:
    # test workers share the cores already: threads of their own would only wait for each other (read at torch's import)
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pin", action="store_true", help="tests/golden: pin the results of today's versions")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The reference data, for tests marked `real`: they are not collected where the data are absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data is not here: {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def own_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples of our own in the layout of the reference data."""
    return own_samples.make(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="session", params=["own", "real"] if SHARED_DATA.is_dir() else ["own"])
def samples(request: pytest.FixtureRequest, own_data: Path) -> Path:
    """A folder in the layout of the reference data: the samples of our own, and then the data themselves."""
    return own_data if request.param == "own" else SHARED_DATA


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves tests of the reference data out where there are none: nobody without them can run these tests."""
    if SHARED_DATA.is_dir():
        return
    real = [item for item in items if item.get_closest_marker("real")]
    config.hook.pytest_deselected(items=real)
    items[:] = [item for item in items if item not in real]
