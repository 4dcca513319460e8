"""Total correlation and mutual information of stacks of cells, with missing samples."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xrbig.core.gaussianize import Settings, gaussianize
from xrbig.core.marginal import Bools, Floats, Ints, rank_gaussianize
from xrbig.core.rotation import null_log_det

BATCH = 1 << 16  # values that one batch of cells works on: they fit the cache


class Estimate(NamedTuple):
    """An information measure per cell, and how far to trust it; each an array (cell,).

    Attributes
    ----------
    value : nats; NaN where it could not be estimated
    n_samples : complete samples
    n_layers : layers fitted, the rejected ones included
    converged : whether the layers ended because no further one was significant
    tied_fraction : share of tied samples in the feature that has most of them
    """

    value: Floats
    n_samples: Ints
    n_layers: Ints
    converged: Bools
    tied_fraction: Floats


def default_min_samples(features: int) -> int:
    """Fewest samples for which a cell gets a number: ``max(40, 5 * features)``.

    The noise of T is at least that of the log-determinant, about ``features / (2 * n)`` nat, which is 0.1 nat at
    five samples a feature; forty are what the coarsest marginal bins need for their null level to hold.
    """
    return max(40, 5 * features)


def total_correlation(
    x: NDArray[Any], settings: Settings, min_samples: int | None = None, skipna: bool = True
) -> Estimate:
    """T of the features of `x` (cell, feature, sample): the sum of the gains of all layers, Eq. 7."""

    def kernel(z: Floats) -> Floats:
        return np.stack(gaussianize(z, settings))

    return _map_cells(kernel, x, settings, min_samples, skipna)


def mutual_information(
    x: NDArray[Any],
    split: int,
    settings: Settings,
    min_samples: int | None = None,
    skipna: bool = True,
) -> Estimate:
    """I between the first `split` features of `x` (cell, feature, sample) and the others.

    Each group is Gaussianized, then I(x, y) = T([D_x(x), D_y(y)]), Eq. 8. As each group is left uncorrelated, the
    null level of the first log-determinant is that of the pairs across the groups alone.
    """
    features = x.shape[1]

    def kernel(z: Floats) -> Floats:
        parts = [np.ascontiguousarray(z[:, :split]), np.ascontiguousarray(z[:, split:])]
        groups = [gaussianize(part, settings) for part in parts if part.shape[1] > 1]
        joint = rank_gaussianize(np.concatenate(parts, axis=1), settings.seed).z
        within = null_log_det(split, joint.shape[2]) + null_log_det(features - split, joint.shape[2])
        both = gaussianize(joint, settings)
        converged = np.all([both.converged, *(group.converged for group in groups)], axis=0)
        n_layers = np.max([both.n_layers, *(group.n_layers for group in groups)], axis=0)
        return np.stack([both.total + within, n_layers, converged])

    return _map_cells(kernel, x, settings, min_samples, skipna)


def _map_cells(
    kernel: Callable[[Floats], Floats],
    x: NDArray[Any],
    settings: Settings,
    min_samples: int | None,
    skipna: bool,
) -> Estimate:
    """Apply `kernel` (normal scores -> value, layers, converged) to the cells that have enough samples."""
    cells, features, n = x.shape
    needed = default_min_samples(features) if min_samples is None else min_samples
    missing = np.isnan(x).any(axis=1)
    n_samples = n - missing.sum(axis=1)
    usable = (n_samples >= max(needed, features + 2)) & ~np.isinf(x).any(axis=(1, 2))
    if not skipna:
        usable &= n_samples == n
    value = np.full(cells, np.nan)
    tied = np.full(cells, np.nan)
    n_layers = np.zeros(cells, dtype=np.int64)
    converged = np.zeros(cells, dtype=bool)
    for batch in _batches(n_samples, usable, features):
        complete = _complete_samples(x[batch], ~missing[batch])
        ranked = rank_gaussianize(complete, settings.seed)
        tied[batch] = ranked.tied_fraction
        varying = batch[~ranked.constant]
        if varying.size:
            result = kernel(ranked.z[~ranked.constant])
            value[varying], n_layers[varying], converged[varying] = result
    return Estimate(value, n_samples, n_layers, converged, tied)


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
