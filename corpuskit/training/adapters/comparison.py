"""Ways to fine-tune one model, side by side: what each trains, gains, forgets, takes to train, and costs in use.

comparison.json     everything that was measured
comparison.arrow    a row for each way, to compute with
NAME/model/         what each way came to: an adapter's files, or a model's
NAME/measured.json  its row; a comparison that was stopped goes on behind the last one
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpuskit.engine.files import digest, read_json, write_json
from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import Stopped, UsageError, require
from corpuskit.training.adapters.config import ADAPTERS, AdaptConfig, CompareConfig
from corpuskit.training.adapters.finetune import finetune
from corpuskit.training.adapters.folder import weights_digest
from corpuskit.training.adapters.forgetting import ModelScores, change, score_model
from corpuskit.training.adapters.load import load_adapted
from corpuskit.training.adapters.merge import merge
from corpuskit.training.adapters.methods import attach, trainable, virtual_tokens
from corpuskit.training.adapters.overhead import BASE, measure_overhead, peak_memory
from corpuskit.training.adapters.target import add_target
from corpuskit.training.evaluation import LanguageModel, open_model
from corpuskit.training.models import count_parameters, load_model
from corpuskit.training.smollm import smollm2

FILE = "comparison.json"
MERGED = "lora, merged"
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
WEIGHTS = ("adapter_model.safetensors", "model.safetensors")


@dataclass(frozen=True)
class Comparison:
    """What `comparison.json` holds."""

    value: dict[str, Any]

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.value["rows"]
        return rows

    def table(self) -> pa.Table:
        """A row for each way that could be taken, without what is nested."""
        names = ("name", "method", "replay", "trainable", "share", "size", "memory", "seconds", "steps")
        rows = []
        for row in self.rows:
            if "refused" in row:
                continue
            flat = {name: row[name] for name in names} | {"target": row["target"]}
            for name in ("gain", "forgetting"):
                estimate = row["change"][name] or {"value": None, "error": None}
                flat |= {name: estimate["value"], f"{name}_error": estimate["error"]}
            flat["probes"] = row["change"]["probes"]
            for batch, pace in row["pace"].items():
                flat |= {f"{key}_{batch}": pace[key] for key in pace if not key.endswith("noise")}
            rows.append(flat)
        return pa.Table.from_pylist(rows)

    def sentence(self) -> str:
        """The comparison in a line for people."""
        rows = [row for row in self.rows if "refused" not in row]
        best = max(rows, key=lambda row: float(row["change"]["gain"]["value"]))
        ways = "way" if len(rows) == 1 else "ways"
        return (
            f"{len(rows)} {ways} to fine-tune on '{self.value['target']}': {best['name']} gains most, "
            f"{best['change']['gain']['value']:.3f} bits a byte with {best['trainable']:,} trained parameters"
        )


def compare(
    model: str | Path,
    shards: str | Path,
    folder: str | Path,
    config: CompareConfig,
    *,
    watch: Watch = silent,
) -> Comparison:
    """Fine-tune the model in a folder in each of the ways, measure them, and write the comparison to `folder`.

    Goes on where an earlier call with the same settings stopped. Raises UsageError for a target that is not there or of
    which nothing is held out, Stopped where a signal ended a training.
    """
    model, folder = Path(model), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shards = Path(shards)
    if config.file is not None:
        watch("reading the target", 0, 0)
        add_target(shards, config.file, folder / "tokens", config.hold_out)
        shards = folder / "tokens"
    contenders = config.contenders()
    context = _context(model, contenders)
    before = _scores(model, None, shards, context, config)
    if config.target not in before.bits.by_source:
        raise UsageError(
            f"no held-out document of '{config.target}' is read, so its gain cannot be measured: write the shards "
            "with a larger hold_out, or read more with held_out_tokens"
        )
    rows = []
    for number, (name, settings) in enumerate(contenders.items()):
        watch(name, number, len(contenders))
        rows.append(_row(name, settings, model, shards, folder, context, before, config))
    watch("measuring speed", len(contenders), len(contenders))
    paces = _paces(model, folder, rows, config)
    for row in rows:
        row["pace"] = paces.get(row["name"], {})
    value = {
        "base": {"folder": str(model), "parameters": count_parameters(load_model(model)), "pace": paces[BASE]}
        | {"bits": before.bits.json(), "probes": before.probes},
        "target": config.target,
        "clock": config.clock,
        "prompt": config.prompt,
        "tokens": config.tokens,
        "merged": paces.get(MERGED),
        "rows": rows,
        "smollm2": _on_smollm2(contenders, config) if config.smollm2 else None,
    }
    write_json(folder / FILE, value)
    comparison = Comparison(value)
    table = comparison.table()
    with pa.OSFile(str(folder / "comparison.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return comparison


def _row(
    name: str,
    settings: AdaptConfig,
    model: Path,
    shards: Path,
    folder: Path,
    context: int,
    before: ModelScores,
    config: CompareConfig,
) -> dict[str, Any]:
    place = folder / name.replace(" ", "-").replace(",", "").replace("%", "percent")
    key = digest([settings.model_dump(mode="json"), weights_digest(model), str(config.held_out_tokens), config.probes])
    known = read_json(place / "measured.json")
    if isinstance(known, dict) and known.get("key") == key:
        return known
    if (place / "key").is_file() and (place / "key").read_text() != key:
        shutil.rmtree(place)  # of an earlier comparison with other settings
    place.mkdir(parents=True, exist_ok=True)
    (place / "key").write_text(key)
    row: dict[str, Any] = {"name": name, "method": settings.method, "replay": settings.replay, "key": key}
    try:
        with peak_memory() as peak:
            result = finetune(model, shards, place / "model", settings)
    except UsageError as error:  # a class of model that does not take the method
        return row | {"refused": str(error)}
    if not result.finished:
        raise Stopped(f"the comparison stopped in '{name}', and everything is saved: run the same command to go on")
    adapter = place / "model" if settings.method in ADAPTERS else None
    after = _scores(model if adapter else place / "model", adapter, shards, context, config)
    trained = trainable(attach(load_model(model), settings, str(model), [5]))
    row |= {
        "trainable": trained,
        "share": trained / count_parameters(load_model(model)),
        "size": sum((place / "model" / file).stat().st_size for file in WEIGHTS if (place / "model" / file).exists()),
        "memory": peak.bytes,
        "seconds": result.seconds,
        "steps": result.steps,
        "target": after.bits.by_source[config.target].bits_per_byte,
        "change": change(before, after, config.target).json(),
        "probes": after.probes,
    }
    write_json(place / "measured.json", row)
    return row


def _scores(model: Path, adapter: Path | None, shards: Path, context: int, config: CompareConfig) -> ModelScores:
    subject: LanguageModel = replace(open_model(model, adapter), context=context)
    return score_model(subject, shards, tokens=config.held_out_tokens, probes=config.probes or None)


def _context(model: Path, contenders: Mapping[str, AdaptConfig]) -> int:
    """Tokens that every contender can read, so that all are measured on the same windows."""
    return open_model(model).context - max(virtual_tokens(settings) for settings in contenders.values())


def _paces(model: Path, folder: Path, rows: list[dict[str, Any]], config: CompareConfig) -> dict[str, Any]:
    """Name -> size of batch -> pace. Only adapters change how fast a model is; a merged one is timed too."""
    models = {BASE: load_model(model).eval()}
    for row in rows:
        if "refused" in row or row["replay"]:
            continue
        place = folder / row["name"].replace(" ", "-") / "model"
        adapted = row["method"] in ADAPTERS
        models[row["name"]] = load_adapted(model, place) if adapted else load_model(place).eval()
        if row["method"] == "lora":
            merged = place.parent / "merged"
            if not (merged / "config.json").is_file():
                merge(model, {place: 1.0}, merged)
            models[MERGED] = load_model(merged).eval()
    paces = measure_overhead(
        models,
        prompt=config.prompt,
        tokens=config.tokens,
        batches=config.batches,
        rounds=config.rounds,
        clock=CLOCKS[config.clock],
    )
    return {name: {str(batch): pace.json() for batch, pace in of.items()} for name, of in paces.items()}


def _on_smollm2(contenders: Mapping[str, AdaptConfig], config: CompareConfig) -> dict[str, Any]:
    """Sizes and speed of new adapters on a real pretrained model of 135 million parameters."""
    torch = require("torch", "train")
    folder = smollm2()
    models = {BASE: load_model(folder).eval()}
    methods: dict[str, dict[str, Any]] = {}
    for name, settings in contenders.items():
        if settings.method not in ADAPTERS or settings.replay:
            continue
        adapted = attach(load_model(folder), settings, str(folder), [1, 504, 3575, 282])
        count = trainable(adapted)
        methods[name] = {"trainable": count, "share": count / count_parameters(models[BASE])}
        with torch.no_grad():  # a new adapter computes as much as a trained one
            models[name] = adapted.eval()
    paces = measure_overhead(models, prompt=config.prompt, tokens=8, batches=(1,), rounds=3, clock=CLOCKS[config.clock])
    for name in methods:
        methods[name]["pace"] = paces[name][1].json()
    return {"parameters": count_parameters(models[BASE]), "pace": paces[BASE][1].json(), "methods": methods}
