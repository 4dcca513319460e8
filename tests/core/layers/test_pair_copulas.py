import numpy as np
import pytest
from scipy import stats

from xrbig.core.layers.pair_copulas import FAMILIES, OUTERMOST, PairCopula, Pairs, Student
from xrbig.distributions import Clayton, Frank, Gumbel, Normal, StudentT

PLACES = [0.0, 0.3, 0.6, 1.0]  # between the ends of the parameters of a family
CASES = [(family, place) for family in FAMILIES for place in PLACES]
TURNS = [(1, 1), (-1, 1), (1, -1), (-1, -1)]
LOG_SHARE = np.array(np.log(1e-4))


def parameter_of(family, place):
    low, high = family.ends
    return family.parameter(np.array(low + place * (high - low)))


def density(family, a, b, parameter):
    return np.exp(family.log_density(family.coordinate(a), family.coordinate(b), parameter))


def scores(n=500, seed=0):
    return np.random.default_rng(seed).uniform(-4, 4, (2, n))


@pytest.mark.parametrize(("family", "place"), CASES)
def test_the_density_given_any_score_integrates_to_one(family, place):
    parameter = parameter_of(family, place)
    b = np.linspace(-9, 9, 20_001)
    for a in (-2.0, 0.1, 1.5):
        integrand = density(family, np.full_like(b, a), b, parameter) * stats.norm.pdf(b)
        assert np.trapezoid(integrand, b) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("family", "place"), CASES)
def test_the_density_is_the_slope_of_the_h_function(family, place):
    parameter, (a, b), step = parameter_of(family, place), scores(), 1e-5
    above, below = (np.exp(family.log_tails(a, b + side * step, parameter)[0]) for side in (1, -1))
    slope = (above - below) / (2 * step)
    np.testing.assert_allclose(density(family, a, b, parameter) * stats.norm.pdf(b), slope, rtol=1e-3, atol=1e-8)


def copula_of(family, theta, u, v):
    """The distribution function, as textbooks print it."""
    if type(family).__name__ == "Clayton":
        return (u**-theta + v**-theta - 1) ** (-1 / theta)
    if type(family).__name__ == "Gumbel":
        return np.exp(-(((-np.log(u)) ** theta + (-np.log(v)) ** theta) ** (1 / theta)))
    return -np.log1p(np.expm1(-theta * u) * np.expm1(-theta * v) / np.expm1(-theta)) / theta


@pytest.mark.parametrize(("family", "place"), [(f, p) for f, p in CASES[:12] if p < 1])
def test_the_h_function_is_the_slope_of_the_copula(family, place):
    parameter, step = parameter_of(family, place), 1e-5
    u, v = np.random.default_rng(1).uniform(0.02, 0.98, (2, 300))
    slope = (copula_of(family, parameter, u + step, v) - copula_of(family, parameter, u - step, v)) / (2 * step)
    below, above = family.log_tails(stats.norm.ppf(u), stats.norm.ppf(v), parameter)
    np.testing.assert_allclose(np.exp(below), slope, atol=1e-5)
    np.testing.assert_allclose(np.exp(below) + np.exp(above), 1, atol=1e-12)


@pytest.mark.parametrize("degrees", [np.inf, 4.0])
def test_the_t_copula_has_the_density_of_the_distributions(degrees):
    scale = np.array([[1, 0.6], [0.6, 1]])
    x = np.random.default_rng(0).standard_normal((2, 100))
    joint = Normal(scale) if np.isinf(degrees) else StudentT(scale, degrees)
    margin = stats.norm if np.isinf(degrees) else stats.t(degrees)
    expected = joint.log_density(x) - margin.logpdf(x).sum(axis=0)
    np.testing.assert_allclose(Student(degrees).log_density(*x, np.array(0.6)), expected, atol=1e-10)


@pytest.mark.parametrize(("family", "place"), CASES)
def test_the_quantile_is_the_inverse_of_the_h_function_in_both_tails(family, place):
    parameter, (a, b) = parameter_of(family, place), scores(2000)
    tails = family.log_tails(a, b, parameter)
    known = np.minimum(*tails) > -300
    np.testing.assert_allclose(family.quantile(a, *tails, parameter)[known], b[known], atol=1e-9)


def copula(family, place, signs=(1.0, 1.0)):
    number = np.array(FAMILIES.index(family))
    return PairCopula(np.array([2, 0]), np.array(signs), number, parameter_of(family, place), LOG_SHARE)


@pytest.mark.parametrize("signs", TURNS)
@pytest.mark.parametrize(("family", "place"), CASES)
def test_a_map_is_inverted_near_and_far(family, place, signs):
    single = copula(family, place, signs)
    rng = np.random.default_rng(0)
    for spread in (1, 3, 100, 1e6):
        x = spread * rng.standard_normal((3, 300))
        y, log_det = single.apply(x)
        assert np.isfinite(y).all()
        assert np.isfinite(log_det).all()
        np.testing.assert_array_equal(y[1:], x[1:])
        np.testing.assert_allclose(single.invert(y), x, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("signs", TURNS)
@pytest.mark.parametrize("family", FAMILIES)
def test_log_det_is_that_of_the_slope_also_beyond_the_outermost_scores(family, signs):
    single, x, step = copula(family, 0.5, signs), 2.5 * np.random.default_rng(0).standard_normal((3, 300)), 1e-5
    assert np.abs(x).max() > OUTERMOST
    shift = np.array([[step], [0], [0]])
    slope = (single.apply(x + shift)[0] - single.apply(x - shift)[0])[0] / (2 * step)
    y, log_det = single.apply(x)
    np.testing.assert_allclose(log_det, np.log(slope), atol=1e-3)
    gain = log_det + ((x**2).sum(axis=0) - (y**2).sum(axis=0)) / 2
    np.testing.assert_allclose(single.gains(x)[0], gain, atol=1e-9)


TRUE = {"Clayton": Clayton(2, 2), "Gumbel": Gumbel(2, 1.7), "Frank": Frank(2, 5), "Student": StudentT(np.eye(2), 2.0)}


@pytest.mark.parametrize("signs", TURNS)
@pytest.mark.parametrize("name", TRUE)
def test_the_true_family_turned_in_any_way_is_found_and_gains_what_is_shared(name, signs):
    distribution = TRUE[name]
    x = distribution.sample(4000, 0)
    z = stats.norm.ppf(stats.t(2).cdf(x) if name == "Student" else x) * np.array(signs)[:, None]
    (single,) = Pairs().fit(z[None], [np.array([0, 1])])
    assert type(FAMILIES[int(single.family)]).__name__ == name
    if name in ("Clayton", "Gumbel"):
        np.testing.assert_array_equal(single.signs, signs)
    assert single.gains(z).mean() == pytest.approx(distribution.log_density(x).mean() - margins(name, x), abs=0.005)
    y, _ = single.apply(z)
    assert stats.kstest(y[1], "norm").pvalue > 0.01
    assert abs(stats.spearmanr(y[0], y[1]).statistic) < 0.04


def margins(name, x):
    return stats.t(2).logpdf(x).sum(axis=0).mean() if name == "Student" else 0.0


def test_a_stack_is_fitted_like_its_pairs_alone():
    z = np.stack([stats.norm.ppf(Clayton(2, theta).sample(500, 0)) for theta in (0.3, 1, 4)])
    pairs = [np.array([0, i]) for i in range(3)]
    for item, pair, together in zip(z, pairs, Pairs().fit(z, pairs), strict=True):
        (alone,) = Pairs().fit(item[None], [pair])
        assert alone.family == together.family
        assert alone.parameter == pytest.approx(together.parameter, rel=1e-12)
