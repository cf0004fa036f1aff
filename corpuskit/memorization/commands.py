"""Commands that audit a model: of a run or of any texts, two audits compared, the lab, the loop, the arms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markdown import Markdown
from rich.table import Table
from typer.core import TyperGroup

from corpuskit.drawing.terminal import console, status_watch
from corpuskit.engine.ledger import newest_run
from corpuskit.errors import CorpuskitError, UsageError


class _RunByDefault(TyperGroup):
    """`corpuskit audit runs/demo` is `corpuskit audit run runs/demo`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["run", *args]
        return super().parse_args(ctx, args)


audit = typer.Typer(
    cls=_RunByDefault,
    help="Measure what a model memorised: `corpuskit audit RUN`, or one of the commands below.",
)

FailIf = Annotated[
    list[str] | None,
    typer.Option(metavar="CONDITION", help="Exit 1 where it holds: 'extraction.train.high > 0.001'. Repeatable."),
]


@audit.command("run")
def run_audit(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="A run's folder. Default: the newest.")] = None,
    model: Annotated[
        Path | None, typer.Option(help="Another causal model folder (Hugging Face layout), or smollm2.")
    ] = None,
    text: Annotated[
        list[Path] | None,
        typer.Option(help="Texts to audit --model against: JSON lines, Parquet or plain text. Repeatable."),
    ] = None,
    held_out: Annotated[
        list[Path] | None, typer.Option(help="With --text: such texts as the model cannot have seen. Repeatable.")
    ] = None,
    windows: Annotated[int, typer.Option(min=1, help="Windows of training text to test, and of held-out text.")] = 2000,
    prefix: Annotated[int, typer.Option(min=1, help="Tokens that the model is given.")] = 32,
    suffix: Annotated[int, typer.Option(min=1, help="Tokens that it must complete verbatim.")] = 32,
    cap: Annotated[int, typer.Option(min=1, help="Copies that the decisions leave of a passage.")] = 8,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Default: RUN/audits/NAME of the model.")
    ] = None,
    fail_if: FailIf = None,
) -> None:
    """Measure what a model memorised of a run's training text, or of any texts."""
    from corpuskit.memorization import AuditConfig
    from corpuskit.memorization import audit as measure
    from corpuskit.memorization.canaries import CANARIES
    from corpuskit.memorization.job import AUDIT
    from corpuskit.memorization.measures.personal import personal_finder
    from corpuskit.memorization.studies.audit_texts import audit_texts
    from corpuskit.tokens.job import TOKENS
    from corpuskit.training.job import BASE
    from corpuskit.training.smollm import model_folder

    config = AuditConfig(windows=windows, prefix=prefix, suffix=suffix, cap=cap)
    model = model and model_folder(model)
    if text:
        if model is None or run is not None:
            raise UsageError("--text needs --model FOLDER and cannot be combined with a run")
        target = output or Path("audits") / f"{model.name}-{prefix}-{suffix}"
        with console.status("auditing") as status:
            result = audit_texts(model, text, target, config, held_out=held_out or [], watch=status_watch(status))
    else:
        folder = run or newest_run()
        chosen = model or folder / BASE
        target = output or folder / AUDIT / f"{chosen.name}-{prefix}-{suffix}"
        plan = folder / CANARIES
        with console.status("auditing") as status:
            result = measure(
                chosen,
                folder / TOKENS,
                target,
                config,
                canaries=plan if plan.exists() else None,
                corpus=sorted((folder / "corpus").glob("*.parquet")),
                personal=personal_finder(),
                watch=status_watch(status),
            )
    _write_report(target, result.value)
    console.print(result.sentence(), highlight=False)
    console.print(f"{target}/summary.json", highlight=False)
    _gate(result.value, fail_if)


@audit.command("diff")
def diff(
    before: Annotated[Path, typer.Argument(help="An audit's folder (or its summary.json).")],
    after: Annotated[Path, typer.Argument(help="Another one.")],
    everything: Annotated[bool, typer.Option("--all", help="Every figure that differs, not the main ones.")] = False,
) -> None:
    """Show in which figures two audits differ, and first in which settings and texts."""
    from corpuskit.memorization.gate import differences, main_figure, read_summary, setting_differences

    summaries = read_summary(before), read_summary(after)
    if settings := setting_differences(*summaries):
        console.print("The audits are not comparable as they are. Their settings differ:", highlight=False)
        for sentence in settings:
            console.print(f"  {sentence}", highlight=False, markup=False)
    all_differences = differences(*summaries)
    chosen = all_differences if everything else [entry for entry in all_differences if main_figure(entry.name)]
    table = Table(box=None, padding=(0, 2))
    for heading in ("figure", "before", "after", "change"):
        table.add_column(heading, justify="left" if heading == "figure" else "right")
    for entry in chosen:
        change = "" if entry.before is None or entry.after is None else f"{entry.after - entry.before:+.4g}"
        table.add_row(entry.name, _number(entry.before), _number(entry.after), change)
    console.print(table if chosen else "the two audits agree in every figure", highlight=False)
    if len(chosen) < len(all_differences):
        console.print(f"{len(all_differences) - len(chosen):,} more figures differ: --all", highlight=False)


