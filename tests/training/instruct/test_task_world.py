"""The set that ships is what its script writes, and nothing that is tested on was trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpuskit.document import SCHEMA
from corpuskit.training.instruct import read_demonstrations, read_preferences, shipped_file
from corpuskit.training.instruct.source import TaskTexts
from corpuskit.training.instruct.tasks import items, statements, write
from corpuskit.training.korean import after_number, particle


def test_the_files_are_what_the_script_writes(tmp_path: Path) -> None:
    write(tmp_path)
    for file in tmp_path.iterdir():
        assert file.read_bytes() == shipped_file(file.stem).read_bytes()  # type: ignore[arg-type]


def test_no_held_out_request_is_trained_on() -> None:
    held = {one.prompt for one in read_demonstrations(shipped_file("held_out"))}
    held |= {one.prompt for one in read_preferences(shipped_file("held_out_preferences"))}
    chosen_by = {one.prompt for one in read_demonstrations(shipped_file("development"))}
    trained = {one.prompt for one in read_demonstrations(shipped_file("demonstrations"))}
    trained |= {one.prompt for one in read_preferences(shipped_file("preferences"))}
    trained |= {one.prompt for one in read_demonstrations(shipped_file("practice"))}
    assert (len(held), len(chosen_by)) == (376, 224)
    assert not held & trained
    assert not chosen_by & (trained | held)


def test_the_base_reads_no_held_out_choice_of_words() -> None:
    read = {paragraph for _, text in statements(4000) for paragraph in text.split("\n\n")}
    unseen = [item for item in items() if item.part != "seen"]
    for item in unseen:
        assert item.prompt not in read
        if item.task != "arithmetic":
            assert item.statement not in read
    seen = [item for item in items() if item.part == "seen" and item.task == "instruction"]
    assert sum(item.statement in read for item in seen) > 0.9 * len(seen)


def test_harm_is_demonstrated_in_part_and_preferred_in_full() -> None:
    def verbs(prompts: list[str]) -> set[str]:
        return {prompt.split(" a ")[0] for prompt in prompts if prompt.startswith("How do I")}

    refused = [one for one in read_demonstrations(shipped_file("demonstrations")) if one.about["task"] == "refusal"]
    judged = [one for one in read_preferences(shipped_file("preferences")) if one.about["task"] == "refusal"]
    assert len(verbs([one.prompt[0].content for one in refused])) == 3
    assert len(verbs([one.prompt[0].content for one in judged])) == 6
    assert {one.kind for one in judged} == {"safe", "helpful"}


def test_particles_follow_the_last_sound() -> None:
    assert [particle(word, "을", "를") for word in ("집", "개", "말", "다리")] == ["집을", "개를", "말을", "다리를"]
    assert [after_number(number, "은", "는") for number in (2, 3, 10, 11, 12)] == ["는", "은", "은", "은", "는"]


def test_texts_for_the_base_come_as_documents_whatever_the_split() -> None:
    source = TaskTexts(documents=5000)
    splits = source.splits(Path())
    assert [(split.start, split.end) for split in splits] == [(0, 4096), (4096, 5000)]
    batches = [batch for split in splits for batch in source.read(split, pytest.fail)]  # type: ignore[arg-type]
    assert sum(batch.num_rows for batch in batches) == 5000
    assert all(batch.schema.equals(SCHEMA) for batch in batches)
    assert len({one for batch in batches for one in batch.column("id").to_pylist()}) == 5000
    again = next(iter(source.read(splits[1], pytest.fail)))  # type: ignore[arg-type]
    assert again.column("text").to_pylist() == batches[-1].column("text").to_pylist()
