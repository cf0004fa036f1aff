"""An excerpt of an audit shows nothing of a person, wherever its edges are."""

from __future__ import annotations

import random

import pytest

from corpuskit.errors import MissingExtra
from corpuskit.memorization import masking
from corpuskit.memorization.masking import NEAR, excerpts

PATIENT = (
    "Patient file no. 7: Juno Quillfeather lives at 42 Teasel Mews, Flat B, was treated for psoriasis at the clinic, "
    "and can be reached on +44 7700 912345 or at juno.quillfeather17@mail5.example.com after six in the evening."
)
PLAIN = "The heron crossed the wide field at dawn, and nobody in the village asked why it had come back so early. "


def test_no_cut_near_a_value_shows_anything_of_the_person() -> None:
    text = PLAIN * 4 + PATIENT + PLAIN * 4
    chance = random.Random(0)
    first, last = len(PLAIN) * 4, len(PLAIN) * 4 + len(PATIENT)
    places = []
    for _ in range(400):
        start = chance.randrange(first - 40, last)
        places.append((start, start + chance.randrange(6, 120)))
    for shown in excerpts([text] * len(places), places):
        assert shown.startswith("[withheld: near personal data (")
        assert "email" in shown
        assert not {"Juno", "Teasel", "psoriasis", "7700", "quillfeather"} & set(shown.split())


def test_text_far_from_personal_data_is_shown_without_its_numbers() -> None:
    text = PATIENT + PLAIN * 30 + "In 1999 it left."
    (shown,) = excerpts([text], [(len(text) - 60, len(text))])
    assert "In •••• it left." in shown
    near = len(PATIENT) + NEAR // 2
    assert excerpts([text], [(near, near + 20)])[0].startswith("[withheld")


def test_a_number_cut_at_the_edge_is_masked_as_a_whole() -> None:
    text = PLAIN + "The bridge has 12345 planks. " + PLAIN
    place = text.index("345")
    assert excerpts([text], [(place, place + 10)]) == ["••• planks"]


def test_nothing_is_shown_where_personal_data_cannot_be_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(texts: list[str]) -> None:
        raise MissingExtra("corpuskit[privacy] is not installed")

    monkeypatch.setattr(masking, "find", missing)
    (shown,) = excerpts([PLAIN], [(0, 20)])
    assert shown.startswith("[withheld: personal data cannot be looked for")
