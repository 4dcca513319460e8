"""Monotone curves of one feature, and how they are fitted to ordered samples."""

from typing import NamedTuple

import numpy as np

from xrbig.core import tuning
from xrbig.core.layers.base import LARGEST_LOG, Shapes, require
from xrbig.core.marginal import Floats, Ints

NEAR = 1.001  # growth below which its logarithm has lost digits
SHAPES: Shapes = {"knots": ("k",), "values": ("k",), "slopes": ("k",)}


class Curve(NamedTuple):
    """Monotone curve: rational quadratic between knots, with a continuous slope, and tails that never end.

    Between knots it is that of Gregory and Delbourgo (IMA Journal of Numerical Analysis 2:123, 1982), whose inverse
    is closed. Beyond the last knot it is ``value + log1p(bend * slope * (x - knot)) / bend``: linear where `bend` is 0.

    Attributes
    ----------
    knots, values, slopes : arrays (knot,); the first two ascend, the slopes are positive
    bend : array (2,), of the lower and the upper tail, not negative
    """

    knots: Floats
    values: Floats
    slopes: Floats
    bend: Floats

    def apply(self, x: Floats) -> tuple[Floats, Floats]:
        """Map `x` (sample,); returns y and log(dy/dx)."""
        inside = np.clip(x, self.knots[0], self.knots[-1])
        place = np.clip(np.searchsorted(self.knots, inside, side="right") - 1, 0, len(self.knots) - 2)
        width, height = np.diff(self.knots)[place], np.diff(self.values)[place]
        secant, low, high = height / width, self.slopes[place], self.slopes[place + 1]
        t = (inside - self.knots[place]) / width
        mixed = t * (1 - t)
        below = secant + (low + high - 2 * secant) * mixed
        y = self.values[place] + height * (secant * t**2 + low * mixed) / below
        log_slope = 2 * np.log(secant / below) + np.log(high * t**2 + 2 * secant * mixed + low * (1 - t) ** 2)
        for side, end in ((-1, 0), (1, -1)):
            outside = side * (x - self.knots[end]) > 0
            slope, bend = self.slopes[end], self.bend[end]
            distance = slope * np.abs(x[outside] - self.knots[end])
            grown = np.log1p(bend * distance)
            y[outside] = self.values[end] + side * (grown / bend if bend else distance)
            log_slope[outside] = np.log(slope) - grown
        return y, log_slope

    def invert(self, y: Floats) -> Floats:
        """Map `y` (sample,) back."""
        inside = np.clip(y, self.values[0], self.values[-1])
        place = np.clip(np.searchsorted(self.values, inside, side="right") - 1, 0, len(self.knots) - 2)
        width, height = np.diff(self.knots)[place], np.diff(self.values)[place]
        secant, low, high = height / width, self.slopes[place], self.slopes[place + 1]
        rise, fall = (inside - self.values[place]) / height, (self.values[place + 1] - inside) / height
        t, left = _share_of_bin(rise, fall, secant, low, high), _share_of_bin(fall, rise, secant, high, low)
        x = np.where(t < 0.5, self.knots[place] + width * t, self.knots[place + 1] - width * left)
        for side, end in ((-1, 0), (1, -1)):
            outside = side * (y - self.values[end]) > 0
            slope, bend = self.slopes[end], self.bend[end]
            distance = np.abs(y[outside] - self.values[end])
            grown = np.expm1(np.minimum(bend * distance, LARGEST_LOG)) / bend if bend else distance
            x[outside] = self.knots[end] + side * grown / slope
        return x

    def require_invertible(self) -> None:
        """Refuse knots that do not make up a curve."""
        require(len(self.knots) >= 2, "a curve has fewer than two knots")
        with np.errstate(all="ignore"):
            width, height = np.diff(self.knots), np.diff(self.values)
            secant = height / width
        require((width > 0) & (height > 0), "the knots and values of a curve do not ascend")
        require((secant > 0) & np.isfinite(secant), "a curve is too steep or too flat for its inverse")
        require(self.slopes > 0, "a slope of a curve is not positive")
        require(self.bend >= 0, "the bend of a curve is negative")


def _share_of_bin(rise: Floats, fall: Floats, secant: Floats, near: Floats, far: Floats) -> Floats:
    """Which share of the width of a bin gives the share `rise` of its height, from the end whose slope is `near`.

    `fall` is the rest of the height: where it is small it tells more than `rise`.
    """
    largest = np.maximum(np.maximum(near, far), secant)
    secant, near, far = secant / largest, near / largest, far / largest
    bent = near * fall - far * rise
    a, b = secant * (fall - rise) - bent, 2 * secant * rise + bent
    root = np.sqrt(np.maximum(b**2 + 4 * a * secant * rise, 0))
    falling = b < 0  # then a is positive
    return np.where(falling, root - b, 2 * secant * rise) / np.where(falling, 2 * a, b + root)


IDENTITY = Curve(np.array([-1.0, 1.0]), np.array([-1.0, 1.0]), np.ones(2), np.zeros(2))


def knot_ranks(n: int, bins: int) -> Ints:
    """Ranks of the knots between equal bins, of which those at the ends are halved as long as enough lie beyond."""
    edges = np.round(np.arange(1, bins) * (n + 1) / bins).astype(np.int64)
    tail = edges[0] >> np.arange(1, 64)
    ranks = np.unique(np.concatenate([edges, tail, n + 1 - tail]))
    beyond = min(tuning.TUNING.tail, n // 8)
    return ranks[(ranks > beyond) & (ranks <= n - beyond)]


def fit_curve(ordered: Floats, target: Floats, ranks: Ints, origin: float | None = None) -> Curve:
    """Curve from `ordered` samples to their `target`, both ascending, with knots at the `ranks`.

    The tails have the mean that the samples beyond the knots ask for. They are linear or, from an `origin` on, linear
    in the logarithm, so that heavy ones are not taken for normal.
    """
    distinct = np.flatnonzero(np.diff(ordered[ranks - 1], prepend=-np.inf) > 0)
    ranks = ranks[distinct] if len(distinct) > 1 else np.array([1, len(ordered)])
    knots, values = ordered[ranks - 1], target[ranks - 1]
    slopes, bend = np.empty(len(knots)), np.zeros(2)
    width, secant = np.diff(knots), np.diff(values) / np.diff(knots)
    share = width[1:] / (width[1:] + width[:-1])
    slopes[1:-1] = secant[:-1] ** share * secant[1:] ** (1 - share)
    for side, (end, beyond) in enumerate(((0, slice(ranks[0] - 1)), (-1, slice(ranks[-1], None)))):
        distance = np.abs(ordered[beyond] - knots[end])
        reach = np.inf if origin is None else abs(knots[end] - origin)
        if not distance.any() or not reach:  # all are equal
            slopes[end] = secant[end]
            continue
        rise = np.abs(target[beyond] - values[end]).mean()
        if origin is None:
            slopes[end] = rise / distance.mean()
        else:
            growth = (ordered[beyond] - origin) / (knots[end] - origin)
            near = growth.max() < NEAR  # where the logarithm of the growth has lost digits
            rate = rise / (np.log1p(distance / reach) if near else np.log(growth)).mean()
            slopes[end], bend[side] = rate / reach, 1 / rate
    return Curve(knots, values, slopes, bend)
