from functools import partial
from itertools import product

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy.linalg import block_diag
from scipy.special import digamma, entr, gammaln, ndtr
from scipy.stats import kendalltau, kstest, multivariate_normal, norm

from tests.conftest import ar, bump
from xrbig.distributions import (
    Chain,
    Clayton,
    Driven,
    Frank,
    Funnel,
    GaussianMixture,
    GroupMaps,
    Gumbel,
    Independent,
    Interleaved,
    LinearMixture,
    Margins,
    NoisyCircle,
    Normal,
    Product,
    Regression,
    Ring,
    StudentT,
    random_matrix,
    weak_kinds,
)


def cross(rho=0.9):
    return GaussianMixture(np.array([0.3, 0.7]), np.zeros((2, 2)), np.stack([ar(2, rho), ar(2, -rho)]))


def unit(*_):
    return 1.0


def product_of_signs(*x):
    return np.prod(np.sign(x), axis=0)


EXPLICIT = {
    "normal": Normal(ar(4, 0.7)),
    "t": StudentT(ar(4, 0.5), 4),
    **{f"Clayton {theta}": Clayton(4, theta) for theta in (0.3, 2, 5)},
    **{f"Gumbel {theta}": Gumbel(4, theta) for theta in (1.2, 2, 5)},
    **{f"Frank {theta}": Frank(4, theta) for theta in (0.5, 5, 15)},
    "mixture": GaussianMixture.random(4, components=3, distance=1.5, seed=0),
    "ring of clusters": GaussianMixture.ring(8, radius=1, width=0.2),
    "spiral": GaussianMixture.spiral(turns=1, width=0.2, components=40),
    "ring": Ring(2, 1, 0.1),
    "shell": Ring(4, 2, 0.3),
    "uniform sources": LinearMixture(random_matrix(2, 0), "uniform"),
    "Laplace sources": LinearMixture(random_matrix(2, 0), "laplace"),
    "funnel": Funnel(4, 1.5),
    "chain": Chain(4, bump, 0.4),
    "regression": Regression(np.square, 0.5),
    "driven": Driven(1, [lambda x: 0.5 * x**2], [lambda x: np.sqrt(0.5 + x**2 / 4)]),
}
SINGULAR = GroupMaps(NoisyCircle(0.3), 1, lambda t: np.concatenate([np.cos(t), np.sin(t)]))
EVERY = EXPLICIT | {
    "many sources": LinearMixture(random_matrix(7, 0), "laplace"),
    "product": Product(0.3),
    "two driven by two": Driven(
        2, [lambda x, z: x * (z > 0), product_of_signs], [unit, lambda _, z: 1 + np.tanh(z) / 2]
    ),
    "noisy circle": NoisyCircle(0.3),
    "independent": Independent([Normal(ar(2, 0.7)), Clayton(3, 2)]),
    "interleaved": Interleaved([Normal(ar(2, 0.7)), Clayton(4, 2)]),
    "margins": Margins(Normal(ar(3, 0.7)), [np.exp, ndtr]),
    "margins and inverses": Margins(Normal(ar(3, 0.7)), [np.exp, np.sinh], [np.log, np.arcsinh]),
    "singular": SINGULAR,
}
ORACLE = {name: d for name, d in EVERY.items() if name not in ("interleaved", "margins", "singular")}
RANGES = [slice(None), slice(1), slice(1, 2), slice(2), slice(2, None)]


def assert_mean(values, expected):
    """The mean of `values` is the expected one within four standard errors, which are small enough to tell."""
    error = values.std() / np.sqrt(len(values))
    assert error < 0.02
    assert abs(values.mean() - expected) < 4 * error + 1e-9


@pytest.mark.parametrize("distribution", EVERY.values(), ids=EVERY)
def test_samples_are_those_of_the_seed(distribution):
    x = distribution.sample(50, seed=3)
    assert x.shape == (distribution.features, 50)
    assert np.isfinite(x).all()
    np.testing.assert_array_equal(distribution.sample(50, seed=3), x)
    assert not np.isin(distribution.sample(50, seed=4), x).any()


