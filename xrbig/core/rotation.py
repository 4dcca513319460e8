"""Linear part of a layer: whiten and rotate, so that the new margins show what the old ones hid."""

from typing import Literal, NamedTuple

import numpy as np
from scipy.special import psi

from xrbig.core.cache import cached
from xrbig.core.marginal import Floats

Rotation = Literal["auto", "pca", "ica", "random"]

ICA_STEPS = 15  # more find nothing with ten components, and less than 0.02 nat with twenty
FITTED, HELD_OUT = slice(0, None, 2), slice(1, None, 2)


class Whitening(NamedTuple):
    """Principal components of variance 1.

    Attributes
    ----------
    matrix : array (cell, feature, feature)
    log_det : array (cell,), log |det matrix|, what whitening takes from T where the margins are Gaussian
    axes : array (cell, feature, feature), the principal axes in columns
    """

    matrix: Floats
    log_det: Floats
    axes: Floats


def whiten(z: Floats) -> Whitening:
    """Whitening of `z` (cell, feature, sample; mean 0)."""
    variance, axes = np.linalg.eigh(z @ (z / z.shape[2]).swapaxes(1, 2))
    scale = 1 / np.sqrt(np.maximum(variance, np.finfo(float).eps))
    matrix = (axes * scale[:, None, :]).swapaxes(1, 2)
    return Whitening(matrix, np.sum(np.log(scale), axis=1), axes)


def rotate(white: Floats, axes: Floats, rotation: Rotation, layer: int, seed: int) -> Floats | None:
    """Rotation of the components `white` (cell, feature, sample), None for none.

    ``"pca"`` leaves them, ``"ica"`` goes on to independent components, found on the samples `FITTED` and to be
    judged on those `HELD_OUT`, ``"random"`` turns back to the features and then at random, the same way in all cells.
    """
    if rotation == "pca":
        return None
    turn = random_rotation(white.shape[1], layer, seed)
    if rotation == "ica":
        return independent_components(white[..., FITTED], turn)
    return np.asarray(turn @ axes)


@cached
def random_rotation(features: int, layer: int, seed: int) -> Floats:
    """Orthogonal matrix, uniform over all of them (Mezzadri, Notices of the AMS 54:592, 2007)."""
    rng = np.random.default_rng([seed, layer, features])
    q, r = np.linalg.qr(rng.standard_normal((features, features)))
    rotation = q * np.sign(np.diag(r))
    return np.asarray(rotation)


def independent_components(white: Floats, start: Floats) -> Floats:
    """Orthogonal unmixing matrix per cell of white data (cell, feature, sample).

    Symmetric fixed-point iteration with the log-cosh contrast (Hyvarinen, IEEE Transactions on Neural Networks 10:626,
    1999); a fixed number of steps, so that no cell depends on another.
    """
    n = white.shape[-1]
    unmixing = np.broadcast_to(start, (len(white), *start.shape))
    for _ in range(ICA_STEPS):
        contrast = np.tanh(unmixing @ white)
        curvature = np.mean(1 - contrast**2, axis=2)[:, :, None]
        left, _, right = np.linalg.svd(contrast @ white.swapaxes(1, 2) / n - curvature * unmixing)
        unmixing = left @ right
    return unmixing


def null_log_det(features: int, n: int) -> float:
    """Mean of -1/2 log det of the sample correlation matrix of n independent Gaussian samples.

    The determinant of a Wishart matrix is a product of chi-square variables, whose mean logarithms are digammas
    (Anderson, An Introduction to Multivariate Statistical Analysis, section 7.5).
    """
    half = (n - 1) / 2
    return float(np.sum(psi(half) - psi(half - np.arange(features) / 2)) / 2)
