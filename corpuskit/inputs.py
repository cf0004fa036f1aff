"""The arguments that public functions share: texts and their languages, in any of the forms that people hold them in.

Every public function takes its texts through `as_texts` and its languages through `as_languages`, so that all of them
accept the same things and refuse the others with the same errors.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from corpuskit.errors import InputError
from corpuskit.kernels.arrow import encodable

__all__ = ["Languages", "Texts", "as_languages", "as_texts", "known_languages", "language_code", "suggestion"]

Texts: TypeAlias = "pa.Array | pa.ChunkedArray | Iterable[Any]"
"""A list, tuple or generator of str (None and NaN are null), an Arrow array or chunked array of strings, a pandas or
polars Series, a column of a `datasets.Dataset`, or a numpy array."""
Languages: TypeAlias = "str | pa.Array | pa.ChunkedArray | Iterable[Any] | None"
"""One code for all texts, one a text in any of the forms of `Texts`, or None. See `language_code`."""

UNDETERMINED = frozenset({"", "und", "zxx", "mis", "mul", "unknown", "none"})
"""Codes that name no language."""
_OWN = frozenset({"bcl", "bh", "bxr", "diq", "eml", "mhr", "pnb", "sh", "tl"})
"""Codes that language identification answers, and that stay although the registry prefers another."""
_PREFERRED = {"nb": "no", "fil": "tl"}
_NAMES = {
    "arabic": "ar", "chinese": "zh", "dutch": "nl", "english": "en", "finnish": "fi", "french": "fr", "german": "de",
    "greek": "el", "hebrew": "he", "hindi": "hi", "indonesian": "id", "italian": "it", "japanese": "ja",
    "korean": "ko", "persian": "fa", "polish": "pl", "portuguese": "pt", "russian": "ru", "spanish": "es",
    "swedish": "sv", "thai": "th", "turkish": "tr", "ukrainian": "uk", "vietnamese": "vi", "한국어": "ko", "영어": "en",
    "cn": "zh", "cz": "cs", "dk": "da", "gr": "el", "jp": "ja", "kr": "ko", "ua": "uk", "us": "en", "vn": "vi",
}  # fmt: skip
"""Names of languages and of countries that are written where a code is meant."""


def as_texts(texts: Texts, name: str = "texts") -> pa.LargeStringArray:
    """Texts as one `large_string` array; None, NaN and `pandas.NA` become null, lone surrogates U+FFFD.

    `name` is what errors call the argument. Raises InputError for a single str and for what holds anything but texts.
    """
    if isinstance(texts, (str, bytes)):
        raise InputError(f"'{name}' is one {type(texts).__name__}; pass a list: [{name[:-1] or name}]")
    if isinstance(texts, (Mapping, set, frozenset)) or hasattr(texts, "columns"):
        raise InputError(f"'{name}' is a {type(texts).__name__}; pass one column of texts, in order")
    array = _arrow(texts, name)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks() if array.num_chunks else pa.array([], array.type)
    if isinstance(array, pa.ChunkedArray):  # more than 2 GiB of `string` stay in chunks
        array = pa.concat_arrays([chunk.cast(pa.large_string()) for chunk in array.chunks])
    if array.type == pa.large_string():
        return array
    if array.null_count == len(array):
        return pa.nulls(len(array), pa.large_string())
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kinds = (pa.types.is_string, pa.types.is_string_view, pa.types.is_large_string)
    if not any(kind(array.type) for kind in kinds):
        raise InputError(f"'{name}' holds {array.type}, not texts")
    return array.cast(pa.large_string())


def _arrow(texts: Any, name: str) -> pa.Array | pa.ChunkedArray:
    """The values of any supported container as an Arrow array of whatever type it holds."""
    if isinstance(texts, (pa.Array, pa.ChunkedArray)):
        return texts
    if hasattr(texts, "to_arrow"):  # polars
        return texts.to_arrow()
    pandas = hasattr(texts, "to_numpy") and hasattr(texts, "index")
    typed = pandas or (isinstance(texts, np.ndarray) and texts.dtype != np.dtype(object))
    if not typed and not isinstance(texts, (list, np.ndarray)):
        try:
            texts = list(texts)
        except TypeError:
            raise InputError(f"'{name}' is a {type(texts).__name__}; pass a list of texts") from None
    try:
        return pa.array(texts, None if typed else pa.large_string(), from_pandas=True)
    except UnicodeEncodeError:
        whole = [encodable(text) if isinstance(text, str) else text for text in texts]
        return pa.array(whole, pa.large_string(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError) as error:
        for place, text in enumerate(texts):
            if not isinstance(text, str) and not _missing(text):
                raise InputError(f"{name}[{place}] is a {type(text).__name__}, not a str") from error
        raise InputError(f"'{name}' cannot be read as texts: {error}") from error


def _missing(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or bool(value != value)


def as_languages(language: Languages, texts: int, *, strict: bool = True) -> pa.StringArray:
    """One language code a text: string[texts], null where none is known; codes as `language_code` gives them.

    Raises InputError where there are not as many languages as texts, and for a code that is no language unless
    `strict` is false; then such a code is null.
    """
    if language is None:
        return pa.nulls(texts, pa.string())
    if isinstance(language, str):
        return pa.repeat(pa.scalar(_code(language, strict), pa.string()), texts)
    given = as_texts(language, "languages")
    if len(given) != texts:
        raise InputError(
            f"{texts} texts and {len(given)} languages: give one language for all texts, one for each, or None"
        )
    encoded = given.dictionary_encode()
    codes = pa.array([_code(code, strict) for code in encoded.dictionary.to_pylist()], pa.string())
    return codes.take(encoded.indices)


def known_languages(column: pa.Array | pa.ChunkedArray) -> pa.StringArray:
    """The `language` column of documents as codes, null where it holds none: what a stage passes to a function."""
    return as_languages(column, len(column), strict=False)


def language_code(language: str) -> str | None:
    """The code under which a language is known everywhere in corpuskit; None for 'und' and other names of no language.

    That is ISO 639-1 where the language has a code there ('ko'), else ISO 639-3 ('yue'). Codes of ISO 639-2 and 639-3,
    BCP 47 tags and locales are read: 'kor', 'KO', 'ko-KR', 'kor_Hang', 'cmn_Hans', 'en_US.UTF-8'. Script and region
    are left out; a language that stands for a larger one ('cmn', 'arb') has the code of that.

    Raises InputError for what is no language, with the nearest code.
    """
    return _code(language, True)


@lru_cache(maxsize=4096)
def _code(language: str | None, strict: bool) -> str | None:
    if language is None:
        return None
    tag = re.split(r"[.@]", language.strip(), maxsplit=1)[0]
    first = re.split(r"[-_]", tag, maxsplit=1)[0].lower()
    if first in UNDETERMINED:
        return None
    if first in _OWN:
        return first
    import langcodes

    try:
        valid = len(first) <= 3 and langcodes.tag_is_valid(tag)
        code = langcodes.Language.get(langcodes.standardize_tag(first, macro=True)).language if valid else None
    except ValueError:
        code = None
    if code is None and strict:
        raise InputError(
            f"'{language}' is not a language code{suggestion(first)}. Codes are ISO 639-1 (ko), ISO 639-3 (kor) or "
            "BCP 47 (ko-KR)"
        )
    return _PREFERRED.get(code, code) if code else None


def suggestion(code: str) -> str:
    """The code that was probably meant, as the end of an error message."""
    codes = set(_NAMES.values())
    close = [_NAMES[code]] if code in _NAMES else difflib.get_close_matches(code, codes, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'" if close else f"; common codes: {', '.join(sorted(codes))}"
