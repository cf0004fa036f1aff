"""The task that runs the corpus stages of a pass over the sketches of all parts."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.engine.files import file_digest, replacing
from corpuskit.engine.parts import Receipt
from corpuskit.engine.sketches import Sketches
from corpuskit.engine.stage import CorpusStage
from corpuskit.engine.task import Worker, text_column
from corpuskit.errors import CorpuskitError


@dataclass(frozen=True)
class ResolveTask:
    """Resolve corpus stages one after the other: a file of results for each part and stage, and one receipt for all."""

    stages: Sequence[CorpusStage]
    key: str
    folder: Path
    parts: Sequence[Path]
    """Of each part, its files' path without their endings."""
    memory: int
    workers: int

    @property
    def name(self) -> str:
        return f"{', '.join(stage.name for stage in self.stages)}: resolving {len(self.parts)} parts"

    @staticmethod
    def kept_in(folder: Path, stage: CorpusStage) -> Path:
        """The folder, in that of the step, of what a stage keeps until the corpus is published."""
        return folder / f"kept-{stage.name}"

    def run(self, worker: Worker) -> Receipt:
        outputs: dict[str, tuple[int, str]] = {}
        before: dict[str, Sequence[Path]] = {}
        for stage in self.stages:
            before[stage.name] = self._resolve(stage, before, outputs)
        receipt = Receipt(self.key, outputs)
        receipt.write(self.folder / "resolve.json")
        return receipt

    def _resolve(
        self, stage: CorpusStage, before: dict[str, Sequence[Path]], outputs: dict[str, tuple[int, str]]
    ) -> list[Path]:
        workspace, kept = self.folder / "workspace", self.kept_in(self.folder, stage)
        for folder in (workspace, kept):
            shutil.rmtree(folder, ignore_errors=True)
        workspace.mkdir(parents=True)
        documents = [path.with_name(f"{path.name}.parquet") for path in self.parts]
        own = text_column(stage)
        text = own if documents and own in pq.read_schema(documents[0]).names else "text"
        sketched = [path.with_name(f"{path.name}.{stage.name}.sketch.arrow") for path in self.parts]
        sketches = Sketches(sketched, documents, workspace, self.memory, self.workers, kept, text, dict(before))
        resolved = stage.resolve(sketches)
        paths = []
        for number, part in enumerate(self.parts):
            batch = next(resolved, None)
            rows = int(sketches.starts[number + 1] - sketches.starts[number])
            if batch is None or batch.num_rows != rows:
                given = "nothing" if batch is None else f"{batch.num_rows} rows"
                raise CorpuskitError(
                    f"stage '{stage.name}' resolved {given} for part {number}, which has {rows} documents"
                )
            path = self.folder / f"{part.name}.{stage.name}.arrow"
            with replacing(path) as temporary:
                with pa.ipc.new_file(str(temporary), batch.schema) as file:
                    file.write_batch(batch)
                outputs[path.name] = (temporary.stat().st_size, file_digest(temporary))
            paths.append(path)
        for _ in resolved:  # let the stage finish its own bookkeeping
            raise CorpuskitError(f"stage '{stage.name}' resolved more parts than there are")
        for path in sorted(path for path in kept.rglob("*") if path.is_file()):
            outputs[path.relative_to(self.folder).as_posix()] = (path.stat().st_size, file_digest(path))
        shutil.rmtree(workspace, ignore_errors=True)
        return paths
