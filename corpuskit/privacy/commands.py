"""Commands about personal data: find it and scrub it in files, undo what a run scrubbed, and train the name model."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.table import Table

from corpuskit.drawing.terminal import console, errors, foreign
from corpuskit.errors import CorpuskitError, UsageError

privacy = typer.Typer(no_args_is_help=True, help="Find and scrub personal data; undo it; train the Korean name model.")
vault = typer.Typer(no_args_is_help=True, help="Keys, and the originals that a run kept under one.")
names = typer.Typer(no_args_is_help=True, help="The model behind `names` in Korean: people, places, organisations.")
privacy.add_typer(vault, name="vault")
privacy.add_typer(names, name="names")

BATCH = 256
"""Texts of a file that are looked at together."""

Source = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="Plain text, or JSON lines with a field `text` (.jsonl, .jsonl.gz); - reads text."
    ),
]
Language = Annotated[str | None, typer.Option(help="en or ko; it matters for names and for --agree alone.")]
Types = Annotated[str | None, typer.Option(metavar="A,B", help="Only these types: email,phone,card,... Default: all.")]
MinScore = Annotated[float, typer.Option(min=0, max=1, help="How sure a finding must be.")]
Agree = Annotated[bool, typer.Option(help="Also what presidio's own pattern recognizers find, false alarms included.")]
Labelled = Annotated[
    Path, typer.Argument(help="Sentences in the format of KLUE-NER: a character, a tab, its tag a line.")
]
Model = Annotated[Path, typer.Argument(help="The model's file.")]
OptionalModel = Annotated[Path | None, typer.Argument(help="The model's file. Default: the rules, which know people.")]


@privacy.command("find")
def find_in_file(
    source: Source,
    language: Language = None,
    types: Types = None,
    min_score: MinScore = 0.5,
    agree: Agree = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines: line, start, end, type, score, text.")] = False,
) -> None:
    """Show the personal data in a file, a finding a line: where, what, how sure.

    `echo '010-1234-5678로 전화' | corpuskit privacy find -`
    """
    from corpuskit.privacy import find

    options = _options(types, min_score, agree)
    table = Table(box=None, padding=(0, 2), show_header=True)
    for heading in ("line", "from", "to", "type", "score", "text"):
        table.add_column(heading, overflow="fold")
    count = 0
    for rows in _batches(_rows(source)):
        for (line, _, text), found in zip(rows, find([row[2] for row in rows], language, **options), strict=True):
            at, position = line, 0
            for item in found:
                count += 1
                at = line if _is_lines(source) else at + text.count("\n", position, item.start)
                position = item.start
                if as_json:
                    print(json.dumps({"line": at, **item._asdict()}, ensure_ascii=False))
                else:
                    table.add_row(
                        str(at), str(item.start), str(item.end), item.type, f"{item.score:.2f}", foreign(item.text)
                    )
    if not as_json:
        console.print(table if count else "no personal data found")


@privacy.command("scrub")
def scrub_file(
    source: Source,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Default: standard output.")] = None,
    mode: Annotated[str, typer.Option(help="replace (<EMAIL>), mask (***), hash or pseudonym.")] = "replace",
    key: Annotated[Path | None, typer.Option(help="A key file, for hash and for pseudonyms equal throughout.")] = None,
    language: Language = None,
    types: Types = None,
    min_score: MinScore = 0.5,
    agree: Agree = False,
) -> None:
    """Write a file again without its personal data. JSON lines keep their other fields; `title` is scrubbed too."""
    from corpuskit.privacy import scrub
    from corpuskit.privacy.vault import read_key

    options = _options(types, min_score, agree) | {"key": read_key(key) if key is not None else None}
    with _target(output) as file:
        for rows in _batches(_rows(source)):
            texts = scrub([row[2] for row in rows], language, mode, **options)  # type: ignore[arg-type]
            if not _is_lines(source):
                file.writelines(texts)
                continue
            titles = scrub([str(row[1].get("title") or "") for row in rows], language, mode, **options)  # type: ignore[arg-type]
            for (_, record, _), text, title in zip(rows, texts, titles, strict=True):
                changed = record | {"text": text} | ({"title": title} if record.get("title") else {})
                file.write(json.dumps(changed, ensure_ascii=False) + "\n")


@vault.command("new-key")
def new_key(path: Annotated[Path, typer.Argument(help="The key's file; it must not exist.")]) -> None:
    """Write a fresh key that its owner alone can read. Without it nothing in a vault can be read; keep it elsewhere."""
    from corpuskit.privacy.vault import new_key as write

    write(path)
    console.print(f"{path}", highlight=False)


@vault.command("restore")
def restore_run(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    key: Annotated[Path, typer.Option(help="The key file that the run scrubbed with.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON lines: id, url, title, author, text.")],
    folder: Annotated[
        Path | None, typer.Option("--vault", help="The vault. Default: the one that the recipe names.")
    ] = None,
) -> None:
    """Write a run's corpus as it was before scrubbing, for somebody who may see it."""
    from corpuskit.privacy.undo import restored

    count = failed = 0
    with _target(output) as file:
        for row, problem in restored(run, key, folder):
            count += 1
            if problem is not None:
                failed += 1
                errors.print(problem, markup=False, highlight=False)
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    console.print(f"{count:,} documents in {output}; {failed:,} could not be restored", highlight=False)
    if failed:
        raise CorpuskitError("a stage after personal_data rewrote those texts, or the vault is another run's")


