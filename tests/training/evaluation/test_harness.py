"""The bridge to lm-evaluation-harness scores as the harness's own model does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from corpuskit.errors import MissingExtra, UsageError
from corpuskit.tokens import Shards
from corpuskit.training.checkpoint import save_model
from corpuskit.training.evaluation import LanguageModel, harness_model
from corpuskit.training.evaluation.harness import answers, log_likelihoods, whole_log_likelihoods

RandomModel = Callable[..., LanguageModel]
TEXT = " ".join(["the river has crossed the old bridge.", "강물은 다시 지은 옛 다리를 보았다."] * 4)
TASK = """\
task: bridges
dataset_path: json
dataset_kwargs: {data_files: {test: FILE}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{subject}}"
doc_to_choice: choices
doc_to_target: label
metric_list: [{metric: acc}]
"""


def test_likelihoods_of_pairs_and_whole_texts_agree(random_model: RandomModel, shards: Shards) -> None:
    model = random_model(shards, context=256)
    whole = whole_log_likelihoods(model, [TEXT])[0]
    ((pair, _),) = log_likelihoods(model, [("", TEXT)])
    assert whole == pytest.approx(pair, rel=1e-5)
    first, second = log_likelihoods(model, [("the river ", "has crossed"), ("the river", " has crossed")])
    assert first == (pytest.approx(second[0], rel=1e-5), second[1])


def test_a_text_longer_than_the_context_is_counted_once(random_model: RandomModel, shards: Shards) -> None:
    import torch

    model = random_model(shards, context=16)
    ids = model.tokenizer.encode([TEXT])[0].tolist()
    begin = model.tokenizer.end if model.tokenizer.begin is None else model.tokenizer.begin
    expected, done = 0.0, 0
    while done < len(ids):
        stop = min(done + 16, len(ids))
        window = [begin, *ids[:stop]] if done == 0 else ids[stop - 17 : stop]
        with torch.no_grad():
            logs = torch.log_softmax(model.model(torch.tensor([window[:-1]])).logits[0].double(), -1)
        each = logs.gather(1, torch.tensor(window[1:])[:, None])[:, 0]
        expected += float(each[-(stop - done) :].sum())
        done = stop
    assert whole_log_likelihoods(model, [TEXT])[0] == pytest.approx(expected, rel=1e-5)
    assert whole_log_likelihoods(model, [""]) == [0.0]
    with pytest.raises(UsageError, match="no likelihood of a whole text"):
        whole_log_likelihoods(random_model(shards, kind="encoder"), [TEXT])


def test_answers_end_at_the_first_stop_and_sampling_is_refused(random_model: RandomModel, shards: Shards) -> None:
    model = random_model(shards)
    (free,) = answers(model, [("the river", {"max_gen_toks": 8})])
    stop = free.strip()[1]
    (cut,) = answers(model, [("the river", {"max_gen_toks": 8, "until": stop})])
    assert cut == free[: free.index(stop)]
    with pytest.raises(UsageError, match="do_sample"):
        answers(model, [("x", {"do_sample": True, "temperature": 0.7})])


def test_the_harness_that_is_absent_is_named(
    random_model: RandomModel, shards: Shards, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "lm_eval", None)
    monkeypatch.delitem(sys.modules, "lm_eval.api.model", raising=False)
    with pytest.raises(MissingExtra, match=r"corpuskit\[lm-eval\]"):
        harness_model(random_model(shards))


def test_requests_score_as_with_the_harness_own_model(
    random_model: RandomModel, shards: Shards, tmp_path: Path
) -> None:
    pytest.importorskip("lm_eval", reason="lm_eval is not installed: pip install 'corpuskit[lm-eval]'")
    from lm_eval.models.huggingface import HFLM
    from tokenizers.processors import TemplateProcessing
    from transformers import AutoTokenizer

    subject = random_model(shards, context=64)
    save_model(subject.model, subject.tokenizer, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    begin = tokenizer.bos_token  # the harness asks the tokenizer itself to begin a text
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, tokenizer.bos_token_id)]
    )
    theirs = HFLM(pretrained=subject.model, tokenizer=tokenizer, device="cpu", batch_size=2, add_bos_token=True)
    ours = harness_model(subject)
    pairs = [("the river", " has crossed"), ("the river", " remembers"), ("a neighbour", " will rebuild that winter.")]
    requests = [SimpleNamespace(args=pair) for pair in pairs]
    for mine, other in zip(ours.loglikelihood(requests), theirs.loglikelihood(requests), strict=True):
        assert mine == (pytest.approx(other[0], rel=1e-4), other[1])
    texts = [SimpleNamespace(args=(TEXT,)), SimpleNamespace(args=("the river",))]
    # with add_bos_token the harness puts two beginnings before a whole text, and scores the second
    once = HFLM(pretrained=subject.model, tokenizer=AutoTokenizer.from_pretrained(tmp_path), device="cpu", batch_size=2)
    assert ours.loglikelihood_rolling(texts) == pytest.approx(once.loglikelihood_rolling(texts), rel=1e-4)
    asked = [SimpleNamespace(args=(text, {"until": ["."], "max_gen_toks": 6})) for text in ("the river", "강물은")]
    assert ours.generate_until(asked) == theirs.generate_until(asked)


def test_a_task_of_the_harness_runs_from_a_local_file(
    random_model: RandomModel, shards: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lm_eval = pytest.importorskip("lm_eval", reason="lm_eval is not installed: pip install 'corpuskit[lm-eval]'")
    from lm_eval.tasks import TaskManager

    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    rows = [
        {"subject": subject, "choices": ["has crossed", "다시 지은"], "label": label}
        for subject, label in (("the river", 0), ("강물은", 1), ("a neighbour", 0), ("이웃은", 1))
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "bridges.yaml").write_text(TASK.replace("FILE", str(tmp_path / "rows.jsonl")))
    model = random_model(shards, context=64)
    found = lm_eval.simple_evaluate(
        model=harness_model(model),
        tasks=["bridges"],
        task_manager=TaskManager(include_path=str(tmp_path), include_defaults=False),
        bootstrap_iters=0,
    )
    pairs = [(row["subject"], f" {choice}") for row in rows for choice in row["choices"]]
    likely = [score for score, _ in log_likelihoods(model, pairs)]
    right = [(likely[2 * number] < likely[2 * number + 1]) == bool(row["label"]) for number, row in enumerate(rows)]
    assert found["results"]["bridges"]["acc,none"] == pytest.approx(sum(right) / 4)
