"""Commands about models: train, generate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from corpuskit.cli.main import app, console
from corpuskit.cli.recipes import Output, Override, Overwrite, print_summary
from corpuskit.errors import UsageError


@app.command()
def train(
    recipe: Annotated[
        Path | None, typer.Argument(metavar="[RECIPE]", help="A recipe; with --resume a run's folder, or nothing.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped. Default: the one begun last.")
    ] = False,
    set_: Override = None,
    output: Output = None,
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Processes that clean side by side.")] = 2,
    overwrite: Overwrite = False,
) -> None:
    """Run a recipe up to its trained model, or go on with a run that was stopped.

    What is already done is not done again. Under SIGTERM or Ctrl-C a training saves everything, says how to go on,
    and ends with exit code 0.
    """
    import time

    from corpuskit.recipe.execute import RECIPE, run_recipe
    from corpuskit.recipe.load import load

    if resume:
        output = recipe or output or _begun_last(RECIPE)
        recipe = output / RECIPE
    if recipe is None:
        raise UsageError("name a recipe, such as pipelines/pretrain-decoder.yaml, or give --resume")
    if not recipe.is_file():
        raise UsageError(f"{recipe}: no such file" + ("; --resume takes the folder of a run" if resume else ""))
    loaded = load(recipe, set_ or [])
    if loaded.keys.train is None:
        raise UsageError(f"{recipe}: there is no 'train' in this recipe, so nothing to train")
    started = time.time()
    result = run_recipe(loaded.up_to("train"), folder=output, workers=workers, console=console, overwrite=overwrite)
    print_summary(result.summary, time.time() - started)


def _begun_last(name: str) -> Path:
    folders = sorted(Path("runs").glob(f"*/{name}"), key=lambda path: path.stat().st_mtime_ns)
    if not folders:
        raise UsageError("no run below 'runs'; name the run's folder after --resume")
    return folders[-1].parent


@app.command()
def generate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model's folder, such as runs/NAME/models/base.")],
    prompt: Annotated[str, typer.Argument(help="What the text begins with.")],
    length: Annotated[int, typer.Option("--length", "-n", min=1, help="Tokens to add.")] = 100,
    temperature: Annotated[float, typer.Option(min=0, help="0 always takes the likeliest token.")] = 0.8,
    seed: Annotated[int, typer.Option(help="The same seed, the same text.")] = 0,
    adapter: Annotated[Path | None, typer.Option(help="An adapter's folder, such as runs/NAME/models/lora.")] = None,
) -> None:
    """Let a model go on with a text."""
    from corpuskit.training import generate as continued

    text = continued(model, prompt, tokens=length, temperature=temperature, seed=seed, adapter=adapter)
    console.print(Text.assemble((prompt, "bold"), text))