@pytest.mark.parametrize("distribution", ORACLE.values(), ids=ORACLE)
def test_t_is_the_mean_of_the_oracle(distribution):
    assert_mean(distribution.oracle(distribution.sample(40_000, seed=0)), distribution.total_correlation())


@pytest.mark.parametrize("distribution", EXPLICIT.values(), ids=EXPLICIT)
def test_entropy_is_the_mean_of_the_density(distribution):
    x = distribution.sample(20_000, seed=1)
    for features in RANGES[: 5 if distribution.features > 2 else 3]:
        assert_mean(-distribution.log_density(x, features), distribution.entropy(features))


@pytest.mark.parametrize("distribution", EXPLICIT.values(), ids=EXPLICIT)
def test_densities_of_single_features_are_those_of_the_samples(distribution):
    places = np.sort(distribution.sample(20_000, seed=2), axis=1)
    for d, x in enumerate(places):
        grid = np.linspace(x[200], x[-200], 20_001)
        density = np.exp(distribution.log_density(np.tile(grid, (distribution.features, 1)), slice(d, d + 1)))
        share = np.sum((density[1:] + density[:-1]) / 2) * (grid[1] - grid[0])
        below = np.cumsum(density) / density.sum()
        assert share == pytest.approx(0.98, abs=0.005)
        assert kstest(x[201:-200], lambda v, g=grid, b=below: np.interp(v, g, b)).pvalue > 1e-4


@pytest.mark.parametrize("split", [1, 2, 3])
@pytest.mark.parametrize(
    "distribution", [d for d in EXPLICIT.values() if d.features == 4], ids=lambda d: type(d).__name__
)
def test_i_is_the_mean_of_the_ratio_of_densities(distribution, split):
    x = distribution.sample(20_000, seed=3)
    groups = distribution.log_density(x, slice(split)) + distribution.log_density(x, slice(split, None))
    assert_mean(distribution.log_density(x) - groups, distribution.mutual_information(split))


@pytest.mark.parametrize("distribution", [d for d in EVERY.values() if d.features == 2], ids=lambda d: type(d).__name__)
def test_i_of_two_features_is_their_t(distribution):
    assert distribution.mutual_information(1) == distribution.total_correlation()


def plane_integral(distribution, reach, places=801):
    """T by quadrature of the joint density alone, over a square."""
    axis, step = np.linspace(-reach, reach, places, retstep=True)
    x = np.stack(np.meshgrid(axis, axis, indexing="ij")).reshape(2, -1)
    mass = np.exp(distribution.log_density(x)).reshape(places, places) * step**2
    assert mass.sum() == pytest.approx(1, abs=2e-5)
    return float(sum(entr(mass.sum(axis=d)).sum() for d in (0, 1)) - entr(mass).sum())


@pytest.mark.parametrize(
    ("distribution", "reach", "tolerance"),
    [
        (cross(), 8, 1e-8),
        (EXPLICIT["ring of clusters"], 2.5, 1e-8),
        (EXPLICIT["spiral"], 2.7, 1e-8),
        (EXPLICIT["ring"], 1.8, 1e-8),
        (Regression(np.sin, 0.5), 7, 2e-5),
        (LinearMixture(random_matrix(2, 1), "laplace"), 14, 1e-4),
        (EXPLICIT["driven"], 17, 1e-5),
    ],
    ids=["cross", "clusters", "spiral", "ring", "regression", "sources", "driven"],
)
def test_t_is_the_integral_over_the_plane(distribution, reach, tolerance):
    assert distribution.total_correlation() == pytest.approx(plane_integral(distribution, reach), abs=tolerance)


ARCHIMEDEAN = [Clayton(2, 0.5), Clayton(2, 4), Gumbel(2, 1.5), Gumbel(2, 4), Frank(2, 2), Frank(2, 12)]


