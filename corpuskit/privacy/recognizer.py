"""corpuskit's structured types of personal data as a recognizer for presidio-analyzer (Microsoft, MIT)."""

from __future__ import annotations

from typing import Any

from corpuskit.errors import require
from corpuskit.privacy.find import find
from corpuskit.privacy.finding import KINDS, STRUCTURED


def recognizer(language: str = "en") -> Any:
    """corpuskit's structured types as a presidio recognizer: add it to an AnalyzerEngine's registry.

    Types that presidio knows carry its names (EMAIL_ADDRESS), the others ours in capitals (HANDLE).
    """
    presidio = require("presidio_analyzer", "privacy")
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
