"""Values planted in every field and failure path of a run: none is left, whole or in part, in what the run keeps.

Each value is made so that every window of six of its characters belongs to it alone. Every file of the run's folder is
searched for the windows: as bytes, as decoded tables, behind base64, JSON and HTML escapes. Values that no detector
finds where they stand are counted apart, by type.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import random
import re
import string
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.engine.ledger import find as find_document
from corpuskit.engine.plan import plan
from corpuskit.privacy.find import find
from corpuskit.privacy.vault import new_key
from corpuskit.recipe.execute import RunResult, make_run, run_recipe
from corpuskit.recipe.load import load

WINDOW = 6

STAGE = """
import pyarrow as pa
from corpuskit.document import set_column
from corpuskit.engine.rule import Rule
from corpuskit.engine.stage import BatchStage


class Look(BatchStage):
    "Quotes what it sees, and cannot bear some texts."

    name = "look"
    version = 1

    def measure(self, batch):
        texts = batch.column("text").to_pylist()
        for text in texts:
            if text and "UNBEARABLE" in text:
                raise ValueError("cannot bear " + text)
        seen = [{"quote": text, "short": bool(text and "TOOSHORT" in text)} for text in texts]
        kind = pa.struct([("quote", pa.string()), ("short", pa.bool_())])
        return set_column(batch, self.name, pa.array(seen, kind))

    def rules(self):
        return [Rule("look.short", "look.short", "is", False, evidence=("look.quote",))]
