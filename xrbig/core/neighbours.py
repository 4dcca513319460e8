"""Total correlation by nearest neighbours: what is left when layers have taken the bulk."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import psi

from xrbig.core.marginal import Floats

NEIGHBOURS = 5
QUERIES = 20_000  # coordinates that are asked for their neighbours, at least a tenth of the samples


class Residual(NamedTuple):
    """T of a cell, and its standard error if it were 0; in nats."""

    value: float
    error: float


def total_correlation(z: Floats) -> Residual:
    """T of the samples `z` (feature, sample) from the distances to the fifth neighbours.

    T = psi(k) + (D - 1) psi(N) - sum_d <psi(n_d + 1)>, n_d the number of samples nearer than the k-th neighbour in
    feature d (Kraskov, Stoegbauer and Grassberger, Physical Review E 69:066138, 2004, Eq. 23). Where there are many
    samples, evenly spaced ones among them are asked.
    """
    features, n = z.shape
    asked = np.linspace(0, n - 1, min(n, max(QUERIES // features, n // 10))).astype(np.intp)
    points = np.ascontiguousarray(z.T)
    tree = cKDTree(points, balanced_tree=False, compact_nodes=False)
    distance = tree.query(points[asked], k=[NEIGHBOURS + 1], p=np.inf)[0][:, 0]
    terms = psi(NEIGHBOURS) + (features - 1) * psi(n) - sum(psi(_count(row, asked, distance)) for row in z)
    return Residual(float(terms.mean()), float(terms.std() / np.sqrt(len(asked))))


def _count(row: Floats, asked: Floats, distance: Floats) -> Floats:
    """Number of samples nearer than `distance` to the samples `asked`, themselves included."""
    ordered = np.sort(row)
    centre = row[asked]
    upper = np.searchsorted(ordered, centre + distance, side="left")
    return np.maximum(upper - np.searchsorted(ordered, centre - distance, side="right"), 1)
