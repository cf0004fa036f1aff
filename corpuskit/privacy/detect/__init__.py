"""Detectors: each looks at one mark in a text and proposes what stands there.

A detector is `detect(text, start, end) -> list[Candidate]`, where `text[start:end]` is a mark of the kind it is for.
It may look around the mark; it reads the text as `corpuskit.privacy.fold` leaves it.
"""

from __future__ import annotations

from collections.abc import Callable

from corpuskit.privacy.detect import address, birth, contact, document, handle, network, number, phone, secret, token
from corpuskit.privacy.finding import Candidate
from corpuskit.privacy.marks import Mark

Detector = Callable[[str, int, int], list[Candidate]]

DETECTORS: dict[Mark, Detector] = {
    Mark.NUMBER: number.detect,
    Mark.DOTTED: network.ipv4,
    Mark.COLON: network.ipv6,
    Mark.AT: contact.at_sign,
    Mark.SPELT_AT: contact.spelt_at,
    Mark.HANDLE: handle.named,
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
    Mark.SECRET: secret.assigned,
    Mark.PRIVATE_KEY: secret.private_key,
    Mark.DEFANGED: network.defanged,
}

__all__ = ["DETECTORS", "Detector"]
