"""Differential entropy of single features, and of the normal distribution of the same covariance."""

import numpy as np
from scipy.special import psi

from xrbig.core.cache import cached
from xrbig.core.marginal import Floats, run_lengths
from xrbig.core.rotation import null_log_det

REACH = 3  # neighbours on each side: fewer are noisier, more blur what is narrower than they reach
SINGULAR = 1e-12  # least eigenvalue of a correlation matrix whose features are not linear functions of each other


def marginal_entropies(ordered: Floats) -> Floats:
    """Entropy (cell, feature) of features whose values (cell, feature, sample) are in order.

    H = psi(n + 1) + mean over i of log(x_(j) - x_(k)) - psi(j - k), where j and k are `REACH` places above and below
    i, or at the last and the first place (Vasicek, Journal of the Royal Statistical Society B 38:54, 1976). The
    digammas make it exact on average for a uniform density (van Es, Scandinavian Journal of Statistics 19:61, 1992).
    """
    values = spread_ties(ordered)
    n = values.shape[-1]
    places = np.arange(n)
    low, high = np.maximum(places - REACH, 0), np.minimum(places + REACH, n - 1)
    upper, lower = (np.take(values, end, axis=-1) for end in (high, low))  # rows that are summed alike in any stack
    halves = upper / 2 - lower / 2  # so that no difference overflows
    logs = np.log(np.maximum(halves, np.finfo(float).tiny)) - psi(high - low)
    return np.asarray(logs.mean(axis=-1) + np.log(2) + psi(n + 1))


def spread_ties(ordered: Floats) -> Floats:
    """Spread equal values over half of the gaps to their neighbours, at fixed random places.

    So the entropy is that of a density which is even within the steps of a quantised feature. The least and the
    greatest value take the gap on their one side for both. Even places would be more regular than chance.
    """
    lengths = run_lengths(ordered)
    if (lengths == 1).all():
        return ordered
    n = ordered.shape[-1]
    starts = np.cumsum(lengths) - lengths
    gaps = np.zeros(len(lengths) + 1)
    gaps[1:-1] = np.diff(ordered.reshape(-1)[starts])
    gaps[:-1][starts % n == 0] = 0  # a new row
    below, above = gaps[:-1], gaps[1:]
    below, above = np.where(below > 0, below, above), np.where(above > 0, above, below)
    run = np.repeat(np.arange(len(lengths)), lengths).reshape(-1, n)
    of_row = run - run[:, :1]
    places = np.sort(of_row + _places(n), axis=1) - of_row
    offsets = places * ((below + above) / 2)[run] - below[run] / 2
    return np.asarray(ordered + np.where(lengths[run] > 1, offsets, 0).reshape(ordered.shape))


@cached
def _places(n: int) -> Floats:
    return np.random.default_rng(n).random(n)


def normal_entropy(x: Floats) -> Floats:
    """Entropy (cell,) of normal features with the covariance of `x` (cell, feature, sample); NaN if it is singular.

    Exact on average if `x` is normal: the logarithms of the sum of squares and of the determinant of the correlations
    are freed of what chance takes from them.
    """
    features, n = x.shape[1:]
    x = np.ascontiguousarray(x)
    size = np.abs(x).max(axis=2, keepdims=True)
    y = x / size
    y = y - y.mean(axis=2, keepdims=True)
    spread = np.sqrt(np.sum(y**2, axis=2, keepdims=True))
    y /= spread
    correlation = y @ y.swapaxes(1, 2)
    variance = np.linalg.eigvalsh(correlation)
    singular = variance[:, 0] < SINGULAR
    variance[singular] = 1
    log_scale = np.log(size) + np.log(spread) - (psi((n - 1) / 2) + np.log(2)) / 2
    log_det = log_scale.sum(axis=(1, 2)) + np.log(variance).sum(axis=1) / 2 + null_log_det(features, n)
    return np.where(singular, np.nan, features / 2 * (np.log(2 * np.pi) + 1) + log_det)
