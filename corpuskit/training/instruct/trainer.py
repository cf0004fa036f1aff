"""A `transformers.Trainer` that tells each step and the time it took, and that stops as our own loops do: after the
step in which a signal came, with everything saved."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from corpuskit.errors import require
from corpuskit.training.instruct.loop import Watch


def steps_watched(stop: Callable[[], str | None], watch: Watch) -> Any:
    """A `TrainerCallback`; the lines of the trainer's `log_history` get `seconds`."""

    class Steps(require("transformers", "train").TrainerCallback):  # type: ignore[misc]
        began = 0.0

        def on_step_begin(self, arguments: Any, state: Any, control: Any, **rest: Any) -> None:
            self.began = time.perf_counter()

        def on_log(self, arguments: Any, state: Any, control: Any, **rest: Any) -> None:
            line = state.log_history[-1]
            if "loss" in line:
                line["seconds"] = round(time.perf_counter() - self.began, 4)
                watch(f"loss {line['loss']:.3f}", state.global_step, state.max_steps)
            if stop() is not None:
                control.should_save = control.should_training_stop = True

    return Steps()
