"""lm-evaluation-harness's own model on requests from a file; runs in the peer's environment.

python benchmarks/evaluation_peer.py MODEL REQUESTS.json ROUNDS
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import torch
from lm_eval.models.huggingface import HFLM


def main() -> None:
    model, requests, rounds = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3])
    torch.set_num_threads(1)
    harness = HFLM(pretrained=model, device="cpu", dtype="float32", batch_size=16)
    pairs = [SimpleNamespace(args=tuple(pair)) for pair in requests]
    seconds = []
    for _ in range(rounds):
        started = time.process_time()
        found = harness.loglikelihood(pairs, disable_tqdm=True)
        seconds.append(time.process_time() - started)
    print(json.dumps({"seconds": min(seconds), "nats": [-value for value, _ in found]}))


if __name__ == "__main__":
    main()
