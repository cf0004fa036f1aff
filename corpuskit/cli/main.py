"""The `corpuskit` command and its exit codes: 0 done, 1 the run failed, 2 wrong usage, 130 interrupted.

The commands that features declare are imported when they are called: `corpuskit --help` imports no feature.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from corpuskit import __version__
from corpuskit.cli import explain, runs
from corpuskit.drawing.terminal import errors, print_error
from corpuskit.engine.features import Phase, features, resolve
from corpuskit.errors import CorpuskitError, Stopped, refused_by_system

PANELS: dict[Phase, str] = {
    "collect": "Collect",
    "clean": "Clean",
    "tokenise": "Token shards",
    "train": "Train",
    "audit": "Audit",
    "try": "Try it",
}
"""Headings of `corpuskit --help`."""


class FeatureCommands(TyperGroup):
    """A group of commands and, after them, those that features declare."""

    def list_commands(self, ctx: Any) -> list[str]:
        for name, reason in features().broken.items():
            print_error("[yellow]warning:[/] ", f"the feature '{name}' cannot be used: {reason}")
        return [*super().list_commands(ctx), *(words for words in features().commands() if " " not in words)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command with its summary only; `resolve_command` gives the one that can be called."""
        own = super().get_command(ctx, cmd_name)
        declared = features().commands().get(cmd_name)
        if own is not None or declared is None:
            return own
        feature, command = declared
        return TyperCommand(cmd_name, help=command.summary, rich_help_panel=PANELS[feature.phase])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and name in features().commands() and super().get_command(ctx, name) is None:
            command = imported(name)
        return name, command, rest


def imported(words: str) -> Any:
    """The command that a feature declares for some words after `corpuskit`.

    Raises UsageError that names the feature and the reason where it cannot be imported.
    """
    declared = features().commands()
    target = resolve(declared[words][1].target)
    name = words.rpartition(" ")[2]
    if not isinstance(target, typer.Typer):
        return _single(name, target)
    group = typer.main.get_group(target)
    group.name = name
    for other in declared:
        if other.startswith(f"{words} "):
            group.add_command(_imported_or_broken(other), other.rpartition(" ")[2])
    return group


def _single(name: str, function: Callable[..., Any], **settings: Any) -> Any:
    """The command that runs a function."""
    group = typer.Typer()
    group.command(name, **settings)(function)
    command = typer.main.get_command(group)
    command.name = name
    return command


def _imported_or_broken(words: str) -> Any:
    """A command, or one that raises the error of its import when it is called: the rest of its group works."""
    try:
        return imported(words)
    except CorpuskitError as error:
        reason = error

    def broken() -> None:
        raise reason

    any_arguments = {"allow_extra_args": True, "ignore_unknown_options": True}
    name = words.rpartition(" ")[2]
    return _single(name, broken, help=f"Cannot be used: {reason}", context_settings=any_arguments)


app = typer.Typer(
    name="corpuskit",
    cls=FeatureCommands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""From the open web to a clean corpus, and from a clean corpus to a small language model, with evidence.

A *recipe* (YAML) names sources, stages, token shards, training and audits. Begin with one from `pipelines/`:

- `corpuskit plan pipelines/blogs-and-news.yaml`: what would run
- `corpuskit run pipelines/blogs-and-news.yaml`: run it; the same command resumes
- `corpuskit why https://example.com/page`: what happened to a page
- `corpuskit what-if --set gopher.top_2_gram=0.25`: decide again, without measuring again
""",
)
for function in (runs.run, runs.plan, runs.stages, runs.schema):
    app.command(rich_help_panel="Run a recipe")(function)
for function in (runs.report, runs.verify):
    app.command(rich_help_panel="Inspect a run")(function)
app.command("why", rich_help_panel="Inspect a run")(explain.why)
app.command("what-if", rich_help_panel="Inspect a run")(explain.what_if_command)


def _version(asked: bool) -> None:
    if asked:
        print(f"corpuskit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


_warned_of: set[str] = set()


def _show_warning(message: Warning | str, category: type[Warning], *where: object, **rest: object) -> None:
    """A warning as one line, once. What libraries announce to programmers is left out."""
    for_programmers = issubclass(category, (DeprecationWarning, PendingDeprecationWarning, FutureWarning))
    if for_programmers or str(message) in _warned_of:
        return
    _warned_of.add(str(message))
    print_error("[yellow]warning:[/] ", str(message))


def main() -> None:
    """The console script."""
    warnings.showwarning = _show_warning
    try:
        app(standalone_mode=False)
    except Stopped as stop:
        errors.print(str(stop), markup=False, highlight=False, soft_wrap=True)
        sys.exit(stop.exit_code)
    except CorpuskitError as error:
        print_error("[bold red]error:[/] ", str(error))
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        errors.print("\nstopped; nothing that was committed is lost. Run the same command again to go on.")
        sys.exit(130)
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "show"):  # a usage error of the command line itself
            error.show()
            sys.exit(error.exit_code)
        refusal = refused_by_system(error)
        if refusal is None:
            raise
        print_error("[bold red]error:[/] ", refusal)
        sys.exit(1)
