"""What the toxicity stage does with abuse, and with texts that only look like it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from corpuskit.document import documents
from corpuskit.engine.stage import CHANGES
from corpuskit.errors import UsageError
from corpuskit.toxicity import LABELS, assess, score
from corpuskit.toxicity.features import window_spans
from corpuskit.toxicity.stage import Toxicity

ABUSE = {
    "en": ["You are a stupid worthless idiot and everyone hates you, shut up.", "Fuck you, you piece of shit."],
    "ko": ["이 병신새끼야 꺼져라 진짜 역겹다", "미친놈들아 뒤져라 쓰레기 같은 새끼들"],
}
CALM = {
    "en": [
        "The process hangs, so kill the process and start the server again.",
        "The man was charged with murder and will appear in court on Monday, police said.",
        "My Muslim and Jewish neighbours organised the street festival together this summer.",
        "Breast cancer screening is offered to all women over fifty.",
        "The gay couple next door have adopted a little girl.",
    ],
    "ko": [
        "새끼 고양이 세 마리가 어미 곁에서 자고 있다.",
        "이 사건이 갈등의 시발점이 되었다고 전문가들은 말한다.",
        "경찰은 살인 혐의로 구속된 용의자를 검찰에 송치했다고 밝혔다.",
        "유방암 검진은 마흔 살부터 두 해에 한 번 받을 수 있습니다.",
    ],
}


def toxicity(texts: list[str | None], language: str | None = None) -> list[float | None]:
    return score(texts, language).column("toxicity").to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_abuse_scores_high_and_what_looks_like_it_low(language: str) -> None:
    for text, value in zip(ABUSE[language], toxicity(list(ABUSE[language]), language), strict=True):
        assert value is not None
        assert value > 0.8, text
    for text, value in zip(CALM[language], toxicity(list(CALM[language]), language), strict=True):
        assert value is not None
        assert value < 0.5, text


@pytest.mark.parametrize(
    "text",
    [
        "홍어 삼합을 시장에서 먹었다.",
        "한남동에서 만나 걸레로 바닥을 닦았다.",
        "가방을 뒤져 지갑을 찾았고 이거라도 먹자고 했다.",
        "5개년 계획과 탄핵 소추를 다룬 상위 수준의 인증 논의이다.",
        "이 책은 '맘충'이라는 표현이 차별을 부추긴다고 지적했다.",
        "시바견이 귀엽고 제주 흑돼지도 맛있다.",
    ],
)
def test_words_that_hold_a_slur_are_no_abuse(text: str) -> None:
    (value,) = toxicity([text], "ko")
    assert value is not None
    assert value < 0.3


@pytest.mark.parametrize(
    "text", ["짱깨들은 다 추방해라", "틀딱들 진짜 역겹다", "듣보잡 주제에 꼴값하네", "한남충들 수준이네 역겹다"]
)
def test_slurs_that_few_comments_hold_are_abuse(text: str) -> None:
    (value,) = toxicity([text], "ko")
    assert value is not None
    assert value > 0.8


def test_a_long_text_is_as_toxic_as_its_worst_window() -> None:
    calm = " ".join(["The council met on Tuesday to talk about the budget for the new library."] * 40)
    text = f"{calm} {ABUSE['en'][1]} {calm}"
    found = assess([text], "en", limits={"toxicity": 0.8})
    start, end = found.windows[0]
    assert "piece of shit" in text[start:end]
    assert found.labels[0, 0] > 0.8
    assert found.passages.num_rows >= 1


def test_offsets_index_characters_and_not_bytes() -> None:
    text = "오늘 회의는 정말 좋았습니다. 모두 고맙습니다. 🎉 " * 10 + ABUSE["ko"][0]
    start, end = assess([text], "ko").windows[0]
    assert "병신" in text[start:end]


@pytest.mark.parametrize("text", [None, "", " \n\t", "\x00\x01", "🎉" * 50, "\u200f‮abc", "a" * 2_000_000])
def test_odd_texts_pass(text: str | None) -> None:
    table = score([text])
    assert table.num_rows == 1
    assert table.column_names == list(LABELS)
    value = table.column("toxicity")[0].as_py()
    assert value is None or 0 <= value < 0.8


def test_windows_cover_every_word_once() -> None:
    text = "One two three. " * 100 + "한국어 문장입니다. " * 50
    spans = window_spans([text], 40)
    covered = np.zeros(len(text), int)
    for _, start, end in spans:
        covered[start:end] += 1
    assert covered.max() == 1
    assert all(covered[place] or not text[place].strip() for place in range(len(text)))


def batch(texts: list[str | None], language: str = "en") -> pa.RecordBatch:
    return documents([{"id": str(n), "text": text, "language": language} for n, text in enumerate(texts)])


def test_the_stage_drops_over_its_limit_and_shows_where() -> None:
    stage = Toxicity(max_score=0.8)
    measured = stage.measure(batch([ABUSE["en"][1], CALM["en"][0], None]))
    rule, threat, identity_attack = stage.rules()
    assert rule.breaks(measured).to_pylist() == [True, False, False]
    assert (threat.name, identity_attack.name) == ("toxicity.threat", "toxicity.identity_attack")
    assert measured.column("toxicity")[0].as_py()["worst"]["end"] > 0
    assert stage.measure(batch([])).num_rows == 0


def test_threats_and_hate_have_rules_of_their_own() -> None:
    texts = {
        "en": [
            "I know where you live and you will bleed for this.",
            "All immigrants are vermin and must be driven out.",
        ],
        "ko": ["네가 어디 사는지 다 안다. 밤길 조심해라.", "조선족들은 다 더럽고 미개한 벌레들이다."],
    }
    for language, (threatening, hateful) in texts.items():
        measured = Toxicity().measure(batch([threatening, hateful, CALM[language][0]], language))
        broken = {rule.name: rule.breaks(measured).to_pylist() for rule in Toxicity().rules()}
        assert broken["toxicity.threat"] == [True, False, False], language
        assert broken["toxicity.identity_attack"] == [False, True, False], language
        lenient = Toxicity(max_threat=1, max_identity_attack=1)
        assert not any(rule.breaks(measured).to_pylist()[0] for rule in lenient.rules()[1:])


def test_a_threat_is_cut_as_one() -> None:
    calm = "The council met on Tuesday to talk about the budget for the new library in the old town hall. " * 3
    text = calm + "I will come to your house tonight and stab you and your whole family, just you wait and see. " + calm
    measured = Toxicity(action="passage", max_score=1, max_threat=0.5, max_identity_attack=1).measure(batch([text]))
    (change,) = measured.column(CHANGES)[0].as_py()
    assert change["type"] == "threat"
    assert "stab" in text[change["start"] : change["end"]]
    assert "stab" not in measured.column("text")[0].as_py()


def test_one_curse_on_a_long_page_is_no_abusive_page() -> None:
    calm = "The council met on Tuesday to talk about the budget for the new library.\n" * 60
    texts = [calm + ABUSE["en"][1], calm + "\n".join(ABUSE["en"]), ABUSE["en"][1] + "\n" + calm[:300]]
    rule = Toxicity().rules()[0]
    measured = Toxicity().measure(batch([*texts, None, ""]))
    assert rule.breaks(measured).fill_null(False).to_pylist() == [False, True, True, False, False]
    assert measured.column("toxicity")[0].as_py()["toxicity"] > 0.8  # the worst window is told all the same
    strict = Toxicity(isolated=0)
    assert rule.breaks(strict.measure(batch(texts))).to_pylist() == [True, True, True]
    weights = Toxicity(action="weight").measure(batch(texts)).column("toxicity").to_pylist()
    assert weights[0]["weight"] > 0.5 > weights[1]["weight"]


def test_the_stage_can_cut_the_passage_alone() -> None:
    calm = "The council met on Tuesday to talk about the budget for the new library. " * 8
    stage = Toxicity(action="passage")
    assert stage.rules() == []
    measured = stage.measure(batch([calm + ABUSE["en"][1] + " " + calm, calm]))
    text = measured.column("text")[0].as_py()
    assert "shit" not in text
    assert "council" in text
    (change, *_) = measured.column(CHANGES)[0].as_py()
    assert change["type"] == "toxic_passage"
    assert measured.column("text")[1].as_py() == calm
    assert measured.column(CHANGES)[1].as_py() == []


def test_the_stage_can_weigh_or_only_tag() -> None:
    measured = Toxicity(action="weight").measure(batch([ABUSE["en"][1], CALM["en"][2], None]))
    weights = [row["weight"] for row in measured.column("toxicity").to_pylist()]
    assert weights[0] < 0.01
    assert weights[1] > 0.5
    assert weights[2] == 1.0
    assert Toxicity(action="tag").rules() == []


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValidationError, match="needs a checkpoint"):
        Toxicity(engine="detoxify")
    with pytest.raises(ValidationError, match="needs a checkpoint"):
        Toxicity(checkpoint=Path("x.ckpt"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with random weights in detoxify's own checkpoint format, and what it needs beside it."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("detoxify")
    folder = tmp_path_factory.mktemp("detoxify")
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "you",
        "are",
        "the",
        "idiot",
        "friend",
        "council",
        "met",
        ".",
    ]
    (folder / "vocab.txt").write_text("\n".join(words))
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, num_labels=6,
    )  # fmt: skip
    model = transformers.BertForSequenceClassification(config)
    config.save_pretrained(folder)
    transformers.BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    arguments = {
        "model_type": "bert-base-uncased", "model_name": "BertForSequenceClassification",
        "tokenizer_name": "BertTokenizer", "num_classes": 6,
    }  # fmt: skip
    classes = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]
    value = {
        "state_dict": model.state_dict(),
        "config": {"arch": {"args": arguments}, "dataset": {"args": {"classes": classes}}},
    }
    torch.save(value, folder / "toxic.ckpt")
    return folder / "toxic.ckpt"


def test_a_detoxify_checkpoint_works_offline(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from corpuskit.toxicity.detoxify import Detoxify

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = Detoxify(checkpoint)
    texts = ["you are the idiot .", "the council met .", "friend . " * 30]
    found = model.predict(texts)
    with torch.inference_mode():
        for text, row in zip(texts, found, strict=True):
            alone = model.model(**model.tokenizer([text], return_tensors="pt", truncation=True).to(model.device))[0]
            np.testing.assert_allclose(row, torch.sigmoid(alone)[0].cpu().numpy(), atol=1e-5)
    stage = Toxicity(engine="detoxify", checkpoint=checkpoint, max_score=0.999)
    measured = stage.measure(batch([*texts, "", None]))
    values: list[dict[str, Any]] = measured.column("toxicity").to_pylist()
    assert values[0]["identity_attack"] == pytest.approx(float(found[0, 5]), abs=1e-5)
    assert values[3]["toxicity"] is None
    assert values[4]["worst"] is None


def test_a_checkpoint_that_holds_code_is_not_run(tmp_path: Path, checkpoint: Path) -> None:
    import pickle

    from corpuskit.toxicity.detoxify import Detoxify

    class Boom:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    (tmp_path / "bad.ckpt").write_bytes(pickle.dumps({"state_dict": Boom()}))
    with pytest.raises(UsageError):
        Detoxify(tmp_path / "bad.ckpt")
    assert not (tmp_path / "ran").exists()
    with pytest.raises(UsageError, match="no checkpoint is here"):
        Detoxify(tmp_path / "absent.ckpt")
