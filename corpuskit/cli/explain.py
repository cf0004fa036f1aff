"""Commands that answer for a document or a decision: why, what-if."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from corpuskit.drawing.terminal import console, foreign, print_error
from corpuskit.engine.features import features, resolve
from corpuskit.engine.ledger import Story, find, newest_run, open_run
from corpuskit.errors import CorpuskitError, UsageError

RunFolder = Annotated[Path | None, typer.Option("--run", help="The run's folder. Default: the newest in runs/.")]
NOT_MEASUREMENTS = {
    "id", "source_id", "text", "title", "author", "published", "url", "source", "kind", "language", "license", "rights",
    "fetched", "provenance", "media_type", "bytes", "excerpt", "decisions", "stage", "rule", "value", "limit",
}  # fmt: skip


def why(
    document: Annotated[
        str,
        typer.Argument(
            metavar="URL|ID", help="A page's URL, the record's own id, or a document's id (8 digits or more)."
        ),
    ],
    run: RunFolder = None,
) -> None:
    """Show what happened to a document: where it was found, what was measured, which rule dropped it, what changed."""
    folder = run or newest_run()
    story = find(folder, {document, *_kept_names(open_run(folder), document)})
    histories = [line for history in _histories() for line in history(folder, document, story)]
    if not story and not histories:
        raise CorpuskitError(
            f"{folder} knows nothing of '{document}': no such page was found or read. "
            "An id, the record's own id or the exact URL is needed; other runs: --run FOLDER"
        )
    for record in story.quarantined:
        console.print(Text.assemble(("unreadable  ", "bold yellow"), foreign(record.get("reason"))))
        at = f" at {record['offset']}" if record.get("offset") is not None else ""
        console.print(foreign(f"  read from {record['path']}{at}"), soft_wrap=True)
    for row in story.dropped:
        _print_dropped(row)
    for row in story.kept:
        console.print(Text.assemble(("kept  ", "bold green"), foreign(f"{row['title'] or '(no title)'}  {row['id']}")))
        _print_measured(row)
    _print_changes(story)
    for line in histories:
        console.print(foreign(line), soft_wrap=True)


def _kept_names(run: dict[str, Any], name: str) -> set[str]:
    """The names under which the stages of a run keep a record's id or URL that holds something to hide."""
    from corpuskit.engine.gate import Gate
    from corpuskit.engine.located import Located
    from corpuskit.recipe.load import check

    try:
        gate = Gate.of(check(Located(run["recipe"], "run.json")).stages)
        languages = [None, *run.get("languages", {})]
        return {kept for stage in gate.stages for kept in stage.kept_names(name, languages)}
    except CorpuskitError as error:  # a recipe of another version, or its key is not here
        print_error("[yellow]warning:[/] ", f"ids and URLs that were hidden are not looked up: {error}")
        return set()


def _histories() -> list[Callable[[Path, str, Story], list[str]]]:
    """What features add to a document's story. One that cannot be imported is named, and the others are shown."""
    loaded = []
    for feature in features().working:
        for target in feature.histories:
            try:
                loaded.append(resolve(target))
            except CorpuskitError as error:
                print_error("[yellow]warning:[/] ", str(error))
    return loaded


def _print_dropped(row: dict[str, Any]) -> None:
    title = row["title"] or "(no title)"
    console.print(Text.assemble(("dropped", "bold red"), foreign(f" by {row['stage']}  {title}  {row['id']}")))
    for decision in row["decisions"]:
        rule = f"  rule {decision['rule']}: {decision['value']}, kept only {decision['limit']}"
        console.print(foreign(rule), soft_wrap=True)
        for name, value in json.loads(decision["evidence"] or "{}").items():
            console.print(foreign(f"    {name}: {value}"), soft_wrap=True)
    if row["excerpt"]:
        console.print(Padding(foreign(row["excerpt"], "dim"), (0, 4)))
    _print_measured(row)


