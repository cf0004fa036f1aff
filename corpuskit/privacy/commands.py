"""Commands about personal data: find it and scrub it in files, undo what a run scrubbed, and train the name model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from corpuskit.drawing.terminal import console, errors, foreign
from corpuskit.errors import CorpuskitError

privacy = typer.Typer(no_args_is_help=True, help="Find and scrub personal data; undo it; train the Korean name model.")
vault = typer.Typer(no_args_is_help=True, help="Keys, and the originals that a run kept under one.")
names = typer.Typer(no_args_is_help=True, help="The model behind `names` in Korean: people, places, organisations.")
privacy.add_typer(vault, name="vault")
privacy.add_typer(names, name="names")

Source = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="JSON lines (.jsonl), a table (.csv, .tsv), Parquet, else plain text; - reads text; .gz too.",
    ),
]
Language = Annotated[str | None, typer.Option(help="en or ko; it matters for names and for --agree alone.")]
Types = Annotated[str | None, typer.Option(metavar="A,B", help="Only these types: email,phone,card,... Default: all.")]
MinScore = Annotated[float, typer.Option(min=0, max=1, help="How sure a finding must be.")]
Agree = Annotated[bool, typer.Option(help="Also what presidio's own pattern recognizers find, false alarms included.")]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="A,B", help="Only these fields or columns (author, meta.contact). Default: every text in the file."
    ),
]
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
    columns: Columns = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON lines: line, column, start, end, type, score, text.")
    ] = False,
) -> None:
    """Show the personal data in a file, a finding a line: where, what, how sure.

    `echo '010-1234-5678로 전화' | corpuskit privacy find -`
    """
    from corpuskit.privacy.files import TEXT, find_in, kind_of

    table = Table(box=None, padding=(0, 2), show_header=True)
    for heading in ("line", "column", "from", "to", "type", "score", "text"):
        table.add_column(heading, overflow="fold")
    count = 0
    for line, column, text, found in find_in(source, language, _list(columns), _options(types, min_score, agree)):
        at, position = line, 0
        for item in found:
            count += 1
            at = at + text.count("\n", position, item.start) if kind_of(source) == TEXT else line
            position = item.start
            if as_json:
                print(json.dumps({"line": at, "column": column, **item._asdict()}, ensure_ascii=False))
            else:
                where = (str(at), foreign(column), str(item.start), str(item.end))
                table.add_row(*where, item.type, f"{item.score:.2f}", foreign(item.text))
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
    columns: Columns = None,
) -> None:
    """Write a file again without its personal data, in every field or column with text, nested ones too.

    The output is readable by you alone, and appears when it is complete.
    """
    from corpuskit.privacy.files import scrub_file as scrub
    from corpuskit.privacy.scrub import Replacer
    from corpuskit.privacy.vault import read_key

    secret = read_key(key) if key is not None else None
    done = scrub(
        source,
        output,
        lambda: Replacer(mode, {}, secret),
        language=language,
        columns=_list(columns),
        **_options(types, min_score, agree),
    )
    if done.left:
        errors.print(f"not scrubbed: {', '.join(sorted(done.left))}", markup=False, highlight=False)


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
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON lines with the columns of the corpus.")],
    folder: Annotated[
        Path | None, typer.Option("--vault", help="The vault. Default: the one that the recipe names.")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Write the file even where some documents cannot be restored.")
    ] = False,
) -> None:
    """Write a run's corpus as it was before scrubbing, for somebody who may see it.

    The file is readable by you alone. Where a document cannot be restored there is no file, unless --partial asks for
    one; the exit code is 1 in both cases.
    """
    from corpuskit.privacy.files import private
    from corpuskit.privacy.vault import restored

    count = failed = 0
    with private(output) as path, path.open("w", encoding="utf-8") as file:
        for row, problem in restored(run, key, folder):
            count += 1
            if problem is not None:
                failed += 1
                errors.print(problem, markup=False, highlight=False)
            file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
        if failed and not partial:
            raise CorpuskitError(
                _unrestored(failed, count) + f"; {output} was not written (--partial writes the others)"
            )
    console.print(f"{count:,} documents in {output}", highlight=False)
    if failed:
        raise CorpuskitError(_unrestored(failed, count))


def _unrestored(failed: int, count: int) -> str:
    return (
        f"{failed:,} of {count:,} documents could not be restored: a stage after personal_data rewrote them,"
        " or the vault is another run's"
    )


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


def _list(names: str | None) -> list[str] | None:
    return [name.strip() for name in names.split(",")] if names is not None else None
