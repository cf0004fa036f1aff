"""Rewrite texts so that the personal data in them is gone: replaced, masked, hashed or invented anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from corpuskit.document import Change
from corpuskit.errors import UsageError, nearest
from corpuskit.inputs import Languages, Texts, as_texts
from corpuskit.privacy.canonical import canonical, value_digest
from corpuskit.privacy.find import find
from corpuskit.privacy.finding import Finding
from corpuskit.privacy.pseudonyms import pseudonym

Action = Literal["replace", "mask", "hash", "pseudonym", "keep"]
ACTIONS: tuple[str, ...] = get_args(Action)


class Replacer:
    """What stands in place of each finding of one document.

    `replace` writes the type, `<EMAIL>`. `mask` writes * for every letter and digit. `hash` writes the type and 64 bits
    of keyed BLAKE2b of the value, equal wherever the value is equal: `<EMAIL:3f0c…>`. `pseudonym` writes an invented
    value; without a key they are numbered by order of appearance in the document, with a key equal values get equal
    pseudonyms throughout the corpus. Without the key neither can be turned back, and numbering by appearance carries
    nothing of the value at all.
    """

    def __init__(self, mode: str, actions: Mapping[str, str], key: bytes | None):
        for action in (mode, *actions.values()):
            if action not in ACTIONS:
                raise UsageError(f"'{action}' is no action on personal data{nearest(action, ACTIONS)}")
        if key is None and "hash" in (mode, *actions.values()):
            raise UsageError("hash needs a key: without one anybody could hash every phone number and compare")
        self._mode = mode
        self._actions = actions
        self._key = key
        self._numbers: dict[tuple[str, str], int] = {}
        self._counts: dict[str, int] = {}

    def __call__(self, finding: Finding) -> str | None:
        """The replacement, or None where the finding stays."""
        action = self._actions.get(finding.type, self._mode)
        label = finding.type.upper()
        if action == "keep":
            return None
        if action == "replace":
            return f"<{label}>"
        if action == "mask":
            return "".join("*" if character.isalnum() else character for character in finding.text)
        if action == "hash":
            return f"<{label}:{self._digest(finding).hex()}>"
        return pseudonym(finding.type, self._number(finding), finding.text)

    def _digest(self, finding: Finding) -> bytes:
        return value_digest(finding.type, finding.text, self._key or b"")

    def _number(self, finding: Finding) -> int:
        if self._key is not None:
            return int.from_bytes(self._digest(finding), "big")
        value = (finding.type, canonical(finding.type, finding.text))
        if value not in self._numbers:
            self._counts[finding.type] = self._counts.get(finding.type, 0) + 1
            self._numbers[value] = self._counts[finding.type]
        return self._numbers[value]


def rewrite(text: str, findings: Sequence[Finding], replacer: Replacer) -> tuple[str, list[Change]]:
    """The text with its findings replaced, and the changes made, as offsets into the text given."""
    pieces: list[str] = []
    changes: list[Change] = []
    position = 0
    for finding in findings:
        replacement = replacer(finding)
        if replacement is None:
            continue
        pieces += (text[position : finding.start], replacement)
        position = finding.end
        changes.append(Change(finding.start, finding.end, finding.type, replacement))
    return "".join([*pieces, text[position:]]), changes


def scrub(
    texts: Texts,
    language: Languages = None,
    mode: Action = "replace",
    *,
    actions: Mapping[str, Action] | None = None,
    key: bytes | None = None,
    **options: Any,
) -> list[str]:
    """Texts without their personal data; a null becomes an empty text.

    `mode` says what is done with each finding (see `Replacer`), `actions` says otherwise for single types, `key` (at
    most 64 bytes) is for `hash` and for pseudonyms that are equal throughout. `options` are those of `find`.

    Raises InputError for what are not texts or languages, UsageError for an unknown type or action, and for `hash`
    without a key.
    """
    given = as_texts(texts)
    found = find(given, language, **options)
    return [
        rewrite(text or "", findings, Replacer(mode, actions or {}, key))[0]
        for text, findings in zip(given.to_pylist(), found, strict=True)
    ]
