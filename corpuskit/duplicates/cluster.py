"""The front door: near-duplicates among texts in memory."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from corpuskit.duplicates.corpus import GivenTexts
from corpuskit.duplicates.near import decide
from corpuskit.duplicates.signatures import Likeness, sketch
from corpuskit.duplicates.workspace import Workspace
from corpuskit.inputs import Languages, Texts, as_languages, as_texts

MEMORY = 2 << 30


@dataclass(frozen=True)
class ClusterResult:
    """Which texts stay. A cluster is a kept text with those that were dropped for it."""

    cluster: npt.NDArray[np.int64]
    """The position of the kept text of each text's cluster."""
    kept: npt.NDArray[np.bool_]
    twin: npt.NDArray[np.int64]
    """The position of the kept text that a dropped text resembles most; -1 for a kept text."""
    similarity: npt.NDArray[np.float64]
    """Jaccard index (or containment) of a dropped text and its twin, computed exactly; NaN for a kept text."""


def cluster(
    texts: Texts,
    threshold: float = 0.8,
    language: Languages = None,
    *,
    verify: Literal["jaccard", "containment"] = "jaccard",
    words: int = 5,
    characters: int = 2,
    permutations: int = 112,
) -> ClusterResult:
    """Find near-duplicates: of two texts at least `threshold` alike the earlier one stays.

    Texts are alike by their shingles: `words` consecutive words, or for Korean and unspaced scripts `characters`
    within a word (`corpuskit.duplicates.shingles`). `language` is one ISO 639-1 code for all texts or one a text; None
    looks at the text. Every pair that is reported was compared exactly; a pair just at the threshold is found with a
    chance of 99.9 %, nearer pairs more surely. A None counts as an empty text; empty texts duplicate each other only.

    Raises InputError for what are not texts or languages, for a threshold outside (0, 1], and for too few permutations
    to find such pairs.
    """
    likeness = Likeness.of(threshold, verify, words, characters, permutations)
    given = as_texts(texts)
    languages = as_languages(language, len(given))
    sketched = sketch(given, languages, likeness)
    columns: dict[str, npt.NDArray[np.generic]] = {
        "low": np.ascontiguousarray(sketched.digests[:, 0]),
        "high": np.ascontiguousarray(sketched.digests[:, 1]),
        "given": np.ones(len(given), np.bool_),
        "preference": np.zeros(len(given), np.int64),
    }
    columns |= {f"band_{band:03}": keys for band, keys in enumerate(sketched.keys)}
    with tempfile.TemporaryDirectory(prefix="corpuskit-") as folder:
        corpus = GivenTexts(columns, given, languages)
        decided = decide(corpus, likeness, None, Workspace(Path(folder), MEMORY))
        representatives, shares = decided.representatives(0, len(given))
    kept = representatives == np.arange(len(given))
    return ClusterResult(representatives, kept, np.where(kept, -1, representatives), np.where(kept, np.nan, shares))
