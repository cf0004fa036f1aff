"""Near-duplicates: what is found is what comparing every pair finds, and what is dropped resembles what it names."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.duplicates import cluster, shingles

ARTICLE = (
    "The council voted on Tuesday to rebuild the old bridge over the river before winter, after engineers had found "
    "cracks in two of its pillars and the mayor had promised that no house on the northern bank would lose its road."
)


def exhaustive(sets: list[set[str]], threshold: float) -> list[tuple[int, float]]:
    """For each text the kept text that it resembles most and how much; (-1, 0) where it is kept.

    Every pair is compared: shared shingles are counted through the texts that hold each shingle.
    """
    holders: dict[str, list[int]] = {}
    result = []
    for number, one in enumerate(sets):
        lists = [holders[shingle] for shingle in one if shingle in holders]
        shared = np.bincount(np.concatenate([np.empty(0, np.int64), *lists]).astype(np.int64), minlength=number)
        best = (-1, 0.0)
        for other in np.flatnonzero(shared).tolist():
            alike = int(shared[other]) / (len(one) + len(sets[other]) - int(shared[other]))
            if alike >= threshold and alike > best[1]:
                best = (other, alike)
        if best[0] < 0:  # later texts are compared with kept ones alone
            for shingle in one:
                holders.setdefault(shingle, []).append(number)
        result.append(best)
    return result


def petitions(shared_data: Path) -> list[str]:
    files = sorted((shared_data / "duplicates" / "petitions").glob("petitions_*"))
    return [json.loads(line)["content"] for path in files for line in path.open(encoding="utf-8")]


def test_petitions_as_exhaustive_comparison_finds_them(samples: Path) -> None:
    texts = petitions(samples)
    sets = [shingles(text, "ko") for text in texts]
    for threshold in (0.7, 0.8):
        expected = exhaustive(sets, threshold)
        found = cluster(texts, threshold, "ko")
        assert found.twin.tolist() == [twin for twin, _ in expected]
        dropped = ~found.kept
        assert dropped.sum() > 20
        assert found.similarity[dropped].tolist() == [alike for twin, alike in expected if twin >= 0]


def test_plagiarised_articles_are_the_labelled_ones(samples: Path) -> None:
    folder = samples / "duplicates" / "mccormick"
    lines = (folder / "articles_1000.train").read_text().splitlines()
    names = [line.split(" ", 1)[0] for line in lines]
    truth = {frozenset(line.split()) for line in (folder / "articles_1000.truth").read_text().splitlines()}
    found = cluster([line.split(" ", 1)[1] for line in lines], 0.7, "en", words=3)
    assert {frozenset((names[i], names[twin])) for i, twin in enumerate(found.twin) if twin >= 0} == truth


def test_particle_edits_are_found_at_a_threshold_of_0_7() -> None:
    text = (
        "서울시는 오늘 한강변에 새로운 자전거 도로를 만들었다고 밝혔다. 시는 이 길이 도움이 될 것으로 본다. "
        "공사는 봄에 끝난다."
    )
    edited = (
        text.replace("서울시는", "서울시가")
        .replace("한강변에", "한강변")
        .replace("시는 이", "시가 이")
        .replace("공사는", "공사가")
    )
    found = cluster([text, edited], 0.7)
    assert found.twin.tolist() == [-1, 0]
    assert found.similarity[1] >= 0.7


def test_the_end_of_a_chain_is_kept_where_it_does_not_resemble_the_kept_text() -> None:
    words = [f"word{number}" for number in range(300)]
    first, second, third = (" ".join(words[start : start + 240]) for start in (0, 24, 48))
    found = cluster([first, second, third], 0.75, "en")
    assert found.kept.tolist() == [True, False, True]
    assert found.cluster.tolist() == [0, 0, 2]


def test_short_texts_duplicate_only_their_equals() -> None:
    texts = ["", None, "  \n", "yes", "Yes!", "no", "안녕하세요", "안녕하세용", "!!!", "?!", "\0", "\0\0 "]
    found = cluster(texts, 0.1, permutations=512)
    assert found.cluster.tolist() == [0, 0, 0, 3, 3, 5, 6, 7, 8, 9, 0, 0]


def test_containment_finds_a_quotation_in_a_longer_text() -> None:
    longer = f"Our reporter writes from the north: {ARTICLE} More on this in the evening, with pictures of the cracks."
    assert cluster([longer, ARTICLE], 0.8, "en").kept.all()
    found = cluster([longer, ARTICLE], 0.8, "en", verify="containment")
    assert found.twin.tolist() == [-1, 0]
    assert found.similarity[1] == 1.0


def test_texts_that_a_language_cuts_differently_still_equal_each_other() -> None:
    assert cluster([ARTICLE, ARTICLE.upper()], 0.8, ["en", "ko"]).twin.tolist() == [-1, 0]


@pytest.mark.parametrize("arguments", [{"threshold": 0.0}, {"threshold": 1.5}, {"verify": "cosine"}, {"words": 0}])
def test_impossible_settings_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"threshold|verify|shingle"):
        cluster(["a text"], **arguments)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="ab ", max_size=40), max_size=12), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_every_dropped_text_names_a_kept_one_at_the_threshold(texts: list[str], threshold: float) -> None:
    found = cluster(texts, threshold, "en", words=2)
    sets = [shingles(text, "en", words=2) for text in texts]
    for number in range(len(texts)):
        twin = int(found.twin[number])
        assert found.kept[number] == (twin < 0)
        if twin >= 0:
            assert found.kept[twin]
            assert twin < number
            shared = len(sets[twin] & sets[number])
            alike = shared / (len(sets[twin]) + len(sets[number]) - shared)
            assert found.similarity[number] == pytest.approx(alike)
            assert alike >= threshold


def test_one_text_many_times_and_one_large_text_are_quick() -> None:
    found = cluster([ARTICLE] * 100_000 + [ARTICLE + " The end."])
    assert found.kept.sum() == 1
    large = " ".join(f"word{number % 7919} {number}" for number in range(1_500_000))
    found = cluster([large, large + " tail", ARTICLE])
    assert found.kept.tolist() == [True, False, True]


def test_keys_made_to_collide_cost_linear_time_and_drop_nothing() -> None:
    generator = np.random.default_rng(5)
    lure = " ".join(f"bait{number}" for number in range(120))
    seconds = []
    for count in (300, 500, 4_000):  # the first compiles
        texts = [f"{lure} {' '.join(map(str, generator.integers(0, 1 << 40, 120)))}" for _ in range(count)]
        texts.append(texts[7] + " more")
        started = time.process_time()
        found = cluster(texts, 0.4, "en")  # any two are a third alike and share a bucket
        seconds.append(time.process_time() - started)
        assert found.kept[:-1].all()
        assert found.twin[-1] == 7
    assert seconds[2] < 3 * 8 * seconds[1], "eight times the texts, not sixty-four times the time"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=8))
def test_bytes_that_are_no_utf8_are_compared_without_failing(contents: list[bytes]) -> None:
    contents = [content + suffix for content in contents for suffix in (b"", b"\xff\xccword e\xcc\x81 \xed\xa0\x80")]
    texts = pa.Array.from_buffers(pa.large_string(), len(contents), pa.array(contents, pa.large_binary()).buffers())
    found = cluster(pa.concat_arrays([texts, texts]))
    assert found.cluster[: len(texts)].tolist() == found.cluster[len(texts) :].tolist()
    assert not found.kept[len(texts) :].any()


def test_pages_of_one_template_are_told_apart() -> None:
    """A thousand pages alike at 0.785, just under the threshold, and 100 planted pairs at 0.82."""
    chance = np.random.default_rng(1)

    def words(count: int) -> list[str]:
        return [f"w{number}" for number in chance.integers(0, 50_000, count)]

    template = words(150)
    pages = [words(20) for _ in range(1000)]
    sources = chance.integers(500, 1000, 100).tolist()
    pages += [pages[source][:4] + words(16) for source in sources]
    result = cluster([" ".join(template + page) for page in pages], 0.8, "en")
    assert result.kept[:1000].all()
    assert not result.kept[1000:].any()
    assert (result.similarity[1000:] >= 0.8).all()
