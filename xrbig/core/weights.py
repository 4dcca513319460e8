"""How far findings count: smooth shares, so that nothing jumps where a sample or two are left out."""

import numpy as np
from scipy.special import ndtri

from xrbig.core.marginal import Floats

FAINT, CLEAR = 0.1, 0.003  # family-wise probability of chance: nothing of the best of several findings counts, all does
STEPS = 30  # of the expectation maximization of weights
ERRORS = 2.0  # standard errors at which half of what another kind of estimate finds more counts
EVIDENT = 1.5, 3.5  # normal scores of one test: where its finding counts not at all, and in full


def share(t: Floats, least: Floats | float, full: Floats | float) -> Floats:
    """0 up to `least`, 1 from `full` on, smooth between."""
    u = np.clip((t - least) / (full - least), 0, 1)
    return np.asarray(u * u * (3 - 2 * u))


def share_of_best(t: Floats, tests: int) -> Floats:
    """Share of a finding, the best of so many `tests`, by its normal score."""
    return share(t, -ndtri(FAINT / tests), -ndtri(CLEAR / tests))


def wiener(t: Floats, errors: float = ERRORS) -> Floats:
    """Share of a finding that is `t` standard errors large, half at `errors`: the whole grows at most by 9/8 of it."""
    t = np.maximum(t, 0)
    return np.asarray(t * t / (t * t + errors * errors))


def normal_score(ratio: Floats, degrees: Floats | float) -> Floats:
    """Normal score of a chi-square variable over its mean (Wilson and Hilferty, PNAS 17:684, 1931)."""
    scale = 2 / (9 * degrees)
    return np.asarray((np.cbrt(ratio) - (1 - scale)) / np.sqrt(scale))


def evidence(terms: Floats, effective: float) -> float:
    """Mean of pointwise terms in its standard errors, of so many independent samples."""
    return float(terms.mean() / max(terms.std() / np.sqrt(effective), 1e-12))


def climb(now: Floats, other: Floats, effective: float, errors: float = ERRORS, spread: float = 1.0) -> Floats:
    """The estimate `now` (sample,), or as far as it evidently finds more the `other`."""
    more = other - now
    return np.asarray(now + wiener(np.array(evidence(more, effective) / spread), errors) * more)


def stacked(density: Floats) -> Floats:
    """Weights (model, ..., 1) by which unseen samples, of `density` (model, ..., sample) by each, are likeliest."""
    weight = np.full((*density.shape[:-1], 1), 1 / len(density))
    for _ in range(STEPS):
        joint = weight * density
        weight = (joint / joint.sum(axis=0)).mean(axis=-1, keepdims=True)
    return weight
