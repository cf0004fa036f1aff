"""Every quality measurement of a text. docs/quality-rules.md defines each.

Sources: Gopher (Rae et al. 2021, appendix A.1.1), C4 (Raffel et al. 2020, section 2.2), mC4 (Xue et al. 2021, section
3.1), FineWeb (Penedo et al. 2024, section 3.6).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.inputs import Languages, Texts, as_languages, as_texts
from corpuskit.kernels import lines as line
from corpuskit.kernels import words as word
from corpuskit.kernels.arrow import text_buffers
from corpuskit.quality import c4, kernel
from corpuskit.quality.languages import numbers
from corpuskit.quality.morphemes import Analyser, grammar

FEWEST_LINES = 3
"""A share of fewer lines (or paragraphs) says nothing about a text, and is null."""

Numbers = npt.NDArray[Any]


def measure(
    texts: Texts,
    language: Languages = None,
    analyser: Analyser | None = None,
) -> pa.StructArray:
    """All quality measurements of texts: structs `gopher`, `c4`, `fineweb` and `korean`, a row a text.

    `language` is the code of all texts, or one for each: it chooses the stop words, and `korean` is measured of Korean
    texts alone. Shares are between 0 and 1. A value that does not exist is null (a share of the lines of an
    empty text, the stop words of a language without a list); of a null text all are. With the `analyser` 'kiwi' the
    stop words and endings of Korean texts are morphemes of kiwipiepy.

    Raises InputError for what are not texts or languages, MissingExtra where the analyser is not installed.
    """
    strings = as_texts(texts)
    codes = as_languages(language, len(strings))
    counts = kernel.count(*text_buffers(strings), numbers(codes))
    korean = pc.fill_null(pc.equal(codes, "ko"), False).to_numpy(zero_copy_only=False)
    if analyser is not None:
        _count_morphemes(strings, np.flatnonzero(korean), counts)
    groups = {
        "gopher": _gopher(counts),
        "c4": _c4(counts),
        "fineweb": _fineweb(counts),
        "korean": _korean(counts, korean),
    }
    mask = pc.is_null(strings) if strings.null_count else None
    structs = [_struct(values, mask) for values in groups.values()]
    return pa.StructArray.from_arrays(structs, names=list(groups), mask=mask)


def _count_morphemes(strings: pa.LargeStringArray, korean: npt.NDArray[np.int64], counts: kernel.Counts) -> None:
    """Writes the function words and endings of the texts at `korean` over those of the lists."""
    found = np.array(grammar([text or "" for text in strings.take(korean).to_pylist()]), np.int64).reshape(-1, 2)
    counts.stop_words[korean, kernel.STOP_WORDS] = found[:, 0]
    # a text without white space is analysed in pieces, which may all have an ending
    counts.stop_words[korean, kernel.WITH_ENDING] = np.minimum(found[:, 1], counts.words[korean, word.WORDS])


def _share(part: Numbers, whole: Numbers) -> Numbers:
    """part / whole, NaN where whole is 0."""
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _line_share(part: Numbers, whole: Numbers) -> Numbers:
    """part / whole, NaN where the lines or paragraphs are fewer than FEWEST_LINES."""
    return np.where(whole >= FEWEST_LINES, part / np.maximum(whole, 1), np.nan)


def _struct(values: dict[str, Numbers], mask: pa.BooleanArray | None) -> pa.StructArray:
    arrays = [pa.array(value, from_pandas=True) for value in values.values()]
    return pa.StructArray.from_arrays(arrays, names=list(values), mask=mask)


def _gopher(counts: kernel.Counts) -> dict[str, Numbers]:
    words, lines = counts.words.T, counts.lines.T
    stop_words = np.ma.masked_less(counts.stop_words[:, kernel.STOP_WORDS], 0)
    values = {
        "words": words[word.WORDS],
        "mean_word_length": _share(words[word.WORD_CHARACTERS], words[word.WORDS]),
        "symbol_ratio_hash": _share(lines[line.HASHES], words[word.WORDS]),
        "symbol_ratio_ellipsis": _share(lines[line.ELLIPSES], words[word.WORDS]),
        "bullet_lines": _line_share(lines[line.BULLET_LINES], lines[line.LINES]),
        "ellipsis_lines": _line_share(lines[line.ELLIPSIS_LINES], lines[line.LINES]),
        "alphabetic_words": _share(words[word.WITH_LETTER], words[word.TOKENS]),
        "stop_words": stop_words,
        "duplicate_lines": _line_share(lines[line.DUPLICATE_LINES], lines[line.LINES]),
        "duplicate_paragraphs": _line_share(lines[line.DUPLICATE_PARAGRAPHS], lines[line.PARAGRAPHS]),
        "duplicate_line_characters": _share(lines[line.DUPLICATE_LINE_CHARACTERS], lines[line.LINE_CHARACTERS]),
        "duplicate_paragraph_characters": _share(
            lines[line.DUPLICATE_PARAGRAPH_CHARACTERS], lines[line.LINE_CHARACTERS]
        ),
    }
    for order in range(2, 11):
        values[f"{'top' if order <= 4 else 'duplicate'}_{order}_gram"] = counts.repeated[:, order - 2]
    return values


def _c4(counts: kernel.Counts) -> dict[str, Numbers]:
    found, lines = counts.c4.T, counts.lines.T
    return {
        "sentences": found[c4.SENTENCES],
        "kept_lines": _share(found[c4.KEPT_LINES], lines[line.LINES]),
        "curly_bracket": found[c4.CURLY_BRACKET] > 0,
        "lorem_ipsum": found[c4.LOREM_IPSUM] > 0,
        "long_lines": lines[line.LONG_LINES],
    }


def _fineweb(counts: kernel.Counts) -> dict[str, Numbers]:
    words, lines = counts.words.T, counts.lines.T
    return {
        "line_punctuation": _line_share(lines[line.PUNCTUATED_LINES], lines[line.LINES]),
        "short_lines": _line_share(lines[line.SHORT_LINES], lines[line.LINES]),
        "character_duplicates": _share(lines[line.DUPLICATE_LINE_CHARACTERS], lines[line.LINE_CHARACTERS]),
        "new_lines": _share(lines[line.LINE_FEEDS], words[word.WORDS]),
    }


def _korean(counts: kernel.Counts, korean: Numbers) -> dict[str, Numbers]:
    words, stop_words = counts.words.T, counts.stop_words.T
    values = {
        "hangul_share": _share(words[word.HANGUL_CHARACTERS], words[word.CHARACTERS]),
        "jamo_share": _share(words[word.JAMO_CHARACTERS], words[word.CHARACTERS]),
        "endings": _share(stop_words[kernel.WITH_ENDING], words[word.WORDS]),
    }
    return {name: np.where(korean, value, np.nan) for name, value in values.items()}
