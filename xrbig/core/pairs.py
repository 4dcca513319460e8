"""Layer of pairs: a tree of features, each mapped to N(0, 1) by its distribution given the one it hangs on."""

import numpy as np
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.special import chdtri, ndtr

from xrbig.core import neighbours
from xrbig.core.marginal import Floats
from xrbig.core.mixture import Candidate, CrossFit, best_cross_fit

FEWEST_BINS, MOST_BINS = 4, 12
SAMPLES_PER_BIN = 20
SAMPLES = 10_000  # that find the tree: more add nothing but time
FITTED_SAMPLES = 2500  # of a half
CERTAIN = 3.0  # standard errors by which a pair must gain


def pair_layer(z: Floats, significance: float, seed: int) -> Candidate | None:
    """Layer for the samples `z` (feature, sample), margins N(0, 1); None where no pair shares enough.

    It has density prod_d p(z_d | z_parent(d)), as a tree that has the largest sum of pairwise I maximizes it (Chow and
    Liu, IEEE Transactions on Information Theory 14:462, 1968). Nearest neighbours see more of a pair than a mixture
    does; by how much is what the layer must have left.
    """
    edges = chow_liu_tree(z, significance)
    if not edges:
        return None
    fits = best_cross_fit(np.stack([z[[a, b]] for a, b in edges]), 1, FITTED_SAMPLES, seed)
    enough = [fit.unseen.mean() > CERTAIN * fit.unseen.std() / np.sqrt(z.shape[1]) for fit in fits]
    chosen = [(edge, fit) for edge, fit, keep in zip(edges, fits, enough, strict=True) if keep]
    if not chosen:
        return None
    gains = [fit.gain for _, fit in chosen]
    seen = [neighbours.total_correlation(z[list(edge)]).value for edge, _ in chosen]
    left = sum(max(0.0, s - gain) for s, gain in zip(seen, gains, strict=True))
    unseen = np.sum([fit.unseen for _, fit in chosen], axis=0)
    return Candidate(unseen, sum(gains), left, lambda: _apply(z, chosen))


def _apply(z: Floats, chosen: list[tuple[tuple[int, int], CrossFit]]) -> Floats:
    out = z.copy()
    for (parent, child), fit in chosen:
        out[child] = fit.apply(z[[parent, child]])[1]
    return out


def chow_liu_tree(z: Floats, significance: float) -> list[tuple[int, int]]:
    """Parent and child of each edge of the tree, of pairs whose I is significant."""
    shared = _pairwise_information(z[:, :: max(1, z.shape[1] // SAMPLES)], significance)
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
