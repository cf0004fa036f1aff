"""When a written answer counts as right: it equals an accepted one once both are normalised.

Normalising folds what is a matter of typing: NFKC, letter case, white space, quotation marks and stops around the
answer, commas inside numbers. Words are never dropped and particles never cut off, in English or Korean.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_AROUND = " \"'`.,!?;:。、「」『』“”‘’()[]"
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def normalise(text: str) -> str:
    """The form in which answers are compared."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _GROUPED.sub("", " ".join(folded.split())).strip(_AROUND)


def exact_match(written: str, accepted: str | Iterable[str]) -> bool:
    """Whether what a model wrote is one of the accepted answers, both normalised."""
    answers = [accepted] if isinstance(accepted, str) else list(accepted)
    return normalise(written) in {normalise(answer) for answer in answers}
