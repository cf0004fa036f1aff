"""What differs between languages: stop words, endings and limits, one file a language in `data/`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from corpuskit.kernels.words import word_hashes

DATA = Path(__file__).parent / "data"


class Lexicon(NamedTuple):
    """Hashes of the stop words and endings of a language, sorted, as compiled loops take them."""

    stop_words: npt.NDArray[np.uint64]
    endings: npt.NDArray[np.uint64]


@cache
def languages() -> tuple[str, ...]:
    """Languages with stop words and limits of their own (ISO 639-1), in alphabetical order."""
    return tuple(sorted(path.stem for path in DATA.glob("??.yaml")))


@cache
def settings(language: str) -> dict[str, Any]:
    """The file of a language: its stop words, endings, and the limits that differ from the default."""
    return dict(yaml.safe_load((DATA / f"{language}.yaml").read_text(encoding="utf-8")))


class Units(NamedTuple):
    """How the units of rules differ between languages (ISO 639-1): see `data/units.yaml`."""

    words: dict[str, tuple[float, float]]
    characters: dict[str, float]
    unmarked_sentences: list[str]


@cache
def units() -> Units:
    """Words, characters and sentences of the languages that are known."""
    return Units(**yaml.safe_load((DATA / "units.yaml").read_text(encoding="utf-8")))


@cache
def rule_table() -> dict[str, dict[str, dict[str, Any]]]:
    """Rule sets: {set: {rule: {measurement, keep, limit, unit}}}, with the limits for English."""
    table: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load((DATA / "default.yaml").read_text(encoding="utf-8"))
    return table


@cache
def lexicons() -> tuple[Lexicon, ...]:
    """One lexicon for each of `languages()`."""
    return tuple(
        Lexicon(
            np.sort(word_hashes(settings(language)["stop_words"])),
            np.sort(word_hashes(settings(language)["endings"])),
        )
        for language in languages()
    )


def numbers(codes: pa.StringArray) -> npt.NDArray[np.int64]:
    """The position in `languages()` of each language code, -1 for those without a file: int64[codes]."""
    positions = pc.fill_null(pc.index_in(codes, pa.array(languages(), pa.string())), -1)
    return np.asarray(positions).astype(np.int64)
