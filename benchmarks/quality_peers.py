"""Writes tests/data/quality-peers.json: the quality measurements of texts by the peers' own code.

    python benchmarks/quality_peers.py [--dclm FOLDER]

Runs each peer's filters in an environment of its own. datatrove and DCLM only
say keep or drop, so their values are found by halving the limit. DCLM is in no package index: FOLDER is a checkout of
github.com/mlfoundations/dclm at commit c7ed275; without it, its values in the file stay as they are.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent.parent / "tests/data/quality-peers.json"
PACKAGES: dict[str, tuple[list[str], list[str]]] = {
    "datatrove": (["datatrove[processing]==0.10.1", "spacy", "numpy>=2"], []),
    "dolma": (["msgspec", "typing_extensions"], ["dolma==1.2.1"]),
    "nemo": (["loguru", "regex"], ["nemo-curator==1.4.0"]),
    "dclm": (["uniseg", "nltk", "unidecode", "fasttext-numpy2-wheel"], []),
}
"""Peer -> packages with what they need, and packages without it."""

RUNS = {**{peer: peer for peer in PACKAGES}, "datatrove_lines": "datatrove"}
"""What is written -> whose environment it runs in."""

SENTENCE = "The quick brown fox jumps over the lazy dog, and the dog does not care about it at all."
BLOCK = "one two three four five six seven eight nine ten"
FILLER = " ".join(f"word{number}" for number in range(90))
TEXTS = [
    SENTENCE,
    f"{SENTENCE}\n\n{SENTENCE}\nA line that stands alone...\n\n{SENTENCE}",
    f"{BLOCK} {FILLER} {BLOCK}",
    f"{BLOCK} {BLOCK} {BLOCK} {FILLER}",
    "- first item\n- second item\n* third item\n• fourth item\n- first item\n\nAn end…\n",
    "# Title #\n\n#tag #other ... and … then ## what\nread more\n12 34 56 --- 78",
    "To be with the one that you have, and to be of the same mind. " * 6,
    "ha ha ha ha ha ha that is funny, and the rest of it is not funny at all",
    "Don't e-mail me at 3.14 o'clock; it's (really) \"late\"...\n\n  An indented line.\nAn indented line.\n",
    "나는 오늘 집에 가서 밥을 먹고 잤다. 나는 오늘 집에 가서 밥을 먹고 쉬었다.",
    "word",
    f"{SENTENCE}\n\n\n{SENTENCE}\n \n{SENTENCE}\n"
    + "\n".join(f"Line number {i} says something new." for i in range(12)),
    "Menu\nIt stays here. So does this! Does it?\rA line of its own.\u2028This too is one.[12] And [edit] so on.[]\n"
    'It has a mark after its end. [12]\nTwo words.\nIt trails off...\nIt trails off too…\nThe U.S. ends e.g. "here."',
    "  This line has a { in it.  \nThis says javascript and has a } in it.\nLorem ipsum has no end here",
    "This says JavaScript and has a { in it.\nThis says lorem ipsum and use cookies.\nWe have a Privacy Policy here.",
    f"It is {'x' * 1000} long.\nIt is {'x' * 1001} too long.\n{SENTENCE * 3}\nYou must agree to the terms of use.",
    f"{SENTENCE * 3}\n  {'word ' * 40}\n{SENTENCE * 2 + 'a' * 24}\n{SENTENCE * 2 + 'b' * 23}\nlorem ipsum {{ x.",
    "這是一句話。 그는 갔다. 나는 남았다! Dr. Smith met Mr. J. R. Jones at 3.14 p.m. today?! "
    'He said "Stop." Then (later.) he left.',
]


def halved(keeps: Callable[[float], bool], upper: bool, high: float = 4096.0) -> float:
    """The smallest (for a lower limit: the largest) limit that keeps, to about twelve digits."""
    low = 1e-12
    if keeps(low if upper else high):
        return 0.0 if upper else high
    for _ in range(80):
        middle = (low + high) / 2
        if keeps(middle) == upper:
            high = middle
        else:
            low = middle
    return high if upper else low


def datatrove(texts: list[str]) -> list[dict[str, float]]:
    import datatrove.pipeline.filters as filters
    from datatrove.data import Document

    def run(filter_: Any, text: str) -> bool:
        return filter_.filter(Document(text=text, id="0")) is True

    options = """min_doc_words max_doc_words min_avg_word_length max_avg_word_length max_symbol_word_ratio
        max_bullet_lines_ratio max_ellipsis_lines_ratio max_non_alpha_words_ratio min_stop_words"""
    none = dict.fromkeys(options.split())
    off = {
        **dict.fromkeys(["dup_line_frac", "dup_para_frac", "dup_line_char_frac", "dup_para_char_frac"]),
        "top_n_grams": (),
        "dup_n_grams": (),
    }
    loose = {"line_punct_thr": 0, "short_line_thr": 9, "char_duplicates_ratio": 9, "new_line_ratio": 9e9}
    quality = {
        "words": ("max_doc_words", True),
        "mean_word_length": ("max_avg_word_length", True),
        "bullet_lines": ("max_bullet_lines_ratio", True),
        "ellipsis_lines": ("max_ellipsis_lines_ratio", True),
        "alphabetic_words": ("max_non_alpha_words_ratio", False),
        "stop_words": ("min_stop_words", False),
    }
    repetition = {
        "duplicate_lines": "dup_line_frac",
        "duplicate_paragraphs": "dup_para_frac",
        "duplicate_line_characters": "dup_line_char_frac",
        "duplicate_paragraph_characters": "dup_para_char_frac",
    }
    fineweb = {
        "line_punctuation": ("line_punct_thr", False),
        "short_lines": ("short_line_thr", True),
        "character_duplicates": ("char_duplicates_ratio", True),
        "new_lines": ("new_line_ratio", True),
    }

    def c4_values(text: str) -> dict[str, float]:
        off = dict.fromkeys(["filter_lorem_ipsum", "filter_curly_bracket"], False)
        sentences = 0
        while run(filters.C4QualityFilter(**off, min_num_sentences=sentences + 1), text):
            sentences += 1
        filter_ = filters.C4QualityFilter(**off, min_num_sentences=-1)
        run(filter_, text)
        lines, kept = (filter_.stats[f"line-{name}"].total for name in ("total", "kept"))
        row = {"c4.sentences": sentences, "c4.kept_lines": kept / lines}
        for name in off:
            only = filters.C4QualityFilter(**{**off, name: True}, min_num_sentences=-1)
            row[f"c4.{name.removeprefix('filter_')}"] = not run(only, text)
        # mC4's filter looks for three long lines: how many are there shows in how many must be added
        needed = next(n for n in range(4) if run(filters.C4ParagraphFilter(), text + f"\n{'x' * 200}" * n))
        row["c4.long_lines"] = 3 - needed
        return row

    def values(text: str) -> dict[str, float]:
        def value(filter_type: Any, key: str, upper: bool, n: int | None = None) -> float:
            options = loose if filter_type is filters.FineWebQualityFilter else none
            options = off if filter_type is filters.GopherRepetitionFilter else options
            return halved(lambda x: run(filter_type(**{**options, key: ((n, x),) if n else x}), text), upper)

        row = {f"gopher.{k}": value(filters.GopherQualityFilter, key, up) for k, (key, up) in quality.items()}
        for name, others in (("hash", ("...", "…")), ("ellipsis", ("#",))):
            if not any(symbol in text for symbol in others):  # one limit serves both symbols
                row[f"gopher.symbol_ratio_{name}"] = value(filters.GopherQualityFilter, "max_symbol_word_ratio", True)
        row |= {f"gopher.{k}": value(filters.GopherRepetitionFilter, key, True) for k, key in repetition.items()}
        for n in range(2, 11):
            key, name = ("top_n_grams", f"top_{n}_gram") if n <= 4 else ("dup_n_grams", f"duplicate_{n}_gram")
            row[f"gopher.{name}"] = value(filters.GopherRepetitionFilter, key, True, n)
        row |= c4_values(text)
        fine = {f"fineweb.{k}": value(filters.FineWebQualityFilter, key, up) for k, (key, up) in fineweb.items()}
        return row | fine

    return [values(text) for text in texts]


def datatrove_lines(texts: list[str]) -> list[str]:
    """The texts as C4's filter leaves them that it keeps."""
    import datatrove.pipeline.filters as filters
    from datatrove.data import Document

    documents = [Document(text=text, id="0") for text in texts]
    every = filters.C4QualityFilter(filter_lorem_ipsum=False, filter_curly_bracket=False, min_num_sentences=-1)
    assert all(every.filter(document) is True for document in documents)
    return [document.text for document in documents]


