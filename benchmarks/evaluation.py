"""Scoring choices after examples, beside lm-evaluation-harness on the same model and requests.

    python benchmarks/evaluation.py [--size 10M] [--shots 0 8] [--rounds 3] [--peer PYTHON]

A model with random weights, the questions of the probe suite that have four choices, with as many examples before each.
CPU time of one thread, the best of the rounds, ours and the peer's in turns; the likelihoods must agree. `--peer`: an
interpreter that has lm_eval; by default an environment is made for it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from peers import ROOT, python_with

from corpuskit.tokens import train_tokenizer
from corpuskit.training import ModelConfig
from corpuskit.training.checkpoint import save_model
from corpuskit.training.evaluation import open_model, probe_tasks
from corpuskit.training.evaluation.harness import log_likelihoods
from corpuskit.training.models import build_model

CONTEXT = 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", default="10M")
    parser.add_argument("--shots", type=int, nargs="+", default=[0, 8])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    peer = options.peer or python_with("lm-eval", ["lm_eval==0.4.13", "torch==2.13.0", "transformers==5.23.0"])
    tasks = [task for task in probe_tasks() if len(task.items[0].outputs) == 4]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = [item.input + output for task in probe_tasks() for item in task.items for output in item.outputs]
        tokenizer = train_tokenizer(texts, 4000)
        model = build_model(ModelConfig(size=options.size), tokenizer, CONTEXT, seed=0)
        save_model(model, tokenizer, folder)
        # the harness begins a text with what the tokenizer puts there, and this one puts nothing
        opened = open_model(folder, device="cpu")
        opened = replace(opened, tokenizer=replace(opened.tokenizer, begin=None))
        for shots in options.shots:
            pairs = [
                (task.prompt(number, shots, 0).text, output)
                for task in tasks
                for number, item in enumerate(task.items)
                for output in item.outputs
            ]
            (folder / "requests.json").write_text(json.dumps(pairs))
            ours, theirs = [], []
            for _ in range(options.rounds):
                started = time.process_time()
                found = log_likelihoods(opened, pairs)
                ours.append(time.process_time() - started)
                told = subprocess.run(
                    [str(peer), str(ROOT / "benchmarks/evaluation_peer.py"), name, str(folder / "requests.json"), "1"],
                    capture_output=True,
                    text=True,
                    check=True,
                    env={**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
                )
                told_values = json.loads(told.stdout.splitlines()[-1])
                theirs.append(told_values["seconds"])
            nats = np.array([-value for value, _ in found])
            apart = np.abs(nats - told_values["nats"]) / nats
            print(
                f"{shots} examples, {len(pairs)} choices: ours {min(ours):.2f} s, harness {min(theirs):.2f} s of CPU "
                f"time, {min(theirs) / min(ours):.1f} times; {np.mean(apart < 1e-4):.1%} of likelihoods equal to 1e-4"
            )


if __name__ == "__main__":
    main()
