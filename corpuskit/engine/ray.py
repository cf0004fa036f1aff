"""The same tasks on a Ray cluster. Every node must see the run's folder and the sources under the same paths.

Ray schedules, retries tasks of lost nodes and reports; a task still commits by its receipt, so a result that arrives
twice is the same bytes. Progress inside a task stays on its node.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from corpuskit.engine.pool import Say, Task
from corpuskit.engine.task import Worker
from corpuskit.errors import CorpuskitError, require

MEMORY = 1536 << 20
"""Bytes that a task asks the cluster for."""


def _quiet(*message: Any) -> None:
    """Tasks on a cluster say nothing until they are done."""


def _run(task: Task) -> Any:
    try:
        return task.run(Worker(_quiet))
    except CorpuskitError as error:
        return error


class RayExecutor:
    """Hands tasks to the cluster that RAY_ADDRESS names, or to a Ray of this machine's own with `workers` CPUs."""

    def __init__(self, workers: int):
        self._ray = require("ray", "ray")
        if not self._ray.is_initialized():
            import os

            cluster = os.environ.get("RAY_ADDRESS")
            settings: dict[str, Any] = {"address": cluster} if cluster else {"num_cpus": workers}
            self._ray.init(log_to_driver=False, include_dashboard=False, **settings)
        self._remote = self._ray.remote(num_cpus=1, memory=MEMORY, max_retries=3)(_run)

    def map(self, tasks: Sequence[Task], heard: Say) -> Iterator[tuple[int, Any]]:
        positions = {self._remote.remote(task): number for number, task in enumerate(tasks)}
        try:
            while positions:
                (done,), _ = self._ray.wait(list(positions), num_returns=1)
                position = positions.pop(done)
                try:
                    result = self._ray.get(done)
                except self._ray.exceptions.RayError as error:
                    raise CorpuskitError(f"{tasks[position].name}: {error}") from error
                if isinstance(result, CorpuskitError):
                    raise result
                yield position, result
        finally:
            for waiting in positions:
                self._ray.cancel(waiting)

    def close(self) -> None:
        self._ray.shutdown()
