"""The recipe: one YAML file that names sources, stages and the jobs on the finished corpus, read into a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import Field

from corpuskit.engine.features import features
from corpuskit.engine.intermediate import Intermediate
from corpuskit.engine.job import Job, JobKey
from corpuskit.engine.located import Located
from corpuskit.engine.names import FolderName
from corpuskit.engine.pipeline import Pipeline
from corpuskit.engine.sizes import Size
from corpuskit.engine.source import Source
from corpuskit.engine.stage import Configured, Stage
from corpuskit.errors import UsageError
from corpuskit.recipe.check import Problems
from corpuskit.recipe.located import override, read
from corpuskit.recipe.registry import job_key, make_importable, source_class, stage_class, suggestion


class RecipeKeys(Configured):
    """The keys of every recipe. Features declare the keys of the jobs that follow on the finished corpus."""

    name: FolderName = Field(pattern=r"^[\w.-]+$")
    """What the run is called; its folder is runs/NAME."""
    sources: list[dict[str, Any]] = Field(min_length=1)
    """Where documents come from: a list of source keys with their settings, read in this order."""
    stages: list[dict[str, Any] | str] = Field(default_factory=list)
    """What is measured and decided, in this order: a list of stage keys with their settings."""
    decisions: str | None = None
    """What an audit decided about documents (`runs/NAME/audits/decisions.parquet`), carried out after all stages."""
    overwrite: bool = False
    """Replace the finished corpus, models and audits of this run where settings or input have changed."""
    survey: bool = False
    """Measure documents that a rule has doomed with the later streaming stages too, so that `what-if` knows them."""
    memory: Size = Field(default=2 * 10**9, ge=10**8)
    """Bytes that a step over the whole corpus may use: '2GB'."""
    shard_size: Size = Field(default=256 * 10**6, ge=10**5)
    """About how many bytes of text a shard of the corpus holds: '256MB'."""
    intermediate: Intermediate | None = None
    """What becomes of the files of steps when the corpus is published: delete, encrypt (with the `key_file` of
    personal_data) or keep. Default: delete where personal_data removes something, else keep."""
    max_quarantined: int | None = Field(default=None, ge=0)
    """More unreadable records than this fail the run."""


DECISIONS = "remedies"
"""The stage that carries out the key `decisions`."""


@dataclass(frozen=True)
class Recipe:
    keys: RecipeKeys
    sources: Sequence[Source]
    stages: Sequence[Stage]
    jobs_of: Mapping[str, JobKey]
    """Every job key that the recipe has, in the order in which a run does their jobs."""
    sections: Mapping[str, Any]
    """Job key -> its validated settings."""
    value: dict[str, Any]
    text: str
    last: str | None = None
    """The key whose jobs are the last to run; None runs all."""

    def pipeline(self) -> Pipeline:
        keys = self.keys
        return Pipeline(
            name=keys.name,
            sources=self.sources,
            stages=[stage.in_run(keys.name) for stage in self.stages],
            jobs=self.jobs(),
            survey=keys.survey,
            memory=keys.memory,
            shard_bytes=keys.shard_size,
            intermediate=keys.intermediate,
            max_quarantined=keys.max_quarantined,
            recipe=self.value,
            recipe_text=self.text,
        )

    def up_to(self, key: str) -> Recipe:
        """The same recipe without the jobs after a key. Canaries that it plants stay, so that an audit may follow."""
        return replace(self, last=key)

    def jobs(self) -> list[Job]:
        """The jobs on the finished corpus, in order; those after the key `last` are left out."""
        jobs: list[Job] = []
        for key, entry in self.jobs_of.items():
            jobs += entry.jobs(self.sections[key], self.sections)
            if key == self.last:
                break
        return jobs


def load(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file with `path=value` overrides laid over it.

    Modules in the recipe's own folder can be imported: a stage of `mystages.py` beside it is `mystages.MyStage`.
    Raises UsageError that lists every problem with its file, line and the nearest valid word.
    """
    path = Path(path)
    located = read(path)
    make_importable(path.parent)
    for option in overrides:
        override(located, option)
    return check(located, path.read_text(encoding="utf-8-sig"))


def check(located: Located, text: str = "") -> Recipe:
    """The recipe that some plain values describe. Raises UsageError that lists every problem."""
    if not isinstance(located.value, dict):
        raise UsageError(f"{located.name}: a recipe is a mapping of keys: name, sources, stages, ...")
    make_importable(Path())
    problems = Problems(located)
    declared = features().recipe_keys()
    base = {key: value for key, value in located.value.items() if key in RecipeKeys.model_fields}
    for key in located.value:
        if key not in base and key not in declared:
            problems.add((key,), "unknown key" + suggestion(key, {**RecipeKeys.model_fields, **declared}))
    keys = problems.validate(RecipeKeys, base, ())
    sources = [
        source
        for number, item in enumerate(_items(located.value.get("sources")))
        if (source := _named(problems, item, ("sources", number), source_class)) is not None
    ]
    stages = [
        stage
        for number, item in enumerate(_items(located.value.get("stages")))
        if (stage := _named(problems, item, ("stages", number), stage_class)) is not None
    ]
    if keys is not None and keys.decisions is not None:
        stages.append(_named(problems, {DECISIONS: {"path": keys.decisions}}, ("decisions",), stage_class))
    _check_names(problems, sources, stages)
    jobs_of, sections = _job_sections(problems, [key for key in declared if located.value.get(key) is not None])
    problems.raise_any()
    assert keys is not None
    return Recipe(keys, sources, stages, jobs_of, sections, located.value, text)


def _job_sections(problems: Problems, keys: Sequence[str]) -> tuple[dict[str, JobKey], dict[str, Any]]:
    """The job keys of a recipe and their settings, in the order in which a run does them."""
    jobs_of: dict[str, JobKey] = {}
    sections: dict[str, Any] = {}
    for key in keys:
        try:
            entry = job_key(key)
        except UsageError as error:
            problems.add((key,), str(error))
            continue
        settings = problems.validate(entry.settings, problems.located.value[key], (key,))
        if settings is not None:
            jobs_of[key], sections[key] = entry, settings
        if entry.needs and entry.needs not in keys:
            problems.add((key,), f"needs the key '{entry.needs}' in the recipe")
    return jobs_of, sections


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _named(problems: Problems, item: Any, place: tuple[str | int, ...], find: Any) -> Any:
    """The configured source or stage of one list item: `{key: {settings}}`, or the bare key."""
    if isinstance(item, str):
        item = {item: None}
    if not isinstance(item, dict) or len(item) != 1:
        problems.add(place, "expected one key with its settings below it, such as '- language: {keep: [en, ko]}'")
        return None
    key, settings = next(iter(item.items()))
    try:
        cls = find(key)
    except UsageError as error:
        problems.add((*place, key), str(error))
        return None
    return problems.validate(cls, settings, (*place, key))


def _check_names(problems: Problems, sources: Sequence[Source], stages: Sequence[Stage]) -> None:
    seen: set[str] = set()
    for source in sources:
        if source.label() in seen:
            problems.add(
                ("sources",), f"two sources are called '{source.label()}'; give each a name of its own (name: ...)"
            )
        seen.add(source.label())
    seen = set()
    for stage in stages:
        if stage.name in seen:
            problems.add(("stages",), f"the stage '{stage.name}' is listed more than once")
        seen.add(stage.name)
