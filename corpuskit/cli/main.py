"""The `corpuskit` command, its help, and how it ends: 0 done, 1 the run failed, 2 a mistake in what was asked."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable

import typer
from rich.console import Console
from rich.status import Status

from corpuskit import __version__
from corpuskit.errors import CorpuskitError, Stopped, refused_by_system

app = typer.Typer(
    name="corpuskit",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""From the open web to a clean corpus, and from a clean corpus to a small language model, with evidence.

A *recipe* (YAML) names sources, stages, token shards, training and audits. Begin with one from `pipelines/`:

- `corpuskit plan pipelines/blogs-and-news.yaml`: what would run
- `corpuskit run pipelines/blogs-and-news.yaml`: run it; the same command resumes
- `corpuskit why https://example.com/page`: what became of a page
- `corpuskit what-if --set gopher.top_2_gram=0.25`: decide again, without measuring again
""",
)

console = Console()
errors = Console(stderr=True)


def shown_by(status: Status) -> Callable[..., None]:
    """What a long work calls with (message, done, total), shown on the status line."""
    return lambda message, done, total, **_: status.update(f"{message}: {done:,} of {total:,}" if total else message)


def _version(asked: bool) -> None:
    if asked:
        print(f"corpuskit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


_told: set[str] = set()


def _warned(message: Warning | str, category: type[Warning], *where: object, **rest: object) -> None:
    """A warning as a line for people, once; what libraries announce to programmers is not for them."""
    if issubclass(category, (DeprecationWarning, PendingDeprecationWarning, FutureWarning)) or str(message) in _told:
        return
    _told.add(str(message))
    _say("[yellow]warning:[/] ", str(message))


def _say(label: str, text: str) -> None:
    errors.print(label, end="")
    errors.print(text, markup=False, highlight=False, soft_wrap=True)


def main() -> None:
    """The console script."""
    from corpuskit.cli import explain, recipes, verify  # noqa: F401  (each adds its commands)
    from corpuskit.demo import commands as demo  # noqa: F401
    from corpuskit.duplicates import commands as duplicates  # noqa: F401
    from corpuskit.memorization import commands as memorization  # noqa: F401
    from corpuskit.privacy import commands as privacy  # noqa: F401
    from corpuskit.quality import commands as quality  # noqa: F401
    from corpuskit.tokens import commands as tokens  # noqa: F401
    from corpuskit.toxicity import commands as toxicity  # noqa: F401
    from corpuskit.training import commands as training  # noqa: F401
    from corpuskit.training.adapters import commands as adapters  # noqa: F401
    from corpuskit.training.evaluation import commands as evaluation  # noqa: F401
    from corpuskit.training.instruct import commands as instruct  # noqa: F401

    warnings.showwarning = _warned
    try:
        app(standalone_mode=False)
    except Stopped as stop:
        errors.print(str(stop), markup=False, highlight=False, soft_wrap=True)
        sys.exit(stop.exit_code)
    except CorpuskitError as error:
        _say("[bold red]error:[/] ", str(error))
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
        _say("[bold red]error:[/] ", refusal)
        sys.exit(1)
