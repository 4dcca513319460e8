"""Kullback-Leibler divergence of one set of samples from another, through the flow of the other."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xrbig.core import flow
from xrbig.core.entropy import spread_ties
from xrbig.core.family import entropy
from xrbig.core.gaussianize import Settings
from xrbig.core.information import FEWEST_SAMPLES, Estimate, default_min_samples
from xrbig.core.marginal import Floats, exact_order, scatter, ties


def kl_divergence(
    x: NDArray[Any], y: NDArray[Any], settings: Settings, min_samples: int | None = None, skipna: bool = True
) -> Estimate:
    """D_KL(p || q) of the samples `x` of p and `y` of q, each (cell, feature, sample).

    A flow D, fitted to `y`, takes q to N(0, I) and leaves the divergence as it is, so that it is the entropy that the
    samples D(x) lack of their mean log-density under N(0, I). `n_samples` is the smaller of the two numbers.
    """
    features = x.shape[1]
    needed = max(default_min_samples(features) if min_samples is None else min_samples, features + 2, FEWEST_SAMPLES)
    cells = len(x)
    estimate = Estimate(
        value=np.full(cells, np.nan),
        n_samples=np.zeros(cells, dtype=np.int64),
        n_layers=np.zeros(cells, dtype=np.int64),
        converged=np.zeros(cells, dtype=bool),
        tied_fraction=np.full(cells, np.nan),
        std_error=np.full(cells, np.nan),
    )
    for cell in range(cells):
        p, q = _complete(x[cell]), _complete(y[cell])
        gaps = p.shape[1] < x.shape[2] or q.shape[1] < y.shape[2]
        estimate.n_samples[cell] = n = min(p.shape[1], q.shape[1])
        if n >= needed and (skipna or not gaps) and _is_fit(p) and _is_fit(q):
            found = _of_samples(*_spread(p, q, settings.seed), settings, needed)
            estimate.value[cell], estimate.n_layers[cell], estimate.converged[cell] = found
            tied = [ties(exact_order(side[None], settings.seed), settings.seed).fraction for side in (p, q)]
            estimate.tied_fraction[cell] = np.max(tied)
    return estimate


def _of_samples(p: Floats, q: Floats, settings: Settings, needed: int) -> tuple[float, int, bool]:
    """Divergence, layers of the flow, and whether what it leaves of p has converged."""
    layers = flow.fit(q, settings).layers
    z, _ = flow.apply([single for layer in layers for single in layer.maps], p)
    left = entropy(z[None], settings, needed)
    return -float(left.value[0]) - float(flow.log_normal(z).mean()), len(layers), bool(left.converged[0])


def _spread(p: Floats, q: Floats, seed: int) -> tuple[Floats, Floats]:
    """Both samples with equal values spread alike: else q would have a density where p has values."""
    order = exact_order(np.concatenate([p, q], axis=1)[None], seed)
    both = scatter(spread_ties(order.values), order.samples)[0]
    return np.ascontiguousarray(both[:, : p.shape[1]]), np.ascontiguousarray(both[:, p.shape[1] :])


def _complete(x: NDArray[Any]) -> Floats:
    """The samples of `x` (feature, sample) without a gap."""
    return np.ascontiguousarray(x[:, ~np.isnan(x).any(axis=0)], dtype=np.float64)


def _is_fit(x: Floats) -> bool:
    """Whether all values are finite and no feature is constant."""
    return bool(np.isfinite(x).all() and (x.max(axis=1) > x.min(axis=1)).all())
