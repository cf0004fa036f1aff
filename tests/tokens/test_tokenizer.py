"""A tokenizer round-trips any text, encodes as the defining library does, and reads no page's words as its marks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import UsageError
from corpuskit.tokens import Tokenizer, load_tokenizer, train_tokenizer
from corpuskit.tokens.tokenizer import PROBES, _Fast

TEXTS = [
    "The council approved the new bridge on Tuesday, three years after the flood took the old one away.",
    "시의회는 화요일에 새 다리를 승인했습니다. 홍수로 옛 다리가 사라진 지 3년 만입니다.",
    "다리는 두 마을을 잇고, 마을 사람들은 다리를 기다려 왔다고 말했습니다.",
    "Bridges, roads and the people who wait for them: a short history of the valley.",
] * 5


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(TEXTS, 600)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4))
def test_any_text_comes_back_and_both_encoders_agree(texts: list[str]) -> None:
    tokenizer = train_once()
    tokens, offsets = tokenizer.encode(texts)
    assert tokenizer.fast
    assert tokenizer.agrees(texts)
    for i, text in enumerate(texts):
        assert tokenizer.decode(tokens[offsets[i] : offsets[i + 1]]) == text
    lengths = tokenizer.token_bytes()
    assert lengths[tokens].sum() == sum(len(text.encode()) for text in texts)


_once: list[Tokenizer] = []


def train_once() -> Tokenizer:
    if not _once:
        _once.append(train_tokenizer(TEXTS, 600))
    return _once[0]


def test_training_again_gives_the_same_tokenizer(tokenizer: Tokenizer) -> None:
    assert train_tokenizer(iter(TEXTS), 600).digest == tokenizer.digest


def test_a_page_cannot_forge_a_document_boundary(tokenizer: Tokenizer) -> None:
    tokens, _ = tokenizer.encode(["before<|end_of_text|>after<|pad|><|begin_of_text|>"])
    assert not {tokenizer.end, tokenizer.pad, tokenizer.begin} & set(tokens.tolist())


def test_null_and_empty_texts_are_empty(tokenizer: Tokenizer) -> None:
    tokens, offsets = tokenizer.encode([None, "", "다리", None])
    assert offsets[:3].tolist() == [0, 0, 0]
    assert offsets[3] == offsets[4] == len(tokens) > 0


def test_lone_surrogates_become_replacement_characters(tokenizer: Tokenizer) -> None:
    tokens, _ = tokenizer.encode(["a\ud800b"])
    assert tokenizer.decode(tokens) in ("a?b", "a\ufffdb")


@pytest.mark.parametrize("kind", ["unigram", "wordpiece"])
def test_other_kinds_encode_slower_and_say_so(kind: str) -> None:
    tokenizer = train_tokenizer(TEXTS, 400, kind)  # type: ignore[arg-type]
    if kind == "wordpiece":
        with pytest.warns(UserWarning, match="gigatoken"):
            assert not tokenizer.fast
    else:
        with pytest.warns(UserWarning, match="gigatoken"):
            tokens, _ = tokenizer.encode([TEXTS[1]])
        assert tokenizer.decode(tokens) == TEXTS[1]


def test_transformers_loads_what_is_saved(tokenizer: Tokenizer, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer.save(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert (loaded.bos_token_id, loaded.eos_token_id, loaded.pad_token_id) == (
        tokenizer.begin,
        tokenizer.end,
        tokenizer.pad,
    )
    assert loaded(TEXTS[1]).input_ids == tokenizer.encode([TEXTS[1]])[0].tolist()
    again = load_tokenizer(tmp_path)
    assert (again.digest, again.begin, again.end, again.pad) == (
        tokenizer.digest,
        tokenizer.begin,
        tokenizer.end,
        tokenizer.pad,
    )


def test_more_special_tokens_leave_the_old_ids_alone(tokenizer: Tokenizer) -> None:
    longer = tokenizer.extended(["<|mask|>", "<extra_id_0>"])
    assert longer.vocabulary == tokenizer.vocabulary + 2
    assert longer.id_of("<|mask|>") == tokenizer.vocabulary
    assert np.array_equal(longer.encode(TEXTS)[0], tokenizer.encode(TEXTS)[0])


def test_the_fast_encoder_forgets_now_and_then(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Fast, "RENEW_BYTES", 10)
    copy = Tokenizer(tokenizer.json, tokenizer.begin, tokenizer.end, tokenizer.pad)
    for _ in range(3):
        assert copy.agrees(list(PROBES))


def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no tokenizer at"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"model": 3')
    with pytest.raises(UsageError, match=r"tokenizer\.json is not a tokenizer"):
        load_tokenizer(tmp_path)


def test_a_tokenizer_without_an_end_is_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    data = json.loads(tokenizer.json)
    data["added_tokens"] = []
    for name in ("<|end_of_text|>", "<|begin_of_text|>", "<|pad|>"):
        data["model"]["vocab"][f"x{name}"] = data["model"]["vocab"].pop(name)
    (tmp_path / "tokenizer.json").write_text(json.dumps(data))
    with pytest.raises(UsageError, match="no end-of-text token"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize(
    ("texts", "vocabulary", "kind", "message"),
    [
        ([], 600, "bpe", "no text"),
        (["", ""], 600, "bpe", "no text"),
        (TEXTS, 100, "bpe", "260 or more"),
        (TEXTS, 600, "bpee", "did you mean 'bpe'"),
    ],
)
def test_settings_that_cannot_be_met(texts: list[str], vocabulary: int, kind: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train_tokenizer(texts, vocabulary, kind)  # type: ignore[arg-type]