def _print_measured(row: dict[str, Any]) -> None:
    table = Table(box=None, padding=(0, 2), show_header=False)
    place = row.get("provenance") or {}
    where = f"{place.get('path')} at {place.get('offset')}" if place.get("path") else None
    for name, value in (
        ("record", row.get("source_id")), ("url", row["url"]),
        ("source", f"{row['source']} ({row['kind']})"), ("language", row["language"]),
        ("published", row["published"]), ("author", row.get("author")), ("rights", row.get("rights")),
        ("read from", where),
    ):  # fmt: skip
        if value:
            table.add_row(foreign(name, "dim"), foreign(value))
    for name, value in row.items():
        if name in NOT_MEASUREMENTS or value is None:
            continue
        inner = {f"{name}.{part}": content for part, content in value.items()} if isinstance(value, dict) else {}
        if any(isinstance(content, dict) for content in inner.values()):  # groups of values get a line each
            for part, content in inner.items():
                if content is not None and shown(content):
                    table.add_row(foreign(part, "dim"), foreign(shown(content)))
        else:
            table.add_row(foreign(name, "dim"), foreign(shown(value)))
    console.print(Padding(Group(table), (0, 2)))


def shown(value: Any) -> str:
    """A measurement as one readable line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(inner)}" for name, inner in value.items() if inner is not None)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return "[" + "; ".join(map(shown, value)) + "]"
    return str(value)


def _print_changes(story: Story) -> None:
    for row in story.changes:
        console.print(Text.assemble(("rewritten", "bold"), foreign(f" by {row['stage']}:")))
        for change in row["changes"]:
            to = f"→ {change['replacement']}" if change["replacement"] else "removed"
            console.print(foreign(f"  characters {change['start']} to {change['end']}: {change['type']} {to}"))


def what_if_command(
    run: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="A run's folder. Default: the newest in runs/.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="RULE=LIMIT", help="A rule's new limit: --set gopher.top_2_gram=0.25"),
    ] = None,
) -> None:
    """Decide a finished run again with other limits, in seconds, and show what would change."""
    from corpuskit.engine.located import Located
    from corpuskit.engine.what_if import rules_of, what_if
    from corpuskit.recipe.load import check

    folder = run or newest_run()
    recipe = check(Located(open_run(folder)["recipe"], f"{folder}/run.json"))
    if not set_:
        names = ", ".join(f"{rule.name} {rule.keep} {rule.limit}" for rule in rules_of(recipe.stages))
        raise UsageError(f"name a rule and its new limit: --set RULE=LIMIT. The rules of this run: {names}")
    limits = {}
    for option in set_:
        name, equals, value = option.partition("=")
        if not equals:
            raise UsageError(f"--set {option}: write --set RULE=LIMIT")
        limits[name] = yaml.safe_load(value)
    result = what_if(folder, recipe.stages, limits)
    table = Table(title=f"{result.documents:,} documents of {folder}", title_justify="left")
    for heading in ("fate", "now", "then", "change"):
        table.add_column(heading, justify="left" if heading == "fate" else "right")
    for fate in sorted(set(result.before) | set(result.after), key=lambda fate: (fate not in ("kept", "open"), fate)):
        now, then = result.before[fate], result.after[fate]
        if now or then:
            table.add_row(fate, f"{now:,}", f"{then:,}", f"{then - now:+,}" if then != now else "")
    console.print(table)
    sources = Table(box=None, padding=(0, 2))
    for heading in ("source", "kept now", "kept then", "open"):
        sources.add_column(heading, justify="left" if heading == "source" else "right")
    for name, counts in result.by_source.items():
        sources.add_row(name, f"{counts['kept before']:,}", f"{counts['kept after']:,}", f"{counts['open after']:,}")
    console.print(sources)
    for label, rows in sorted(result.samples.items()):
        console.print(foreign(label, "bold"))
        for row in rows:
            console.print(foreign(f"  {row['value']}  {row['title'] or ''}  {row['url'] or row['id']}"))
    if result.after["open"]:
        console.print("open: no rule that was measured would drop them; stages that they never reached would decide.")
