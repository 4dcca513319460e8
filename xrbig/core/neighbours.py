"""Total correlation and mutual information by nearest neighbours: accurate where little structure is left."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import psi

from xrbig.core.marginal import Floats, Ints
from xrbig.core.rotation import FITTED, HELD_OUT

NEIGHBOURS = 3
QUERIES = 20_000  # coordinates that are asked for their neighbours, at least a twentieth of the samples
CORRELATED = 1.4  # standard error of the mean over that of independent terms, measured on independent features


class Estimate(NamedTuple):
    """T or I, and its standard error if it were 0; in nats."""

    value: float
    error: float


def total_correlation(z: Floats) -> Estimate:
    """T of the samples `z` (feature, sample) from the distances to their nearest neighbours."""
    return _estimate(z, [slice(d, d + 1) for d in range(len(z))])


def mutual_information(z: Floats, split: int) -> Estimate:
    """I between the first `split` features of `z` (feature, sample) and the others, likewise."""
    return _estimate(z, [slice(split), slice(split, None)])


def _estimate(z: Floats, groups: list[slice]) -> Estimate:
    """Information that groups of features share.

    It is psi(k) + (G - 1) psi(M + 1) - sum_g <psi(n_g + 1)> for G groups, n_g the number of samples nearer in group g
    than the k-th neighbour, by the largest difference of a feature (Kraskov, Stoegbauer and Grassberger, Physical
    Review E 69:066138, 2004, Eqs. 8 and 23). The neighbours of a sample are sought among the M of the other half, where
    hardly any are near in time alone. Where there are many samples, evenly spaced ones of them are asked.
    """
    features, n = z.shape
    stride = max(1, n // max(QUERIES // features, n // 20))
    halves = z[:, FITTED], z[:, HELD_OUT]
    terms = [_terms(own[:, ::stride], other, groups) for own, other in (halves, halves[::-1])]
    both = np.concatenate(terms)
    return Estimate(float(both.mean()), float(CORRELATED * both.std() / np.sqrt(len(both))))


def _terms(asked: Floats, others: Floats, groups: list[slice]) -> Floats:
    """What each sample of `asked` (feature, sample) adds to the mean, by its neighbours among `others`."""
    tree = cKDTree(others.T, balanced_tree=False, compact_nodes=False)
    distance = np.asarray(tree.query(asked.T, k=[NEIGHBOURS], p=np.inf)[0])[:, 0]
    counts = np.array([_count(asked[group], others[group], distance) for group in groups])
    digammas = _digammas(others.shape[1])
    return np.asarray(psi(NEIGHBOURS) + (len(groups) - 1) * digammas[-1] - digammas[counts].sum(axis=0))


@lru_cache(maxsize=64)
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