@names.command("train")
def train_names(labelled: Labelled, model: Model) -> None:
    """Learn names from labelled sentences; use the file with `personal_data: {names: true, name_model: FILE}`."""
    from corpuskit.privacy.names import read_labelled, train

    sentences = read_labelled(labelled)
    train(sentences, model)
    console.print(f"{model}: trained on {len(sentences):,} sentences", highlight=False)


@names.command("evaluate")
def evaluate_names(labelled: Labelled, model: OptionalModel = None) -> None:
    """Precision, recall and F1 on labelled sentences that a model has not seen; without a model, of the rules."""
    from corpuskit.privacy.names import evaluate, read_labelled

    _show(evaluate(read_labelled(labelled), model))


@names.command("cross-validate")
def cross_validate_names(labelled: Labelled) -> None:
    """The same where each fifth of the sentences is judged by a model trained on the other four."""
    from corpuskit.privacy.names import cross_validate, read_labelled

    _show(cross_validate(read_labelled(labelled)))


def _show(scores: dict[str, Any]) -> None:
    for name, score in scores.items():
        console.print(
            f"{name:13} precision {score.precision:.3f} recall {score.recall:.3f} F1 {score.f1:.3f} ({score.names:,})",
            highlight=False,
        )


def _options(types: str | None, min_score: float, agree: bool) -> dict[str, Any]:
    chosen = {"types": [name.strip() for name in types.split(",")]} if types is not None else {}
    return {"min_score": min_score, "agree": agree, **chosen}


def _is_lines(source: str) -> bool:
    return source.removesuffix(".gz").endswith((".jsonl", ".ndjson", ".json"))


def _rows(source: str) -> Iterator[tuple[int, dict[str, Any], str]]:
    """(line number, record, text) of a file: a record a line of JSON lines, else the whole text as one."""
    if source == "-":
        yield 1, {}, sys.stdin.read()
        return
    path = Path(source)
    if not path.is_file():
        raise UsageError(f"{path}: no such file; - reads standard input")
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            if not _is_lines(source):
                yield 1, {}, file.read()
                return
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                record = json.loads(line)
                if not isinstance(record, dict) or not isinstance(record.get("text"), str | None):
                    raise UsageError(f"{path} line {number}: no JSON object with a field 'text' that is a string")
                yield number, record, record.get("text") or ""
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise UsageError(f"{path} is no UTF-8 text: {error}") from error
    except json.JSONDecodeError as error:
        raise UsageError(f"{path} line {number}: no JSON: {error.msg}") from error


def _batches(rows: Iterator[tuple[int, dict[str, Any], str]]) -> Iterator[list[tuple[int, dict[str, Any], str]]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _target(output: Path | None) -> Iterator[IO[str]]:
    if output is None:
        yield sys.stdout
    elif output.suffix == ".gz":
        with gzip.open(output, "wb") as packed, io.TextIOWrapper(packed, encoding="utf-8") as file:
            yield file
    else:
        with output.open("w", encoding="utf-8") as file:
            yield file
