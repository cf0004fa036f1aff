"""Extraction beside trafilatura and resiliparse as their users call them: right words by type of page, and speed.

    python benchmarks/extraction.py

Pages: WCXB (../shared/data/extraction/wcxb) and fundus, news of four countries. No tool is told a page's type. The
model that ships was trained on the WCXB pages: its figures on these are not those of new pages, which `corpuskit
extract train` prints out of fold; fundus it has not seen. Score: F1 of the bag of words against the page's main text by
hand, averaged over pages. One core, process CPU time, everything in this process; one line gives ours through its
sandbox, child included. The last lines grow one page, from 0.3 to 5 MB.
"""

from __future__ import annotations

import gzip
import json
import logging
import re
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import NamedTuple

import trafilatura
from peers import DATA
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding

from corpuskit.extract import Sandbox, extract

_WORD = re.compile(r"\w+")


class Page(NamedTuple):
    type: str
    url: str
    html: bytes
    text: str
    facts: dict[str, str | None]
    """title, author, publish_date"""


def wcxb() -> list[Page]:
    found = []
    for path in sorted((DATA / "extraction/wcxb/html").glob("*.html.gz")):
        truth = json.loads((DATA / "extraction/wcxb/ground-truth" / path.name.replace(".html.gz", ".json")).read_text())
        text = truth["ground_truth"].get("main_content")
        if text is not None:
            page_type = truth["_internal"]["page_type"]["primary"]
            found.append(Page(page_type, truth["url"], gzip.decompress(path.read_bytes()), text, truth["ground_truth"]))
    return found


def fundus() -> list[Page]:
    """The news pages of publishers with one page, whose truth needs no guessing."""
    found = []
    for path in sorted((DATA / "extraction/fundus").glob("*/*.json")):
        truths, pages = json.loads(path.read_text()), list(path.parent.glob(f"{path.stem}_*.html.gz"))
        if len(truths) == len(pages) == 1:
            truth, html = next(iter(truths.values())), pages[0]
            lines = list(truth["body"]["summary"])
            for section in truth["body"]["sections"]:
                lines += section["headline"] + section["paragraphs"]
            url = json.loads((path.parent / "meta.info").read_text())[html.name]["url"]
            facts = {"title": truth["title"], "author": None, "publish_date": truth["publishing_date"]}
            found.append(Page("news", url, gzip.decompress(html.read_bytes()), "\n".join(lines), facts))
    return found


def score(found: str, truth: str) -> tuple[float, float, float]:
    """Precision, recall and F1 of the bag of words."""
    ours, theirs = Counter(_WORD.findall(found.lower())), Counter(_WORD.findall(truth.lower()))
    common = sum((ours & theirs).values())
    if not common:
        perfect = float(not ours and not theirs)
        return perfect, perfect, perfect
    precision, recall = common / sum(ours.values()), common / sum(theirs.values())
    return precision, recall, 2 * precision * recall / (precision + recall)


def tools(sandbox: Sandbox) -> dict[str, Callable[[Page], str]]:
    def resiliparse(page: Page) -> str:
        html = bytes_to_str(page.html, detect_encoding(page.html) or "utf-8")
        return str(extract_plain_text(html, main_content=True))

    return {
        "resiliparse": resiliparse,
        "trafilatura": lambda page: trafilatura.extract(page.html, url=page.url or None) or "",
        "ours": lambda page: extract(page.html, page.url or None).text,
        "ours, in sandbox": lambda page: sandbox.extract(page.html, page.url).text,
    }


def measure(
    read: Callable[[Page], str], pages: list[Page]
) -> tuple[dict[str, list[tuple[float, float, float]]], float]:
    """Scores by type of page, and CPU seconds."""
    started = time.process_time()
    texts = [read(page) for page in pages]
    seconds = time.process_time() - started
    scores: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for page, text in zip(pages, texts, strict=True):
        scores[page.type].append(score(text, page.text))
    return scores, seconds


def main() -> None:
    logging.disable(logging.CRITICAL)
    pages = wcxb() + fundus()
    size = sum(len(page.html) for page in pages) / 1e6
    types = Counter(page.type for page in pages)
    print(f"{len(pages)} pages, {size:.0f} MB of HTML\n")
    print(f"{'':22}{'all':>7}" + "".join(f"{name[:9]:>10}" for name in sorted(types)) + f"{'pages/s':>10}{'MB/s':>7}")
    print(f"{'pages':22}{len(pages):>7}" + "".join(f"{types[name]:>10}" for name in sorted(types)))
    with Sandbox(seconds=60) as sandbox:
        for name, read in tools(sandbox).items():
            read(pages[0])
            before = _children()
            scores, seconds = measure(read, pages)
            if "sandbox" in name:
                sandbox.close()
                seconds += _children() - before
            every = [value[2] for values in scores.values() for value in values]
            by_type = (sum(v[2] for v in scores[kind]) / len(scores[kind]) for kind in sorted(types))
            print(
                f"{name:22}{sum(every) / len(every):7.3f}"
                + "".join(f"{value:10.3f}" for value in by_type)
                + f"{len(pages) / seconds:10.0f}{size / seconds:7.1f}",
                flush=True,
            )

    print(f"\n{'right metadata':22}{'title':>10}{'author':>10}{'day':>10}{'no day':>10}")
    print(f"{'ours':22}" + "".join(f"{share:10.2f}" for share in metadata(pages)))
    print(f"\n{'one page, MB':22}{'seconds':>10}")
    base = b"<div class=post><p>" + b"A sentence of a page that grows, and <a href=x>a link</a>. " * 20 + b"</p></div>"
    for size in (0.3, 1.2, 5.0):
        page = b"<html><body>" + base * int(size * 1e6 / len(base))
        started = time.process_time()
        extract(page, media_type="text/html")
        print(f"{size:<22}{time.process_time() - started:10.2f}")


def metadata(pages: list[Page]) -> list[float]:
    """Share of pages whose title, author and day are those that people found, of the pages where they found one; and
    of the pages where they found no day, the share where we find none."""
    right, known = [0, 0, 0, 0], [0, 0, 0, 0]
    for page in pages:
        found = extract(page.html, page.url)
        day = (page.facts["publish_date"] or "")[:10]
        for place, (ours, theirs) in enumerate(
            (
                (found.title, page.facts["title"]),
                (found.author, page.facts["author"]),
                ((found.published or "")[:10], day),
            )
        ):
            if place == 2 and not theirs:
                known[3] += 1
                right[3] += not ours
            if theirs:
                known[place] += 1
                right[place] += _WORD.findall((ours or "").lower()) == _WORD.findall(theirs.lower())
    return [share / total for share, total in zip(right, known, strict=True)]


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
