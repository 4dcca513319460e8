import numpy as np
import pytest
from scipy import stats

from tests.conftest import ar, normal_scores_of, red, samples
from xrbig.core.rungs.ellipse import ellipse
from xrbig.distributions import GaussianMixture, Normal, StudentT


def alone(features):
    return [slice(d, d + 1) for d in range(features)]


def found(x, groups=None, times=1.0):
    return ellipse(normal_scores_of(x), groups or alone(x.shape[1]), np.full(len(x), times))


@pytest.mark.parametrize(("features", "nu"), [(3, 3), (10, 3), (10, 8), (3, 1)])
def test_t_of_a_t_distribution(features, nu):
    t = StudentT(ar(features, 0.5), nu)
    x = samples(t, 2000, cells=6)
    value = found(x).terms.mean(axis=1)
    oracle = np.array([t.oracle(cell).mean() for cell in x])
    assert value.mean() == pytest.approx(t.total_correlation(), rel=0.05)
    np.testing.assert_allclose(value, oracle, atol=0.015 + 0.02 * t.total_correlation())


def test_terms_are_the_log_density_ratios_of_the_samples():
    t = StudentT(ar(3, 0.6), 4)
    x = samples(t, 2000, cells=1)
    own, oracle = found(x).terms[0], t.oracle(x[0])
    assert np.corrcoef(own, oracle)[0, 1] > 0.99
    assert (own - oracle).std() < 0.15 * oracle.std()


@pytest.mark.parametrize("nu", [2, 5])
def test_i_of_groups_of_a_t_distribution(nu):
    t = StudentT(ar(5, 0.5), nu)
    x = samples(t, 2000, cells=6)
    value = found(x, [slice(2), slice(2, None)]).terms.mean(axis=1)
    assert value.mean() == pytest.approx(t.mutual_information(2), rel=0.05)


def test_a_gaussian_copula_has_its_log_determinant():
    normal = Normal(ar(5, 0.8))
    ours = found(samples(normal, 1000, cells=20))
    assert ours.terms.mean() == pytest.approx(normal.total_correlation(), abs=0.03)
    covariance = ours.y @ ours.y.swapaxes(1, 2) / 1000
    np.testing.assert_allclose(covariance, np.tile(np.eye(5), (20, 1, 1)), atol=0.05)


@pytest.mark.parametrize("features", [2, 5, 20])
def test_independent_features_share_nothing(features):
    value = found(np.random.default_rng(features).standard_cauchy((40, features, 1000))).terms.mean(axis=1)
    spread = np.sqrt(features * (features - 1)) / 2000
    assert abs(value.mean()) < 4 * spread / np.sqrt(40)
    assert value.std() < 1.5 * spread


@pytest.mark.parametrize("phi", [0.7, 0.9])
def test_the_memory_of_samples_is_taken_off(phi):
    x = red((100, 3, 1000), phi)
    times = (1 + phi**2) / (1 - phi**2)
    value = found(x, times=times).terms.mean(axis=1)
    assert abs(value.mean()) < 4 * value.std() / 10 + 0.002
    assert found(x).terms.mean() > 2 * abs(value.mean()) + 0.001


@pytest.mark.parametrize("features", [3, 10])
def test_what_a_t_distribution_leaves_is_white_and_normal(features):
    y = found(samples(StudentT(ar(features, 0.5), 3), 2000, cells=3)).y
    covariance = y @ y.swapaxes(1, 2) / y.shape[2]
    np.testing.assert_allclose(covariance, np.broadcast_to(np.eye(features), covariance.shape), atol=0.06)
    assert stats.kstest(np.sum(y**2, axis=1).ravel(), stats.chi2(features).cdf).pvalue > 0.01
    assert stats.kstest(y[:, 0].ravel(), "norm").pvalue > 0.01


def test_degrees_of_freedom_must_make_the_whole_likelier():
    """Clusters far apart have tails on both sides: what a t copula says of them must not exceed their T."""
    clusters = GaussianMixture(np.full(2, 0.5), np.array([[3.0, 3, 0], [-3, -3, 0]]), np.stack([np.eye(3)] * 2))
    value = found(samples(clusters, 1000, cells=5)).terms.mean(axis=1)
    assert (value < 1.05 * clusters.total_correlation()).all()


def test_a_cell_gets_the_same_bits_alone():
    mixed = np.concatenate([samples(d, 500, cells=2) for d in (StudentT(ar(3, 0.5), 2), Normal(ar(3, 0.5)))])
    together = found(mixed)
    for cell in range(len(mixed)):
        for field, both in zip(found(mixed[[cell]]), together, strict=True):
            np.testing.assert_array_equal(field[0], both[cell])


@pytest.mark.parametrize("features", [2, 25])
def test_a_sample_that_is_the_median_of_all_features_is_no_harm(features):
    x = np.random.default_rng(0).standard_t(2, (1, features, 501))
    x[0] /= np.linalg.norm(x[0], axis=0)
    for feature in x[0]:
        middle = np.argsort(feature)[250]
        feature[[0, middle]] = feature[[middle, 0]]
    assert (normal_scores_of(x)[0, :, 0] == 0).all()
    ours = found(x)
    assert np.isfinite(ours.terms).all()
    assert np.isfinite(ours.y).all()
