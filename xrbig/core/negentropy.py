"""Negentropy of standardized margins, its level on Gaussian data, and when it exceeds chance.

On bins between sample quantiles, the mass p_k of each bin is compared with its mass q_k under N(0, 1):
J = sum_k p_k log(p_k / q_k), the Kullback-Leibler divergence on that partition. On Gaussian samples the q_k are
Dirichlet spacings, so that mean and variance of J are sums of digammas and trigammas, less what estimating the mean
and the variance of the samples takes away (Chernoff & Lehmann, Annals of Mathematical Statistics 25:579, 1954).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import gammainccinv, ndtri, polygamma, psi

from xrbig.core import tuning
from xrbig.core.cache import cached
from xrbig.core.marginal import Bools, Floats, Ints, argsort, normal_scores, quantile_knots, scatter
from xrbig.core.weights import wiener

COARSEST, FINEST = 8, 512  # equal bins, before those at the ends are split
SAMPLES_PER_TAIL_BIN = 2
RARE = 1e-4  # probability of a gain by chance whose size tells its standard deviation
LEAST_MASS = 1e-12  # of a bin under N(0, 1): rounding makes smaller ones differ in the two tails


@cached
def resolutions(n: int) -> tuple[Ints, ...]:
    """Ranks, among n sorted samples, that bound the bins (from 0 to n + 1) at each resolution, the coarsest first.

    A resolution has twice as many equal bins as the one before, and halves the bins at the ends down to a few
    samples: tails and edges are where a density differs most from the normal.
    """
    bins = COARSEST
    edges = [_split_tails(n, bins)]
    while bins < FINEST and 2 * bins * tuning.TUNING.samples_per_bin <= n:
        bins *= 2
        edges.append(_split_tails(n, bins))
    return tuple(edges)


def _split_tails(n: int, bins: int) -> Ints:
    edges = np.round(np.arange(bins + 1) * (n + 1) / bins).astype(np.int64)
    tail = edges[1] >> np.arange(1, 64)
    tail = tail[tail >= SAMPLES_PER_TAIL_BIN]
    return np.unique(np.concatenate([edges, tail, n + 1 - tail]))


class Bins(NamedTuple):
    """The bins of all resolutions, one after the other.

    Attributes
    ----------
    edges : array (edge,), ranks that bound any of them
    lower, upper : arrays (bin,), the places of their bounds among the edges
    share : array (bin,), their share of the samples
    first : array (resolution,), the first bin of each resolution
    """

    edges: Ints
    lower: Ints
    upper: Ints
    share: Floats
    first: Ints


@cached
def bins_of_all_resolutions(n: int) -> Bins:
    """Lay out the bins of all resolutions of n samples."""
    edges = np.unique(np.concatenate(resolutions(n)))
    lower = np.concatenate([r[:-1] for r in resolutions(n)])
    upper = np.concatenate([r[1:] for r in resolutions(n)])
    first = np.cumsum([0, *(len(r) - 1 for r in resolutions(n)[:-1])])
    places = [np.searchsorted(edges, bounds) for bounds in (lower, upper)]
    return Bins(edges, places[0], places[1], (upper - lower) / (n + 1), first)


class NullLevel(NamedTuple):
    """Mean and standard deviation of J on Gaussian samples, each an array (resolution,)."""

    mean: Floats
    std: Floats


@cached
def null_level(n: int) -> NullLevel:
    """Null level of the negentropy of n Gaussian samples, standardized by their mean and variance."""
    levels = []
    for edges in resolutions(n):
        count = np.diff(edges)
        share = count / (n + 1)
        captured = _captured_information(edges / (n + 1))
        mean = np.sum(share * (np.log(share) + psi(n + 1) - psi(count))) - np.sum(captured) / (2 * n)
        variance = np.sum(share**2 * polygamma(1, count)) - polygamma(1, n + 1)
        variance -= np.sum(1 - (1 - captured) ** 2) / (2 * n**2)
        levels.append((mean, np.sqrt(variance)))
    return NullLevel(*np.array(levels).T)


def _captured_information(levels: Floats) -> Floats:
    """Share of the Fisher information on location and on scale that bins of a normal sample keep."""
    edge = ndtri(levels[1:-1])
    density = np.exp(-(edge**2) / 2) / np.sqrt(2 * np.pi)
    location = np.diff(density, prepend=0, append=0)
    scale = np.diff(edge * density, prepend=0, append=0)
    share = np.diff(levels)
    return np.array([np.sum(location**2 / share), np.sum(scale**2 / share) / 2])


@cached
def critical_gain(n: int, features: int, significance: float) -> Floats:
    """Gain of a layer, per resolution, that chance exceeds at any of them at most so often.

    The sum of the marginal J is taken for a gamma variable, as a chi-square one is. Each resolution gets half the
    probability of the one before, as what chance yields on finer bins is larger.
    """
    null = null_level(n)
    shape = features * (null.mean / null.std) ** 2
    quantile = gammainccinv(shape, significance / 2.0 ** np.arange(1, len(shape) + 1)) / shape
    return np.asarray(features * null.mean * (quantile - 1))


def noise(n: int, features: int) -> float:
    """Standard deviation of what the margins of so many normal features gain by chance."""
    return float(critical_gain(n, features, RARE)[0] / -ndtri(RARE))


class Gain(NamedTuple):
    """What a marginal Gaussianization of `features` features and `n` samples removes, per cell.

    Attributes
    ----------
    value : array (cell,), sum of the marginal negentropies less its null level
    resolution : array (cell,), index of the resolution at which it was measured
    """

    value: Floats
    resolution: Ints
    features: int
    n: int

    def exceeds_chance(self, significance: float) -> Bools:
        """Whether Gaussian margins yield such a gain with a probability below `significance`."""
        return self.value > critical_gain(self.n, self.features, significance)[self.resolution]


def marginal_gain(y: Floats, order: Ints) -> Gain:
    """Gain of Gaussianizing the margins of `y` (cell, feature, sample; mean 0, variance 1), given their order.

    Of the resolutions the one is taken whose gain less two standard deviations is the largest.
    """
    features, n = y.shape[1:]
    null = null_level(n)
    bins = bins_of_all_resolutions(n)
    knots = np.clip(quantile_knots(y, order, bins.edges), LEAST_MASS, 1 - LEAST_MASS)
    share = bins.share[:, None]
    terms = share * np.log(share / np.maximum(knots[bins.upper] - knots[bins.lower], LEAST_MASS))
    marginal = np.add.reduceat(terms, bins.first, axis=0).reshape(-1, len(y), features)
    gains = marginal.sum(axis=2).T - null.mean * features
    best = np.argmax(gains - 2 * null.std * np.sqrt(features), axis=1)
    return Gain(gains[np.arange(len(y)), best], best, features, n)


def marginal_terms(y: Floats, order: Ints, resolution: Ints) -> Floats:
    """What each sample of `y` (cell, feature, sample) adds to the mean that is the gain at `resolution` (cell,)."""
    n = y.shape[2]
    terms = np.empty(y.shape)
    for index in np.unique(resolution):
        cells = np.flatnonzero(resolution == index)
        edges = resolutions(n)[index]
        masses = np.diff(quantile_knots(y[cells], order[cells], edges), axis=0)
        ratio = np.log(np.diff(edges)[:, None] / (n + 1) / np.maximum(masses, LEAST_MASS)).T
        counts = np.diff(np.minimum(edges, n))
        ordered = np.repeat(ratio, counts, axis=1).reshape(len(cells), *y.shape[1:])
        terms[cells] = scatter(ordered, order[cells])
    return np.asarray(terms.sum(axis=1))


def margins_above_chance(y: Floats) -> tuple[Floats, Floats]:
    """Negentropies of the margins of `y` (cell, feature, sample), as far as they exceed chance, and `y` without them.

    From coarse bins to fine ones: what finer bins find more counts by how many standard errors it is large. The margins
    become normal by the share of the largest that counts.
    """
    features, n = y.shape[1:]
    y = y - y.mean(axis=-1, keepdims=True)
    y /= y.std(axis=-1, keepdims=True)
    null, bins, order = null_level(n), bins_of_all_resolutions(n), argsort(y)
    knots = np.clip(quantile_knots(y, order, bins.edges), LEAST_MASS, 1 - LEAST_MASS)
    share = bins.share[:, None]
    terms = share * np.log(share / np.maximum(knots[bins.upper] - knots[bins.lower], LEAST_MASS))
    gains = np.add.reduceat(terms, bins.first, axis=0).reshape(-1, len(y), features).sum(axis=2)
    gains -= features * null.mean[:, None]
    found, before = np.zeros(len(y)), 0.0
    for gain, std in zip(gains, null.std * np.sqrt(features), strict=True):
        more = np.maximum(gain - found, 0)
        found += wiener(more / np.sqrt(max(std**2 - before**2, std**2 / 4)), tuning.TUNING.evidence_both_ways) * more
        before = std
    counts = np.where(found > 0, np.minimum(found / gains.max(axis=0), 1), 0)[:, None, None]
    normal = scatter(normal_scores(n, 1, 0), order)
    return found, y + counts * (normal - y)