"""

ENGLISH = (
    "The harbour|My grandmother|An engineer from the valley|The school choir|A fisherman with one boat|The curator",
    "opened|painted|remembered|repaired|described|photographed|carried|studied",
    "the wooden bridge|a long letter|three baskets of plums|an orchard behind the station|the clock|a map of the coast",
    "and nobody was surprised|because the rain had stopped|although it took almost a year|before the market closed",
)
KOREAN = (
    "항구의 어부는|조용한 골목의 빵집은|우리 할머니는|마을 학교의 합창단은|박물관의 학예사는|젊은 목수는",
    "비가 그친 뒤에|아이들이 담장에서 보는 동안|장이 끝나기 전에|배가 돌아왔을 때|저녁이 추워지자",
    "나무다리를|긴 편지를|자두 세 바구니를|오래된 시계를|뱃사람의 노래를|극장 앞 등불을",
    "고쳤다|읽었다|팔았다|닦았다|적었다|그렸다",
)


def prose(words: tuple[str, ...], sentences: int, seed: int) -> str:
    draw = random.Random(seed)
    return " ".join(" ".join(draw.choice(each.split("|")) for each in words) + "." for _ in range(sentences))


@dataclass
class Plants:
    """Makes unique values, and remembers them with the text in which each stands."""

    random: random.Random = field(default_factory=lambda: random.Random(7))
    windows: dict[str, str] = field(default_factory=dict)
    """Window -> the value that it belongs to."""
    types: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    """Values that no detector finds where they stand."""

    def value(self, type: str) -> str:
        while True:
            made: str = getattr(self, f"_{type}")()
            skipped = 4 if type == "phone" else 0  # '010-' and two digits more are not enough for all
            own = [made[start : start + WINDOW] for start in range(skipped, len(made) - WINDOW + 1)]
            if len(set(own)) == len(own) and not any(window in self.windows for window in own):
                self.windows |= dict.fromkeys(own, made)
                self.types[made] = type
                return made

    def some(self) -> list[str]:
        return [self.value(type) for type in ("email", "phone", "resident", "card", "secret")]

    def standing(self, text: str, label: str = "", language: str | None = None) -> str:
        """The text; its values that no detector finds in it are noted."""
        (found,) = find([text], language, label=label)
        for value in [value for value in self.types if value in text]:
            start = text.index(value)
            covered = {at for each in found for at in range(each.start, each.end)}
            if not covered.issuperset(range(start, start + len(value))):
                self.hidden.add(value)
        return text

    def _letters(self, count: int) -> str:
        return "".join(self.random.choices(string.ascii_lowercase + string.digits, k=count))

    def _email(self) -> str:
        return (
            f"{self._letters(7)}.{self._letters(4)}@{self.random.choice(string.ascii_lowercase)}{self._letters(6)}.org"
        )

    def _phone(self) -> str:
        return f"010-{self.random.randrange(2000, 9999)}-{self.random.randrange(1000, 9999)}"

    def _resident(self) -> str:
        draw = self.random.randrange
        digits = f"{draw(50, 99)}{draw(1, 12):02d}{draw(1, 28):02d}{draw(1, 2)}{draw(0, 96000):05d}"
        sums = sum(
            int(digit) * weight for digit, weight in zip(digits, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), strict=True)
        )
        return f"{digits[:6]}-{digits[6:]}{(11 - sums % 11) % 10}"

    def _card(self) -> str:
        digits = f"4{self.random.randrange(10**14):014d}"
        doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(digits)]
        return digits + str(-sum(each // 10 + each % 10 for each in doubled) % 10)

    def _secret(self) -> str:
        return "ghp_" + "".join(self.random.choices(string.ascii_letters + string.digits, k=36))


def records(plants: Plants) -> list[bytes]:
    """JSON lines with values in every field, and in records that cannot be read, measured or kept."""
    lines: list[dict[str, Any]] = []
    english = prose(ENGLISH, 4, 99)
    for number in range(16):
        language = ("en", "ko")[number % 2]
        contact = ("Contact", "연락처")[number % 2]
        words = (ENGLISH, KOREAN)[number % 2]
        text = f"{prose(words, 12, number)} {contact}: {' '.join(plants.some())} {prose(words, 6, number + 50)}"
        email = [plants.value("email") for _ in range(12)]
        lines.append(
            {
                "id": plants.standing(email[0], "source_id"),
                "text": plants.standing(text, "text", language),
                "title": plants.standing(f"{contact} {email[1]}", "title", language),
                "author": plants.standing(f"Kim <{email[2]}>", "author", language),
                "url": plants.standing(f"https://site.example.org/u/{email[3]}/{number}", "url"),
                "license": plants.standing(f"by {email[4]}", "license", language),
                "rights": plants.standing(f"all of {email[5]}", "rights", language),
                "tags": [plants.standing(value, "tags", language) for value in plants.some()],
                "meta": {
                    "owner": {"mail": plants.standing(email[6], "mail", language)},
                    "phones": [plants.standing(plants.value("phone"), "phones", language)],
                },
                "note": plants.standing(f"see {email[7]}", "note", language) if number % 3 else number,
                "quality": plants.standing(f"rated by {email[8]}", "record_quality", language),
                "_id": plants.standing(email[9], "record__id", language),
            }
        )
    first = lines[0]["text"]
    lines += [
        {"id": "twin", "text": first, "author": plants.standing(plants.value("email"), "author", "en")},
        {
            "id": "near",
            "text": first.replace("harbour", "port"),
            "url": f"https://a.example.org/{plants.value('email')}",
        },
        {"id": "short", "text": plants.standing(f"TOOSHORT {english} {' '.join(plants.some())}", "text", "en")},
        {"id": "many", "text": english + " " + " ".join(plants.value("email") for _ in range(60)), "title": "many"},
        {"id": "unbearable", "text": plants.standing(f"UNBEARABLE {english} {' '.join(plants.some())}", "text", "en")},
        {"id": "cut", "text": "TOOSHORT " + english + "".join(f" {plants.value('email')}" for _ in range(20))},
        {
            "id": "german",
            "text": f"Der Hafen hat gestern die alte Brücke geöffnet, und {plants.value('email')} war dort.",
        },
        {"id": plants.value("email"), "title": "no text", "author": plants.value("email")},
    ]
    raw = [json.dumps(line, ensure_ascii=number % 2 == 0).encode() for number, line in enumerate(lines)]
    raw += [
        plants.standing('{"id": "broken", "text": "' + " ".join(plants.some())).encode(),
        ('{"text": "연락처 ' + " ".join(plants.some()) + '"}').encode("cp949"),
        ('{"text": "nul \\u0000 ' + " ".join(plants.some()) + '"}').encode(),
        ("\ufeff" + json.dumps([" ".join(plants.some())])).encode("utf-16-le"),
    ]
    return raw


RECIPE = """
name: planted
sources:
  - jsonl: {paths: FOLDER/in.jsonl}
stages:
  - planted_stage.Look
  - language: {keep: [en, ko]}
  - quality: {rules: []}
  - exact_duplicates
  - near_duplicates: {threshold: 0.7}
  - toxicity
  - personal_data: {mode: replace, key_file: FOLDER/pii.key, vault: FOLDER/vault, drop_over: 40}
"""


def run(folder: Path, lines: list[bytes], extra: str = "") -> RunResult:
    folder.mkdir(exist_ok=True)
    (folder / "planted_stage.py").write_text(STAGE)
    (folder / "in.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    recipe = RECIPE.replace("FOLDER", str(folder)) + extra
    (folder / "recipe.yaml").write_text(recipe)
    if not (folder / "pii.key").exists():
        new_key(folder / "pii.key")
    return run_recipe(folder / "recipe.yaml", folder=folder / "run", workers=1)


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """(file, text) of everything below a folder, in every way in which it can be read."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name, data = str(path.relative_to(folder)), path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        yield name, data.decode("utf-8", "ignore")
        if path.suffix == ".parquet":
            yield name, json.dumps(pq.read_table(path).to_pylist(), ensure_ascii=False, default=str)
        elif path.suffix == ".arrow":
            yield name, json.dumps(pa.ipc.open_file(path).read_all().to_pylist(), ensure_ascii=False, default=str)


