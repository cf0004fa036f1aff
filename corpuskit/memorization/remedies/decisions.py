"""What to do with the documents that the model remembers: one row a tested document, with the action and its reason.

The actions, in the order in which they are considered for a document with extracted windows:

    scrub        an extracted stretch holds an e-mail address or a long number: take those out of the text
    cap_copies   an extracted stretch stands in the corpus more often than the cap: keep `cap` copies of the passage
                 about it, the longest that stands there too often
    trim_span    an extracted stretch comes out behind any prefix: boilerplate, take the stretch out
    drop         at least half of the document's tested windows come out, and it was tested at two places or more
    goldfish     any other verbatim stretch: train on it with tokens left out of the loss (Hans et al. 2024,
                 arXiv:2406.10209), so that it cannot be learned by heart
    keep         no tested window was extracted

The windows are a sample. A document that is not in the file was not tested, which says nothing about it.

The stage `remedies` (`corpuskit.memorization.remedies.stage`) carries them out in the next curation run. The file
holds places and digests, none of the text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.engine.files import replacing
from corpuskit.memorization.masking import names_someone
from corpuskit.memorization.remedies.stretches import stretch_of, text_digest

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("url", pa.string()),
        ("source", pa.string()),
        ("action", pa.string()),
        ("reason", pa.string()),
        ("score", pa.float64()),  # share of the document's tested windows that were extracted
        ("windows", pa.int64()),
        ("copies", pa.int64()),  # of the extracted window that stands there most often; 0 without one
        ("spans", pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64())]))),
        ("text_digest", pa.string()),  # of the text in which the spans are places; null where none was extracted
        ("cap", pa.int64()),  # copies that may stay; null unless the action is cap_copies
        ("stretches", pa.list_(pa.struct([("size", pa.int64()), ("anchor", pa.uint64()), ("digest", pa.string())]))),
    ]
)
"""`spans`: characters of the text (as the tokenizer gives it back) that the action is about, merged and in order.
`stretches`: for cap_copies, each span's text as `corpuskit.memorization.remedies.stretches` names it."""

ACTIONS = ("scrub", "cap_copies", "trim_span", "drop", "goldfish", "keep")


def decide(windows: list[dict[str, Any]], cap: int) -> pa.Table:
    """Decisions from tested windows, one row a document in the order of ids.

    Each window has `id`, `url`, `source`, `extracted`, `attributable`, `copies`, and, where it was extracted, the plain
    `suffix` text, its `start` and `end` in the document's characters, and the document's `text`; `repeated`, the
    (start, end) of the passage about it that stands too often, defaults to those two.
    """
    documents: dict[str, list[dict[str, Any]]] = {}
    for window in windows:
        documents.setdefault(window["id"], []).append(window)
    rows = [_decision(documents[name], cap) for name in sorted(documents)]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def write_decisions(path: Path, decisions: pa.Table) -> None:
    with replacing(path) as temporary:
        pq.write_table(decisions, temporary, compression="zstd")


def _decision(tested: list[dict[str, Any]], cap: int) -> dict[str, Any]:
    hits = [window for window in tested if window["extracted"]]
    action, reason, about = _action(tested, hits, cap)
    capped = action == "cap_copies"
    places = [(window["start"], window["end"]) for window in about]
    spans = _merged(
        [window.get("repeated", place) for window, place in zip(about, places, strict=True)] if capped else places
    )
    text = next((window["text"] for window in hits if window.get("text") is not None), None)
    if text is not None and action in ("cap_copies", "trim_span"):
        spans = [cut for span in spans if (cut := whole_words(text, *span)) is not None]
    stretches = [stretch_of(text[start:end]) for start, end in spans] if capped and text is not None else []
    return {
        **{name: tested[0][name] for name in ("id", "url", "source")},
        "action": action,
        "reason": reason,
        "score": len(hits) / len(tested),
        "windows": len(tested),
        "copies": max((window["copies"] for window in hits), default=0),
        "spans": [{"start": start, "end": end} for start, end in spans],
        "text_digest": text_digest(text) if text is not None else None,
        "cap": cap if capped else None,
        "stretches": [vars(one) for one in stretches if one is not None],
    }


def _action(
    tested: list[dict[str, Any]], hits: list[dict[str, Any]], cap: int
) -> tuple[str, str, list[dict[str, Any]]]:
    if not hits:
        return "keep", f"none of {len(tested)} tested windows comes out", []
    if personal := [window for window in hits if names_someone(window["suffix"])]:
        return "scrub", f"{len(personal)} extracted stretches hold an address or a long number", personal
    if often := [window for window in hits if window["copies"] > cap]:
        most = max(window["copies"] for window in often)
        return "cap_copies", f"an extracted stretch stands in the corpus {most} times, more than {cap}", often
    if common := [window for window in hits if not window["attributable"]]:
        return "trim_span", f"{len(common)} stretches come out behind any prefix: boilerplate", common
    if len(tested) >= 2 and 2 * len(hits) >= len(tested):
        return "drop", f"{len(hits)} of {len(tested)} tested windows come out verbatim", hits
    return "goldfish", f"{len(hits)} of {len(tested)} tested windows come out verbatim", hits


def whole_words(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The span without the words that its ends cut in two; None where no whole word is in it.

    A span in a text that is written without spaces is left as it is.
    """
    first, last = start, end
    if start > 0 and not text[start - 1].isspace():
        while first < end and not text[first].isspace():
            first += 1
    if end < len(text) and not text[end].isspace():
        while last > first and not text[last - 1].isspace():
            last -= 1
    if not text[first:last].strip():
        return None if any(character.isspace() for character in text[start:end]) else (start, end)
    return first, last


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[list[int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return [(start, end) for start, end in found]
