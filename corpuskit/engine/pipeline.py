"""A recipe as the engine sees it: sources, stages, and the jobs that follow once the corpus is clean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from corpuskit.engine.job import Job
from corpuskit.engine.source import Source
from corpuskit.engine.stage import BatchStage, CorpusStage, Stage


@dataclass(frozen=True)
class Pipeline:
    name: str
    sources: Sequence[Source]
    stages: Sequence[Stage]
    jobs: Sequence[Job] = ()
    survey: bool = False
    """Measure doomed documents too, with every later stage that streams."""
    memory: int = 2 << 30
    """Bytes that resolving a corpus stage may use."""
    shard_bytes: int = 256 << 20
    """About how many bytes of text a shard of the corpus holds."""
    max_quarantined: int | None = None
    """More unreadable records than this fail the run."""
    recipe: dict[str, Any] = field(default_factory=dict)
    recipe_text: str = ""


@dataclass(frozen=True)
class Pass:
    """Stages that one task streams a split through: a corpus stage to apply first, batch stages, one to sketch for."""

    number: int
    apply: CorpusStage | None
    stages: Sequence[BatchStage]
    sketch: CorpusStage | None

    def all_stages(self) -> list[Stage]:
        """Every stage with a part in it, in the recipe's order."""
        return [*([self.apply] if self.apply else []), *self.stages, *([self.sketch] if self.sketch else [])]

    @property
    def name(self) -> str:
        names = [self.apply.name] if self.apply else []
        names += [stage.name for stage in self.stages]
        if len(names) <= 2:
            return "-".join(names) or "read"
        return f"{names[0]}-to-{names[-1]}"


def passes(stages: Sequence[Stage]) -> list[Pass]:
    """The stages of a recipe, fused: only a corpus stage makes the engine write in between."""
    found: list[Pass] = []
    apply: CorpusStage | None = None
    batch: list[BatchStage] = []
    for stage in stages:
        if isinstance(stage, CorpusStage):
            found.append(Pass(len(found), apply, tuple(batch), stage))
            apply, batch = stage, []
        elif isinstance(stage, BatchStage):
            batch.append(stage)
        else:
            raise TypeError(f"{type(stage).__name__} is neither a BatchStage nor a CorpusStage")
    found.append(Pass(len(found), apply, tuple(batch), None))
    return found