NUMBERS = re.compile(r"\b(?=[0-9]*[a-f])[0-9a-f]{16,}\b|\b[0-9]{17,}\b|[0-9]+\.[0-9]{4,}")
"""Digests, keyed hashes, times in nanoseconds, measurements: six digits of them may be those of a value by chance."""


def readings(text: str) -> Iterator[str]:
    """A text, and what stands in it behind escapes and base64."""
    text = NUMBERS.sub("#", text)
    yield text
    yield html.unescape(text)
    unescaped = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text).replace("\\", "")
    yield unescaped
    for match in re.finditer(r"[A-Za-z0-9+/]{24,}={0,2}", text):
        data = base64.b64decode(match[0] + "=" * (-len(match[0]) % 4))
        for encoding in ("utf-8", "cp949", "utf-16-le"):
            decoded = data.decode(encoding, "ignore")
            yield decoded
            yield re.sub(r"\\+u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), decoded)


def leaks(plants: Plants, folder: Path, control: Path | None = None) -> Counter[tuple[str, str, str]]:
    """(file, type, window) of planted values that are left; windows of an unplanted run do not count."""
    usual = set() if control is None else {window for _, window in _windows(plants, control)}
    return Counter(
        (name, plants.types[plants.windows[window]], window)
        for name, window in _windows(plants, folder)
        if window not in usual and plants.windows[window] not in plants.hidden
    )


def _windows(plants: Plants, folder: Path) -> Iterator[tuple[str, str]]:
    for name, text in texts(folder):
        for reading in readings(text):
            for start in range(len(reading) - WINDOW + 1):
                if reading[start : start + WINDOW] in plants.windows:
                    yield name, reading[start : start + WINDOW]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plants, Path, RunResult]:
    plants, folder = Plants(), tmp_path_factory.mktemp("planted")
    result = run(folder, records(plants))
    return plants, folder, result


def test_no_planted_value_is_left_in_a_run(planted: tuple[Plants, Path, RunResult]) -> None:
    plants, folder, _ = planted
    assert len(plants.types) > 450
    unfound = Counter(plants.types[value] for value in plants.hidden)
    print(f"planted {Counter(plants.types.values())}; found by no detector: {dict(unfound)}")
    assert len(plants.hidden) <= len(plants.types) / 50
    found = leaks(plants, folder / "run")
    assert not found, found.most_common(20)


def test_the_search_finds_what_is_left(tmp_path: Path) -> None:
    plants = Plants()
    values = plants.some()
    (tmp_path / "plain.txt").write_text(values[0])
    (tmp_path / "escaped.json").write_text("".join(f"\\u{ord(letter):04x}" for letter in values[1]))
    (tmp_path / "coded.jsonl").write_text(
        json.dumps({"content": base64.b64encode(f"see {values[2]}".encode()).decode()})
    )
    pq.write_table(pa.table({"a": [{"b": [values[3][:WINDOW]]}]}), tmp_path / "nested.parquet")
    found = leaks(plants, tmp_path)
    assert {name for name, _, _ in found} == {"plain.txt", "escaped.json", "coded.jsonl", "nested.parquet"}


def test_a_finished_run_without_its_intermediate_files_is_done(planted: tuple[Plants, Path, RunResult]) -> None:
    _, folder, first = planted
    assert not [path for path in (folder / "run" / "steps").rglob("*") if path.is_file() and path.suffix != ".json"]
    recipe = load(folder / "recipe.yaml")
    states = plan(make_run(recipe, folder / "run"))
    assert all(state.done == state.tasks for state in states)
    again = run_recipe(recipe, folder=folder / "run", workers=1)
    assert again.summary["corpus_digest"] == first.summary["corpus_digest"]
    changed = plan(make_run(load(folder / "recipe.yaml", ["toxicity.max_score=0.9"]), folder / "run", overwrite=True))
    assert any("toxicity" in state.note for state in changed)


def test_a_record_is_found_by_its_own_id_and_url_though_both_are_hashed(
    planted: tuple[Plants, Path, RunResult],
) -> None:
    _, folder, _ = planted
    first = json.loads((folder / "in.jsonl").read_text("utf-8", "ignore").splitlines()[0])
    stage = next(stage for stage in load(folder / "recipe.yaml").stages if stage.name == "personal_data")
    for name in (first["id"], first["url"]):
        names = stage.kept_names(name, [None, "en", "ko"])
        story = find_document(folder / "run", names)
        assert len(story.kept + story.dropped) == 1
        assert first["id"] not in str(story)
