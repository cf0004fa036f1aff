"""Find personal data in texts: marks, then detectors on the marks, then the settling of overlaps.

`find` gives exactly what running every detector over the whole of every text would give; see `marks`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from corpuskit.errors import UsageError, nearest
from corpuskit.inputs import Languages, Texts, as_languages, as_texts
from corpuskit.kernels.arrow import text_buffers
from corpuskit.privacy.allow import Allow
from corpuskit.privacy.detect import DETECTORS
from corpuskit.privacy.detect.label import as_context
from corpuskit.privacy.detect.network import PRIVATE
from corpuskit.privacy.finding import NAMES, STRUCTURED, Candidate, Finding, settle
from corpuskit.privacy.fold import fold
from corpuskit.privacy.marks import Mark, find_marks
from corpuskit.privacy.reserved import without_reserved

Names = Literal[False, True, "near_contact"]

_BY_NUMBER = [DETECTORS[mark] for mark in Mark]


def find(
    texts: Texts,
    language: Languages = None,
    *,
    types: Collection[str] = STRUCTURED,
    min_score: float = 0.5,
    private_addresses: bool = False,
    names: Names = False,
    name_model: str | Path | None = None,
    recognizers: Sequence[Any] = (),
    agree: bool = False,
    label: str = "",
    allow: Allow | None = None,
    min_scores: Mapping[str, float] | None = None,
) -> list[list[Finding]]:
    """Personal data in each text, by position, without overlaps.

    `language` ('en', 'ko', one for all or one a text) chooses the name models and the `recognizers` (instances of
    presidio's EntityRecognizer) that run; for names, a language of None is identified by its text. The structured
    types are looked for in every text: `types` limits those that are reported, `private_addresses` also reports
    internet addresses that are not public. `names` adds people, places and organisations, or with 'near_contact' only
    people beside something structured; Korean without `name_model` has people alone. Offsets index the
    caller's own strings. A null has no findings. `agree` adds whatever presidio's own pattern recognizers find of these
    types, dates that look like phone numbers among it, so that a search with presidio finds nothing more. `label` is
    the name of the field that all the texts are values of (`phone`, `예금주`): it counts as the word before a value.
    `allow` names what is let be, `min_scores` sets other limits than `min_score` for single types.

    Raises InputError for what are not texts or languages, UsageError for an unknown type and for a name model that is
    none.
    """
    array = as_texts(texts)
    given: list[str | None] = array.to_pylist()
    wanted = set(types)
    for name in wanted - set(STRUCTURED):
        way_out = ": names=True finds names" if name in NAMES else nearest(name, STRUCTURED)
        raise UsageError(f"'{name}' is no structured type of personal data{way_out}")
    context = as_context(label)
    if context:
        options = {"types": types, "min_score": min_score, "private_addresses": private_addresses, "names": names}
        options |= {
            "name_model": name_model,
            "recognizers": recognizers,
            "agree": agree,
            "allow": allow,
            "min_scores": min_scores,
        }
        labelled = [None if text is None else context + text for text in given]
        return [_without_context(row, len(context)) for row in find(labelled, language, **options)]  # type: ignore[arg-type]
    candidates = structured(array)
    languages: list[str | None] = as_languages(language, len(array)).to_pylist()
    if recognizers:
        from corpuskit.privacy.presidio import analyze

        wanted |= {entity.lower() for recognizer in recognizers for entity in recognizer.supported_entities}
        for text, spoken, row in zip(given, languages, candidates, strict=True):
            if text:
                row += analyze(recognizers, text, spoken)
    settled = []
    for row in candidates:
        if private_addresses or agree:
            row = [item._replace(type="ip") if item.type == PRIVATE else item for item in row]
        limits = min_scores or {}
        settled.append(settle([item for item in row if item.score >= limits.get(item.type, min_score)]))
    if agree:
        from corpuskit.privacy import presidio

        for number, (text, spoken) in enumerate(zip(given, languages, strict=True)):
            if text:
                settled[number] = sorted(settled[number] + presidio.agree(text, spoken, settled[number]))
    if names:
        from corpuskit.privacy.names import find_names, near_contact

        for number, named in enumerate(find_names(given, languages, name_model)):
            sure = [item for item in named if item.score >= min_score]
            sure = near_contact(sure, settled[number]) if names == "near_contact" else sure
            settled[number] = _beside(settled[number], sure)
        wanted |= set(NAMES)
    return [
        []
        if text is None
        else [
            finding
            for item in row
            if item.type in wanted
            for finding in [Finding(*item, text[item.start : item.end])]
            if allow is None or (finding.type, finding.text) not in allow
        ]
        for text, row in zip(given, settled, strict=True)
    ]


def _without_context(row: list[Finding], length: int) -> list[Finding]:
    """Findings of a text that had a label of so many characters put before it, in the text alone."""
    return [item._replace(start=item.start - length, end=item.end - length) for item in row if item.start >= length]


def _beside(settled: list[Candidate], names: list[Candidate]) -> list[Candidate]:
    """Structured findings with the names that overlap none of them: a form is surer than a model."""
    together = sorted([*settled, *settle(names)])
    kept: list[Candidate] = []
    for item in together:
        if kept and item.start < kept[-1].end:
            if item.type in NAMES:
                continue
            kept.pop()
        kept.append(item)
    return kept


def structured(array: pa.LargeStringArray) -> list[list[Candidate]]:
    """What the detectors propose for each text; overlaps are not settled."""
    texts: list[str | None] = array.to_pylist()
    rows: list[list[Candidate]] = [[] for _ in range(len(texts))]
    marks, hidden = find_marks(*text_buffers(array))
    for number, mark, start, end in marks.tolist():
        if not hidden[number]:
            text = texts[number]
            assert text is not None
            row = rows[number]
            row += _BY_NUMBER[mark](text, start, end)
    for number, row in enumerate(rows):
        if row:
            rows[number] = without_reserved(texts[number] or "", row)
    hiding = np.flatnonzero(hidden).tolist()
    if hiding:
        _folded(texts, hiding, rows)
    return rows


def _folded(texts: Sequence[str | None], numbers: list[int], rows: list[list[Candidate]]) -> None:
    """Fill the rows of texts that hide characters, by way of their folded forms."""
    folds = [fold(texts[number] or "") for number in numbers]
    marks, _ = find_marks(*text_buffers(as_texts([item.text for item in folds])))
    found: list[list[Candidate]] = [[] for _ in numbers]
    for position, mark, start, end in marks.tolist():
        found[position] += _BY_NUMBER[mark](folds[position].text, start, end)
    for number, item, row in zip(numbers, folds, found, strict=True):
        rows[number] = [
            candidate._replace(start=int(item.starts[candidate.start]), end=int(item.ends[candidate.end - 1]))
            for candidate in without_reserved(item.text, row)
        ]
