"""Scale: what brings any features near to mean 0 and variance 1, before the first layer."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from xrbig.core.layers.base import LARGEST_LOG, Map, Shapes, indices, require
from xrbig.core.layers.curve import IDENTITY, Curve, fit_curve, knot_ranks
from xrbig.core.layers.linear import Linear
from xrbig.core.layers.margins import Margins, bin_numbers, normal_places
from xrbig.core.marginal import FARTHEST, Floats, Ints, exact_scale
from xrbig.core.unmixing import has_covariance, is_narrow, widths

FEW, NARROW = 20, 1e-3  # one in so many samples lie so near, in standard deviations, that curves miss what they hold
DENSE = 100  # one in so many samples lie where a feature is densest
LEAST_SPREAD = np.finfo(float).tiny * 1e16
FINE_BINS = 16
RETURNED = 1e-9  # of the width of the nearest samples, how near an inverse comes
APART = 1e-3  # width that the nearest samples take at least, of N(0, 1)


@dataclass(frozen=True, eq=False)
class Compression(Map):
    """y = arsinh((x - shift) / spread) of some features, by their indices: linear near 0, a logarithm far out."""

    shapes: ClassVar[Shapes] = {"features": ("g",), "shift": ("g",), "spread": ("g",)}
    features: Ints
    shift: Floats
    spread: Floats

    def apply(self, x: Floats) -> tuple[Floats, Floats]:
        """Map `x`; returns y and log |det|."""
        y = x.copy()
        y[self.features] = np.arcsinh((x[self.features] - self.shift[:, None]) / self.spread[:, None])
        log_slope = -_log_cosh(y[self.features]) - np.log(self.spread[:, None])
        return y, log_slope.sum(axis=0)

    def invert(self, y: Floats) -> Floats:
        """Map `y` back."""
        x = y.copy()
        bounded = np.clip(y[self.features], -LARGEST_LOG, LARGEST_LOG)
        x[self.features] = np.sinh(bounded) * self.spread[:, None] + self.shift[:, None]
        return x

    @classmethod
    def of(cls, arrays: dict[str, Floats], features: int) -> "Compression":
        """The map of these arrays."""
        return cls(indices(arrays["features"], features), arrays["shift"], arrays["spread"])

    def require_invertible(self) -> None:
        """Refuse a spread that is none."""
        require(self.spread > 0, "the spread of a compression is not positive")


def _log_cosh(y: Floats) -> Floats:
    size = np.abs(y)
    return np.asarray(size + np.log1p(np.exp(-2 * size)) - np.log(2))


def exact(x: Floats) -> list[Map]:
    """A map that rounds nothing, where features are too far from 0, or too large or small, for what comes."""
    shift, power = exact_scale(x)
    if not (shift.any() or power.any()):
        return []
    return [Linear(shift[:, 0], np.diag(np.ldexp(1.0, -power[:, 0])))]


def scale(x: Floats) -> list[Map]:
    """Mean 0 and variance 1, after features of which a few samples hold the variance have been compressed.

    Features some of whose samples would then hardly differ are compressed around where they are densest, or, where
    that is not enough, made normal at once.
    """
    heavy = np.array([not has_covariance(row[None, None])[0] for row in x])
    centre, spread = np.full((2, len(x)), np.nan)
    least = np.maximum(LEAST_SPREAD, np.abs(x).max(axis=1) * 2.0**-FARTHEST)
    quartiles = np.quantile(x[heavy], [0.25, 0.5, 0.75], axis=1)
    centre[heavy], spread[heavy] = quartiles[1], np.maximum((quartiles[2] - quartiles[0]) / 2, least[heavy])
    narrow = is_narrow(_compressed(x, centre, spread)[0], FEW, NARROW)
    if narrow.any():
        centre[narrow], half = _densest(x[narrow])
        spread[narrow] = np.maximum(half, least[narrow])
        narrow &= is_narrow(_compressed(x, centre, spread)[0], FEW, NARROW)
        centre[narrow] = np.nan
    y, maps = _compressed(x, centre, spread)
    shift, size = np.zeros(len(x)), np.ones(len(x))
    shift[~narrow], size[~narrow] = y[~narrow].mean(axis=1), y[~narrow].std(axis=1)
    maps.append(Linear(shift, np.diag(1 / size)))
    if narrow.any():
        maps.append(Margins([_fine_curve(row) if own else IDENTITY for row, own in zip(y, narrow, strict=True)]))
    return maps


def _compressed(x: Floats, centre: Floats, spread: Floats) -> tuple[Floats, list[Map]]:
    """Features compressed around their `centre`, where they have one, and the map that does it, if any have."""
    features = np.flatnonzero(~np.isnan(centre))
    if not features.size:
        return x, []
    compression = Compression(features, centre[features], spread[features])
    return compression.apply(x)[0], [compression]


def _densest(x: Floats) -> tuple[Floats, Floats]:
    """Middle of where the samples of each feature are densest, and half the width that one in `DENSE` take there."""
    ordered = np.sort(x)
    few = max(3, x.shape[1] // DENSE)
    width = ordered[:, few:] - ordered[:, :-few]
    first = width.argmin(axis=1)
    rows = np.arange(len(x))
    half = width[rows, first] / 2
    return ordered[rows, first] + half, half


def _fine_curve(row: Floats) -> Curve:
    """Curve from samples on any scales to N(0, 1): bins are halved until all of their samples can be told apart."""
    n = len(row)
    ordered = np.sort(row)
    near = widths(ordered, FEW)
    allowed = RETURNED * near + 4 * np.finfo(float).eps * np.abs(ordered)
    ranks = knot_ranks(n, min(FINE_BINS, bin_numbers(n)[-1]))
    while True:
        curve = fit_curve(ordered, normal_places(n), ranks, float(ordered[n // 2]))
        z, log_slope = curve.apply(ordered)
        lost = ~(np.abs(curve.invert(z) - ordered) <= allowed) | ((near > 0) & (near * np.exp(log_slope) < APART))
        ends = np.array([1, *ranks, n])
        of = 1 + np.flatnonzero(lost)
        bins = np.union1d(np.searchsorted(ends[1:], of), np.searchsorted(ends[:-1], of, side="right") - 1)
        halved = np.setdiff1d((ends[bins] + ends[bins + 1]) // 2, [*ranks, 1])
        if not halved.size:
            return curve
        ranks = np.union1d(ranks, halved)
