"""Mixture layers: features to N(0, 1), each by its distribution in a Gaussian mixture given those before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.special import log_ndtr, logsumexp, ndtr, ndtri, ndtri_exp

from xrbig.core import tuning
from xrbig.core.cache import cached
from xrbig.core.crossfit import CrossFit, Folds, Turn, cross_fit, held_out_parts
from xrbig.core.layers.base import Map, Shapes, indices, require, some
from xrbig.core.marginal import Bools, Floats, Ints

COMPONENTS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
PAIR_COMPONENTS = (2, 4, 8, 16)
STEPS = 30  # of expectation maximization, fewer when a step adds less than TOLERANCE nat
TOLERANCE = 1e-3
LEAST_VARIANCE = 1e-9  # of thin components: they may lie on a curve
BROAD = 3.0  # standard deviation of the background
LEAST = 1e-280  # probability below which its logarithm is needed
NORMALISED = 1e-6  # by how much the weights of a mixture may miss 1, and a triangular matrix 0


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

    def given(self, z: Floats, given: int) -> tuple[Floats, Floats]:
        """Features of `z` (stack, feature, sample) after the first `given`, by their distribution given those before.

        Returns their normal scores (stack, feature, sample), and their log-density given the first ones, relative to
        (2 pi)^(-f/2), (stack, sample). Rosenblatt's transformation (Annals of Mathematical Statistics 23:470, 1952).
        """
        white, joint, weight = self._joint(z)
        total = logsumexp(weight, axis=1)
        scores = _scores((weight[:, :, given:] - total[:, None, given:]), white[:, :, given:])
        return scores, logsumexp(joint[:, :, -1], axis=1) - total[:, given]

    def log_density_given(self, z: Floats, given: int) -> Floats:
        """That log-density alone, (stack, sample)."""
        _, joint, weight = self._joint(z)
        return np.asarray(logsumexp(joint[:, :, -1], axis=1) - logsumexp(weight[:, :, given], axis=1))

    def _joint(self, z: Floats) -> tuple[Floats, Floats, Floats]:
        """Standardized features, and the log of weight times density of those up to each and before each."""
        white = self.whitening @ z[:, None] - self.whitening @ self.mean[..., None]
        log_density = np.log(np.einsum("skff->skf", self.whitening))[..., None] - white**2 / 2
        joint = np.cumsum(log_density, axis=2) + self.log_weight[:, :, None, None]
        return white, joint, joint - log_density


@cached
def _upper(features: int) -> tuple[Ints, Ints]:
    """Row and column of the upper triangle of a matrix."""
    return np.triu_indices(features)


def monomials_of(z: Floats) -> Floats:
    """1, z_i and z_i z_j of `z` (stack, feature, sample): (stack, monomial, sample)."""
    row, column = _upper(z.shape[1])
    return np.concatenate([np.ones_like(z[:, :1]), z, z[:, row] * z[:, column]], axis=1)


def training(fold: Ints, folds: int) -> list[Ints]:
    """Samples to fit mixtures to that each fold leaves out, equally many, and no more than tell anything."""
    size = len(fold) - int(np.bincount(fold, minlength=folds).max())
    stride = max(1, size // tuning.TUNING.most_samples)
    return [np.flatnonzero(fold != k)[:size:stride] for k in range(folds)]


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


def _scores(log_weight: Floats, white: Floats) -> Floats:
    """Normal scores of the distribution function of mixtures at standardized `white` (stack, component, ...)."""
    weight = np.exp(log_weight)
    below, above = ((weight * ndtr(side * white)).sum(axis=1) for side in (1, -1))
    lower = below < above
    score = ndtri(np.where(lower, below, above))
    far = np.minimum(below, above) < LEAST
    if far.any():
        rest, out = (np.moveaxis(a, 1, 0)[:, far] for a in (log_weight, white))
        log_below, log_above = (logsumexp(rest + log_ndtr(side * out), axis=0) for side in (1, -1))
        score[far] = ndtri_exp(np.minimum(log_below, log_above))
    return np.asarray(np.where(lower, score, -score))


@dataclass(frozen=True, eq=False)
class Conditional(Map):
    """Some features to N(0, 1), each by its distribution in a Gaussian mixture given the ones before it.

    The first `given` of the features condition the others and stay.

    Attributes
    ----------
    features : array (f,), their indices
    given : array (), how many of them stay
    log_weight : array (component,)
    mean : array (component, f)
    whitening : array (component, f, f), inverse of the lower Cholesky factor of the covariance
    """

    shapes: ClassVar[Shapes] = {
        "features": ("g",),
        "given": (),
        "log_weight": ("k",),
        "mean": ("k", "g"),
        "whitening": ("k", "g", "g"),
    }
    features: Ints
    given: Ints
    log_weight: Floats
    mean: Floats
    whitening: Floats

    @property
    def _mixture(self) -> Mixture:
        return Mixture(self.log_weight[None], self.mean[None], self.whitening[None])

    def apply(self, x: Floats) -> tuple[Floats, Floats]:
        """Map `x`; returns y and log |det|."""
        given = int(self.given)
        (scores,), (log_density,) = self._mixture.given(x[self.features][None], given)
        y = x.copy()
        y[self.features[given:]] = scores
        return y, log_density + (scores**2).sum(axis=0) / 2

    def gains(self, x: Floats) -> Floats:
        """What the map adds to the log-density, relative to N(0, I): (1, sample)."""
        given = int(self.given)
        square = (x[self.features[given:]] ** 2).sum(axis=0)
        return np.asarray(self._mixture.log_density_given(x[self.features][None], given) + square / 2)

    def invert(self, y: Floats) -> Floats:
        """Map `y` back, feature by feature."""
        x = y.copy()
        weight = np.repeat(self.log_weight[:, None], y.shape[1], axis=1)
        centred = np.empty((len(weight), len(self.features), y.shape[1]))
        for d, feature in enumerate(self.features):
            scale = self.whitening[:, d, d]
            offset = (
                self.mean[:, d, None]
                - np.einsum("kf,kfn->kn", self.whitening[:, d, :d], centred[:, :d]) / scale[:, None]
            )
            if d >= int(self.given):
                x[feature] = _quantile(y[feature], weight - logsumexp(weight, axis=0), offset, 1 / scale)
            centred[:, d] = x[feature] - self.mean[:, d, None]
            weight += np.log(scale)[:, None] - ((x[feature] - offset) * scale[:, None]) ** 2 / 2
        return x

    @classmethod
    def of(cls, arrays: dict[str, Floats], features: int) -> "Conditional":
        """The map of these arrays."""
        chosen = indices(arrays["features"], features)
        given = indices(arrays["given"].reshape(1), len(chosen)).reshape(())
        return cls(chosen, given, arrays["log_weight"], arrays["mean"], arrays["whitening"])

    def require_invertible(self) -> None:
        """Refuse weights and matrices that are not those of a mixture."""
        require(bool(abs(logsumexp(self.log_weight)) < NORMALISED), "the weights of a mixture do not add up to 1")
        diagonal = np.einsum("kff->kf", self.whitening)
        require(diagonal > 0, "a whitening of a mixture has a diagonal that is not positive")
        largest = np.abs(self.whitening).max(axis=(1, 2), keepdims=True)
        above = np.abs(np.triu(self.whitening, 1))
        require(above <= NORMALISED * largest, "a whitening of a mixture is not lower triangular")


def _quantile(z: Floats, log_weight: Floats, mean: Floats, scale: Floats) -> Floats:
    """Where the mixture's distribution function has the normal score `z` (sample,).

    `log_weight` and `mean` are (component, sample), `scale` (component,). It lies between their quantiles.
    """
    from scipy.optimize.elementwise import find_root

    def excess(x: Floats, sample: Floats) -> Floats:
        index = sample.astype(np.intp)
        white = (x - mean[:, index]) / scale[:, None]
        return np.asarray(_scores(log_weight[None, :, index], white[None])[0] - z[index])

    ends = mean + z * scale[:, None]
    width = scale.min() * 1e-9
    low, high = ends.min(axis=0) - width, ends.max(axis=0) + width
    found = find_root(excess, (low, high), args=(np.arange(len(z)),), maxiter=200)
    return np.asarray(found.x)


@dataclass(frozen=True)
class Mixtures:
    """All features by a Gaussian mixture, the mean of several that started differently."""

    components: int
    seeds: Sequence[int]
    name = "mixture"

    def fit(self, x: Floats, like: list[Map] | None = None) -> list[Map]:
        """Fit to samples (feature, sample)."""
        return fit_conditionals(x[None], [np.arange(len(x))], 0, self.components, self.seeds)


def fit_conditionals(
    z: Floats, features: Sequence[Ints], given: int, components: int, seeds: Sequence[int]
) -> list[Map]:
    """Maps of stacked samples `z` (stack, feature, sample), whose rows are these `features` of more.

    Each is by the mean of mixtures that started differently. A broad component is added whose weight is a tenth of that
    of a sample. Far from the data it is all there is, and between clusters it keeps the density from vanishing, where
    the map could not be inverted.
    """
    thinned = np.ascontiguousarray(z[..., some(z.shape[-1], tuning.TUNING.most_samples)])
    monomials = monomials_of(thinned)
    found = [Mixture.fit(thinned, monomials, components, seed, thin=True) for seed in seeds]
    share = tuning.TUNING.background / z.shape[-1]
    return [
        Conditional(own, np.array(given), *_pool([m.at(slice(place, place + 1)) for m in found], share))
        for place, own in enumerate(features)
    ]


def _pool(found: list[Mixture], share: float) -> tuple[Floats, Floats, Floats]:
    """Weights, means and whitenings of the mean of mixtures, one stack each, and a broad one of that `share`."""
    features = found[0].mean.shape[-1]
    log_weight = np.concatenate([m.log_weight[0] for m in found]) - np.log(len(found)) + np.log1p(-share)
    mean = np.concatenate([m.mean[0] for m in found])
    whitening = np.concatenate([m.whitening[0] for m in found])
    return (
        np.append(log_weight, np.log(share)),
        np.concatenate([mean, np.zeros((1, features))]),
        np.concatenate([whitening, np.eye(features)[None] / BROAD]),
    )


def most_components(features: int, n: int) -> list[int]:
    """Numbers of components that so many samples can tell."""
    parameters = (features + 1) * (features + 2) / 2
    return [k for k in COMPONENTS if k * parameters * tuning.TUNING.samples_per_parameter <= n]


def choose(folds: Folds, turn: Turn) -> CrossFit | None:
    """A mixture of as many components as held-out samples gain most by; more are tried as long as they gain."""
    best, chosen = 0.0, 0
    numbers = most_components(len(folds.whole), folds.fitted)
    for place, components in enumerate(numbers):
        gain = float(held_out_parts(Mixtures(components, [turn.seed]), folds).mean())
        if gain > best:
            best, chosen = gain, place
        if place - chosen == tuning.TUNING.no_better:
            break
    seeds = [turn.seed + i for i in range(tuning.TUNING.bag)]
    return cross_fit(Mixtures(numbers[chosen], seeds), folds) if best else None


@dataclass(frozen=True)
class Pairs:
    """Pairs of features, each the second given the first, by a Gaussian mixture."""

    components: int
    seed: int

    def fit(self, z: Floats, pairs: Sequence[Ints]) -> list[Map]:
        """Fit to the `pairs` (stack, 2, sample), of these features."""
        return fit_conditionals(z, pairs, 1, self.components, [self.seed])


def edges(n: int, seed: int) -> list[Pairs]:
    """What an edge of a tree may be, of so many samples."""
    return [Pairs(k, seed) for k in most_components(2, n) if k in PAIR_COMPONENTS]
