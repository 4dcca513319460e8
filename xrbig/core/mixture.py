"""Mixture layers: Gaussian mixtures, fitted on half of the samples and judged on the other."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, logsumexp, ndtri_exp

from xrbig.core import rotation
from xrbig.core.cache import cached
from xrbig.core.marginal import Bools, Floats, Ints

HALVES = rotation.FITTED, rotation.HELD_OUT
STEPS = 30  # of expectation maximization, fewer when a step adds less than TOLERANCE nat
TOLERANCE = 1e-3
SAMPLES_PER_PARAMETER = 1.5
MOST_COMPONENTS = 32
FITTED_SAMPLES = 10_000  # of a half: more add nothing but time
LEAST_VARIANCE = 1e-9  # of thin components: they may lie on a curve
BLOCK = 1 << 22  # monomials that are held at a time


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
    def fit(cls, z: Floats, monomials: Floats, components: int, seed: int, thin: bool = False) -> "Mixture":
        """Fit to white samples `z` (stack, feature, sample), whose `monomials` are given.

        Covariances are drawn to the identity or, for `thin` components, to what they have in common.
        """
        share = _nearest_seed(z, components, seed)
        before = np.full(len(z), -np.inf)
        done = np.zeros(len(z), dtype=bool)
        fitted = mixture = cls._maximize(monomials, share, z.shape[1], thin)
        for _ in range(STEPS):
            share = mixture._coefficients() @ monomials
            log_density = _normalize(share).mean(axis=-1)
            done |= log_density - before < TOLERANCE
            if done.all():
                break
            before = log_density
            mixture = cls._maximize(monomials, share, z.shape[1], thin)
            fitted = fitted._where(done, mixture)
        return fitted

    def _where(self, keep: Bools, other: "Mixture") -> "Mixture":
        """These where they are to be kept, those of the `other` elsewhere."""
        rows = zip(self, other, strict=True)
        return Mixture(*(np.where(keep.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in rows))

    @classmethod
    def _maximize(cls, monomials: Floats, share: Floats, features: int, thin: bool) -> "Mixture":
        """Best mixtures for the `share` (stack, component, sample) that their components have in the samples.

        The covariances are drawn to a multiple of the identity by as many virtual samples as there are features.
        """
        moments = share @ monomials.swapaxes(1, 2)
        weight = moments[..., 0] + np.finfo(float).eps
        mean = moments[..., 1 : features + 1] / weight[..., None]
        row, column = _upper(features)
        covariance = np.empty((*weight.shape, features, features))
        covariance[..., row, column] = covariance[..., column, row] = moments[..., features + 1 :]
        covariance -= weight[..., None, None] * mean[..., :, None] * mean[..., None, :]
        variance = np.ones(len(weight))
        if thin:
            variance = np.einsum("skff->s", covariance) / (features * weight.sum(axis=1)) + LEAST_VARIANCE
        covariance += features * variance[:, None, None, None] * np.eye(features)
        covariance /= (weight + features)[..., None, None]
        whitening = np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)), dtype=np.float64)
        return cls(np.log(weight / weight.sum(axis=1, keepdims=True)), mean, whitening)

    def _coefficients(self) -> Floats:
        """Coefficients (stack, component, monomial) of log of weight times density, relative to (2 pi)^(-f/2)."""
        features = self.mean.shape[-1]
        precision = self.whitening.swapaxes(-1, -2) @ self.whitening
        slope = (precision @ self.mean[..., None])[..., 0]
        log_det = np.log(np.einsum("skff->skf", self.whitening)).sum(axis=-1)
        constant = self.log_weight + log_det - (slope * self.mean).sum(axis=-1) / 2
        row, column = _upper(features)
        bend = -precision[..., row, column] / np.where(row == column, 2, 1)
        return np.concatenate([constant[..., None], slope, bend], axis=-1)

    def first(self, features: int) -> "Mixture":
        """Mixtures of the first features alone."""
        return Mixture(self.log_weight, self.mean[..., :features], self.whitening[..., :features, :features])

    def at(self, places: slice) -> "Mixture":
        """Those at some places of the stack."""
        return Mixture(self.log_weight[places], self.mean[places], self.whitening[places])

    def log_density(self, monomials: Floats) -> Floats:
        """Log-density relative to (2 pi)^(-f/2), per sample of the `monomials`."""
        return _normalize(self._coefficients() @ monomials)

    def apply(self, z: Floats) -> Floats:
        """Map `z` (stack, feature, sample) to N(0, I): each feature by its distribution given the ones before it."""
        white = self.whitening @ z[:, None] - self.whitening @ self.mean[..., None]
        log_density = np.log(np.einsum("skff->skf", self.whitening))[..., None] - white**2 / 2
        weight = np.cumsum(log_density, axis=2) - log_density + self.log_weight[:, :, None, None]
        weight -= logsumexp(weight, axis=1, keepdims=True)
        below, above = (logsumexp(weight + log_ndtr(side * white), axis=1) for side in (1, -1))
        lower = below < above
        score = ndtri_exp(np.minimum(np.where(lower, below, above), -np.finfo(float).tiny))
        return np.asarray(np.where(lower, score, -score))


@cached
def _upper(features: int) -> tuple[Ints, Ints]:
    """Row and column of the upper triangle of a matrix."""
    return np.triu_indices(features)


def monomials_of(z: Floats) -> Floats:
    """1, z_i and z_i z_j of `z` (stack, feature, sample): (stack, monomial, sample)."""
    row, column = _upper(z.shape[1])
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
    return np.asarray(nearest[:, None] == np.arange(components)[:, None], dtype=np.float64)


class CrossFit(NamedTuple):
    """What mixtures that were fitted on either half of the samples say of them.

    Attributes
    ----------
    fits : for each half, the mixture fitted on it
    seen : mean gain on the samples of the fit
    unseen : array (sample,), gain of each sample under the mixture of the other half
    """

    fits: list[Mixture]
    seen: float
    unseen: Floats

    @property
    def gain(self) -> float:
        """Mean of the gains on samples of the fit and on others: they err by the same in either direction."""
        return float(self.seen + self.unseen.mean()) / 2

    def apply(self, z: Floats) -> Floats:
        """Map each half of `z` (feature, sample) to N(0, I) by the mixture of the other."""
        out = np.empty_like(z)
        for half, fit in zip(HALVES, self.fits[::-1], strict=True):
            out[:, half] = fit.apply(np.ascontiguousarray(z[None, :, half]))[0]
        return out


def best_cross_fit(z: Floats, given: int, fitted_samples: int, seed: int) -> list[CrossFit]:
    """For each of the stack `z` (stack, feature, sample) the fit whose gain on unseen samples is the largest.

    Mixtures are fitted to at most `fitted_samples` of each half; the number of components is doubled as long as that
    helps. None are found where there are too few samples. The gain is that of the features after the first `given`.
    """
    features, n = z.shape[1:]
    most = min(MOST_COMPONENTS, int(n / (SAMPLES_PER_PARAMETER * (features + 1) * (features + 2) / 2)))
    stride = max(1, n // (2 * fitted_samples))
    fitted = np.stack([z[..., half][..., : n // 2 : stride] for half in HALVES])
    monomials = np.stack([monomials_of(half) for half in fitted])
    best: dict[int, CrossFit] = {}
    active = list(range(len(z)))
    components = 2
    while active and components <= most:
        samples, powers = (array[:, active].reshape(-1, *array.shape[2:]) for array in (fitted, monomials))
        mixtures = Mixture.fit(samples, powers, components, seed)
        fits = dict(zip(active, _judge(z[active], mixtures, given), strict=True))
        better = [i for i, fit in fits.items() if i not in best or fit.unseen.mean() > best[i].unseen.mean()]
        best.update({i: fits[i] for i in better})
        active = better
        components *= 2
    return list(best.values())


def _judge(z: Floats, mixtures: Mixture, given: int) -> list[CrossFit]:
    """What the `mixtures`, those of the one half of the samples of `z` before those of the other, say of all."""
    count = len(z)
    fits = [mixtures.at(slice(count)), mixtures.at(slice(count, None))]
    size = max(1, BLOCK // monomials_of(z[..., :1]).size)
    blocks = [_gains(fits, z[..., start : start + size], given) for start in range(0, z.shape[2], size)]
    gains = [np.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True)]
    seen, unseen = np.empty((2, count, z.shape[2]))
    for half, own, other in zip(HALVES, gains, gains[::-1], strict=True):
        seen[:, half], unseen[:, half] = own[:, half], other[:, half]
    return [CrossFit([fit.at(slice(i, i + 1)) for fit in fits], seen[i].mean(), unseen[i]) for i in range(count)]


def _gains(fits: list[Mixture], z: Floats, given: int) -> list[Floats]:
    """Log-density (stack, sample) relative to N(0, I) of the features after the first `given`, given those."""
    square = np.einsum("sfn,sfn->sn", z[:, given:], z[:, given:]) / 2
    gains = [square + fit.log_density(monomials_of(z)) for fit in fits]
    if given:
        before = monomials_of(z[:, :given])
        gains = [gain - fit.first(given).log_density(before) for gain, fit in zip(gains, fits, strict=True)]
    return gains


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
    return Candidate(fits[0].unseen, fits[0].gain, 0.0, lambda: fits[0].apply(z))
