"""How far findings count: smooth shares, so that nothing jumps where a sample or two are left out."""

import numpy as np
from scipy.special import ndtri

from xrbig.core import tuning
from xrbig.core.marginal import Floats

STEPS = 30  # of the expectation maximization of weights


def share(t: Floats, least: Floats | float, full: Floats | float) -> Floats:
    """0 up to `least`, 1 from `full` on, smooth between."""
    u = np.clip((t - least) / (full - least), 0, 1)
    return np.asarray(u * u * (3 - 2 * u))


def share_of_best(t: Floats, tests: int) -> Floats:
    """Share of a finding, the best of so many `tests`, by its normal score."""
    faint, clear = tuning.TUNING.by_chance
    return share(t, -ndtri(faint / tests), -ndtri(clear / tests))


def wiener(t: Floats, errors: float | None = None) -> Floats:
    """Share of a finding that is `t` standard errors large, half at `errors`: the whole grows at most by 9/8 of it."""
    t, half = np.maximum(t, 0), tuning.TUNING.evidence if errors is None else errors
    return np.asarray(t * t / (t * t + half * half))


def normal_score(ratio: Floats, degrees: Floats | float) -> Floats:
    """Normal score of a chi-square variable over its mean (Wilson and Hilferty, PNAS 17:684, 1931)."""
    scale = 2 / (9 * degrees)
    return np.asarray((np.cbrt(ratio) - (1 - scale)) / np.sqrt(scale))


def evidence(terms: Floats, effective: float) -> float:
    """Mean of pointwise terms in its standard errors, of so many independent samples."""
    return float(terms.mean() / max(terms.std() / np.sqrt(effective), 1e-12))


def climb(now: Floats, other: Floats, effective: float, errors: float | None = None, spread: float = 1.0) -> Floats:
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
