"""The commands `corpuskit train`, `corpuskit generate` and `corpuskit tokens trace`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from corpuskit.drawing.terminal import console
from corpuskit.engine.ledger import newest_run, open_run
from corpuskit.errors import UsageError
from corpuskit.recipe.terminal import Output, Override, Overwrite, print_summary


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
    if "train" not in loaded.sections:
        raise UsageError(f"{recipe}: there is no 'train' in this recipe, so nothing to train")
    started = time.time()
    result = run_recipe(loaded.up_to("train"), folder=output, workers=workers, console=console, overwrite=overwrite)
    print_summary(result.summary, time.time() - started)


def _begun_last(name: str) -> Path:
    folders = sorted(Path("runs").glob(f"*/{name}"), key=lambda path: path.stat().st_mtime_ns)
    if not folders:
        raise UsageError("no run below 'runs'; name the run's folder after --resume")
    return folders[-1].parent


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


def trace(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="A run's folder. Default: the newest.")] = None,
    step: Annotated[int | None, typer.Option(min=1, help="Name the documents behind this training step.")] = None,
    document: Annotated[str | None, typer.Option(help="Name the steps that saw the document with this id.")] = None,
) -> None:
    """Say which pages made a training step, or which steps saw a page."""
    from corpuskit.tokens.job import TOKENS
    from corpuskit.training import training_order
    from corpuskit.training.job import BASE

    folder = run or newest_run()
    open_run(folder)
    if (step is None) == (document is None):
        raise UsageError("give one of --step N and --document ID")
    trained = training_order(folder / BASE, folder / TOKENS)
    if trained is None:
        raise UsageError(f"{folder}: this run has trained no model")
    order, steps = trained
    if document is not None:
        console.print(", ".join(map(str, order.steps_of(document, steps))) or "no step", highlight=False)
        return
    assert step is not None
    if step > steps:
        raise UsageError(f"this run has {steps} training steps; there is no step {step}")
    table = Table(title=f"step {step} of {steps}", title_justify="left", box=None, padding=(0, 2))
    for heading in ("sample", "tokens", "document", "source", "url"):
        table.add_column(heading, justify="right" if heading in ("sample", "tokens") else "left", overflow="fold")
    for seen in order.trace(step):
        table.add_row(str(seen.sample), str(seen.tokens), seen.id[:12], seen.source, seen.url or "")
    console.print(table)
