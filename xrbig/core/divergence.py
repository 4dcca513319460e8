"""Kullback-Leibler divergence of one set of samples from another, through the flow of the other."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xrbig.core import flow
from xrbig.core.family import entropy
from xrbig.core.gaussianize import Settings
from xrbig.core.information import FEWEST_SAMPLES, Estimate, default_min_samples
from xrbig.core.marginal import Floats


def kl_divergence(
    x: NDArray[Any], y: NDArray[Any], settings: Settings, min_samples: int | None = None, skipna: bool = True
) -> Estimate:
    """D_KL(p || q) of the samples `x` of p and `y` of q, each (cell, feature, sample).

    A flow D, fitted to `y`, takes q to N(0, I) and leaves the divergence as it is, so that it is the entropy that the
    samples D(x) lack of their mean log-density under N(0, I). `n_samples` is the smaller of the two numbers.
    """
    features = x.shape[1]
    needed = max(default_min_samples(features) if min_samples is None else min_samples, features + 2, FEWEST_SAMPLES)
    estimates = [_of_cell(*pair, settings, needed, skipna) for pair in zip(x, y, strict=True)]
    return Estimate(*(np.array(field) for field in zip(*estimates, strict=True)))


def _of_cell(x: NDArray[Any], y: NDArray[Any], settings: Settings, needed: int, skipna: bool) -> tuple[Any, ...]:
    p, q = _complete(x), _complete(y)
    n_samples = min(p.shape[1], q.shape[1])
    gaps = p.shape[1] < x.shape[1] or q.shape[1] < y.shape[1]
    if n_samples < needed or (gaps and not skipna) or not (_is_fit(p) and _is_fit(q)):
        return np.nan, n_samples, 0, False, np.nan, np.nan
    layers = flow.fit(q, settings).layers
    z, _ = flow.apply([single for layer in layers for single in layer.maps], p)
    left = entropy(z[None], settings, needed)
    value = -float(left.value[0]) - float(flow.log_normal(z).mean())
    return value, n_samples, len(layers), bool(left.converged[0]), float(left.tied_fraction[0]), np.nan


def _complete(x: NDArray[Any]) -> Floats:
    """The samples of `x` (feature, sample) without a gap."""
    return np.ascontiguousarray(x[:, ~np.isnan(x).any(axis=0)], dtype=np.float64)


def _is_fit(x: Floats) -> bool:
    """Whether all values are finite and no feature is constant."""
    return bool(np.isfinite(x).all() and (x.max(axis=1) > x.min(axis=1)).all())
