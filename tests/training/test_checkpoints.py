"""A run ends in the same bits however it was killed and by however many ranks it goes on, and loses no checkpoint."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.tokens import Shards
from corpuskit.training import TrainConfig, TrainResult, pretrain, read_metrics
from corpuskit.training.checkpoint import complete, load_optimizers, newest, optimizer_state, save_checkpoint
from corpuskit.training.optimization import make_optimizers

SCRIPT = Path(__file__).with_name("rank.py")


def config(**settings: Any) -> TrainConfig:
    """A model that trains in a second."""
    model = {"layers": 2, "width": 32, "heads": 2} | settings.pop("model", {})
    defaults: dict[str, Any] = {"budget": {"steps": 12}, "batch": 8, "learning_rate": 0.01, "parts": 4}
    defaults |= {"checkpoint_every": 4, "validate_every": 6, "watch": {"samples_every": 0, "peak_flops": 1}}
    return TrainConfig.model_validate({"model": model, "precision": "float32"} | defaults | settings)


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def diary(folder: Path, *names: str) -> list[list[Any]]:
    return [[line.get(name) for name in ("step", *names)] for line in read_metrics(folder)]


def train(shards: Shards, folder: Path, settings: TrainConfig, ranks: int = 1, stop: int = 0, how: str = "TERM") -> str:
    """Train in processes of their own, stopped by a signal at step `stop`; what they printed."""
    command = [sys.executable]
    if ranks > 1:
        command += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    command += [str(SCRIPT), str(shards.folder), str(folder), settings.model_dump_json(), str(stop), how]
    for _ in range(3):  # the ranks may miss each other at the start where the machine is busy; a run goes on
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
        if result.returncode == (-signal.SIGKILL if how == "KILL" else 0):
            return result.stdout
    raise AssertionError(result.stderr[-3000:])


@pytest.fixture(scope="module")
def whole(shards: Shards, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole")
    pretrain(shards.folder, folder, config())
    return folder


@pytest.mark.slow
def test_a_run_killed_at_ten_random_steps_ends_in_the_same_bits(shards: Shards, whole: Path, tmp_path: Path) -> None:
    settings = config(budget={"steps": 30}, checkpoint_every=2, validate_every=15)
    pretrain(shards.folder, tmp_path / "whole", settings)
    stops = sorted(random.Random(7).sample(range(2, 30), 10))
    command = [sys.executable, str(SCRIPT), str(shards.folder), str(tmp_path / "killed"), settings.model_dump_json()]
    # one process that forks a child for each kill: torch is imported once
    subprocess.run([*command, ",".join(map(str, stops)), "FORK"], check=True, timeout=250)
    assert newest(tmp_path / "killed" / "checkpoints") is not None
    result = pretrain(shards.folder, tmp_path / "killed", settings)
    assert result.finished
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert diary(tmp_path / "killed", "loss", "gradient_norm", "bits_per_byte") == diary(
        tmp_path / "whole", "loss", "gradient_norm", "bits_per_byte"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1)])
def test_another_number_of_ranks_goes_on_to_the_same_bits(
    shards: Shards, whole: Path, tmp_path: Path, first: int, then: int
) -> None:
    assert "stopped by SIGTERM" in train(shards, tmp_path, config(), first, stop=5)
    assert [line["step"] for line in read_metrics(tmp_path)][-1] == 5
    train(shards, tmp_path, config(), then)
    assert diary(tmp_path, "loss", "gradient_norm", "bits_per_byte_by_source") == diary(
        whole, "loss", "gradient_norm", "bits_per_byte_by_source"
    )
    assert weights(tmp_path) == weights(whole)


@pytest.mark.slow
@pytest.mark.parametrize(("first", "then"), [("fsdp 2", "ddp 1"), ("ddp 1", "fsdp 2")])
def test_a_run_goes_on_whole_and_in_shards(
    shards: Shards, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, first: str, then: str
) -> None:
    settings = {"optimizer": "adamw", "learning_rate": 0.003}
    whole = tmp_path / "whole"
    pretrain(shards.folder, whole, config(**settings))
    folder = tmp_path / "run"
    for number, how in enumerate((first, then)):
        parallel, ranks = how.split()
        train(shards, folder, config(parallel=parallel, **settings), int(ranks), stop=0 if number else 5)
        state = newest(folder / "checkpoints")
        if number == 0:
            assert state is not None
            assert len(list((state / "optimizer").iterdir())) == int(ranks)
    for mine, other in zip(read_metrics(folder), read_metrics(whole), strict=True):
        for name in ("loss", "gradient_norm"):
            assert mine[name] == pytest.approx(other[name], rel=1e-5)
    assert read_metrics(folder)[-1]["bits_per_byte"] == pytest.approx(
        read_metrics(whole)[-1]["bits_per_byte"], rel=1e-5
    )


@pytest.mark.slow
def test_an_encoder_decoder_trains_in_shards(shards: Shards, tmp_path: Path) -> None:
    model = {"kind": "encoder-decoder"}
    settings = {"model": model, "budget": {"steps": 3}, "optimizer": "adamw", "learning_rate": 0.003}
    pretrain(shards.folder, tmp_path / "one", config(**settings))
    train(shards, tmp_path / "two", config(parallel="fsdp", **settings), ranks=2)
    losses = [[line["loss"] for line in read_metrics(tmp_path / name)] for name in ("one", "two")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.slow
def test_muon_trains_in_shards(shards: Shards, tmp_path: Path) -> None:
    """Muon multiplies in bfloat16, which makes rounding visible; the course is the same."""
    model = {"kind": "encoder", "style": "bert"}
    pretrain(shards.folder, tmp_path / "one", config(model=model))
    train(shards, tmp_path / "two", config(model=model, parallel="fsdp"), ranks=2)
    losses = [[line["loss"] for line in read_metrics(tmp_path / name)] for name in ("one", "two")]
    assert losses[0] == pytest.approx(losses[1], rel=5e-3)
    assert losses[1][-1] < losses[1][0] - 1


@pytest.mark.slow
def test_a_call_starts_the_ranks_that_it_is_asked_for(shards: Shards, tmp_path: Path) -> None:
    whole, folder, steps = tmp_path / "whole", tmp_path / "ranks", {"steps": 80}
    asked = {"budget": steps, "validate_every": 40, "checkpoint_every": 20}
    pretrain(shards.folder, whole, config(**asked))
    said: list[tuple[str, int, int]] = []

    def halt(message: str, done: int, total: int) -> None:
        said.append((message, done, total))
        if done == 3:
            signal.raise_signal(signal.SIGTERM)

    stopped = pretrain(shards.folder, folder, config(ranks=2, **asked), watch=halt)
    assert (stopped.finished, stopped.stopped_by) == (False, "SIGTERM")
    assert said[0][1:] == (1, 80)
    assert said[0][0].startswith("loss ")
    assert 3 <= stopped.steps < 80
    assert newest(folder / "checkpoints") is not None
    assert pretrain(shards.folder, folder, config(ranks=1, **asked)).finished
    assert weights(folder) == weights(whole)
    with pytest.raises(UsageError, match=r"learning_rate was 0\.01, is 0\.5"):
        pretrain(shards.folder, folder, config(ranks=2, learning_rate=0.5, **asked))


def test_what_a_full_disk_cuts_off_leaves_the_last_good_checkpoint(shards: Shards, whole: Path, tmp_path: Path) -> None:
    """The file size limit makes the kernel refuse to write, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(message: str, done: int, total: int) -> None:
        if done == 6:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))

    try:
        with pytest.raises(CorpuskitError, match=r"step 8 .*File too large.*step-00000004 is the last good one"):
            pretrain(shards.folder, tmp_path, config(), watch=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000004"]
    pretrain(shards.folder, tmp_path, config())
    assert weights(tmp_path) == weights(whole)


def test_checkpoints_are_kept_as_asked_and_open_as_models(shards: Shards, tmp_path: Path) -> None:
    import transformers

    seen: list[list[str]] = []
    result = pretrain(
        shards.folder,
        tmp_path,
        config(keep_checkpoints=2, checkpoint_every=2),
        watch=lambda message, done, total: seen.append([path.name for path in complete(tmp_path / "checkpoints")]),
    )
    assert result.finished
    assert [path.name for path in complete(tmp_path / "checkpoints")] == ["step-00000008", "step-00000010"]
    assert max(map(len, seen)) <= 3
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "checkpoints" / "step-00000008")
    assert sum(parameter.numel() for parameter in model.parameters()) == result.parameters


