"""What an audit was given and what of it was tested: every figure of an audit refers to this population."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from corpuskit.memorization.corpus.windows import Numbers, Windows, planted
from corpuskit.tokens import Shards


@dataclass(frozen=True)
class Population:
    """The documents of one side of an audit, without planted canaries.

    `documents` is the sum of `tested`, `not_drawn`, `too_short` and `shared`.
    """

    documents: int
    tested: int
    """Documents with at least one tested window."""
    not_drawn: int
    """Documents long enough for a window, of which the sample drew none."""
    too_short: int
    """Documents shorter than a window: nothing is known of them."""
    shared: int
    """Held-out documents all of whose drawn windows are in the training text too, so that they are no control."""
    beyond_context: int
    """Documents longer than the model's context (of the tested and not drawn ones too): tested in windows, never
    whole."""
    windows: int
    """Tested windows."""
    shared_windows: int
    """Drawn windows that were left out because the training text has them."""
    window: int
    """Tokens of a window."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        """'6 of 406 documents were tested; 400 are shorter than a window of 64 tokens'."""
        parts = [f"{self.tested:,} of {_documents(self.documents)} {'was' if self.documents == 1 else 'were'} tested"]
        if self.too_short:
            verb = "is" if self.too_short == 1 else "are"
            parts.append(f"{self.too_short:,} {verb} shorter than a window of {self.window} tokens")
        if self.not_drawn:
            parts.append(f"{self.not_drawn:,} {'was' if self.not_drawn == 1 else 'were'} not drawn")
        if self.shared:
            parts.append(f"{self.shared:,} {'has' if self.shared == 1 else 'have'} only text that is training text too")
        return "; ".join(parts)


def population(shards: Shards, drawn: Windows, tested: Windows, length: int, context: int) -> Population:
    """The population of a sample: `drawn` from the shards, of which the windows `tested` were kept.

    `length` is the number of tokens of a window, `context` that of the model's context.
    """
    sizes = [np.diff(shard.offsets)[~planted(shard)] for shard in shards.shards]
    all_sizes = np.concatenate([np.empty(0, np.int64), *sizes])
    with_drawn, with_tested = _count(drawn), _count(tested)
    # the token that ends a document is not part of a window
    fits = int((all_sizes - 1 >= length).sum())
    return Population(
        documents=len(all_sizes),
        tested=with_tested,
        not_drawn=fits - with_drawn,
        too_short=len(all_sizes) - fits,
        shared=with_drawn - with_tested,
        beyond_context=int((all_sizes > context).sum()),
        windows=len(tested),
        shared_windows=len(drawn) - len(tested),
        window=length,
    )


def _count(windows: Windows) -> int:
    rows: Numbers = np.stack([windows.shard, windows.row])
    return int(np.unique(rows, axis=1).shape[1])


def _documents(number: int) -> str:
    return f"{number:,} document" if number == 1 else f"{number:,} documents"
