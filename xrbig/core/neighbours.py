"""Total correlation and mutual information by nearest neighbours: accurate where little structure is left."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import psi

from xrbig.core.marginal import Floats, Ints

NEIGHBOURS = 5
QUERIES = 20_000  # coordinates that are asked for their neighbours, at least a twentieth of the samples
CORRELATED = 1.4  # standard error of the mean over that of independent terms, measured on independent features


class Estimate(NamedTuple):
    """T or I, and its standard error if it were 0; in nats."""

    value: float
    error: float


def total_correlation(z: Floats) -> Estimate:
    """T of the samples `z` (feature, sample) from the distances to the fifth neighbours.

    T = psi(k) + (D - 1) psi(N) - sum_d <psi(n_d + 1)>, n_d the number of samples nearer than the k-th neighbour in
    feature d (Kraskov, Stoegbauer and Grassberger, Physical Review E 69:066138, 2004, Eq. 23). Where there are many
    samples, evenly spaced ones among them are asked.
    """
    asked, distance = _distances(z)
    counts = np.array([_count(row, asked, distance) for row in z])
    return _mean(psi(NEIGHBOURS) + (len(z) - 1) * psi(z.shape[1]) - psi(counts).sum(axis=0))


def mutual_information(z: Floats, split: int) -> Estimate:
    """I between the first `split` features of `z` (feature, sample) and the others, likewise (Eq. 8 there)."""
    asked, distance = _distances(z)
    counts = np.array([_count_group(group, asked, distance) for group in (z[:split], z[split:])])
    return _mean(psi(NEIGHBOURS) + psi(z.shape[1]) - psi(counts).sum(axis=0))


def _mean(terms: Floats) -> Estimate:
    return Estimate(float(terms.mean()), float(CORRELATED * terms.std() / np.sqrt(len(terms))))


def _distances(z: Floats) -> tuple[Ints, Floats]:
    """The samples that are asked, and the distances (largest over the features) to their k-th neighbours."""
    features, n = z.shape
    asked = np.linspace(0, n - 1, min(n, max(QUERIES // features, n // 20))).astype(np.int64)
    points = np.ascontiguousarray(z.T)
    tree = cKDTree(points, balanced_tree=False, compact_nodes=False)
    distance = np.asarray(tree.query(points[asked], k=[NEIGHBOURS + 1], p=np.inf)[0])
    return asked, distance[:, 0]


def _count(row: Floats, asked: Ints, distance: Floats) -> Ints:
    """Number of samples of one feature nearer than `distance` to the samples `asked`, themselves included."""
    ordered = np.sort(row)
    centre = row[asked]
    upper = np.searchsorted(ordered, centre + distance, side="left")
    lower = np.searchsorted(ordered, centre - distance, side="right")
    return np.asarray(np.maximum(upper - lower, 1), dtype=np.int64)


def _count_group(group: Floats, asked: Ints, distance: Floats) -> Ints:
    """Likewise for the samples of a group of features."""
    if len(group) == 1:
        return _count(group[0], asked, distance)
    points = np.ascontiguousarray(group.T)
    nearer = np.nextafter(distance, 0)
    count = np.empty(len(asked), dtype=np.int64)
    count[:] = cKDTree(points).query_ball_point(points[asked], nearer, p=np.inf, return_length=True)
    return count
