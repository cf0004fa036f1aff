"""Re-estimates the Korean limits of the quality rules: prints the limits of corpuskit/quality/data/ko.yaml.

    python benchmarks/quality_korean_limits.py [../shared/data] [kiwi]

Quantile matching between reference texts of the two languages. A limit cuts some share of the English reference texts;
the Korean limit cuts the same share of the Korean ones. Where the English limit cuts under one in a hundred, which a
few hundred texts cannot place, it is moved by the ratio of the 99th percentiles (1st, for lower limits). A bootstrap
gives the spread. English: main texts of web pages and articles; Korean: petitions and prose out of Markdown. Limits on
the number of words are moved by the ratio of the words of one text in both languages, the declaration of human rights.

With `kiwi`: instead the limits of stop words and endings by morphemes, beside those by lists, on every third text.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from peers import DATA

from corpuskit.document import column
from corpuskit.quality import measure
from corpuskit.quality.languages import rule_table

WORD_RULES = (
    "gopher.min_mean_word_length",
    "gopher.max_mean_word_length",
    "gopher.alphabetic_words",
    "gopher.stop_words",
    "gopher.top_2_gram",
    "gopher.top_3_gram",
    "gopher.top_4_gram",
    *(f"gopher.duplicate_{order}_gram" for order in range(5, 11)),
    "fineweb.line_punctuation",
    "fineweb.short_lines",
    "fineweb.new_lines",
)
"""Rules whose value depends on how a language cuts and inflects its words, or on how much a character says."""

MARKUP = re.compile(r"^---\n.*?\n---\n|```.*?```|<!--.*?-->|\{/\*.*?\*/\}|<[^>\n]+>|\{#[^}\n]*\}", re.DOTALL)
LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")


def english(data: Path) -> list[str]:
    pages = sorted((data / "extraction/wcxb/ground-truth").glob("*.json"))
    texts = [json.loads(page.read_text())["ground_truth"].get("main_content") or "" for page in pages]
    articles = (data / "duplicates/mccormick/articles_1000.train").read_text().splitlines()
    return [text for text in texts if text] + [article.partition(" ")[2] for article in articles]


def korean(data: Path) -> list[str]:
    months = sorted((data / "duplicates/petitions").iterdir())
    petitions = [json.loads(line)["content"] for month in months for line in month.read_text().splitlines()]
    return petitions + prose(data)


def prose(data: Path) -> list[str]:
    files = sorted((data / "prose").rglob("*.md"))
    return [LINK.sub(r"\1", MARKUP.sub("", file.read_text())).strip() for file in files]


def values(texts: list[str], language: str, measurement: str) -> npt.NDArray[np.float64]:
    measured = pa.RecordBatch.from_arrays([measure(texts, language)], ["quality"])
    words = column(measured, "quality.gopher.words").to_numpy(zero_copy_only=False)
    found: npt.NDArray[np.float64] = column(measured, f"quality.{measurement}").to_numpy(zero_copy_only=False)
    found = found if measurement == "gopher.words" else found[words >= 50]
    kept: npt.NDArray[np.float64] = found[~np.isnan(found)]
    return kept


def matched(en: npt.NDArray[np.float64], ko: npt.NDArray[np.float64], limit: float, upper: bool) -> tuple[float, float]:
    """(the Korean limit, the share of English texts that the English limit cuts)."""
    cut = float(np.mean(en > limit) if upper else np.mean(en < limit))
    if cut >= 0.01:
        return float(np.quantile(ko, 1 - cut if upper else cut)), cut
    edge = 0.99 if upper else 0.01
    there, here = np.quantile(en, edge), np.quantile(ko, edge)
    return (float(limit * here / there) if there > 0 and here > 0 else limit), cut


def parallel_words(data: Path, language: str, code: str) -> int:
    page = (data / "language/udhr" / f"{code}.html").read_text()
    text = re.sub(r"<[^>]+>", " ", page[page.index("<body") :])
    return int(measure([text], language).to_pylist()[0]["gopher"]["words"])


def by_morphemes(corpora: dict[str, list[str]]) -> None:
    texts = corpora["ko"][::3]
    size = sum(len(text.encode()) for text in texts) / 1e6
    en = values(corpora["en"], "en", "gopher.stop_words")
    generator = np.random.default_rng(7)
    measure(["가"], "ko", "kiwi")
    kept = []
    for analyser, limit in ((None, 7), ("kiwi", 9)):
        start = time.process_time()
        measured = measure(texts, "ko", analyser).flatten()
        seconds = time.process_time() - start
        gopher, own = measured[0], measured[3]
        enough = np.flatnonzero(gopher.field("words").to_numpy() >= 50)
        stop_words = gopher.field("stop_words").to_numpy(zero_copy_only=False)[enough]
        endings = own.field("endings").to_numpy(zero_copy_only=False)[enough]
        draws = [matched(generator.choice(en, len(en)), generator.choice(stop_words, len(enough)), 2, False)[0]
                 for _ in range(200)]  # fmt: skip
        print(f"{analyser}: {len(enough)} texts, {size / seconds:.2f} MB/s")
        print(" stop words: limit", matched(en, stop_words, 2, False)[0], np.quantile(draws, [0.05, 0.95]))
        print(" endings, quantiles .001 .01 .05 .5:", np.quantile(endings, [0.001, 0.01, 0.05, 0.5]).round(3).tolist())
        kept.append((stop_words >= limit, endings >= 0.15, endings))
    for rule, name in enumerate(("stop words", "endings")):
        one, other = kept[0][rule], kept[1][rule]
        print(f"{name}: lists drop {np.sum(~one)}, morphemes {np.sum(~other)}, both {np.sum(~one & ~other)}")
    print(f"endings, correlation {np.corrcoef(kept[0][2], kept[1][2])[0, 1]:.3f}")


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    corpora = {"en": english(data), "ko": korean(data), "prose": prose(data)}
    print(f"# {len(corpora['en'])} English texts, {len(corpora['ko'])} Korean, {len(corpora['prose'])} of them prose")
    if sys.argv[2:] == ["kiwi"]:
        by_morphemes(corpora)
        return
    rules = {name: rule for group in rule_table().values() for name, rule in group.items()}
    generator = np.random.default_rng(7)
    ratios = []
    print(f"{'rule':32} {'English':>9} {'cuts':>7} {'Korean':>9} {'spread':>17} {'now cuts':>8} {'would':>7}")
    for name in WORD_RULES:
        rule = rules[name]
        measurement, limit, upper = rule.get("measurement", name), rule["limit"], rule["keep"] == "<="
        lines = name.startswith("fineweb")  # petitions are stored without their line feeds
        en = values(corpora["en"][:-1000] if lines else corpora["en"], "en", measurement)
        ko = values(corpora["prose" if lines else "ko"], "ko", measurement)
        estimate, cut = matched(en, ko, limit, upper)
        if ".top_" in name:
            ratios.append(estimate / limit)
        draws = [
            matched(generator.choice(en, len(en)), generator.choice(ko, len(ko)), limit, upper)[0] for _ in range(200)
        ]
        low, high = np.quantile(draws, [0.05, 0.95])
        cuts = [np.mean(ko > edge) if upper else np.mean(ko < edge) for edge in (limit, estimate)]
        print(
            f"{name:32} {limit:9.4g} {cut:7.2%} {estimate:9.4g} {f'{low:.4g} - {high:.4g}':>17} "
            f"{cuts[0]:8.2%} {cuts[1]:7.2%}"
        )
    print(f"mean ratio of the three top n-gram limits, which no English text or few reach: {np.mean(ratios):.2f}")
    counts = parallel_words(data, "en", "eng"), parallel_words(data, "ko", "kor")
    print(
        f"declaration of human rights: {counts[0]} English words, {counts[1]} Korean, ratio {counts[1] / counts[0]:.3f}"
    )
    for measurement in ("korean.hangul_share", "korean.jamo_share", "korean.endings"):
        quantiles = np.quantile(values(corpora["ko"], "ko", measurement), [0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999])
        print(f"{measurement:32} quantiles .001 .01 .05 .5 .95 .99 .999:", np.round(quantiles, 3).tolist())


if __name__ == "__main__":
    main()
