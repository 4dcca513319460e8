import numpy as np
import pytest
from scipy import stats

from tests.conftest import ar, samples
from xrbig.core.elliptical import (
    inverse_root,
    log_norm,
    made_normal,
    radius_above_chance,
    student_scatter,
    student_scores,
)
from xrbig.distributions import Normal, StudentT


@pytest.mark.parametrize("nu", [1.0, 3.7, 60.0])
def test_t_quantiles_at_normal_scores(nu):
    z = np.linspace(-4.5, 4.5, 1001)
    np.testing.assert_allclose(student_scores(z, nu), stats.t.ppf(stats.norm.cdf(z), nu), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize(("features", "nu"), [(1, 1.0), (3, 4.0), (20, 0.5)])
def test_density_of_a_t_distribution_at_its_middle(features, nu):
    density = stats.multivariate_t(np.zeros(features), np.eye(features), df=nu)
    assert log_norm(features, nu) == pytest.approx(density.logpdf(np.zeros(features)))


def test_the_inverse_root_whitens():
    scatter = np.stack([ar(4, 0.7), 3 * ar(4, -0.2)])
    root, log_det = inverse_root(scatter)
    np.testing.assert_allclose(root @ scatter @ root, np.broadcast_to(np.eye(4), (2, 4, 4)), atol=1e-12)
    np.testing.assert_allclose(log_det, -np.linalg.slogdet(scatter)[1] / 2)


@pytest.mark.parametrize("nu", [1.0, 4.0])
def test_scatter_of_a_t_distribution_is_found(nu):
    x = samples(StudentT(ar(3, 0.6), nu), 4000, cells=3)
    found = student_scatter(x, nu, x @ x.swapaxes(1, 2) / 4000, 30)
    np.testing.assert_allclose(found.mean(axis=0), ar(3, 0.6), atol=0.06)


@pytest.mark.parametrize(("features", "nu"), [(2, 1.0), (5, 3.0)])
def test_a_t_distribution_is_made_normal(features, nu):
    x = StudentT(np.eye(features), nu).sample(4000, seed=0)
    y = made_normal(x, nu)
    assert stats.kstest((y**2).sum(axis=0), stats.chi2(features).cdf).pvalue > 0.01
    np.testing.assert_allclose(y / np.linalg.norm(y, axis=0), x / np.linalg.norm(x, axis=0), atol=1e-9)
    assert made_normal(x, np.inf) is x


def test_radius_gains_its_negentropy_and_becomes_that_of_a_normal():
    rng = np.random.default_rng(0)
    direction = rng.standard_normal((1, 3, 4000))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    gain, y = radius_above_chance(direction * rng.uniform(1, 2, 4000))
    truth = -stats.uniform(1, 1).expect(stats.chi(3).logpdf)
    assert gain[0] == pytest.approx(truth, rel=0.1)
    square = np.sum(y[0] ** 2, axis=0)
    assert stats.kstest(square, stats.chi2(3).cdf).statistic < 0.02
    np.testing.assert_allclose(y[0] / np.sqrt(square), direction[0], atol=1e-9)


@pytest.mark.parametrize("features", [3, 10])
def test_the_radius_of_normal_features_gains_hardly_anything(features):
    y = samples(Normal(np.eye(features)), 1000, cells=50)
    gain, left = radius_above_chance(y)
    assert 0 <= gain.mean() < 0.002
    np.testing.assert_array_equal(left[gain == 0], y[gain == 0])


def test_a_sample_at_the_origin_stays_there():
    x = np.random.default_rng(0).uniform(-1, 1, (1, 3, 500))
    x[..., 7] = 0
    gain, y = radius_above_chance(x)
    assert gain[0] > 0
    assert not y[..., 7].any()
    assert np.isfinite(y).all()
