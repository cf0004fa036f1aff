"""Merging LoRA into a model of 100 million parameters: how long, how exact, and how fast the merged model is.

    python benchmarks/adapters.py [merge|speed] [--size 100M] [--rounds 9] [--tokens 24] [--threads 1]

Our merge goes from folders to a folder (base, two adapters, weights 0.7 and 0.3); peft's own way to the same is to load
the base and both adapters, `add_weighted_adapter(combination_type="cat")`, `merge_and_unload` and `save_pretrained`.
Each is held against W + sum of w_i s_i B_i A_i, computed here. Then the base, the merged model and the unmerged one
(two adapters at work) write, in turns; processor time, which other programs on the machine do not lengthen.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from corpuskit.tokens import train_tokenizer
from corpuskit.training import AdaptConfig, ModelConfig
from corpuskit.training.adapters import load_adapted, measure_overhead, merge
from corpuskit.training.adapters.folder import AdapterFile, weights_digest
from corpuskit.training.adapters.methods import attach
from corpuskit.training.checkpoint import save_model
from corpuskit.training.models import build_model, count_parameters, load_model

WEIGHTS = {"a": 0.7, "b": 0.3}


def make(folder: Path, size: str, rslora: bool) -> Path:
    """A base with random weights and two adapters whose matrices are all drawn, none zero."""
    tokenizer = train_tokenizer([f"word{number:x} " * 3 for number in range(4000)], 4000)
    config = ModelConfig.model_validate({"kind": "decoder", "size": size})
    base = folder / "base"
    save_model(build_model(config, tokenizer, 256, seed=0), tokenizer, base)
    for seed, name in enumerate(WEIGHTS):
        settings = AdaptConfig(seed=seed, rslora=rslora, rank=8 * (seed + 1))
        adapted = attach(load_model(base), settings, str(base), [5])
        adapted.save_pretrained(folder / name)
        file = folder / name / "adapter_model.safetensors"
        torch.manual_seed(seed)
        save_file({key: torch.randn_like(value) * 0.02 for key, value in load_file(file).items()}, file)
        told = AdapterFile(method="lora", base=weights_digest(base), base_folder=str(base), settings={})
        told.write(folder / name)
    return base


def theirs(folder: Path, out: Path) -> None:
    import peft

    model = peft.PeftModel.from_pretrained(load_model(folder / "base"), folder / "a", adapter_name="a")
    model.load_adapter(folder / "b", adapter_name="b")
    model.add_weighted_adapter(list(WEIGHTS), list(WEIGHTS.values()), "both", combination_type="cat")
    model.set_adapter("both")
    model.merge_and_unload().save_pretrained(out)


def ours(folder: Path, out: Path) -> None:
    merge(folder / "base", {folder / name: weight for name, weight in WEIGHTS.items()}, out)


def error(folder: Path, out: Path, rslora: bool) -> float:
    """Largest difference from the formula, over all matrices."""
    base, merged = load_file(folder / "base" / "model.safetensors"), load_file(out / "model.safetensors")
    states = {name: load_file(folder / name / "adapter_model.safetensors") for name in WEIGHTS}
    worst = 0.0
    for key in base:
        wanted = base[key].double()
        for name, weight in WEIGHTS.items():
            stem = f"base_model.model.{key.removesuffix('.weight')}"
            if (a := states[name].get(f"{stem}.lora_A.weight")) is not None:
                b = states[name][f"{stem}.lora_B.weight"].double()
                wanted = wanted + weight * 16 / len(a) ** (0.5 if rslora else 1) * (b @ a.double())
        worst = max(worst, float((merged[key].double() - wanted).abs().max()))
    return worst


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """(seconds, seconds of processor time)"""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=["merge", "speed"])
    parser.add_argument("--size", default="100M")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as temporary:
        for rslora in (False, True) if options.part != "speed" else ():
            folder = Path(temporary) / ("rslora" if rslora else "lora")
            base = make(folder, options.size, rslora)
            count = count_parameters(load_model(base)) / 1e6
            print(f"{'rsLoRA' if rslora else 'LoRA'}, {count:.0f} M parameters, two adapters, folders to folder")
            for name, work in (("corpuskit", ours), ("peft", theirs)):
                spent = []
                for turn in range(3):
                    out = folder / f"{name}{turn}"
                    spent.append(timed(lambda work=work, out=out, folder=folder: work(folder, out)))
                    if turn:
                        shutil.rmtree(out)
                wall, processor = (sorted(column)[1] for column in zip(*spent, strict=True))
                wrong = error(folder, folder / f"{name}0", rslora)
                print(f"  {name:10} {wall:6.2f} s ({processor:.2f} s CPU), off the formula by {wrong:.1e}")
        if options.part == "merge":
            return
        folder = Path(temporary) / "speed"
        make(folder, options.size, rslora=False)
        ours(folder, folder / "merged")
        models: dict[str, Any] = {
            "base": load_model(folder / "base").eval(),
            "merged": load_model(folder / "merged").eval(),
            "two adapters": load_adapted(folder / "base", {name: folder / name for name in WEIGHTS}),
        }
        paces = measure_overhead(
            models, prompt=64, tokens=options.tokens, batches=(1, 8), rounds=options.rounds, clock=time.process_time
        )
        for name, of in paces.items():
            for batch, pace in of.items():
                assert pace.decode_noise is not None
                assert pace.decode_overhead is not None
                low, high = (100 * edge for edge in pace.decode_noise)
                print(
                    f"  {name:13} batch {batch}: prefill {pace.prefill_ms:8.1f} ms, decode {pace.decode_ms:7.2f} ms "
                    f"a token ({100 * pace.decode_overhead:+.1f} %, middle half {low:+.1f} to {high:+.1f})"
                )


if __name__ == "__main__":
    main()
