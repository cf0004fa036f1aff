"""The steps of a pipeline: what each depends on, its key, its folder and its tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpuskit.engine.files import digest, read_json, write_json
from corpuskit.engine.gate import Gate
from corpuskit.engine.identity import (
    ENGINE_VERSION,
    Component,
    Parts,
    component,
    defaults_of,
    key_of,
    reasons,
    settings_of,
)
from corpuskit.engine.job import Job
from corpuskit.engine.parts import stem
from corpuskit.engine.pipeline import Pass, Pipeline, passes
from corpuskit.engine.resolve import ResolveTask
from corpuskit.engine.run_receipt import RunReceipt
from corpuskit.engine.source import Source
from corpuskit.engine.stage import Stage
from corpuskit.engine.task import PassInput, PassTask

MANIFEST = "step.json"
"""In the folder of a step: its key, and in words what the key is made of."""


@dataclass(frozen=True)
class Step:
    """One step of a run over the documents."""

    name: str
    """What progress and tables call it."""
    number: int
    """Its place in the run, from 0."""
    parts: Parts
    key: str
    folder: Path

    def write_manifest(self) -> None:
        path = self.folder / MANIFEST
        wanted = {"name": self.name, "key": self.key, "parts": self.parts}
        if read_json(path) != wanted:
            write_json(path, wanted)


def source_folder(folder: Path, source: Source) -> Path:
    return folder / "sources" / source.label()


def source_component(source: Source, folder: Path | None) -> Component:
    """What a source contributes to a key: with what it reads, where the run's folder is given."""
    found = component(
        "source", source.label(), type(source), settings=settings_of(source), libraries=source.libraries()
    )
    found["settings"] = {"source": source.key, **found["settings"]}
    if folder is not None:
        found["input"] = source.fingerprint(source_folder(folder, source))
    return found


def stage_component(stage: Stage) -> Component:
    return component(
        "stage",
        stage.name,
        type(stage),
        settings=settings_of(stage),
        libraries=stage.libraries(),
        files=stage.inputs(),
        state=stage.state(),
        own_code=stage.own_code(),
    )


def job_parts(job: Job, read: Mapping[str, str]) -> Parts:
    """What a job's key is made of. `read`: output that it reads -> digest of its files."""
    return {
        "engine": ENGINE_VERSION,
        "components": [
            component(
                "job",
                job.name,
                None,
                settings=job.settings,
                libraries=job.libraries,
                files=job.inputs,
                own_code=job.own_code,
                version=job.version,
            )
        ],
        "reads": {name: read[name] for name in sorted(job.reads)},
    }


@dataclass(frozen=True)
class Chain:
    """All steps over the documents, in the order in which they run."""

    passes: Sequence[tuple[Pass, Step, Step | None]]
    """Each pass with its step, and with the step that resolves its corpus stage."""
    publish: Step

    @property
    def steps(self) -> list[Step]:
        return [*(step for _, *both in self.passes for step in both if step is not None), self.publish]


