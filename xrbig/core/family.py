"""The measures that follow from T and I: sums of the information that groups share, given others."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xrbig.core.cells import Cells
from xrbig.core.entropy import marginal_entropies, normal_entropy
from xrbig.core.gaussianize import Settings
from xrbig.core.information import Estimate, Reason, map_cells, mutual_information
from xrbig.core.marginal import Floats
from xrbig.core.place import Grid
from xrbig.core.shared import Information, nothing, shared, total


def conditional_mutual_information(
    x: NDArray[Any],
    groups: Sequence[Sequence[int]],
    settings: Settings,
    min_samples: int | None = None,
    skipna: bool = True,
    grid: Grid | None = None,
) -> Estimate:
    """I between the first and the second of three `groups` of features, given the third."""
    first, second, given = ([*group] for group in groups)

    def kernel(cells: Cells) -> list[Information]:
        return [shared(cells, sorted([first, second]), settings, given)]

    return map_cells(kernel, x, settings, min_samples, skipna, grid=grid)


def dual_total_correlation(
    x: NDArray[Any],
    settings: Settings,
    min_samples: int | None = None,
    skipna: bool = True,
    grid: Grid | None = None,
) -> Estimate:
    """D = H - sum_i H(x_i | all others) = T - O."""

    def kernel(cells: Cells) -> list[Information]:
        whole = _total(cells, settings)
        found = total([(1.0, whole), (-1.0, _excess(cells, settings))])
        return [found._replace(terms=np.where(np.isinf(whole.terms), np.inf, found.terms))]

    return map_cells(kernel, x, settings, min_samples, skipna, grid=grid)


def o_information(
    x: NDArray[Any],
    settings: Settings,
    min_samples: int | None = None,
    skipna: bool = True,
    grid: Grid | None = None,
) -> Estimate:
    """T - D = (2 - n) T + sum_i T(all but x_i) of n features."""

    def kernel(cells: Cells) -> list[Information]:
        return [_excess(cells, settings)]

    return map_cells(kernel, x, settings, min_samples, skipna, grid=grid)


def _excess(cells: Cells, settings: Settings) -> Information:
    """T - D: what I of each feature with those before it loses by the condition on those after it.

    The order of the features is that of their ranks in each cell. Of the last one nothing is lost. Plain RBIG, whose
    conditional I is no better than its T, sums these.
    """
    features = range(cells.x.shape[1])
    if settings.rotation != "auto":
        rest = [[[i] for i in features if i != left_out] for left_out in features]
        parts = [(2.0 - len(features), _total(cells, settings))]
        return total([*parts, *((1.0, shared(cells, groups, settings)) for groups in rest)])
    single = [cells.at(np.array([cell])) for cell in range(len(cells.x))]
    each = [_excess_in_turn(cell, cell.sorted(features)[0].tolist(), settings) for cell in single]
    return Information(*(np.concatenate(field) for field in zip(*each, strict=True)))


def _excess_in_turn(cell: Cells, features: list[int], settings: Settings) -> Information:
    """T - D of the features of a cell, in that order."""
    parts = [(1.0, nothing(cell))]
    for i in range(1, len(features) - 1):
        groups = [features[i : i + 1], features[:i]]
        parts.append((1.0, shared(cell, groups, settings)))
        parts.append((-1.0, shared(cell, groups, settings, features[i + 1 :])))
    return total(parts)


def entropy(
    x: NDArray[Any],
    settings: Settings,
    min_samples: int | None = None,
    skipna: bool = True,
    grid: Grid | None = None,
) -> Estimate:
    """H = sum_d H(x_d) - T."""

    def kernel(cells: Cells) -> list[Information]:
        return [_with_constant(_total(cells, settings), -1.0, marginal_entropies(cells.order.values).sum(axis=1))]

    return map_cells(kernel, x, settings, min_samples, skipna, grid=grid)


def negentropy(
    x: NDArray[Any],
    settings: Settings,
    min_samples: int | None = None,
    skipna: bool = True,
    grid: Grid | None = None,
) -> Estimate:
    """J = H(normal features of the same covariance) - H."""

    def kernel(cells: Cells) -> list[Information]:
        reference = normal_entropy(cells.x)
        constant = reference - marginal_entropies(cells.order.values).sum(axis=1)
        found = _with_constant(_total(cells, settings), 1.0, constant)
        return [found._replace(converged=found.converged & ~np.isnan(reference))]

    return map_cells(kernel, x, settings, min_samples, skipna, grid=grid)


def _total(cells: Cells, settings: Settings) -> Information:
    return shared(cells, [[feature] for feature in range(cells.x.shape[1])], settings)


def _with_constant(found: Information, weight: float, constant: Floats) -> Information:
    """A constant (cell,), and information by its weight."""
    return found._replace(terms=weight * found.terms + constant[:, None])


def mutual_information_matrix(
    x: NDArray[Any],
    settings: Settings,
    min_samples: int | None = None,
    skipna: bool = True,
    grid: Grid | None = None,
) -> Estimate:
    """I of every pair of features, (cell, feature, feature), each the one of the two alone; NaN on the diagonal.

    `n_samples` is the smallest number of a pair that has an estimate, or the largest of any if none has.
    """
    features = x.shape[1]
    pairs = [
        mutual_information(x[:, pair], 1, settings, min_samples, skipna, grid=grid)
        for pair in combinations(range(features), 2)
    ]
    n_samples = np.stack([pair.n_samples for pair in pairs], axis=1)
    estimated = np.stack([pair.reason == Reason.ESTIMATED for pair in pairs], axis=1)
    fewest = np.where(estimated, n_samples, np.iinfo(np.int64).max).min(axis=1)
    n_samples = np.where(estimated.any(axis=1), fewest, n_samples.max(axis=1))
    estimate = Estimate.unknown(n_samples, features, (features, features))
    rows, columns = np.triu_indices(features, k=1)
    for name in ("value", "n_layers", "converged", "reason"):
        field = np.stack([getattr(pair, name) for pair in pairs], axis=1)
        getattr(estimate, name)[:, rows, columns] = getattr(estimate, name)[:, columns, rows] = field
    for one, other, pair in zip(rows, columns, pairs, strict=True):
        estimate.determined[:, [one, other]] |= pair.determined
    return estimate._replace(tied_fraction=np.fmax.reduce([pair.tied_fraction for pair in pairs]))


def redundancy(
    x: NDArray[Any],
    settings: Settings,
    min_samples: int | None = None,
    skipna: bool = True,
    grid: Grid | None = None,
) -> Estimate:
    """I between each feature and all others, (cell, feature).

    A feature that is constant, infinite or never there is left out of the others.
    """
    defects = _defects(x, skipna)
    estimate = Estimate.unknown(np.zeros(len(x), dtype=np.int64), x.shape[1], x.shape[1:2])
    for defect in np.unique(defects, axis=0):
        cells, kept = np.flatnonzero((defects == defect).all(axis=1)), np.flatnonzero(defect == Reason.ESTIMATED)
        part = x[cells] if len(kept) == x.shape[1] else x[cells][:, kept]
        found = _redundancy_of_all(part, settings, min_samples, skipna, grid and grid.at(cells))
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


def _redundancy_of_all(
    x: NDArray[Any], settings: Settings, min_samples: int | None, skipna: bool, grid: Grid | None
) -> Estimate:
    """I between each feature and all others."""
    features = x.shape[1]
    if features < 2:
        return Estimate.unknown((~np.isnan(x)).all(axis=1).sum(axis=1) * features, features, (features,))

    def kernel(cells: Cells) -> list[Information]:
        return [shared(cells, [[d], [i for i in range(features) if i != d]], settings) for d in range(features)]

    return map_cells(kernel, x, settings, min_samples, skipna, (features,), grid=grid)