def test_a_checkpoint_holds_the_weights_of_its_step(shards: Shards, tmp_path: Path) -> None:
    """What is written in the background is a copy: steps taken meanwhile do not show in it."""
    from corpuskit.training.models import load_model

    stopped: list[TrainResult] = []
    for steps in (4, 12):
        folder = tmp_path / str(steps)

        def halt(message: str, done: int, total: int, at: int = steps) -> None:
            if done == at and at < total:
                signal.raise_signal(signal.SIGTERM)

        stopped.append(pretrain(shards.folder, folder, config(keep_checkpoints=9), watch=halt))
    mine, other = (load_model(tmp_path / name / "checkpoints" / "step-00000004") for name in ("4", "12"))
    for a, b in zip(mine.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_an_optimizers_state_comes_back(tmp_path: Path) -> None:
    def make() -> tuple[Any, list[Any]]:
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.LayerNorm(8), torch.nn.Linear(8, 4))
        model.get_input_embeddings = model.get_output_embeddings = lambda: None
        return model, make_optimizers(model, "muon", 0.1)

    model, optimizers = make()
    for _ in range(3):
        model(torch.randn(5, 8)).square().sum().backward()
        for optimizer in optimizers:
            optimizer.step()
    folder = save_checkpoint(tmp_path, lambda folder: folder.mkdir(parents=True), optimizers, {"step": 3}, keep=1)
    assert not [path for path in folder.rglob("*") if path.suffix in (".pt", ".bin", ".distcp", ".metadata")]
    _, fresh = make()
    load_optimizers(folder, fresh)
    before, after = optimizer_state(optimizers), optimizer_state(fresh)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert {name.split("/")[-1] for name in before} == {"step", "exp_avg", "exp_avg_sq", "momentum_buffer"}


