import numpy as np
import pytest
from scipy import stats

from tests.conftest import ar, samples
from xrbig.core.entropy import marginal_entropies, normal_entropy, spread_ties
from xrbig.distributions import Normal

MARGINS = {
    "normal": stats.norm(),
    "exponential": stats.expon(),
    "lognormal": stats.lognorm(1),
    "t3": stats.t(3),
    "uniform": stats.uniform(),
    "beta": stats.beta(2, 5),
}


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize(("n", "cells"), [(200, 400), (1000, 200), (10_000, 40)])
def test_entropy_of_one_feature(margin, n, cells):
    """The error is that of a mean of log p over the samples, and never more than that of scipy."""
    distribution = MARGINS[margin]
    x = distribution.rvs((cells, 1, n), random_state=np.random.default_rng([n, len(margin)]))
    error = marginal_entropies(np.sort(x))[:, 0] - distribution.entropy()
    oracle = np.sqrt(np.mean((distribution.logpdf(x).mean(axis=2) + distribution.entropy()) ** 2))
    rms = np.sqrt(np.mean(error**2))
    assert abs(error.mean()) < 2 / n + 4 * error.std() / np.sqrt(cells)
    assert rms < 1.1 * oracle + 0.35 / np.sqrt(n)
    theirs = stats.differential_entropy(x, axis=2)[:, 0] - distribution.entropy()
    assert rms < 1.1 * np.sqrt(np.mean(theirs**2))


@pytest.mark.parametrize("scale", [1e300, 1e-200, -3.0, 2.0**-1050])
def test_entropy_grows_by_the_logarithm_of_the_scale(scale):
    x = np.random.default_rng(0).uniform(-1, 1, (2, 3, 100))
    expected = marginal_entropies(np.sort(x)) + np.log(abs(scale))
    np.testing.assert_allclose(marginal_entropies(np.sort(scale * x)), expected, rtol=1e-10)


@pytest.mark.parametrize("step", [0.01, 0.1, 0.5])
def test_quantised_features_have_the_entropy_at_their_resolution(step):
    x = np.random.default_rng(0).standard_normal((20, 1, 2000))
    error = marginal_entropies(np.sort(np.round(x / step) * step)) - stats.norm().entropy()
    assert abs(error.mean()) < 0.02


def test_equal_values_fill_half_of_the_gaps_beside_them():
    low, high, first, last = 0.0, 3.0, 1.0, 9.0
    ordered = np.array([[[low] * 500 + [1.0] + [high] * 500], [[first] + [2.0] * 999 + [last]]])
    spread = spread_ties(ordered)
    runs = {(-0.5, 0.5): spread[0, 0, :500], (2, 4): spread[0, 0, 501:], (1.5, 5.5): spread[1, 0, 1:-1]}
    for (start, stop), places in runs.items():
        assert stats.kstest((places - start) / (stop - start), "uniform").pvalue > 0.01
        assert (np.diff(places) > 0).all()
    assert (spread[0, 0, 500], spread[1, 0, 0], spread[1, 0, -1]) == (1, first, last)


def test_an_offset_does_not_matter():
    x = np.sort(np.random.default_rng(0).integers(0, 1000, (2, 2, 500)).astype(float))
    np.testing.assert_allclose(marginal_entropies(x + 2.0**52), marginal_entropies(x), rtol=1e-12)
    np.testing.assert_allclose(normal_entropy(x + 2.0**52), normal_entropy(x), rtol=1e-12)


@pytest.mark.parametrize("scale", [2.0**-1000, 2.0**900])
def test_the_normal_of_the_same_covariance_has_an_entropy_on_any_scale(scale):
    x = np.random.default_rng(0).standard_normal((2, 3, 100))
    np.testing.assert_allclose(normal_entropy(scale * x), normal_entropy(x) + 3 * np.log(scale), rtol=1e-12)


def test_a_value_far_off_does_not_spread_the_one_beside_it_over_the_gap():
    spread = spread_ties(np.array([[[1.0] * 50 + [2.0] * 50 + [1e30]]]))
    assert (spread[0, 0, 50:100] > 1.5).all()
    assert (spread[0, 0, 50:100] < 1e6).all()


def test_untied_values_stay():
    ordered = np.sort(np.random.default_rng(0).standard_normal((2, 2, 50)))
    assert spread_ties(ordered) is ordered


@pytest.mark.parametrize(("features", "n"), [(1, 20), (4, 50), (10, 40)])
def test_entropy_of_the_normal_of_the_same_covariance_is_right_on_average(features, n):
    normal = Normal(ar(features, 0.6))
    values = normal_entropy(1e3 * samples(normal, n, cells=2000) + 1e4)
    assert values.mean() - features * np.log(1e3) == pytest.approx(
        normal.entropy(), abs=4 * values.std() / np.sqrt(2000)
    )


def test_linear_functions_of_each_other_have_no_entropy():
    x = np.random.default_rng(0).standard_normal((2, 2, 100))
    assert np.isnan(normal_entropy(np.concatenate([x, x.sum(axis=1, keepdims=True)], axis=1))).all()
    assert np.isfinite(normal_entropy(x)).all()
