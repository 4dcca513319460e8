"""Total correlation by few layers of different kinds, each where it helps, and by neighbours for the rest."""

import numpy as np
from scipy.special import ndtri

from xrbig.core import marginal, negentropy, neighbours
from xrbig.core.elliptical import Destructed, elliptical_layer
from xrbig.core.gaussianize import CONTINUED, Gaussianized, Settings
from xrbig.core.marginal import Bools, Floats, exact_order, orientation, rank_gaussianize
from xrbig.core.mixture import mixture_layer
from xrbig.core.unmixing import unmixing_layer

NEIGHBOURS_SUFFICE = 3  # features up to which nearest neighbours see all that is left
CORRELATED = 1.4  # standard error of their mean over that of independent terms, measured on independent features


def destruct(x: Floats, z: Floats, smooth: Bools, settings: Settings) -> Gaussianized:
    """T of `x` (cell, feature, sample), whose normal scores are `z`; `smooth` tells where `x` has few ties."""
    start = _copula(z, settings)
    total = _finish(start, settings)
    if smooth.any():
        unmixed = unmixing_layer(x[smooth], settings.significance, settings.seed)
        better = unmixed.assured > start.gain[smooth] + unmixed.noise
        if better.any():
            cells = np.flatnonzero(smooth)[better]
            after = _copula(_scores(unmixed.y[better], settings.seed), settings)
            after.structured[:] = True
            other = _finish(after, settings) + unmixed.gain[better]
            total[cells] = np.maximum(total[cells], other)
    return Gaussianized(total, np.ones(len(z), dtype=np.int64), np.ones(len(z), dtype=bool))


def _finish(start, settings):
    rests = [_rest(y, bool(s), settings) for y, s in zip(start.y, start.structured, strict=True)]
    return start.gain + rests


def _scores(y: Floats, seed: int) -> Floats:
    scores = rank_gaussianize(exact_order(y, seed), seed)
    return scores * orientation(scores, seed)[..., None]


def _copula(z: Floats, settings: Settings) -> Destructed:
    """Elliptical layer, and the margins that it leaves."""
    layer = elliptical_layer(z, settings.significance, settings.seed)
    y = layer.y - layer.y.mean(axis=-1, keepdims=True)
    y /= y.std(axis=-1, keepdims=True)
    order = marginal.argsort(y)
    margins = negentropy.marginal_gain(y, order)
    accepted = margins.exceeds_chance(settings.significance)
    gain = layer.gain + np.where(accepted, margins.value, 0)
    scores = marginal.normal_scores(z.shape[2], z.shape[1], settings.seed)
    out = layer.y
    out[accepted] = marginal.scatter(scores, order[accepted])
    return Destructed(gain, out, layer.structured | accepted)


def _rest(y: Floats, structured: bool, settings: Settings) -> float:
    """What is left in one cell."""
    critical = -float(ndtri(settings.significance))
    gain = 0.0
    if len(y) > NEIGHBOURS_SUFFICE:
        mixed = mixture_layer(y, critical, settings.seed)
        if mixed is not None:
            gain, structured = mixed.gain, True
            y = rank_gaussianize(exact_order(mixed.z[None], settings.seed), settings.seed)[0]
    left = neighbours.total_correlation(y)
    needed = -float(ndtri(CONTINUED)) if structured else critical
    return gain + (left.value if left.value > needed * CORRELATED * left.error else 0.0)
