"""Instruction tuning in a run's report: what each step brought, the course of PPO, and answers before and after."""

from __future__ import annotations

from typing import Any

from corpuskit.drawing import html, svg
from corpuskit.drawing.html import Markup, Section, inline
from corpuskit.drawing.run import RunFacts, finite
from corpuskit.training.instruct.job import GAINS, PPO

_CURVES = (("kl", "KL to the model at the start, nats an answer"), ("entropy", "Entropy, nats a token"))
_SAMPLES = 6


def instruction(facts: RunFacts) -> Section | None:
    """What each step of instruction tuning brought, the course of PPO, and answers before and after it."""
    gains = facts.read_object(f"{GAINS}/gains.json") if facts.made(GAINS) else None
    parts = []
    lead: str | Markup = "The rewards, and how far answers moved from those of the model at the start."
    if gains:
        names = list(gains["models"][0]["measures"])
        rows = [
            [result["model"], *(_interval(result["measures"].get(name)) for name in names)]
            for result in gains["models"]
        ]
        parts.append(
            html.table("Requests that no tuning has seen", ["model", *names], rows, numbers=range(1, len(names) + 1))
        )
        changes = [
            [f"{gain['after']} over {gain['before']}", gain["measure"], _signed(gain["difference"])]
            for gain in gains["gains"]
        ]
        parts.append(
            html.folded("Gains, request by request", html.table("Gains", ["step", "measure", "gain"], changes))
        )
        lead = inline(
            "<b>{}</b> that no part of the tuning has seen, asked of the model before and after each step; 95 % "
            "intervals.",
            html.plural(gains["requests"], "request"),
        )
    if facts.made(PPO):
        parts.append(_ppo(facts.read_steps(f"{PPO}/metrics.jsonl")))
        answers = list(facts.read_lines(f"{PPO}/samples.jsonl"))[:_SAMPLES]
        if answers:
            parts.append(html.heading("Answers before and after reinforcement"))
        for answer in answers:
            before, after = (html.foreign(answer.get(name) or "") for name in ("before", "after"))
            quote = inline("before: {}<br>after: {}", before, after)
            parts.append(html.sample(html.foreign(answer.get("prompt") or ""), quote))
    inside = html.join(parts)
    return Section("instruction", "Instruction tuning", lead, inside) if inside else None


def _ppo(metrics: list[dict[str, Any]]) -> Markup:
    rewards = [name for row in metrics[:1] for name in row if name.startswith("reward_")]
    drawn = []
    for name, title in (*((reward, f"Reward: {reward.removeprefix('reward_')}") for reward in rewards), *_CURVES):
        points = [(row["step"], value) for row in metrics if (value := finite(row.get(name))) is not None]
        if points:
            caption = f"From {points[0][1]:.3f} to {points[-1][1]:.3f}."
            line = svg.Line(title, points, accent=True)
            drawn.append(svg.lines(title, caption, [line], x_label="step", y_label=title))
    lengths = [(row["step"], value) for row in metrics if (value := finite(row.get("length"))) is not None]
    if lengths:
        line = svg.Line("tokens", lengths, accent=True)
        drawn.append(svg.lines("Length of answers", "Tokens.", [line], x_label="step", y_label="tokens an answer"))
    return html.folded("The course of reinforcement", html.join(drawn)) if drawn else Markup()


def _interval(interval: dict[str, Any] | None) -> str:
    return "–" if interval is None else f"{interval['value']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"


def _signed(interval: dict[str, Any]) -> str:
    return f"{interval['value']:+.3f} [{interval['low']:+.3f}, {interval['high']:+.3f}]"
