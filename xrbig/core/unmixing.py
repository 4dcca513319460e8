"""Unmixing layer: independent components of the data themselves, before their margins are made Gaussian."""

from typing import NamedTuple

import numpy as np

from xrbig.core import marginal, negentropy, rotation
from xrbig.core.entropy import marginal_entropies
from xrbig.core.marginal import Bools, Floats

HALVES = rotation.FITTED, rotation.HELD_OUT
ALIKE, NARROW = 8, 1e-8  # one in so many samples may not lie so near, in standard deviations: others are far off
NORMAL_ENTROPY = float(np.log(2 * np.pi * np.e) / 2)
LARGEST_SHARE = 0.1  # of the variance of a feature in one sample: beyond, covariances mean nothing


class Unmixed(NamedTuple):
    """Independent components of stacked cells.

    Attributes
    ----------
    gain : array (cell,), what unmixing takes from T
    assured : array (cell,), the least that it takes on any half of the samples, fitted on either half or on all
    noise : float, standard deviation of how much chance makes it exceed another gain
    y : array (cell, feature, sample)
    """

    gain: Floats
    assured: Floats
    noise: float
    y: Floats


def unmixing_layer(x: Floats, seed: int) -> Unmixed:
    """Unmix `x` (cell, feature, sample).

    The gain of y = W x is T(x) - T(y) = sum H(x_d) - sum H(y_d) + log |det W| (Eq. 6). Its optimism, found by fitting
    on one half of the samples and judging on the other, is taken off: that of a fit on all is half as large.
    """
    features, n = x.shape[1:]
    x = standardize(x)
    halves = [np.ascontiguousarray(x[..., half]) for half in HALVES]
    unmixings = [_unmix(half, seed) for half in halves]
    gains = np.array([[_gain(half, unmixing) for half in halves] for unmixing in unmixings])
    whole = _unmix(x, seed)
    gain = _gain(x, whole)
    seen, unseen = gains[[0, 1], [0, 1]], gains[[0, 1], [1, 0]]
    assured = np.minimum(gains.min(axis=(0, 1)), gain)
    gain -= (seen - unseen).mean(axis=0) / 4
    noise = negentropy.noise(n // 2, 2 * features)
    return Unmixed(gain, assured, noise, whole @ x)


def has_covariance(x: Floats) -> Bools:
    """Whether no sample of `x` (cell, feature, sample) holds so much of the variance that covariances mean nothing."""
    return np.asarray((standardize(x) ** 2).max(axis=(1, 2)) <= LARGEST_SHARE * x.shape[2])


def tells(x: Floats) -> Bools:
    """In which cells of `x` (cell, feature, sample) values tell more than ranks: none are far beyond the others."""
    return np.asarray(has_covariance(x) & ~is_narrow(x, ALIKE, NARROW).any(axis=1))


def is_narrow(x: Floats, one_in: int, least: float) -> Bools:
    """Of which features of `x` (..., sample) one in so many samples lie within `least` standard deviations."""
    return np.asarray(~(widths(np.sort(standardize(x), axis=-1), one_in).min(axis=-1) >= least))


def widths(ordered: Floats, one_in: int) -> Floats:
    """Width that the nearest of one in so many of the samples take, on either side of each: (..., sample)."""
    few = max(3, ordered.shape[-1] // one_in)
    wide = ordered[..., few:] - ordered[..., :-few]
    beyond = np.full((*ordered.shape[:-1], few), np.inf)
    return np.asarray(np.minimum(np.concatenate([wide, beyond], axis=-1), np.concatenate([beyond, wide], axis=-1)))


def standardize(x: Floats) -> Floats:
    """Features of mean 0 and variance 1, whatever their size."""
    sized = x / np.abs(x).max(axis=-1, keepdims=True)
    centred = sized - sized.mean(axis=-1, keepdims=True)
    return np.asarray(centred / centred.std(axis=-1, keepdims=True))


def _unmix(x: Floats, seed: int) -> Floats:
    white = rotation.whiten(x)
    start = rotation.random_rotation(x.shape[1], 0, seed)
    return np.asarray(rotation.independent_components(white.matrix @ x, start) @ white.matrix)


def _entropy(x: Floats) -> Floats:
    """Sum of the marginal entropies (cell,) of `x` (cell, feature, sample)."""
    return np.asarray(marginal_entropies(np.sort(x, axis=-1)).sum(axis=1))


def _gain(x: Floats, unmixing: Floats) -> Floats:
    """Gain of `unmixing` on the samples `x`."""
    return np.asarray(_entropy(x) - _entropy(unmixing @ x) + np.linalg.slogdet(unmixing)[1])


def unmixing_terms(x: Floats, y: Floats) -> Floats:
    """What each sample adds to the mean that is the gain of unmixing `x` to `y`, up to a constant: (cell, sample)."""
    return log_margins(standardize(y)) - log_margins(standardize(x))


def log_margins(x: Floats) -> Floats:
    """Log of the product of the margins at each sample of `x` (cell, feature, sample), up to a constant.

    Its mean is that of their negentropies, by their entropies; bins tell how these are shared among the samples.
    """
    order = marginal.argsort(x)
    gain = negentropy.marginal_gain(x, order)
    terms = negentropy.marginal_terms(x, order, gain.resolution)
    found = x.shape[1] * NORMAL_ENTROPY - _entropy(x)
    terms = terms - terms.mean(axis=1, keepdims=True) + found[:, None]
    return np.asarray(terms - np.einsum("cfn,cfn->cn", x, x) / 2)
