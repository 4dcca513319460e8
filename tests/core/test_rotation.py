import numpy as np
import pytest

from xrbig.core import rotation


@pytest.fixture
def correlated():
    mixing = np.random.default_rng(0).standard_normal((4, 4))
    return mixing @ np.random.default_rng(1).standard_normal((5, 4, 500))


def test_whitening_whitens_and_counts_its_determinant(correlated):
    white = rotation.whiten(correlated)
    y = white.matrix @ correlated
    np.testing.assert_allclose(y @ y.swapaxes(1, 2) / 500, np.broadcast_to(np.eye(4), (5, 4, 4)), atol=1e-9)
    np.testing.assert_allclose(white.log_det, np.linalg.slogdet(white.matrix)[1])


def test_random_rotation_is_orthogonal_and_depends_on_seed_layer_and_size_only():
    turn = rotation.random_rotation(5, layer=2, seed=7)
    np.testing.assert_allclose(turn @ turn.T, np.eye(5), atol=1e-12)
    np.testing.assert_array_equal(turn, rotation.random_rotation(5, 2, 7))
    assert not np.allclose(turn, rotation.random_rotation(5, 3, 7))
    assert not np.allclose(turn, rotation.random_rotation(5, 2, 8))


def test_ica_finds_independent_sources_whatever_the_other_cells_hold():
    sources = np.random.default_rng(0).laplace(size=(3, 3, 4000)) / np.sqrt(2)
    mixed = rotation.random_rotation(3, 0, 1) @ sources
    unmixing = rotation.independent_components(mixed, rotation.random_rotation(3, 1, 0))
    gains = np.abs(unmixing @ rotation.random_rotation(3, 0, 1))
    np.testing.assert_allclose(np.sort(gains, axis=2)[..., -1], 1, atol=0.02)
    alone = rotation.independent_components(mixed[1:2], rotation.random_rotation(3, 1, 0))
    np.testing.assert_array_equal(alone[0], unmixing[1])


@pytest.mark.parametrize(("features", "n"), [(2, 50), (10, 100), (30, 200)])
def test_null_log_det_is_that_of_independent_samples(features, n):
    x = np.random.default_rng(n).standard_normal((2000, features, n))
    correlation = np.stack([np.corrcoef(cell) for cell in x])
    estimates = -np.linalg.slogdet(correlation)[1] / 2
    error = estimates.std() / np.sqrt(len(estimates))
    assert abs(estimates.mean() - rotation.null_log_det(features, n)) < 4 * error