@pytest.mark.parametrize("copula", ARCHIMEDEAN, ids=str)
def test_t_of_a_copula_is_the_integral_over_the_square(copula):
    z, step = np.linspace(-8, 8, 1601, retstep=True)
    weight = np.outer(norm.pdf(z), norm.pdf(z)).ravel() * step**2
    log_density = copula.log_density(ndtr(np.stack(np.meshgrid(z, z)).reshape(2, -1)))
    assert np.sum(weight * np.exp(log_density)) == pytest.approx(1, abs=1e-3)
    expected = np.sum(weight * np.exp(log_density) * log_density)
    assert copula.total_correlation() == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("copula", [Clayton(2, 0.7), Gumbel(2, 3), Frank(2, 6)], ids=str)
def test_derivatives_of_the_generator_follow_from_each_other(copula):
    t, small = np.geomspace(0.05, 5, 9), 1e-5
    steps = [copula._generator(t * (1 + sign * small)) for sign in (1, -1)]
    np.testing.assert_allclose(np.exp(copula._log_derivative(t, 1)), (steps[1] - steps[0]) / (2 * t * small), rtol=1e-7)
    for order in range(1, 12):
        above, below = (np.exp(copula._log_derivative(t * (1 + sign * small), order)) for sign in (1, -1))
        slope = (below - above) / (2 * t * small)
        np.testing.assert_allclose(np.exp(copula._log_derivative(t, order + 1)), slope, rtol=1e-7)
    np.testing.assert_allclose(copula._inverse(copula._generator(t)), t, rtol=1e-12)


def clayton_t(features, theta):
    """T by the beta distribution of t / (1 + t)."""

    def mean(order):
        logs = np.log(1 / theta + np.arange(order)).sum()
        return logs - (1 / theta + order) * (digamma(1 / theta + order) - digamma(1 / theta))

    return mean(features) - features * mean(1)


@pytest.mark.parametrize("features", [2, 5, 10, 20])
@pytest.mark.parametrize("theta", [0.01, 2, 10])
def test_clayton_has_a_closed_form(features, theta):
    assert Clayton(features, theta).total_correlation() == pytest.approx(clayton_t(features, theta), abs=1e-9)


def debye(theta):
    x = (np.arange(10_000) + 0.5) / 10_000 * theta
    return np.mean(x / np.expm1(x))


@pytest.mark.parametrize(
    ("copula", "tau"),
    [(Clayton(2, 2), 0.5), (Gumbel(2, 3), 2 / 3), (Frank(2, 5), 1 - 4 / 5 * (1 - debye(5)))],
    ids=["Clayton", "Gumbel", "Frank"],
)
def test_kendall_tau_and_margins_of_copulas(copula, tau):
    x = copula.sample(20_000, seed=0)
    assert kendalltau(*x).statistic == pytest.approx(tau, abs=0.015)
    assert min(kstest(margin, "uniform").pvalue for margin in x) > 1e-3


@pytest.mark.parametrize("weak", [Clayton(5, 1e-3), Gumbel(5, 1.001), Frank(5, 1e-2), Funnel(5, 0.01)], ids=str)
def test_weak_dependence_is_almost_none(weak):
    assert 0 < weak.total_correlation() < 1e-3


def test_a_mixture_of_one_component_is_normal():
    scale = ar(3, 0.6)
    one = GaussianMixture(np.ones(1), np.zeros((1, 3)), scale[None])
    x = one.sample(10, seed=0)
    assert one.total_correlation() == pytest.approx(Normal(scale).total_correlation(), abs=1e-12)
    np.testing.assert_allclose(one.log_density(x), Normal(scale).log_density(x))


