"""The estimators that are compared: functions of samples (feature, sample), in nats.

Nearest neighbours are sought for all samples in up to `TREE_FEATURES` dimensions, for `ASKED` evenly spaced ones among
all samples beyond.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from scipy.special import gammaln, ndtri, psi

from xrbig import RBIG
from xrbig.core import information

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

K = 3  # neighbours, as in the paper
MORE = (12, 25)  # neighbours of KSG for weak dependence
TREE_FEATURES = 10  # above, k-d trees are slower than comparing all pairs
ASKED = 5000
PAIRS = 1 << 22  # distances held at a time
FOLDS, BANDWIDTHS, DENSITY_FLOOR = 5, 20, 1e-5  # defaults of the von Mises estimator in ITE


def gaussian_total_correlation(x: Floats) -> float:
    """T of a normal distribution of the same covariance, expF: -1/2 log det R, R the sample correlation.

    Shannon entropies of a fitted exponential family; Nielsen & Nock, ICPR 2010 (ITE: `Shannon_expF`).
    """
    return -float(np.linalg.slogdet(np.corrcoef(x))[1]) / 2


def gaussian_mutual_information(x: Floats, split: int) -> float:
    """I of a normal distribution of the same covariance, expF: 1/2 log (det R_x det R_y / det R)."""
    return _excess(gaussian_total_correlation, x, split)


def _excess(total_correlation: Callable[[Floats], float], x: Floats, split: int) -> float:
    """I = T([x, y]) - T(x) - T(y)."""
    groups = (group for group in (x[:split], x[split:]) if len(group) > 1)
    return total_correlation(x) - sum(map(total_correlation, groups))


def normal_scores(x: Floats) -> Floats:
    """Normal quantiles at the ranks r / (N + 1)."""
    ranks = x.argsort(axis=1).argsort(axis=1) + 1
    return np.asarray(ndtri(ranks / (x.shape[1] + 1)))


def copula_total_correlation(x: Floats) -> float:
    """T of the Gaussian copula: -1/2 log det R, R the correlation of the normal scores.

    Ma & Sun, Tsinghua Science and Technology 16:51, 2011; Ince et al., Human Brain Mapping 38:1541, 2017.
    """
    return gaussian_total_correlation(normal_scores(x))


def copula_mutual_information(x: Floats, split: int) -> float:
    """I of the Gaussian copula: 1/2 log (det R_x det R_y / det R) of the normal scores."""
    return gaussian_mutual_information(normal_scores(x), split)


def asked_samples(features: int, n: int) -> Ints:
    """The samples whose neighbours are sought."""
    asked = n if features <= TREE_FEATURES else min(n, ASKED)
    return np.linspace(0, n - 1, asked).astype(np.int64)


def _rows(asked: NDArray[Any], n: int) -> list[NDArray[Any]]:
    """Values of the samples `asked`, as many at a time as have `PAIRS` distances to all n."""
    return np.array_split(asked, math.ceil(len(asked) * n / PAIRS))


def nearest_euclidean(x: Floats, asked: Ints) -> Floats:
    """Euclidean distance of the samples `asked` to their K-th neighbours in `x`."""
    if len(x) <= TREE_FEATURES:
        return _nearest_by_tree(x, asked, K, 2)
    square = np.einsum("fn,fn->n", x, x)
    nearest = [np.partition(square - 2 * x[:, rows].T @ x, K, axis=1)[:, K] for rows in _rows(asked, x.shape[1])]
    return np.asarray(np.sqrt(np.concatenate(nearest) + square[asked]))


def nearest_maximum(x: Floats, asked: Ints, k: int) -> Floats:
    """Distance in the maximum norm of the samples `asked` to their k-th neighbours in `x`."""
    if len(x) <= TREE_FEATURES:
        return _nearest_by_tree(x, asked, k, math.inf)
    nearest = [np.partition(_maximum(x, rows), k, axis=1)[:, k] for rows in _rows(asked, x.shape[1])]
    return np.concatenate(nearest)


def _nearest_by_tree(x: Floats, asked: Ints, k: int, norm: float) -> Floats:
    return np.asarray(cKDTree(x.T).query(x.T[asked], k=[k + 1], p=norm)[0][:, 0])


def _maximum(x: Floats, rows: Ints) -> Floats:
    """Distances in the maximum norm of the samples `rows` to all, (row, sample)."""
    return np.asarray(cdist(x.T[rows], x.T, "chebyshev"))


def count_nearer(x: Floats, asked: Ints, radius: Floats) -> Ints:
    """Number of samples of `x` nearer than `radius` to the samples `asked` in the maximum norm, themselves included."""
    if len(x) == 1:
        ordered = np.sort(x[0])
        centre = x[0, asked]
        lower = np.searchsorted(ordered, centre - radius, side="right")
        return np.maximum(np.searchsorted(ordered, centre + radius, side="left") - lower, 1)
    if len(x) <= TREE_FEATURES:
        inside = np.nextafter(radius, 0)
        return np.asarray(cKDTree(x.T).query_ball_point(x.T[asked], inside, p=math.inf, return_length=True))
    chunks = zip(_rows(asked, x.shape[1]), _rows(radius, x.shape[1]), strict=True)
    return np.concatenate([np.count_nonzero(_maximum(x, rows) < r[:, None], axis=1) for rows, r in chunks])


def neighbour_entropy(x: Floats, asked: Ints) -> float:
    """Kozachenko-Leonenko entropy H = log(N - 1) - psi(k) + log V_D + D <log r_k>, V_D the volume of the unit ball.

    Goria et al., Journal of Nonparametric Statistics 17:277, 2005, k = 3 (ITE: `Shannon_kNN_k`).
    """
    features, n = x.shape
    log_ball = features / 2 * math.log(math.pi) - gammaln(features / 2 + 1)
    log_radius = np.log(nearest_euclidean(x, asked)).mean()
    return float(math.log(n - 1) - psi(K) + log_ball + features * log_radius)


def neighbour_total_correlation(x: Floats) -> float:
    """T = sum_d H(x_d) - H(x), kNN: each H that of Kozachenko and Leonenko."""
    asked = asked_samples(*x.shape)
    margins = (neighbour_entropy(x[d : d + 1], asked) for d in range(len(x)))
    return sum(margins) - neighbour_entropy(x, asked)


def neighbour_mutual_information(x: Floats, split: int) -> float:
    """I = H(x) + H(y) - H(x, y), kNN: each H that of Kozachenko and Leonenko."""
    asked = asked_samples(*x.shape)
    groups = neighbour_entropy(x[:split], asked) + neighbour_entropy(x[split:], asked)
    return groups - neighbour_entropy(x, asked)


def kraskov_total_correlation(x: Floats, k: int = K) -> float:
    """T = psi(k) + (D - 1) psi(N) - sum_d <psi(n_d + 1)>, KSG.

    n_d are the samples nearer in feature d than the k-th neighbour of all features in the maximum norm; Kraskov,
    Stoegbauer & Grassberger, Physical Review E 69:066138, 2004, Eq. 23.
    """
    features, n = x.shape
    asked = asked_samples(features, n)
    radius = nearest_maximum(x, asked, k)
    margins = sum(psi(count_nearer(x[d : d + 1], asked, radius)).mean() for d in range(features))
    return float(psi(k) + (features - 1) * psi(n) - margins)


def kraskov_mutual_information(x: Floats, split: int, k: int = K) -> float:
    """I = psi(k) + psi(N) - <psi(n_x + 1) + psi(n_y + 1)>, KSG, maximum norm; Kraskov et al., 2004, Eq. 8."""
    asked = asked_samples(*x.shape)
    radius = nearest_maximum(x, asked, k)
    groups = sum(psi(count_nearer(group, asked, radius)).mean() for group in (x[:split], x[split:]))
    return float(psi(k) + psi(x.shape[1]) - groups)


def _kernel_density(square: Floats, features: int, bandwidth: float) -> Floats:
    """Density at the rows of squared distances to the samples, not below the floor."""
    kernel = np.exp(-square / (2 * bandwidth**2)).mean(axis=1)
    return np.asarray(np.maximum(kernel * (2 * np.pi * bandwidth**2) ** (-features / 2), DENSITY_FLOOR))


def kernel_entropy(x: Floats) -> float:
    """H = -<log p(x_i)>, p a Gaussian kernel estimate on the same samples, bandwidth by 5-fold cross-validation.

    First-order von Mises expansion; Kandasamy et al., NIPS 2015, as in ITE (`Shannon_vME`): 20 bandwidths between 0.01
    and 10 times the norm s of the standard deviations, the upper one at most 1; densities not below 1e-5.
    """
    features, n = x.shape
    spread = np.linalg.norm(x.std(axis=1, ddof=1))
    bandwidths = np.geomspace(0.01 * spread, min(10 * spread, 1), BANDWIDTHS)
    square = cdist(x.T, x.T, "sqeuclidean")
    folds = [np.arange(n) % FOLDS == fold for fold in range(FOLDS)]
    seen = [square[np.ix_(fold, ~fold)] for fold in folds]
    likelihoods = [np.mean([np.log(_kernel_density(s, features, h)).mean() for s in seen]) for h in bandwidths]
    return -float(np.log(_kernel_density(square, features, bandwidths[np.argmax(likelihoods)])).mean())


def kernel_total_correlation(x: Floats) -> float:
    """T = sum_d H(x_d) - H(x), vME: each H from a kernel density."""
    return sum(kernel_entropy(x[d : d + 1]) for d in range(len(x))) - kernel_entropy(x)


def kernel_mutual_information(x: Floats, split: int) -> float:
    """I = H(x) + H(y) - H(x, y), vME: each H from a kernel density."""
    return kernel_entropy(x[:split]) + kernel_entropy(x[split:]) - kernel_entropy(x)


def neighbour_copula_total_correlation(x: Floats) -> float:
    """T = D H(N(0, 1)) - H(z), kNN copula: H that of Kozachenko and Leonenko, z the normal scores."""
    z = normal_scores(x)
    return len(z) * math.log(2 * math.pi * math.e) / 2 - neighbour_entropy(z, asked_samples(*z.shape))


def neighbour_copula_mutual_information(x: Floats, split: int) -> float:
    """I of the normal scores by kNN."""
    return neighbour_mutual_information(normal_scores(x), split)


def kraskov_copula_total_correlation(x: Floats) -> float:
    """T of the normal scores by KSG."""
    return kraskov_total_correlation(normal_scores(x))


def kraskov_copula_mutual_information(x: Floats, split: int) -> float:
    """I of the normal scores by KSG."""
    return kraskov_mutual_information(normal_scores(x), split)


@dataclass(frozen=True)
class Estimator:
    """An estimator of T and of I, and the samples up to which a fit takes about a minute at most."""

    total_correlation: Callable[[Floats], float]
    mutual_information: Callable[[Floats, int], float]
    most_samples: float = math.inf


def rbig(settings: RBIG) -> Estimator:
    """Sum of the gains of the layers (Eqs. 7 and 8 of Johnson et al., arXiv 2012.01012), as xrbig computes it."""

    def total_correlation(x: Floats) -> float:
        return float(information.total_correlation(x[None], settings, min_samples=2).value[0])

    def mutual_information(x: Floats, split: int) -> float:
        return float(information.mutual_information(x[None], split, settings, min_samples=2).value[0])

    return Estimator(total_correlation, mutual_information)


ESTIMATORS = {
    "xrbig": rbig(RBIG()),
    "RBIG pca": rbig(RBIG(rotation="pca")),
    "RBIG ica": rbig(RBIG(rotation="ica")),
    "RBIG random": rbig(RBIG(rotation="random")),
    "expF": Estimator(gaussian_total_correlation, gaussian_mutual_information),
    "Gauss copula": Estimator(copula_total_correlation, copula_mutual_information),
    "kNN": Estimator(neighbour_total_correlation, neighbour_mutual_information),
    "kNN copula": Estimator(neighbour_copula_total_correlation, neighbour_copula_mutual_information),
    "KSG": Estimator(kraskov_total_correlation, kraskov_mutual_information),
    "KSG copula": Estimator(kraskov_copula_total_correlation, kraskov_copula_mutual_information),
    "vME": Estimator(kernel_total_correlation, kernel_mutual_information, most_samples=1000),
}
MORE_NEIGHBOURS = {
    f"KSG k={k}": Estimator(partial(kraskov_total_correlation, k=k), partial(kraskov_mutual_information, k=k))
    for k in MORE
}
