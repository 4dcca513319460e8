"""Invertible maps between samples: what the layers of a flow are made of.

Each map takes samples (feature, sample) to others and gives log |det| of its Jacobian (sample,); no sample knows of the
others. Far from the samples they were fitted on, maps go on smoothly and stay invertible.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, logsumexp, ndtr, ndtri, ndtri_exp

from xrbig.core.marginal import Floats, Ints

LARGEST_LOG = 700.0  # of a number that a float can hold
LEAST = 1e-280  # probability below which its logarithm is needed


class Linear(NamedTuple):
    """y = matrix @ (x - shift)."""

    shift: Floats
    matrix: Floats

    def apply(self, x: Floats) -> tuple[Floats, Floats]:
        """Map `x`; returns y and log |det|."""
        log_det = np.linalg.slogdet(self.matrix)[1]
        return self.matrix @ (x - self.shift[:, None]), np.full(x.shape[1], log_det)

    def invert(self, y: Floats) -> Floats:
        """Map `y` back."""
        return np.asarray(np.linalg.inv(self.matrix) @ y + self.shift[:, None])


class Compression(NamedTuple):
    """y = arsinh((x - shift) / spread) of some features, by their indices: linear near 0, a logarithm far out."""

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


def _log_cosh(y: Floats) -> Floats:
    size = np.abs(y)
    return np.asarray(size + np.log1p(np.exp(-2 * size)) - np.log(2))


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


class Margins(NamedTuple):
    """A curve for each feature."""

    curves: list[Curve]

    def apply(self, x: Floats) -> tuple[Floats, Floats]:
        """Map `x`; returns y and log |det|."""
        rows = [curve.apply(row) for curve, row in zip(self.curves, x, strict=True)]
        return np.stack([y for y, _ in rows]), np.sum([log_slope for _, log_slope in rows], axis=0)

    def gains(self, x: Floats) -> Floats:
        """What each curve adds to the log-density, relative to N(0, I): (feature, sample)."""
        rows = [curve.apply(row) for curve, row in zip(self.curves, x, strict=True)]
        return np.stack([log_slope - y**2 / 2 for y, log_slope in rows]) + x**2 / 2

    def invert(self, y: Floats) -> Floats:
        """Map `y` back."""
        return np.stack([curve.invert(row) for curve, row in zip(self.curves, y, strict=True)])


class Radial(NamedTuple):
    """Curve for the logarithm of the distance to the origin; directions stay."""

    curve: Curve

    def apply(self, x: Floats) -> tuple[Floats, Floats]:
        """Map `x`; returns y and log |det|."""
        log_radius = _log_radius(x)
        mapped, log_slope = self.curve.apply(log_radius)
        stretch = mapped - log_radius
        return x * np.exp(stretch), len(x) * stretch + log_slope

    def invert(self, y: Floats) -> Floats:
        """Map `y` back."""
        log_radius = _log_radius(y)
        return np.asarray(y * np.exp(np.minimum(self.curve.invert(log_radius) - log_radius, LARGEST_LOG)))


def _log_radius(x: Floats) -> Floats:
    size = np.maximum(np.abs(x).max(axis=0), np.finfo(float).tiny)
    return np.asarray(np.log(np.maximum(np.sqrt(((x / size) ** 2).sum(axis=0)), np.finfo(float).eps)) + np.log(size))


class Conditional(NamedTuple):
    """Some features to N(0, 1), each by its distribution in a Gaussian mixture given the ones before it.

    Rosenblatt's transformation (Annals of Mathematical Statistics 23:470, 1952). The first `given` of the features
    condition the others and stay.

    Attributes
    ----------
    features : array (f,), their indices
    given : array (), how many of them stay
    log_weight : array (component,)
    mean : array (component, f)
    whitening : array (component, f, f), inverse of the lower Cholesky factor of the covariance
    """

    features: Ints
    given: Ints
    log_weight: Floats
    mean: Floats
    whitening: Floats

    def apply(self, x: Floats) -> tuple[Floats, Floats]:
        """Map `x`; returns y and log |det|."""
        given = int(self.given)
        white, joint, weight = self._joint(x)
        total = logsumexp(weight, axis=0)
        scores = _scores(weight[:, given:] - total[given:], white[:, given:])
        y = x.copy()
        y[self.features[given:]] = scores
        log_det = logsumexp(joint[:, -1], axis=0) - total[given] + (scores**2).sum(axis=0) / 2
        return y, log_det

    def _joint(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Standardized features, and the log of weight times density of those up to each and before each."""
        white = self.whitening @ x[self.features] - self.whitening @ self.mean[..., None]
        log_density = np.log(np.einsum("kff->kf", self.whitening))[..., None] - white**2 / 2
        joint = np.cumsum(log_density, axis=1) + self.log_weight[:, None, None]
        return white, joint, joint - log_density

    def gains(self, x: Floats) -> Floats:
        """What the map adds to the log-density, relative to N(0, I): (1, sample)."""
        given = int(self.given)
        _, joint, weight = self._joint(x)
        square = (x[self.features[given:]] ** 2).sum(axis=0)
        return np.asarray(logsumexp(joint[:, -1], axis=0) - logsumexp(weight[:, given], axis=0) + square / 2)[None]

    def invert(self, y: Floats) -> Floats:
        """Map `y` back, feature by feature."""
        x = y.copy()
        weight = np.repeat(self.log_weight[:, None], y.shape[1], axis=1)
        centred = np.empty((len(weight), len(self.features), y.shape[1]))
        for d, feature in enumerate(self.features):
            scale = self.whitening[:, d, d]
            offset = (
                self.mean[:, d, None]
                - np.einsum("kf,kfn->kn", self.whitening[:, d, :d], centred[:, :d]) / scale[:, None]
            )
            if d >= int(self.given):
                x[feature] = _quantile(y[feature], weight - logsumexp(weight, axis=0), offset, 1 / scale)
            centred[:, d] = x[feature] - self.mean[:, d, None]
            weight += np.log(scale)[:, None] - ((x[feature] - offset) * scale[:, None]) ** 2 / 2
        return x


