"""Sentences with labelled names, in the format of KLUE-NER: a character and its BIO tag a line.

Park et al., "KLUE: Korean Language Understanding Evaluation" (2021), section 3.4. Tags that name other things (dates,
quantities) are read over.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from corpuskit.errors import UsageError

TAGS = {"PS": "person", "LC": "place", "OG": "organization"}


class Sentence(NamedTuple):
    text: str
    names: tuple[tuple[int, int, str], ...]
    """(start, end, type) of each name, code points."""


def read_labelled(path: str | Path) -> list[Sentence]:
    """The sentences of a file.

    Raises UsageError with the line that is no `character<TAB>tag`.
    """
    sentences: list[Sentence] = []
    characters: list[str] = []
    tags: list[str] = []
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise UsageError(f"{path} does not exist") from error
    for number, line in enumerate([*lines, ""], 1):
        line = line.rstrip("\r")
        if line.startswith("##"):
            continue
        if line:
            character, tab, tag = line.partition("\t")
            if not tab or len(character) > 1:
                raise UsageError(f"{path} line {number}: {line[:40]!r} is no character, tab and tag")
            characters.append(character or " ")
            tags.append(tag)
        elif characters:
            sentences.append(Sentence("".join(characters), tuple(_spans(tags))))
            characters, tags = [], []
    return sentences


def _spans(tags: list[str]) -> list[tuple[int, int, str]]:
    spans: list[tuple[int, int, str]] = []
    start, kind = 0, ""
    for position, tag in enumerate([*tags, "O"]):
        prefix, _, name = tag.partition("-")
        if kind and (prefix != "I" or name != kind):
            if kind in TAGS:
                spans.append((start, position, TAGS[kind]))
            kind = ""
        if prefix == "B":
            start, kind = position, name
    return spans
