import numpy as np
import pytest
from scipy import stats

from xrbig.core.layers.mixture import Mixture, monomials_of
from xrbig.distributions import GaussianMixture

SEED = 0
SEPARATED = GaussianMixture(
    np.array([0.5, 0.3, 0.2]),
    np.array([[3.0, 0], [-3, 2], [0, -4]]),
    np.array([[[0.5, 0], [0, 0.5]], [[1, 0.6], [0.6, 1]], [[1, 0], [0, 1]]]),
)


def fit(x, components, seed=SEED):
    return Mixture.fit(x, monomials_of(x), components, seed)


def standardized(x):
    return (x - x.mean(axis=-1, keepdims=True)) / x.std(axis=-1, keepdims=True)


def test_fit_finds_the_components_of_a_separated_mixture():
    mixture = fit(SEPARATED.sample(5000, seed=0)[None], components=3)
    order = np.argsort(-mixture.log_weight[0])
    whitening = mixture.whitening[0, order]
    np.testing.assert_allclose(np.exp(mixture.log_weight[0, order]), SEPARATED.weights, atol=0.02)
    np.testing.assert_allclose(mixture.mean[0, order], SEPARATED.means, atol=0.08)
    covariances = np.linalg.inv(whitening.swapaxes(1, 2) @ whitening)
    np.testing.assert_allclose(covariances, SEPARATED.covariances, atol=0.08)


def test_log_density_is_that_of_the_mixture():
    x = SEPARATED.sample(100, seed=1)
    roots = np.linalg.cholesky(SEPARATED.covariances)
    exact = Mixture(np.log(SEPARATED.weights)[None], SEPARATED.means[None], np.linalg.inv(roots)[None])
    relative = exact.log_density(monomials_of(x[None]))[0] - np.log(2 * np.pi)
    np.testing.assert_allclose(relative, SEPARATED.log_density(x), atol=1e-10)
    first = exact.first(1).log_density(monomials_of(x[None, :1]))[0] - np.log(2 * np.pi) / 2
    np.testing.assert_allclose(first, SEPARATED.log_density(x, slice(1)), atol=1e-10)


@pytest.mark.parametrize("features", [2, 4])
def test_density_integrates_to_one(features):
    mixture = fit(standardized(GaussianMixture.random(features, 3, 1.5, seed=1).sample(2000, seed=0))[None], 4)
    z = np.random.default_rng(5).standard_t(5, (1, features, 200_000))
    proposal = np.sum(stats.t(5).logpdf(z), axis=1)
    ratio = np.exp(mixture.log_density(monomials_of(z)) - features / 2 * np.log(2 * np.pi) - proposal)[0]
    assert ratio.mean() == pytest.approx(1, abs=4 * ratio.std() / np.sqrt(ratio.size))


def test_samples_of_the_mixture_are_mapped_to_a_standard_normal():
    roots = np.linalg.cholesky(SEPARATED.covariances)
    exact = Mixture(np.log(SEPARATED.weights)[None], SEPARATED.means[None], np.linalg.inv(roots)[None])
    z = exact.given(SEPARATED.sample(20_000, seed=2)[None], 0)[0][0]
    np.testing.assert_allclose(z.mean(axis=1), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(z), np.eye(2), atol=0.03)
    assert stats.kstest(np.sum(z**2, axis=0), stats.chi2(2).cdf).pvalue > 0.01
    for row in z:
        assert stats.kstest(row, "norm").pvalue > 0.01


def test_map_is_finite_and_monotone_far_outside():
    mixture = fit(standardized(SEPARATED.sample(2000, seed=0))[None], 4)
    far = np.zeros((1, 2, 401))
    far[0, 1] = np.linspace(-40, 40, 401)
    z = mixture.given(far, 0)[0][0]
    assert np.isfinite(z).all()
    assert (np.diff(z[1]) > 0).all()


def test_log_determinant_of_the_map_is_the_gain():
    mixture = fit(standardized(SEPARATED.sample(2000, seed=0))[None], 4)
    x, step = np.random.default_rng(1).standard_normal((1, 2, 500)), 1e-5
    columns = []
    for feature in range(2):
        shift = np.zeros((1, 2, 1))
        shift[0, feature] = step
        columns.append((mixture.given(x + shift, 0)[0] - mixture.given(x - shift, 0)[0])[0] / (2 * step))
    log_det = np.log(np.linalg.det(np.stack(columns, axis=1).T))
    z = mixture.given(x, 0)[0][0]
    change = log_det - np.sum(z**2, axis=0) / 2
    np.testing.assert_allclose(change, mixture.log_density(monomials_of(x))[0], atol=1e-4)
