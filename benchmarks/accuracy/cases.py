"""The distributions that T and I are measured on, by name: `total_correlation_cases` and `mutual_information_cases`."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from xrbig.distributions import (
    Chain,
    Clayton,
    Distribution,
    Frank,
    Funnel,
    GaussianMixture,
    GroupMaps,
    Gumbel,
    Independent,
    Interleaved,
    LinearMixture,
    Map,
    Margins,
    NoisyCircle,
    Normal,
    Product,
    Regression,
    Ring,
    StudentT,
    random_matrix,
)

Floats = NDArray[np.float64]


class Case(NamedTuple):
    """A distribution, and for I the size of its first group."""

    distribution: Distribution
    split: int | None = None

    def truth(self) -> float:
        """T, or I where there is a split, in nats."""
        if self.split is None:
            return self.distribution.total_correlation()
        return self.distribution.mutual_information(self.split)


def cauchy(x: Floats) -> Floats:
    """Cauchy margins of normal ones."""
    return np.tan(np.pi * (ndtr(x) - 0.5))


def bimodal(x: Floats) -> Floats:
    """Two narrow modes of normal margins, with nothing between them."""
    return np.asarray(x / 10 + np.sign(x))


def bump(x: Floats) -> Floats:
    """As x^2 around 0, and bounded."""
    return np.asarray(x**2 / (1 + x**2 / 4) - 1)


def sine(x: Floats) -> Floats:
    """Just below one and a half waves within two standard deviations."""
    return np.sin(3 * x)


def autoregressive(features: int, rho: float = 0.7) -> Floats:
    """Correlation rho^|i - j|."""
    return np.asarray(rho ** np.abs(np.subtract.outer(np.arange(features), np.arange(features))))


def normal(features: int, rho: float = 0.7) -> Normal:
    """Normal features of autoregressive correlation."""
    return Normal(autoregressive(features, rho))


def cross() -> GaussianMixture:
    """Two normal components of opposite correlation."""
    scales = np.array([[[1, rho], [rho, 1]] for rho in (0.9, -0.9)])
    return GaussianMixture(np.full(2, 0.5), np.zeros((2, 2)), scales)


def outliers(features: int) -> GaussianMixture:
    """Nine in ten samples from a normal, one from another four times as wide."""
    scales = np.stack([np.eye(features), 16 * np.eye(features)])
    return GaussianMixture(np.array([0.9, 0.1]), np.zeros((2, features)), scales)


def spiral() -> GaussianMixture:
    """Two turns."""
    return GaussianMixture.spiral(turns=2, width=0.15)


def clusters() -> GaussianMixture:
    """Four clusters in the plane, of different shapes."""
    return GaussianMixture.random(2, components=4, distance=2, seed=3)


def mixed(group: int, seed: int, parts: Sequence[Distribution]) -> GroupMaps:
    """Independent pairs, the first features in one group and the second in another, both mixed linearly."""
    first, second = (random_matrix(group, seed=2 * seed + k) for k in range(2))
    return GroupMaps(Interleaved(parts), group, lambda x: first @ x, lambda x: second @ x)


def pairs(count: int) -> list[Distribution]:
    """Pairs that hardly correlate."""
    kinds: list[Distribution] = [
        Regression(np.square, 1.0),
        Regression(sine, 0.4),
        Ring(2, 1, 0.15),
        cross(),
        GaussianMixture.ring(6, 1, 0.2),
    ]
    return kinds[:count]


def plus_noise(features: int, noise: float) -> Normal:
    """Independent standard normal features, and at last the first of them plus noise."""
    matrix = np.eye(features + 1)
    matrix[-1, 0], matrix[-1, -1] = 1, noise
    return Normal(matrix @ matrix.T)


def singular() -> dict[str, Case]:
    """I of groups that lie on a curve or plane, or hold the same twice: their own T is infinite."""
    single = plus_noise(1, 0.5)
    maps = {
        "parabola (a, a^2) | a + noise": GroupMaps(single, 1, lambda a: np.concatenate([a, a**2])),
        "circle | noisy circle": GroupMaps(NoisyCircle(0.3), 1, lambda t: np.concatenate([np.cos(t), np.sin(t)])),
        "sum (a, b, a + b) | a + noise": GroupMaps(
            plus_noise(2, 0.5), 2, lambda x: np.concatenate([x, x.sum(axis=0, keepdims=True)])
        ),
        "same twice (a, exp a) | a + noise": GroupMaps(single, 1, lambda a: np.concatenate([a, np.exp(a)])),
    }
    return {name: Case(groups, groups.split) for name, groups in maps.items()}


def total_correlation_cases() -> dict[str, Case]:
    """Cases of T."""
    return {name: Case(distribution) for name, distribution in (families() | shapes()).items()}


def families() -> dict[str, Distribution]:
    """Normal and t distributions, copulas, and independent features of all kinds."""
    margins: dict[str, Map] = {"Cauchy": cauchy, "lognormal": np.exp, "bimodal": bimodal}
    return {
        **{f"normal D={d}": normal(d) for d in (2, 5, 10, 20, 50)},
        **{
            f"normal, {name} margins D={d}": Margins(normal(d), [margin])
            for name, margin in margins.items()
            for d in (3, 10)
        },
        **{f"Clayton D={d}": Clayton(d, 2) for d in (2, 5, 10)},
        **{f"Gumbel D={d}": Gumbel(d, 2) for d in (2, 5, 10)},
        **{f"Frank D={d}": Frank(d, 5) for d in (2, 5, 10)},
        "t nu=1 D=2": StudentT(np.eye(2), 1),
        "t nu=2 D=5": StudentT(np.eye(5), 2),
        "t nu=8 D=10": StudentT(autoregressive(10, 0.5), 8),
        "t nu=4 D=20": StudentT(autoregressive(20, 0.5), 4),
        "independent normal D=2": Normal(np.eye(2)),
        "independent Cauchy D=10": Margins(Normal(np.eye(10)), [cauchy]),
        "independent lognormal D=20": Margins(Normal(np.eye(20)), [np.exp]),
        "independent uniform D=50": Margins(Normal(np.eye(50)), [ndtr]),
    }


def shapes() -> dict[str, Distribution]:
    """Clusters, sources, rings, funnels and functions with noise."""
    return {
        "four clusters D=2": clusters(),
        "cross D=2": cross(),
        "three clusters D=5": GaussianMixture.random(5, components=3, distance=2, seed=5),
        "three clusters D=10": GaussianMixture.random(10, components=3, distance=2, seed=10),
        "outliers D=10": outliers(10),
        **{f"mixed uniform D={d}": LinearMixture(random_matrix(d, seed=d), "uniform") for d in (2, 5, 10)},
        **{f"mixed Laplace D={d}": LinearMixture(random_matrix(d, seed=d), "laplace") for d in (2, 10, 20)},
        "ring D=2": Ring(2, 1, 0.1),
        "shell D=3": Ring(3, 1, 0.1),
        "ring of clusters D=2": GaussianMixture.ring(8, 1, 0.1),
        "spiral D=2": spiral(),
        "ring and normals D=5": Independent([Ring(2, 1, 0.1), Normal(np.eye(3))]),
        "two rings D=4": Independent([Ring(2, 1, 0.1), Ring(2, 1, 0.15)]),
        **{f"funnel D={d}": Funnel(d, 1.5) for d in (2, 5, 10)},
        "quadratic D=2": Regression(np.square, 0.5),
        "sine D=2": Regression(sine, 0.3),
        **{f"chain D={d}": Chain(d, bump, 0.4) for d in (5, 10)},
        "product D=3": Product(0.3),
    }


def mutual_information_cases() -> dict[str, Case]:
    """Cases of I."""
    halves: dict[str, Distribution] = {
        **{f"normal {d}+{d}": normal(2 * d) for d in (1, 5, 10, 25)},
        **{f"t nu=3 {d}+{d}": StudentT(np.eye(2 * d), 3) for d in (1, 2, 5, 10)},
        "Clayton 1+1": Clayton(2, 2),
        "Clayton 5+5": Clayton(10, 2),
        "Gumbel 1+1": Gumbel(2, 2),
        "Frank 1+1": Frank(2, 5),
        "Frank 5+5": Frank(10, 5),
        "cross 1+1": cross(),
        "three clusters 5+5": GaussianMixture.random(10, components=3, distance=2, seed=10),
        "ring 1+1": Ring(2, 1, 0.1),
        "spiral 1+1": spiral(),
        "quadratic 1+1": Regression(np.square, 0.5),
        "sine 1+1": Regression(sine, 0.3),
        "mixed uniform 1+1": LinearMixture(random_matrix(2, seed=2), "uniform"),
        "mixed nonlinear pairs 2+2": mixed(2, 0, pairs(2)),
        "mixed nonlinear pairs 5+5": mixed(5, 1, pairs(5)),
        "normal, Cauchy and bimodal margins 5+5": Margins(normal(10), [cauchy, bimodal]),
        "independent rings 2+2": Independent([Ring(2, 1, 0.1), Ring(2, 1, 0.15)]),
        "independent clusters 3+3": Independent([GaussianMixture.random(3, 3, 2, seed) for seed in (1, 2)]),
        "independent t and Clayton 5+5": Independent([StudentT(np.eye(5), 2), Clayton(5, 2)]),
        "independent normal 25+25": Independent([normal(25), normal(25)]),
    }
    even = {name: Case(distribution, distribution.features // 2) for name, distribution in halves.items()}
    return even | uneven() | singular()


def uneven() -> dict[str, Case]:
    """I of groups of different size."""
    return {
        "normal 2+3": Case(normal(5), 2),
        "Clayton 2+3": Case(Clayton(5, 2), 2),
        "Gumbel 2+3": Case(Gumbel(5, 2), 2),
        "three clusters 2+3": Case(GaussianMixture.random(5, components=3, distance=2, seed=5), 2),
        "funnel 1+4": Case(Funnel(5, 1.5), 1),
        "funnel 3+2": Case(Funnel(5, 1.5), 3),
        "product 2+1": Case(Product(0.3), 2),
        "chain 2+3": Case(Chain(5, bump, 0.4), 2),
    }
