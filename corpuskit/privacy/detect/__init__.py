"""Detectors: each looks at one mark in a text and proposes what stands there.

A detector is `detect(text, start, end) -> list[Candidate]`, where `text[start:end]` is a mark of the kind it is for.
It may look around the mark; it reads the text as `corpuskit.privacy.fold` leaves it.
"""

from __future__ import annotations

from collections.abc import Callable

from corpuskit.privacy.detect import (
    address,
    birth,
    contact,
    document,
    handle,
    labelled,
    masked,
    network,
    number,
    person,
    phone,
    plate,
    secret,
    token,
)
from corpuskit.privacy.finding import Candidate
from corpuskit.privacy.marks import Mark

Detector = Callable[[str, int, int], list[Candidate]]


def _either(*detectors: Detector) -> Detector:
    """A detector that proposes what several do."""

    def detect(text: str, start: int, end: int) -> list[Candidate]:
        return [candidate for detector in detectors for candidate in detector(text, start, end)]

    return detect


DETECTORS: dict[Mark, Detector] = {
    Mark.NUMBER: number.detect,
    Mark.DOTTED: network.ipv4,
    Mark.COLON: network.ipv6,
    Mark.AT: contact.at_sign,
    Mark.SPELT_AT: contact.spelt_at,
    Mark.HANDLE: _either(handle.named, secret.known),
    Mark.TOKEN: token.detect,
    Mark.IBAN: token.iban,
    Mark.LOT: address.korean,
    Mark.STREET: address.street,
    Mark.BOX: address.box,
    Mark.BIRTH: birth.detect,
    Mark.BORN: birth.born,
    Mark.PASSPORT: document.passport,
    Mark.LICENCE: document.licence,
    Mark.LETTERED: phone.lettered,
    Mark.SPOKEN: phone.spoken,
    Mark.SECRET: _either(secret.assigned, secret.known),
    Mark.PRIVATE_KEY: secret.private_key,
    Mark.DEFANGED: network.defanged,
    Mark.MAC: network.hardware,
    Mark.PLATE: plate.korean,
    Mark.MASKED: masked.detect,
    Mark.LABELLED: labelled.detect,
    Mark.NAMED: person.detect,
    Mark.RULE: secret.known,
    Mark.WEBHOOK: secret.webhook,
}

__all__ = ["DETECTORS", "Detector"]
