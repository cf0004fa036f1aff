"""Copies of stretches, the frame of training, and spans traced to the corpus, against slow searches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.document import document_id, documents
from corpuskit.errors import UsageError
from corpuskit.memorization.corpus import trace
from corpuskit.memorization.corpus.copies import count_stretches, stretch_copies, without_shared
from corpuskit.memorization.corpus.frames import training_frames
from corpuskit.memorization.corpus.trace import corpus_spans
from corpuskit.memorization.corpus.windows import Windows, sample_windows, stratified_windows
from corpuskit.tokens import Shards, TokenOrder, open_shards, train_tokenizer, write_shards


class Piece:
    """A shard that was never written."""

    def __init__(self, pieces: list[list[int]], kind: Any = np.uint16):
        self.tokens = np.array([token for piece in pieces for token in piece], kind)
        self.offsets = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])]).astype(np.int64)
        self.path = Path("shard")

    def __len__(self) -> int:
        return len(self.offsets) - 1


class Corpus:
    def __init__(self, *shards: Piece):
        self.shards = list(shards)


def test_a_held_out_window_that_training_text_has_too_is_no_control() -> None:
    chance = np.random.default_rng(0)
    read, own = chance.integers(0, 9000, 80).tolist(), chance.integers(0, 9000, 80).tolist()
    # the suffix alone, 8 tokens, recurs anywhere; with 24 before it, it was copied
    train: Any = Corpus(Piece([read + own[60:79]]))
    control: Any = Corpus(Piece([own[:40] + read + own[40:] + [0]]))
    windows = _every_window(control, 40)
    kept, shared = without_shared(windows, train, 8)
    ends = windows.position + 40
    copied = (ends - 32 >= 40) & (ends <= 120)
    assert shared == copied.sum() == 49
    np.testing.assert_array_equal(kept.position, windows.position[~copied])
    np.testing.assert_array_equal(kept.tokens, windows.tokens[~copied])


def _every_window(corpus: Any, length: int) -> Windows:
    tokens = corpus.shards[0].tokens.astype(np.int64)
    position = np.arange(len(tokens) - length)
    none = np.zeros(len(position), np.int64)
    return Windows(tokens[position[:, None] + np.arange(length)], none, none, position)


DOCUMENTS = st.lists(st.lists(st.integers(0, 2), max_size=12), min_size=1, max_size=6)


def places_of(corpus: list[list[int]], wanted: list[int]) -> list[tuple[int, int]]:
    return [
        (number, place)
        for number, document in enumerate(corpus)
        for place in range(len(document) - len(wanted) + 1)
        if document[place : place + len(wanted)] == wanted
    ]


@settings(deadline=None)
@given(DOCUMENTS, DOCUMENTS, st.integers(1, 5), st.integers(0, 99))
def test_stretches_are_counted_as_a_slow_search_counts_them(
    one: list[list[int]], two: list[list[int]], length: int, seed: int
) -> None:
    corpus: Any = Corpus(Piece(one), Piece(two))
    wanted = np.random.default_rng(seed).integers(0, 3, (7, length))
    occurrences, found_in = count_stretches(corpus, wanted)
    for row, stretch in enumerate(wanted.tolist()):
        found = places_of(one + two, stretch)
        assert occurrences[row] == len(found)
        assert found_in[row] == len({number for number, _ in found})


@settings(deadline=None, max_examples=150)
@given(DOCUMENTS, DOCUMENTS, st.lists(st.integers(0, 2), max_size=20), st.integers(1, 4), st.sampled_from([1, 13, 500]))
def test_spans_are_those_of_a_slow_search(
    one: list[list[int]], two: list[list[int]], text: list[int], shortest: int, room: int
) -> None:
    ended = [[[*document, 9] for document in documents] for documents in (one, two)]
    for kind in (np.uint16, np.uint32):
        corpus: Any = Corpus(*(Piece(documents, kind) for documents in ended))
        found = corpus_spans(corpus, [text], shortest, memory=max(room, 13) * trace.BYTES_PER_TOKEN)
        longest = [
            max(k for k in range(len(text) - start + 1) if k == 0 or places_of(one + two, text[start : start + k]))
            for start in range(len(text))
        ]
        slow = [
            (start, length)
            for start, length in enumerate(longest)
            if length >= shortest and all(s + longest[s] < start + length for s in range(start))
        ]
        assert [(span.start, span.length) for span in found] == slow
        for span in found:
            stretch = text[span.start : span.start + span.length]
            assert corpus.shards[span.shard].tokens[span.place : span.place + span.length].tolist() == stretch
            assert span.occurrences == len(places_of(one + two, stretch))


def test_a_document_beyond_the_budget_is_named() -> None:
    corpus: Any = Corpus(Piece([[1, 2], [1] * 100]))
    with pytest.raises(UsageError, match="document 1: 100 tokens do not fit a memory budget of 160 bytes"):
        corpus_spans(corpus, [[1]], 1, memory=160)


@pytest.fixture(scope="module")
def long_shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    """Documents of very different lengths, two of which are repeated whole."""
    folder = tmp_path_factory.mktemp("long")
    chance = np.random.default_rng(0)
    words = [f"w{number}" for number in range(300)]
    texts = [" ".join(chance.choice(words, int(size))) for size in chance.integers(20, 400, 30)]
    texts += texts[:1] * 4
    rows = [
        {"id": document_id(str(n), text.encode()), "text": text, "url": f"http://x/{n}", "source": "web"}
        for n, text in enumerate(texts)
    ]
    pq.write_table(pa.Table.from_batches([documents(rows)]), folder / "corpus.parquet")
    tokenizer = train_tokenizer(texts, 500)
    write_shards([folder / "corpus.parquet"], tokenizer, folder / "tokens", sequence_length=128, hold_out=0.0)
    return open_shards(folder / "tokens")


def test_copies_at_each_length_are_of_the_stretch_that_ends_with_the_window(long_shards: Shards) -> None:
    windows = sample_windows(long_shards, 60, 40, seed=0)
    copies = stretch_copies(long_shards, windows, (20, 50, 100, 100_000))
    corpus = [shard.document(row).tolist() for shard, row in long_shards.documents()]
    for number in range(len(windows)):
        document = long_shards.shards[windows.shard[number]].document(int(windows.row[number])).tolist()
        end = int(windows.position[number]) + 40
        for length in (20, 50, 100):
            first = max(0, end - length)
            stretch = document[first : first + length]
            if first + length > len(document) - 1:
                assert copies.occurrences[length][number] == copies.documents[length][number] == -1
            else:
                assert copies.occurrences[length][number] == len(places_of(corpus, stretch)) >= 1
    assert (copies.occurrences[100_000] == -1).all()
    assert copies.occurrences[50].max() >= 5


@pytest.mark.parametrize("packing", ["concatenate", "best_fit"])
def test_a_frame_is_what_training_read_before_the_suffix(long_shards: Shards, packing: Any) -> None:
    order = TokenOrder(long_shards, batch=2, seed=3, packing=packing)
    steps = 2 * order.epoch_steps
    windows, _ = stratified_windows(long_shards, 60, 32, seed=1)
    frames = training_frames(order, steps, windows, 16)
    told = np.flatnonzero(frames.before >= 0)
    assert len(told) > 20
    passages = frames.passages(long_shards, windows, 16, told)
    for row, place in enumerate(told):
        passage = passages.tokens[passages.offsets[row] : passages.offsets[row + 1]]
        suffix = windows.tokens[place, 16:]
        assert (passage[-16:] == suffix).all()
        for step in frames.steps[place]:
            batch = order.batch_of(order.samples_at(step))
            held = False
            for inputs, positions in zip(batch.inputs, batch.positions, strict=True):
                for end in range(16, order.sequence_length + 1):
                    if (inputs[end - 16 : end] == suffix).all() and positions[end - 1] == len(passage) - 1:
                        held |= bool((inputs[end - len(passage) : end] == passage).all())
            assert held
    # what no step read as a whole: the suffix lies across a window's edge, or at its very beginning
    cut = np.flatnonzero(frames.before < 0)
    assert len(cut) if packing == "concatenate" else True
    for place in cut[:10]:
        assert len(frames.steps[place]) >= 1
    documents_steps = order.steps_of(
        str(long_shards.shards[windows.shard[0]].describe(int(windows.row[0]))["id"]), steps
    )
    assert set(frames.steps[0]) <= set(documents_steps)
