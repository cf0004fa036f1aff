"""Between presidio and corpuskit: its recognizers run here, and what is found here runs there.

presidio-analyzer (Microsoft, MIT) defines the classes that people write recognizers with. None of its engine is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from corpuskit.errors import UsageError, require
from corpuskit.privacy.finding import KINDS, Candidate


@lru_cache(maxsize=32)
def load(path: str) -> Any:
    """An instance of the recognizer class that a dotted path names.

    Raises UsageError where the path names no class of presidio's EntityRecognizer.
    """
    base = require("presidio_analyzer", "privacy").EntityRecognizer
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"recognizer '{path}' cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise UsageError(f"recognizer '{path}' is no class of presidio_analyzer.EntityRecognizer")
    return found()


def analyze(recognizers: Sequence[Any], text: str, language: str | None) -> list[Candidate]:
    """What presidio recognizers find in a text, under their entities' names in lower case.

    A recognizer runs on texts in its own language, and on texts whose language is not known.
    """
    found: list[Candidate] = []
    for recognizer in recognizers:
        if language is not None and recognizer.supported_language != language:
            continue
        results = recognizer.analyze(text, recognizer.supported_entities, None) or ()
        found += [
            Candidate(result.start, result.end, result.entity_type.lower(), float(result.score))
            for result in results
            if 0 <= result.start < result.end <= len(text)
        ]
    return found


def recognizer(language: str = "en") -> Any:
    """corpuskit's structured types as a presidio recognizer: add it to an AnalyzerEngine's registry.

    Types that presidio knows carry its names (EMAIL_ADDRESS), the others ours in capitals (HANDLE).
    """
    presidio = require("presidio_analyzer", "privacy")
    from corpuskit.privacy.find import find
    from corpuskit.privacy.finding import STRUCTURED

    names = {name: KINDS[name].presidio or name.upper() for name in STRUCTURED}

    class CorpuskitRecognizer(presidio.EntityRecognizer):  # type: ignore[name-defined]
        def load(self) -> None:
            """Nothing to load."""

        def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[Any]:
            return [
                presidio.RecognizerResult(names[item.type], item.start, item.end, item.score)
                for item in find([text], language)[0]
                if not entities or names[item.type] in entities
            ]

    return CorpuskitRecognizer(sorted(set(names.values())), "corpuskit", language)
