import numpy as np
import pytest
from scipy import stats

from tests.conftest import ar, normal_scores_of, samples
from xrbig.core.elliptical import _radial_layer, elliptical_layer, marginal_layer, student_scores
from xrbig.distributions import GaussianMixture, Normal, Ring, StudentT

SIGNIFICANCE, SEED = 1e-4, 0


def layer(x):
    return elliptical_layer(normal_scores_of(x), SIGNIFICANCE, SEED)


@pytest.mark.parametrize("nu", [1.0, 3.7, 60.0])
def test_t_quantiles_at_normal_scores(nu):
    z = np.linspace(-4.5, 4.5, 1001)
    np.testing.assert_allclose(student_scores(z, nu), stats.t.ppf(stats.norm.cdf(z), nu), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize(("features", "nu"), [(3, 3), (10, 3), (10, 8), (3, 1)])
def test_gain_on_a_t_distribution_is_its_t(features, nu):
    t = StudentT(ar(features, 0.5), nu)
    x = samples(t, 2000, cells=6)
    copula = layer(x)
    assert copula.nonlinear.all()
    assert not copula.beyond.any()
    oracle = np.array([t.oracle(cell).mean() for cell in x])
    assert copula.gain.mean() == pytest.approx(t.total_correlation(), rel=0.05)
    np.testing.assert_allclose(copula.gain, oracle, atol=0.015 + 0.02 * t.total_correlation())


def test_gain_is_that_of_another_scale_and_of_other_margins():
    x = samples(StudentT(ar(3, 0.5), 3), 1000, cells=2)
    np.testing.assert_array_equal(layer(np.cbrt(5 * x + 1)).gain, layer(x).gain)


@pytest.mark.parametrize("features", [3, 10])
def test_what_a_t_distribution_leaves_is_white_and_normal(features):
    y = layer(samples(StudentT(ar(features, 0.5), 3), 2000, cells=3)).y
    covariance = y @ y.swapaxes(1, 2) / y.shape[2]
    np.testing.assert_allclose(covariance, np.broadcast_to(np.eye(features), covariance.shape), atol=0.06)
    square = np.sum(y**2, axis=1).ravel()
    assert stats.kstest(square, stats.chi2(features).cdf).pvalue > 0.01
    assert stats.kstest(y[:, 0].ravel(), "norm").pvalue > 0.01


@pytest.mark.parametrize("features", [2, 5, 20])
def test_independent_features_gain_nothing(features):
    copula = layer(np.random.default_rng(features).standard_cauchy((30, features, 1000)))
    assert not copula.nonlinear.any()
    assert not copula.beyond.any()
    spread = np.sqrt(features * (features - 1)) / 2000
    assert abs(copula.gain.mean()) < 4 * spread / np.sqrt(30)
    assert copula.gain.std() < 1.5 * spread


def test_correlation_alone_is_not_nonlinear():
    normal = Normal(ar(5, 0.8))
    copula = layer(samples(normal, 1000, cells=20))
    assert not copula.nonlinear.any()
    assert copula.gain.mean() == pytest.approx(normal.total_correlation(), abs=0.03)
    np.testing.assert_allclose(copula.y @ copula.y.swapaxes(1, 2) / 1000, np.tile(np.eye(5), (20, 1, 1)), atol=1e-9)


def test_a_radius_that_no_t_distribution_has_is_made_that_of_a_normal():
    narrow_and_wide = GaussianMixture(np.full(2, 0.5), np.zeros((2, 6)), np.stack([np.eye(6), 25 * np.eye(6)]))
    copula = layer(samples(narrow_and_wide, 2000, cells=3))
    assert copula.beyond.all()
    assert 0.8 * narrow_and_wide.total_correlation() < copula.gain.mean() < narrow_and_wide.total_correlation()


def test_radius_gains_its_negentropy_and_becomes_that_of_a_normal():
    rng = np.random.default_rng(0)
    direction = rng.standard_normal((1, 3, 4000))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    radius = rng.uniform(1, 2, 4000)
    gain, y, _ = _radial_layer(direction * radius, SIGNIFICANCE, SEED)
    chi = stats.chi(3)
    truth = -stats.uniform(1, 1).expect(chi.logpdf)
    assert gain[0] == pytest.approx(truth, rel=0.1)
    square = np.sum(y[0] ** 2, axis=0)
    assert stats.kstest(square, stats.chi2(3).cdf).statistic < 0.01
    np.testing.assert_allclose(y[0] / np.sqrt(square), direction[0], atol=1e-9)


def test_a_shell_gains_but_no_more_than_its_t():
    shell = Ring(3, radius=1, width=0.1)
    gain = layer(samples(shell, 2000, cells=3)).gain
    assert (gain > 0.5 * shell.total_correlation()).all()
    assert (gain < 1.05 * shell.total_correlation()).all()


def test_a_cell_gets_the_same_bits_alone():
    mixed = np.concatenate(
        [samples(d, 500, cells=2) for d in (StudentT(ar(3, 0.5), 2), Normal(ar(3, 0.5)), Ring(3, 1, 0.1))]
    )
    together = layer(mixed)
    for cell in range(len(mixed)):
        alone = layer(mixed[[cell]])
        for field, both in zip(alone, together, strict=True):
            np.testing.assert_array_equal(field[0], both[cell])


def test_margins_gain_their_negentropy_where_it_is_significant_and_stay_elsewhere():
    rng = np.random.default_rng(0)
    y = np.stack([rng.uniform(-1, 1, (1, 2000)), rng.standard_normal((1, 2000))])
    gain, out, _ = marginal_layer(y, SIGNIFICANCE, SEED)
    assert gain[0] == pytest.approx(np.log(2 * np.pi * np.e / 12) / 2, rel=0.1)
    assert gain[1] == 0
    np.testing.assert_array_equal(out[1], y[1])
    assert stats.kstest(out[0, 0], "norm").pvalue > 0.9
    assert stats.spearmanr(out[0, 0], y[0, 0]).statistic == pytest.approx(1)
