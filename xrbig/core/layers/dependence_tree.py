"""Layers of pairs: a tree of features, each mapped to N(0, 1) by its distribution given the one it hangs on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.special import chdtri, ndtr

from xrbig.core import tuning
from xrbig.core.crossfit import Folds, Turn, best_parts, weight
from xrbig.core.layers import mixture
from xrbig.core.layers.base import Map
from xrbig.core.marginal import Floats, Ints

FEWEST_BINS, MOST_BINS = 4, 12
SAMPLES_PER_BIN = 20


class Edge(Protocol):
    """What an edge of a tree may be."""

    def fit(self, z: Floats, pairs: Sequence[Ints]) -> list[Map]:
        """Fit to pairs (stack, 2, sample) of these features: maps of the second given the first."""
        ...


EDGES: list[Callable[[int, int], Sequence[Edge]]] = [mixture.edges]  # of so many samples and a seed


@dataclass(frozen=True)
class Tree:
    """Each feature by its distribution given the one it hangs on; the pairs lead from the leaves up."""

    pairs: Sequence[Ints]
    edges: Sequence[Edge]
    name = "pairs"

    def fit(self, x: Floats, like: list[Map] | None = None) -> list[Map]:
        """Fit to samples (feature, sample)."""
        maps: dict[int, Map] = {}
        for edge in dict.fromkeys(self.edges):
            places = [i for i, other in enumerate(self.edges) if other == edge]
            pairs = [self.pairs[i] for i in places]
            maps.update(zip(places, edge.fit(np.stack([x[pair] for pair in pairs]), pairs), strict=True))
        return [maps[i] for i in range(len(self.pairs))]


def choose(folds: Folds, turn: Turn) -> Tree | None:
    """A tree of the pairs that gain, each the edge by which held-out samples gain most."""
    if turn.raw or len(folds.whole) == 1:
        return None
    pairs = [np.array(pair) for pair in chow_liu_tree(folds.whole, turn.alpha)[::-1]]
    if not pairs:
        return None
    edges = [edge for kind in EDGES for edge in kind(folds.fitted, turn.seed)]
    chosen, gains = best_parts([Tree(pairs, [edge] * len(pairs)) for edge in edges], folds)
    kept = np.flatnonzero(weight(gains, tuning.TUNING.evidence) > 0.5)
    return Tree([pairs[i] for i in kept], [edges[chosen[i]] for i in kept]) if kept.size else None


def chow_liu_tree(z: Floats, significance: float) -> list[tuple[int, int]]:
    """Parent and child of each edge of the tree, of pairs whose I is significant."""
    shared = _pairwise_information(z[:, :: max(1, z.shape[1] // tuning.TUNING.most_samples)], significance)
    spanning = minimum_spanning_tree(-shared)
    spanning = spanning + spanning.T
    edges: list[tuple[int, int]] = []
    reached: set[int] = set()
    for root in np.argsort(-shared.sum(axis=1), kind="stable"):
        if int(root) not in reached:
            order, parent = breadth_first_order(spanning, root, directed=False)
            reached.update(map(int, order))
            edges.extend((int(parent[child]), int(child)) for child in order[1:])
    return edges


def _pairwise_information(z: Floats, significance: float) -> Floats:
    """I of each pair of features on a grid of equal shares, less its mean by chance; 0 where it is not significant."""
    features, n = z.shape
    bins = int(np.clip(np.sqrt(n / SAMPLES_PER_BIN), FEWEST_BINS, MOST_BINS))
    place = np.minimum(ndtr(z) * bins, bins - 1).astype(np.intp)
    inside = (place[:, None] == np.arange(bins)[:, None]).astype(np.float32).reshape(features * bins, n)
    share = (inside @ inside.T).reshape(features, bins, features, bins).swapaxes(1, 2) / n
    expected = share.sum(axis=3, keepdims=True) * share.sum(axis=2, keepdims=True)
    information = np.sum(share * np.log(np.where(share > 0, share / np.maximum(expected, 1e-12), 1)), axis=(2, 3))
    freedom = (bins - 1) ** 2
    pairs = features * (features - 1) / 2
    np.fill_diagonal(information, 0)
    significant = 2 * n * information > chdtri(freedom, significance / pairs)
    return np.where(significant, information - freedom / (2 * n), 0).astype(np.float64)
