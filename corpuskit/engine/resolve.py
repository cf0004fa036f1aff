"""The task that runs a corpus stage over the sketches of all parts."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from corpuskit.engine.files import file_digest, replacing
from corpuskit.engine.parts import Receipt, stem
from corpuskit.engine.sketches import Sketches
from corpuskit.engine.stage import CorpusStage
from corpuskit.engine.task import Worker
from corpuskit.errors import CorpuskitError


@dataclass(frozen=True)
class ResolveTask:
    """Resolve one corpus stage: a file of results for each part, and one receipt for all."""

    stage: CorpusStage
    key: str
    folder: Path
    sketches: Sequence[Path]
    parts: Sequence[Path]
    memory: int
    workers: int

    @property
    def name(self) -> str:
        return f"{self.stage.name}: resolving {len(self.parts)} parts"

    def run(self, worker: Worker) -> Receipt:
        workspace = self.folder / "workspace"
        shutil.rmtree(workspace, ignore_errors=True)
        workspace.mkdir(parents=True)
        sketches = Sketches(list(self.sketches), list(self.parts), workspace, self.memory, self.workers)
        outputs: dict[str, tuple[int, str]] = {}
        resolved = self.stage.resolve(sketches)
        for number in range(len(self.parts)):
            batch = next(resolved, None)
            rows = int(sketches.starts[number + 1] - sketches.starts[number])
            if batch is None or batch.num_rows != rows:
                found = "nothing" if batch is None else f"{batch.num_rows} rows"
                raise CorpuskitError(
                    f"stage '{self.stage.name}' resolved {found} for part {number}, which has {rows} documents"
                )
            path = self.folder / f"{stem(number)}.arrow"
            with replacing(path) as temporary:
                with pa.ipc.new_file(str(temporary), batch.schema) as file:
                    file.write_batch(batch)
                outputs[path.name] = (temporary.stat().st_size, file_digest(temporary))
        for _ in resolved:  # let the stage finish its own bookkeeping (an index it adds to)
            raise CorpuskitError(f"stage '{self.stage.name}' resolved more parts than there are")
        shutil.rmtree(workspace, ignore_errors=True)
        receipt = Receipt(self.key, outputs)
        receipt.write(self.folder / "resolve.json")
        return receipt