def test_float64_sums_do_not_depend_on_their_order() -> None:
    """The premise of equal bits: float32 gradients of like size add up exactly in float64."""
    random_ = np.random.default_rng(0)
    parts = (random_.standard_normal((8, 100_000)) * 10.0 ** random_.uniform(-3, 3, 100_000)).astype(np.float32)
    forward, backward = np.zeros(100_000), np.zeros(100_000)
    for part in parts:
        forward += part
    for part in parts[::-1]:
        backward += part
    pairs = parts.astype(np.float64).reshape(4, 2, -1).sum(1).sum(0)
    assert np.array_equal(forward.astype(np.float32), backward.astype(np.float32))
    assert np.array_equal(forward.astype(np.float32), pairs.astype(np.float32))
    single = [np.zeros(100_000, np.float32), np.zeros(100_000, np.float32)]
    for a, b in zip(parts, parts[::-1], strict=True):
        single[0] += a
        single[1] += b
    assert not np.array_equal(*single)


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(tmp_path: Path) -> None:
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizers = [torch.optim.AdamW([parameter])]
    parameter.grad = torch.ones(3)
    optimizers[0].step()

    def write(folder: Path) -> None:
        folder.mkdir(parents=True)

    for step in (3, 6):
        save_checkpoint(tmp_path, write, optimizers, {"step": step}, keep=2)
    assert newest(tmp_path) == tmp_path / "step-00000006"
    (file,) = (tmp_path / "step-00000006" / "optimizer").glob("*.safetensors")
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size - 4)
    with pytest.warns(UserWarning, match=rf"{file.name} is damaged.*going on from step-00000003"):
        assert newest(tmp_path) == tmp_path / "step-00000003"
    (tmp_path / "step-00000003" / "state.json").write_text("{")
    with pytest.raises(CorpuskitError, match=rf"{file.name} is damaged.*no older checkpoint"):
        newest(tmp_path)
