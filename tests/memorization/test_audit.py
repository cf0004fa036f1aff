"""The audit finds what was learned by heart, and nothing where nothing was learned."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from corpuskit.errors import UsageError
from corpuskit.kernels.ngrams import count_equal
from corpuskit.memorization import AuditConfig, CanaryConfig, CanaryPlan, audit, plan_canaries
from corpuskit.memorization.corpus.windows import sample_windows
from corpuskit.memorization.masking import masked
from corpuskit.memorization.measures.exposure import candidate_log_probabilities
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.tokens import open_shards

SMALL = AuditConfig(windows=200, prefix=16, suffix=16)


def test_a_trained_model_gives_its_text_back_and_an_untrained_one_does_not(
    shards: Path, trained: Path, untrained: Path, tmp_path: Path
) -> None:
    learned = audit(trained, shards / "tokens", tmp_path / "a", SMALL, canaries=shards / "canaries.json").value
    blank = audit(untrained, shards / "tokens", tmp_path / "b", SMALL, canaries=shards / "canaries.json").value
    assert learned["extraction"]["train"]["low"] > 0.05
    assert blank["extraction"]["train"]["extracted"] == 0
    for hit in learned["hits"]:
        assert hit["url"].startswith("http://x/")
        assert hit["copies"] >= (1 if hit["split"] == "train" else 0)
    planned = sum(canary.copies for canary in CanaryPlan.read(shards / "canaries.json").canaries)
    assert learned["canaries_survived"] == {"planned": planned, "in_the_shards": planned}
    assert [group["copies"] for group in learned["exposure"]] == [0, 2]
    summary = json.loads((tmp_path / "a/summary.json").read_text())
    assert summary == learned
    table = pq.read_table(tmp_path / "a/windows.parquet")
    uniform = table.filter(pc.equal(table.column("sample"), "uniform"))
    assert uniform.num_rows == learned["extraction"]["train"]["windows"] + learned["extraction"]["held_out"]["windows"]


def test_the_same_audit_twice_gives_the_same_bytes(shards: Path, trained: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        audit(trained, shards / "tokens", tmp_path / name, SMALL, canaries=shards / "canaries.json")
    for name in ("summary.json", "windows.parquet", "decisions.parquet"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_teacher_forced_greedy_is_greedy_generation(shards: Path, trained: Path) -> None:
    import torch

    model = CausalModel(trained)
    windows = sample_windows(open_shards(shards / "tokens"), 60, 32, seed=3)
    forced = model.score(windows.tokens).match[:, 15:].all(1)
    prompts = torch.from_numpy(windows.tokens[:, :16])
    generated = model.model.generate(
        input_ids=prompts, attention_mask=torch.ones_like(prompts), do_sample=False, max_new_tokens=16,
        min_new_tokens=16, pad_token_id=0,
    )  # fmt: skip
    assert (forced == (generated.numpy() == windows.tokens).all(1)).all()
    assert 0 < forced.sum() < len(forced), "the windows tell the two apart"


def test_scores_equal_those_from_full_logits(shards: Path, trained: Path) -> None:
    import torch

    model = CausalModel(trained)
    tokens = sample_windows(open_shards(shards / "tokens"), 20, 32, seed=4).tokens
    scores = model.score(tokens)
    with torch.inference_mode():
        logs = torch.log_softmax(model.model(torch.from_numpy(tokens)).logits.float(), -1)[:, :-1]
    targets = torch.from_numpy(tokens[:, 1:, None])
    np.testing.assert_allclose(scores.log_probability, logs.gather(-1, targets)[..., 0], atol=1e-5)
    np.testing.assert_array_equal(scores.rank, (logs > logs.gather(-1, targets)).sum(-1))
    np.testing.assert_allclose(scores.entropy, -(logs.exp() * logs).sum(-1), atol=1e-4)


def test_the_tree_walk_gives_each_candidate_its_own_probability(shards: Path, trained: Path) -> None:
    model, tokenizer = CausalModel(trained), open_shards(shards / "tokens").tokenizer
    prefix = "The entry code of the archive room amber is "
    candidates = [f"{number:03d}" for number in range(0, 1000, 7)]
    walked = candidate_log_probabilities(model, tokenizer, prefix, candidates)
    beginning = len(tokenizer.encode([prefix.rstrip()])[0])
    for candidate, value in list(zip(candidates, walked, strict=True))[:40]:
        ids = np.concatenate([[tokenizer.begin], tokenizer.encode([prefix + candidate])[0]]).astype(np.int64)
        logs = model.score(ids[None]).log_probability[0]
        # what all candidates share adds the same to each: only differences are compared
        direct = float(logs[beginning:].sum())
        first = np.concatenate([[tokenizer.begin], tokenizer.encode([prefix + candidates[0]])[0]]).astype(np.int64)
        base = float(model.score(first[None]).log_probability[0][beginning:].sum())
        assert value - walked[0] == pytest.approx(direct - base, abs=1e-3)


def test_an_untrained_model_ranks_secrets_by_chance(shards: Path, untrained: Path, tmp_path: Path) -> None:
    plan = plan_canaries(CanaryConfig(count=40, copies=[0], digits=2, coins=0, seed=5))
    plan.write(tmp_path / "canaries.json")
    value = audit(untrained, shards / "tokens", tmp_path / "a", SMALL, canaries=tmp_path / "canaries.json").value
    (group,) = value["exposure"]
    assert abs(group["mean"] - 1.44) < 4 * group["standard_error"] + 0.1


def test_windows_never_leave_their_document(shards: Path) -> None:
    split = open_shards(shards / "tokens")
    windows = sample_windows(split, 10_000, 32, seed=0)
    places = set(zip(windows.shard.tolist(), windows.row.tolist(), windows.position.tolist(), strict=True))
    assert len(places) == len(windows)
    for number, row, position, tokens in zip(
        windows.shard[:500], windows.row[:500], windows.position[:500], windows.tokens[:500], strict=True
    ):
        document = split.shards[number].document(int(row))
        assert (document[position : position + 32] == tokens).all()
        assert split.manifest.tokenizer.end not in tokens


def test_copies_are_counted_as_a_slow_search_counts_them() -> None:
    chance = np.random.default_rng(0)
    tokens = chance.integers(0, 3, 2000)
    offsets = np.array([0, 0, 3, 700, 705, 2000])
    wanted = np.array([tokens[place : place + 5] for place in chance.integers(0, 1990, 50)])
    slow = [
        sum(
            (tokens[place : place + 5] == one).all()
            for start, end in itertools.pairwise(offsets)
            for place in range(start, end - 4)
        )
        for one in wanted
    ]
    assert count_equal(tokens, offsets, wanted).tolist() == slow


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    plan = plan_canaries(CanaryConfig(count=3, copies=[0, 5], coins=0))
    plan.write(tmp_path / "plan.json")
    assert CanaryPlan.read(tmp_path / "plan.json") == plan
    assert len({canary.prefix for canary in plan.canaries}) == 6
    assert {canary.language for canary in plan.canaries} == {"en", "ko"}
    assert plan_canaries(CanaryConfig(count=3, copies=[0, 5], coins=0)) == plan


def test_what_is_shown_names_nobody() -> None:
    shown = masked("write to kim@example.org or 010-1234-5678, in room 7 of 1999")
    assert shown == "write to ••••••••••••••• or •••-••••-••••, in room 7 of ••••"


def test_errors_say_what_is_wrong(shards: Path, tmp_path: Path, untrained: Path) -> None:
    with pytest.raises(UsageError, match="no model is here"):
        audit(tmp_path, shards / "tokens", tmp_path / "a")
    with pytest.raises(UsageError, match=r"windows of 300 tokens do not fit a context of 256"):
        CausalModel(untrained).score(np.zeros((1, 300), np.int64))
