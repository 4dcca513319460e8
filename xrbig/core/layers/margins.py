"""Margins: each feature to N(0, 1) by a curve of as many knots as held-out samples gain by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtri

from xrbig.core import tuning
from xrbig.core.crossfit import CrossFit, Folds, best_parts, bounded, cross_fit, is_enough
from xrbig.core.layers.base import Map, Shapes, require
from xrbig.core.layers.curve import IDENTITY, SHAPES, Curve, fit_curve, knot_ranks
from xrbig.core.marginal import Floats, Ints

FEWEST_BINS = 4


@dataclass(frozen=True, eq=False)
class Margins(Map):
    """A curve for each feature."""

    shapes: ClassVar[Shapes] = {"sizes": ("f",), **SHAPES, "bend": ("2f",)}
    curves: Sequence[Curve]

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

    def arrays(self) -> dict[str, Floats | Ints]:
        """The numbers of knots, and the curves one after the other."""
        joined = {name: np.concatenate([getattr(c, name) for c in self.curves]) for name in Curve._fields}
        return {"sizes": np.array([len(c.knots) for c in self.curves]), **joined}

    @classmethod
    def of(cls, arrays: dict[str, Floats], features: int) -> "Margins":
        """The curves that `arrays` has joined."""
        ends = split_at(arrays["sizes"], len(arrays["knots"]))
        rows = [np.split(arrays[name], ends) for name in SHAPES]
        return cls([Curve(*row) for row in zip(*rows, arrays["bend"].reshape(-1, 2), strict=True)])

    def require_invertible(self) -> None:
        """Refuse curves that are none."""
        for curve in self.curves:
            curve.require_invertible()


def split_at(sizes: Floats, total: int) -> Ints:
    """Where a row of so many numbers is split into curves of these sizes."""
    require((sizes >= 2) & (sizes <= total) & (sizes == np.floor(sizes)), "a curve has fewer than two knots")
    ends = np.cumsum(sizes.astype(np.int64))
    require(ends[-1] == total, f"the curves have {ends[-1]} knots of {total}")
    return ends[:-1]


@dataclass(frozen=True)
class Normal:
    """Each feature to N(0, 1) on so many `bins`, 0 to leave it alone; its tails may be `heavy`, or are normal."""

    bins: Sequence[int]
    heavy: bool
    name = "margins"

    def fit(self, x: Floats, like: list[Map] | None = None) -> list[Map]:
        """Fit to samples (feature, sample)."""
        scores = normal_places(x.shape[1])
        return [Margins([self._curve(row, scores, bins) for row, bins in zip(x, self.bins, strict=True)])]

    def _curve(self, row: Floats, scores: Floats, bins: int) -> Curve:
        if not bins:
            return IDENTITY
        ordered = np.sort(row)
        origin = float(ordered[len(ordered) // 2]) if self.heavy else None
        return fit_curve(ordered, scores, knot_ranks(len(ordered), bins), origin)


def normal_places(n: int) -> Floats:
    """Where n samples of N(0, 1) are expected, in order."""
    return np.asarray(ndtri(np.arange(1, n + 1) / (n + 1)))


def bin_numbers(n: int) -> list[int]:
    """Numbers of bins that n samples may fill."""
    most = max(FEWEST_BINS, n // tuning.TUNING.samples_per_bin)
    return [FEWEST_BINS << i for i in range((most // FEWEST_BINS).bit_length())]


def mend(folds: Folds, evidence: float, heavy: bool = False) -> CrossFit:
    """Margins to N(0, 1), each on as many bins as held-out samples gain most by, where the `evidence` is enough.

    Those of the data themselves may be `heavy`-tailed.
    """
    features = len(folds.whole)
    choices = bin_numbers(folds.fitted)
    chosen, gains = best_parts([Normal([bins] * features, heavy) for bins in choices], folds)
    gains = bounded(gains)
    taken = is_enough(gains, evidence)
    if not taken.any():
        return CrossFit.nothing(folds, "scale")
    bins = np.where(taken, np.take(choices, chosen), 0)
    layer = cross_fit(Normal(bins.tolist(), heavy), folds)
    return layer._replace(judged=gains[taken].sum(axis=0), evidence=evidence)
