"""Elliptical dependence: t quantiles, the scatter of t samples, and radii made those of normal ones."""

import numpy as np
from scipy.special import chdtrc, chdtri, fdtrc, gammaln, ndtr, ndtri, stdtrit

from xrbig.core import tuning
from xrbig.core.cache import cached
from xrbig.core.marginal import Floats
from xrbig.core.negentropy import margins_above_chance
from xrbig.core.weights import wiener

GRID = np.linspace(0, 9, 4097)  # of normal scores, between which t quantiles are interpolated


@cached
def _stretch(nu: float) -> Floats:
    """Ratio of t quantiles to normal ones at the scores of `GRID`, and its steps."""
    scores = np.maximum(GRID, 1e-6)
    ratio = -stdtrit(nu, ndtr(-scores)) / scores
    return np.stack([ratio, np.diff(ratio, append=ratio[-1])])


def student_scores(z: Floats, nu: float) -> Floats:
    """Quantiles of the t distribution at the ranks of the normal scores `z`."""
    position = np.abs(z) / GRID[1]
    place = position.astype(np.intp)
    position -= place
    ratio, step = _stretch(nu)
    return np.asarray(z * (ratio[place] + position * step[place]))


def log_norm(features: int, nu: float) -> float:
    """Logarithm of the density of a t distribution of unit scale at 0."""
    return float(gammaln((nu + features) / 2) - gammaln(nu / 2) - features / 2 * np.log(nu * np.pi))


def inverse_root(scatter: Floats) -> tuple[Floats, Floats]:
    """Symmetric root of the inverse of `scatter` (cell, feature, feature), and log |det| of that root."""
    variance, axes = np.linalg.eigh(scatter)
    scale = 1 / np.sqrt(np.maximum(variance, np.finfo(float).eps))
    return (axes * scale[:, None, :]) @ axes.swapaxes(1, 2), np.log(scale).sum(axis=1)


def student_scatter(x: Floats, nu: float, scatter: Floats, steps: int) -> Floats:
    """Most likely scatter of t samples `x` (cell, feature, sample), by expectation maximization from `scatter` on.

    Kent, Tyler and Vardi, Communications in Statistics B 23:441, 1994.
    """
    for _ in range(steps):
        y = inverse_root(scatter)[0] @ x
        weight = (nu + x.shape[1]) / (nu + np.einsum("cfn,cfn->cn", y, y))
        scatter = (x * weight[:, None]) @ x.swapaxes(1, 2) / weight.sum(axis=1)[:, None, None]
    return scatter


@cached
def shrink(features: int, nu: float) -> tuple[Floats, Floats]:
    """Factor that makes the radius of a t distribution that of a normal one, at logarithms of its square."""
    log_square = np.linspace(-30, 60, 4097)
    upper = fdtrc(features, nu, np.exp(log_square) / features)
    target = chdtri(features, np.clip(upper, 1e-300, 1 - 1e-16))
    return log_square, np.sqrt(target / np.exp(log_square))


def made_normal(white: Floats, nu: float) -> Floats:
    """Whitened samples (..., feature, sample) of a t distribution, their radius that of a normal one."""
    if np.isinf(nu):
        return white
    square = (white * white).sum(axis=-2)
    log_square, factor = shrink(white.shape[-2], nu)
    return np.asarray(white * np.interp(np.log(np.maximum(square, 1e-12)), log_square, factor)[..., None, :])


def radius_above_chance(y: Floats) -> tuple[Floats, Floats]:
    """Negentropy (cell,) of the radius of `y` (cell, feature, sample), as far as it exceeds chance, and `y` without it.

    Its level and its spread count as its shape does. A sample at the origin has no direction and stays there.
    """
    features = y.shape[1]
    square = np.einsum("cfn,cfn->cn", y, y)
    score = -ndtri(np.clip(chdtrc(features, square), np.finfo(float).tiny, 1 - 1e-16))[:, None]
    found, normal = margins_above_chance(score)
    mean, spread, n = score.mean(axis=-1)[:, 0], score.std(axis=-1)[:, 0], y.shape[2]
    level = np.maximum((mean**2 + spread**2 - 1) / 2 - np.log(spread) - 1 / n, 0)
    found = found + wiener(n * level, tuning.TUNING.evidence_both_ways) * level
    wanted = chdtri(features, ndtr(-normal[:, 0]))
    stretch = np.sqrt(np.divide(wanted, square, out=np.ones_like(square), where=square > 0))
    return found, np.where((found > 0)[:, None, None], y * stretch[:, None], y)
