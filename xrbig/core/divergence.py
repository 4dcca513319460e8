"""Kullback-Leibler divergence of one set of samples from another, through the flow of the other."""

from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xrbig.core import flow
from xrbig.core.cells import Cells, determined, with_scores, without_determined
from xrbig.core.entropy import spread_ties
from xrbig.core.family import entropy
from xrbig.core.gaussianize import Settings
from xrbig.core.information import Estimate, Reason, fewest_samples
from xrbig.core.layers.base import apply, log_normal
from xrbig.core.marginal import Bools, Floats, exact_order, exact_scale, scatter, ties
from xrbig.core.place import Place


def kl_divergence(
    x: NDArray[Any], y: NDArray[Any], settings: Settings, min_samples: int | None = None, skipna: bool = True
) -> Estimate:
    """D_KL(p || q) of the samples `x` of p and `y` of q, each (cell, feature, sample).

    A flow D, fitted to `y`, takes q to N(0, I) and leaves the divergence as it is, so that it is the entropy that the
    samples D(x) lack of their mean log-density under N(0, I). A feature that others determine in both samples adds
    nothing; a relation of one of them alone makes the divergence infinite. `n_samples` is the smaller of the two
    numbers. A cell in which anything fails has no estimate, and the others have theirs.
    """
    needed = fewest_samples(x.shape[1], min_samples)
    estimate = Estimate.unknown(np.zeros(len(x), dtype=np.int64), x.shape[1])
    for cell in range(len(x)):
        p, q = _complete(x[cell]), _complete(y[cell])
        estimate.n_samples[cell] = n = min(p.shape[1], q.shape[1])
        gaps = p.shape[1] < x.shape[2] or q.shape[1] < y.shape[2]
        if np.isinf(x[cell]).any() or np.isinf(y[cell]).any():
            estimate.reason[cell] = Reason.INFINITE_VALUE
        elif gaps and not skipna:
            estimate.reason[cell] = Reason.MISSING_VALUE
        elif n < needed:
            estimate.reason[cell] = Reason.TOO_FEW_SAMPLES
        elif _is_constant(p) or _is_constant(q):
            estimate.reason[cell] = Reason.CONSTANT_FEATURE
        else:
            tied = [ties(exact_order(side[None], settings.seed), settings.seed).fraction for side in (p, q)]
            estimate.tied_fraction[cell] = np.max(tied)
            p, q, estimate.determined[cell] = _without_determined(p, q, settings.seed)
            if any(determined(_cell(side, settings.seed)).any() for side in (p, q)):
                estimate.value[cell], estimate.reason[cell] = np.inf, Reason.ESTIMATED
                continue
            with suppress(np.linalg.LinAlgError), np.errstate(all="ignore"):
                value, n_layers, converged = _of_samples(*_spread(p, q, settings.seed), settings, needed)
                if np.isfinite(value):
                    estimate.value[cell], estimate.n_layers[cell], estimate.converged[cell] = value, n_layers, converged
                    estimate.reason[cell] = Reason.ESTIMATED
    return estimate


def _of_samples(p: Floats, q: Floats, settings: Settings, needed: int) -> tuple[float, int, bool]:
    """Divergence, layers of the flow, and whether what it leaves of p has converged."""
    layers = flow.fit(q, settings).layers
    z, _ = apply([single for layer in layers for single in layer.maps], p)
    left = entropy(z[None], settings, needed)
    return -float(left.value[0]) - float(log_normal(z).mean()), len(layers), bool(left.converged[0])


def _cell(x: Floats, seed: int) -> Cells:
    """One cell of the samples `x` (feature, sample)."""
    return with_scores(x[None], Place.in_turn(1, x.shape[1]), seed)[0]


def _without_determined(p: Floats, q: Floats, seed: int) -> tuple[Floats, Floats, Bools]:
    """Both samples without the features that others determine in both, and which features are determined."""
    both = _cell(np.concatenate([p, q], axis=1), seed)
    kept = sorted(without_determined(both, range(len(p))))
    return p[kept], q[kept], determined(both)[0]


def _spread(p: Floats, q: Floats, seed: int) -> tuple[Floats, Floats]:
    """Both samples with equal values spread alike: else q would have a density where p has values.

    Both are brought near to 1 if they are far from it.
    """
    both = np.concatenate([p, q], axis=1)
    shift, power = exact_scale(both)
    order = exact_order(np.ldexp(both - shift, -power)[None], seed)
    both = scatter(spread_ties(order.values), order.samples)[0]
    return np.ascontiguousarray(both[:, : p.shape[1]]), np.ascontiguousarray(both[:, p.shape[1] :])


def _complete(x: NDArray[Any]) -> Floats:
    """The samples of `x` (feature, sample) without a gap."""
    return np.ascontiguousarray(x[:, ~np.isnan(x).any(axis=0)], dtype=np.float64)


def _is_constant(x: Floats) -> bool:
    """Whether a feature does not vary."""
    return bool((x.max(axis=1) == x.min(axis=1)).any())
