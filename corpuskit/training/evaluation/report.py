"""The report's sections on trained models: what they can do, what instruction tuning brought, ways to fine-tune."""

from __future__ import annotations

from typing import Any

from corpuskit.drawing import html, svg
from corpuskit.drawing.html import count, text
from corpuskit.drawing.panels import Panel, Series, panels
from corpuskit.drawing.run import RunFacts, finite
from corpuskit.training.adapters.report import drawing

_CURVES = (("kl", "KL to the model at the start, nats an answer"), ("entropy", "Entropy, nats a token"))
_SAMPLES = 6


def evaluation(facts: RunFacts) -> str:
    """Accuracy by task and model beside chance, over the number of examples, and bits a byte of held-out text."""
    models: dict[str, Any] = (facts.evaluation or {}).get("models") or {}
    if not models:
        return ""
    rows = [{"model": name, **row} for name, results in models.items() for row in results.get("tasks") or []]
    parts = [_bits(models), _accuracies(list(models), rows), _examples(list(models), rows)]
    left_out = (facts.evaluation or {}).get("left_out") or {}
    parts += [f"<p>{text(name)} was left out: {text(reason)}</p>" for name, reason in left_out.items()]
    tasks = len({row["task"] for row in rows})
    lead = f"<b>{html.plural(len(models), 'model')}</b>" + (
        f" on <b>{html.plural(tasks, 'task')}</b>: the share of right answers, with one standard error. "
        "A model that only guesses stands at chance."
        if tasks
        else " on held-out text."
    )
    return html.section("evaluation", "What the models can do", lead, "".join(parts))


def _bits(models: dict[str, Any]) -> str:
    judged = {name: results["held_out"] for name, results in models.items() if results.get("held_out")}
    groups = {
        group: label
        for bits in judged.values()
        for kind in ("by_source", "by_language")
        for group, label in ((f"{kind}/{name}", name) for name in bits.get(kind) or {})
    }
    if not judged:
        return ""

    def cell(part: dict[str, Any] | None) -> str:
        value = finite((part or {}).get("bits_per_byte"))
        return "–" if value is None else f"{value:.3f}"

    rows = [["all text", *(cell(bits["all"]) for bits in judged.values())]]
    for group, label in groups.items():
        kind, _, name = group.partition("/")
        rows.append([html.foreign(label), *(cell((bits.get(kind) or {}).get(name)) for bits in judged.values())])
    return html.table("Bits a byte of held-out text", ["text", *judged], rows, numbers=range(1, len(judged) + 1))


def _accuracies(models: list[str], rows: list[dict[str, Any]]) -> str:
    """A row a task and number of examples, a column a model."""
    by_place = {(row["task"], row["shots"], row["model"]): row for row in rows}
    asked = dict.fromkeys((row["task"], row["shots"]) for row in rows)
    if not asked:
        return ""

    def cell(row: dict[str, Any] | None) -> str:
        if row is None:
            return "–"
        return f"{100 * row['accuracy']:.1f} % ± {100 * (row['error'] or 0):.1f}"

    several = len({shots for _, shots in asked}) > 1
    table = []
    for task, shots in asked:
        mine = [by_place.get((task, shots, model)) for model in models]
        chance = next(row["chance"] for row in mine if row is not None)
        name = f"{text(task)}, {html.plural(shots, 'example')}" if several else text(task)
        table.append([name, f"{100 * chance:.0f} %", *(cell(row) for row in mine)])
    head = ["task", "chance", *models]
    return html.table("Right answers by task", head, table, numbers=range(1, len(head)))


