"""Distributions whose total correlation and mutual information are known, for tests, benchmarks and docs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, psi

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Elliptical(ABC):
    """A distribution of mean 0 whose groups of features belong to the same family.

    Parameters
    ----------
    scale : array (feature, feature)
        Scale matrix, symmetric and positive definite.
    """

    scale: Floats

    @abstractmethod
    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples, (feature, sample)."""

    @abstractmethod
    def entropy(self, features: slice = slice(None)) -> float:
        """Entropy of a range of features, in nats."""

    @abstractmethod
    def log_density(self, x: Floats, features: slice = slice(None)) -> Floats:
        """Log-density of a range of the features of `x` (feature, sample), per sample."""

    def total_correlation(self) -> float:
        """T of the features, in nats."""
        return sum(map(self.entropy, self._margins())) - self.entropy()

    def mutual_information(self, split: int) -> float:
        """I between the first `split` features and the others, in nats."""
        return self.entropy(slice(split)) + self.entropy(slice(split, None)) - self.entropy()

    def oracle(self, x: Floats) -> Floats:
        """Log of p(x) / prod p(x_d) per sample: its mean is the best that the samples `x` can tell of T."""
        return self.log_density(x) - sum(self.log_density(x, margin) for margin in self._margins())

    def _margins(self) -> list[slice]:
        return [slice(d, d + 1) for d in range(len(self.scale))]

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

    def entropy(self, features: slice = slice(None)) -> float:
        """Entropy of a range of features, in nats."""
        d = len(self.scale[features])
        return d * (1 + float(np.log(2 * np.pi))) / 2 + self._log_det(features) / 2

    def log_density(self, x: Floats, features: slice = slice(None)) -> Floats:
        """Log-density of a range of the features of `x` (feature, sample), per sample."""
        log_det, square = self._log_det_and_square(x, features)
        return np.asarray(-(len(x[features]) * np.log(2 * np.pi) + log_det + square) / 2)


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

    def entropy(self, features: slice = slice(None)) -> float:
        """Entropy of a range of features, in nats."""
        d = len(self.scale[features])
        half = (self.nu + d) / 2
        return float(half * (psi(half) - psi(self.nu / 2)) - self._log_norm(d, self._log_det(features)))

    def log_density(self, x: Floats, features: slice = slice(None)) -> Floats:
        """Log-density of a range of the features of `x` (feature, sample), per sample."""
        d = len(x[features])
        log_det, square = self._log_det_and_square(x, features)
        return self._log_norm(d, log_det) - (self.nu + d) / 2 * np.log1p(square / self.nu)

    def _log_norm(self, d: int, log_det: float) -> float:
        gammas = gammaln((self.nu + d) / 2) - gammaln(self.nu / 2)
        return float(gammas - (d * np.log(self.nu * np.pi) + log_det) / 2)
