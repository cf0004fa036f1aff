"""The card beside each model that ships: whose data it learned from, what it scored, and what it cannot do.

Mitchell et al. 2019, "Model Cards for Model Reporting", section 4, in short.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from corpuskit.kernels.ngram_hash import LONGEST
from corpuskit.toxicity.model import ABUSE_SHARE, load

MEASURED: dict[str, tuple[str, ...]] = {
    "en": (
        "Clean text over the default limit of 0.8: none of 1,000 news articles, 1 of 297 web pages, lone curses aside.",
        "Harmless tweets over 0.8: 1.5 % of those with words of African-American English, 0.36 % of the others; over "
        "0.5: 11 % and 2.5 %.",
        "A model made without the tweets tells the offensive among them with AUC 0.966.",
        "Fifteen identity terms in a harmless sentence score 0.13 to 0.40.",
    ),
    "ko": (
        "A model fitted like the share-alike one on two of three sites tells abuse on the third with AUC 0.886 "
        "(forum), 0.855 and 0.787 (news); 30 %, 36 % and 9 % of it scores over 0.8.",
        "Clean text over the default limit of 0.8: 5 of 1,182 petitions (the Apache-2.0 file: 10), most of which quote "
        "abuse; none of 507 technical pages.",
        "Ten identity terms in a harmless sentence score 0.00 to 0.02.",
        f"Calibrated for text of which {ABUSE_SHARE:.0%} of the windows are abusive, far less than among comments.",
    ),
}
"""By language, a line each. `benchmarks/toxicity.py` measures them again."""

LIMITS: dict[str, tuple[str, ...]] = {
    "en": (
        "It learned from tweets and e-mails. Quotations of abuse, irony and abuse without a bad word are beyond it.",
        "The tweets' labels are biased against African-American English (Sap et al. 2019): do not judge people by it.",
        "A curse in a calm page scores as a curse; a page is as toxic as its worst window of some forty words.",
    ),
    "ko": (
        "It learned from comments on news and in forums, each label by few annotators who drew the line differently.",
        "Contempt without a bad word and irony are beyond it, and so are insults that neither the comments nor its "
        "own list of slurs hold.",
        "Spellings that hide a word are read where digits or signs stand inside it, not where other words do.",
    ),
}


def card(path: Path) -> str:
    """The card, in Markdown, of a model file; it names the file by its SHA-256."""
    model = load(path)
    language = str(model.about["language"])
    syllables = f" and of 1 to {model.syllables} whole syllables" if model.syllables else ""
    rows = {
        "file": f"`{path.name}`, {path.stat().st_size:,} bytes",
        "SHA-256": f"`{hashlib.sha256(path.read_bytes()).hexdigest()}`",
        "language": language,
        "labels": ", ".join(model.labels),
        "licence of this file": str(model.about["licence"]),
        "learned from": f"{model.about['data']}; {model.about['examples']:,} texts in all, clean prose among them",
        "form": f"linear over hashed words, word pairs and character n-grams of {model.shortest} to {LONGEST} symbols"
        f"{syllables}; 8-bit weights; calibrated by Platt's method on a tenth of the texts",
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    measured = "\n".join(f"- {line}" for line in MEASURED[language])
    limits = "\n".join(f"- {line}" for line in LIMITS[language])
    return (
        f"# Toxicity model `{path.name}`\n\n| | |\n|---|---|\n{table}\n\n"
        f"For: leaving abuse out of training text. Not for: judging or moderating people.\n\n"
        f"## Measured\n\n{measured}\n\n## Limits\n\n{limits}\n"
    )
