"""Scores of choices and written answers equal what a slow reading of the model gives, for all three architectures."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import log_softmax

import corpuskit.training.evaluation.language_model as language_model
from corpuskit.errors import UsageError
from corpuskit.tokens import Shards
from corpuskit.training.checkpoint import save_model
from corpuskit.training.evaluation import LanguageModel, evaluate, make_task, open_model
from corpuskit.training.evaluation.continuations import Continuation, encode, score, split
from corpuskit.training.evaluation.generation import write_answers

RandomModel = Callable[..., LanguageModel]
TEXTS = [("the river", " has crossed the old bridge."), ("강물", "은 다시 지은 옛 다리를 보았다."), ("", "our council")]


def pairs(model: LanguageModel) -> list[Continuation]:
    found = []
    for prefix, continuation in TEXTS:
        before, whole = encode(model, [prefix, prefix + continuation])
        found += split(before, [whole])
    return found


@pytest.mark.parametrize("style", ["llama", "qwen3"])
def test_a_decoder_is_asked_for_each_token_given_those_before(
    random_model: RandomModel, shards: Shards, style: str
) -> None:
    model = random_model(shards, style=style)
    asked = pairs(model)
    begin = [] if model.tokenizer.begin is None else [model.tokenizer.begin]
    for continuation, scored in zip(asked, score(model, asked), strict=True):
        ids = torch.tensor([[*(begin or [model.tokenizer.end][: not len(continuation.prefix)]),
                             *continuation.prefix, *continuation.tokens]])  # fmt: skip
        with torch.no_grad():
            logs = log_softmax(model.model(ids).logits[0, :-1].double(), -1)
        targets = ids[0, 1:]
        own = -logs.gather(1, targets[:, None])[-len(continuation.tokens) :, 0]
        assert scored.nats == pytest.approx(own.numpy(), rel=1e-4)
        best = logs.argmax(-1)[-len(continuation.tokens) :]
        assert scored.greedy == bool((best == targets[-len(continuation.tokens) :]).all())


def test_an_encoder_is_asked_for_each_token_with_the_rest_of_its_word_hidden(
    random_model: RandomModel, shards: Shards
) -> None:
    model = random_model(shards, kind="encoder", style="bert")
    asked = pairs(model)
    mask = model.tokenizer.id_of("<|mask|>")
    texts = [model.tokenizer.reference.id_to_token(number) for number in range(model.tokenizer.vocabulary)]
    for continuation, scored in zip(asked, score(model, asked), strict=True):
        begin = [] if model.tokenizer.begin is None else [model.tokenizer.begin]
        ids = [*begin, *continuation.prefix, *continuation.tokens, model.tokenizer.end]
        first = len(begin) + len(continuation.prefix)
        for place in range(first, len(ids) - 1):
            hidden = list(ids)
            hidden[place] = mask
            for later in range(place + 1, len(ids) - 1):
                piece = texts[ids[later]]
                if piece[0] in "Ġ" or not (piece[0].isalpha() or ord(piece[0]) >= 0x80):
                    break
                hidden[later] = mask
            with torch.no_grad():
                logs = log_softmax(model.model(torch.tensor([hidden])).logits[0, place].double(), -1)
            assert scored.nats[place - first] == pytest.approx(-float(logs[ids[place]]), rel=1e-4)


def test_an_encoder_decoder_is_asked_for_what_stands_behind_a_gap(random_model: RandomModel, shards: Shards) -> None:
    model = random_model(shards, kind="encoder-decoder")
    asked = pairs(model)
    sentinel = model.tokenizer.id_of("<extra_id_0>")
    begin = [] if model.tokenizer.begin is None else [model.tokenizer.begin]
    for continuation, scored in zip(asked, score(model, asked), strict=True):
        inputs = torch.tensor([[*begin, *continuation.prefix, sentinel]])
        decoder = torch.tensor([[model.tokenizer.pad, sentinel, *continuation.tokens[:-1]]])
        with torch.no_grad():
            logits = model.model(input_ids=inputs, decoder_input_ids=decoder).logits[0, 1:]
        logs = log_softmax(logits.double(), -1)
        own = -logs.gather(1, torch.from_numpy(continuation.tokens)[:, None])[:, 0]
        assert scored.nats == pytest.approx(own.numpy(), rel=1e-4)


@pytest.mark.parametrize("kind", ["decoder", "encoder", "encoder-decoder"])
def test_scores_do_not_depend_on_batches(
    random_model: RandomModel, shards: Shards, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = random_model(shards, kind=kind)
    expected = score(model, pairs(model))
    for batch, ours in ((20, language_model.FAMILIES), (8192, {})):
        monkeypatch.setattr(language_model, "BATCH_TOKENS", batch)
        monkeypatch.setattr(language_model, "FAMILIES", ours)
        for one, other in zip(score(model, pairs(model)), expected, strict=True):
            assert one.nats == pytest.approx(other.nats, rel=1e-4)


@pytest.mark.parametrize("style", ["llama", "qwen3"])
def test_choices_that_share_a_prefix_score_as_each_alone(random_model: RandomModel, shards: Shards, style: str) -> None:
    model = random_model(shards, context=96, style=style)
    shots = " the river has crossed the old bridge." * 3
    asked = []
    for start in ("", shots, shots + "강물"):
        prefix, *wholes = encode(
            model, [start, *(start + end for end in (" 을 보았다", " remembers that winter.", "x"))]
        )
        asked += split(prefix, wholes)
    together = score(model, asked)
    for continuation, shared in zip(asked, together, strict=True):
        (alone,) = score(model, [continuation])
        assert shared.nats == pytest.approx(alone.nats, rel=1e-4)
        assert shared.greedy == alone.greedy


def test_a_token_that_spans_the_border_is_scored_for_every_choice(random_model: RandomModel, shards: Shards) -> None:
    model = random_model(shards)
    prefix, *wholes = encode(model, ["강물", "강물을", "강물은 다시"])
    asked = split(prefix, wholes)
    assert len({tuple(one.prefix) for one in asked}) == 1
    for one, whole in zip(asked, wholes, strict=True):
        assert np.concatenate([one.prefix, one.tokens]).tolist() == whole.tolist()
        assert len(one.tokens) > 0


def test_a_prompt_that_is_too_long_loses_its_beginning_and_says_so(random_model: RandomModel, shards: Shards) -> None:
    model = random_model(shards, context=16)
    short, long = encode(model, [" the old bridge", " the river has crossed" * 10 + " the old bridge"])
    tail = Continuation(long[:-3], long[-3:])
    found = score(model, [tail, Continuation(short[:0], short)])
    assert [one.cut for one in found] == [True, False]
    begin = 0 if model.tokenizer.begin is None else 1
    room = 16 + 1 - 3 - begin
    same = score(model, [Continuation(long[-3 - room : -3], long[-3:])])
    assert same[0].nats == pytest.approx(found[0].nats, rel=1e-5)
    assert not same[0].cut
    with pytest.raises(UsageError, match="does not fit a model that reads 16"):
        score(model, [Continuation(short[:0], long)])


@pytest.mark.parametrize("kind", ["decoder", "encoder-decoder"])
def test_written_answers_are_those_of_one_token_at_a_time(random_model: RandomModel, shards: Shards, kind: str) -> None:
    model = random_model(shards, kind=kind)
    prompts = encode(model, ["the river", "강물은 다시 지은", "a neighbour has crossed the old", "x"])
    found = write_answers(model, prompts, max_tokens=8, batch=3)
    begin = [] if model.tokenizer.begin is None else [model.tokenizer.begin]
    for prompt, written in zip(prompts, found, strict=True):
        answer: list[int] = []
        for _ in range(8):
            with torch.no_grad():
                if kind == "decoder":
                    logits = model.model(torch.tensor([[*begin, *prompt, *answer]])).logits
                else:
                    gap = model.tokenizer.id_of("<extra_id_0>")
                    logits = model.model(
                        input_ids=torch.tensor([[*begin, *prompt, gap]]),
                        decoder_input_ids=torch.tensor([[model.tokenizer.pad, gap, *answer]]),
                    ).logits
            best = int(logits[0, -1].argmax())
            if best in (model.tokenizer.end, model.tokenizer.id_of("<extra_id_1>")):
                break
            answer.append(best)
        assert written.text == model.tokenizer.decode(answer)
        stop = written.text[4:5]
        if stop.strip():
            cut = write_answers(model, [prompt], max_tokens=8, stop=[stop])[0].text
            assert cut == written.text[: written.text.index(stop, len(written.text) - len(written.text.lstrip()))]


def test_an_encoder_writes_nothing(random_model: RandomModel, shards: Shards) -> None:
    with pytest.raises(UsageError, match="give it choices"):
        write_answers(random_model(shards, kind="encoder"), [np.array([5])])


ITEMS = [
    {"subject": "the river", "choices": ["has crossed", "다시 지은"], "answer": 0, "side": "en"},
    {"subject": "강물은", "choices": ["has crossed", "건너간"], "answer": "건너간", "side": "ko"},
    {"subject": "a neighbour", "choices": ["remembers", "기억하는"], "answer": "remembers", "side": "en"},
    {"subject": "이웃은", "choices": ["다시 지은", "will rebuild that winter"], "answer": 0, "side": "ko"},
]


def test_the_likeliest_choice_is_the_answer_and_results_add_up(
    random_model: RandomModel, shards: Shards, tmp_path: Path
) -> None:
    model = random_model(shards)
    task = make_task(ITEMS, name="verbs", input="{subject}", part="side", score="byte")
    result = evaluate(model, task, shots=1)
    (verbs,) = result.tasks
    rows = result.items.to_pylist()
    for row, item in zip(rows, task.items, strict=True):
        assert row["right"] == item.right
        assert row["bytes"] == [len(output.strip().encode()) for output in item.outputs]
        each = np.array(row["nats"]) / row["bytes"]
        assert row["correct"] == (int(each.argmin()) == item.right)
    assert verbs.accuracy.value == verbs.by_score["byte"].value == np.mean([row["correct"] for row in rows])
    assert verbs.by_part["ko"].count == 2
    cost = sum(row["nats"][row["right"]] for row in rows) / math.log(2)
    assert verbs.answer_bits_per_byte is not None
    assert verbs.answer_bits_per_byte.value == pytest.approx(cost / sum(row["bytes"][row["right"]] for row in rows))
    result.write(tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"results.json", "items.parquet"}
    few = evaluate(model, task, shots=1, limit=2).items.to_pylist()
    assert [row["item"] for row in few] == sorted({row["item"] for row in few})
    for row in few:
        assert row["nats"] == pytest.approx(rows[row["item"]]["nats"], rel=1e-4)
        assert row["correct"] == rows[row["item"]]["correct"]
    assert evaluate(model, task, seed=1, shots=1).items.column("nats") != result.items.column("nats")
    assert result.table().column("chance").to_pylist() == [0.5]


def test_a_conversation_is_asked_through_the_models_own_template(
    random_model: RandomModel, shards: Shards, tmp_path: Path
) -> None:
    plain = random_model(shards)
    save_model(plain.model, plain.tokenizer, tmp_path)
    task = make_task(ITEMS, name="verbs", input="{subject}", description="Go on.")
    with pytest.raises(UsageError, match="no chat template"):
        evaluate(tmp_path, task, chat=True)
    (tmp_path / "chat_template.jinja").write_text(
        "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}\n{% endfor %}[assistant] "
    )
    model = open_model(tmp_path)
    assert model.chat is not None
    shown = model.tokenizer.decode(model.chat(task.prompt(0, 1, 0).messages))
    assert shown.startswith("[system] Go on.\n[user]")
    assert shown.endswith("[user] the river\n[assistant] ")
    found = evaluate(model, task, chat=True, shots=1).items.to_pylist()[0]
    tokens = np.asarray(model.chat(task.prompt(0, 1, 0).messages))
    asked = [Continuation(tokens, ids, framed=False) for ids in encode(model, ["has crossed", "다시 지은"])]
    assert found["nats"] == pytest.approx([float(one.nats.sum()) for one in score(model, asked)])


def test_a_causal_model_of_another_class_is_evaluated_too(shards: Shards, tmp_path: Path) -> None:
    import transformers

    torch.manual_seed(0)
    config = transformers.GPTJConfig(
        vocab_size=shards.tokenizer.vocabulary, n_embd=32, n_layer=2, n_head=2, n_positions=64, rotary_dim=4
    )
    gptj = transformers.GPTJForCausalLM(config)
    save_model(gptj, shards.tokenizer, tmp_path)
    opened = open_model(tmp_path)
    assert opened.whole
    assert (opened.kind, opened.context) == ("decoder", 64)
    sums = make_task([{"q": "x", "answer": "y"}], name="sums", kind="generation", input="{q}", max_tokens=4)
    result = evaluate(opened, [make_task(ITEMS, name="verbs", input="{subject}"), sums])
    assert [task.accuracy.count for task in result.tasks] == [4, 1]