def test_clusters_far_apart_share_which_one_it_is():
    means = 100 * np.arange(3)[:, None] * np.ones(5)
    weights = np.array([0.2, 0.3, 0.5])
    far = GaussianMixture(weights, means, np.tile(np.eye(5), (3, 1, 1)))
    which = -np.sum(weights * np.log(weights))
    assert far.total_correlation() == pytest.approx(4 * which, abs=1e-12)
    assert far.mutual_information(2) == pytest.approx(which, abs=1e-12)


def test_the_density_of_a_mixture_is_the_sum_of_those_of_its_components():
    mixture = cross()
    x = np.random.default_rng(0).standard_normal((2, 5000))
    terms = [w * multivariate_normal(cov=s).pdf(x.T) for w, s in zip(mixture.weights, mixture.covariances, strict=True)]
    np.testing.assert_allclose(mixture.log_density(x), np.log(np.sum(terms, axis=0)))


@pytest.mark.parametrize("copies", [2, 3])
def test_a_mixture_of_independent_pairs_has_the_sum_of_their_entropies(copies):
    pair = cross()
    picks = list(product((0, 1), repeat=copies))
    weights = np.array([pair.weights[list(pick)].prod() for pick in picks])
    covariances = np.stack([block_diag(*pair.covariances[list(pick)]) for pick in picks])
    pairs = GaussianMixture(weights, np.zeros((len(picks), 2 * copies)), covariances)
    assert pairs.entropy() == pytest.approx(copies * pair.entropy(), abs=1e-3)
    assert pairs.mutual_information(2) == pytest.approx(0, abs=1e-3)


def test_components_of_one_covariance_whose_means_lie_in_a_plane():
    pair = GaussianMixture.ring(5, radius=2, width=1)
    matrix = random_matrix(4, 0)
    means = np.concatenate([pair.means, np.ones((5, 2))], axis=1) @ matrix.T
    plane = GaussianMixture(pair.weights, means, np.tile(matrix @ matrix.T, (5, 1, 1)))
    expected = pair.entropy() + 2 * norm.entropy() + np.linalg.slogdet(matrix)[1]
    assert plane.entropy() == pytest.approx(expected, abs=1e-9)


def test_components_of_one_covariance_whose_means_lie_in_no_plane():
    corners = 2.0 * np.array(list(product((-1, 1), repeat=3)))
    cube = GaussianMixture(np.full(8, 1 / 8), corners, np.tile(np.eye(3), (8, 1, 1)))
    single = GaussianMixture(np.full(2, 0.5), np.array([[-2.0], [2.0]]), np.ones((2, 1, 1)))
    assert cube.entropy() == pytest.approx(3 * single.entropy(), abs=1e-3)


def test_the_spiral_is_even_along_its_length():
    gaps = np.linalg.norm(np.diff(GaussianMixture.spiral(turns=2, width=0.1).means, axis=0), axis=1)
    assert gaps.max() < 0.05
    assert gaps.max() < 1.02 * gaps.min()


def test_the_joint_entropy_of_a_shell():
    z, weight = hermegauss(20)
    log_radius = np.sum(weight * np.log(2 + 0.2 * z)) / weight.sum()
    surface = np.log(2) + 2.5 * np.log(np.pi) - gammaln(2.5)
    expected = surface + 4 * log_radius + norm(scale=0.2).entropy()
    assert Ring(5, 2, 0.2).entropy() == pytest.approx(expected, abs=1e-10)


def test_shadows_of_thin_shells():
    def thin(features, shadow):
        halves = (Ring(features, 1, width).entropy(slice(shadow)) for width in (0.02, 0.01))
        return np.dot([-1, 2], list(halves))  # what is left of the width is of second order

    assert thin(3, 1) == pytest.approx(np.log(2), abs=5e-4)  # uniform: Archimedes
    assert thin(4, 2) == pytest.approx(np.log(np.pi), abs=5e-4)  # uniform on the disk


