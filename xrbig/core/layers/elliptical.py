"""Elliptical layers: margins to those of a t distribution, whitening by its scatter, radius to that of a normal."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import chdtri, ndtr, stdtr, stdtrit

from xrbig.core.cache import cached
from xrbig.core.crossfit import CrossFit, Folds, Turn, bounded, cross_fit, held_out_gain
from xrbig.core.elliptical import inverse_root, student_scatter
from xrbig.core.layers.base import LARGEST_LOG, Map, Shapes
from xrbig.core.layers.curve import SHAPES, Curve, fit_curve, knot_ranks
from xrbig.core.layers.linear import Linear
from xrbig.core.layers.margins import Margins
from xrbig.core.marginal import Floats

RADIAL_BINS = 8
DEGREES = (np.inf, 16.0, 8.0, 4.0, 2.0)  # of freedom of the t copulas that are tried
GRID = np.linspace(-8, 8, 129)  # of normal scores, the knots of the map to t quantiles
ROBUST = 3.0  # degrees of freedom of the scatter of samples whose margins may have heavy tails
STEPS = 10  # of the scatter


@dataclass(frozen=True, eq=False)
class Radial(Map):
    """Curve for the logarithm of the distance to the origin; directions stay."""

    shapes: ClassVar[Shapes] = {**SHAPES, "bend": (2,)}
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

    def arrays(self) -> dict[str, Floats]:
        """Those of the curve."""
        return self.curve._asdict()

    @classmethod
    def of(cls, arrays: dict[str, Floats], features: int) -> "Radial":
        """The map of these arrays."""
        return cls(Curve(**arrays))

    def require_invertible(self) -> None:
        """Refuse a curve that is none."""
        self.curve.require_invertible()


def _log_radius(x: Floats) -> Floats:
    size = np.maximum(np.abs(x).max(axis=0), np.finfo(float).tiny)
    return np.asarray(np.log(np.maximum(np.sqrt(((x / size) ** 2).sum(axis=0)), np.finfo(float).eps)) + np.log(size))


@dataclass(frozen=True)
class Copula:
    """Elliptical copula of normal margins, of a t distribution of so many `degrees` of freedom."""

    degrees: float
    name = "elliptical"

    def fit(self, x: Floats, like: list[Map] | None = None) -> list[Map]:
        """Fit to samples (feature, sample)."""
        if np.isinf(self.degrees):
            return _whitened(x, x @ x.T / x.shape[1])
        margins = Margins([student_curve(self.degrees)] * len(x))
        y, _ = margins.apply(x)
        return [margins, *_whitened(y, _scatter(y, self.degrees))]


@dataclass(frozen=True)
class Spherical:
    """Whitening by a robust scatter, and radius to chi, whatever the margins."""

    name = "elliptical"

    def fit(self, x: Floats, like: list[Map] | None = None) -> list[Map]:
        """Fit to samples (feature, sample)."""
        return _whitened(x, _scatter(x, ROBUST))


def _scatter(x: Floats, degrees: float) -> Floats:
    return np.asarray(student_scatter(x[None], degrees, (x @ x.T / x.shape[1])[None], STEPS)[0])


def _whitened(x: Floats, scatter: Floats) -> list[Map]:
    linear = Linear(np.zeros(len(x)), inverse_root(scatter[None])[0][0])
    return [linear, _radial(linear.apply(x)[0])]


def _radial(x: Floats) -> Radial:
    """Distance to the origin to that of N(0, I), chi; near the origin the map is linear."""
    features, n = x.shape
    ordered = np.sort(np.log(np.maximum(np.sqrt((x**2).sum(axis=0)), np.finfo(float).tiny)))
    target = np.log(chdtri(features, 1 - np.arange(1, n + 1) / (n + 1))) / 2
    curve = fit_curve(ordered, target, knot_ranks(n, RADIAL_BINS))
    curve.slopes[0] = 1.0
    return Radial(curve)


@cached
def student_curve(degrees: float) -> Curve:
    """Normal scores to t quantiles."""
    half = np.arange(len(GRID) // 2 + 1)
    lower = stdtrit(degrees, ndtr(GRID[half]))
    values = np.concatenate([lower[:-1], [0.0], -lower[:-1][::-1]])
    log_density = -(degrees + 1) / 2 * np.log1p(values**2 / degrees)
    constant = np.log(stdtr(degrees, 1e-3) - 0.5) - np.log(1e-3)
    slopes = np.exp(-(GRID**2) / 2 - log_density - constant) / np.sqrt(2 * np.pi)
    return Curve(GRID, values, slopes, np.zeros(2))


def choose(folds: Folds, turn: Turn) -> CrossFit:
    """Copula of the degrees of freedom by which held-out samples gain most; of raw data a robust scatter."""
    if turn.raw:
        return cross_fit(Spherical(), folds)
    best = max(map(Copula, DEGREES), key=lambda kind: float(bounded(held_out_gain(kind, folds)).mean()))
    return cross_fit(best, folds)
