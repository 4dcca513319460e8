"""Total correlation and mutual information of stacks of cells, with missing samples."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from enum import IntEnum
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xrbig.core.cells import Cells, determined, with_scores
from xrbig.core.gaussianize import Settings
from xrbig.core.marginal import Bools, Floats, Ints
from xrbig.core.place import Grid
from xrbig.core.resample import Units
from xrbig.core.shared import Information, shared
from xrbig.core.uncertainty import standard_error

Kernel = Callable[[Cells], Sequence[Information]]

BATCH = 1 << 17  # values that one batch of cells works on: they fit the cache
FEWEST_SAMPLES = 16  # two for each of the coarsest bins


class Reason(IntEnum):
    """Why there is no estimate."""

    ESTIMATED = 0
    TOO_FEW_SAMPLES = 1
    INFINITE_VALUE = 2
    CONSTANT_FEATURE = 3
    MISSING_VALUE = 4  # where these are not skipped
    UNDEFINED = 5


class Estimate(NamedTuple):
    """An information measure per cell, and how far to trust it; each an array (cell,).

    Where a cell has several values, as one per feature, so have `n_layers`, `converged` and `reason`: (cell, feature).

    Attributes
    ----------
    value : nats; NaN where it could not be estimated, infinite where features determine others
    n_samples : complete samples
    n_layers : estimates that count by more than half, the t copula the first of them; layers of plain RBIG
    converged : False where the value is infinite or grows with the number of samples, or where layers did not end
    tied_fraction : share of tied samples in the feature that has most of them
    reason : why the value is NaN, a `Reason`
    std_error : standard error in nats, NaN if it was not asked for
    determined : array (cell, feature), whether other features determine a feature but for rounding
    """

    value: Floats
    n_samples: Ints
    n_layers: Ints
    converged: Bools
    tied_fraction: Floats
    reason: NDArray[np.int8]
    std_error: Floats
    determined: Bools

    @classmethod
    def unknown(cls, n_samples: Ints, features: int, values: tuple[int, ...] = ()) -> "Estimate":
        """No estimate of any cell of so many `features` yet, each of so many `values`."""
        cells = len(n_samples)
        return cls(
            value=np.full((cells, *values), np.nan),
            n_samples=n_samples,
            n_layers=np.zeros((cells, *values), dtype=np.int64),
            converged=np.zeros((cells, *values), dtype=bool),
            tied_fraction=np.full(cells, np.nan),
            reason=np.full((cells, *values), Reason.UNDEFINED, dtype=np.int8),
            std_error=np.full(cells, np.nan),
            determined=np.zeros((cells, features), dtype=bool),
        )


class ErrorOf(NamedTuple):
    """The pairs (feature, feature) of which a measure has the information, and how its samples lie.

    The samples of a unit are at one place of the ordered dimension, whose places follow each other; None if each
    sample has its own.
    """

    pairs: Bools
    units: Units | None


def default_min_samples(features: int) -> int:
    """Fewest samples for which a cell gets a number: ``max(40, 5 * features)``.

    The noise of T is at least that of the log-determinant, about ``features / (2 * n)`` nat, which is 0.1 nat at
    five samples a feature; forty are what the coarsest marginal bins need for their null level to hold.
    """
    return max(40, 5 * features)


def fewest_samples(features: int, min_samples: int | None) -> int:
    """Samples that a cell needs, if the user asks for `min_samples`."""
    asked = default_min_samples(features) if min_samples is None else min_samples
    return max(asked, features + 2, FEWEST_SAMPLES)


def total_correlation(
    x: NDArray[Any],
    settings: Settings,
    min_samples: int | None = None,
    skipna: bool = True,
    std_error: bool = False,
    units: Units | None = None,
    grid: Grid | None = None,
) -> Estimate:
    """T of the features of `x` (cell, feature, sample), and its standard error if that is asked for.

    Samples lie on the `grid`, one after the other if it is None; for the error they are in order, along one of its
    dimensions if `units` tell which.
    """
    pairs = np.triu(np.ones((x.shape[1], x.shape[1]), dtype=bool), k=1)
    features = [[feature] for feature in range(x.shape[1])]

    def kernel(cells: Cells) -> list[Information]:
        return [shared(cells, features, settings, with_terms=std_error)]

    error_of = ErrorOf(pairs, units) if std_error else None
    return map_cells(kernel, x, settings, min_samples, skipna, grid=grid, error_of=error_of)


def mutual_information(
    x: NDArray[Any],
    split: int,
    settings: Settings,
    min_samples: int | None = None,
    skipna: bool = True,
    std_error: bool = False,
    units: Units | None = None,
    grid: Grid | None = None,
) -> Estimate:
    """I between the first `split` features of `x` (cell, feature, sample) and the others, likewise."""
    groups = [range(split), range(split, x.shape[1])]
    pairs = np.zeros((x.shape[1], x.shape[1]), dtype=bool)
    pairs[:split, split:] = True

    def kernel(cells: Cells) -> list[Information]:
        return [shared(cells, groups, settings, with_terms=std_error)]

    error_of = ErrorOf(pairs, units) if std_error else None
    return map_cells(kernel, x, settings, min_samples, skipna, grid=grid, error_of=error_of)


def map_cells(
    kernel: Kernel,
    x: NDArray[Any],
    settings: Settings,
    min_samples: int | None,
    skipna: bool,
    values: tuple[int, ...] = (),
    grid: Grid | None = None,
    error_of: ErrorOf | None = None,
) -> Estimate:
    """Apply `kernel`, which gives as many measures as there are `values`, to the cells that have enough samples.

    A cell of which linear algebra fails has no estimate, and the others have theirs.
    """
    features, n = x.shape[1:]
    missing = np.isnan(x).any(axis=1)
    n_samples = n - missing.sum(axis=1)
    estimate = Estimate.unknown(n_samples, features, values)
    infinite_value = np.isinf(x).any(axis=(1, 2))
    few = n_samples < fewest_samples(features, min_samples)
    estimate.reason[few] = Reason.TOO_FEW_SAMPLES
    gaps = n_samples < (0 if skipna else n)
    estimate.reason[gaps] = Reason.MISSING_VALUE
    estimate.reason[infinite_value] = Reason.INFINITE_VALUE
    usable = ~(few | gaps | infinite_value)
    fill = partial(_fill, estimate, kernel, x, missing, settings, grid or Grid((n,)), error_of)
    for batch in _batches(n_samples, usable, features):
        try:
            fill(batch)
        except np.linalg.LinAlgError:
            for cell in batch:
                with suppress(np.linalg.LinAlgError):
                    fill(cell[None])
    return estimate


def _fill(
    estimate: Estimate,
    kernel: Kernel,
    x: NDArray[Any],
    missing: Bools,
    settings: Settings,
    grid: Grid,
    error_of: ErrorOf | None,
    batch: Ints,
) -> None:
    """Put the `estimate` of a `batch` of cells, that have the same number of samples, into its place."""
    complete = ~missing[batch]
    samples, place = _complete_samples(x[batch], complete), grid.place(complete)
    varying = samples.min(axis=2) < samples.max(axis=2)
    estimate.reason[batch[~varying.all(axis=1)]] = Reason.CONSTANT_FEATURE
    cells, fraction = with_scores(samples, place, settings.seed)
    estimate.tied_fraction[batch] = fraction.max(axis=1)
    kept = varying.all(axis=1)
    if not kept.any():
        return
    cell, cells = batch[kept], cells.at(kept)
    found = kernel(cells)
    shape = (len(cell), *estimate.value.shape[1:])
    value = np.stack([own.value for own in found], axis=1).reshape(shape)
    estimate.value[cell] = value
    estimate.determined[cell] = determined(cells)
    estimate.reason[cell] = np.where(np.isnan(value), Reason.UNDEFINED, Reason.ESTIMATED)
    estimate.n_layers[cell] = np.stack([own.n_layers for own in found], axis=1).reshape(shape)
    estimate.converged[cell] = np.stack([own.converged for own in found], axis=1).reshape(shape)
    if error_of is not None:
        unit = None if error_of.units is None else _units_of(error_of.units.places(), complete[kept])
        plain, finite = settings.rotation != "auto", np.isfinite(value)
        terms = np.where(finite[:, None], found[0].terms, 0)
        error = standard_error(terms, cells.z, error_of.pairs, found[0].doubt, plain, unit)
        estimate.std_error[cell] = np.where(finite, error, np.nan)


def _units_of(unit: Ints, complete: Bools) -> Ints:
    """The `unit` (sample,) of the complete samples of each cell."""
    return np.broadcast_to(unit, complete.shape)[complete].reshape(len(complete), -1)


def _batches(n_samples: Ints, usable: Bools, features: int) -> Iterator[Ints]:
    """Indices of usable cells with the same number of samples, as many as fit the cache."""
    for n in np.unique(n_samples[usable]):
        cells = np.flatnonzero(usable & (n_samples == n))
        size = max(1, BATCH // (features * int(n)))
        for start in range(0, len(cells), size):
            yield cells[start : start + size]


def _complete_samples(x: NDArray[Any], complete: Bools) -> Floats:
    """The complete samples of cells that have the same number of them, as float64."""
    if complete.all():
        return np.ascontiguousarray(x, dtype=np.float64)
    kept = np.nonzero(complete)[1].reshape(len(x), 1, -1)
    return np.take_along_axis(x, kept, axis=2).astype(np.float64)
