"""Rights signals of pages, servers and sites, read as statements about the use of a text.

Sources and extraction write down signals as they are found, in the `rights` column, joined by '; '. This module says
what they mean:

- `noai` in a robots meta element or an X-Robots-Tag header (DeviantArt, 2022), and `noindex`, `noarchive`, `none`.
- `tdm-reservation: 1` in a header, a meta element or /.well-known/tdmrep.json (W3C TDM Reservation Protocol, 2024).
- `content-signal: ai-train=no` in robots.txt (Cloudflare, 2025) and `content-usage: train-ai=n` in robots.txt or a
  header (IETF AI Preferences drafts, draft-ietf-aipref-vocab and -attach).
- Groups of robots.txt that shut out crawlers which collect training text (GPTBot, CCBot, ...), and its lines
  `DisallowAITraining`.
- /ai.txt (Spawning, 2023), and licences in Really Simple Licensing (RSL 1.0, 2025).
- A paywall: schema.org `isAccessibleForFree` is false.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_DIRECTIVE = re.compile(r"noai|noimageai|noindex|noarchive|none", re.IGNORECASE)
_TRAINING = re.compile(r"\b(ai-train|train-ai)\s*=\s*(no?|y(?:es)?)\b|\bai\s*=\s*(no?|y(?:es)?)\b", re.IGNORECASE)
_RESERVING = ("robots.txt:", "ai.txt:", "tdmrep.json:", "rsl:", "disallowaitraining:")


@dataclass(frozen=True)
class Reading:
    """What the signals of one document say. Each text is the signal that says so, None where none does."""

    reserved: str | None = None
    """Use for training is reserved."""
    granted: str | None = None
    """Use for training is allowed in so many words, and nothing reserves it."""
    noindex: str | None = None
    noarchive: str | None = None
    paywall: str | None = None


def read_signals(signals: str | None) -> Reading:
    """Read the `rights` column of one document. A signal that reserves outweighs one that allows."""
    reserved: list[str] = []
    granted: list[str] = []
    others: dict[str, str] = {}
    for signal in (part.strip() for part in (signals or "").split(";")):
        name, colon, value = (part.strip().lower() for part in signal.partition(":"))
        if not colon and _DIRECTIVE.fullmatch(name):
            if name == "noai":
                reserved.append(signal)
            if name in ("noindex", "none"):
                others.setdefault("noindex", signal)
            if name in ("noarchive", "none"):
                others.setdefault("noarchive", signal)
        elif name == "tdm-reservation":
            (reserved if value.startswith("1") else granted).append(signal)
        elif name in ("content-signal", "content-usage"):
            for match in _TRAINING.finditer(value):
                answer = match[2] or match[3]
                (reserved if answer.startswith("n") else granted).append(signal)
        elif signal.lower().startswith(_RESERVING):
            reserved.append(signal)
        elif name == "paywall":
            others.setdefault("paywall", signal)
    return Reading(
        reserved="; ".join(dict.fromkeys(reserved)) or None,
        granted=None if reserved else "; ".join(dict.fromkeys(granted)) or None,
        **others,
    )
