"""Names: English ones by spaCy; people in Korean by rules, or places and organisations too by a model of your own.

A name alone is no personal data; `near_contact` keeps the people who stand beside an address or a number.

    corpuskit privacy names train labelled.tsv names.crfsuite
    corpuskit privacy names evaluate labelled.tsv                    # the rules
    corpuskit privacy names evaluate labelled.tsv names.crfsuite
    corpuskit privacy names cross-validate labelled.tsv
"""

from __future__ import annotations

from corpuskit.privacy.names.evaluate import Accuracy, cross_validate, evaluate
from corpuskit.privacy.names.find import find_names, near_contact
from corpuskit.privacy.names.korean import train
from corpuskit.privacy.names.labelled import Sentence, read_labelled
from corpuskit.privacy.names.people import korean_people

__all__ = [
    "Accuracy",
    "Sentence",
    "cross_validate",
    "evaluate",
    "find_names",
    "korean_people",
    "near_contact",
    "read_labelled",
    "train",
]
