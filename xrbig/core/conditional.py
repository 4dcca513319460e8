"""Conditional destructor: features made normal and independent of others, by their distribution given these."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from xrbig.core import tuning
from xrbig.core.layers.mixture import Mixture, monomials_of, training
from xrbig.core.marginal import Floats, Ints
from xrbig.core.place import Place
from xrbig.core.weights import stacked

COMPONENTS = (1, 2, 4, 8, 16)
CERTAIN = 1e-3  # variance below which a direction is what the others determine
MOST = 1 << 23  # monomials of all samples at a time
LEAST = 1e-26  # density of a sample that counts


class Destructed(NamedTuple):
    """Features made normal and independent of others, and log-density ratios at unseen samples (feature, sample)."""

    rest: Floats
    gain: Floats


def white(z: Floats, least: float = CERTAIN) -> Floats:
    """White directions of `z` (feature, sample) without those that the others determine: exact relations do no harm."""
    variance, axes = np.linalg.eigh(z @ z.T / z.shape[1])
    kept = variance > least
    return np.asarray((axes[:, kept] / np.sqrt(variance[kept])).T @ z)


def made_normal(v: Floats) -> Floats:
    """Rows of `v` (feature, sample) made normal by their ranks, of variance 1."""
    ranks: Ints = v.argsort(axis=-1).argsort(axis=-1)
    z = ndtri((ranks + 0.5) / v.shape[-1])
    return np.asarray(z / z.std(axis=-1, keepdims=True))


def destruct(v: Floats, u: Floats, place: Place, time: float, seed: int) -> Destructed:
    """Each of the scores `v` (feature, sample) by its distribution given `u` (feature, sample).

    Each sample is mapped by mixtures that have not seen it, stacked with one another and with "nothing" by the density
    that unseen samples have under each.
    """
    u, fold = white(u), place.folds(0, tuning.TUNING.folds, time)
    at_a_time = max(1, MOST // ((len(u) + 2) * (len(u) + 3) * v.shape[1]))
    rest, gain = np.empty_like(v), np.empty_like(v)
    for own in (slice(start, start + at_a_time) for start in range(0, len(v), at_a_time)):
        density, below = _mixtures(v[own], u, fold, seed)
        weight = stacked(density)
        gain[own] = np.log((weight * density).sum(axis=0)) + v[own] ** 2 / 2
        rest[own] = made_normal((weight * below).sum(axis=0))
    return Destructed(rest, gain)


def _mixtures(v: Floats, u: Floats, fold: Ints, seed: int) -> tuple[Floats, Floats]:
    """Densities and distribution functions (model, feature, sample) of `v` given `u`, the first as if `u` told nothing.

    The number of components grows as long as unseen samples become likelier.
    """
    (features, n), folds = v.shape, tuning.TUNING.folds
    train = training(fold, folds)
    fitted = np.stack([np.concatenate([u[:, t], v[j : j + 1, t]]) for j in range(features) for t in train])
    powers, density, below = monomials_of(fitted), [np.exp(-(v**2) / 2)], [ndtr(v)]
    parameters = (len(u) + 2) * (len(u) + 3) / 2
    for components in COMPONENTS:
        if components > 1 and components * parameters * tuning.TUNING.samples_per_parameter > len(train[0]):
            break
        fit, out = Mixture.fit(fitted, powers, components, seed, thin=True), np.empty((2, features, n))
        for j, k in np.ndindex(features, folds):
            own = fold == k
            both = np.concatenate([u[:, own], v[j : j + 1, own]])[None]
            score, out[0, j, own] = fit.at(slice(folds * j + k, folds * j + k + 1)).given(both, len(u))
            out[1, j, own] = ndtr(score[0, 0])
        density.append(np.maximum(np.exp(out[0]), LEAST))
        below.append(out[1])
        gain = np.log(density[-1]).mean(axis=1) - np.log(density[-2]).mean(axis=1)
        if components > 2 and (gain < 0).all():
            break
    return np.stack(density), np.stack(below)
