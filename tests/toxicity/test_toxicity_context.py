"""The context model: its tokens, its network against a slow one, which windows it reads, and its templates."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import CorpuskitError
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.folded_words import folded_words
from corpuskit.kernels.ngram_hash import FEATURES_A_WORD, word_buckets
from corpuskit.toxicity import score
from corpuskit.toxicity.context import LOGIT_MOST, LOGIT_SCALE, Context, Linear, context_logits
from corpuskit.toxicity.features import COLUMNS, score_windows
from corpuskit.toxicity.making.network import NO_VECTORS, Settings, Vectors, fit_network, keys_of
from corpuskit.toxicity.making.templates import Template, draw, read_templates, sentences, vary_korean
from corpuskit.toxicity.model import Model, Second, load
from corpuskit.toxicity.tokens import MARKS, MOST_TOKENS, tokens

WIDTH, UNITS, HIDDEN, BITS = 5, 3, 4, 6
LABELS = ("toxicity", "threat")
GENERATOR = np.random.default_rng(3)
LINEAR = Linear(
    GENERATOR.integers(-127, 128, (1 << 8, COLUMNS)).astype(np.int8), np.array([0.1, 0.05]), np.array([-1.0, 0.5]), 3, 0
)
WORDS = ["you", "are", "not", "stupid"]


def floats(*shape: int) -> np.ndarray:
    return GENERATOR.normal(0, 0.7, shape).astype(np.float32)


def a_context() -> Context:
    keys = keys_of(WORDS)
    order = np.argsort(keys)
    return Context(
        labels=LABELS,
        keys=keys[order],
        words=GENERATOR.integers(-127, 128, (len(WORDS), WIDTH)).astype(np.int8),
        word_scale=np.full(WIDTH, 0.01, np.float32),
        grams=GENERATOR.integers(-127, 128, (1 << BITS, WIDTH)).astype(np.int8),
        gram_scale=np.full(WIDTH, 0.02, np.float32),
        marks=floats(MARKS, WIDTH),
        lexical=floats(2, WIDTH),
        bias=floats(WIDTH),
        inputs=floats(2, WIDTH, 4 * UNITS),
        recurrent=floats(2, UNITS, 4 * UNITS),
        gate_bias=floats(2, 4 * UNITS),
        hidden=floats(2 * UNITS + 2, HIDDEN),
        hidden_bias=floats(HIDDEN),
        output=floats(HIDDEN, 2),
        output_bias=floats(2),
    )


CONTEXT = a_context()


def slow_vector(word: str) -> np.ndarray:
    if word.startswith("<"):
        return CONTEXT.marks[int(word[1])] + CONTEXT.bias
    symbols = np.array([ord(letter) for letter in word], np.uint16)
    out = np.zeros(FEATURES_A_WORD, np.int64)
    count = word_buckets(symbols, 0, len(symbols), BITS, LINEAR.shortest, LINEAR.syllables, out)
    value = CONTEXT.bias + CONTEXT.grams[out[:count]].mean(axis=0) * CONTEXT.gram_scale
    place = np.flatnonzero(CONTEXT.keys == keys_of([word])[0])
    if len(place):
        value = value + CONTEXT.words[place[0]] * CONTEXT.word_scale
    count = word_buckets(symbols, 0, len(symbols), 8, LINEAR.shortest, LINEAR.syllables, out)
    worth = np.append(2, np.ones(count - 1))
    raw = worth @ LINEAR.weights[out[:count], :2].astype(float) / np.sqrt(max((worth**2).sum(), 60.0))
    logits = np.clip((raw * LINEAR.slope + LINEAR.offset) / LOGIT_SCALE, -LOGIT_MOST, LOGIT_MOST)
    return value + logits @ CONTEXT.lexical


def slow_logits(text: str, window: np.ndarray) -> np.ndarray:
    def sigmoid(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    vectors = [slow_vector(word) for word in tokens(text)] or [CONTEXT.bias]
    pooled = []
    for way, order in enumerate((vectors, vectors[::-1])):
        state, cell, states = np.zeros(UNITS), np.zeros(UNITS), []
        for vector in order:
            gates = vector @ CONTEXT.inputs[way] + state @ CONTEXT.recurrent[way] + CONTEXT.gate_bias[way]
            enter, forget, new, leave = np.split(gates, 4)
            cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(new)
            state = sigmoid(leave) * np.tanh(cell)
            states.append(state)
        pooled.append(np.max(states, axis=0))
    features = np.concatenate([*pooled, np.clip(window / LOGIT_SCALE, -LOGIT_MOST, LOGIT_MOST)])
    hidden = np.maximum(features @ CONTEXT.hidden + CONTEXT.hidden_bias, 0)
    return hidden @ CONTEXT.output + CONTEXT.output_bias


def logits(texts: list[str], window: np.ndarray) -> np.ndarray:
    data, offsets = text_buffers(texts)
    spans = np.column_stack([offsets[:-1], offsets[1:]]).astype(np.int64)
    return context_logits(CONTEXT, LINEAR, data, spans, window.astype(np.float32))


PARTS = [*WORDS, "sh!t", '"', "고양이", "not.", "really?", "'you'", "👍", "f4ggot", "x" * 70, ",", "..."]


@given(st.lists(st.lists(st.sampled_from(PARTS), max_size=20), min_size=1, max_size=4), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_the_network_is_that_of_the_slow_version(parts: list[list[str]], seed: int) -> None:
    texts = [" ".join(part) for part in parts]
    window = np.random.default_rng(seed).normal(0, 8, (len(texts), 2))
    slow = np.array([slow_logits(text, row) for text, row in zip(texts, window, strict=True)])
    np.testing.assert_allclose(logits(texts, window), slow, rtol=1e-3, atol=1e-3)


def test_the_order_of_words_matters() -> None:
    window = np.zeros((2, 2))
    answers = logits(["you are not stupid", "stupid you are not"], window)
    assert np.abs(answers[0] - answers[1]).max() > 0.01


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('He said "you are a f4ggot", really?!', ["he", "said", "<1>", "you", "are", "a", "faggot", "<1>", "<5>",
                                                  "really", "<2>", "<3>"]),
        ("I'm 'not' amused...", ["im", "<1>", "not", "<1>", "amused", "<4>"]),
        ("‘No’ and “yes” 「네」", ["<1>", "no", "<1>", "and", "<1>", "yes", "<1>", "ㄴㅔ", "<1>"]),
        ("@someone see http://x.example now", ["see", "now"]),
        ("시1발!", ["ㅅㅣㅂㅏㄹ", "<3>"]),
        ("sh!t!", ["shit", "<3>"]),
        ("", []),
    ],
)  # fmt: skip
def test_marks_are_tokens_and_disguised_words_are_read(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@given(st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_has_tokens(text: str) -> None:
    assert len(tokens(text)) <= MOST_TOKENS


def test_plain_words_are_those_of_the_linear_model() -> None:
    text = "The council met on Tuesday to talk about 12 libraries 그리고 고양이 세 마리가 잔다"
    assert tokens(text) == folded_words(text)


def test_a_model_file_holds_both_models(tmp_path: Path) -> None:
    model = a_model().with_second(SECOND)
    model.save(tmp_path / "a.npz")
    back = load(tmp_path / "a.npz")
    assert back.second is not None
    for name, array in SECOND.context.arrays().items():
        np.testing.assert_array_equal(back.second.context.arrays()[name], array)
    np.testing.assert_array_equal(back.second.mix, SECOND.mix)
    assert back.all_labels == ("toxicity", "insult", "threat")
    broken = replace(SECOND, context=replace(CONTEXT, marks=CONTEXT.marks[:2]))
    a_model().with_second(broken).save(tmp_path / "b.npz")
    with pytest.raises(CorpuskitError, match=r"b\.npz: not a toxicity model .*context_marks is \(2, 5\)"):
        load(tmp_path / "b.npz")


def a_model() -> Model:
    weights = np.zeros((1 << 8, COLUMNS), np.int8)
    weights[:, 0] = -1
    return Model(("toxicity", "insult"), weights, LINEAR.slope, np.array([-4.0, -4.0]), {})


SECOND = Second(
    CONTEXT, np.zeros(1 << 8, np.int8), (1.0, -9.0), np.array([[0.6, 0.4, 0.1], [1.0, 0.0, -0.2]]), (1.0, 1.5)
)


def test_single_windows_and_suspects_alone_are_read() -> None:
    model = a_model().with_second(SECOND)
    data, offsets = text_buffers(["you are not stupid", " ".join(["calm"] * 100)])
    windows = score_windows(data, offsets, np.ones(2, np.bool_), model.weights, 40)
    read = model.suspects(windows)
    assert read.tolist() == [True] + [False] * (len(read) - 1)
    assert len(read) > 2
    gate = np.full(1 << 8, 10, np.int8)
    everything = a_model().with_second(replace(SECOND, gate=gate, gate_scale=(1.0, 0.0)))
    windows = score_windows(data, offsets, np.ones(2, np.bool_), everything.weights, 40)
    assert everything.suspects(windows).all()
    assert not a_model().suspects(windows).any()


def test_windows_of_long_texts_count_less() -> None:
    gate = np.full(1 << 8, 10, np.int8)
    model = a_model().with_second(replace(SECOND, gate=gate, gate_scale=(1.0, 0.0)))
    calm = "the old council met on the same day to talk\n"
    texts = [calm * count for count in (1, 3, 9)]
    data, offsets = text_buffers(texts)
    windows = score_windows(data, offsets, np.ones(3, np.bool_), model.weights, 14)
    values = model.probabilities(data, windows)[:, 0].astype(float)
    logits = np.log(values / (1 - values))
    first = np.searchsorted(windows.document, [0, 1, 2])
    count = np.bincount(windows.document)
    assert count.tolist() == [1, 3, 9]
    np.testing.assert_allclose(logits[first[0]] - logits[first], [0, np.log(3), 1.5], atol=1e-3)


def test_probabilities_mix_both_models() -> None:
    model = a_model().with_second(SECOND)
    texts = ["you are not stupid", " ".join(["calm"] * 100)]
    data, offsets = text_buffers(texts)
    windows = score_windows(data, offsets, np.ones(2, np.bool_), model.weights, 40)
    linear = model.logits(windows.raw)
    answer = context_logits(CONTEXT, model.linear, data, windows.bytes[:1], linear[:1].astype(np.float32))[0]
    probabilities = model.probabilities(data, windows)
    expected = [0.6 * answer[0] + 0.4 * linear[0, 0] + 0.1, linear[0, 1], answer[1] - 0.2]
    np.testing.assert_allclose(probabilities[0], 1 / (1 + np.exp(-np.array(expected))), rtol=1e-4)
    np.testing.assert_allclose(probabilities[1, :2], 1 / (1 + np.exp(-linear[1])), rtol=1e-4)
    assert probabilities[1, 2] < 0.06  # the linear model knows no threats, and the window was not read


def test_packed_weights_are_those_of_the_network() -> None:
    torch = pytest.importorskip("torch")
    texts = ["you are stupid", "you are not stupid", "are you ?"] * 40
    targets = np.tile(np.array([[1, np.nan], [0, 0], [0, 1]], np.float32), (40, 1))
    window = np.zeros((len(texts), 2), np.float32)
    vectors = Vectors(WORDS, GENERATOR.normal(0, 0.6, (len(WORDS), 7)).astype(np.float32))
    for known in (vectors, NO_VECTORS):
        fitted = fit_network(
            texts,
            targets,
            np.ones(len(texts), np.float32),
            window,
            LINEAR,
            LABELS,
            known,
            Settings(epochs=30, batch=12),
        )
        data, offsets = text_buffers(texts[:3])
        spans = np.column_stack([offsets[:-1], offsets[1:]]).astype(np.int64)
        answers = context_logits(fitted.pack(10), LINEAR, data, spans, window[:3])
        assert answers[0, 0] > 0 > answers[1, 0]
        np.testing.assert_allclose(answers, fitted.logits(texts[:3], window[:3]), atol=0.05)
    assert torch.is_grad_enabled()


def test_the_same_texts_give_the_same_network() -> None:
    pytest.importorskip("torch")
    texts, window = ["you are", "are not"] * 20, np.zeros((40, 2), np.float32)
    targets = np.tile(np.array([[1, 0], [0, 1]], np.float32), (20, 1))
    packed = [
        fit_network(
            texts, targets, np.ones(40, np.float32), window, LINEAR, LABELS, NO_VECTORS, Settings(batch=8)
        ).pack(0)
        for _ in range(2)
    ]
    for first, second in zip(packed[0].arrays().values(), packed[1].arrays().values(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_templates_have_abuse_and_its_like_without_abuse(language: str) -> None:
    templates = read_templates(language)
    made = sentences(templates, 20, 1)
    assert made == sentences(templates, 20, 1)
    assert not any(sign in sentence.text for sentence in made for sign in "{}|")
    for label in ("toxicity", "offensive", "threat", "identity_attack"):
        share = np.mean([sentence.labels.get(label, 0) > 0.5 for sentence in made])
        assert 0.05 < share < 0.65, label
    held = templates.part(lambda place: place % 3 == 0)
    assert {t.text for t in held.templates} < {t.text for t in templates.templates}


def test_korean_particles_follow_the_word() -> None:
    template = Template("x", {}, "<WORD>(은/는) <WORD>(이/가) {아니다|아니야}")
    generator = random.Random(1)
    assert draw(template, {"WORD": ["사람"]}, generator).startswith("사람은 사람이 ")
    assert draw(template, {"WORD": ["개"]}, generator).startswith("개는 개가 ")
    assert vary_korean("너는 바보가 아니야.", random.Random(2)).replace(" ", "").startswith("너는바보가아니야")


EVERYDAY = Path(__file__).parent.parent / "data/toxicity"


@pytest.mark.parametrize(("language", "least", "hits", "alarms"), [("en", 0.93, 30, 4), ("ko", 0.93, 30, 4)])
def test_everyday_sentences_are_told_apart(language: str, least: float, hits: int, alarms: int) -> None:
    """Negation, quotation, affection, breeding, homographs against insults, threats and hate; benchmarks measure it."""
    rows = [line.split("\t") for line in (EVERYDAY / f"everyday-{language}.tsv").read_text("utf-8").splitlines()]
    abusive = np.array([row[0] == "1" for row in rows])
    values = score([row[2] for row in rows], language).column("toxicity").to_numpy()
    assert (values[abusive][:, None] > values[~abusive]).mean() >= least
    assert (values[abusive] > 0.8).sum() >= hits
    assert (values[~abusive] > 0.8).sum() <= alarms


def test_seven_threats_without_a_curse() -> None:
    """What a rule on toxicity alone let pass."""
    english = [
        "I know where you live. Watch your back.",
        "You will not see tomorrow.",
        "I am going to hurt you and your family.",
        "We will find you, and then you will pay for this.",
    ]
    korean = ["밤길 조심해라. 네가 어디 사는지 안다.", "너 진짜 죽여 버린다.", "네 가족을 가만두지 않겠다."]
    values = [*score(english, "en").column("threat").to_pylist(), *score(korean, "ko").column("threat").to_pylist()]
    assert sum(value > 0.8 for value in values) >= 6
