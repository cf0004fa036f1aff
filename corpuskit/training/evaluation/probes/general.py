"""Of no language, or of both: copying, sequences, arithmetic."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from corpuskit.training.evaluation.task import EvaluationTask, make_task

LATIN = ("ba", "ko", "mi", "tu", "re", "so", "na", "li", "ge", "pa", "du", "vo")
HANGUL = ("가", "누", "더", "로", "미", "벼", "수", "이", "조", "치", "코", "푸", "해")
SERIES = {
    "numbers": tuple(map(str, range(1, 31))),
    "even numbers": tuple(map(str, range(2, 41, 2))),
    "letters": tuple("abcdefghijklmnopqrstuvwxyz"),
    "days": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "months": (
        *("January", "February", "March", "April", "May", "June", "July"),
        *("August", "September", "October", "November", "December"),
    ),
    "number words": ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    "요일": ("월요일", "화요일", "수요일", "목요일", "금요일", "토요일", "일요일"),
    "달": tuple(f"{number}월" for number in range(1, 13)),
    "수": ("하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉", "열"),
}


def copying() -> EvaluationTask:
    """Words that no text has, twice: 'bako mitu reso. bako mitu' goes on with ' reso'."""
    draw = random.Random("copying")
    items = []
    for number in range(64):
        syllables = LATIN if number % 2 else HANGUL
        words: list[str] = []
        while len(words) < 5:
            word = "".join(draw.sample(syllables, 2))
            words += [] if word in words else [word]
        at = draw.randrange(1, 5)
        others = [word for word in words if word not in (words[at], words[at - 1])]
        choices = _shuffled([words[at], *others], draw)
        shown = f"{' '.join(words)}. {' '.join(words[:at])}"
        items.append(
            {"shown": shown, "choices": choices, "answer": words[at], "part": "latin" if number % 2 else "hangul"}
        )
    return make_task(items, name="copying", input="{shown}", part="part")


def sequences() -> EvaluationTask:
    draw = random.Random("sequences")
    items = []
    for name, series in SERIES.items():
        ranges = [(start, length) for length in (3, 4, 5) for start in range(len(series) - length)]
        for start, length in draw.sample(ranges, 8):
            right = series[start + length]
            shown = series[start : start + length]
            near = [word for word in series if word != right and word not in shown[:-1]]
            choices = _shuffled([right, *_some(near, [word for word in series if word != right], draw)], draw)
            items.append({"shown": ", ".join(shown) + ",", "choices": choices, "answer": right, "part": name})
    return make_task(items, name="sequences", input="{shown}", part="part", cluster="part")


def arithmetic() -> EvaluationTask:
    draw = random.Random("arithmetic")
    items = []
    pairs = [(a, b) for a in range(1, 11) for b in range(1, 11)]
    for number, (a, b) in enumerate(draw.sample(pairs, 80)):
        minus = number % 2
        a, right = (a + b, a) if minus else (a, a + b)
        wrong = draw.sample([n for n in range(max(0, right - 4), right + 5) if n != right], 3)
        choices = [str(n) for n in _shuffled([right, *wrong], draw)]
        part = "differences" if minus else "sums"
        items.append(
            {"sum": f"{a} {'-' if minus else '+'} {b} =", "choices": choices, "answer": str(right), "part": part}
        )
    return make_task(items, name="arithmetic", input="{sum}", part="part")


def _shuffled(values: list[Any], draw: random.Random) -> list[Any]:
    draw.shuffle(values)
    return values


def _some(near: Sequence[str], others: Sequence[str], draw: random.Random) -> list[str]:
    """Three wrong choices, from the first list where it has enough."""
    return draw.sample(list(near if len(near) >= 3 else others), 3)
