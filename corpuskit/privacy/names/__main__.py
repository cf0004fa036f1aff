"""`python -m corpuskit.privacy.names train|evaluate|cross-validate`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from corpuskit.errors import CorpuskitError
from corpuskit.privacy.names import cross_validate, evaluate, read_labelled, train


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m corpuskit.privacy.names", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("train", "evaluate", "cross-validate"):
        command = commands.add_parser(name)
        command.add_argument("labelled", type=Path, help="sentences in the format of KLUE-NER")
        if name != "cross-validate":
            command.add_argument("model", type=Path, help="the model's file")
    given = parser.parse_args(arguments)
    try:
        sentences = read_labelled(given.labelled)
        if given.command == "train":
            train(sentences, given.model)
            print(f"{given.model}: trained on {len(sentences)} sentences")
            return 0
        scores = evaluate(sentences, given.model) if given.command == "evaluate" else cross_validate(sentences)
    except CorpuskitError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for name, score in scores.items():
        print(f"{name:13} precision {score.precision:.3f} recall {score.recall:.3f} F1 {score.f1:.3f} ({score.names})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