@dataclass(frozen=True)
class Steps:
    """The steps of a pipeline in a run's folder."""

    pipeline: Pipeline
    folder: Path
    workers: int = 1

    def chain(self) -> Chain:
        """The steps of the pipeline. What sources read must have been collected."""
        chained: list[tuple[Pass, Step, Step | None]] = []
        before: Step | None = None
        for plan in passes(self.pipeline.stages):
            step = before = self.pass_step(plan, before)
            resolve = None
            if plan.sketches:
                resolve = before = self.resolve_step(plan, step)
            chained.append((plan, step, resolve))
        return Chain(chained, self.publish_step(step))

    def first_inputs(self) -> list[PassInput]:
        return [
            PassInput(source=source, split=split)
            for source in self.pipeline.sources
            for split in source.splits(source_folder(self.folder, source))
        ]

    def collect_key(self, source: Source) -> str:
        return digest(source_component(source, None))

    def pass_step(self, plan: Pass, before: Step | None) -> Step:
        stages = plan.all_stages()
        components = [stage_component(stage) for stage in stages]
        named = {stage.name for stage in stages}
        components += [stage_component(stage) for stage in self.gate.stages if stage.name not in named]
        options: dict[str, Any] = {"survey": self.pipeline.survey}
        if before is None:
            components = [source_component(source, self.folder) for source in self.pipeline.sources] + components
        return self._step(2 * plan.number, plan.name, plan.name, components, before, options)

    def resolve_step(self, plan: Pass, before: Step) -> Step:
        short = "-".join(stage.name for stage in plan.sketches)
        components = [stage_component(stage) for stage in plan.sketches]
        return self._step(2 * plan.number + 1, plan.resolving, short, components, before)

    def publish_step(self, before: Step) -> Step:
        options = {"shard_size": self.pipeline.shard_bytes}
        return self._step(before.number + 2, "writing the corpus and its ledger", "publish", [], before, options)

    def _step(
        self,
        number: int,
        name: str,
        short: str,
        components: list[Component],
        before: Step | None,
        options: dict[str, Any] | None = None,
    ) -> Step:
        parts: Parts = {"engine": ENGINE_VERSION, "components": components}
        if before is not None:
            parts["after"] = before.key
        if options:
            parts["options"] = options
        key = key_of(parts)
        return Step(name, number, parts, key, self.folder / "steps" / f"{number:02d}-{short}-{key[:8]}")

    @property
    def gate(self) -> Gate:
        """What passes before the run keeps it."""
        return Gate.of(self.pipeline.stages)

    # --- tasks ---

    def pass_tasks(self, step: Step, plan: Pass, inputs: Sequence[PassInput]) -> list[PassTask]:
        gate = self.gate
        names = tuple(stage.name for stage in self.pipeline.stages)
        return [
            PassTask(number, digest([step.key, number]), step.folder, plan, given, self.pipeline.survey, gate, names)
            for number, given in enumerate(inputs)
        ]

    def resolve_task(self, step: Step, plan: Pass, tasks: Sequence[PassTask]) -> ResolveTask:
        return ResolveTask(
            plan.sketches,
            step.key,
            step.folder,
            [task.folder / stem(task.number) for task in tasks],
            self.pipeline.memory,
            self.workers,
        )

    @staticmethod
    def next_inputs(tasks: Sequence[PassTask], resolve: ResolveTask) -> list[PassInput]:
        inputs = []
        for task in tasks:
            doomed = task.folder / f"{stem(task.number)}.doomed.parquet"
            inputs.append(
                PassInput(
                    part=task.folder / f"{stem(task.number)}.parquet",
                    doomed=doomed if doomed.exists() else None,
                    resolutions={
                        stage.name: resolve.folder / f"{stem(task.number)}.{stage.name}.arrow"
                        for stage in resolve.stages
                    },
                )
            )
        return inputs

    def defaults(self) -> dict[str, dict[str, Any]]:
        """Component -> the defaults of its settings, to say what a setting was that was not given."""
        models = [(stage.name, type(stage)) for stage in self.pipeline.stages]
        return {
            **{source.label(): defaults_of(type(source)) for source in self.pipeline.sources},
            **{name: defaults_of(model) for name, model in models},
        }

    def why(self, step: Step, place: int, receipt: RunReceipt | None) -> list[str]:
        """Why a step would run again: how it differs from the one that an earlier run had in its place."""
        known = list(receipt.identity.values()) if receipt is not None else []
        if place < len(known):
            return reasons(step.parts, known[place], self.defaults())
        manifests = sorted(
            (self.folder / "steps").glob(f"{step.number:02d}-*/{MANIFEST}"), key=lambda path: path.stat().st_mtime_ns
        )
        last = [manifest for path in manifests if (manifest := read_json(path)) and manifest.get("key") != step.key]
        return reasons(step.parts, last[-1]["parts"], self.defaults()) if last else []
