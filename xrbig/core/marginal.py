"""Marginal Gaussianization by ranks: each feature to N(0, 1)."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from xrbig.core.cache import cached

Floats = NDArray[np.float64]
Reals = NDArray[np.floating[Any]]  # of any precision
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

EXTREME = 200  # power of two beyond which powers of numbers may not be numbers
FARTHEST = 1000  # power of two by which any number may be multiplied
GOLDEN = (np.sqrt(5) - 1) / 2  # by which seeds move these sequences
OFFSET = 2.0**-30  # range of values, of their size, below which their differences are better than they are


@cached
def normal_scores(n: int, features: int, seed: int) -> Floats:
    """Normal quantiles of the ranks 1..n, (feature, sample), antisymmetric and of variance 1.

    Each feature has its own, at fixed random places within the middle half of its ranks. Were they all the same,
    differences of two dependent features would hold many exact zeros, where both have the same rank.
    """
    rngs = [np.random.default_rng([seed, feature, n, 1]) for feature in range(features)]
    places = np.stack([rng.uniform(0.25, 0.75, n // 2) for rng in rngs])
    scores = np.zeros((features, n))
    scores[:, : n // 2] = ndtri((np.arange(n // 2) + places) / n)
    scores -= scores[:, ::-1].copy()
    scores /= np.sqrt(np.mean(scores**2, axis=1, keepdims=True))
    return scores


def argsort(x: Floats) -> Ints:
    """Order of the samples along the last axis; values that nearly agree stay in their order.

    The bits of each float, made to sort as integers, share one word with the index of the sample, so
    that a plain sort gives the order for half the price of `numpy.argsort`. The index takes the lowest
    bits: values count as equal if they differ by less than about ``2**-52 * n`` of their size.
    """
    index_bits = np.int64((1 << max(1, x.shape[-1] - 1).bit_length()) - 1)
    bits = np.ascontiguousarray(x).view(np.int64)
    words = bits >> 63
    words &= np.iinfo(np.int64).max
    words ^= bits
    words &= ~index_bits
    words |= np.arange(x.shape[-1])
    words.sort(axis=-1)
    words &= index_bits
    return words


def exact_scale(x: Floats) -> tuple[Floats, Ints]:
    """What to subtract from rows of samples, and which power of two to divide them by, so that nothing is rounded.

    The shift (..., 1) is 0 but where values differ by little of their size, the power 0 but where some are extreme.
    """
    low, high = x.min(axis=-1, keepdims=True), x.max(axis=-1, keepdims=True)
    shift = np.where(high / 2 - low / 2 < OFFSET * np.maximum(-low, high), low, 0.0)
    size = np.abs(x - shift)
    largest = size.max(axis=-1, keepdims=True)
    smallest = np.where(size > 0, size, largest).min(axis=-1, keepdims=True)
    top, bottom = (np.frexp(end)[1].astype(np.int64) for end in (largest, smallest))
    power = np.where(top - bottom < FARTHEST, np.clip(top, -FARTHEST, FARTHEST), (top + bottom) // 2)
    return shift, np.where((np.abs(top) > EXTREME) | (bottom < -4 * EXTREME), power, 0)


def scatter(ordered: Floats, order: Ints) -> Floats:
    """Put ``ordered[..., i]`` at place ``order[..., i]`` of the last axis."""
    n = order.shape[-1]
    rows = order.reshape(-1, n)
    out = np.empty(rows.size)
    places = rows + np.arange(0, rows.size, n)[:, None]
    out[places.reshape(-1)] = np.broadcast_to(ordered, order.shape).reshape(-1)
    return out.reshape(order.shape)


@cached
def dither(features: int, n: int, seed: int) -> Ints:
    """Order in which equal values of n samples are ranked, (feature, sample); the same in all cells.

    That of multiples of an irrational number, another for each feature, from which those of any stretch of samples are
    spread evenly: there is less noise in such ranks than in random ones.
    """
    roots = np.sqrt(_primes(features))
    return np.argsort((np.arange(n) * roots[:, None] + seed * GOLDEN) % 1, axis=1, kind="stable")


def _primes(number: int) -> Ints:
    """The first prime numbers."""
    most = 16 + int(number * (np.log(number + 1) + np.log(np.log(number + 3) + 1)) * 1.3)
    sieve = np.ones(most, dtype=bool)
    sieve[:2] = False
    for factor in range(2, int(most**0.5) + 1):
        if sieve[factor]:
            sieve[factor * factor :: factor] = False
    return np.flatnonzero(sieve)[:number]


class Order(NamedTuple):
    """The samples of each feature in order, equal values in that of the dither.

    Attributes
    ----------
    samples : array (cell, feature, sample), their indices
    values : array (cell, feature, sample)
    """

    samples: Ints
    values: Floats


def exact_order(x: Floats, seed: int) -> Order:
    """Order of `x` (cell, feature, sample) to the last bit.

    That of equal values depends on (seed, feature, number of samples) and on their places, never on the cell.
    """
    sequence = dither(x.shape[1], x.shape[2], seed)
    rows = np.arange(x.shape[1])[:, None]
    shuffled = x[:, rows, sequence] + 0.0  # -0.0 becomes 0.0
    order = argsort(shuffled)
    values = np.take_along_axis(shuffled, order, axis=-1)
    misplaced = (values[..., 1:] < values[..., :-1]).any(axis=-1)
    if misplaced.any():  # values that differ only in the bits that the index took
        order[misplaced] = np.argsort(shuffled[misplaced], axis=-1, kind="stable")
        values = np.take_along_axis(shuffled, order, axis=-1)
    return Order(np.ascontiguousarray(sequence[rows, order]), values)


def rank_gaussianize(order: Order, seed: int) -> Floats:
    """Normal scores (cell, feature, sample) of samples in that order."""
    features, n = order.samples.shape[1:]
    return scatter(normal_scores(n, features, seed), order.samples)


class Ties(NamedTuple):
    """What becomes of equal values, each an array (cell, ...).

    Attributes
    ----------
    fraction : array (cell, feature), share of tied samples
    constant : array (cell,), whether a feature is constant
    correlation : array (cell, feature, feature), of scores that are the same for all features, equal values
        sharing their mean: beyond rounding it is 1 only where one feature is a function of the other
    scores : array (cell, feature, sample), these scores
    """

    fraction: Floats
    constant: Bools
    correlation: Floats
    scores: Floats


def ties(order: Order, seed: int) -> Ties:
    """Find equal values."""
    n = order.values.shape[2]
    lengths = run_lengths(order.values)
    runs = np.repeat(lengths, lengths).reshape(order.values.shape)
    alike = np.broadcast_to(normal_scores(n, 1, seed), runs.shape).reshape(-1)
    means = np.add.reduceat(alike, np.cumsum(lengths) - lengths) / lengths
    shared = scatter(np.repeat(means, lengths).reshape(runs.shape), order.samples)
    covariance = shared @ (shared / n).swapaxes(1, 2)
    spread = np.sqrt(np.maximum(np.einsum("cdd->cd", covariance), np.finfo(float).tiny))
    correlation = covariance / (spread[:, :, None] * spread[:, None, :])
    return Ties((runs > 1).mean(axis=2), (runs == n).any(axis=(1, 2)), correlation, shared)


def run_lengths(ordered: Floats) -> Ints:
    """Lengths of the runs of equal values in ordered rows, row after row."""
    first = np.ones(ordered.shape, dtype=bool)
    first[..., 1:] = ordered[..., 1:] > ordered[..., :-1]
    return np.diff(np.flatnonzero(first), append=first.size)


def quantile_knots(y: Floats, order: Ints, edges: Ints) -> Floats:
    """Phi of the sample quantiles at the ranks `edges`, with 0 and 1 at the ends: (edge, row of samples)."""
    n = y.shape[-1]
    rows = np.arange(0, y.size, n)
    samples = order.reshape(-1)[(edges[1:-1] - 1)[:, None] + rows]
    knots = np.zeros((len(edges), len(rows)))
    knots[1:-1] = ndtr(y.reshape(-1)[samples + rows])
    knots[-1] = 1
    return knots


def orientation(z: Floats, seed: int) -> Floats:
    """Sign (cell, feature) that turns each row of `z` (cell, feature, sample) to one side of a fixed contrast.

    So neither decreasing maps of a feature nor the sign of an eigenvector, which rounding decides, matter.
    """
    n = z.shape[2]
    contrast = normal_scores(n, 1, seed)[0, dither(1, n, seed)[0]]
    return np.where(z @ contrast < 0, -1.0, 1.0)
