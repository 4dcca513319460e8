"""The fit of a flow, an invertible map of samples to N(0, I), its density and its inverse."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from xrbig.core import tuning
from xrbig.core.crossfit import CrossFit, standard_error
from xrbig.core.entropy import marginal_entropies, spread_ties
from xrbig.core.gaussianize import Settings
from xrbig.core.layers import scale
from xrbig.core.layers.base import SLAB, Map, apply, log_normal
from xrbig.core.marginal import Floats, Ints, exact_order, scatter
from xrbig.core.search import Report, search


class Layer(NamedTuple):
    """A layer of a flow.

    Attributes
    ----------
    kind : what it is
    maps : its maps, in turn; those of the first layer begin with the scale of the features
    gain : what it takes from T: the mean of what it takes on the samples of the fit and on others
    likelihood : what it adds to the mean log-density of samples that it has not seen, on that of N(0, I), of which none
        counts for more than `Tuning.most_gain` more or less than others
    null_level : the likelihood at which its evidence has a weight of one half: a layer with less is not taken, but
        that the margins of the data need none
    """

    kind: str
    maps: list[Map]
    gain: float
    likelihood: float
    null_level: float


class Fitted(NamedTuple):
    """A fitted flow.

    Attributes
    ----------
    layers : its layers
    total_correlation : T, the sum of what the layers take (Eq. 7)
    by_density : T, the entropies of the features plus the mean log-density (Eq. 6)
    std_error : standard error of T, the samples being independent, and of the gain of the best layer not taken
    margin_error : part of `by_density` that is there for independent features too, by what their curves miss
    left : by what T may be larger: the gain of the best layer that was not taken, and two of its standard errors
    """

    layers: list[Layer]
    total_correlation: float
    by_density: float
    std_error: float
    margin_error: float
    left: float = 0.0


def in_slabs(function: Callable[[Floats], Floats], x: Floats) -> Floats:
    """Apply `function` to slabs of the samples of `x` (feature, sample), all equally long; the last is filled up."""
    n = x.shape[-1]
    if not n:
        return function(np.zeros((len(x), 1)))[..., :0]
    filled = np.pad(x, ((0, 0), (0, -n % SLAB)), mode="edge") if n % SLAB else x
    parts = [function(np.ascontiguousarray(filled[:, start : start + SLAB])) for start in range(0, n, SLAB)]
    return np.concatenate(parts, axis=-1)[..., :n]


def log_prob(maps: list[Map], x: Floats) -> Floats:
    """Log-density (sample,) at `x` (feature, sample), Eq. 3."""
    z, log_det = apply(maps, x)
    return log_normal(z) + log_det


def fit(x: Floats, settings: Settings, report: Report = lambda text: None, unit: Ints | None = None) -> Fitted:
    """Fit a flow to the samples `x` (feature, sample), none of which is constant.

    Samples may be alike that have the same `unit` (sample,), such as a day, or one near to it. T is what the density
    gains on that of the margins.
    """
    exact = scale.exact(x)
    x, _ = apply(exact, x)
    order = exact_order(x[None], settings.seed)
    x = scatter(spread_ties(order.values), order.samples)[0]
    unit = np.arange(x.shape[1]) if unit is None or unit.max() < 2 * tuning.TUNING.folds else unit
    sized = scale.scale(x)
    scaled, log_det = apply(sized, x)
    margins, path, left = search(scaled, unit, settings, report)
    own = log_det + log_normal(scaled)
    gains = np.sum([layer.in_sample for layer in path], axis=0)
    entropy = float(marginal_entropies(order.values).sum())
    features, n = x.shape
    doubt = float(standard_error(left.likelihood))
    variance = (gains - margins.in_sample).var() / n + features * (features - 1) / 4 / n**2 + doubt**2
    layers = [_layer(layer) for layer in path]
    layers[0] = layers[0]._replace(maps=[*exact, *sized, *layers[0].maps], gain=path[0].gain - margins.gain)
    by_density = entropy + float((own + gains).mean())
    margin_error = entropy + float((own + margins.in_sample).mean())
    total = sum(layer.gain for layer in layers)
    return Fitted(layers, total, by_density, float(np.sqrt(variance)), margin_error, max(0.0, left.gain) + 2 * doubt)


def _layer(layer: CrossFit) -> Layer:
    gains = layer.likelihood
    needed = layer.evidence * float(standard_error(gains))
    return Layer(layer.kind, layer.maps, layer.gain, float(gains.mean()), needed)