class Tree(NamedTuple):
    """Pairs of features, each the second given the first, from the leaves of a tree up."""

    branches: list[Conditional]

    def apply(self, x: Floats) -> tuple[Floats, Floats]:
        """Map `x`; returns y and log |det|."""
        log_det = np.zeros(x.shape[1])
        for branch in self.branches:
            x, more = branch.apply(x)
            log_det = log_det + more
        return x, log_det

    def invert(self, y: Floats) -> Floats:
        """Map `y` back."""
        for branch in reversed(self.branches):
            y = branch.invert(y)
        return y

    def gains(self, x: Floats) -> Floats:
        """What each branch adds to the log-density, relative to N(0, I): (branch, sample)."""
        return np.concatenate([branch.gains(x) for branch in self.branches])


def _scores(log_weight: Floats, white: Floats) -> Floats:
    """Normal scores of the mixture's distribution function at standardized `white` (component, ...)."""
    weight = np.exp(log_weight)
    below, above = ((weight * ndtr(side * white)).sum(axis=0) for side in (1, -1))
    lower = below < above
    score = ndtri(np.where(lower, below, above))
    far = np.minimum(below, above) < LEAST
    if far.any():
        log_below, log_above = (logsumexp(log_weight[:, far] + log_ndtr(s * white[:, far]), axis=0) for s in (1, -1))
        score[far] = ndtri_exp(np.minimum(log_below, log_above))
    return np.asarray(np.where(lower, score, -score))


def _quantile(z: Floats, log_weight: Floats, mean: Floats, scale: Floats) -> Floats:
    """Where the mixture's distribution function has the normal score `z` (sample,).

    `log_weight` and `mean` are (component, sample), `scale` (component,). It lies between their quantiles.
    """
    from scipy.optimize.elementwise import find_root

    def excess(x: Floats, sample: Floats) -> Floats:
        index = sample.astype(np.intp)
        return _scores(log_weight[:, index], (x - mean[:, index]) / scale[:, None]) - z[index]

    ends = mean + z * scale[:, None]
    width = scale.min() * 1e-9
    low, high = ends.min(axis=0) - width, ends.max(axis=0) + width
    found = find_root(excess, (low, high), args=(np.arange(len(z)),), maxiter=200)
    return np.asarray(found.x)


Map = Compression | Linear | Margins | Radial | Conditional | Tree
