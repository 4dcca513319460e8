"""Negentropy of standardized margins, its level on Gaussian data, and when it exceeds chance.

On bins between sample quantiles, the mass p_k of each bin is compared with its mass q_k under N(0, 1):
J = sum_k p_k log(p_k / q_k), the Kullback-Leibler divergence on that partition. Its mean on Gaussian samples
is that of Dirichlet spacings, less what estimating the mean and the variance takes away; 2 n J is chi-square there,
but for those two terms (Chernoff & Lehmann, Annals of Mathematical Statistics 25:579, 1954).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import gammainccinv, ndtri, psi

from xrbig.core.marginal import Bools, Floats, Ints, bin_edges, quantile_knots

COARSEST, FINEST = 8, 512
SAMPLES_PER_BIN = 12


@lru_cache(maxsize=64)
def resolutions(n: int) -> tuple[int, ...]:
    """Numbers of bins, each twice the one before, that n samples can resolve."""
    bins = [COARSEST]
    while bins[-1] < FINEST and 2 * bins[-1] * SAMPLES_PER_BIN <= n:
        bins.append(2 * bins[-1])
    return tuple(bins)


class NullLevel(NamedTuple):
    """Mean, standard deviation and degrees of freedom of J on Gaussian samples, per resolution."""

    mean: Floats
    std: Floats
    freedom: Floats


@lru_cache(maxsize=64)
def null_level(n: int) -> NullLevel:
    """Null level of the negentropy of n Gaussian samples, standardized by their mean and variance."""
    finest = resolutions(n)[-1]
    edges = bin_edges(n, finest)
    levels = []
    for bins in resolutions(n):
        count = np.diff(edges[:: finest // bins])
        share = count / (n + 1)
        spacings = np.sum(share * (np.log(share) + psi(n + 1) - psi(count)))
        lost = 1 - _captured_information(bins)
        freedom = bins - 3 + np.sum(lost)
        std = np.sqrt(2 * (bins - 3) + 2 * np.sum(lost**2)) / (2 * n)
        levels.append((spacings - (2 - np.sum(lost)) / (2 * n), std, freedom))
    return NullLevel(*np.array(levels).T)


def _captured_information(bins: int) -> Floats:
    """Share of the Fisher information on location and on scale that equal normal bins keep."""
    edge = ndtri(np.arange(1, bins) / bins)
    density = np.exp(-(edge**2) / 2) / np.sqrt(2 * np.pi)
    location = np.diff(density, prepend=0, append=0)
    scale = np.diff(edge * density, prepend=0, append=0)
    return np.array([bins * np.sum(location**2), bins * np.sum(scale**2) / 2])


@lru_cache(maxsize=256)
def critical_gain(n: int, features: int, significance: float) -> Floats:
    """Gain of a layer, per resolution, that chance exceeds at any of them at most so often."""
    null = null_level(n)
    shape = null.freedom * features / 2
    quantile = gammainccinv(shape, significance / len(shape))
    return np.asarray((quantile - shape) / np.sqrt(shape) * null.std * np.sqrt(features))


class Gain(NamedTuple):
    """What a marginal Gaussianization removes, per cell.

    Attributes
    ----------
    gain : array (cell,), sum of the marginal negentropies less its null level
    significant : array (cell,)
    bins : array (cell,), the resolution at which it was measured
    """

    gain: Floats
    significant: Bools
    bins: Ints


def marginal_gain(y: Floats, order: Ints, significance: float) -> Gain:
    """Gain of Gaussianizing the margins of `y` (cell, feature, sample; mean 0, variance 1).

    Of the resolutions the one is taken whose gain less two standard deviations is the largest. The gain is
    significant if chance exceeds it with a probability below `significance`.
    """
    features, n = y.shape[1:]
    bins = resolutions(n)
    null = null_level(n)
    edges = bin_edges(n, bins[-1])
    knots = quantile_knots(y, order, edges)
    gains = np.empty((len(y), len(bins)))
    for level, step in enumerate(bins[-1] // np.array(bins)):
        share = np.diff(edges[::step]) / edges[-1]
        mass = np.maximum(np.diff(knots[..., ::step]), np.finfo(float).tiny)
        gains[:, level] = np.sum(share * np.log(share / mass), axis=(1, 2))
    gains -= null.mean * features
    best = np.argmax(gains - 2 * null.std * np.sqrt(features), axis=1)
    gain = gains[np.arange(len(y)), best]
    critical = critical_gain(n, features, significance)[best]
    return Gain(gain, gain > critical, np.array(bins)[best])