def without_init(*names: str) -> None:
    """Lets modules of packages be imported whose __init__ files import far more than the modules need."""
    import sysconfig
    import types

    for name in names:
        package = types.ModuleType(name)
        package.__path__ = [str(Path(sysconfig.get_paths()["purelib"], *name.split(".")))]
        sys.modules[name] = package


def dolma(texts: list[str]) -> list[dict[str, float]]:
    without_init("dolma", "dolma.core", "dolma.taggers")
    from dolma.taggers.gopher import get_attributes  # type: ignore[import-not-found]

    names = {
        "words": "word_count",
        "mean_word_length": "median_word_length",
        "symbol_ratio_hash": "symbol_to_word_ratio",
        "bullet_lines": "fraction_of_lines_starting_with_bullet_point",
        "ellipsis_lines": "fraction_of_lines_ending_with_ellipsis",
        "alphabetic_words": "fraction_of_words_with_alpha_character",
        "stop_words": "required_word_count",
        "duplicate_lines": "fraction_of_duplicate_lines",
        "duplicate_line_characters": "fraction_of_characters_in_duplicate_lines",
    }
    rows = []
    for text in texts:
        found = get_attributes(text)
        row = {f"gopher.{ours}": getattr(found, theirs) for ours, theirs in names.items()}
        row |= {f"gopher.top_{n}_gram": value for n, value in found.fraction_of_characters_in_most_common_ngram}
        row |= {f"gopher.duplicate_{n}_gram": value for n, value in found.fraction_of_characters_in_duplicate_ngrams}
        rows.append(row)
    return rows


