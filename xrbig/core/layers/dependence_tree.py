"""Layers of pairs: a tree of features, each mapped to N(0, 1) by its distribution given the one it hangs on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.special import chdtri, ndtr

from xrbig.core import tuning
from xrbig.core.crossfit import CrossFit, Folds, Turn, best_parts, cross_fit, is_enough
from xrbig.core.layers import mixture, pair_copulas
from xrbig.core.layers.base import Map
from xrbig.core.marginal import Floats, Ints

FEWEST_BINS, MOST_BINS = 4, 12
SAMPLES_PER_BIN = 20
DEGREES, OUTERMOST = 3, 3.0  # of polynomials, and the scores from which they are constant
SURE = 1 - 1e-12  # square of a correlation


class Edge(Protocol):
    """What an edge of a tree may be."""

    def fit(self, z: Floats, pairs: Sequence[Ints]) -> list[Map]:
        """Fit to pairs (stack, 2, sample) of these features: maps of the second given the first."""
        ...


EDGES: list[Callable[[int, int], Sequence[Edge]]] = [mixture.edges, pair_copulas.edges]  # of so many samples and a seed


Shape = Callable[[Floats], list[tuple[int, int]]]  # pairs of a tree, parents first, of what each pair shares


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


def choose(folds: Folds, turn: Turn) -> CrossFit | None:
    """A vine (Bedford and Cooke, Annals of Statistics 30:1031, 2002): trees of pairs, each of what those before leave.

    They are all the most informative trees or all stars, whatever held-out samples gain more by.
    """
    if turn.raw or len(folds.whole) == 1:
        return None
    vines = [_vine(folds, turn, shape) for shape in (spanning_tree, star)]
    best = max(vines, key=lambda vine: vine.score)
    return best if best.maps else None


def _vine(folds: Folds, turn: Turn, shape: Shape) -> CrossFit:
    """Trees of one shape, as long as there are any that gain."""
    vine = CrossFit.nothing(folds, "pairs")
    for _ in range(min(tuning.TUNING.trees, len(folds.whole) - 1)):
        tree = _best_tree(vine.after, turn, shape)
        if tree is None:
            break
        vine = vine.then(cross_fit(tree, vine.after))
    return vine


def _best_tree(folds: Folds, turn: Turn, shape: Shape) -> Tree | None:
    """Of the pairs of a tree those that gain, each by the edge by which held-out samples gain most."""
    pairs = [np.array(pair) for pair in shape(pairwise_information(folds.whole, tuning.TUNING.proposed))[::-1]]
    if not pairs:
        return None
    edges = [edge for kind in EDGES for edge in kind(folds.fitted, turn.seed)]
    chosen, gains = best_parts([Tree(pairs, [edge] * len(pairs)) for edge in edges], folds)
    kept = np.flatnonzero(is_enough(gains, tuning.TUNING.evidence))
    return Tree([pairs[i] for i in kept], [edges[chosen[i]] for i in kept]) if kept.size else None


def chow_liu_tree(z: Floats, significance: float) -> list[tuple[int, int]]:
    """Parent and child of each edge of the tree, of pairs whose I is significant."""
    return spanning_tree(pairwise_information(z, significance))


def star(shared: Floats) -> list[tuple[int, int]]:
    """The feature that shares most with all others, and each that it shares something with."""
    root = int(shared.sum(axis=1).argmax())
    return [(root, int(child)) for child in np.flatnonzero(shared[root])]


def spanning_tree(shared: Floats) -> list[tuple[int, int]]:
    """Parent and child of each edge of the tree that has the largest sum of what pairs share, parents first.

    Of all densities prod_d p(z_d | z_parent(d)) the likeliest is of that tree (Chow and Liu, IEEE Transactions on
    Information Theory 14:462, 1968).
    """
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


def pairwise_information(z: Floats, significance: float) -> Floats:
    """I of each pair of features, less its mean by chance; 0 where it is not significant.

    The larger of what a grid of equal shares sees, and what the correlations of Hermite polynomials do: the grid misses
    what is weak, the polynomials what is sharp.
    """
    z = z[:, :: max(1, z.shape[1] // tuning.TUNING.most_samples)]
    level = significance / max(1, len(z) * (len(z) - 1) / 2)
    return np.maximum(_by_grid(z, level), _by_polynomials(z, level))


def _by_grid(z: Floats, significance: float) -> Floats:
    features, n = z.shape
    bins = int(np.clip(np.sqrt(n / SAMPLES_PER_BIN), FEWEST_BINS, MOST_BINS))
    place = np.minimum(ndtr(z) * bins, bins - 1).astype(np.intp)
    inside = (place[:, None] == np.arange(bins)[:, None]).astype(np.float32).reshape(features * bins, n)
    share = (inside @ inside.T).reshape(features, bins, features, bins).swapaxes(1, 2) / n
    expected = share.sum(axis=3, keepdims=True) * share.sum(axis=2, keepdims=True)
    information = np.sum(share * np.log(np.where(share > 0, share / np.maximum(expected, 1e-12), 1)), axis=(2, 3))
    return _significant(information.astype(np.float64), n, (bins - 1) ** 2, significance)


def _by_polynomials(z: Floats, significance: float) -> Floats:
    """-1/2 log(1 - c^2), of the correlations c of polynomials of degree 1 to 3 (Neyman's smooth test has c^2)."""
    features, n = z.shape
    z = np.clip(z, -OUTERMOST, OUTERMOST)
    powers = np.stack([z, z**2, z**3 - 3 * z], axis=1).reshape(-1, n)
    powers -= powers.mean(axis=1, keepdims=True)
    powers /= np.sqrt((powers**2).sum(axis=1, keepdims=True))
    share = np.log1p(-np.minimum((powers @ powers.T) ** 2, SURE))
    information = -share.reshape(features, DEGREES, features, DEGREES).sum(axis=(1, 3)) / 2
    return _significant(information, n, DEGREES**2, significance)


def _significant(information: Floats, n: int, freedom: int, significance: float) -> Floats:
    """What I of pairs exceeds its mean by chance, where 2 n I exceeds its quantile."""
    significant = 2 * n * information > chdtri(freedom, significance)
    np.fill_diagonal(significant, False)
    return np.where(significant, information - freedom / (2 * n), 0)
