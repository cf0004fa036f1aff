"""One rank of a training, for tests that need processes of their own: rank.py SHARDS FOLDER CONFIG [STOP [HOW]].

HOW is TERM, KILL, or FORK: a child for each of the steps in STOP (comma-separated), killed as it reaches that step.
"""

from __future__ import annotations

import os
import signal
import sys

import torch

from corpuskit.training import TrainConfig, pretrain

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


def main(shards: str, folder: str, settings: str, stop: str = "0", how: str = "TERM") -> None:
    config = TrainConfig.model_validate_json(settings)
    if how != "FORK":
        run(shards, folder, config, int(stop), how)
        return
    for step in stop.split(","):
        child = os.fork()
        if child == 0:
            run(shards, folder, config, int(step), "KILL")
            os._exit(1)  # it was to be killed before
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"the run that was to be killed at step {step} ended with {status}"
        assert os.WTERMSIG(status) == signal.SIGKILL


def run(shards: str, folder: str, config: TrainConfig, stop: int, how: str) -> None:
    def halt(message: str, done: int, total: int) -> None:
        if done >= stop > 0:
            os.kill(os.getpid(), signal.SIGKILL if how == "KILL" else signal.SIGTERM)

    result = pretrain(shards, folder, config, watch=halt)
    print("finished" if result.finished else f"stopped by {result.stopped_by}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