def test_two_uniform_or_laplace_sources_at_45_degrees():
    rotation = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
    x, step = np.linspace(-40, 40, 400_001, retstep=True)
    density = (1 + 2 * np.abs(x)) * np.exp(-2 * np.abs(x)) / 2
    laplace = -2 * np.sum(density * np.log(density)) * step - 2 - np.log(2)
    assert LinearMixture(rotation, "uniform").total_correlation() == pytest.approx(1 - np.log(2), abs=1e-5)
    assert LinearMixture(rotation, "laplace").total_correlation() == pytest.approx(laplace, abs=1e-5)


@pytest.mark.parametrize("source", ["uniform", "laplace"])
def test_unmixed_sources_are_independent(source):
    assert LinearMixture(np.diag([1.0, 3.0]), source).total_correlation() == pytest.approx(0, abs=5e-4)


def test_the_density_of_the_funnel_is_a_mean_over_its_neck():
    v, weight = hermegauss(100)
    x = np.random.default_rng(0).standard_normal((4, 50))
    density = norm.pdf(x[1:, None], scale=np.exp(v[:, None] / 2)).prod(axis=0)
    expected = np.log(weight @ density / weight.sum())
    np.testing.assert_allclose(Funnel(4, 1.0).log_density(x, slice(1, None)), expected, rtol=1e-4)


@pytest.mark.parametrize("features", [2, 5])
def test_a_linear_chain_is_normal(features):
    slope, noise = 0.8, 0.6
    steps = np.eye(features)
    for d in range(1, features):
        steps[d] = slope * steps[d - 1] + noise * np.eye(features)[d] * (d > 0)
    normal = Normal(steps @ steps.T)
    chain = Chain(features, lambda x: slope * x, noise)
    assert chain.total_correlation() == pytest.approx(normal.total_correlation(), abs=1e-4)
    for split in range(1, features):
        assert chain.mutual_information(split) == pytest.approx(normal.mutual_information(split), abs=1e-4)


def test_a_regression_is_a_chain_of_two():
    assert Regression(bump, 0.4).mutual_information(1) == Chain(5, bump, 0.4).mutual_information(1)


@pytest.mark.parametrize("drivers", [1, 2, 3])
def test_a_linear_response_is_normal(drivers):
    slopes = np.arange(1, drivers + 1) / 4
    driven = Driven(drivers, [lambda *x: slopes @ x], [lambda *_: 2.0])
    assert driven.total_correlation() == pytest.approx(np.log1p(slopes @ slopes / 4) / 2, abs=1e-9)
    assert driven.mutual_information(drivers) == driven.total_correlation()


def test_a_response_to_a_product():
    assert Driven(2, [np.multiply], [unit]).total_correlation() == pytest.approx(
        Product(1).total_correlation(), abs=1e-6
    )


@pytest.mark.parametrize("drivers", [1, 2, 3])
def test_a_response_to_signs_is_a_mixture_of_two(drivers):
    two = GaussianMixture(np.full(2, 0.5), np.array([[1.0], [-1.0]]), np.ones((2, 1, 1)))
    driven = Driven(drivers, [product_of_signs], [unit])
    assert driven.total_correlation() == pytest.approx(two.entropy() - norm.entropy(), abs=1e-7)


@pytest.mark.parametrize(("drivers", "jump"), [(1, 1.25), (2, 1.0), (3, 0.0)])
def test_a_jump_at_a_break_is_exact(drivers, jump):
    two = GaussianMixture(norm.cdf([jump, -jump]), np.array([[0.0], [0.8]]), np.ones((2, 1, 1)))
    driven = Driven(drivers, [lambda *x: 0.8 * (x[-1] > jump)], [unit])
    assert driven.total_correlation() == pytest.approx(two.entropy() - norm.entropy(), abs=1e-7)


def test_a_response_of_two_spreads():
    scales = np.array([0.5, 2.0])
    two = GaussianMixture(np.full(2, 0.5), np.zeros((2, 1)), scales[:, None, None] ** 2)
    driven = Driven(1, [lambda x: 0.0], [lambda x: np.where(x > 0, 2.0, 0.5)])
    assert driven.total_correlation() == pytest.approx(two.entropy() - norm(scale=scales).entropy().mean(), abs=1e-7)


