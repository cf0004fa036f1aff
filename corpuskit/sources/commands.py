"""`corpuskit crawl`: what can be done with the crawls of a finished run."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from corpuskit.drawing.terminal import console
from corpuskit.errors import UsageError

crawl = typer.Typer(no_args_is_help=True, help="Keep the crawls of a run up to date.")


@crawl.command()
def refresh(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run whose recipe has a crawl.")],
    workers: Annotated[int | None, typer.Option("--workers", "-w", help="Processes. Default: one a core.")] = None,
) -> None:
    """Ask for every page of a run's crawls again, and make the corpus anew from what is there now.

    Servers are asked whether a page has changed (ETag, Last-Modified), so that an unchanged site costs little. Pages
    that are gone leave the corpus; the report lists them. Example: `corpuskit crawl refresh runs/news`. To do this by
    age in every run, write `refresh: 7d` in the recipe.
    """
    from corpuskit.engine.steps import source_folder
    from corpuskit.recipe import load, run_recipe
    from corpuskit.recipe.terminal import print_summary
    from corpuskit.sources.crawl import CrawlSource

    path = run / "recipe.yaml"
    if not path.is_file():
        raise UsageError(f"{run}: there is no recipe.yaml, so this is not the folder of a run")
    recipe = load(path)
    crawls = [source for source in recipe.sources if isinstance(source, CrawlSource)]
    if not crawls:
        raise UsageError(f"{path}: the recipe has no crawl")
    for source in crawls:
        source.ask_again(source_folder(run, source))
    started = time.time()
    result = run_recipe(recipe, folder=run, workers=workers or os.cpu_count() or 1, console=console, overwrite=True)
    print_summary(result.summary, time.time() - started)
