"""Whether arrays make up maps that can be inverted: those of a flow from a file need not."""

import numpy as np
from scipy.special import logsumexp

from xrbig.core.maps import Compression, Conditional, Curve, Linear, Map, Margins, Radial
from xrbig.core.marginal import Bools, Floats, Ints

NORMALISED = 1e-6  # by how much the weights of a mixture may miss 1, and a triangular matrix 0


def require_map(single: Map) -> None:
    """Refuse a map of finite arrays, all of their right shapes, that cannot be inverted."""
    match single:
        case Linear():
            _require_invertible(single.matrix)
        case Compression():
            _require(single.spread > 0, "the spread of a compression is not positive")
        case Margins():
            for curve in single.curves:
                _require_curve(curve)
        case Radial():
            _require_curve(single.curve)
        case Conditional():
            _require_mixture(single)


def indices(numbers: Floats, features: int) -> Ints:
    """Indices of features, each another, that are given as numbers."""
    whole = (numbers >= 0) & (numbers < features) & (numbers == np.floor(numbers))
    _require(whole, f"features are to be indices below {features}")
    found = numbers.astype(np.int64)
    _require(np.bincount(found, minlength=features) < 2, "an index of a feature is repeated")
    return found


def split_at(sizes: Floats, total: int) -> Ints:
    """Where a row of so many numbers is split into curves of these sizes."""
    _require((sizes >= 2) & (sizes <= total) & (sizes == np.floor(sizes)), "a curve has fewer than two knots")
    ends = np.cumsum(sizes.astype(np.int64))
    _require(ends[-1] == total, f"the curves have {ends[-1]} knots of {total}")
    return ends[:-1]


def _require(valid: Bools | bool, text: str) -> None:
    if not np.all(valid):
        raise ValueError(text)


def _require_curve(curve: Curve) -> None:
    _require(len(curve.knots) >= 2, "a curve has fewer than two knots")
    with np.errstate(all="ignore"):
        width, height = np.diff(curve.knots), np.diff(curve.values)
        secant = height / width
    _require((width > 0) & (height > 0), "the knots and values of a curve do not ascend")
    _require((secant > 0) & np.isfinite(secant), "a curve is too steep or too flat for its inverse")
    _require(curve.slopes > 0, "a slope of a curve is not positive")
    _require(curve.bend >= 0, "the bend of a curve is negative")


def _require_invertible(matrix: Floats) -> None:
    """Refuse a matrix that is singular whatever the units of its rows and columns."""
    text = "the matrix of a linear map is singular"
    for axis in (1, 0):
        largest = np.abs(matrix).max(axis=axis, keepdims=True)
        _require(largest > 0, text)
        matrix = matrix / largest
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        raise ValueError(text) from None
    condition = np.abs(matrix).sum(axis=0).max() * np.abs(inverse).sum(axis=0).max()
    _require(condition * len(matrix) * np.finfo(float).eps < 1, text)


def _require_mixture(single: Conditional) -> None:
    _require(bool(abs(logsumexp(single.log_weight)) < NORMALISED), "the weights of a mixture do not add up to 1")
    diagonal = np.einsum("kff->kf", single.whitening)
    _require(diagonal > 0, "a whitening of a mixture has a diagonal that is not positive")
    largest = np.abs(single.whitening).max(axis=(1, 2), keepdims=True)
    _require(
        np.abs(np.triu(single.whitening, 1)) <= NORMALISED * largest, "a whitening of a mixture is not lower triangular"
    )
