"""Estimates of replicates of each cell: a null distribution by surrogates, and a spread by half-samples."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from xrbig.core import information, resample, tuning
from xrbig.core.gaussianize import Settings
from xrbig.core.information import BATCH
from xrbig.core.marginal import Floats, Ints
from xrbig.core.place import Grid
from xrbig.core.resample import FEWEST_BLOCKS, Surrogates, Units


class Question(NamedTuple):
    """What is estimated in each cell, and from which samples.

    Attributes
    ----------
    split : number of features in the first group of I; 0 for T
    units : how the samples are ordered
    settings, min_samples, skipna : as for `information.total_correlation`
    """

    split: int
    units: Units
    settings: Settings
    min_samples: int | None
    skipna: bool

    def answer(self, x: NDArray[Any], grid: Grid, min_samples: int | None = None) -> Floats:
        """T or I of the cells of `x` (cell, feature, sample), whose samples lie on the `grid`."""
        options = (self.settings, min_samples or self.min_samples, self.skipna)
        if self.split:
            return information.mutual_information(x, self.split, *options, grid=grid).value
        return information.total_correlation(x, *options, grid=grid).value

    def parts(self, features: int) -> Ints:
        """Of each feature, the part with which it is moved: its group for I, itself for T."""
        return np.where(np.arange(features) < self.split, 0, 1) if self.split else np.arange(features)


class Null(NamedTuple):
    """The estimate, how often chance exceeds it, mean and spread of what chance gives, and the estimate less that mean.

    Each is an array (cell,).
    """

    value: Floats
    p_value: Floats
    mean: Floats
    std: Floats
    debiased: Floats


def significance(x: NDArray[Any], question: Question, surrogates: Surrogates) -> Null:
    """Estimates of the cells of `x` (cell, feature, sample) beside those of surrogates.

    The p-value is (1 + number of surrogates that reach the estimate) / (1 + number of surrogates): North, Curtis and
    Sham, American Journal of Human Genetics 71:439, 2002.
    """
    null = Null(question.answer(x, question.units.grid()), *np.full((4, len(x)), np.nan))
    parts = question.parts(x.shape[1])
    for cell in np.flatnonzero(~np.isnan(null.value)):
        own, units = _complete_units(x[cell], question.units)
        if surrogates.fit(units.number, int(parts.max()) + 1) and not np.isnan(own).any():
            values = _surrogate_values(own, units, parts, question, surrogates)
            values = values[~np.isnan(values)]
            if len(values):
                null.p_value[cell] = (1 + np.sum(values >= null.value[cell])) / (1 + len(values))
                null.mean[cell], null.std[cell] = values.mean(), values.std(ddof=1)
                null.debiased[cell] = null.value[cell] - null.mean[cell]
    return null


def _complete_units(x: NDArray[Any], units: Units) -> tuple[Floats, Units]:
    """Of one cell (feature, sample) the units that hold any complete sample, and of these what is ever complete."""
    complete = ~np.isnan(x).any(axis=0).reshape(units.shape)
    others = tuple(a for a in range(complete.ndim) if a != units.axis)
    kept = np.flatnonzero(complete.any(axis=others))
    there, left = complete.any(axis=units.axis, keepdims=True), units.kept(kept)
    chosen = units.samples(kept)[np.broadcast_to(there, left.shape).reshape(-1)]
    return x[:, chosen].astype(np.float64), left._replace(there=there)


def _surrogate_values(x: Floats, units: Units, parts: Ints, question: Question, surrogates: Surrogates) -> Floats:
    """Estimates of the surrogates of one cell `x` (feature, sample)."""
    step, features = max(1, BATCH // x.size), np.arange(len(x))[:, None]
    indices = surrogates.indices(units.number, int(parts.max()) + 1, step)
    places = (units.samples(batch)[:, parts] for batch in indices)
    return np.concatenate([question.answer(x[features, own], units.grid()) for own in places])


class Spread(NamedTuple):
    """The estimate, bounds, standard deviation, and what fewer samples change, each an array (cell,)."""

    value: Floats
    lower: Floats
    upper: Floats
    std: Floats
    bias: Floats


def bootstrap(x: NDArray[Any], question: Question, number: int, block: int, confidence: float) -> Spread:
    """Estimates of the cells of `x` (cell, feature, sample), and their spread by half-samples of blocks.

    With A half of the blocks and B the others, (T_A - T_B) / 2 varies as T of all does about its mean, and what fewer
    samples add to either cancels (McCarthy, Review of the International Statistical Institute 37:239, 1969). It is
    the mean of the halves less the estimate that shows this: what doubling the samples once more might change.
    """
    spread = Spread(question.answer(x, question.units.grid()), *np.full((4, len(x)), np.nan))
    for cell in np.flatnonzero(np.isfinite(spread.value)):
        own, units = _complete_units(x[cell], question.units)
        if units.number >= FEWEST_BLOCKS * block:
            halves = resample.half_samples(units.number, block, number // 2, question.settings.seed)
            values = _half_values(own, units.samples(halves), units.grid(), question)
            if len(values):
                std = np.sqrt(np.mean((values[:, 0] - values[:, 1]) ** 2) / 4)
                bias = values.mean() - spread.value[cell]
                freedom = min(len(values), units.number // block - 1)
                reach = stdtrit(freedom, (1 + confidence) / 2) * np.sqrt(std**2 + tuning.TUNING.doubt * bias**2)
                spread.std[cell], spread.bias[cell] = std, bias
                spread.lower[cell], spread.upper[cell] = spread.value[cell] - reach, spread.value[cell] + reach
    return spread


def _half_values(x: Floats, places: Ints, grid: Grid, question: Question) -> Floats:
    """Estimates (pair, 2) of both halves of one cell, whose `places` are (pair, 2, sample)."""
    samples = places.shape[-1]
    places = places.reshape(-1, samples)
    step, values = max(1, BATCH // (len(x) * samples)), []
    for start in range(0, len(places), step):
        own = places[start : start + step]
        values.append(question.answer(np.moveaxis(x[:, own], 0, 1), grid.of(own), 1))
    both = np.concatenate(values).reshape(-1, 2)
    return np.asarray(both[np.isfinite(both).all(axis=1)])