def _examples(models: list[str], rows: list[dict[str, Any]]) -> str:
    """Accuracy over the number of examples, a panel a task."""
    shown = []
    for task in dict.fromkeys(row["task"] for row in rows):
        mine = [row for row in rows if row["task"] == task]
        shots = sorted({row["shots"] for row in mine})
        if len(shots) < 2:
            continue
        series = []
        for model in models:
            points = {row["shots"]: row for row in mine if row["model"] == model}
            values = [points[number]["accuracy"] if number in points else None for number in shots]
            errors = [(points[number]["error"] or 0.0) if number in points else None for number in shots]
            pairs = list(zip(values, errors, strict=True))
            low = [None if value is None or error is None else value - error for value, error in pairs]
            high = [None if value is None or error is None else value + error for value, error in pairs]
            series.append(Series(model, values, low, high))
        steps = [str(number) for number in shots]
        shown.append(Panel(task, steps, "examples", series, 1.0, percent=True, limits=[mine[0]["chance"]]))
    if not shown:
        return ""
    caption = (
        f"{html.plural(len(shown), 'task')} with up to {max(row['shots'] for row in rows)} examples before the item."
    )
    return panels("Right answers over the number of examples", caption, shown)


def instruction(facts: RunFacts) -> str:
    """What each step of instruction tuning brought, the course of PPO, and answers before and after it."""
    gains = facts.gains
    parts = []
    lead = "The rewards, and how far answers moved from those of the model at the start."
    if gains:
        names = list(gains["models"][0]["measures"])
        rows = [
            [text(result["model"]), *(_interval(result["measures"].get(name)) for name in names)]
            for result in gains["models"]
        ]
        parts.append(html.table("Requests that no tuning has seen", ["model", *names], rows, numbers=range(1, 9)))
        changes = [
            [f"{text(gain['after'])} over {text(gain['before'])}", text(gain["measure"]), _signed(gain["difference"])]
            for gain in gains["gains"]
        ]
        parts.append(
            html.folded("Gains, request by request", html.table("Gains", ["step", "measure", "gain"], changes))
        )
        lead = (
            f"<b>{html.plural(gains['requests'], 'request')}</b> that no part of the tuning has seen, asked of the "
            "model before and after each step; 95 % intervals."
        )
    parts.append(_ppo(facts.ppo))
    shown = "".join(
        f'<div class="sample"><p class="facts">{html.foreign(answer.get("prompt") or "")}</p>'
        f"<blockquote>before: {html.foreign(answer.get('before') or '')}<br>"
        f"after: {html.foreign(answer.get('after') or '')}</blockquote></div>"
        for answer in facts.answers[:_SAMPLES]
    )
    parts.append(f"<h3>Answers before and after reinforcement</h3>{shown}" if shown else "")
    inside = "".join(parts)
    return html.section("instruction", "Instruction tuning", lead, inside) if inside else ""


def _ppo(metrics: list[dict[str, Any]]) -> str:
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
    return html.folded("The course of reinforcement", "".join(drawn)) if drawn else ""


def adapters(facts: RunFacts) -> str:
    """Ways to fine-tune, side by side."""
    comparison = facts.comparison
    if not comparison:
        return ""
    rows = [
        [
            text(row["name"]),
            count(row["trainable"]),
            f"{100 * row['share']:.2f} %",
            _change(row["change"]["gain"]),
            _change(row["change"]["forgetting"]),
            f"{row['seconds']:.0f} s",
        ]
        for row in comparison["rows"]
        if "refused" not in row
    ]
    table = html.table(
        "Ways to fine-tune",
        ["method", "trained", "of the base", "gain, bits a byte", "forgetting, bits a byte", "training"],
        rows,
        numbers=range(1, 6),
    )
    lead = (
        f"What each way to fine-tune on <b>{text(comparison['target'])}</b> saves there, and what it loses on all "
        "other text that was held out."
    )
    return html.section("adapters", "Ways to fine-tune", lead, drawing(comparison) + table)


def _interval(interval: dict[str, Any] | None) -> str:
    return "–" if interval is None else f"{interval['value']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"


def _signed(interval: dict[str, Any]) -> str:
    return f"{interval['value']:+.3f} [{interval['low']:+.3f}, {interval['high']:+.3f}]"


def _change(estimate: dict[str, Any] | None) -> str:
    return (
        "–"
        if estimate is None
        else f"{estimate['value']:+.3f}" + (f" ± {estimate['error']:.3f}" if estimate["error"] else "")
    )
