"""Small samples in the layout of the reference data, made from the demo's own pages and from `tests/data`.

The reference data are real pages, petitions, archives and benchmarks that cannot be part of the repository. Tests that
hold for both run on both: on these samples everywhere, on the reference data where they are.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
from pathlib import Path
from typing import Any

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

DEMO = Path(__file__).resolve().parents[1] / "corpuskit" / "demo" / "data" / "pages"
OWN = Path(__file__).parent / "data"
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Real pages and texts that are not part of the repository."""


def is_real(folder: Path) -> bool:
    """Whether these are the reference data, of which there are many more, and not the samples."""
    return folder == SHARED_DATA


def demo_pages(language: str) -> dict[str, str]:
    """Path -> text of the demo's ordinary pages in a language, 'ko' or 'en'."""
    found = {}
    for path in sorted(DEMO.rglob("*.md")):
        name = path.relative_to(DEMO).as_posix()
        unfit = any(word in name for word in ("flame", "spam", "contact"))  # pages that are there to be dropped
        if name.startswith("ko/") == (language == "ko") and not unfit:
            found[name] = path.read_text(encoding="utf-8").split("\n---\n", 1)[-1].strip()
    return found


def _composed(language: str, count: int, sentences: int, seed: int) -> list[str]:
    """Texts of sentences drawn at random from the demo's pages."""
    whole = " ".join(" ".join(text.split()) for text in demo_pages(language).values())
    pool = [one for one in re.split(r"(?<=[.?!다]\.) |(?<=[.?!]) ", whole) if 25 < len(one) < 300]
    chance = random.Random(seed)
    return [" ".join(chance.sample(pool, sentences)) for _ in range(count)]


def _edited(text: str, chance: random.Random, edits: int = 1) -> str:
    words = text.split(" ")
    for _ in range(edits):
        words[chance.randrange(len(words))] = chance.choice(["그때", "오늘", "later", "quietly"])
    return " ".join(words)


def make(folder: Path) -> Path:
    """Write all samples below `folder`."""
    _petitions(folder / "duplicates/petitions")
    _articles(folder / "duplicates/mccormick")
    _prose(folder / "prose")
    _benchmarks(folder / "contamination")
    _encodings(folder / "charset")
    _pages(folder / "extraction/wcxb")
    _archives(folder / "warc")
    _robots(folder / "robots")
    _feeds(folder / "feeds")
    return folder


def _write_lines(path: Path, rows: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def _petitions(folder: Path) -> None:
    chance = random.Random(1)
    opening = "안녕하세요. 너울섬에 사는 주민으로서 이 글을 올립니다.\n"
    tails = ["", "", " ㅠㅠㅠㅠㅠㅠ", " 도와주세요ㅜㅜㅜㅜㅜ", " https://petition.example/45", " 감사합니다!!!!!!!!"]
    for month in range(4, 8):
        texts = _composed("ko", 50, 9, month)
        texts += [_edited(text, chance) for text in chance.sample(texts, 8)]
        chance.shuffle(texts)
        rows = [
            {
                "category": "교통",
                "begin": f"2019-{month:02}-01",
                "end": f"2019-{month + 1:02}-01",
                "content": ("" if chance.random() < 0.7 else opening) + text + chance.choice(tails),
            }
            for text in texts
        ]
        _write_lines(folder / f"petitions_2019-{month:02}", rows)


def _articles(folder: Path) -> None:
    chance = random.Random(2)
    texts = _composed("en", 90, 10, 0)
    names = [f"t{number}" for number in chance.sample(range(10_000), 100)]
    lines = [f"{name} {text}" for name, text in zip(names, texts, strict=False)]
    truth = []
    for copy, original in zip(names[90:], names[:10], strict=True):
        lines.append(f"{copy} {_edited(lines[names.index(original)].split(' ', 1)[1], chance, 2)}")
        truth.append(f"{original} {copy}")
    chance.shuffle(lines)
    _write_lines(folder / "articles_1000.train", lines)
    _write_lines(folder / "articles_1000.truth", truth)


def _prose(folder: Path) -> None:
    code = "```js\nconst [count, setCount] = useState(0);\n```"
    for number, (name, text) in enumerate(demo_pages("ko").items()):
        place = "community" if number < 12 else f"blog/2026/01/{number:02}"
        title = "team" if number == 0 else Path(name).stem
        path = folder / "react-ko/content" / place / f"{title}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\ntitle: {title}\n---\n\n# {title}\n\n{text}\n\n{code}\n", encoding="utf-8")


