"""One, two and three ranks read the same documents in the same order: the trace proves it, without torch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from corpuskit.tokens import Shards, TokenOrder

STEPS, BATCH = 12, 6

RANK = """
import json, sys
sys.modules["torch"] = None  # importing it would fail
from corpuskit.tokens import TokenOrder, open_shards
folder, settings, ranks, steps, batch = sys.argv[1], *map(json.loads, sys.argv[2:])
found = []
for rank in range(ranks):
    order = TokenOrder(open_shards(folder), batch=batch, seed=11, **settings)
    mine = []
    for step in range(1, steps + 1):
        samples = order.samples_at(step, rank, ranks)
        seen = [[one.sample, one.id, one.tokens] for one in order.trace_samples(samples)]
        mine.append({"seen": seen, "read": order.batch_of(samples).inputs.tolist()})
    found.append(mine)
print(json.dumps(found))
"""


@pytest.mark.parametrize(
    "settings_",
    [
        {},
        {"packing": "best_fit", "weights": "inverse", "mixture": {"news": 0.3, "board": 0.7}},
        {"epochs": {"news": 2}, "weights": "rehydrate"},
    ],
)
@pytest.mark.slow
def test_any_number_of_ranks_sees_the_same_global_order(shards: Shards, settings_: dict[str, object]) -> None:
    order = TokenOrder(shards, batch=BATCH, seed=11, **settings_)  # type: ignore[arg-type]
    for ranks in (1, 2, 3):
        command = [
            sys.executable,
            "-c",
            RANK,
            str(shards.folder),
            json.dumps(settings_),
            *map(str, (ranks, STEPS, BATCH)),
        ]
        by_rank = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for step in range(1, STEPS + 1):
            whole = [[one.sample, one.id, one.tokens] for one in order.trace(step)]
            parts = [mine[step - 1]["seen"] for mine in by_rank]
            samples = order.samples_at(step).tolist()
            assert sorted((row for part in parts for row in part), key=lambda row: row[0]) == whole
            for rank, part in enumerate(parts):
                assert {row[0] for row in part} == set(samples[rank::ranks])
            read = order.batch_of(order.samples_at(step)).inputs.tolist()
            assert [mine[step - 1]["read"] for mine in by_rank] == [read[rank::ranks] for rank in range(ranks)]
