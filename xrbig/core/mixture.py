"""Mixture layer: a Gaussian mixture, each feature mapped to N(0, 1) by its distribution given the ones before."""

from typing import NamedTuple

import numpy as np
from scipy.cluster.vq import kmeans2
from scipy.special import log_ndtr, logsumexp, ndtri_exp

from xrbig.core import rotation
from xrbig.core.marginal import Floats

HALVES = rotation.FITTED, rotation.HELD_OUT
STEPS = 30  # of expectation maximization, fewer when a step adds less than TOLERANCE nat
TOLERANCE = 1e-3
SAMPLES_PER_PARAMETER = 4
MOST_COMPONENTS = 32
FITTED_SAMPLES = 10_000  # more add nothing but time


class Mixture(NamedTuple):
    """Gaussian mixture.

    Attributes
    ----------
    log_weight : array (component,)
    mean : array (component, feature)
    whitening : array (component, feature, feature), inverse of the lower Cholesky factor of the covariance
    """

    log_weight: Floats
    mean: Floats
    whitening: Floats

    @classmethod
    def fit(cls, z: Floats, components: int, seed: int) -> "Mixture":
        """Fit to white samples `z` (feature, sample).

        The covariances are drawn to the identity by as many virtual samples as there are features.
        """
        features, n = z.shape
        labels = kmeans2(z.T, components, minit="++", rng=np.random.default_rng(seed), iter=5)[1]
        share = (labels == np.arange(components)[:, None]).astype(np.float64)
        before = -np.inf
        for _ in range(STEPS):
            mixture = cls._maximize(z, share)
            log_joint = mixture._log_joint(z)
            log_density = logsumexp(log_joint, axis=0)
            share = np.exp(log_joint - log_density)
            if log_density.mean() - before < TOLERANCE:
                break
            before = log_density.mean()
        return mixture

    @classmethod
    def _maximize(cls, z: Floats, share: Floats) -> "Mixture":
        """Best mixture for the `share` (component, sample) that its components have in the samples."""
        features, n = z.shape
        weight = share.sum(axis=1) + np.finfo(float).eps
        mean = share @ z.T / weight[:, None]
        square = np.stack([(z * row) @ z.T for row in share])
        square -= weight[:, None, None] * mean[:, :, None] * mean[:, None, :]
        covariance = (square + features * np.eye(features)) / (weight + features)[:, None, None]
        whitening = np.linalg.inv(np.linalg.cholesky(covariance))
        return cls(np.log(weight / weight.sum()), mean, whitening)

    def _components(self, z: Floats) -> Floats:
        """Samples as each component whitens them, (component, feature, sample)."""
        return self.whitening @ z - (self.whitening @ self.mean[:, :, None])

    def _log_joint(self, z: Floats) -> Floats:
        """Log of weight times density, relative to (2 pi)^(-f/2), (component, sample)."""
        white = self._components(z)
        log_det = np.log(np.einsum("kff->kf", self.whitening)).sum(axis=1)
        return (self.log_weight + log_det)[:, None] - np.einsum("kfn,kfn->kn", white, white) / 2

    def log_ratio(self, z: Floats) -> Floats:
        """Log-density relative to that of N(0, I), per sample."""
        return np.asarray(logsumexp(self._log_joint(z), axis=0) + np.einsum("fn,fn->n", z, z) / 2)

    def apply(self, z: Floats) -> Floats:
        """Map `z` (feature, sample) to N(0, I): each feature by its distribution given the ones before it."""
        white = self._components(z)
        log_density = np.log(np.einsum("kff->kf", self.whitening))[:, :, None] - white**2 / 2
        weight = np.cumsum(log_density, axis=1) - log_density + self.log_weight[:, None, None]
        weight -= logsumexp(weight, axis=0)
        below, above = (logsumexp(weight + log_ndtr(side * white), axis=0) for side in (1, -1))
        lower = below < above
        score = ndtri_exp(np.minimum(np.where(lower, below, above), -np.finfo(float).tiny))
        return np.where(lower, score, -score)


class Mixed(NamedTuple):
    """What the layer takes from T of a cell, and what it leaves, (feature, sample)."""

    gain: float
    z: Floats


def mixture_layer(z: Floats, critical: float, seed: int) -> Mixed | None:
    """Gaussian mixture of the samples `z` (feature, sample) of one cell, None where it explains nothing.

    The number of components is doubled as long as that helps samples that the mixture was not fitted on. The gain is
    the mean of that on the samples of the fit and that on others: as they err by the same amount in either direction.
    """
    features, n = z.shape
    stride = max(1, n // (2 * FITTED_SAMPLES))
    halves = [np.ascontiguousarray(z[:, half]) for half in HALVES]
    parameters = (features + 1) * (features + 2) // 2
    best, components = None, 2
    while components <= min(MOST_COMPONENTS, n // (SAMPLES_PER_PARAMETER * parameters)):
        fits = [Mixture.fit(half[:, ::stride], components, seed) for half in halves]
        unseen = np.concatenate([fits[1 - i].log_ratio(half) for i, half in enumerate(halves)])
        if best is not None and unseen.mean() <= best[0]:
            break
        best = unseen.mean(), unseen.std(), fits
        components *= 2
    if best is None or best[0] < critical * best[1] / np.sqrt(n):
        return None
    unseen_mean, _, fits = best
    seen = np.mean([fit.log_ratio(half).mean() for fit, half in zip(fits, halves, strict=True)])
    out = np.empty_like(z)
    for half, fit in zip(HALVES, fits[::-1], strict=True):
        out[:, half] = fit.apply(np.ascontiguousarray(z[:, half]))
    return Mixed(float(unseen_mean + seen) / 2, out)
