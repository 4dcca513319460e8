import numpy as np
import pytest

from tests.conftest import samples
from xrbig.core.unmixing import has_covariance, is_narrow, unmixing_layer
from xrbig.distributions import LinearMixture, Normal, random_matrix

SEED = 0


def unmixed(x):
    return unmixing_layer(x, SEED)


@pytest.mark.parametrize("source", ["uniform", "laplace"])
@pytest.mark.parametrize("features", [2, 5])
def test_gain_of_mixed_sources_is_their_t(source, features):
    mixed = LinearMixture(random_matrix(features, seed=features), source)
    layer = unmixed(samples(mixed, 2000, cells=6))
    assert (layer.assured > layer.noise).all()
    assert (layer.assured <= layer.gain + layer.noise).all()
    assert layer.gain.mean() == pytest.approx(mixed.total_correlation(), rel=0.1)


def test_the_sources_are_found():
    matrix = random_matrix(3, seed=0)
    sources = np.random.default_rng(0).uniform(-1, 1, (1, 3, 4000))
    match = np.abs(np.corrcoef(unmixed(matrix @ sources).y[0], sources[0])[:3, 3:])
    np.testing.assert_allclose(np.sort(match, axis=1), [[0, 0, 1]] * 3, atol=0.05)


def test_gain_does_not_depend_on_scale_and_shift_of_features():
    x = samples(LinearMixture(random_matrix(3, seed=3), "laplace"), 1000, cells=2)
    scaled = x * np.array([1e-6, 5, 1e3])[:, None] + np.array([300, -7, 0])[:, None]
    np.testing.assert_allclose(unmixed(scaled).gain, unmixed(x).gain, atol=1e-6)


def test_normal_features_gain_no_more_than_their_correlation_tells():
    normal = Normal(np.array([[1, 0.6], [0.6, 1]]))
    layer = unmixed(samples(normal, 1000, cells=20))
    assert layer.gain.mean() == pytest.approx(normal.total_correlation(), abs=0.02)
    assert (layer.assured < normal.total_correlation() + layer.noise).all()


def test_independent_sources_gain_nothing():
    layer = unmixed(np.random.default_rng(0).laplace(size=(20, 3, 1000)))
    assert abs(layer.gain.mean()) < 0.02
    assert (layer.assured < layer.noise).all()


def test_where_variances_mean_nothing_is_known():
    rng = np.random.default_rng(0)
    independent = rng.standard_cauchy((10, 3, 1000))
    assert not has_covariance(np.concatenate([independent, random_matrix(3, seed=1) @ independent])).any()
    assert has_covariance(rng.uniform(size=(10, 3, 1000))).all()


@pytest.mark.parametrize(("value", "narrow"), [(1e3, False), (1e6, False), (1e10, True), (1e20, True), (1e300, True)])
def test_samples_that_a_value_far_off_makes_alike_are_known(value, narrow):
    x = np.random.default_rng(0).standard_normal((2, 1000))
    x[0, ::12] = value
    assert is_narrow(x, 8, 1e-8).tolist() == [narrow, False]


def test_a_cell_gets_the_same_bits_alone():
    x = samples(LinearMixture(random_matrix(3, seed=3), "laplace"), 500, cells=4)
    together, alone = unmixed(x), unmixed(x[[2]])
    assert (alone.gain[0], alone.assured[0]) == (together.gain[2], together.assured[2])
    np.testing.assert_array_equal(alone.y[0], together.y[2])
