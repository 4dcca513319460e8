"""Total correlation and mutual information by nearest neighbours: accurate where little structure is left."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import psi

from xrbig.core.cache import cached
from xrbig.core.marginal import Floats, Ints
from xrbig.core.rotation import FITTED, HELD_OUT

NEIGHBOURS = 3
QUERIES = 20_000  # coordinates that are asked for their neighbours, at least a twentieth of the samples
NOISE = 0.33  # variance of the terms of independent features
CORRELATED = 1.4  # standard error of the mean over that of independent terms, measured on independent features


class Estimate(NamedTuple):
    """T or I, and its standard error if it were 0; in nats; the terms whose mean it is, and of how many samples.

    The terms are those of every `stride`-th sample of either half.
    """

    value: float
    error: float
    halves: list[Floats]
    stride: int
    n: int

    def terms(self) -> Floats:
        """Terms of all samples: those not asked have the mean, and the others count for them too.

        Terms share neighbours: the variance of their mean is larger than if they were independent, by what it is
        where nothing is shared (`CORRELATED`). The terms are spread so that it is.
        """
        full = np.full(self.n, self.value)
        asked = np.concatenate(self.halves)
        scale = self.n / len(asked) * np.sqrt(1 + NOISE * (CORRELATED**2 - 1) / max(asked.var(), NOISE))
        for first, own in enumerate(self.halves):
            full[first :: 2 * self.stride] += scale * (own - self.value)
        return full


def total_correlation(z: Floats) -> Estimate:
    """T of the samples `z` (feature, sample) from the distances to their nearest neighbours."""
    return _estimate(z, [slice(d, d + 1) for d in range(len(z))])


def doubt(z: Floats, split: int = 0) -> float:
    """By how much T, or I if there is a `split`, may be too low for lack of samples.

    Twice as many neighbours are as far away as those among half of the samples.
    """
    groups = [slice(split), slice(split, None)] if split else [slice(d, d + 1) for d in range(len(z))]
    return _estimate(z, groups).value - _estimate(z, groups, 2 * NEIGHBOURS).value


def mutual_information(z: Floats, split: int) -> Estimate:
    """I between the first `split` features of `z` (feature, sample) and the others, likewise."""
    return _estimate(z, [slice(split), slice(split, None)])


def _estimate(z: Floats, groups: list[slice], k: int = NEIGHBOURS) -> Estimate:
    """Information that groups of features share.

    It is psi(k) + (G - 1) psi(M + 1) - sum_g <psi(n_g + 1)> for G groups, n_g the number of samples nearer in group g
    than the k-th neighbour, by the largest difference of a feature (Kraskov, Stoegbauer and Grassberger, Physical
    Review E 69:066138, 2004, Eqs. 8 and 23). The neighbours of a sample are sought among the M of the other half, where
    hardly any are near in time alone. Where there are many samples, evenly spaced ones of them are asked.
    """
    features, n = z.shape
    stride = max(1, n // max(QUERIES // features, n // 20))
    halves = z[:, FITTED], z[:, HELD_OUT]
    terms = [_terms(own[:, ::stride], other, groups, k) for own, other in (halves, halves[::-1])]
    both = np.concatenate(terms)
    value = float(both.mean())
    return Estimate(value, float(CORRELATED * both.std() / np.sqrt(len(both))), terms, stride, n)


def _terms(asked: Floats, others: Floats, groups: list[slice], k: int) -> Floats:
    """What each sample of `asked` (feature, sample) adds to the mean, by its neighbours among `others`."""
    tree = cKDTree(others.T, balanced_tree=False, compact_nodes=False)
    distance = np.asarray(tree.query(asked.T, k=[k], p=np.inf)[0])[:, 0]
    counts = np.array([_count(asked[group], others[group], distance) for group in groups])
    digammas = _digammas(others.shape[1])
    return np.asarray(psi(k) + (len(groups) - 1) * digammas[-1] - digammas[counts].sum(axis=0))


@cached
def _digammas(n: int) -> Floats:
    """Psi of 1, ..., n + 1."""
    return np.asarray(psi(np.arange(1, n + 2)))


def _count(asked: Floats, others: Floats, distance: Floats) -> Ints:
    """Number of `others` (feature, sample) nearer than `distance` to each of those `asked`."""
    count = np.empty(len(distance), dtype=np.int64)
    if len(others) == 1:
        ordered = np.sort(others[0])
        count[:] = np.searchsorted(ordered, asked[0] + distance, side="left")
        count -= np.searchsorted(ordered, asked[0] - distance, side="right")
        return np.maximum(count, 0)
    count[:] = cKDTree(others.T).query_ball_point(asked.T, np.nextafter(distance, 0), p=np.inf, return_length=True)
    return count
