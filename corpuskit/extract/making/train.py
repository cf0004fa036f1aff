"""Training the extractor: from pages with their true text to the file of forests that ships, and its card.

Figures are out of fold: sites are dealt into folds, and no page is judged by a forest that has seen its site. The later
forests learn from what the earlier ones say of pages that these have not seen, so the model that ships is fitted to the
same out-of-fold values.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from corpuskit.errors import UsageError, require
from corpuskit.extract import embedded, forest, learned
from corpuskit.extract.blocks import Blocks, blocks
from corpuskit.extract.embedded import Node
from corpuskit.extract.evidence.charset import decode
from corpuskit.extract.features import Features, features
from corpuskit.extract.learned import TYPES, Candidate, Judged, Model
from corpuskit.extract.making.labels import labels, word_f1
from corpuskit.extract.making.themes import made_pages, read_prose
from corpuskit.extract.parse import parse

FOLDS = 4
_SHARED: dict[str, Any] = {
    "num_leaves": 47,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.35,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "num_threads": 1,
    "verbose": -1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 5,
}
_PAGE_TYPE = _SHARED | {
    "objective": "multiclass", "num_class": len(TYPES), "num_leaves": 7, "min_data_in_leaf": 10, "learning_rate": 0.08,
}  # fmt: skip
_FIRST = _SHARED | {"objective": "binary", "learning_rate": 0.12}
_SECOND = _SHARED | {"objective": "binary", "learning_rate": 0.08}
_QUALITY = _SHARED | {"objective": "regression", "num_leaves": 15, "min_data_in_leaf": 30, "learning_rate": 0.05}
_TREES = {"page_type": 80, "first": 100, "second": 140, "quality": 200}
_MADE_WEIGHT = 0.6
"""What a page of our own counts, a web page being 1."""
_RARE_WEIGHT = {"forum": 1.5, "listing": 1.5, "collection": 1.7, "product": 1.7, "service": 1.2, "documentation": 1.3}
"""What a web page of a rare type counts."""
_LENGTH_POWER = 0.7

Log = Callable[[str], None]


@dataclass(frozen=True)
class Example:
    """A page with its true text."""

    type: str
    group: str
    """What it counts as in the tables: a page type, or a theme of ours."""
    site: str
    url: str
    html: bytes
    text: str
    is_made: bool = False


@dataclass
class _Prepared:
    example: Example
    page: Blocks
    facts: Features
    belongs: npt.NDArray[np.bool_]
    weights: npt.NDArray[np.float64]
    nodes: list[Node]


def read_gold(pages: Path, gold: Path) -> list[Example]:
    """Pages of the Web Content Extraction Benchmark with their main text.

    `pages` holds `*.html` or `*.html.gz` at any depth; `gold` is a JSON-lines file with `file`, `url`, `type` and
    `text`, or a folder with such files or with `ground-truth/*.json`.
    """
    by_name = {path.name.split(".")[0]: path for path in sorted(pages.rglob("*.html*"))}
    found = []
    for name, url, kind, text in _gold(gold):
        path = by_name.get(name)
        if path and text is not None and kind in TYPES:
            data = path.read_bytes()
            html = gzip.decompress(data) if path.suffix == ".gz" else data
            found.append(Example(kind, kind, urlsplit(url).netloc or name, url, html, text))
    if not found:
        raise UsageError(f"no page of {pages} has a text in {gold}")
    return found


def _gold(path: Path) -> Iterator[tuple[str, str, str, str | None]]:
    files = [path] if path.is_file() else sorted(path.rglob("*.jsonl*"))
    for file in files:
        data = file.read_bytes()
        for line in (gzip.decompress(data) if file.suffix == ".gz" else data).splitlines():
            record = json.loads(line)
            yield str(record["file"]), record.get("url") or "", record["type"], record.get("text")
    if path.is_dir():
        for file in sorted(path.rglob("ground-truth/*.json")):
            record = json.loads(file.read_text())
            kind = record["_internal"]["page_type"]["primary"]
            yield file.stem, record.get("url") or "", kind, record["ground_truth"].get("main_content")


def made_examples(prose: Sequence[Path], gold: Sequence[Example], count: int, seed: int = 1) -> list[Example]:
    """Pages of our own: Korean ones of the prose in `prose`, and plain English ones of the true texts in `gold`."""
    korean = read_prose(sorted(path for root in prose for path in ([root] if root.is_file() else root.rglob("*.md"))))
    english = [
        lines
        for example in gold[::3]
        if len(lines := [line.strip() for line in example.text.split("\n") if len(line) >= 20 and "<" not in line]) > 4
    ]
    found = []
    for prefix, documents, number, themes in (("ko", korean, count, ()), ("en", english, count // 4, ("plain",))):
        if documents:
            for place, made in enumerate(made_pages(documents, number, seed, themes)):
                url = f"http://{prefix}{made.theme}{place}.example/{place}"
                name = f"{prefix} {made.theme}"
                found.append(Example(made.type, name, url, url, made.html.encode(), made.text, True))
    return found


def prepare(examples: Iterable[Example], log: Log = print) -> list[_Prepared]:
    """Blocks, features and labels of pages."""
    found = []
    for number, example in enumerate(examples):
        page = blocks(parse(decode(example.html)[0].encode("utf-8", "replace")))
        belongs, words = labels([page.block(place) for place in range(len(page.begin))], example.text)
        weights = words / max(1.0, words.sum()) ** _LENGTH_POWER * _weight(example)
        found.append(
            _Prepared(example, page, features(page, example.url), belongs, weights, embedded.json_ld(page.tree))
        )
        if number % 500 == 499:
            log(f"{number + 1} pages prepared")
    return found


def _weight(example: Example) -> float:
    return _MADE_WEIGHT if example.is_made else _RARE_WEIGHT.get(example.type, 1.0)


class Training:
    """The four forests, out of fold and on everything."""

    def __init__(self, pages: list[_Prepared], log: Log = print) -> None:
        self.pages, self.log = pages, log
        sites = sorted({page.example.site for page in pages})
        random.Random(3).shuffle(sites)
        fold_of = {site: number % FOLDS for number, site in enumerate(sites)}
        self.folds = np.array([fold_of[page.example.site] for page in pages])
        sizes = [len(page.belongs) for page in pages]
        self.bounds = np.cumsum([0, *sizes])
        self.page_of = np.repeat(np.arange(len(pages)), sizes)

    def run(self) -> tuple[Model, dict[str, dict[str, float]]]:
        """(model, scores by candidate and group). The scores are out of fold."""
        web = np.array([1.0 if not page.example.is_made else 0.4 for page in self.pages])
        facts = np.array([page.facts.page for page in self.pages])
        kinds = np.array([TYPES.index(page.example.type) for page in self.pages])
        page_type, types = self._out_of_fold("page_type", facts, kinds, web, self.folds, _PAGE_TYPE)
        self.log(f"page type: {(types.argmax(1) == kinds)[web == 1].mean():.3f} of the web's pages right")
        types = types.astype(np.float32)
        belongs = np.concatenate([page.belongs for page in self.pages])
        weights = np.concatenate([page.weights for page in self.pages])
        rows = np.vstack(
            [learned.with_types(page.facts, types[n]) for n, page in enumerate(self.pages) if len(page.belongs)]
        )
        block_folds = self.folds[self.page_of]
        first, p = self._out_of_fold("first", rows, belongs, weights, block_folds, _FIRST)
        del rows
        rows = np.vstack(
            [
                learned.second_rows(page.page, page.facts, types[n], self._part(p, n).astype(np.float32))
                for n, page in enumerate(self.pages)
                if len(page.belongs)
            ]
        )
        second, p = self._out_of_fold("second", rows, belongs, weights, block_folds, _SECOND)
        del rows
        quality, scores = self._quality(types, p.astype(np.float32))
        return Model(page_type, first, second, quality), scores

    def _quality(self, types: npt.NDArray[Any], p: npt.NDArray[np.float32]) -> Any:
        rows: list[npt.NDArray[np.float32]] = []
        right: list[float] = []
        owner: list[int] = []
        found: list[list[Candidate]] = []
        for number, page in enumerate(self.pages):
            judged = Judged(types[number], self._part(p, number))
            options = learned.candidates(page.page, judged.probabilities, page.nodes)
            found.append(options)
            if options:
                rows.append(learned.quality_rows(page.page, page.facts, judged, options))
            for option in options:
                text = page.page.text(option.keep) if option.keep is not None else option.text or ""
                right.append(word_f1(text, page.example.text))
                owner.append(number)
        matrix, truth, of = np.vstack(rows), np.array(right), np.array(owner)
        weights = np.array([_weight(self.pages[n].example) for n in of])
        model, predicted = self._out_of_fold("quality", matrix, truth, weights, self.folds[of], _QUALITY)
        groups: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for number, page in enumerate(self.pages):
            mine = np.flatnonzero(of == number)
            outcomes = {"chosen": truth[mine[predicted[mine].argmax()]] if len(mine) else float(not page.example.text)}
            outcomes["best"] = truth[mine].max() if len(mine) else outcomes["chosen"]
            p_here = self._part(p, number)
            for threshold in (0.3, 0.4, 0.5):
                outcomes[f"above {threshold}"] = word_f1(page.page.text(p_here > threshold), page.example.text)
            for name, value in outcomes.items():
                for group in (page.example.group, "all made" if page.example.is_made else "all"):
                    groups[name][group].append(float(value))
        return model, {
            name: {group: sum(values) / len(values) for group, values in sorted(of_group.items())}
            for name, of_group in groups.items()
        }

    def _part(self, values: npt.NDArray[Any], number: int) -> npt.NDArray[Any]:
        return values[self.bounds[number] : self.bounds[number + 1]]

    def _out_of_fold(
        self, name: str, rows: npt.NDArray[Any], truth: npt.NDArray[Any], weights: npt.NDArray[np.float64],
        folds: npt.NDArray[Any], settings: dict[str, Any],
    ) -> tuple[forest.Forest, npt.NDArray[np.float64]]:  # fmt: skip
        """(forest on everything, predictions out of fold)."""
        lgb = require("lightgbm", "making")
        data = lgb.Dataset(
            rows, truth.astype(np.float64), weight=weights, params=settings, free_raw_data=False
        ).construct()
        predicted: Any = None
        for fold in range(FOLDS):
            inside = np.flatnonzero(folds != fold)
            booster = lgb.train(settings, data.subset(inside), _TREES[name])
            values = booster.predict(rows[folds == fold])
            if predicted is None:
                predicted = np.zeros((len(rows), *values.shape[1:]))
            predicted[folds == fold] = values
            self.log(f"{name}: fold {fold + 1} of {FOLDS}")
        return forest.from_lightgbm(lgb.train(settings, data, _TREES[name])), predicted


def train(examples: Sequence[Example], to: Path, log: Log = print) -> dict[str, dict[str, float]]:
    """Train on pages and write the model to a file. Returns out-of-fold word F1 by candidate and group of pages."""
    model, scores = Training(prepare(examples, log), log).run()
    to.parent.mkdir(parents=True, exist_ok=True)
    forest.save(
        to,
        {"page_type": model.page_type, "first": model.first, "second": model.second, "quality": model.quality},
    )
    log(f"{to}: {to.stat().st_size / 1e6:.2f} MB")
    return scores
