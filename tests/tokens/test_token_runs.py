"""Token shards through a recipe and the command line, for each kind of tokenizer."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from corpuskit.engine.located import parse
from corpuskit.recipe.execute import run_recipe
from corpuskit.recipe.load import check
from corpuskit.tokens import TokenOrder, open_shards

ENGLISH = "The river rose in the night and took the old bridge, so the people of the valley wait for the ferry again."
KOREAN = "밤사이 강물이 불어나 옛 다리가 떠내려갔고, 골짜기 사람들은 다시 나룻배를 기다리고 있다."


def run(folder: Path, tokens: str) -> tuple[Path, dict[str, Any]]:
    texts = {"ko": KOREAN, "en": ENGLISH}
    with (folder / "in.jsonl").open("w", encoding="utf-8") as file:
        for number in range(120):
            code = "ko" if number % 3 else "en"
            words = texts[code].split()
            text = " ".join([*words[number % 7 :], str(number * 7919), *words])
            row = {"url": f"https://{code}.example/{number}", "text": text, "language": code}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    recipe = (
        f"name: tiny\nsources:\n  - jsonl: {{paths: {folder / 'in.jsonl'}, name: web}}\n"
        f"stages:\n  - near_duplicates\ntokens: {tokens}\n"
    )
    console = Console(file=io.StringIO())
    result = run_recipe(check(parse(recipe, "r.yaml"), recipe), folder=folder / "run", workers=1, console=console)
    return folder / "run", result.summary


def command(*arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "corpuskit", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["unigram", "wordpiece"])
def test_other_kinds_of_tokenizer_work_through_a_recipe(kind: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they encode slower, and say so
        folder, _ = run(
            tmp_path, f"{{tokenizer: {{train: {kind}, vocabulary: 600}}, sequence_length: 32, hold_out: 0.1}}"
        )
    shards = open_shards(folder / "tokens")
    assert f'"type":"{ {"unigram": "Unigram", "wordpiece": "WordPiece"}[kind] }"' in shards.tokenizer.json
    assert shards.counts.documents > 60
    order = TokenOrder(shards, batch=4)
    assert len(order.trace(1)) >= 4
    for shard, row in list(shards.documents())[:20]:
        text = shards.tokenizer.decode(shard.document(row))
        words = KOREAN if shard.describe(row)["language"] == "ko" else ENGLISH
        assert re.sub(r"\W", "", words) in re.sub(r"\W", "", text)


def test_a_run_reports_bytes_a_token_and_its_shards_go_out_and_come_back(tmp_path: Path) -> None:
    folder, summary = run(tmp_path, "{tokenizer: {train: bpe, vocabulary: 600}, sequence_length: 32, hold_out: 0.1}")
    told = summary["jobs"]["token shards"]
    shards = open_shards(folder / "tokens")
    for found in (told["bytes_per_token"], {code: c.bytes_per_token for code, c in shards.counts.by_language.items()}):
        assert found["ko"] == pytest.approx(
            sum(int(s.text_bytes[r]) for s, r in shards.documents() if s.describe(r)["language"] == "ko")
            / sum(len(s.document(r)) for s, r in shards.documents() if s.describe(r)["language"] == "ko"),
            abs=1e-3,
        )
    assert set(told["bytes_per_token_by_source"]) == {"web"}
    sizes = [int(size) for shard in shards.shards for size in shard.cluster_sizes]
    assert min(sizes) >= 1
    stats = command("tokens", "stats", folder)
    assert re.search(rf"train +language +ko .* {told['bytes_per_token']['ko']:.3f}", stats)
    assert re.search(r"held_out +source +web", stats)
    out = command("tokens", "export", folder, "--format", "datatrove", "--output", tmp_path / "out")
    assert "train.ds.index" in out
    said = command(
        "tokens",
        "import",
        tmp_path / "out/train.ds",
        "--held-out",
        tmp_path / "out/held_out.ds",
        "-o",
        tmp_path / "back",
    )
    assert f"{shards.counts.tokens:,} tokens to train on" in said
    assert open_shards(tmp_path / "back").manifest == shards.manifest
