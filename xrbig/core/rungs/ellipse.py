"""The information that a t copula tells, averaged over its degrees of freedom, and what it leaves."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xrbig.core import tuning
from xrbig.core.elliptical import inverse_root, log_norm, made_normal, student_scatter, student_scores
from xrbig.core.marginal import Floats
from xrbig.core.rotation import null_log_det

DEGREES = np.array([np.inf, 32.0, 16.0, 8.0, 4.0, 2.0, 1.0])  # of freedom: steps of what they tell
SCATTER_STEPS = 2  # of the scatter of each, from that of the one before
FINEST = 64  # steps of the inverse of the degrees of freedom between 0 and 1


class Ellipse(NamedTuple):
    """What a t copula tells of stacked cells.

    Attributes
    ----------
    terms : array (cell, sample), what each sample adds to the information among the groups, their mean
    y : array (cell, feature, sample), what is left of all features
    """

    terms: Floats
    y: Floats


def ellipse(z: Floats, groups: Sequence[slice], times: Floats) -> Ellipse:
    """Information among `groups` of the normal scores `z` (cell, feature, sample).

    Autocorrelation leaves so many `times` (cell,) fewer samples; the likelihood and the chance level count these. A
    finite number of degrees of freedom must raise the information and the density of all features.
    """
    cells, features, n = z.shape
    scatters = np.empty((len(DEGREES), cells, features, features))
    terms, joint = np.empty((len(DEGREES), cells, n)), np.empty((len(DEGREES), cells))
    scatter = z @ (z / n).swapaxes(1, 2)
    for i, nu in enumerate(DEGREES):
        scatters[i], terms[i], joint[i], _ = fit(z, float(nu), scatter, groups)
        scatter = scatters[i]
    value = terms.mean(axis=-1)
    likelihood = n / times * np.minimum(value - value[0], joint - joint[0])
    likelihood[0] += np.log(tuning.TUNING.gaussian)
    weight = np.exp(likelihood - likelihood.max(axis=0))
    weight /= weight.sum(axis=0)
    size = [len(range(*group.indices(features))) for group in groups]
    chance = null_log_det(features, n) - sum(null_log_det(own, n) for own in size)
    mean = np.einsum("kc,kcn->cn", weight, terms) - (chance * times)[:, None]
    return Ellipse(mean, _rest(z, (weight / DEGREES[:, None]).sum(axis=0), scatters))


class Fit(NamedTuple):
    """A t copula: scatter, pointwise information of the groups, and mean log-densities relative to single features.

    These are of all together, `joint` (cell,), and of each group, `parts` (group, cell).
    """

    scatter: Floats
    terms: Floats
    joint: Floats
    parts: Floats


def fit(z: Floats, nu: float, scatter: Floats, groups: Sequence[slice]) -> Fit:
    """Fit a t copula, its scatter from `scatter` on.

    A feature alone has the density of its scores, whatever the scatter.
    """
    x = student_scores(z, nu) if np.isfinite(nu) else z
    if np.isfinite(nu):
        scatter = student_scatter(x, nu, scatter, SCATTER_STEPS)
    alone = _log_density(x**2, np.zeros(len(x)), 1, nu)
    whole = _of_group(x, scatter, slice(None), nu)
    parts = [
        alone[:, group][:, 0] if x[:, group].shape[1] == 1 else _of_group(x, scatter, group, nu) for group in groups
    ]
    single = alone.mean(axis=-1)
    own = np.stack([part.mean(axis=-1) - single[:, g].sum(axis=-1) for part, g in zip(parts, groups, strict=True)])
    return Fit(scatter, whole - sum(parts), whole.mean(axis=-1) - single.sum(axis=-1), own)


def _of_group(x: Floats, scatter: Floats, group: slice, nu: float) -> Floats:
    root, log_det = inverse_root(scatter[:, group, group])
    y = root @ x[:, group]
    return _log_density(np.einsum("cfn,cfn->cn", y, y), log_det, y.shape[1], nu)


def _log_density(square: Floats, log_det: Floats, features: int, nu: float) -> Floats:
    """Log-density at so large a squared radius (cell, ..., sample), up to that of so many normal features at 0."""
    log_det = log_det.reshape(-1, *[1] * (square.ndim - 1))
    if np.isinf(nu):
        return np.asarray(log_det - square / 2)
    constant = log_norm(features, nu) + features / 2 * np.log(2 * np.pi)
    return np.asarray(log_det + constant - (nu + features) / 2 * np.log1p(square / nu))


def _rest(z: Floats, inverse: Floats, scatters: Floats) -> Floats:
    """Whitened samples, their radius that of a normal, for the mean `inverse` (cell,) of the degrees of freedom."""
    steps = np.round(FINEST * inverse) / FINEST
    y = np.empty_like(z)
    for step in np.unique(steps):
        own = steps == step
        scatter = scatters[np.abs(1 / DEGREES - step).argmin(), own]
        if not step:
            y[own] = inverse_root(scatter)[0] @ z[own]
            continue
        x = student_scores(z[own], 1 / step)
        white = inverse_root(student_scatter(x, 1 / step, scatter, SCATTER_STEPS))[0] @ x
        y[own] = made_normal(white, 1 / step)
    return y