def nemo(texts: list[str]) -> list[dict[str, float]]:
    text = "nemo_curator.stages.text"
    without_init("nemo_curator", "nemo_curator.stages", text, f"{text}.filters", f"{text}.utils")
    from nemo_curator.stages.text.filters.heuristic import repetition, string  # type: ignore[import-not-found]

    filters: dict[str, tuple[Any, bool]] = {
        "words": (string.WordCountFilter(), False),
        "mean_word_length": (string.MeanWordLengthFilter(), False),
        "symbol_ratio_hash": (string.SymbolsToWordsFilter(), False),
        "bullet_lines": (string.BulletsFilter(), False),
        "ellipsis_lines": (string.EllipsisFilter(), False),
        "alphabetic_words": (string.WordsWithoutAlphabetsFilter(), False),
        "stop_words": (string.CommonEnglishWordsFilter(), False),
        "duplicate_lines": (repetition.RepeatedLinesFilter(), True),
        "duplicate_paragraphs": (repetition.RepeatedParagraphsFilter(), True),
        "duplicate_line_characters": (repetition.RepeatedLinesByCharFilter(), True),
        "duplicate_paragraph_characters": (repetition.RepeatedParagraphsByCharFilter(), True),
    }
    for n in range(2, 5):
        filters[f"top_{n}_gram"] = (repetition.RepeatingTopNGramsFilter(n=n), False)
    for n in range(5, 11):
        filters[f"duplicate_{n}_gram"] = (repetition.RepeatingDuplicateNGramsFilter(n=n), False)
    return [
        {
            f"gopher.{name}": 1 - filter_.score_document(text) if distinct else filter_.score_document(text)
            for name, (filter_, distinct) in filters.items()
            if not (name.startswith("top_") and _tied(text, int(name[4])))
        }
        for text in texts
    ]


def _tied(text: str, n: int) -> bool:
    """Whether several n-grams are the most frequent: NeMo then takes one by the order of a set, which varies."""
    from collections import Counter

    words = text.split()
    counts = sorted(Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1)).values())
    return len(counts) > 1 and counts[-1] == counts[-2]


def dclm(texts: list[str]) -> list[dict[str, float]]:
    import types

    sys.modules["transformers"] = types.ModuleType("transformers")
    sys.modules["transformers"].AutoTokenizer = None  # type: ignore[attr-defined]
    sys.path[:0] = [sys.argv[2], f"{sys.argv[2]}/baselines"]
    from baselines.mappers.filters import content_filters as filters  # type: ignore[import-not-found]

    words = {"ignore_punctuation": True, "model": "uniseg"}

    def values(text: str) -> dict[str, float]:
        page = {"text": text}

        def value(filter_: Any, upper: bool, *before: Any, **options: Any) -> float:
            return halved(lambda x: bool(filter_(page, *before, x, **options)), upper)

        row = {
            "gopher.words": value(filters.page_length_filter, True, "word", 0, **words),
            "gopher.mean_word_length": value(filters.word_length_filter, True, 0),
            "gopher.symbol_ratio_hash": value(filters.symbol_ratio_filter, True),
            "gopher.bullet_lines": value(filters.bullet_count_filter, True),
            "gopher.ellipsis_lines": value(filters.ellipsis_count_filter, True),
            "gopher.alphabetic_words": 1 - value(filters.alphabetic_word_ratio_filter, True),
            "gopher.stop_words": value(filters.stop_word_filter, False, False),
        }
        for unit in ("line", "paragraph"):
            for name, characters in ((f"{unit}s", False), (f"{unit}_characters", True)):
                row[f"gopher.duplicate_{name}"] = value(
                    filters.repetition_filter, True, unit, count_characters=characters
                )
        for n in range(2, 11):
            name = f"gopher.{'top' if n <= 4 else 'duplicate'}_{n}_gram"
            row[name] = value(filters.repetition_filter, True, n)
        return row

    return [values(text) for text in texts]


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment."""
    from peers import python_with

    packages, without_dependencies = PACKAGES[peer]
    return python_with(f"quality-{peer}", packages, without_dependencies=without_dependencies)


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] in RUNS:
        json.dump(globals()[sys.argv[1]](json.load(sys.stdin)), sys.stdout)
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dclm", help="a checkout of github.com/mlfoundations/dclm")
    arguments = parser.parse_args()
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    golden["texts"] = TEXTS
    for name, peer in RUNS.items():
        if peer == "dclm" and not arguments.dclm:
            continue
        command = [python_of(peer), __file__, name, *([arguments.dclm] if peer == "dclm" else [])]
        done = subprocess.run(command, input=json.dumps(TEXTS), stdout=subprocess.PIPE, text=True, check=True)
        golden[name] = json.loads(done.stdout.splitlines()[-1])
        print(name, sum(map(len, golden[name])), "values" if name == peer else "characters")
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