@audit.command("lab")
def lab(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the arms' runs and the result go.")] = Path(
        "runs/lab"
    ),
    larger: Annotated[bool, typer.Option(help="64 documents a bucket, three seeds, three sizes: hours.")] = False,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds; each is another corpus. Repeatable.")] = None,
    width: Annotated[list[int] | None, typer.Option(help="Widths of the models. Repeatable.")] = None,
    documents: Annotated[int | None, typer.Option(min=4, help="Planted documents for each number of copies.")] = None,
    arm: Annotated[list[str] | None, typer.Option(help="Also: adapter, private (LoRA without and with DP).")] = None,
    fail: Annotated[bool, typer.Option(help="Exit 1 where an effect does not show.")] = False,
) -> None:
    """A controlled experiment: how copies and context affect memorization, and what deduplication and goldfish undo.

    Documents of a random language are planted a known number of times and go the whole way: near duplicates, personal
    data, token shards, training, audit. Some minutes on two cores.
    """
    from corpuskit.memorization.studies.lab import ARMS, LabConfig
    from corpuskit.memorization.studies.lab.run import run_lab

    changes: dict[str, Any] = {"seeds": seed, "widths": width, "documents": documents}
    changes["arms"] = arm and (*ARMS[:4], *arm)
    changes = {name: value for name, value in changes.items() if value}
    config = LabConfig.larger(**changes) if larger else LabConfig(**changes)
    with console.status("the lab") as status:
        result = run_lab(output, config, watch=status_watch(status))
    for check in result.value["checks"]:
        console.print("[green]yes[/]" if check["holds"] else "[bold red]no[/] ", check["says"], highlight=False)
    console.print(f"{output}/lab.md, lab.json, lab.svg", highlight=False)
    missing = [check["says"] for check in result.value["checks"] if not check["holds"]]
    if fail and missing:
        raise CorpuskitError(f"the lab does not show: {'; '.join(missing)}")


@audit.command("loop")
def loop(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="A run's folder. Default: the newest.")] = None,
    decisions: Annotated[Path | None, typer.Option(help="Default: those of the run's audit.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The second run. Default: RUN-decided.")] = None,
) -> None:
    """Carry out what the audit decided, train again, and compare before and after on the same windows."""
    from corpuskit.memorization.studies.loop import run_loop

    with console.status("the loop") as status:
        result = run_loop(run or newest_run(), output, decisions, watch=status_watch(status))
    console.print(Markdown(result.arms.markdown()))
    console.print(result.sentence(), highlight=False)
    console.print(f"{result.folder}/loop", highlight=False)


@audit.command("arms")
def arms(
    recipe: Annotated[Path, typer.Argument(help="A recipe that trains a model.")],
    arm: Annotated[list[str] | None, typer.Option(help="raw, deduplicated, scrubbed, goldfish, recipe.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Default: runs/NAME-arms.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key.")] = None,
) -> None:
    """Train a recipe's model without its remedies and with one at a time, and compare: what each removes and costs."""
    from corpuskit.memorization.studies.arms import run_arms
    from corpuskit.recipe.load import load

    loaded = load(recipe, set_ or [])
    target = output or Path("runs") / f"{loaded.keys.name}-arms"
    with console.status("the arms") as status:
        names = arm or ("raw", "deduplicated", "scrubbed", "goldfish")
        result = run_arms(loaded, target, names, watch=status_watch(status))
    console.print(Markdown(result.markdown()))
    console.print(f"{target}/arms.md, arms.json, arms.svg", highlight=False)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _gate(value: dict[str, Any], conditions: list[str] | None) -> None:
    from corpuskit.memorization.gate import check

    for condition in conditions or []:
        measured = check(value, condition)
        if measured is not None:
            raise CorpuskitError(f"the audit fails: {condition}, and it is {measured:.6g}")


def _write_report(folder: Path, value: dict[str, Any]) -> None:
    from corpuskit.memorization.report import write_audit

    write_audit(value, folder)