def test_the_density_of_a_response_is_a_mean_over_its_driver():
    x, weight = hermegauss(150)
    y = np.linspace(-2, 6, 50)
    expected = np.log(weight @ norm.pdf(y, 0.5 * x[:, None] ** 2, np.sqrt(0.5 + x[:, None] ** 2 / 4)) / weight.sum())
    log_density = EXPLICIT["driven"].log_density(np.stack([y, y]), slice(1, 2))
    np.testing.assert_allclose(log_density, expected, atol=1e-5)


def test_responses_to_one_driver_are_independent_given_it():
    functions = [np.square, np.sin, np.sign]
    each = [Driven(1, [function], [unit]).total_correlation() for function in functions]
    driven = Driven(1, functions, [unit] * 3)
    assert driven.total_correlation() == pytest.approx(sum(each), abs=1e-12)


def test_both_factors_tell_more_of_a_product_than_one():
    xyz = Product(0.3)
    x, y, z = xyz.sample(40_000, seed=5)
    ratio = norm.logpdf(z, x * y, 0.3) - norm.logpdf(z, 0, np.hypot(y, 0.3))
    assert_mean(ratio, xyz.mutual_information(1))
    assert xyz.mutual_information(2) == xyz.total_correlation()


def test_i_of_the_noisy_circle_by_a_mean_over_angles():
    circle = NoisyCircle(0.3)
    t, x, y = circle.sample(20_000, seed=6)
    angles = 2 * np.pi * np.arange(128) / 128

    def density(angle):
        return norm.pdf(x, np.cos(angle), 0.3) * norm.pdf(y, np.sin(angle), 0.3)

    assert_mean(np.log(density(t) / np.mean([density(a) for a in angles], axis=0)), circle.mutual_information(1))
    assert_mean(
        np.log(norm.pdf(y, np.sin(t), 0.3) / np.mean([norm.pdf(y, np.sin(a), 0.3) for a in angles], axis=0)),
        circle.mutual_information(2),
    )


def test_independent_parts():
    t, pair = StudentT(np.eye(3), 3), Normal(ar(2, 0.6))
    parts = Independent([pair, t, pair])
    assert parts.total_correlation() == pytest.approx(2 * pair.total_correlation() + t.total_correlation())
    expected = [pair.mutual_information(1), 0, t.mutual_information(1), t.mutual_information(2), 0]
    assert [parts.mutual_information(split) for split in range(1, 6)] == expected
    x = parts.sample(2000, seed=0)
    assert np.corrcoef(x[:2])[0, 1] > 0.5
    assert np.abs(np.corrcoef(x)[:2, 5:]).max() < 0.1


def test_interleaved_parts():
    pair, four = Normal(ar(2, 0.6)), Normal(ar(4, 0.9))
    both = Interleaved([pair, four])
    assert (both.features, both.split) == (6, 3)
    assert both.mutual_information(3) == pair.mutual_information(1) + four.mutual_information(2)
    assert both.total_correlation() == pair.total_correlation() + four.total_correlation()
    expected = np.zeros((6, 6))
    for features, part in (([0, 3], pair), ([1, 2, 4, 5], four)):
        expected[np.ix_(features, features)] = part.scale
    np.testing.assert_allclose(np.corrcoef(both.sample(20_000, seed=0)), expected, atol=0.03)


def test_margins_change_neither_t_nor_i():
    normal = Normal(ar(5, 0.7))
    bent = Margins(normal, [np.exp, ndtr])
    assert bent.total_correlation() == normal.total_correlation()
    assert bent.mutual_information(2) == normal.mutual_information(2)
    x, y = normal.sample(20, seed=0), bent.sample(20, seed=0)
    np.testing.assert_array_equal(y[::2], np.exp(x[::2]))
    np.testing.assert_array_equal(y[1::2], ndtr(x[1::2]))


