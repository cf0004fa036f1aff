"""Continuations of one prefix in one row of a batch: the prefix is read once, however many choices follow it.

    row        prefix | choice 1 | choice 2 | ...
    positions  0 … p-1 | p …      | p …

Each choice sees the prefix and itself, and no other choice (a tree of attention, as in Cai et al. 2024,
arXiv:2401.10774, section 3.1). With several examples before a question of four choices this reads nearly four times
fewer tokens, and the scores are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpuskit.errors import require
from corpuskit.tokens.windows import Numbers
from corpuskit.training.evaluation.language_model import LanguageModel
from corpuskit.training.loss import token_losses
from corpuskit.training.models import layer_masks, output_head


@dataclass(frozen=True)
class Tree:
    """A prefix int64[p], p > 0, and what may follow it, int64[n] each, n > 0."""

    prefix: Numbers
    choices: tuple[Numbers, ...]

    @property
    def length(self) -> int:
        """Tokens of the row: a choice's last token is predicted and reads nothing."""
        return len(self.prefix) + sum(len(choice) - 1 for choice in self.choices)

    def segments(self) -> Numbers:
        """int64[length]: 0 for the prefix, j for choice j."""
        sizes = [len(self.prefix), *(len(choice) - 1 for choice in self.choices)]
        return np.repeat(np.arange(len(sizes)), sizes)

    def tokens(self) -> Numbers:
        return np.concatenate([self.prefix, *(choice[:-1] for choice in self.choices)])

    def positions(self) -> Numbers:
        size = len(self.prefix)
        return np.concatenate([np.arange(size), *(np.arange(size, size + len(c) - 1) for c in self.choices)])

    def predictors(self) -> Numbers:
        """int64[predicted tokens]: the place in the row that predicts each token of each choice."""
        places, start = [], len(self.prefix)
        for choice in self.choices:
            places += [np.array([len(self.prefix) - 1]), np.arange(start, start + len(choice) - 1)]
            start += len(choice) - 1
        return np.concatenate(places)


def tree_costs(
    model: LanguageModel, trees: Sequence[Tree]
) -> tuple[list[list[npt.NDArray[np.float64]]], list[list[bool]]]:
    """For each tree, for each of its choices: (nats of each token, whether every token is the model's first choice).

    For decoders of our own classes; one forward pass.
    """
    torch = require("torch", "train")
    longest = max(tree.length for tree in trees)
    shape = (len(trees), longest)
    tokens = np.full(shape, model.tokenizer.pad, np.int64)
    positions, segments = np.zeros(shape, np.int64), np.full(shape, -1, np.int64)
    for row, tree in enumerate(trees):
        tokens[row, : tree.length] = tree.tokens()
        positions[row, : tree.length] = tree.positions()
        segments[row, : tree.length] = tree.segments()
    predictors = [tree.predictors() for tree in trees]
    rows = np.repeat(np.arange(len(trees)), [len(places) for places in predictors])
    targets = np.concatenate([token for tree in trees for token in tree.choices])
    device = model.device
    with model.measuring():
        segment = torch.from_numpy(segments).to(device)
        mask = (segment[:, None, :] == segment[:, :, None]) | (segment[:, None, :] == 0)
        mask &= torch.ones(longest, longest, dtype=torch.bool, device=device).tril()
        places = torch.from_numpy(positions).to(device)
        states = model.body.base_model(
            input_ids=torch.from_numpy(tokens).to(device),
            position_ids=places,
            attention_mask=layer_masks(model.body.config, mask[:, None], places),
            use_cache=False,
        ).last_hidden_state
        chosen = states[torch.from_numpy(rows).to(device), torch.from_numpy(np.concatenate(predictors)).to(device)]
        losses, hits = token_losses(chosen, output_head(model.body), torch.from_numpy(targets).to(device))
    nats, first = losses.double().cpu().numpy(), hits.cpu().numpy()
    sizes = np.array([len(choice) for tree in trees for choice in tree.choices])
    bounds = np.cumsum(sizes)[:-1]
    each, hits = iter(np.split(nats, bounds)), iter(np.split(first, bounds))
    return (
        [[next(each) for _ in tree.choices] for tree in trees],
        [[bool(next(hits).all()) for _ in tree.choices] for tree in trees],
    )
