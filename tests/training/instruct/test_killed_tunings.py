"""A tuning that is killed, whatever its kind, goes on with the same call and ends in the same bits; and one process is
all that a tuning takes."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import killed
import pytest

from corpuskit.errors import UsageError
from corpuskit.training import read_metrics
from corpuskit.training.instruct import SftConfig, demonstrations, finetune_on_demonstrations

pytestmark = pytest.mark.slow

METHODS = ("sft", "reward", "ppo", *(("dpo", "grpo") if importlib.util.find_spec("trl") else ()))


@pytest.fixture(scope="module")
def halves(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each method, with a tuning that was killed."""
    folder = tmp_path_factory.mktemp("killed")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, killed.__file__, str(base), str(folder), *METHODS], check=True, env=environment)
    return folder


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_tuning_ends_in_the_same_bits(method: str, base: Path, halves: Path, tmp_path: Path) -> None:
    taken: list[int] = []
    whole = killed.tune(method, base, tmp_path, lambda says, done, total: None)
    second = killed.tune(method, base, halves / method, lambda says, done, total: taken.append(done))
    assert taken == list(range(killed.KEPT + 1, whole.steps + 1))
    assert (second.finished, second.steps) == (True, whole.steps)
    files = [(folder / "model.safetensors").read_bytes() for folder in (tmp_path, halves / method)]
    assert files[0] == files[1]
    losses = [[line["loss"] for line in read_metrics(folder)] for folder in (tmp_path, halves / method)]
    assert losses[0] == losses[1]
    assert len(losses[0]) == whole.steps >= killed.DIES_AT


@pytest.mark.skipif("dpo" not in METHODS, reason="TRL is not installed: pip install 'corpuskit[instruct]'")
def test_a_signal_ends_an_alternative_after_its_step(base: Path, tmp_path: Path) -> None:
    def interrupt(says: str, done: int, total: int) -> None:
        if done == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    first = killed.tune("dpo", base, tmp_path / "parts", interrupt)
    assert (first.finished, first.steps, first.stopped_by) == (False, 3, "SIGTERM")
    assert not (tmp_path / "parts" / "model.safetensors").exists()
    killed.tune("dpo", base, tmp_path / "parts", lambda says, done, total: None)
    killed.tune("dpo", base, tmp_path / "whole", lambda says, done, total: None)
    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("parts", "whole")]
    assert files[0] == files[1]


def test_several_processes_are_refused_before_anything_is_written(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")  # as torchrun says it to each
    with pytest.raises(UsageError, match="runs in one process, and torchrun started 2: leave torchrun out"):
        finetune_on_demonstrations(base, tmp_path / "sft", SftConfig(), demonstrations=demonstrations([("a", "b")]))
    assert not (tmp_path / "sft").exists()
