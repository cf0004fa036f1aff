"""One rank of a training that `corpuskit.training.launch` started.

The first rank prints a JSON line for each step and one for the end.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Any

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.training.config import TrainConfig
from corpuskit.training.pretrain import pretrain


def main(shards: str, folder: str, settings: str, resume: str) -> None:
    """Run one rank: the arguments are those of the command line."""
    first = os.environ.get("RANK") == "0"

    def say(**line: Any) -> None:
        if first:
            print(json.dumps(line), flush=True)

    config = TrainConfig.model_validate_json(settings)
    try:
        result = pretrain(shards, folder, config, watch=lambda *step: say(step=step), resume=bool(int(resume)))
    except CorpuskitError as error:
        say(error=str(error), usage=isinstance(error, UsageError))
        sys.exit(1)
    say(result=asdict(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