def test_i_of_mapped_groups():
    normal = Normal(ar(5, 0.7))
    matrix = random_matrix(2, 0)
    mapped = GroupMaps(normal, 2, partial(np.matmul, matrix), lambda y: np.concatenate([y, y[:1] ** 2]))
    assert (mapped.features, mapped.split) == (6, 2)
    assert mapped.mutual_information(2) == normal.mutual_information(2)
    x, y = normal.sample(20, seed=0), mapped.sample(20, seed=0)
    np.testing.assert_allclose(y, np.concatenate([matrix @ x[:2], x[2:], x[2:3] ** 2]))


def test_i_of_singular_groups_stays_finite():
    assert (SINGULAR.features, SINGULAR.split) == (4, 2)
    assert SINGULAR.mutual_information(2) == NoisyCircle(0.3).mutual_information(1)
    x = SINGULAR.sample(20, seed=0)
    np.testing.assert_allclose(np.hypot(x[0], x[1]), 1)


def test_the_oracle_of_margins_is_that_of_what_they_were_made_of():
    bent = EVERY["margins and inverses"]
    x, y = bent.distribution.sample(20, seed=0), bent.sample(20, seed=0)
    np.testing.assert_allclose(bent.oracle(y), bent.distribution.oracle(x), rtol=1e-9)


WEAK = weak_kinds()


@pytest.mark.parametrize("name", WEAK)
def test_weak_kinds_are_weak(name):
    kind = WEAK[name]
    assert 0.02 <= kind.total_correlation() <= 0.2
    assert name.endswith(f"D={kind.features}")
    assert 2 <= kind.features <= 10


@pytest.mark.parametrize("name", WEAK)
def test_t_of_weak_kinds_is_the_mean_of_the_oracle(name):
    oracle = WEAK[name].oracle(WEAK[name].sample(60_000, seed=7))
    error = oracle.std() / np.sqrt(len(oracle))
    assert error < 0.005
    assert abs(oracle.mean() - WEAK[name].total_correlation()) < 4 * error


@pytest.mark.parametrize("distribution", EVERY.values(), ids=EVERY)
def test_a_split_must_leave_two_groups(distribution):
    for split in (-1, 0, distribution.features):
        with pytest.raises(ValueError, match="split must be between 1 and"):
            distribution.mutual_information(split)


@pytest.mark.parametrize(
    "ask",
    [
        EVERY["many sources"].mutual_information,
        EVERY["two driven by two"].mutual_information,
        EVERY["interleaved"].mutual_information,
        SINGULAR.mutual_information,
        lambda _: SINGULAR.total_correlation(),
        lambda _: EVERY["margins"].oracle(np.zeros((3, 1))),
        lambda _: EVERY["many sources"].log_density(np.zeros((7, 1)), slice(2)),
    ],
)
def test_what_is_not_known_is_said(ask):
    with pytest.raises(NotImplementedError, match="not known"):
        ask(1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Clayton(1, 2),
        lambda: Clayton(2, 0),
        lambda: Gumbel(2, 1),
        lambda: Frank(2, -1),
        lambda: Ring(2, 1, 0.3),
        lambda: Ring(1, 1, 0.1),
        lambda: GaussianMixture(np.ones(2), np.zeros((2, 2)), np.zeros((2, 2, 2))),
        lambda: GaussianMixture(np.ones(1), np.zeros((1, 2)), np.zeros((1, 3, 3))),
        lambda: GaussianMixture.spiral(turns=5, width=0.01),
        lambda: Interleaved([Clayton(3, 2)]),
        lambda: Driven(4, [unit], [unit]),
        lambda: Driven(1, [unit], []),
    ],
)
def test_bad_parameters_raise(make):
    with pytest.raises(ValueError, match=r"must|need|few"):
        make()
