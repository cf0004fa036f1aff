"""Several ranks on this machine for one call of `pretrain`: torchrun starts one process a rank.

    python -m torch.distributed.run --nproc-per-node=8 -m corpuskit.training.rank SHARDS FOLDER SETTINGS RESUME

A signal to the caller is passed on, so that the
ranks save and end as one process would.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpuskit.engine.progress import Watch
from corpuskit.errors import CorpuskitError, UsageError, require
from corpuskit.training.config import TrainConfig
from corpuskit.training.machine import stop_signals

if TYPE_CHECKING:
    from corpuskit.training.trainer import TrainResult

RANK = "corpuskit.training.rank"
"""The module that each process runs. It is named here and not imported: it calls `pretrain`, which calls `launch`."""


def ranks_to_start(config: TrainConfig) -> int:
    """Ranks that a call has to start: as the settings say, or one a graphics card; 1 where this process is a rank."""
    if "WORLD_SIZE" in os.environ:
        return 1
    if config.ranks is not None:
        return config.ranks
    cuda = require("torch", "train").cuda
    return max(1, cuda.device_count()) if cuda.is_available() else 1


def launch(shards: Path, folder: Path, config: TrainConfig, ranks: int, watch: Watch, resume: bool) -> TrainResult:
    """Train with so many ranks; see `corpuskit.training.pretrain`."""
    from corpuskit.training.trainer import TrainResult

    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    command += ["-m", RANK, str(shards), str(folder), config.model_dump_json(), str(int(resume))]
    message: dict[str, Any] = {}
    with tempfile.TemporaryFile("w+") as errors, stop_signals() as stop:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
        passed_on = False
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                message = _parsed(line) or message
                if "step" in message:
                    watch(*message["step"])
                if stop() is not None and not passed_on:
                    process.terminate()  # torchrun hands it to its ranks
                    passed_on = True
        process.wait()
        if "result" in message:
            return TrainResult(**message["result"])
        if "error" in message:
            raise (UsageError if message["usage"] else CorpuskitError)(message["error"])
        errors.seek(0)
        last = errors.read().strip().splitlines()[-12:]
    raise CorpuskitError(f"training with {ranks} ranks ended with exit code {process.returncode}:\n" + "\n".join(last))


def _parsed(line: str) -> dict[str, Any] | None:
    """The message in a line that a rank printed; None for other output (of a library)."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and value.keys() & {"step", "result", "error"} else None
