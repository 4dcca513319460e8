"""Elliptical layer: margins to Student t, whitening by the t scatter, radius to that of a normal."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, chdtri, fdtrc, gammaln, ndtr, ndtri, stdtrit

from xrbig.core.cache import cached
from xrbig.core.marginal import Bools, Floats, argsort, normal_scores, scatter
from xrbig.core.negentropy import marginal_gain, marginal_terms, margins_above_chance
from xrbig.core.rotation import null_log_det

DEGREES = (32.0, 8.0, 2.0)  # degrees of freedom that are tried first
OCTAVES = (1.0, 0.25)  # how far from the best of them the others are, in turn
STEPS, FINAL_STEPS = 3, 8
GRID = np.linspace(0, 9, 4097)  # of normal scores, between which t quantiles are interpolated


class Copula(NamedTuple):
    """What an elliptical layer makes of stacked cells.

    Attributes
    ----------
    gain : array (cell,), what it takes from T
    y : array (cell, feature, sample)
    nonlinear : array (cell,), whether there is more than correlation
    beyond : array (cell,), whether there is more than a t copula
    terms : array (cell, sample), what each sample adds to the mean that is the gain, up to a constant
    """

    gain: Floats
    y: Floats
    nonlinear: Bools
    beyond: Bools
    terms: Floats


class Layer(NamedTuple):
    """Gain (cell,), samples (cell, feature, sample) and terms (cell, sample) of a part of it."""

    gain: Floats
    y: Floats
    terms: Floats


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


@lru_cache(maxsize=256)
def _marginal_log_density(n: int, features: int, seed: int, nu: float) -> float:
    """Mean log-density of the t margins, the same in all cells, as all have the same scores."""
    x = student_scores(normal_scores(n, features, seed), nu)
    return features * log_norm(1, nu) - (nu + 1) / 2 * float(np.log1p(x**2 / nu).mean(axis=1).sum())


class Fit(NamedTuple):
    """t scatter of stacked cells: matrix (cell, f, f), whitened samples and squared radius, gain and its terms."""

    scatter: Floats
    y: Floats
    square: Floats
    gain: Floats
    terms: Floats


def _whiten(x: Floats, scatter: Floats) -> tuple[Floats, Floats]:
    """Samples `x` times the symmetric root of the inverse of `scatter`, and log |det| of that root."""
    root, log_det = inverse_root(scatter)
    return root @ x, log_det


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
        y, _ = _whiten(x, scatter)
        weight = (nu + x.shape[1]) / (nu + np.einsum("cfn,cfn->cn", y, y))
        scatter = (x * weight[:, None]) @ x.swapaxes(1, 2) / weight.sum(axis=1)[:, None, None]
    return scatter


def _fit(z: Floats, nu: float, scatter: Floats, steps: int, seed: int) -> Fit:
    """Fit of a t copula, its scatter from `scatter` on."""
    features, n = z.shape[1:]
    x = student_scores(z, nu)
    scatter = student_scatter(x, nu, scatter, steps)
    y, log_det = _whiten(x, scatter)
    square = np.einsum("cfn,cfn->cn", y, y)
    log_tail = np.log1p(square / nu)
    joint = log_norm(features, nu) + log_det - (nu + features) / 2 * log_tail.mean(axis=1)
    return Fit(scatter, y, square, joint - _marginal_log_density(n, features, seed, nu), log_tail)


@cached
def shrink(features: int, nu: float) -> tuple[Floats, Floats]:
    """Factor that makes the radius of a t distribution that of a normal one, at logarithms of its square."""
    log_square = np.linspace(-30, 60, 4097)
    upper = fdtrc(features, nu, np.exp(log_square) / features)
    target = chdtri(features, np.clip(upper, 1e-300, 1 - 1e-16))
    return log_square, np.sqrt(target / np.exp(log_square))


def elliptical_layer(z: Floats, significance: float, seed: int) -> Copula:
    """Remove from normal scores `z` (cell, feature, sample) what an elliptical copula explains.

    First a t copula, then what the radius of the whitened samples and their margins differ from those of a normal. All
    but the correlations must be significant.
    """
    (gain, y, terms), nonlinear = _student_layer(z, significance, seed)
    beyond = np.zeros(len(z), dtype=bool)
    for layer in (_radial_layer, marginal_layer):
        more, y, own = layer(y, significance, seed)
        gain, terms = gain + more, terms + own
        beyond |= more > 0
    return Copula(gain, y, nonlinear | beyond, beyond, terms)


def _student_layer(z: Floats, significance: float, seed: int) -> tuple[Layer, Bools]:
    """Gain, samples and terms, and whether the degrees of freedom are finite.

    The gain is the mean log-likelihood ratio of the copula to independence, less what chance adds to that of a
    Gaussian copula. A finite number of degrees of freedom is taken where it is more likely by `significance`.
    """
    features, n = z.shape[1:]
    correlation = z @ (z / n).swapaxes(1, 2)
    y, gain = _whiten(z, correlation)
    trials = np.array([_fit(z, nu, correlation, STEPS, seed).gain for nu in DEGREES])
    structured = 2 * n * (trials.max(axis=0) - gain) > chdtri(1, significance)
    degrees = np.array(DEGREES)[np.argmax(trials, axis=0)]
    terms = (np.einsum("cfn,cfn->cn", z, z) - np.einsum("cfn,cfn->cn", y, y)) / 2
    for octaves in OCTAVES:
        degrees[structured] = _climb(z[structured], degrees[structured], octaves, correlation[structured], seed)
    for nu in np.unique(degrees[structured]):
        cells = structured & (degrees == nu)
        fit = _fit(z[cells], float(nu), correlation[cells], FINAL_STEPS, seed)
        margins = np.log1p(student_scores(z[cells], float(nu)) ** 2 / nu).sum(axis=1)
        terms[cells] = (nu + 1) / 2 * margins - (nu + features) / 2 * fit.terms
        log_square, factor = shrink(features, float(nu))
        shrunk = np.interp(np.log(np.maximum(fit.square, 1e-12)), log_square, factor)
        y[cells] = fit.y * shrunk[:, None]
        gain[cells] = fit.gain
    return Layer(gain - null_log_det(features, n), y, terms), structured


def _radial_layer(y: Floats, significance: float, seed: int) -> Layer:
    """The radius of `y` (cell, feature, sample) made that of a normal (chi), in place.

    A sample at the origin, the median of all features, has no direction and stays there.
    """
    features = y.shape[1]
    square = np.einsum("cfn,cfn->cn", y, y)
    score = -ndtri(np.clip(chdtrc(features, square), np.finfo(float).tiny, 1 - 1e-16))[:, None]
    gain, score, terms = marginal_layer(score, significance, seed, standardize=False)
    changed = gain > 0
    before, after = square[changed], chdtri(features, ndtr(-score[changed, 0]))
    stretch = np.sqrt(np.divide(after, before, out=np.zeros_like(before), where=before > 0))
    y[changed] *= stretch[:, None]
    return Layer(gain, y, terms)


def marginal_layer(y: Floats, significance: float, seed: int, standardize: bool = True) -> Layer:
    """The margins of `y` (cell, feature, sample) made normal where they are not."""
    level = y
    if standardize:
        level = y - y.mean(axis=-1, keepdims=True)
        level /= level.std(axis=-1, keepdims=True)
    order = argsort(level)
    margins = marginal_gain(level, order)
    accepted = margins.exceeds_chance(significance)
    out = y.copy()
    out[accepted] = scatter(normal_scores(y.shape[2], y.shape[1], seed), order[accepted])
    terms = np.zeros((len(y), y.shape[2]))
    terms[accepted] = marginal_terms(level[accepted], order[accepted], margins.resolution[accepted])
    return Layer(np.where(accepted, margins.value, 0), out, terms)


def _climb(z: Floats, degrees: Floats, octaves: float, scatter: Floats, seed: int) -> Floats:
    """Better degrees of freedom: the top of the parabola through the gains around those of each cell."""
    profile = np.empty((3, len(z)))
    for nu in np.unique(degrees):
        cells = degrees == nu
        around = float(nu) * 2.0 ** (octaves * np.arange(-1, 2))
        profile[:, cells] = [_fit(z[cells], near, scatter[cells], STEPS, seed).gain for near in around]
    bend = np.minimum(profile[0] - 2 * profile[1] + profile[2], -np.finfo(float).tiny)
    shift = np.clip((profile[0] - profile[2]) / (2 * bend), -1, 1)
    return np.asarray(degrees * 2.0 ** (np.round(shift * 4) / 4 * octaves))


def radius_above_chance(y: Floats) -> tuple[Floats, Floats]:
    """Negentropy (cell,) of the radius of `y` (cell, feature, sample), as far as it exceeds chance, and `y` without it.

    A sample at the origin has no direction and stays there.
    """
    features = y.shape[1]
    square = np.einsum("cfn,cfn->cn", y, y)
    score = -ndtri(np.clip(chdtrc(features, square), np.finfo(float).tiny, 1 - 1e-16))[:, None]
    found, normal = margins_above_chance(score)
    wanted = chdtri(features, ndtr(-normal[:, 0]))
    stretch = np.sqrt(np.divide(wanted, square, out=np.ones_like(square), where=square > 0))
    return found, np.where((found > 0)[:, None, None], y * stretch[:, None], y)


def made_normal(white: Floats, nu: float) -> Floats:
    """Whitened samples (..., feature, sample) of a t distribution, their radius that of a normal one."""
    if np.isinf(nu):
        return white
    square = (white * white).sum(axis=-2)
    log_square, factor = shrink(white.shape[-2], nu)
    return np.asarray(white * np.interp(np.log(np.maximum(square, 1e-12)), log_square, factor)[..., None, :])
