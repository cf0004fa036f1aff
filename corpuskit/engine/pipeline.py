"""A recipe as the engine sees it: sources, stages, and the jobs that follow once the corpus is clean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from corpuskit.engine.intermediate import Intermediate
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
    intermediate: Intermediate | None = None
    """What becomes of the files of steps when the corpus is published. None: they are kept, unless a stage takes
    something out of the documents; then they are deleted."""
    max_quarantined: int | None = None
    """More unreadable records than this fail the run."""
    recipe: dict[str, Any] = field(default_factory=dict)
    recipe_text: str = ""


@dataclass(frozen=True)
class Pass:
    """Stages that one task streams a split through."""

    number: int
    apply: Sequence[CorpusStage]
    """Corpus stages that were resolved before this pass: applied first, in this order."""
    stages: Sequence[BatchStage | CorpusStage]
    """Batch stages that measure, and corpus stages that sketch at their place among them."""

    @property
    def sketches(self) -> list[CorpusStage]:
        """The corpus stages that sketch in this pass, to be resolved after it."""
        return [stage for stage in self.stages if isinstance(stage, CorpusStage)]

    def all_stages(self) -> list[Stage]:
        """Every stage with a part in it, in the recipe's order."""
        return [*self.apply, *self.stages]

    @property
    def name(self) -> str:
        names = [stage.name for stage in self.apply]
        names += [stage.name for stage in self.stages if isinstance(stage, BatchStage)]
        if len(names) <= 2:
            return "-".join(names) or "read"
        return f"{names[0]}-to-{names[-1]}"

    @property
    def resolving(self) -> str:
        """What the step after this pass is called."""
        return f"{', '.join(stage.name for stage in self.sketches)} (whole corpus)"


def passes(stages: Sequence[Stage]) -> list[Pass]:
    """The stages of a recipe, fused: only where corpus stages are resolved does the engine write in between.

    A corpus stage is resolved where it is listed, so that later stages see its result. One whose decisions are final
    (`CorpusStage.final`) is sketched there and resolved once every later rule has decided, or before the next corpus
    stage that is not final.
    """
    made: list[Pass] = []
    apply: list[CorpusStage] = []
    current: list[BatchStage | CorpusStage] = []

    def close(rest: int = 0) -> None:
        nonlocal apply, current
        split = len(current) - rest
        done = Pass(len(made), tuple(apply), tuple(current[:split]))
        made.append(done)
        apply, current = done.sketches, current[split:]

    for stage in stages:
        if isinstance(stage, CorpusStage) and not stage.final:
            if any(isinstance(each, CorpusStage) for each in current):
                close()
            current.append(stage)
            close()
        elif isinstance(stage, (BatchStage, CorpusStage)):
            current.append(stage)
        else:
            raise TypeError(f"{type(stage).__name__} is neither a BatchStage nor a CorpusStage")
    if any(isinstance(each, CorpusStage) for each in current):
        close(_without_rules(current))
    close()
    return made


def _without_rules(stages: Sequence[Stage]) -> int:
    """How many of the last stages decide nothing, and so need not come before a final decision."""
    count = 0
    for stage in reversed(stages):
        if isinstance(stage, CorpusStage) or stage.rules():
            break
        count += 1
    return count
