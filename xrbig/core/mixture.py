"""Mixture layers: Gaussian mixtures, fitted on half of the samples and judged on the other."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, logsumexp, ndtri_exp

from xrbig.core import rotation
from xrbig.core.marginal import Floats, Ints

HALVES = rotation.FITTED, rotation.HELD_OUT
STEPS = 30  # of expectation maximization, fewer when a step adds less than TOLERANCE nat
TOLERANCE = 1e-3
SAMPLES_PER_PARAMETER = 1.5
MOST_COMPONENTS = 32
FITTED_SAMPLES = 10_000  # of a half: more add nothing but time


class Mixture(NamedTuple):
    """Gaussian mixtures of a stack of features.

    Attributes
    ----------
    log_weight : array (stack, component)
    mean : array (stack, component, feature)
    whitening : array (stack, component, feature, feature), inverse of the lower Cholesky factor of the covariance
    """

    log_weight: Floats
    mean: Floats
    whitening: Floats

    @classmethod
    def fit(cls, z: Floats, components: int, seed: int) -> "Mixture":
        """Fit to white samples `z` (stack, feature, sample)."""
        monomials = _monomials(z)
        share = _nearest_seed(z, components, seed)
        before = -np.inf
        for _ in range(STEPS):
            mixture = cls._maximize(monomials, share, z.shape[1])
            share = mixture._coefficients() @ monomials
            log_density = _normalize(share).mean(axis=-1)
            if np.max(log_density - before) < TOLERANCE:
                break
            before = log_density
        return mixture

    @classmethod
    def _maximize(cls, monomials: Floats, share: Floats, features: int) -> "Mixture":
        """Best mixtures for the `share` (stack, component, sample) that their components have in the samples.

        The covariances are drawn to the identity by as many virtual samples as there are features.
        """
        moments = share @ monomials.swapaxes(1, 2)
        weight = moments[..., 0] + np.finfo(float).eps
        mean = moments[..., 1 : features + 1] / weight[..., None]
        row, column = np.triu_indices(features)
        covariance = np.empty((*weight.shape, features, features))
        covariance[..., row, column] = covariance[..., column, row] = moments[..., features + 1 :]
        covariance -= weight[..., None, None] * mean[..., :, None] * mean[..., None, :]
        covariance += features * np.eye(features)
        covariance /= (weight + features)[..., None, None]
        whitening = np.linalg.inv(np.linalg.cholesky(covariance))
        return cls(np.log(weight / weight.sum(axis=1, keepdims=True)), mean, whitening)

    def _coefficients(self) -> Floats:
        """Coefficients (stack, component, monomial) of log of weight times density, relative to (2 pi)^(-f/2)."""
        features = self.mean.shape[-1]
        precision = self.whitening.swapaxes(-1, -2) @ self.whitening
        slope = (precision @ self.mean[..., None])[..., 0]
        log_det = np.log(np.einsum("skff->skf", self.whitening)).sum(axis=-1)
        constant = self.log_weight + log_det - (slope * self.mean).sum(axis=-1) / 2
        row, column = np.triu_indices(features)
        bend = -precision[..., row, column] / np.where(row == column, 2, 1)
        return np.concatenate([constant[..., None], slope, bend], axis=-1)

    def first(self, features: int) -> "Mixture":
        """Mixtures of the first features alone."""
        return Mixture(self.log_weight, self.mean[..., :features], self.whitening[..., :features, :features])

    def at(self, places: Ints) -> "Mixture":
        """Those at some places of the stack."""
        return Mixture(self.log_weight[places], self.mean[places], self.whitening[places])

    def log_ratio(self, z: Floats) -> Floats:
        """Log-density relative to that of N(0, I), per sample of `z` (stack, feature, sample)."""
        log_density = _normalize(self._coefficients() @ _monomials(z))
        return log_density + np.einsum("sfn,sfn->sn", z, z) / 2

    def apply(self, z: Floats) -> Floats:
        """Map `z` (stack, feature, sample) to N(0, I): each feature by its distribution given the ones before it."""
        white = self.whitening @ z[:, None] - self.whitening @ self.mean[..., None]
        log_density = np.log(np.einsum("skff->skf", self.whitening))[..., None] - white**2 / 2
        weight = np.cumsum(log_density, axis=2) - log_density + self.log_weight[:, :, None, None]
        weight -= logsumexp(weight, axis=1, keepdims=True)
        below, above = (logsumexp(weight + log_ndtr(side * white), axis=1) for side in (1, -1))
        lower = below < above
        score = ndtri_exp(np.minimum(np.where(lower, below, above), -np.finfo(float).tiny))
        return np.where(lower, score, -score)


def _monomials(z: Floats) -> Floats:
    """1, z_i and z_i z_j of `z` (stack, feature, sample): (stack, monomial, sample)."""
    row, column = np.triu_indices(z.shape[1])
    return np.concatenate([np.ones_like(z[:, :1]), z, z[:, row] * z[:, column]], axis=1)


def _normalize(log_joint: Floats) -> Floats:
    """Log of the sum over components (stack, component, sample), which become their shares, in place."""
    largest = log_joint.max(axis=1)
    log_joint -= largest[:, None]
    np.exp(log_joint, out=log_joint)
    total = log_joint.sum(axis=1)
    log_joint /= total[:, None]
    return np.asarray(largest + np.log(total))


def _nearest_seed(z: Floats, components: int, seed: int) -> Floats:
    """Whether a sample is nearest to one of some samples that lie far from each other, (stack, component, sample).

    A sample is drawn by its squared distance to the nearest before it (k-means++: Arthur and Vassilvitskii, SODA 2007).
    """
    draws = np.random.default_rng([seed, components]).random(components)
    nearest = np.zeros((len(z), z.shape[2]), dtype=np.int64)
    least = np.ones(nearest.shape)
    for component, draw in enumerate(draws):
        cumulative = np.cumsum(least, axis=1)
        chosen = (cumulative < draw * cumulative[:, -1:]).sum(axis=1)
        centre = z[np.arange(len(z)), :, chosen]
        distance = ((z - centre[..., None]) ** 2).sum(axis=1)
        nearer = distance < least if component else np.ones_like(nearest, dtype=bool)
        nearest[nearer] = component
        least = np.where(nearer, distance, least)
    return (nearest[:, None] == np.arange(components)[:, None]).astype(np.float64)


class Candidate(NamedTuple):
    """A layer that may be taken next.

    Attributes
    ----------
    unseen : array (sample,), what it takes from T at each sample, by a fit that has not seen it
    gain : what it takes from T
    left : what is known to be left in the pairs of features that it has seen
    apply : gives what it makes of the samples, (feature, sample)
    """

    unseen: Floats
    gain: float
    left: float
    apply: Callable[[], Floats]

    def is_certain(self, errors: float) -> bool:
        """Whether the gain exceeds so many of its standard errors."""
        return bool(self.unseen.mean() > errors * self.unseen.std() / np.sqrt(len(self.unseen)))


def mixture_layer(z: Floats, seed: int) -> Candidate | None:
    """Gaussian mixture of all features of `z` (feature, sample); None where there are too few samples for one."""
    fits = best_cross_fit(z[None], 0, FITTED_SAMPLES, seed)
    if not fits:
        return None
    return Candidate(fits[0].unseen[0], float(fits[0].gain[0]), 0.0, lambda: fits[0].apply(z[None])[0])


class CrossFit(NamedTuple):
    """What mixtures that were fitted on either half of the samples say of them.

    Attributes
    ----------
    fits : for each half, the mixture fitted on it
    seen : array (stack,), mean gain on the samples of the fit
    unseen : array (stack, sample), gain of each sample under the mixture of the other half
    """

    fits: tuple[Mixture, Mixture]
    seen: Floats
    unseen: Floats

    @property
    def gain(self) -> Floats:
        """Mean of the gains on samples of the fit and on others, (stack,): they err by the same in either direction."""
        return np.asarray((self.seen + self.unseen.mean(axis=1)) / 2)

    def apply(self, z: Floats) -> Floats:
        """Map each half of `z` (stack, feature, sample) to N(0, I) by the mixture of the other."""
        out = np.empty_like(z)
        for half, fit in zip(HALVES, self.fits[::-1], strict=True):
            out[..., half] = fit.apply(np.ascontiguousarray(z[..., half]))
        return out


def cross_fit(z: Floats, components: int, given: int, fitted_samples: int, seed: int) -> CrossFit:
    """Fit mixtures to each half of `z` (stack, feature, sample), at most `fitted_samples` of it.

    The gain is the log-density relative to N(0, I), of the features after the first `given`, given those.
    """
    halves = [np.ascontiguousarray(z[..., half]) for half in HALVES]
    stride = max(1, z.shape[2] // (2 * fitted_samples))
    fits = [Mixture.fit(np.ascontiguousarray(half[..., ::stride]), components, seed) for half in halves]

    def gain(fit: Mixture, half: Floats) -> Floats:
        gain = fit.log_ratio(half)
        return gain - fit.first(given).log_ratio(half[:, :given]) if given else gain

    unseen = np.empty((len(z), z.shape[2]))
    for place, half, fit in zip(HALVES, halves, fits[::-1], strict=True):
        unseen[:, place] = gain(fit, half)
    seen = np.mean([gain(fit, half).mean(axis=1) for fit, half in zip(fits, halves, strict=True)], axis=0)
    return CrossFit((fits[0], fits[1]), seen, unseen)


def best_cross_fit(z: Floats, given: int, fitted_samples: int, seed: int) -> list[CrossFit]:
    """For each of the stack `z` (stack, feature, sample) the fit whose gain on unseen samples is the largest.

    The number of components is doubled as long as that helps.
    """
    features, n = z.shape[1:]
    most = min(MOST_COMPONENTS, int(n / (SAMPLES_PER_PARAMETER * (features + 1) * (features + 2) / 2)))
    best: list[CrossFit] = []
    active = np.arange(len(z))
    components = 2
    while active.size and components <= most:
        fit = cross_fit(z[active], components, given, fitted_samples, seed)
        found = [CrossFit((a, b), fit.seen[[i]], fit.unseen[[i]]) for i, (a, b) in enumerate(_split(fit.fits))]
        if not best:
            best = found
            better = np.ones(len(z), dtype=bool)
        else:
            before = np.array([best[place].unseen.mean() for place in active])
            better = fit.unseen.mean(axis=1) > before
            for place, new in zip(active[better], [f for f, b in zip(found, better, strict=True) if b], strict=True):
                best[place] = new
        active = active[better]
        components *= 2
    return best


def _split(fits: tuple[Mixture, Mixture]) -> list[tuple[Mixture, Mixture]]:
    places = range(len(fits[0].log_weight))
    return [(fits[0].at(np.array([i])), fits[1].at(np.array([i]))) for i in places]
