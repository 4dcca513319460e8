"""Linear layers: whiten and rotate, so that the new margins show what the old ones hid."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from xrbig.core import rotation
from xrbig.core.crossfit import CrossFit, Folds, Turn, cross_fit
from xrbig.core.layers.base import Map, Shapes, require
from xrbig.core.marginal import Floats


@dataclass(frozen=True, eq=False)
class Linear(Map):
    """y = matrix @ (x - shift)."""

    shapes: ClassVar[Shapes] = {"shift": ("f",), "matrix": ("f", "f")}
    shift: Floats
    matrix: Floats

    def apply(self, x: Floats) -> tuple[Floats, Floats]:
        """Map `x`; returns y and log |det|."""
        log_det = np.linalg.slogdet(self.matrix)[1]
        return self.matrix @ (x - self.shift[:, None]), np.full(x.shape[1], log_det)

    def invert(self, y: Floats) -> Floats:
        """Map `y` back."""
        return np.asarray(np.linalg.inv(self.matrix) @ y + self.shift[:, None])

    def require_invertible(self) -> None:
        """Refuse a matrix that is singular whatever the units of its rows and columns."""
        text = "the matrix of a linear map is singular"
        matrix = self.matrix
        for axis in (1, 0):
            largest = np.abs(matrix).max(axis=axis, keepdims=True)
            require(largest > 0, text)
            matrix = matrix / largest
        try:
            inverse = np.linalg.inv(matrix)
        except np.linalg.LinAlgError:
            raise ValueError(text) from None
        condition = np.abs(matrix).sum(axis=0).max() * np.abs(inverse).sum(axis=0).max()
        require(condition * len(matrix) * np.finfo(float).eps < 1, text)


@dataclass(frozen=True)
class Rotate:
    """Whiten and rotate.

    Fits to fewer samples begin with the rotation that comes closest to that of all: else each might find the same
    components in another order.
    """

    name: rotation.Rotation
    layer: int
    seed: int

    def fit(self, x: Floats, like: list[Map] | None = None) -> list[Map]:
        """Fit to samples (feature, sample)."""
        mean = x.mean(axis=1)
        centred = (x - mean[:, None])[None]
        white = rotation.whiten(centred)
        y, matrix = white.matrix @ centred, white.matrix[0]
        start = self._start(matrix, white.axes[0], like)
        turn = start
        if self.name == "ica":
            turn = rotation.independent_components(y, start)[0]
            turn = np.where((turn * start).sum(axis=1) < 0, -1, 1)[:, None] * turn
        return [Linear(mean, turn @ matrix)]

    def _start(self, whitening: Floats, axes: Floats, like: list[Map] | None) -> Floats:
        if like:
            (whole,) = like
            assert isinstance(whole, Linear)
            left, _, right = np.linalg.svd(whole.matrix @ np.linalg.inv(whitening))
            return np.asarray(left @ right)
        if self.name == "pca":
            return np.eye(len(whitening))
        start = rotation.random_rotation(len(whitening), self.layer, self.seed)
        return start @ axes if self.name == "random" else start


def choose(folds: Folds, turn: Turn) -> CrossFit:
    """Independent components."""
    return cross_fit(Rotate("ica", turn.layer, turn.seed), folds)