def _benchmarks(folder: Path) -> None:
    chance = random.Random(3)
    rows = []
    names = ["Mira", "Ben", "Juno", "Tom", "Ada", "Noor", "Ravi", "Lena"]
    things = ["buttons", "eggs", "tickets", "kites", "jars", "seeds", "bolts", "pears"]
    places = ["the harbour market", "her aunt's shed", "the north pier", "a train to Leeds", "the school fair"]
    for number in range(60):
        name, thing, place = chance.choice(names), chance.choice(things), chance.choice(places)
        first, second, price = chance.randrange(12, 90), chance.randrange(3, 12), chance.randrange(2, 9)
        question = (
            f"{name} carries {first} {thing} to {place} on day {number} and drops {second} of them on the way. "
            f"A neighbour buys the rest for {price} coins each. How many coins does {name} bring home then?"
        )
        left = first - second
        answer = (
            f"On day {number} {name} still has {first} - {second} = {left} {thing} at {place}.\n"
            f"They bring {left} * {price} = {left * price} coins on day {number}.\n#### {left * price}"
        )
        rows.append({"question": question, "answer": answer})
    _write_lines(folder / "gsm8k/test.jsonl", rows)
    for name, key in (("nli", "premise"), ("sts", "sentence1")):
        items = [
            {"guid": f"{name}-{number}", key: text, "hypothesis" if key == "premise" else "sentence2": text[:20]}
            for number, text in enumerate(_invented_korean(name))
        ]
        path = folder / f"klue/klue-{name}-v1.1/klue-{name}-v1.1_dev.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(items, ensure_ascii=False), encoding="utf-8")


def _invented_korean(seed: str) -> list[str]:
    """Sentences that are in no text of the demo."""
    chance = random.Random(seed)
    who = ["등대지기", "양봉가", "견습 목수", "화석 수집가", "야간 경비원", "빙하 연구원"]
    what = ["녹슨 나침반", "푸른 유리병", "찢어진 악보", "오래된 항해 일지", "말린 해바라기", "고장난 태엽 인형"]
    where = ["폐광 입구에서", "염전 창고에서", "안개 낀 방파제에서", "기상 관측소에서", "버려진 온실에서"]
    what_then = ["발견하고 한참을 들여다보았다", "주워서 외투 안에 숨겼다", "동료에게 조심스레 건네주었다"]
    return [
        f"{1800 + number}년 가을 {chance.choice(who)} 한 사람이 {chance.choice(where)} {chance.choice(what)}을 "
        f"{chance.choice(what_then)}."
        for number in range(40)
    ]


def _encodings(folder: Path) -> None:
    """Every language of `tests/data/languages.json` in the encodings that it was written in before UTF-8."""
    texts = json.loads((OWN / "languages.json").read_text(encoding="utf-8"))
    encodings = {
        "en": ["ascii"],
        "fr": ["iso-8859-1"],
        "ru": ["KOI8-R", "IBM866", "MacCyrillic", "IBM855"],
        "ja": ["SHIFT_JIS", "EUC-JP", "iso-2022-jp", "CP932"],
        "zh": ["GB2312"],
        "zh-Hant": ["Big5"],
        "ko": ["UTF-16", "UTF-16BE", "UTF-16LE", "UTF-32", "UTF-32BE", "UTF-32LE"],
    }
    codecs = {"IBM855": "cp855", "IBM866": "cp866", "MacCyrillic": "mac_cyrillic", "iso-8859-1": "cp1252"}
    for language, names in encodings.items():
        for name in names:
            for number, text in enumerate(texts[language]):
                data = text.encode(codecs.get(name, name))
                if name in ("UTF-16BE", "UTF-16LE", "UTF-32BE", "UTF-32LE"):
                    data = "\ufeff".encode(name) + data
                (folder / name).mkdir(parents=True, exist_ok=True)
                (folder / name / f"{language}-{number}.txt").write_bytes(data)


PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title} | Harbour Post</title>
<meta property="article:published_time" content="2026-01-15T07:00:00+09:00"></head><body>
<nav><a href="/">Home</a> <a href="/news">News</a> <a href="/about">About us</a></nav>
<main><article><h1>{title}</h1>{body}</article></main>
<aside><h2>Most read</h2><ul><li><a href="/1">One more story</a></li><li><a href="/2">Another</a></li></ul></aside>
<footer>Harbour Post. All rights reserved. <a href="/privacy">Privacy</a></footer></body></html>"""


def html_page(name: str, text: str, language: str) -> bytes:
    """A page of a demo text, with a menu, a list of other stories and a footer around it."""
    body = "".join(f"<p>{paragraph}</p>" for paragraph in text.split("\n\n"))
    return PAGE.format(language=language, title=Path(name).stem.replace("-", " "), body=body).encode()


def _pages(folder: Path) -> None:
    (folder / "html").mkdir(parents=True)
    (folder / "ground-truth").mkdir()
    for number, (name, text) in enumerate(demo_pages("en").items()):
        page = html_page(name, text, "en")
        (folder / "html" / f"{number:04}.html.gz").write_bytes(gzip.compress(page, mtime=0))
        truth = {
            "url": f"https://harbour-post.example/{name}",
            "ground_truth": {"main_content": text},
            "_internal": {"page_type": {"primary": "article"}},
        }
        (folder / "ground-truth" / f"{number:04}.json").write_text(json.dumps(truth), encoding="utf-8")


def _warc(path: Path, pages: dict[str, bytes], headers: list[tuple[str, str]], gzipped: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=gzipped)
        writer.write_record(writer.create_warcinfo_record(path.name, {"software": "a test"}))
        for url, body in pages.items():
            answer = StatusAndHeaders("200 OK", headers, protocol="HTTP/1.1")
            record = writer.create_warc_record(url, "response", payload=io.BytesIO(body), http_headers=answer)
            writer.write_record(record)


def _archives(folder: Path) -> None:
    html = [("Content-Type", "text/html; charset=utf-8")]
    for language in ("en", "ko"):
        pages = {
            f"https://harbour-post.example/{name}": html_page(name, text, language)
            for name, text in demo_pages(language).items()
        }
        some = dict(list(pages.items())[:29])
        _warc(folder / f"dolma/sample-{language}.warc.gz", pages, html)
        if language == "en":
            _warc(folder / "resiliparse/warcfile.warc.gz", dict(list(pages.items())[:5]), html)
            _warc(folder / "resiliparse/clueweb-quirk.warc.gz", some, [*html, ("Content-Encoding", "gzip")])
            chunked = {
                url: b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (500, page[:500], len(page) - 500, page[500:])
                for url, page in list(pages.items())[:3]
            }
            headers = [*html, ("Transfer-Encoding", "chunked")]
            _warc(folder / "warcio/example-iana.org-chunked.warc", chunked, headers, gzipped=False)
            whole = (folder / "resiliparse/warcfile.warc.gz").read_bytes()
            (folder / "resiliparse/cut.warc.gz").write_bytes(whole[: len(whole) // 2])
            (folder / "resiliparse/noise.warc").write_bytes(b"WARC/1.0\r\nnot: a record\r\n\r\n" + bytes(200))
    _arc(folder / "warcio/example.arc.gz")


def _arc(path: Path) -> None:
    """The format before WARC: a line of URL, address, date, media type and length before each answer."""
    page = b"<!doctype html><title>Example</title><p>" + b"The ferry leaves at nine. " * 49
    page = page[:1270]
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1270\r\n\r\n" + page
    version = b"1 0 Harbour\nURL IP-address Archive-date Content-type Archive-length\n"
    first = b"filedesc://harbour.arc.gz 127.0.0.1 20140216050221 text/plain %d\n%s\n" % (len(version), version)
    second = b"http://example.com/ 192.0.2.7 20140216050221 text/html %d\n%s\n" % (len(answer), answer)
    path.write_bytes(gzip.compress(first, mtime=0) + gzip.compress(second, mtime=0))


def _robots(folder: Path) -> None:
    folder.mkdir(parents=True)
    chance = random.Random(4)
    words = ["news", "search", "private", "cgi-bin", "*.pdf$", "tag/*/feed", "a%2Fb", "소식", "print=*", "wp-admin"]
    agents = ["*", "corpuskit", "otherbot", "Googlebot", "CorpusKit", "GPTBot"]
    for number in range(40):
        lines = ["# robots of a harbour town", ""]
        for _ in range(chance.randrange(1, 5)):
            lines += [f"User-agent: {agent}" for agent in chance.sample(agents, chance.randrange(1, 3))]
            for _ in range(chance.randrange(0, 7)):
                verb = chance.choice(["Disallow", "Disallow", "Allow", "disallow"])
                lines.append(f"{verb}: /{'/'.join(chance.sample(words, chance.randrange(1, 3)))}")
            if chance.random() < 0.3:
                lines.append("Crawl-delay: 2")
            lines.append("")
        lines.append("Sitemap: https://harbour.example/sitemap.xml")
        end = chance.choice(["\n", "\r\n"])
        (folder / f"site{number}.example").write_bytes(end.join(lines).encode())


def _feeds(folder: Path) -> None:
    folder.mkdir(parents=True)
    pages = list(demo_pages("en").items()) + list(demo_pages("ko").items())
    for number in range(0, len(pages), 4):
        some = pages[number : number + 4]
        urls = [f"https://harbour.example/{name}" for name, _ in some]
        titles = [text[:40].replace("&", "and").replace("<", "") for _, text in some]
        items = "".join(
            f"<item><title>{title}</title><link>{url}</link><pubDate>Thu, 15 Jan 2026 07:00:00 +0900</pubDate></item>"
            for url, title in zip(urls, titles, strict=True)
        )
        rss = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Harbour</title>{items}</channel></rss>'
        entries = "".join(
            f'<entry><title>{title}</title><link href="{url}"/><updated>2026-01-15T07:00:00Z</updated></entry>'
            for url, title in zip(urls, titles, strict=True)
        )
        atom = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Harbour</title>{entries}</feed>'
        value = {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": url, "url": url} for url in urls]}
        (folder / f"{number}.rss.xml").write_text(rss, encoding="utf-8")
        (folder / f"{number}.atom.xml").write_text(atom, encoding="utf-8")
        (folder / f"{number}.cut.xml").write_text(atom[: len(atom) * 2 // 3], encoding="utf-8")
        (folder / f"{number}.json").write_text(json.dumps(value), encoding="utf-8")
