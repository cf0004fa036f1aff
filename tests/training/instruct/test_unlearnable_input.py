"""What cannot be learned from or answered is refused with the file, the line and the field that it stands in."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from corpuskit.errors import UsageError
from corpuskit.tokens import train_tokenizer
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.training import ModelConfig
from corpuskit.training.checkpoint import save_model
from corpuskit.training.instruct import (
    Chat,
    GainsConfig,
    GrpoConfig,
    Message,
    PpoConfig,
    Preference,
    RewardConfig,
    SftConfig,
    finetune_on_demonstrations,
    measure_gains,
    optimize_groups,
    optimize_preferences,
    read_preferences,
    reinforce,
    train_reward_model,
    user,
)
from corpuskit.training.instruct.packing import paired
from corpuskit.training.instruct.unknown import check_known, sides
from corpuskit.training.models import build_model

LONG = "word " * 300
FINE = {"prompt": "a", "answer": "b"}


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Writes records as JSON lines, after an empty line; the file's name."""

    def write(*records: dict[str, Any]) -> str:
        file = tmp_path / "data.jsonl"
        file.write_text("\n" + "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records))
        return str(file)

    return write


@pytest.fixture(scope="module")
def word_pieces() -> Tokenizer:
    """A tokenizer that knows English letters alone."""
    return train_tokenizer(
        ["the river and the old bridge are where people meet", "say yes or no"] * 20, 120, "wordpiece"
    )


@pytest.fixture(scope="module")
def english(word_pieces: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("english")
    save_model(build_model(ModelConfig(layers=1, width=32, heads=2), word_pieces, 64, seed=0), word_pieces, folder)
    return folder


def test_a_long_demonstration_is_named_by_its_line(base: Path, tmp_path: Path, written: Any) -> None:
    file = written(FINE, {"prompt": LONG, "answer": "b"})
    with pytest.raises(UsageError, match=r"data\.jsonl, line 3, field 'answer': with its prompt it takes"):
        finetune_on_demonstrations(base, tmp_path / "sft", SftConfig(demonstrations=file))
    file = written(FINE, {"prompt": "a", "answer": LONG})
    with pytest.raises(UsageError, match=r"line 3, field 'answer': the answer alone"):
        finetune_on_demonstrations(base, tmp_path / "cut", SftConfig(demonstrations=file, too_long="cut"))


def test_a_long_preference_is_named_by_its_line(base: Path, tmp_path: Path, written: Any) -> None:
    file = written(
        {"prompt": "a", "chosen": "b", "rejected": "c"}, {"prompt": LONG, "chosen": "b", "rejected": "c d e"}
    )
    with pytest.raises(UsageError, match=r"line 3, fields 'prompt' and 'rejected': together they take"):
        train_reward_model(base, tmp_path / "reward", RewardConfig(preferences=file))
    file = written({"prompt": "a", "chosen": LONG, "rejected": "c"})
    with pytest.raises(UsageError, match=r"line 2, field 'chosen': alone it takes more than the 192"):
        train_reward_model(base, tmp_path / "cut", RewardConfig(preferences=file, too_long="cut"))


def test_a_prompt_without_room_for_an_answer_is_named_by_its_line(base: Path, tmp_path: Path, written: Any) -> None:
    file = written({"prompt": "a"}, {"prompt": LONG})
    reward = {"none": (lambda prompts, answers: [0.0] * len(answers), 1.0)}
    said = r"data\.jsonl, line 3, field 'prompt': takes [\d,]+ tokens, and with answer_tokens 48 the model reads 144"
    with pytest.raises(UsageError, match=said):
        reinforce(base, reward, tmp_path / "ppo", PpoConfig(prompts=[file]))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"line 3, field 'prompt': takes"):
        measure_gains({"base": base}, GainsConfig(held_out=written(FINE, {"prompt": LONG, "answer": "b"})))


def test_alternatives_refuse_what_does_not_fit(base: Path, tmp_path: Path, written: Any) -> None:
    pytest.importorskip("trl", reason="TRL is not installed: pip install 'corpuskit[instruct]'")
    preferences = [Preference(user(LONG), "b", "c")]
    with pytest.raises(UsageError, match=r"pair 1 of the preferences, .* together they take"):
        optimize_preferences(base, tmp_path / "dpo", preferences=preferences)
    with pytest.raises(UsageError, match=r"prompt 1: takes"):
        optimize_groups(base, {}, tmp_path / "grpo", prompts=[user(LONG)])
    with pytest.raises(ValueError, match="a batch of 6 answers is no whole number of groups of 4"):
        GrpoConfig(batch=6, group=4)


def test_sides_that_read_alike_are_refused(tokenizer: Tokenizer, tmp_path: Path, written: Any) -> None:
    composed, decomposed = (unicodedata.normalize(form, "강물") for form in ("NFC", "NFD"))
    with pytest.raises(UsageError, match="line 2: fields 'chosen' and 'rejected' are equal"):
        read_preferences(written({"prompt": "a", "chosen": composed, "rejected": decomposed}))
    same = [Preference(user("a"), "b", "c"), Preference(user("a"), composed, decomposed)]
    with pytest.raises(UsageError, match=r"pair 2 of the preferences: fields .* are the same tokens"):
        paired(Chat(tokenizer), same, 192, "error")


def test_nothing_to_learn_from_is_not_everything_that_ships(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no demonstration to learn from"):
        finetune_on_demonstrations(base, tmp_path / "a", demonstrations=[])
    with pytest.raises(UsageError, match="no preference to learn from"):
        train_reward_model(base, tmp_path / "b", preferences=[])
    with pytest.raises(UsageError, match="no prompt to answer"):
        reinforce(base, {}, tmp_path / "c", prompts=[])
    with pytest.raises(UsageError, match="no held-out request"):
        measure_gains({"base": base}, held_out=[])


def test_a_byte_level_tokenizer_knows_everything(tokenizer: Tokenizer) -> None:
    check_known(tokenizer, [Message("user", "강물 Ω \U0001f469\u200d\U0001f4bb \0")])


def test_a_character_without_a_token_is_named(word_pieces: Tokenizer) -> None:
    check_known(word_pieces, [Message("user", "the old river")])
    with pytest.raises(UsageError, match=r"message 2 \(assistant\): the tokenizer has no token for '강물'"):
        check_known(word_pieces, [Message("user", "the river"), Message("assistant", "the 강물")])
    with pytest.raises(UsageError, match=r"f\.jsonl, line 4, field 'rejected': .* for '다리'"):
        check_known(word_pieces, sides(Preference(user("say"), "yes", "no 다리", where="f.jsonl, line 4")))


def test_a_character_that_would_vanish_is_named() -> None:
    """Character-level BPE without a token for the unknown leaves out what it does not know."""
    described = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "BPE", "vocab": {"<end>": 0, "y": 1, "e": 2, "s": 3, "ye": 4}, "merges": [["y", "e"]]},
    }
    tokenizer = Tokenizer(json.dumps(described), None, 0, 0)
    check_known(tokenizer, [Message("user", "yes yes")])
    with pytest.raises(UsageError, match="no token for '강'"):
        check_known(tokenizer, [Message("user", "yes 강 yes")])
    with pytest.raises(UsageError, match="no token for '!'"):
        check_known(tokenizer, [Message("user", "yes!")])


