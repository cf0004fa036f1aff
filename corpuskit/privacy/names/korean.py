"""Korean names: a linear-chain conditional random field over Kiwi's morphemes.

Lafferty, McCallum and Pereira, "Conditional random fields" (ICML 2001), by CRFsuite; morphemes and tags by kiwipiepy.
Its features are the morphemes around a place, their tags and shapes, spaces, and whether one could be a Korean full
name (a surname and one or two syllables).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from corpuskit.errors import UsageError, require
from corpuskit.privacy.detect.words import words
from corpuskit.privacy.finding import Candidate
from corpuskit.privacy.names.labelled import Sentence

EXTRA = "names"
_PIECE = 1_000
"""A line is tagged in pieces of at most this many code points, cut at spaces."""
_FEATURES_SEEN = 2
"""A feature must occur this often in training."""


class Morpheme(NamedTuple):
    form: str
    tag: str
    start: int
    end: int


@lru_cache(maxsize=1)
def _kiwi() -> Any:
    return require("kiwipiepy", EXTRA).Kiwi(num_workers=1)


def morphemes(texts: Sequence[str]) -> list[list[Morpheme]]:
    """Kiwi's morphemes of each text, those without characters of their own left out."""
    found = []
    for tokens in _kiwi().tokenize(texts):
        row: list[Morpheme] = []
        for token in tokens:
            if token.len > 0 and (not row or token.start >= row[-1].end):
                row.append(Morpheme(token.form, token.tag, token.start, token.start + token.len))
        found.append(row)
    return found


@lru_cache(maxsize=100_000)
def is_common_noun(word: str) -> bool:
    """Whether Kiwi's dictionary has a word as a common noun."""
    try:
        _kiwi().morpheme_similarity((word, "NNG"), ("사람", "NNG"))
    except ValueError:
        return False
    return True


def _shape(form: str) -> str:
    shapes = []
    for character in form[:6]:
        if "가" <= character <= "힣":
            shapes.append("가")
        elif character.isdigit():
            shapes.append("0")
        elif character.isascii() and character.isalpha():
            shapes.append("A" if character.isupper() else "a")
        else:
            shapes.append("-")
    return "".join(shapes)


def _features(row: list[Morpheme], text: str) -> list[list[str]]:
    surnames = words("korean_surnames")
    local = []
    for item in row:
        form, tag = item.form, item.tag
        names = [
            "f=" + form,
            "t=" + tag,
            "s=" + _shape(form),
            f"l={min(len(form), 5)}",
            "z=" + form[-1],
            "y=" + form[-2:],
        ]
        names.append("a=" + form[0])
        if "가" <= form[0] <= "힣":
            whole = (form[0] in surnames and 2 <= len(form) <= 3) or (form[:2] in surnames and len(form) in (3, 4))
            names += [f"name={whole}", f"surname={form in surnames}", f"named={whole}{tag}{len(form)}"]
        spaced = item.start == 0 or text[item.start - 1].isspace()
        names.append(f"b={spaced}")
        local.append(names)
    features = []
    for i in range(len(row)):
        names = list(local[i])
        for distance in (-2, -1, 1, 2):
            j = i + distance
            if 0 <= j < len(row):
                names += [
                    f"{distance}{name}" for name in local[j] if name[:2] in ("f=", "t=", "b=", "z=", "su", "na", "l=")
                ]
            else:
                names.append(f"{distance}end")
        for before, after in ((-1, 0), (0, 1), (-1, 1)):
            left = row[i + before].tag if i + before >= 0 else "^"
            right = row[i + after].tag if i + after < len(row) else "$"
            names.append(f"{before}{after}tt={left}{right}")
        if i + 1 < len(row):
            names.append(f"ff={row[i].form}|{row[i + 1].form}")
        if i:
            names.append(f"pf={row[i - 1].form}|{row[i].tag}")
        features.append(names)
    return features


def _tags(row: list[Morpheme], sentence: Sentence) -> list[str]:
    tags = []
    for item in row:
        tag = "O"
        for start, end, kind in sentence.names:
            if start <= item.start < end:
                begins = not any(other.start >= start for other in row if other.start < item.start)
                tag = ("B-" if begins else "I-") + kind
        tags.append(tag)
    return tags


def train(sentences: Sequence[Sentence], model: str | Path, iterations: int = 120) -> None:
    """Train a model on labelled sentences and write it to a file (CRFsuite's own format).

    A few thousand sentences take a minute. Raises UsageError where there is nothing to learn.
    """
    if not any(sentence.names for sentence in sentences):
        raise UsageError("no labelled names: a model cannot be trained on these sentences")
    trainer = require("pycrfsuite", EXTRA).Trainer(verbose=False)
    for sentence, row in zip(sentences, morphemes([item.text for item in sentences]), strict=True):
        if row:
            trainer.append(_features(row, sentence.text), _tags(row, sentence))
    trainer.set_params(
        {"c1": 0.3, "c2": 0.01, "max_iterations": iterations, "feature.minfreq": _FEATURES_SEEN}
        | {"feature.possible_transitions": True}
    )
    trainer.train(str(model))


@lru_cache(maxsize=4)
def _tagger(model: str) -> Any:
    if not Path(model).is_file():
        raise UsageError(f"name model {model} does not exist: corpuskit privacy names train LABELLED.tsv {model}")
    tagger = require("pycrfsuite", EXTRA).Tagger()
    try:
        tagger.open(model)
    except ValueError as error:
        raise UsageError(f"{model} is no name model: {error}") from error
    return tagger


def korean_names(texts: Sequence[str], model: str | Path) -> list[list[Candidate]]:
    """Names in Korean texts; a candidate's score is the least probability of its morphemes' tags."""
    tagger = _tagger(str(model))
    found: list[list[Candidate]] = [[] for _ in texts]
    parts = [(number, start, piece) for number, text in enumerate(texts) for start, piece in pieces(text)]
    for (number, offset, text), row in zip(parts, morphemes([piece for _, _, piece in parts]), strict=True):
        names: list[Candidate] = []
        tags = tagger.tag(_features(row, text)) if row else []
        for position, (item, tag) in enumerate(zip(row, tags, strict=True)):
            prefix, _, kind = tag.partition("-")
            if prefix == "O":
                continue
            score = float(tagger.marginal(tag, position))
            follows = prefix == "I" and position and names and names[-1].type == kind and tags[position - 1] != "O"
            if follows:
                last = names[-1]
                names[-1] = last._replace(end=item.end, score=min(last.score, score))
            else:
                names.append(Candidate(item.start, item.end, kind, score))
        found[number] += [name._replace(start=name.start + offset, end=name.end + offset) for name in names]
    return found


def pieces(text: str) -> list[tuple[int, str]]:
    """The lines of a text with their offsets, long ones cut."""
    parts, start = [], 0
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        while start < end:
            close = (
                end
                if end - start <= _PIECE
                else max(text.rfind(" ", start + 1, start + _PIECE) + 1, start + _PIECE // 2)
            )
            parts.append((start, text[start:close]))
            start = close
    return parts
