"""The measures that follow from T and I of some of the features; order and ties of a cell are found once for all."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xrbig.core.entropy import marginal_entropies, normal_entropy
from xrbig.core.gaussianize import Gaussianized, Settings
from xrbig.core.information import (
    Cells,
    Estimate,
    Reason,
    any_of,
    map_cells,
    mutual_information,
    shared_by_all,
    shared_by_groups,
)
from xrbig.core.marginal import Bools

Term = tuple[float, Sequence[int]]  # the weight of T of some features


def combine(cells: Cells, terms: Iterable[Term], settings: Settings) -> Gaussianized:
    """Weighted sum of T of subsets of the features, each in its canonical order; T of one feature is 0.

    `n_layers` is that of the first subset, and all must have converged.
    """
    parts = [(weight, _total(cells.part(sorted(features)), settings)) for weight, features in terms]
    total = sum(weight * part.total for weight, part in parts)
    converged = np.logical_and.reduce([part.converged for _, part in parts])
    return parts[0][1]._replace(total=np.asarray(total), converged=converged)


def _total(cells: Cells, settings: Settings) -> Gaussianized:
    if cells.x.shape[1] > 1:
        return shared_by_all(cells, settings)
    number = len(cells.x)
    return Gaussianized(np.zeros(number), np.zeros(number, dtype=np.int64), np.ones(number, dtype=bool))


def _combination(
    terms: Iterable[Term], x: NDArray[Any], settings: Settings, min_samples: int | None, skipna: bool
) -> Estimate:
    """The sum of these terms for each cell of `x` (cell, feature, sample)."""
    kernel = partial(combine, terms=terms, settings=settings)
    return map_cells(kernel, any_of(_all_pairs(x.shape[1])), x, settings, min_samples, skipna)


def _all_pairs(features: int) -> Bools:
    return np.triu(np.ones((features, features), dtype=bool), k=1)


def _all_but_one(features: int) -> list[list[int]]:
    return [[d for d in range(features) if d != left_out] for left_out in range(features)]


def conditional_mutual_information(
    x: NDArray[Any],
    groups: Sequence[Sequence[int]],
    settings: Settings,
    min_samples: int | None = None,
    skipna: bool = True,
) -> Estimate:
    """I between the first and the second of three `groups` of features, given the third.

    I(a, b | c) = T(a, b, c) - T(a, c) - T(b, c) + T(c).
    """
    *both, given = ([*group] for group in groups)
    first, second = sorted(both)
    terms = [(1.0, first + second + given), (-1.0, first + given), (-1.0, second + given), (1.0, given)]
    return _combination(terms, x, settings, min_samples, skipna)


def dual_total_correlation(
    x: NDArray[Any], settings: Settings, min_samples: int | None = None, skipna: bool = True
) -> Estimate:
    """D = H - sum_i H(x_i | all others) = (n - 1) T - sum_i T(all but x_i) of n features."""
    features = x.shape[1]
    rest: list[Term] = [(-1.0, others) for others in _all_but_one(features)]
    return _combination([(features - 1.0, range(features)), *rest], x, settings, min_samples, skipna)


def o_information(x: NDArray[Any], settings: Settings, min_samples: int | None = None, skipna: bool = True) -> Estimate:
    """T - D = (2 - n) T + sum_i T(all but x_i) of n features."""
    features = x.shape[1]
    rest: list[Term] = [(1.0, others) for others in _all_but_one(features)]
    return _combination([(2.0 - features, range(features)), *rest], x, settings, min_samples, skipna)


def entropy(x: NDArray[Any], settings: Settings, min_samples: int | None = None, skipna: bool = True) -> Estimate:
    """H = sum_d H(x_d) - T."""

    def kernel(cells: Cells) -> Gaussianized:
        shared = _total(cells, settings)
        return shared._replace(total=marginal_entropies(cells.order.values).sum(axis=1) - shared.total)

    return map_cells(kernel, any_of(_all_pairs(x.shape[1])), x, settings, min_samples, skipna)


def negentropy(x: NDArray[Any], settings: Settings, min_samples: int | None = None, skipna: bool = True) -> Estimate:
    """J = H(normal features of the same covariance) - H."""

    def kernel(cells: Cells) -> Gaussianized:
        shared = _total(cells, settings)
        reference = normal_entropy(cells.x)
        value = reference - marginal_entropies(cells.order.values).sum(axis=1) + shared.total
        return shared._replace(total=value, converged=shared.converged & ~np.isnan(reference))

    return map_cells(kernel, any_of(_all_pairs(x.shape[1])), x, settings, min_samples, skipna)


def mutual_information_matrix(
    x: NDArray[Any], settings: Settings, min_samples: int | None = None, skipna: bool = True
) -> Estimate:
    """I of every pair of features, (cell, feature, feature), each the one of the two alone; NaN on the diagonal.

    `n_samples` is the smallest number of a pair that has an estimate, or the largest of any if none has.
    """
    features = x.shape[1]
    pairs = [
        mutual_information(x[:, pair], 1, settings, min_samples, skipna) for pair in combinations(range(features), 2)
    ]
    n_samples = np.stack([pair.n_samples for pair in pairs], axis=1)
    estimated = np.stack([pair.reason == Reason.ESTIMATED for pair in pairs], axis=1)
    fewest = np.where(estimated, n_samples, np.iinfo(np.int64).max).min(axis=1)
    estimate = Estimate.unknown(np.where(estimated.any(axis=1), fewest, n_samples.max(axis=1)), (features, features))
    rows, columns = np.triu_indices(features, k=1)
    for name in ("value", "n_layers", "converged", "reason"):
        field = np.stack([getattr(pair, name) for pair in pairs], axis=1)
        getattr(estimate, name)[:, rows, columns] = getattr(estimate, name)[:, columns, rows] = field
    return estimate._replace(tied_fraction=np.fmax.reduce([pair.tied_fraction for pair in pairs]))


def _stacked(several: list[Gaussianized]) -> Gaussianized:
    """Several measures of the same cells, (cell, measure)."""
    total = np.stack([each.total for each in several], axis=1)
    n_layers = np.stack([each.n_layers for each in several], axis=1)
    return Gaussianized(total, n_layers, np.stack([each.converged for each in several], axis=1))


def redundancy(x: NDArray[Any], settings: Settings, min_samples: int | None = None, skipna: bool = True) -> Estimate:
    """I between each feature and all others, (cell, feature).

    A feature that is constant, infinite or never there is left out of the others.
    """
    defects = _defects(x, skipna)
    estimate = Estimate.unknown(np.zeros(len(x), dtype=np.int64), x.shape[1:2])
    for defect in np.unique(defects, axis=0):
        cells, kept = np.flatnonzero((defects == defect).all(axis=1)), np.flatnonzero(defect == Reason.ESTIMATED)
        part = x[cells] if len(kept) == x.shape[1] else x[cells][:, kept]
        found = _redundancy_of_all(part, settings, min_samples, skipna)
        for name in Estimate._fields:
            own = getattr(found, name)
            getattr(estimate, name)[np.ix_(cells, kept) if own.ndim == 2 else cells] = own
        left_out = np.flatnonzero(defect)
        estimate.reason[np.ix_(cells, left_out)] = defect[left_out]
    return estimate


def _defects(x: NDArray[Any], skipna: bool) -> NDArray[np.int8]:
    """Why a feature of a cell cannot share anything, a `Reason` (cell, feature)."""
    lowest, highest = np.fmin.reduce(x, axis=2), np.fmax.reduce(x, axis=2)
    defects = np.full(lowest.shape, Reason.ESTIMATED, dtype=np.int8)
    defects[lowest == highest] = Reason.CONSTANT_FEATURE
    defects[np.isnan(lowest) & skipna] = Reason.TOO_FEW_SAMPLES
    defects[np.isinf(lowest) | np.isinf(highest)] = Reason.INFINITE_VALUE
    return defects


def _redundancy_of_all(x: NDArray[Any], settings: Settings, min_samples: int | None, skipna: bool) -> Estimate:
    """I between each feature and all others; T of all features is estimated once."""
    features = x.shape[1]
    if features < 2:
        return Estimate.unknown((~np.isnan(x)).all(axis=1).sum(axis=1) * features, (features,))

    def kernel(cells: Cells) -> Gaussianized:
        joint = shared_by_all(cells, settings) if settings.rotation == "auto" else None
        each = [_with_the_others(cells, d, settings, joint) for d in range(features)]
        return _stacked(each)

    return map_cells(kernel, _with_any_other, x, settings, min_samples, skipna, (features,))


def _with_the_others(cells: Cells, feature: int, settings: Settings, joint: Gaussianized | None) -> Gaussianized:
    others = _all_but_one(cells.x.shape[1])[feature]
    if feature == 0:
        return shared_by_groups(cells, 1, settings, joint)
    return shared_by_groups(cells.part([*others, feature]), len(others), settings, joint)


def _with_any_other(pairs: Bools) -> Bools:
    """Whether (cell, feature) is in one of the pairs (cell, feature, feature) with another feature."""
    return np.asarray((pairs & ~np.eye(pairs.shape[1], dtype=bool)).any(axis=2))
