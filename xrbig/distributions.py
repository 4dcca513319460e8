"""Distributions whose total correlation and mutual information are known, for tests, benchmarks and docs.

T and I are in nats. They are closed forms or integrals over one or two dimensions, right to 0.0001 nat or better, but
for a `GaussianMixture` of three or more features and its quasi-random points: about 0.001 nat.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, gammaln, i0e, j0, logsumexp, ndtri, psi

Floats = NDArray[np.float64]
Map = Callable[[Floats], Floats]
Response = Callable[..., Floats | float]

LOG_2, LOG_2PI = float(np.log(2)), float(np.log(2 * np.pi))
ALL = slice(None)
_BREAKS = {1: 0.25, 2: 1.0, 3: 4.0}  # between breaks of quadrature over one to three dimensions


class Distribution(ABC):
    """A distribution of some features to draw samples (feature, sample) from."""

    if TYPE_CHECKING:  # at run time it would hide the fields of the same name

        @property
        def features(self) -> int:
            """Number of features."""

    @abstractmethod
    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""

    @abstractmethod
    def total_correlation(self) -> float:
        """T of the features, in nats."""

    def mutual_information(self, split: int) -> float:
        """I between the first `split` features and the others, in nats."""
        if not 0 < split < self.features:
            raise ValueError(f"split must be between 1 and {self.features - 1}, not {split}")
        return self._information(split)

    def oracle(self, x: Floats) -> Floats:
        """Log of p(x) / prod p(x_d) per sample: its mean is the best that the samples `x` can tell of T."""
        raise NotImplementedError(f"the densities of {type(self).__name__} are not known")

    def _information(self, split: int) -> float:
        if self.features == 2:
            return self.total_correlation()
        raise self._unknown(f"I at split {split}")

    def _unknown(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{what} is not known for {type(self).__name__}")


class Explicit(Distribution):
    """A distribution of known entropy and density, of all features and of ranges of them."""

    @abstractmethod
    def entropy(self, features: slice = ALL) -> float:
        """Entropy of a range of features, in nats."""

    @abstractmethod
    def log_density(self, x: Floats, features: slice = ALL) -> Floats:
        """Log-density of a range of the features of `x` (feature, sample), per sample."""

    def total_correlation(self) -> float:
        """T of the features, in nats: the entropies of the single features less that of all."""
        return sum(map(self.entropy, self._margins())) - self.entropy()

    def oracle(self, x: Floats) -> Floats:
        """Log of p(x) / prod p(x_d) per sample: its mean is the best that the samples `x` can tell of T."""
        return self.log_density(x) - sum(self.log_density(x, margin) for margin in self._margins())

    def _information(self, split: int) -> float:
        return self.entropy(slice(split)) + self.entropy(slice(split, None)) - self.entropy()

    def _margins(self) -> list[slice]:
        return [slice(d, d + 1) for d in range(self.features)]

    def _bounds(self, features: slice) -> tuple[int, int]:
        start, stop, _ = features.indices(self.features)
        return start, stop


class _Density(NamedTuple):
    """Density of a single feature on an even grid `x`."""

    x: Floats
    density: Floats

    def mass(self) -> Floats:
        """Probability of each place of the grid."""
        return self.density * float(self.x[1] - self.x[0])

    def entropy(self) -> float:
        """Entropy in nats."""
        return float(entr(self.density).sum() * (self.x[1] - self.x[0]))

    def log_density(self, x: Floats) -> Floats:
        """Log-density at `x`, linear between the places of the grid."""
        return np.interp(x, self.x, np.log(np.maximum(self.density, np.finfo(float).tiny)))

    @classmethod
    def symmetric(cls, characteristic: Map, reach: float, places: int = 2**17) -> Self:
        """Density within +-reach of the real characteristic function, by a Fourier series (Lanczos' factors)."""
        x = reach * (2 * np.arange(places) / places - 1)
        part = np.linspace(0, 1, places // 2 + 1)
        series = characteristic(np.pi * places / (2 * reach) * part) * np.sinc(part)
        mass = np.fft.fftshift(np.fft.irfft(series, places))
        return cls(x, np.maximum(mass, 0) * places / (2 * reach))

    @classmethod
    def noisy(cls, x: Floats, weight: Floats, noise: float) -> Self:
        """Density of x + noise * normal, where `x` has probabilities `weight`; x is rounded to noise / 200."""
        step = noise / 200
        x, weight = x[weight > 1e-17], weight[weight > 1e-17]
        start = x.min() - 10 * noise
        places = 2 ** int(np.ceil(np.log2((x.max() - start) / step + 2000)))
        mass = np.bincount(np.rint((x - start) / step).astype(np.intp), weight, places)
        return cls(start + step * np.arange(places), _blur(mass / step, step, noise))

    @classmethod
    def scattered(cls, centre: Floats, spread: Floats, weight: Floats) -> Self:
        """Density of centre + spread * normal, which have the probabilities `weight`: a spline of its logarithm."""
        from scipy.interpolate import CubicSpline  # only needed here

        kept = weight > 1e-18
        centre, spread, weight = centre[kept], spread[kept], weight[kept] / spread[kept]
        low, high, finest = (centre - 9 * spread).min(), (centre + 9 * spread).max(), spread.min()
        x = np.arange(low, high, finest / 10)
        blocks = np.array_split(x, len(x) * len(centre) // 2**21 + 1)
        density = [np.exp(_log_normal((block[:, None] - centre) / spread)) @ weight for block in blocks]
        places = np.arange(low, x[-1], finest / 200)
        return cls(places, np.exp(CubicSpline(x, np.log(np.concatenate(density)))(places)))


def _blur(density: Floats, step: float, noise: float) -> Floats:
    """Convolution with a normal density of standard deviation `noise`."""
    frequency = 2 * np.pi * np.fft.rfftfreq(len(density), step)
    blurred = np.fft.irfft(np.fft.rfft(density) * np.exp(-((noise * frequency) ** 2) / 2), len(density))
    return np.maximum(blurred, 0)


def _panels(end: float, width: float) -> tuple[Floats, Floats]:
    """Places and weights of Gauss-Legendre quadrature from 0 to `end`, 16 places in each panel of about `width`."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    count = int(np.ceil(end / width))
    half = end / count / 2
    return (half * (2 * np.arange(count)[:, None] + 1 + nodes)).ravel(), np.tile(half * weights, count)


def _normal_places(dims: int) -> tuple[Floats, Floats]:
    """Places (dim, place) and weights of quadrature over independent normals, for functions smooth between breaks."""
    half, weight = _panels(8, _BREAKS[dims])
    axis = np.concatenate([-half, half])
    weight = np.tile(weight, 2) * np.exp(_log_normal(axis))
    places, weights = (np.meshgrid(*[values] * dims, indexing="ij") for values in (axis, weight))
    return np.stack(places).reshape(dims, -1), np.prod(weights, axis=0).ravel()


def _log_sphere(dims: int) -> float:
    """Log of the surface of the unit sphere in `dims` dimensions."""
    return float(LOG_2 + dims / 2 * np.log(np.pi) - gammaln(dims / 2))


def _normal_entropy(scale: float = 1) -> float:
    return (LOG_2PI + 1) / 2 + float(np.log(scale))


def _log_normal(x: Floats, scale: Floats | float = 1) -> Floats:
    """Log-density at `x` of a normal of mean 0 and standard deviation `scale`."""
    return np.asarray(-((x / scale) ** 2 + LOG_2PI) / 2 - np.log(scale))


def _seeds(seed: int, count: int) -> list[int]:
    """Seeds of independent streams."""
    return [int(state) for state in np.random.SeedSequence(seed).generate_state(count, np.uint64)]


def random_matrix(features: int, seed: int, condition: float = 3) -> Floats:
    """Random matrix (feature, feature) whose singular values fall evenly, in log, from 1 to 1 / `condition`.

    Examples
    --------
    >>> round(float(np.linalg.cond(random_matrix(4, seed=0, condition=5))), 6)
    5.0
    """
    left, right = np.linalg.qr(np.random.default_rng(seed).standard_normal((2, features, features)))[0]
    return np.asarray(left * np.geomspace(1, 1 / condition, features) @ right)


@dataclass(frozen=True, eq=False)
class Elliptical(Explicit):
    """A distribution of mean 0 whose groups of features belong to the same family.

    Parameters
    ----------
    scale : array (feature, feature)
        Scale matrix, symmetric and positive definite.
    """

    scale: Floats

    @property
    def features(self) -> int:
        """Number of features."""
        return len(self.scale)

    def _log_det_and_square(self, x: Floats, features: slice) -> tuple[float, Floats]:
        scale = self.scale[features, features]
        x = x[features]
        return self._log_det(features), np.asarray(np.sum(x * np.linalg.solve(scale, x), axis=0))

    def _log_det(self, features: slice) -> float:
        return float(np.linalg.slogdet(self.scale[features, features])[1])


class Normal(Elliptical):
    """Multivariate normal distribution; `scale` is its covariance.

    Examples
    --------
    >>> pair = Normal(np.array([[1, 0.5], [0.5, 1]]))
    >>> round(pair.total_correlation(), 4)
    0.1438
    >>> pair.sample(1000, seed=0).shape
    (2, 1000)
    """

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        rng = np.random.default_rng(seed)
        return np.asarray(np.linalg.cholesky(self.scale) @ rng.standard_normal((len(self.scale), n)))

    def entropy(self, features: slice = ALL) -> float:
        """Entropy of a range of features, in nats."""
        return len(self.scale[features]) * _normal_entropy() + self._log_det(features) / 2

    def log_density(self, x: Floats, features: slice = ALL) -> Floats:
        """Log-density of a range of the features of `x` (feature, sample), per sample."""
        log_det, square = self._log_det_and_square(x, features)
        return np.asarray(-(len(x[features]) * LOG_2PI + log_det + square) / 2)


@dataclass(frozen=True, eq=False)
class StudentT(Elliptical):
    """Multivariate t distribution with `nu` degrees of freedom.

    Its features depend on each other through their common radius even if `scale` is the identity.

    Examples
    --------
    >>> round(StudentT(np.eye(3), nu=3).total_correlation(), 5)
    0.11047
    """

    nu: float

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        radius = np.random.default_rng([seed, 1]).chisquare(self.nu, n) / self.nu
        return Normal(self.scale).sample(n, seed) / np.sqrt(radius)

    def entropy(self, features: slice = ALL) -> float:
        """Entropy of a range of features, in nats."""
        d = len(self.scale[features])
        half = (self.nu + d) / 2
        return float(half * (psi(half) - psi(self.nu / 2)) - self._log_norm(d, self._log_det(features)))

    def log_density(self, x: Floats, features: slice = ALL) -> Floats:
        """Log-density of a range of the features of `x` (feature, sample), per sample."""
        d = len(x[features])
        log_det, square = self._log_det_and_square(x, features)
        return self._log_norm(d, log_det) - (self.nu + d) / 2 * np.log1p(square / self.nu)

    def _log_norm(self, d: int, log_det: float) -> float:
        gammas = gammaln((self.nu + d) / 2) - gammaln(self.nu / 2)
        return float(gammas - (d * np.log(self.nu * np.pi) + log_det) / 2)


@dataclass(frozen=True)
class Archimedean(Explicit):
    """Archimedean copula: features between 0 and 1 with p(u_1 <= v_1, ...) = psi(sum of psi^-1(v_d)).

    With f_D the D-th derivative of psi less its sign, the density is f_D(t) / prod f_1(t_d) at t_d = psi^-1(u_d) and
    t = sum t_d, and t has the density f_D(t) t^(D-1) / (D-1)! (McNeil & Neslehova 2009, Ann. Statist. 37). So with
    J(D) the mean of log f_D(t), which is an integral over t alone, T = J(D) - D J(1).
    Samples are psi(e_d / v) with e_d exponential and v of the Laplace transform psi (Marshall & Olkin 1988).

    Parameters
    ----------
    features : number of features, at least 2
    theta : strength of the dependence
    """

    features: int
    theta: float

    def __post_init__(self) -> None:
        if self.features < 2 or not self._weakest() < self.theta:
            raise ValueError(f"{self} needs two features or more and theta above {self._weakest()}")

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        rng = np.random.default_rng(seed)
        frailty = self._frailty(rng, n)
        return self._generator(rng.standard_exponential((self.features, n)) / frailty)

    def entropy(self, features: slice = ALL) -> float:
        """Entropy of a range of features, in nats; the same for all ranges of one length, 0 for single features."""
        start, stop = self._bounds(features)
        return (stop - start) * self._mean_log_derivative(1) - self._mean_log_derivative(stop - start)

    def log_density(self, x: Floats, features: slice = ALL) -> Floats:
        """Log-density of a range of the features of `x` (feature, sample), per sample."""
        t = self._inverse(x[features])
        single = np.sum(self._log_derivative(t, 1), axis=0)
        return np.asarray(self._log_derivative(np.sum(t, axis=0), len(t)) - single)

    def _mean_log_derivative(self, order: int) -> float:
        """Mean of log f_order(t), by the trapezoidal rule over log t."""
        reach = min(40 * (1 + self.theta), 700)
        log_t, step = np.linspace(-reach, reach, 2**15, retstep=True)
        value = self._log_derivative(np.exp(log_t), order)
        return float(np.sum(np.exp(value + order * log_t - gammaln(order)) * value) * step)

    def _weakest(self) -> float:
        return 0.0

    @abstractmethod
    def _frailty(self, rng: np.random.Generator, n: int) -> Floats:
        """Draw v."""

    @abstractmethod
    def _generator(self, t: Floats) -> Floats:
        """psi(t)."""

    @abstractmethod
    def _inverse(self, u: Floats) -> Floats:
        """psi^-1(u)."""

    @abstractmethod
    def _log_derivative(self, t: Floats, order: int) -> Floats:
        """Logarithm of f_order(t)."""


class Clayton(Archimedean):
    """Clayton copula, psi(t) = (1 + t)^(-1/theta), theta > 0: small values come together.

    Examples
    --------
    >>> round(Clayton(2, theta=2).total_correlation(), 4)
    0.4319
    """

    def _frailty(self, rng: np.random.Generator, n: int) -> Floats:
        return rng.standard_gamma(1 / self.theta, n)

    def _generator(self, t: Floats) -> Floats:
        return np.exp(-np.log1p(t) / self.theta)

    def _inverse(self, u: Floats) -> Floats:
        return np.asarray(np.expm1(-self.theta * np.log(u)))

    def _log_derivative(self, t: Floats, order: int) -> Floats:
        power = 1 / self.theta
        return np.asarray(np.sum(np.log(power + np.arange(order))) - (power + order) * np.log1p(t))


class Gumbel(Archimedean):
    """Gumbel copula, psi(t) = exp(-t^(1/theta)), theta > 1: large values come together.

    The derivatives are psi(t) t^-D times a polynomial in t^(1/theta) of positive coefficients (Hofert, Maechler &
    McNeil 2012, J. Multivar. Anal. 110); v is positive stable (Chambers, Mallows & Stuck 1976).

    Examples
    --------
    >>> round(Gumbel(2, theta=2).total_correlation(), 4)
    0.3754
    """

    def _weakest(self) -> float:
        return 1.0

    def _frailty(self, rng: np.random.Generator, n: int) -> Floats:
        power = 1 / self.theta
        angle, e = np.pi * (1 - rng.random(n)), rng.standard_exponential(n)
        shape = np.sin(power * angle) / np.sin(angle) ** self.theta
        return np.asarray(shape * (np.sin((1 - power) * angle) / e) ** (self.theta - 1))

    def _generator(self, t: Floats) -> Floats:
        return np.asarray(np.exp(-(t ** (1 / self.theta))))

    def _inverse(self, u: Floats) -> Floats:
        return np.asarray((-np.log(u)) ** self.theta)

    def _log_derivative(self, t: Floats, order: int) -> Floats:
        log_t = np.log(t)
        polynomial = _log_polynomial(self._coefficients(order), log_t / self.theta)
        return np.asarray(polynomial - order * log_t - np.exp(log_t / self.theta))

    def _coefficients(self, order: int) -> Floats:
        power, a = 1 / self.theta, np.ones(1)
        for d in range(order):
            a = power * np.append(0, a) + (d - power * np.arange(d + 2)) * np.append(a, 0)
        return a


class Frank(Archimedean):
    """Frank copula, psi(t) = -log(1 - (1 - e^-theta) e^-t) / theta, theta > 0: the same at both ends.

    The derivatives are polylogarithms of negative order (Hofert, Maechler & McNeil 2012), a polynomial in z over a
    power of 1 - z, where z = (1 - e^-theta) e^-t; v follows the logarithmic series.

    Examples
    --------
    >>> round(Frank(2, theta=5).total_correlation(), 4)
    0.258
    """

    def _frailty(self, rng: np.random.Generator, n: int) -> Floats:
        return rng.logseries(-np.expm1(-self.theta), n).astype(float)

    def _generator(self, t: Floats) -> Floats:
        return np.asarray(-np.log1p(np.expm1(-self.theta) * np.exp(-t)) / self.theta)

    def _inverse(self, u: Floats) -> Floats:
        return np.asarray(np.log(-np.expm1(-self.theta)) - np.log(-np.expm1(-self.theta * u)))

    def _log_derivative(self, t: Floats, order: int) -> Floats:
        log_z = np.log(-np.expm1(-self.theta)) - t
        numerator = _log_polynomial(self._coefficients(order), log_z)
        return np.asarray(numerator - order * np.log(-np.expm1(log_z)) - np.log(self.theta))

    def _coefficients(self, order: int) -> Floats:
        a = np.array([0.0, 1.0])
        for d in range(1, order):
            k = np.arange(d + 2)
            a = k * np.append(a, 0) + (d + 1 - k) * np.append(0, a)
        return a


def _log_polynomial(coefficients: Floats, log_x: Floats) -> Floats:
    """Logarithm of the polynomial of coefficients (not negative, lowest power first)."""
    powers = np.flatnonzero(coefficients)
    terms = (np.log(coefficients[k]) + k * log_x for k in powers)
    total = next(terms)
    for term in terms:
        total = np.logaddexp(total, term)
    return np.asarray(total)


@dataclass(frozen=True, eq=False)
class GaussianMixture(Explicit):
    """Mixture of normal distributions.

    Entropies of one or two features are sums over a grid, and so are those of components of one covariance whose means
    lie in a plane. The others are means of the log-density over quasi-random points of each component, right to about
    0.0005 nat.

    Parameters
    ----------
    weights : array (component,), of sum 1
    means : array (component, feature)
    covariances : array (component, feature, feature)

    Examples
    --------
    >>> covariances = np.array([[[1, 0.9], [0.9, 1]], [[1, -0.9], [-0.9, 1]]])
    >>> cross = GaussianMixture(np.array([0.5, 0.5]), np.zeros((2, 2)), covariances)
    >>> round(cross.total_correlation(), 2)
    0.41
    """

    weights: Floats
    means: Floats
    covariances: Floats

    def __post_init__(self) -> None:
        components, features = self.means.shape
        fits = self.weights.shape == (components,) and self.covariances.shape == (components, features, features)
        if not fits or not np.isclose(self.weights.sum(), 1):
            raise ValueError("a mixture needs weights of sum 1, and a mean and a covariance for each")

    @classmethod
    def ring(cls, components: int, radius: float, width: float) -> Self:
        """Even clusters of standard deviation `width` around a circle, 2 features."""
        angle = 2 * np.pi * np.arange(components) / components
        return cls._alike(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1), width)

    @classmethod
    def spiral(cls, turns: float, width: float, components: int = 300) -> Self:
        """A spiral of unit distance between its turns and normal noise of standard deviation `width`, 2 features.

        The components are even along the curve, less than half of `width` apart.
        """
        angle = np.linspace(0, 2 * np.pi * turns, 100 * components)
        curve = angle / (2 * np.pi) * np.stack([np.cos(angle), np.sin(angle)])
        length = np.append(0, np.cumsum(np.hypot(*np.diff(curve))))
        if length[-1] / components > width / 2:
            raise ValueError(f"{components} components are too few for a spiral of length {length[-1]:.1f}")
        places = (np.arange(components) + 0.5) / components * length[-1]
        return cls._alike(np.stack([np.interp(places, length, axis) for axis in curve], axis=1), width)

    @classmethod
    def random(cls, features: int, components: int, distance: float, seed: int) -> Self:
        """Even components of random correlation, their means normal around 0 with standard deviation `distance`."""
        rng = np.random.default_rng(seed)
        means = distance * rng.standard_normal((components, features))
        roots = [random_matrix(features, int(rng.integers(2**32)), condition=4) for _ in range(components)]
        return cls(np.full(components, 1 / components), means, np.stack([root @ root.T for root in roots]))

    @classmethod
    def _alike(cls, means: Floats, width: float) -> Self:
        count, features = means.shape
        return cls(np.full(count, 1 / count), means, np.tile(width**2 * np.eye(features), (count, 1, 1)))

    @property
    def features(self) -> int:
        """Number of features."""
        return int(self.means.shape[1])

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        rng = np.random.default_rng(seed)
        component = rng.choice(len(self.weights), n, p=self.weights)
        noise = rng.standard_normal((n, self.features, 1))
        return np.asarray(self.means[component] + (np.linalg.cholesky(self.covariances)[component] @ noise)[..., 0]).T

    def entropy(self, features: slice = ALL) -> float:
        """Entropy of a range of features, in nats."""
        return _mixture_entropy(self, *self._bounds(features))

    def log_density(self, x: Floats, features: slice = ALL) -> Floats:
        """Log-density of a range of the features of `x` (feature, sample), per sample."""
        return self._part(*self._bounds(features)).log_density(x[features])

    def _part(self, start: int, stop: int) -> "_Components":
        roots = np.asarray(np.linalg.cholesky(self.covariances[:, start:stop, start:stop]), np.float64)
        inverses = np.asarray(np.linalg.inv(roots), np.float64)
        return _Components(np.log(self.weights), self.means[:, start:stop], roots, inverses)


class _Components(NamedTuple):
    """Components of a mixture: log-weights (c,), means (c, f), roots of covariances and their inverses (c, f, f)."""

    log_weights: Floats
    means: Floats
    roots: Floats
    inverses: Floats

    def log_density(self, x: Floats) -> Floats:
        """Log-density of the mixture at `x` (f, n), in blocks that fit the memory."""
        blocks = np.array_split(x, x.shape[1] // 4096 + 1, axis=1)
        return np.concatenate([logsumexp(self._log_terms(block), axis=0) for block in blocks])

    def _log_terms(self, x: Floats) -> Floats:
        """Log of weight times density of each component, (c, n)."""
        white = self.inverses @ x - self.inverses @ self.means[..., None]
        log_dets = np.sum(np.log(np.diagonal(self.inverses, axis1=1, axis2=2)), axis=1)
        norms = self.log_weights + log_dets - len(x) / 2 * LOG_2PI
        return np.asarray(norms[:, None] - np.einsum("cfn,cfn->cn", white, white) / 2)


@lru_cache(maxsize=256)
def _mixture_entropy(mixture: GaussianMixture, start: int, stop: int) -> float:
    part = mixture._part(start, stop)
    if stop - start <= 2:
        return _entropy_on_grid(part)
    white = (part.means - part.means[0]) @ part.inverses[0].T
    if np.ptp(part.roots, axis=0).any() or np.linalg.matrix_rank(white) > 2:
        return _entropy_at_points(part)
    return _entropy_in_plane(part, white)


def _entropy_in_plane(part: _Components, white: Floats) -> float:
    """Entropy of components of one covariance, their means, divided by its root (c, f), in a plane through 0."""
    u, lengths, _ = np.linalg.svd(white, full_matrices=False)
    places = (u * lengths)[:, :2]
    unit = np.tile(np.eye(places.shape[1]), (len(places), 1, 1))
    plane = _entropy_on_grid(_Components(part.log_weights, places, unit, unit))
    across = (white.shape[1] - places.shape[1]) * _normal_entropy()
    return float(plane + across + np.log(np.diagonal(part.roots[0])).sum())


def _entropy_on_grid(part: _Components) -> float:
    """Entropy by the trapezoidal rule, four steps to the smallest standard deviation in any direction."""
    step = 0.25 / float(np.linalg.norm(part.inverses, 2, axis=(1, 2)).max())
    reach = 9 * np.linalg.norm(part.roots, axis=2)
    ends = zip((part.means - reach).min(axis=0), (part.means + reach).max(axis=0), strict=True)
    axes = np.meshgrid(*(np.arange(low, high, step) for low, high in ends))
    x = np.stack(axes).reshape(len(axes), -1)
    return float(entr(np.exp(part.log_density(x))).sum() * step ** len(axes))


def _entropy_at_points(part: _Components) -> float:
    """Entropy by quasi-random points of each component."""
    count, features = part.means.shape
    points = 2 ** int(np.clip(22 - 2 * np.log2(count), 9, 16))
    total = 0.0
    for k, z in enumerate(_normal_points(features, points, count)):
        log_density = part.log_density(part.means[k][:, None] + part.roots[k] @ z)
        total -= np.exp(part.log_weights[k]) * _normal_mean(z, log_density)
    return float(total)


def _normal_mean(z: Floats, values: Floats) -> float:
    """Mean of `values` at the normal points z (feature, point), exact for those quadratic in single features."""
    basis = np.concatenate([np.ones((1, z.shape[1])), z, z**2 - 1])
    return float(np.linalg.solve(basis @ basis.T, basis @ values)[0])


def _normal_points(features: int, points: int, sets: int) -> Iterator[Floats]:
    """Quasi-random normal points (feature, point): those of Sobol, shifted at random for each set."""
    from scipy.stats import qmc  # half a second, and only needed here

    uniform = qmc.Sobol(features, scramble=False).random(points).T
    shifts = np.random.default_rng(0).random((sets, features, 1))
    return (ndtri((uniform + shift) % 1) for shift in shifts)


@dataclass(frozen=True)
class Ring(Explicit):
    """Circle or spherical shell: even in direction, normal in radius.

    The density of some of the features at the radius r is that of all, integrated over spheres of the other features;
    entropies are integrals over r. A ring that reaches its centre has no smooth density there.

    Parameters
    ----------
    features : number of features, at least 2
    radius : mean of the radius
    width : standard deviation of the radius, at most a sixth of its mean

    Examples
    --------
    >>> round(Ring(2, radius=1, width=0.1).total_correlation(), 3)
    0.674
    """

    features: int
    radius: float
    width: float

    def __post_init__(self) -> None:
        if self.features < 2 or not 0 < 6 * self.width <= self.radius:
            raise ValueError(f"{self} needs two features or more and a width of at most a sixth of the radius")

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((self.features, n))
        return np.asarray(x / np.linalg.norm(x, axis=0) * np.abs(rng.normal(self.radius, self.width, n)))

    def entropy(self, features: slice = ALL) -> float:
        """Entropy of a range of features, in nats."""
        start, stop = self._bounds(features)
        r, weight = self._places
        shells = np.exp(_log_sphere(stop - start)) * r ** (stop - start - 1)
        return float(np.sum(entr(self._density(r, stop - start)) * shells * weight))

    def log_density(self, x: Floats, features: slice = ALL) -> Floats:
        """Log-density of a range of the features of `x` (feature, sample), per sample."""
        x = x[features]
        r = np.linalg.norm(x, axis=0)
        if len(x) == self.features:
            return self._log_joint(r)
        density = self._density(self._places[0], len(x))
        return _Density(self._places[0], density).log_density(r)

    @property
    def _places(self) -> tuple[Floats, Floats]:
        return _panels(self.radius + 9 * self.width, self.width)

    def _log_joint(self, r: Floats) -> Floats:
        shell = _log_sphere(self.features) + (self.features - 1) * np.log(r)
        return np.asarray(_log_normal(r - self.radius, self.width) - shell)

    def _density(self, r: Floats, features: int) -> Floats:
        others = self.features - features
        if not others:
            return np.exp(self._log_joint(r))
        w, weight = self._places
        shells = np.exp(_log_sphere(others)) * w ** (others - 1) * weight
        return np.asarray(np.exp(self._log_joint(np.hypot(r[:, None], w))) @ shells)


class _Source(NamedTuple):
    """A distribution of mean 0 and variance 1."""

    entropy: float
    draw: Callable[[np.random.Generator, tuple[int, int]], Floats]
    characteristic: Map
    log_density: Map


_EDGE = np.sqrt(3)
_SOURCES = {
    "uniform": _Source(
        float(np.log(2 * _EDGE)),
        lambda rng, shape: rng.uniform(-_EDGE, _EDGE, shape),
        lambda t: np.sinc(_EDGE / np.pi * t),
        lambda s: np.where(np.abs(s) < _EDGE * (1 + 1e-12), -np.log(2 * _EDGE), -np.inf),
    ),
    "laplace": _Source(
        float(1 + np.log(2) / 2),
        lambda rng, shape: rng.laplace(0, np.sqrt(0.5), shape),
        lambda t: 1 / (1 + t**2 / 2),
        lambda s: np.asarray(-np.sqrt(2) * np.abs(s) - np.log(2) / 2),
    ),
}


@dataclass(frozen=True, eq=False)
class LinearMixture(Explicit):
    """Linear mixture of independent sources of variance 1; only the entropies of single and of all features are known.

    The densities of single features are Fourier series of the products of the characteristic functions of the sources.
    Their entropies are right to 0.00001 nat, or 0.0002 nat where a single uniform source makes up the feature.

    Parameters
    ----------
    matrix : array (feature, source), square and invertible
    source : distribution of the sources

    Examples
    --------
    >>> rotation = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
    >>> round(LinearMixture(rotation, "uniform").total_correlation(), 4)  # 1 - log(2)
    0.3069
    """

    matrix: Floats
    source: Literal["uniform", "laplace"]

    @property
    def features(self) -> int:
        """Number of features."""
        return len(self.matrix)

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        return np.asarray(self.matrix @ self._source.draw(np.random.default_rng(seed), (self.features, n)))

    def entropy(self, features: slice = ALL) -> float:
        """Entropy of a feature or of all, in nats."""
        if self._bounds(features) == (0, self.features):
            return self.features * self._source.entropy + float(np.linalg.slogdet(self.matrix)[1])
        return self._density(features).entropy()

    def log_density(self, x: Floats, features: slice = ALL) -> Floats:
        """Log-density of a feature or all of `x` (feature, sample), per sample."""
        if self._bounds(features) != (0, self.features):
            return self._density(features).log_density(x[features][0])
        sources = self._source.log_density(np.linalg.inv(self.matrix) @ x)
        return np.asarray(np.sum(sources, axis=0) - np.linalg.slogdet(self.matrix)[1])

    def _density(self, features: slice) -> _Density:
        start, stop = self._bounds(features)
        if stop - start != 1:
            raise self._unknown("the density of several features")
        return self._densities[start]

    @cached_property
    def _densities(self) -> list[_Density]:
        return [_Density.symmetric(self._characteristic(row), 40 * float(np.linalg.norm(row))) for row in self.matrix]

    def _characteristic(self, row: Floats) -> Map:
        return lambda t: np.asarray(np.prod([self._source.characteristic(a * t) for a in row], axis=0))

    @property
    def _source(self) -> _Source:
        return _SOURCES[self.source]


@dataclass(frozen=True)
class Funnel(Explicit):
    """Funnel of Neal (2003, Ann. Statist. 31): v is normal, and the others are normal with the variance exp(v).

    v is the first feature. The others have an even direction and a squared radius whose log is v plus that of a
    chi-squared, a convolution.

    Parameters
    ----------
    features : number of features, v included
    scale : standard deviation of v

    Examples
    --------
    >>> round(Funnel(5, scale=1.5).total_correlation(), 3)
    1.205
    """

    features: int
    scale: float

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        z = np.random.default_rng(seed).standard_normal((self.features, n))
        return np.concatenate([self.scale * z[:1], np.exp(self.scale * z[:1] / 2) * z[1:]])

    def entropy(self, features: slice = ALL) -> float:
        """Entropy of a range of features, in nats."""
        start, stop = self._bounds(features)
        count = stop - start
        if start == 0:
            return count * _normal_entropy() + float(np.log(self.scale))
        mean_log_square = float(psi(count / 2) + LOG_2)
        return _log_square(count, self.scale).entropy() + _log_sphere(count) - LOG_2 + count / 2 * mean_log_square

    def log_density(self, x: Floats, features: slice = ALL) -> Floats:
        """Log-density of a range of the features of `x` (feature, sample), per sample."""
        start, _ = self._bounds(features)
        x = x[features]
        if start == 0:
            return np.asarray(_log_normal(x[0], self.scale) + np.sum(_log_normal(x[1:], np.exp(x[0] / 2)), axis=0))
        log_square = np.log(np.sum(x**2, axis=0))
        radial = _log_square(len(x), self.scale).log_density(log_square)
        return np.asarray(radial - _log_sphere(len(x)) + LOG_2 - len(x) / 2 * log_square)


@lru_cache(maxsize=64)
def _log_square(count: int, scale: float) -> _Density:
    """Density of the log of a chi-squared with `count` degrees of freedom, plus scale * normal."""
    x, step = np.linspace(-80 - 12 * scale, 12 + 12 * scale, 2**15, retstep=True)
    half = count / 2
    chi_squared = np.exp(half * x - np.exp(x) / 2 - half * np.log(2) - gammaln(half))
    return _Density(x, _blur(chi_squared, float(step), scale))


@dataclass(frozen=True, eq=False)
class Chain(Explicit):
    """Markov chain: the first feature is normal, and each of the others is `function` of the one before plus noise.

    T and I are what neighbours share: h(x_d) less the entropy of the noise. Densities of single features are carried
    along the chain on a grid.

    Parameters
    ----------
    features : number of features
    function : of arrays, bounded or of slow growth for chains of several steps
    noise : standard deviation of the normal noise

    Examples
    --------
    >>> chain = Chain(3, np.sin, noise=0.3)
    >>> round(chain.total_correlation(), 3), round(chain.mutual_information(1), 3)
    (1.604, 0.831)
    """

    features: int
    function: Map
    noise: float

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        z = np.random.default_rng(seed).standard_normal((self.features, n))
        for before, after in pairwise(z):
            after[:] = self.function(before) + self.noise * after
        return z

    def entropy(self, features: slice = ALL) -> float:
        """Entropy of a range of features, in nats."""
        start, stop = self._bounds(features)
        return self._densities[start].entropy() + (stop - start - 1) * _normal_entropy(self.noise)

    def log_density(self, x: Floats, features: slice = ALL) -> Floats:
        """Log-density of a range of the features of `x` (feature, sample), per sample."""
        start, _ = self._bounds(features)
        x = x[features]
        steps = _log_normal(x[1:] - self.function(x[:-1]), self.noise)
        return np.asarray(self._densities[start].log_density(x[0]) + np.sum(steps, axis=0))

    @cached_property
    def _densities(self) -> list[_Density]:
        x = np.linspace(-9, 9, 2**17)
        densities = [_Density(x, np.exp(_log_normal(x)))]
        for _ in range(self.features - 1):
            last = densities[-1]
            densities.append(_Density.noisy(self.function(last.x), last.mass(), self.noise))
        return densities


@dataclass(frozen=True, eq=False)
class Regression(Chain):
    """Two features: x normal, and y = function(x) + noise.

    Examples
    --------
    >>> round(Regression(np.square, noise=0.5).total_correlation(), 3)
    0.803
    """

    features: int = field(default=2, init=False)


@dataclass(frozen=True, eq=False)
class Driven(Explicit):
    """Drivers x, independent and normal, and responses to them: y_j = f_j(x) + s_j(x) e_j, e_j independent and normal.

    Given all drivers the responses are independent. So T is the sum of what each response shares with all drivers:
    h(y_j) less the mean of log s_j and the entropy of e_j. The density of y_j is an integral over the drivers. T is
    right to 1e-6 where f_j and s_j are smooth but for jumps and kinks: at multiples of 0.25 for one driver, at integers
    for two, at 0 for three. Known are single features, drivers alone, and all drivers with the first of the responses.

    Parameters
    ----------
    drivers : number of drivers, 1 to 3
    functions : f_j, one for each response, of as many arrays as there are drivers
    spreads : s_j, likewise, positive; the width of the widest noise should be less than a thousand times the narrowest

    Examples
    --------
    >>> switch = Driven(2, [lambda x, z: x * (z > 0)], [lambda x, z: 1.0])
    >>> switch.features, round(switch.total_correlation(), 4)
    (3, 0.2008)
    """

    drivers: int
    functions: Sequence[Response]
    spreads: Sequence[Response]

    def __post_init__(self) -> None:
        if self.drivers not in _BREAKS or len(self.functions) != len(self.spreads):
            raise ValueError("there must be one to three drivers, and as many spreads as functions")

    @property
    def features(self) -> int:
        """Number of features."""
        return self.drivers + len(self.functions)

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        z = np.random.default_rng(seed).standard_normal((self.features, n))
        for response, (centre, spread) in zip(z[self.drivers :], self._given(z[: self.drivers]), strict=True):
            response[:] = centre + spread * response
        return z

    def entropy(self, features: slice = ALL) -> float:
        """Entropy of a range of features, in nats."""
        start, stop = self._bounds(features)
        if self._single_response(start, stop):
            return self._densities[start - self.drivers].entropy()
        spreads = self._mean_log_spreads[: max(stop - self.drivers, 0)]
        return (stop - start) * _normal_entropy() + float(np.sum(spreads))

    def log_density(self, x: Floats, features: slice = ALL) -> Floats:
        """Log-density of a range of the features of `x` (feature, sample), per sample."""
        start, stop = self._bounds(features)
        if self._single_response(start, stop):
            return self._densities[start - self.drivers].log_density(x[start])
        total = np.sum(_log_normal(x[start : min(stop, self.drivers)]), axis=0)
        for y, (centre, spread) in zip(x[self.drivers : stop], self._given(x[: self.drivers]), strict=False):
            total = total + _log_normal(y - centre, spread)
        return np.asarray(total)

    def _single_response(self, start: int, stop: int) -> bool:
        single = start >= self.drivers and stop - start == 1
        if not single and start > 0 and stop > self.drivers:
            raise self._unknown("the density of responses without all drivers")
        return single

    def _given(self, x: Floats) -> Iterator[tuple[Floats, Floats]]:
        """Centre and spread of each response at the drivers x (driver, sample)."""
        for function, spread in zip(self.functions, self.spreads, strict=True):
            yield np.broadcast_to(function(*x), x.shape[1]), np.broadcast_to(spread(*x), x.shape[1])

    @cached_property
    def _mean_log_spreads(self) -> list[float]:
        x, weight = _normal_places(self.drivers)
        return [float(weight @ np.log(spread)) for _, spread in self._given(x)]

    @cached_property
    def _densities(self) -> list[_Density]:
        x, weight = _normal_places(self.drivers)
        return [_Density.scattered(centre, spread, weight) for centre, spread in self._given(x)]


@dataclass(frozen=True)
class Product(Distribution):
    """Three features: x and y, independent normals, and z = x y + noise, which shares with both but little with each.

    T = I(x, y; z) = h(z) less the entropy of the noise; x y has the characteristic function (1 + t^2)^(-1/2).

    Parameters
    ----------
    noise : standard deviation of the normal noise

    Examples
    --------
    >>> round(Product(noise=0.3).mutual_information(2), 3)
    1.127
    """

    noise: float

    @property
    def features(self) -> int:
        """Number of features."""
        return 3

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        x, y, noise = np.random.default_rng(seed).standard_normal((3, n))
        return np.stack([x, y, x * y + self.noise * noise])

    def total_correlation(self) -> float:
        """T of the features, in nats."""
        return self._density.entropy() - _normal_entropy(self.noise)

    def oracle(self, x: Floats) -> Floats:
        """Log of p(x) / prod p(x_d) per sample: its mean is the best that the samples `x` can tell of T."""
        return _log_normal(x[2] - x[0] * x[1], self.noise) - self._density.log_density(x[2])

    def _information(self, split: int) -> float:
        if split == 2:
            return self.total_correlation()
        y, step = np.linspace(-9, 9, 2**14, retstep=True)
        return float(np.sum(np.exp(_log_normal(y)) * np.log1p((y / self.noise) ** 2) / 2) * step)

    @cached_property
    def _density(self) -> _Density:
        return _Density.symmetric(
            lambda t: np.exp(-((self.noise * t) ** 2) / 2) / np.hypot(1, t), 60 * (1 + self.noise)
        )


@dataclass(frozen=True)
class NoisyCircle(Distribution):
    """Three features: an even angle, and the noisy coordinates of its point on the unit circle.

    Given the angle the coordinates are independent, so all follows from the entropies of the coordinates: of both,
    an integral over the radius, and of one, whose cosine has the Bessel function J_0 as its characteristic function.

    Parameters
    ----------
    noise : standard deviation of the normal noise of each coordinate

    Examples
    --------
    >>> round(NoisyCircle(noise=0.3).mutual_information(1), 3)
    1.597
    """

    noise: float

    @property
    def features(self) -> int:
        """Number of features."""
        return 3

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        rng = np.random.default_rng(seed)
        angle = 2 * np.pi * rng.random(n)
        x, y = np.stack([np.cos(angle), np.sin(angle)]) + self.noise * rng.standard_normal((2, n))
        return np.stack([angle, x, y])

    def total_correlation(self) -> float:
        """T of the features, in nats."""
        return 2 * self._information(2)

    def oracle(self, x: Floats) -> Floats:
        """Log of p(x) / prod p(x_d) per sample: its mean is the best that the samples `x` can tell of T."""
        given = _log_normal(x[1:] - np.stack([np.cos(x[0]), np.sin(x[0])]), self.noise)
        return np.asarray(np.sum(given - self._density.log_density(x[1:]), axis=0))

    def _information(self, split: int) -> float:
        both, single, noise = self._entropy_of_both(), self._density.entropy(), _normal_entropy(self.noise)
        return both - 2 * noise if split == 1 else single - noise

    @cached_property
    def _density(self) -> _Density:
        return _Density.symmetric(lambda t: np.exp(-((self.noise * t) ** 2) / 2) * j0(t), 2 + 10 * self.noise)

    def _entropy_of_both(self) -> float:
        variance = self.noise**2
        r, weight = _panels(1 + 10 * self.noise, self.noise)
        density = np.exp(-((r - 1) ** 2) / (2 * variance)) * i0e(r / variance) / (2 * np.pi * variance)
        return float(np.sum(entr(density) * 2 * np.pi * r * weight))


@dataclass(frozen=True, eq=False)
class Independent(Distribution):
    """Independent parts one after the other; T is the sum of theirs, and I what the part shares that is split.

    Examples
    --------
    >>> parts = Independent([Normal(np.eye(2)), Ring(2, radius=1, width=0.1)])
    >>> parts.mutual_information(2), round(parts.mutual_information(3), 3)
    (0.0, 0.674)
    """

    parts: Sequence[Distribution]

    @property
    def features(self) -> int:
        """Number of features."""
        return sum(part.features for part in self.parts)

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        return np.concatenate(_draw(self.parts, n, seed))

    def total_correlation(self) -> float:
        """T of the features, in nats."""
        return sum(part.total_correlation() for part in self.parts)

    def oracle(self, x: Floats) -> Floats:
        """Log of p(x) / prod p(x_d) per sample: its mean is the best that the samples `x` can tell of T."""
        pieces = np.split(x, np.cumsum([part.features for part in self.parts])[:-1])
        return np.asarray(sum(part.oracle(piece) for part, piece in zip(self.parts, pieces, strict=True)))

    def _information(self, split: int) -> float:
        for part in self.parts:
            if split < part.features:
                return part.mutual_information(split) if split else 0.0
            split -= part.features
        raise AssertionError("a split beyond all features")


@dataclass(frozen=True, eq=False)
class Interleaved(Distribution):
    """Independent parts, the first halves of all before the second halves of all.

    Parameters
    ----------
    parts : distributions of an even number of features

    Attributes
    ----------
    split : size of the group of first halves, where I is the sum of those between the halves of each part

    Examples
    --------
    >>> pairs = Interleaved([Ring(2, radius=1, width=0.1)] * 3)
    >>> pairs.split, round(pairs.mutual_information(pairs.split), 3)
    (3, 2.022)
    """

    parts: Sequence[Distribution]

    def __post_init__(self) -> None:
        if any(part.features % 2 for part in self.parts):
            raise ValueError("each part must have an even number of features")

    @property
    def features(self) -> int:
        """Number of features."""
        return sum(part.features for part in self.parts)

    @property
    def split(self) -> int:
        """Size of the group of first halves."""
        return self.features // 2

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        halves = [np.split(x, 2) for x in _draw(self.parts, n, seed)]
        return np.concatenate([half for group in zip(*halves, strict=True) for half in group])

    def total_correlation(self) -> float:
        """T of the features, in nats."""
        return sum(part.total_correlation() for part in self.parts)

    def _information(self, split: int) -> float:
        if split != self.split:
            raise self._unknown(f"I at split {split}, only at {self.split}")
        return sum(part.mutual_information(part.features // 2) for part in self.parts)


def _draw(parts: Sequence[Distribution], n: int, seed: int) -> list[Floats]:
    seeds = _seeds(seed, len(parts))
    return [part.sample(n, own) for part, own in zip(parts, seeds, strict=True)]


@dataclass(frozen=True, eq=False)
class Margins(Distribution):
    """A distribution with other margins: strictly monotone functions of its features, which change neither T nor I.

    Parameters
    ----------
    distribution : where the samples come from
    functions : of arrays, one for each feature in turn, and again from the first
    inverses : of the functions, for the oracle

    Examples
    --------
    >>> lognormal = Margins(Normal(np.array([[1, 0.5], [0.5, 1]])), [np.exp])
    >>> round(lognormal.total_correlation(), 4)
    0.1438
    """

    distribution: Distribution
    functions: Sequence[Map]
    inverses: Sequence[Map] = ()

    @property
    def features(self) -> int:
        """Number of features."""
        return self.distribution.features

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        return _each(self.functions, self.distribution.sample(n, seed))

    def total_correlation(self) -> float:
        """T of the features, in nats."""
        return self.distribution.total_correlation()

    def oracle(self, x: Floats) -> Floats:
        """Log of p(x) / prod p(x_d) per sample: its mean is the best that the samples `x` can tell of T."""
        if not self.inverses:
            raise self._unknown("the oracle without inverses")
        return self.distribution.oracle(_each(self.inverses, x))

    def _information(self, split: int) -> float:
        return self.distribution.mutual_information(split)


def _each(functions: Sequence[Map], x: Floats) -> Floats:
    """The functions of the features of x (feature, sample) in turn, and again from the first."""
    return np.stack([functions[d % len(functions)](x[d]) for d in range(len(x))])


def unchanged(x: Floats) -> Floats:
    """The identity, for groups that stay as they are."""
    return x


@dataclass(frozen=True, eq=False)
class GroupMaps(Distribution):
    """A distribution of two groups, each replaced by an injective function of it, which does not change their I.

    The functions may add features, so that a group holds copies or lies on a curve: its T is then infinite and its I
    still known. T of the features is not known.

    Parameters
    ----------
    distribution : where the samples come from
    cut : size of the first group of `distribution`
    first, second : injective functions of arrays (feature, sample)

    Attributes
    ----------
    split : size of the new first group, where I is known

    Examples
    --------
    >>> pair = Normal(np.array([[1, 0.5], [0.5, 1]]))
    >>> parabola = GroupMaps(pair, 1, lambda x: np.concatenate([x, x**2]))
    >>> parabola.split, round(parabola.mutual_information(2), 4)
    (2, 0.1438)
    """

    distribution: Distribution
    cut: int
    first: Map = unchanged
    second: Map = unchanged

    @property
    def features(self) -> int:
        """Number of features."""
        return sum(map(len, self._groups(2, seed=0)))

    @property
    def split(self) -> int:
        """Size of the first group."""
        return len(self._groups(2, seed=0)[0])

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""
        return np.concatenate(self._groups(n, seed))

    def total_correlation(self) -> float:
        """Raise an error: T is not known."""
        raise self._unknown("T")

    def _groups(self, n: int, seed: int) -> tuple[Floats, Floats]:
        x = self.distribution.sample(n, seed)
        return self.first(x[: self.cut]), self.second(x[self.cut :])

    def _information(self, split: int) -> float:
        if split != self.split:
            raise self._unknown(f"I at split {split}, only at {self.split}")
        return self.distribution.mutual_information(self.cut)


def weak_kinds() -> dict[str, Distribution]:
    """Kinds of weak dependence that everyday data have: T between 0.02 and 0.2 nat, 2 to 10 features, exact.

    Returns
    -------
    dict of distributions, by name; the name ends with the number of features

    Examples
    --------
    >>> round(weak_kinds()["threshold D=2"].total_correlation(), 4)
    0.05
    """
    return _weak_curves() | _weak_interactions() | _weak_copulas() | _weak_mixtures() | _weak_among_many()


def _constant(*_: Floats) -> float:
    return 1.0


def _curve(function: Response, spread: Response = _constant) -> Driven:
    return Driven(1, [function], [spread])


def _among(others: int, *parts: Distribution) -> Independent:
    """The parts, and as many independent normal features."""
    return Independent([*parts, Normal(np.eye(others))])


def _quadratic(x: Floats) -> Floats:
    return 0.3 * x**2


def _wave(x: Floats) -> Floats:
    return 0.6 * np.sin(3 * x)


def _heavy(distribution: Distribution) -> Margins:
    """The distribution with the tails of a lognormal distribution at both ends."""
    return Margins(distribution, [lambda x: np.sinh(3 * x)], [lambda x: np.arcsinh(x) / 3])


def _weak_curves() -> dict[str, Distribution]:
    """A response to one driver."""
    return {
        "quadratic D=2": _curve(_quadratic),
        "quadratic, heavy tails D=2": _heavy(_curve(_quadratic)),
        "cosine D=2": _curve(lambda x: 0.68 * np.cos(2 * x)),
        "fast sine D=2": _curve(lambda x: 0.84 * np.sin(6 * x)),
        "two waves D=2": _curve(lambda x: 0.52 * (np.sin(2 * x) + np.cos(5 * x))),
        "threshold D=2": _curve(lambda x: 0.89 * (x > 1)),
        "saturation D=2": _curve(lambda x: 0.66 * np.tanh(4 * x)),
        "spread grows D=2": _curve(lambda x: 0.0, lambda x: 1 + 0.54 * np.tanh(x)),
        "spread at both ends D=2": _curve(lambda x: 0.0, lambda x: np.sqrt(1 + x**2)),
        "spread and mean D=2": _curve(lambda x: 0.2 * x, lambda x: np.sqrt(1 + x**2 / 3)),
        "one end D=2": _curve(lambda x: 0.81 * np.maximum(x, 0)),
        "both tails D=2": _curve(lambda x: 0.92 * np.sign(x) * np.maximum(np.abs(x) - 1, 0)),
    }


def _weak_interactions() -> dict[str, Distribution]:
    """A response to what two or three drivers do together, and two or three to one driver."""
    return {
        "product D=3": Driven(2, [lambda x, z: 0.47 * x * z], [_constant]),
        "product, heavy tails D=3": _heavy(Driven(2, [lambda x, z: 0.35 * x * z], [_constant])),
        "sum and product D=3": Driven(2, [lambda x, z: 0.3 * x + 0.5 * x * z], [_constant]),
        "product of signs D=3": Driven(2, [lambda x, z: 0.42 * np.sign(x * z)], [_constant]),
        "product of three signs D=4": Driven(3, [lambda x, z, w: 0.59 * np.sign(x * z * w)], [_constant]),
        "switch D=3": Driven(2, [lambda x, z: 0.59 * x * (z > 0)], [_constant]),
        "sine of a sum D=3": Driven(2, [lambda x, z: 0.74 * np.sin(2 * (x + z))], [_constant]),
        "noise by another D=3": Driven(2, [lambda x, z: 0.3 * x], [lambda x, z: 1 + 0.5 * np.tanh(2 * z)]),
        "common driver D=4": Driven(1, [_quadratic, _wave, lambda x: 0.5 * (x > 0)], [_constant] * 3),
    }


def _weak_copulas() -> dict[str, Distribution]:
    """Copulas, some of them upside down, and t distributions that do not correlate."""
    upside_down: list[Map] = [np.negative, unchanged]
    return {
        "Clayton D=2": Clayton(2, 0.4),
        "Clayton, one upside down D=3": Margins(Clayton(3, 0.3), upside_down, upside_down),
        "Gumbel D=2": Gumbel(2, 1.2),
        "Gumbel D=5": Gumbel(5, 1.1),
        "Frank D=2": Frank(2, 1.5),
        "Frank D=6": Frank(6, 0.7),
        "t nu=3 D=2": StudentT(np.eye(2), 3),
        "t nu=6 D=4": StudentT(np.eye(4), 6),
        "t nu=20 D=10": StudentT(np.eye(10), 20),
    }


def _regimes(share: float, shift: float, correlations: tuple[float, float]) -> GaussianMixture:
    """Two regimes of correlated pairs, the second of this share, their means at (-shift, -shift) and (shift, shift)."""
    covariances = np.array([[[1, rho], [rho, 1]] for rho in correlations])
    return GaussianMixture(np.array([1 - share, share]), shift * np.array([[-1, -1], [1, 1]]), covariances)


def _noisy_places(places: Floats, weight: Floats) -> GaussianMixture:
    """Places (feature, place) of these weights, plus independent normal noise."""
    count = len(weight)
    return GaussianMixture(weight / weight.sum(), places.T, np.tile(np.eye(len(places)), (count, 1, 1)))


def _weak_mixtures() -> dict[str, Distribution]:
    """Regimes, groups, a wide ring, and a bent factor that is not among the features."""
    z, weight = np.polynomial.hermite_e.hermegauss(24)
    corners, bent = np.array([[-1, 1, 0], [-1, -1, 2]]), np.stack([0.6 * z, _quadratic(z)])
    loadings = np.array([[1, 0], [1, 1], [0, 1], [1, -1], [2 / 3, 0]])
    return {
        "opposite slopes D=2": _regimes(0.5, 0, (0.7, -0.7)),
        "rare regime D=2": _regimes(0.2, 0, (0, 0.95)),
        "two groups against their slope D=2": _regimes(0.5, 0.8, (-0.57, -0.57)),
        "wide ring D=2": GaussianMixture.ring(16, radius=1, width=0.38),
        "three faint groups D=4": _noisy_places(0.4 * loadings[:4] @ corners, np.ones(3)),
        "hidden driver D=5": _noisy_places(loadings @ bent, weight),
        "hidden driver D=10": _noisy_places(np.tile(0.6 * loadings, (2, 1)) @ bent, weight),
    }


def _weak_among_many() -> dict[str, Distribution]:
    """One or two pairs among features that say nothing, and a little of everything."""
    pair = Normal(np.array([[1, 0.4], [0.4, 1]]))
    return {
        "normal pair D=10": _among(8, pair),
        "even correlation D=8": Normal(0.9 * np.eye(8) + 0.1),
        "quadratic D=5": _among(3, _curve(_quadratic)),
        "quadratic and wave D=8": _among(4, _curve(_quadratic), _curve(_wave)),
        "wave, heavy tails D=10": _heavy(_among(8, _curve(_wave))),
        "product D=6": _among(3, Driven(2, [lambda x, z: 0.47 * x * z], [_constant])),
        "Clayton and normal pair D=6": _among(2, Clayton(2, 0.3), pair),
    }
