"""Layer of pairs: a tree of features, each mapped to N(0, 1) by its distribution given the one it hangs on."""

import numpy as np

from xrbig.core import neighbours
from xrbig.core.layers.dependence_tree import chow_liu_tree
from xrbig.core.marginal import Floats
from xrbig.core.mixture import Candidate, CrossFit, best_cross_fit

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