def test_every_tuning_checks_its_tokenizer(english: Path, tmp_path: Path, written: Any) -> None:
    file = written({"prompt": "say", "answer": "yes"}, {"prompt": "say", "answer": "강물"})
    with pytest.raises(UsageError, match=r"line 3, field 'answer': the tokenizer has no token for '강물'"):
        finetune_on_demonstrations(english, tmp_path / "a", SftConfig(demonstrations=file))
    file = written({"prompt": "say", "chosen": "강물", "rejected": "no"})
    with pytest.raises(UsageError, match=r"line 2, field 'chosen': the tokenizer has no token for '강물'"):
        train_reward_model(english, tmp_path / "b", RewardConfig(preferences=file))
    with pytest.raises(UsageError, match=r"line 2, field 'prompt': the tokenizer has no token for '강물'"):
        reinforce(english, {}, tmp_path / "c", PpoConfig(prompts=[written({"prompt": "강물"})], answer_tokens=4))
    turns = [{"role": "user", "content": "say"}, {"role": "assistant", "content": "강물"}]
    with pytest.raises(UsageError, match=r"line 2, field 'messages'\[1\]\.content: the tokenizer has no token"):
        finetune_on_demonstrations(english, tmp_path / "d", SftConfig(demonstrations=written({"messages": turns})))
