"""Boosted trees as plain arrays, and a compiled walk through them.

The trees are LightGBM's (Ke et al., NeurIPS 2017): numerical splits, `value <= threshold` goes left. A file holds the
arrays of all forests of a model as one numpy archive without pickled objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.errors import CorpuskitError


class Forest(NamedTuple):
    """Trees of one output or several; tree t adds to output `t % outputs`.

    A node is an inner one where its feature is 0 or more; at a leaf the feature is -1 and the threshold is its value.
    """

    roots: npt.NDArray[np.int32]
    """int32[trees]"""
    feature: npt.NDArray[np.int16]
    """int16[nodes]"""
    threshold: npt.NDArray[np.float32]
    """float32[nodes]"""
    left: npt.NDArray[np.uint16]
    """uint16[nodes]: the left child, counted from the node; the right child follows the left one's tree."""
    right: npt.NDArray[np.uint16]
    outputs: int = 1

    def scores(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """float32[rows, outputs]: the sums of the trees, before any link function."""
        found: npt.NDArray[np.float32] = _walk(
            self.roots, self.feature, self.threshold, self.left, self.right, self.outputs, rows
        )
        return found


@nb.njit(cache=True, nogil=True)
def _walk(roots: Any, feature: Any, threshold: Any, left: Any, right: Any, outputs: Any, rows: Any) -> Any:
    found = np.zeros((len(rows), outputs), np.float32)
    for tree in range(len(roots)):
        output = tree % outputs
        for r in range(len(rows)):
            node = np.int64(roots[tree])
            split = feature[node]
            while split >= 0:
                node += np.int64(left[node]) if rows[r, split] <= threshold[node] else np.int64(right[node])
                split = feature[node]
            found[r, output] += threshold[node]
    return found


def logistic(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Probabilities of scores."""
    return (1 / (1 + np.exp(-scores))).astype(np.float32)


def softmax(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Probabilities of rows of scores."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True)).astype(np.float32)
    shares: npt.NDArray[np.float32] = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def from_lightgbm(booster: Any) -> Forest:
    """The trees of a LightGBM booster whose splits are all numerical and whose values are never missing."""
    dump = booster.dump_model()
    feature: list[int] = []
    threshold: list[float] = []
    left: list[int] = []
    right: list[int] = []

    def add(node: dict[str, Any]) -> int:
        place = len(feature)
        feature.append(-1)
        threshold.append(0.0)
        left.append(0)
        right.append(0)
        if "leaf_value" in node and "split_feature" not in node:
            threshold[place] = float(node["leaf_value"])
            return place
        if node["decision_type"] != "<=":
            raise ValueError(f"a split of the kind '{node['decision_type']}' is not a numerical one")
        feature[place] = int(node["split_feature"])
        threshold[place] = float(np.nextafter(np.float32(node["threshold"]), np.float32(-np.inf)))
        if float(np.float32(node["threshold"])) <= node["threshold"]:
            threshold[place] = float(np.float32(node["threshold"]))
        left[place] = add(node["left_child"]) - place
        right[place] = add(node["right_child"]) - place
        return place

    roots = [add(tree["tree_structure"]) for tree in dump["tree_info"]]
    return Forest(
        np.array(roots, np.int32),
        np.array(feature, np.int16),
        np.array(threshold, np.float32),
        np.array(left, np.uint16),
        np.array(right, np.uint16),
        int(dump["num_tree_per_iteration"]),
    )


def save(path: Path, forests: Mapping[str, Forest], **arrays: npt.NDArray[Any]) -> None:
    """Write forests, and other arrays, to a file."""
    held: dict[str, npt.NDArray[Any]] = dict(arrays)
    for name, forest in forests.items():
        for field in ("roots", "feature", "threshold", "left", "right"):
            held[f"{name}.{field}"] = getattr(forest, field)
        held[f"{name}.outputs"] = np.array(forest.outputs)
    np.savez_compressed(path, **held)  # type: ignore[arg-type]


def load(path: Path) -> tuple[dict[str, Forest], dict[str, npt.NDArray[Any]]]:
    """(forests, other arrays) of a file.

    Raises CorpuskitError for a file that is missing, cut off or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        names = {name.removesuffix(".roots") for name in held if name.endswith(".roots")}
        forests = {
            name: Forest(
                held.pop(f"{name}.roots"),
                held.pop(f"{name}.feature"),
                held.pop(f"{name}.threshold"),
                held.pop(f"{name}.left"),
                held.pop(f"{name}.right"),
                int(held.pop(f"{name}.outputs")),
            )
            for name in names
        }
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise CorpuskitError(f"{path} is no extraction model that can be read: {error}") from None
    return forests, held
