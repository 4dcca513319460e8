"""Total correlation and mutual information of stacks of cells, with missing samples."""

from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from xrbig.core import destruct, uncertainty
from xrbig.core.cache import cached
from xrbig.core.gaussianize import Gaussianized, Settings, gaussianize
from xrbig.core.marginal import Bools, Floats, Ints, Order, exact_order, orientation, rank_gaussianize, ties
from xrbig.core.resample import Units
from xrbig.core.rotation import null_log_det

BATCH = 1 << 17  # values that one batch of cells works on: they fit the cache
FEWEST_SAMPLES = 16  # two for each of the coarsest bins
STRETCHES = 50  # of samples, in turn in the one and the other half
SMOOTH = 0.1  # share of tied samples up to which the values themselves say more than their ranks
MONOTONE = 1 - 1e-6  # correlation of scores from which one feature is a function of the other


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
    value : nats; NaN where it could not be estimated
    n_samples : complete samples
    n_layers : layers that count (for I, those of all features together); of plain RBIG the rejected ones too
    converged : whether the layers ended because no further one was significant
    tied_fraction : share of tied samples in the feature that has most of them
    reason : why the value is NaN, a `Reason`
    std_error : standard error in nats, NaN if it was not asked for
    """

    value: Floats
    n_samples: Ints
    n_layers: Ints
    converged: Bools
    tied_fraction: Floats
    reason: NDArray[np.int8]
    std_error: Floats

    @classmethod
    def unknown(cls, n_samples: Ints, values: tuple[int, ...] = ()) -> "Estimate":
        """No estimate of any cell yet, each of so many `values`."""
        cells = len(n_samples)
        return cls(
            value=np.full((cells, *values), np.nan),
            n_samples=n_samples,
            n_layers=np.zeros((cells, *values), dtype=np.int64),
            converged=np.zeros((cells, *values), dtype=bool),
            tied_fraction=np.full(cells, np.nan),
            reason=np.full((cells, *values), Reason.UNDEFINED, dtype=np.int8),
            std_error=np.full(cells, np.nan),
        )


class Stack(Protocol):
    """Cells with the same number of complete samples: their values, whether few of these are tied, and scores."""

    @property
    def x(self) -> Floats: ...
    @property
    def smooth(self) -> Bools: ...
    def scores(self, features: slice = slice(None)) -> Floats: ...


class ErrorOf(NamedTuple):
    """The pairs (feature, feature) of which a measure has the information, and how its samples lie.

    The samples of a unit are at one place of the ordered dimension, whose places follow each other; None if each
    sample has its own.
    """

    pairs: Bools
    units: Units | None


class Cells(NamedTuple):
    """Cells with the same number of complete samples.

    Attributes
    ----------
    x : array (cell, feature, sample)
    order : the order of `x`
    smooth : array (cell, feature), whether few samples are tied
    seed : that of the ranks
    """

    x: Floats
    order: Order
    smooth: Bools
    seed: int

    def part(self, features: Sequence[int]) -> "Cells":
        """Some of the features, in that order; equal values keep the order that they have among all features."""
        features = list(features)
        if features == list(range(self.x.shape[1])):
            return self
        x = np.ascontiguousarray(self.x[:, features])
        order = Order(self.order.samples[:, features], self.order.values[:, features])
        return Cells(x, order, self.smooth[:, features], self.seed)

    def scores(self, features: slice = slice(None)) -> Floats:
        """Normal scores (cell, feature, sample) of a range of the features."""
        order = Order(self.order.samples[:, features], self.order.values[:, features])
        z = rank_gaussianize(order, self.seed)
        return z * orientation(z, self.seed)[..., None]


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
) -> Estimate:
    """T of the features of `x` (cell, feature, sample), and its standard error if that is asked for.

    Samples are in order, along one of their dimensions if `units` tell which.

    With the rotation ``"auto"`` by the destructors that remove most, else the sum of the gains of all layers, Eq. 7.
    """
    pairs = np.triu(np.ones((x.shape[1], x.shape[1]), dtype=bool), k=1)
    kernel = partial(shared_by_all, settings=settings, with_terms=std_error)
    known = ErrorOf(pairs, units) if std_error else None
    return map_cells(kernel, any_of(pairs), x, settings, min_samples, skipna, error_of=known)


def shared_by_all(cells: Stack, settings: Settings, with_terms: bool = False) -> Gaussianized:
    """T of the features of `cells`."""
    if settings.rotation == "auto":
        return destruct.total_correlation(cells.x, cells.scores(), np.asarray(cells.smooth.all(axis=1)), settings)
    return gaussianize(cells.scores(), settings, with_terms)


def mutual_information(
    x: NDArray[Any],
    split: int,
    settings: Settings,
    min_samples: int | None = None,
    skipna: bool = True,
    std_error: bool = False,
    units: Units | None = None,
) -> Estimate:
    """I between the first `split` features of `x` (cell, feature, sample) and the others, likewise."""
    pairs = np.zeros((x.shape[1], x.shape[1]), dtype=bool)
    pairs[:split, split:] = True
    kernel = partial(shared_by_groups, split=split, settings=settings, with_terms=std_error)
    known = ErrorOf(pairs, units) if std_error else None
    return map_cells(kernel, any_of(pairs), x, settings, min_samples, skipna, error_of=known)


def shared_by_groups(
    cells: Stack, split: int, settings: Settings, joint: Gaussianized | None = None, with_terms: bool = False
) -> Gaussianized:
    """I between the first `split` features of `cells` and the others; `joint` is T of all, if it is known."""
    scores = [cells.scores(group) for group in (slice(split), slice(split, None))]
    if settings.rotation == "auto":
        smooth = np.asarray(cells.smooth.all(axis=1))
        return destruct.mutual_information(cells.x, scores, cells.scores(), smooth, settings, joint)
    return _by_gaussianized_groups(scores, settings, with_terms)


def _by_gaussianized_groups(groups: list[Floats], settings: Settings, with_terms: bool = False) -> Gaussianized:
    """I(x, y) = T([D_x(x), D_y(y)]), Eq. 8, of normal scores.

    As each group is left uncorrelated, the null level of the first log-determinant is that of the pairs across the
    groups alone.
    """
    within = 0.0
    for group in groups:
        if group.shape[1] > 1:
            gaussianize(group, settings)
            within += null_log_det(*group.shape[1:])
    joint = np.concatenate(groups, axis=1)
    joint = rank_gaussianize(exact_order(joint, settings.seed), settings.seed)
    both = gaussianize(joint, settings, with_terms)
    return both._replace(total=both.total + within)


def any_of(pairs: Bools) -> Callable[[Bools], Bools]:
    """Whether, of (cell, feature, feature), any of these pairs is true."""
    return lambda which: np.asarray(which[:, pairs].any(axis=1))


def map_cells(
    kernel: Callable[[Cells], Gaussianized],
    infinite: Callable[[Bools], Bools],
    x: NDArray[Any],
    settings: Settings,
    min_samples: int | None,
    skipna: bool,
    values: tuple[int, ...] = (),
    error_of: ErrorOf | None = None,
) -> Estimate:
    """Apply `kernel`, whose fields are (cell, *values), to the cells that have enough samples.

    `infinite` tells where the measure is infinite, from the pairs (cell, feature, feature) of which one feature is a
    monotone function of the other: whatever the dither makes of equal values, it has not converged there.
    The standard error is found if it is told what the measure is an `error_of`.
    """
    features, n = x.shape[1:]
    missing = np.isnan(x).any(axis=1)
    n_samples = n - missing.sum(axis=1)
    estimate = Estimate.unknown(n_samples, values)
    infinite_value = np.isinf(x).any(axis=(1, 2))
    few = n_samples < fewest_samples(features, min_samples)
    estimate.reason[few] = Reason.TOO_FEW_SAMPLES
    gaps = n_samples < (0 if skipna else n)
    estimate.reason[gaps] = Reason.MISSING_VALUE
    estimate.reason[infinite_value] = Reason.INFINITE_VALUE
    usable = ~(few | gaps | infinite_value)
    for batch in _batches(n_samples, usable, features):
        sequence = alternating(int(n_samples[batch[0]]))
        samples = _complete_samples(x[batch], ~missing[batch])[..., sequence]
        order = exact_order(samples, settings.seed)
        tied = ties(order, settings.seed)
        estimate.tied_fraction[batch] = tied.fraction.max(axis=1)
        varying = ~tied.constant
        estimate.reason[batch[tied.constant]] = Reason.CONSTANT_FEATURE
        if varying.any():
            cell = batch[varying]
            kept = Order(order.samples[varying], order.values[varying])
            stack = Cells(samples[varying], kept, tied.fraction[varying] < SMOOTH, settings.seed)
            result = kernel(stack)
            monotone = np.abs(tied.correlation[varying]) > MONOTONE
            estimate.value[cell] = result.total
            estimate.reason[cell] = np.where(np.isnan(result.total), Reason.UNDEFINED, Reason.ESTIMATED)
            estimate.n_layers[cell] = result.n_layers
            estimate.converged[cell] = result.converged & ~infinite(monotone)
            if error_of is not None:
                in_order = np.argsort(sequence)
                terms, scores = (np.take(a, in_order, axis=-1) for a in (result.terms, stack.scores()))
                doubt = np.array([doubt() for doubt in result.doubts])
                unit = None if error_of.units is None else _units_of(error_of.units.places(), ~missing[cell])
                estimate.std_error[cell] = uncertainty.standard_error(terms, scores, error_of.pairs, doubt, unit)
    return estimate


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


@cached
def alternating(n: int) -> Ints:
    """Sequence of n samples of which every second is from the one half, in stretches, and every second from the other.

    What is fitted on one half is judged on the other: were neighbours in time in both, autocorrelation would pass for
    structure that unseen samples confirm.
    """
    halves = np.argsort(np.arange(n) * STRETCHES // n % 2, kind="stable")
    sequence = np.empty(n, dtype=np.int64)
    sequence[::2], sequence[1::2] = halves[: (n + 1) // 2], halves[(n + 1) // 2 :]
    return sequence


def _complete_samples(x: NDArray[Any], complete: Bools) -> Floats:
    """The complete samples of cells that have the same number of them, as float64."""
    if complete.all():
        return np.ascontiguousarray(x, dtype=np.float64)
    kept = np.nonzero(complete)[1].reshape(len(x), 1, -1)
    return np.take_along_axis(x, kept, axis=2).astype(np.float64)
