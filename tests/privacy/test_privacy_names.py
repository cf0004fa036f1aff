"""Names: read from labelled sentences, learnt, found with the caller's offsets, and kept beside a contact."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

import corpuskit.privacy.commands  # noqa: F401  (adds its commands)
from corpuskit.cli.main import app
from corpuskit.document import documents
from corpuskit.errors import UsageError
from corpuskit.privacy import find
from corpuskit.privacy.find import Names
from corpuskit.privacy.finding import Candidate
from corpuskit.privacy.names import evaluate, korean_people, near_contact, read_labelled, train
from corpuskit.privacy.names.labelled import Sentence
from corpuskit.privacy.names.lexicon import lexicon
from corpuskit.privacy.names.odds import name_odds
from corpuskit.privacy.stage import PersonalData

pytest.importorskip("kiwipiepy")
pytest.importorskip("pycrfsuite")

PEOPLE = ["김철수", "박영희", "이민호", "최지우", "정우성", "강동원", "조현우", "윤아름", "임수정", "한지민"]
CITIES = ["서울", "부산", "대구", "인천", "광주", "대전", "수원", "춘천"]
FRAMES = [
    "{p} 씨는 {c}에서 일한다.",
    "어제 {p} 의원이 {c} 시내로 떠났다.",
    "{c}에 사는 {p} 대표를 만났다.",
    "오늘 {c}의 날씨는 맑다.",
]


def sentences(people: list[str], cities: list[str]) -> list[Sentence]:
    made = []
    for frame in FRAMES:
        for person in people:
            for city in cities:
                text = frame.format(p=person, c=city)
                names = [(text.index(city), text.index(city) + len(city), "place")]
                if person in text:
                    names.append((text.index(person), text.index(person) + len(person), "person"))
                made.append(Sentence(text, tuple(sorted(names))))
    return made


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("names") / "names.crfsuite"
    train(sentences(PEOPLE[:7], CITIES[:6]), path, iterations=30)
    return path


def test_people_that_training_never_saw_are_found(model: Path) -> None:
    scores = evaluate(sentences(PEOPLE[7:], CITIES[6:]), model)
    assert scores["person"].f1 > 0.7
    assert scores["person"].names == 18


def test_offsets_are_those_of_the_callers_string(model: Path) -> None:
    first = "😀👍🏽 첫 줄\n어제 한지민 의원이 수원 시내로 떠났다.\ud800\n"
    text = first + "가나다라 " * 400 + "\n임수정 씨는 부산에서 일한다."
    people = [item.text for item in find([text], "ko", names=True, name_model=model)[0] if item.type == "person"]
    assert "한지민" in people
    assert "임수정" in people


def test_names_are_found_only_in_their_language_and_only_when_asked_for(model: Path) -> None:
    text = "임수정 씨는 부산에서 일한다."
    assert find([text], "ko") == [[]]
    assert find([text, None, ""], ["ja", "ko", None], names=True, name_model=model) == [[], [], []]


def test_a_language_that_nobody_named_is_identified(model: Path) -> None:
    text = "오늘도 임수정 씨는 부산에서 일한다. 날씨가 맑아서 사람들이 바다를 보러 왔다."
    told = find([text, "", None], "ko", names=True, name_model=model)
    assert "임수정" in [item.text for item in told[0]]
    assert find([text, "", None], names=True, name_model=model) == told
    assert find([text, "", None], [None, None, "ko"], names=True, name_model=model) == told


def test_a_document_without_a_language_is_scrubbed_like_any_other(model: Path) -> None:
    text = "오늘 임수정 씨는 부산에서 일한다. 연락은 010-1234-5678로 하면 된다."
    batch = documents([{"id": "a" * 32, "text": text, "language": None}])
    scrubbed = PersonalData(names="near_contact", name_model=model).measure(batch).column("text")[0].as_py()
    assert "임수정" not in scrubbed
    assert "<PERSON>" in scrubbed


def test_near_contact_keeps_people_beside_something_structured(model: Path) -> None:
    line = "임수정 씨는 부산에서 일한다."
    assert find([line], "ko", names="near_contact", name_model=model) == [[]]
    found = find([f"{line} 010-1234-5678"], "ko", names="near_contact", name_model=model)[0]
    assert [item.type for item in found] == ["person", "phone"]
    assert find([f"{line}{' ' * 200}010-1234-5678"], "ko", names="near_contact", name_model=model)[0][0].type == "phone"


def test_reach_counts_to_either_side() -> None:
    name = Candidate(200, 203, "person", 0.9)
    place = Candidate(210, 212, "place", 0.9)
    for start, kept in ((80, False), (90, True), (300, True), (310, False)):
        assert bool(near_contact([name, place], [Candidate(start, start + 10, "email", 0.9)])) is kept
    assert near_contact([name], [Candidate(190, 195, "organization", 0.9)]) == []


def test_the_stage_scrubs_names(model: Path) -> None:
    batch = documents([{"id": "a" * 32, "text": "임수정 씨는 부산에서 일한다. 010-1234-5678", "language": "ko"}])
    stage = PersonalData(names="near_contact", name_model=model)
    assert stage.measure(batch).column("text").to_pylist() == ["<PERSON> 씨는 부산에서 일한다. <PHONE>"]
    assert stage.inputs() == [model]


def test_a_missing_or_foreign_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        find(["가"], "ko", names=True, name_model=tmp_path / "none")
    bad = tmp_path / "bad"
    bad.write_bytes(b"not a model at all" * 10)
    with pytest.raises(UsageError, match="no name model"):
        find(["가"], "ko", names=True, name_model=bad)


def test_nothing_to_learn_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no labelled names"):
        train([Sentence("가", ())], tmp_path / "m")


def test_labelled_sentences_are_read_with_their_spans(tmp_path: Path) -> None:
    path = tmp_path / "labelled.tsv"
    path.write_text(
        "## comment\n박\tB-PS\n씨\tO\n \tO\n서\tB-LC\n울\tI-LC\n일\tB-DT\n\n김\tB-PS\n이\tB-PS\n", encoding="utf-8"
    )
    assert read_labelled(path) == [
        Sentence("박씨 서울일", ((0, 1, "person"), (3, 5, "place"))),
        Sentence("김이", ((0, 1, "person"), (1, 2, "person"))),
    ]
    path.write_text("가\tO\n나 O\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 2"):
        read_labelled(path)


def test_the_command_trains_and_evaluates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labelled = tmp_path / "labelled.tsv"
    blocks = []
    for sentence in sentences(PEOPLE[:3], CITIES[:3]):
        tags = ["O"] * len(sentence.text)
        for start, end, kind in sentence.names:
            short = {"person": "PS", "place": "LC"}[kind]
            tags[start:end] = ["B-" + short, *["I-" + short] * (end - start - 1)]
        blocks.append("\n".join(f"{c}\t{t}" for c, t in zip(sentence.text, tags, strict=True)))
    labelled.write_text("\n\n".join(blocks), encoding="utf-8")
    model = tmp_path / "m.crfsuite"
    app(["privacy", "names", "train", str(labelled), str(model)], standalone_mode=False)
    app(["privacy", "names", "evaluate", str(labelled), str(model)], standalone_mode=False)
    assert "person" in capsys.readouterr().out
    with pytest.raises(UsageError, match="none"):
        app(["privacy", "names", "evaluate", str(tmp_path / "none"), str(model)], standalone_mode=False)


@pytest.mark.real
def test_a_model_reads_sentences_it_never_saw(shared_data: Path, tmp_path: Path) -> None:
    everything = read_labelled(shared_data / "pii/klue-ner/klue-ner-v1.1_dev.tsv")
    train(everything[:1200], tmp_path / "m", iterations=40)
    scores = evaluate(everything[1200:1500], tmp_path / "m")
    assert scores["person"].f1 > 0.55
    assert scores["person"].names > 200


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("담당자 김영희 씨에게 연락하세요.", ["김영희"]),
        ("경찰은 김모(33)씨와 A(44)씨를 불구속 입건했다.", ["김", "A"]),
        ("박 전 장관은 이날 답하지 않았다.", ["박"]),
        ("영화에서 브래드 피트와 조니 뎁이 만난다.", ["브래드 피트", "조니 뎁"]),
        ("😀 브래드피트는 나오지 않는다.", ["브래드피트"]),
        ("이용한 사람은 전 회장과 이 영화를 본 사람이다.", []),
        ("틴토 브라스의 작품에서 스티브맥퀸이 달린다.", ["틴토 브라스", "스티브맥퀸"]),
        ("새누리당 이상일 의원과 이완구 총리가 만났다.", ["이상일", "이완구"]),
        ("여검사역에 강수연도 나온다.", ["강수연"]),
        ("배우 문재인(文在寅)과 양조위가 나온다.", ["문재인", "文在寅", "양조위"]),
        ("첼시와 맥도날드, 뉴욕의 라우터와 문자열을 정규식으로 나눈다.", []),
        ("강남구 임진강 서초동 민주당 남아공 제헌절", []),
        ("경기도와 서울대, 이라크와 경남의 조회를 인정한 기술이다.", []),
        ("", []),
    ],
)
def test_people_are_read_by_rules_without_a_model(text: str, names: list[str]) -> None:
    assert [text[item.start : item.end] for item in korean_people([text])[0]] == names


def test_rules_keep_the_callers_offsets_over_lines() -> None:
    text = "😀👍🏽 첫 줄\n" + "가나다라 " * 400 + "\n어제 김철수 의원이 떠났다.\ud800"
    found = find([text], "ko", names=True)[0]
    assert [(item.type, item.text) for item in found] == [("person", "김철수")]


@pytest.mark.parametrize("names", ["near_contact", True])
def test_the_stage_finds_people_without_a_model_and_without_a_language(names: Names) -> None:
    row = {"id": "a" * 32, "text": "담당자 김영희 씨에게 010-1234-5678로 연락하세요.", "language": None}
    text = PersonalData(names=names).measure(documents([row])).column("text")[0].as_py()
    assert text == "담당자 <PERSON> 씨에게 <PHONE>로 연락하세요."


def test_words_are_told_by_whose_names_they_stand_in() -> None:
    known = lexicon()
    assert known.part_of_a_name("조니")
    assert not known.part_of_a_name("런던")
    assert known.full_name("김철수") > known.full_name("이라크")
    assert known.full_name("서초동") == 0
    assert "스티브맥퀸" in known.humans
    assert known.odds.of("최민식") > 5 > known.odds.of("제헌절")
    assert known.joined("브래드피트")
    assert not known.joined("할리우드영화")


@pytest.mark.real
def test_rules_find_people_in_sentences_that_nothing_was_trained_on(shared_data: Path) -> None:
    score = evaluate(read_labelled(shared_data / "pii/klue-ner/klue-ner-v1.1_dev.tsv")[1::2])["person"]
    assert score.f1 > 0.755
    assert score.precision > 0.86


def test_syllable_odds_are_those_of_a_plain_expectation_maximization() -> None:
    rng = random.Random(7)
    titles = {"".join(rng.choice(part) for part in ("김이박", "민서지", "수연호")) for _ in range(40)}
    titles |= {"".join(rng.choice(part) for part in ("김이가나", "구로마", "당천국")) for _ in range(40)}
    given = {title[1:]: rng.choice([0, 1, 2, 5]) for title in sorted(titles)}
    odds = name_odds(titles, {"김", "이", "박"}, given)

    words = sorted(titles)
    may_be = [word[0] in "김이박" for word in words]
    people = [
        (1.0 if given[word[1:]] >= 5 else 0.5 if given[word[1:]] >= 2 else 0.1) * is_possible
        for word, is_possible in zip(words, may_be, strict=True)
    ]

    def share(place: int, syllable: str, weights: list[float]) -> float:
        counted = sum(weight for word, weight in zip(words, weights, strict=True) if word[place] == syllable)
        return (counted + 0.1) / (sum(weights) + 0.1 * 11172)

    for _ in range(15):
        others = [[(1 - weight) * is_possible for weight, is_possible in zip(people, may_be, strict=True)]]
        others += [[1 - weight for weight in people]] * 2
        prior = math.log(sum(people) / (sum(may_be) - sum(people)))
        scores = [
            prior + sum(math.log(share(at, word[at], people) / share(at, word[at], others[at])) for at in range(3))
            for word in words
        ]
        people = [is_possible / (1 + math.exp(-score)) for score, is_possible in zip(scores, may_be, strict=True)]
    for word, score, is_possible in zip(words, scores, may_be, strict=True):
        if is_possible:
            assert odds.of(word) == pytest.approx(score, abs=1e-9)
