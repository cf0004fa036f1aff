"""Commands about instruction tuning: fine-tune, train rewards, reinforce, ask, and measure what it brought."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markdown import Markdown
from rich.progress import Progress
from rich.text import Text

from corpuskit.drawing.terminal import console
from corpuskit.engine.progress import Watch
from corpuskit.errors import UsageError

instruct = typer.Typer(
    no_args_is_help=True, help="Teach a model to follow instructions, from demonstrations and feedback."
)

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A model's folder, such as runs/NAME/models/base.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Where to write; a stopped tuning in it goes on.")]
Rate = Annotated[float | None, typer.Option("--learning-rate", min=0, help="Peak learning rate.")]
Rank = Annotated[int | None, typer.Option("--lora", min=1, help="Train an adapter of this rank, not the whole model.")]
Seed = Annotated[int, typer.Option(help="Seed of the order of the data and of what is drawn.")]


@instruct.command()
def sft(
    model: Model,
    out: Out,
    demonstrations: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="JSON lines to learn from. Default: the set that ships.")
    ] = None,
    held_out: Annotated[Path | None, typer.Option(help="JSON lines to validate on.")] = None,
    epochs: Annotated[float | None, typer.Option(min=0, help="Passes over the demonstrations.")] = None,
    learning_rate: Rate = None,
    lora: Rank = None,
    cut: Annotated[bool, typer.Option("--cut", help="Let prompts that are too long lose their start.")] = False,
    seed: Seed = 0,
) -> None:
    """Fine-tune a model on demonstrations; only answers are learned."""
    from corpuskit.training.instruct import SftConfig, finetune_on_demonstrations

    config = SftConfig.model_validate(
        _given(
            demonstrations=_name(demonstrations),
            held_out=_name(held_out),
            epochs=epochs,
            learning_rate=learning_rate,
            lora=None if lora is None else {"rank": lora, "alpha": 2 * lora},
            too_long="cut" if cut else "error",
            seed=seed,
        )
    )
    _run(lambda watch: finetune_on_demonstrations(model, out, config, watch=watch))


@instruct.command()
def reward(
    model: Model,
    out: Out,
    preferences: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="JSON lines to learn from. Default: the set that ships.")
    ] = None,
    held_out: Annotated[Path | None, typer.Option(help="JSON lines to judge on.")] = None,
    epochs: Annotated[float | None, typer.Option(min=0, help="Passes over the preferences.")] = None,
    learning_rate: Rate = None,
    seed: Seed = 0,
) -> None:
    """Train a reward model on preferences, with a head for each kind of them."""
    from corpuskit.training.instruct import RewardConfig, train_reward_model

    config = RewardConfig.model_validate(
        _given(
            preferences=_name(preferences),
            held_out=_name(held_out),
            epochs=epochs,
            learning_rate=learning_rate,
            seed=seed,
        )
    )
    _run(lambda watch: train_reward_model(model, out, config, watch=watch))


@instruct.command()
def ppo(
    model: Model,
    out: Out,
    rewards: Annotated[Path | None, typer.Option("--reward-model", help="A folder that `reward` wrote.")] = None,
    reward_: Annotated[
        list[str] | None,
        typer.Option(
            "--reward", help="NAME=WEIGHT: a head, right, toxicity, personal_data, module:function. May repeat."
        ),
    ] = None,
    prompts: Annotated[list[Path] | None, typer.Option(help="JSON lines with prompts to answer. May repeat.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Rounds of answering and learning.")] = None,
    learning_rate: Rate = None,
    lora: Rank = None,
    seed: Seed = 0,
) -> None:
    """Let a model answer, and reinforce what earns rewards (PPO)."""
    from corpuskit.training.instruct import PpoConfig, load_reward_model, reinforce
    from corpuskit.training.instruct.job import named_rewards

    heads = None if rewards is None else load_reward_model(rewards)
    weights = dict(_weight(weight) for weight in reward_ or []) or dict.fromkeys(
        [] if heads is None else heads.kinds, 1.0
    )
    if not weights:
        raise UsageError("nothing to earn: give --reward-model, or --reward NAME=WEIGHT")
    config = PpoConfig.model_validate(
        _given(
            rewards=weights,
            prompts=None if prompts is None else [str(prompt) for prompt in prompts],
            steps=steps,
            learning_rate=learning_rate,
            lora=None if lora is None else {"rank": lora, "alpha": 2 * lora},
            seed=seed,
        )
    )
    named = named_rewards(weights, heads, config.prompts)
    _run(lambda watch: reinforce(model, named, out, config, value_from=heads, watch=watch))


@instruct.command()
def ask(
    model: Model,
    prompt: Annotated[str, typer.Argument(help="What to ask.")],
    length: Annotated[int, typer.Option("--length", "-n", min=1, help="Tokens of the answer at most.")] = 128,
    temperature: Annotated[float, typer.Option(min=0, help="0 always takes the likeliest token.")] = 0.0,
    seed: Seed = 0,
) -> None:
    """Ask a tuned model (or an adapter's folder)."""
    from corpuskit.training.instruct import answer_texts, load_policy, user

    loaded, tokenizer = load_policy(model)
    written = answer_texts(loaded, [user(prompt)], tokenizer, tokens=length, temperature=temperature, seed=seed)
    console.print(Text(written[0]))


@instruct.command()
def gains(
    models: Annotated[list[Path], typer.Argument(metavar="MODEL...", help="Folders, in the order of their making.")],
    held_out: Annotated[Path | None, typer.Option(help="JSON lines with right answers.")] = None,
    rewards: Annotated[Path | None, typer.Option("--reward-model", help="Tell its rewards too.")] = None,
    draws: Annotated[int, typer.Option(min=1, help="Answers drawn for each request.")] = 4,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A folder for gains.json and gains.md.")] = None,
) -> None:
    """Say what each step of a tuning brought, on requests that no step has seen."""
    from corpuskit.training.instruct import GainsConfig, load_reward_model, measure_gains

    config = GainsConfig(held_out=_name(held_out), draws=draws)
    names = {
        folder.name if folder.name not in [earlier.name for earlier in models[:place]] else str(folder): folder
        for place, folder in enumerate(models)
    }
    result = measure_gains(names, config, rewards=None if rewards is None else load_reward_model(rewards))
    if out is not None:
        result.write(out)
    console.print(Markdown(result.markdown()))


def _run(work: Callable[[Watch], Any]) -> None:
    from corpuskit.training.instruct.job import job_summary

    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("tuning", total=None)
        result = work(
            lambda message, done, total: progress.update(task, description=message, completed=done, total=total)
        )
    console.print(job_summary(result)["says"], markup=False, highlight=False, soft_wrap=True)


def _given(**settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _name(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _weight(text: str) -> tuple[str, float]:
    name, equals, weight = text.rpartition("=")
    try:
        return (name, float(weight)) if equals else (text, 1.0)
    except ValueError as error:
        raise UsageError(f"--reward {text}: write NAME=WEIGHT, such as helpful=1.0") from error
