"""The command `corpuskit demo`: the whole main job, offline, on a small web that comes with the package."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Annotated

import typer

from corpuskit.drawing.terminal import console
from corpuskit.errors import UsageError
from corpuskit.recipe.terminal import print_summary

if TYPE_CHECKING:
    from corpuskit.recipe.load import Recipe

PORT = 8765


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="The run's folder.")] = Path("runs/demo"),
    port: Annotated[
        int, typer.Option(help="Where the demo web is served; another free port where it is taken.")
    ] = PORT,
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Processes that work side by side.")] = 2,
) -> None:
    """Crawl a small web, clean it, train a small model on it, and report what that model memorised. No network."""
    from corpuskit.recipe.execute import run_recipe

    started = time.time()
    with _served(port) as base:
        console.print(f"The demo web is served at {base} while this runs.", highlight=False)
        result = run_recipe(demo_recipe(base), folder=output, workers=workers, console=console)
    print_summary(result.summary, time.time() - started)
    page = f"{base}/news/harbour-ferry.html"
    console.print(f"ask for a page: [bold]corpuskit why {page}[/]", highlight=False)


@contextmanager
def _served(port: int) -> Iterator[str]:
    from corpuskit.demo import serve

    with ExitStack() as stack:
        try:
            base = stack.enter_context(serve(port))
        except UsageError:  # the port is taken
            base = stack.enter_context(serve(0))
        yield base


def demo_recipe(base: str) -> Recipe:
    """The recipe of the demo for the address at which its web is served."""
    from corpuskit.engine.located import parse
    from corpuskit.recipe.load import check

    data = files("corpuskit.demo") / "data"
    text = Template((data / "recipe.yaml").read_text(encoding="utf-8")).substitute(SITE=base, DATA=str(data))
    return check(parse(text, "the demo's recipe.yaml"), text)
