"""The card beside each model that ships: whose data it learned from, what it scored, and what it cannot do.

Mitchell et al. 2019, "Model Cards for Model Reporting", section 4, in short.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from corpuskit.kernels.ngram_hash import LONGEST
from corpuskit.toxicity.model import ABUSE_SHARE, load

MEASURED: dict[tuple[str, str], tuple[str, ...]] = {
    ("en", "Apache-2.0"): (
        "80 everyday sentences of our own (negation, quotation, affection, homographs; insults, threats, hate): AUC "
        "0.963, 32 of 40 abusive ones and none of 40 harmless ones over 0.8. The linear model alone: 0.713, 13 and 5.",
        "Held-out templates with held-out words (a third of each; two thirds taught): AUC of toxicity 0.73, threat "
        "0.85, identity_attack 0.85; the linear model's toxicity 0.58, 0.46, 0.57.",
        "Clean text over a default limit of 0.8: 1 of 1,000 news articles, 1 of 297 web pages.",
        "The linear model alone, made without the tweets, tells the offensive among them with AUC 0.966.",
    ),
    ("ko", "Apache-2.0"): (
        "80 everyday sentences of our own: AUC 0.975, 35 of 40 abusive ones and 3 of 40 harmless ones over 0.8. "
        "The linear model of the share-alike file alone: 0.793, 13 and 2.",
        "Clean text over a default limit of 0.8: 6 of 1,182 petitions, most of which quote abuse; none of 507 "
        "technical pages.",
    ),
    ("ko", "CC-BY-SA-4.0"): (
        "80 everyday sentences of our own: AUC 0.974, 32 of 40 abusive ones and 2 of 40 harmless ones over 0.8. "
        "The linear model alone: 0.793, 13 and 2.",
        "Clean text over a default limit of 0.8: 5 of 1,182 petitions (3 by toxicity), most of which quote abuse; none "
        "of 507 technical pages.",
        "A model of the same kind that learned from two of three sites, on the third (entertainment news): AUC 0.787; "
        "its linear model alone 0.788. The linear model on the forum 0.886, on the other news site 0.855.",
    ),
}
"""By language and licence of a file. `benchmarks/toxicity.py` measures them again."""

LIMITS: dict[str, tuple[str, ...]] = {
    "en": (
        "It learned from tweets, e-mails and templates. Irony and new forms of abuse without a bad word pass.",
        "The tweets' labels are biased against African-American English (Sap et al. 2019): do not judge people by it.",
        "Templates, everyday sentences and limits were made by the same people: strangers' sentences are harder.",
        "In a long text the windows that the linear model does not suspect are not read for context.",
    ),
    "ko": (
        "It learned from comments on news and in forums, each label by few annotators who drew the line differently.",
        "Irony and contempt in forms that the templates do not hold pass, and so do insults that neither the comments "
        "nor its own list of slurs hold.",
        "Spellings that hide a word are read where digits or signs are inside it, not where other words are.",
        "Templates, everyday sentences and limits were made by the same people: strangers' sentences are harder.",
        f"The linear model is calibrated for text of which {ABUSE_SHARE:.0%} of the windows are abusive.",
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
        "labels": ", ".join(model.all_labels),
        "licence of this file": str(model.about["licence"]),
        "linear model": f"hashed words, word pairs and character n-grams of {model.shortest} to {LONGEST} symbols"
        f"{syllables}; 8-bit weights; {model.about['examples']:,} texts, a tenth of them for its calibration",
    }
    if model.second is not None:
        context = model.second.context
        rows["context model"] = (
            f"bidirectional LSTM, {context.recurrent.shape[1]} units a direction, over vectors of size "
            f"{context.words.shape[1]}: {len(context.words):,} words and {len(context.grams):,} hashed n-grams, 8-bit; "
            f"{model.about['context_examples']:,} texts; for {', '.join(context.labels)}"
        )
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    sections = {
        "Provenance": model.about["provenance"],
        "Measured": MEASURED[(language, str(model.about["licence"]))],
        "Limits": LIMITS[language],
    }
    lists = {title: "\n".join(f"- {line}" for line in lines) for title, lines in sections.items()}
    text = "\n\n".join(f"## {title}\n\n{lines}" for title, lines in lists.items())
    return (
        f"# Toxicity model `{path.name}`\n\n| | |\n|---|---|\n{table}\n\n"
        f"For: leaving abuse out of training text. Not for: judging or moderating people.\n\n{text}\n"
    )
