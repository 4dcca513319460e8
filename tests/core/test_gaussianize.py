import numpy as np
import pytest

from xrbig import RBIG
from xrbig.core.gaussianize import fit_layers, gaussianize
from xrbig.core.marginal import exact_order, rank_gaussianize
from xrbig.core.negentropy import null_level, resolutions

ROTATIONS = ["pca", "ica", "random"]
RANDOM = RBIG(rotation="random")


def scores(cells, n, seed=0):
    """Normal scores of pairs with a nonlinear dependence."""
    x, y = np.random.default_rng(seed).standard_normal((2, cells, n))
    return rank_gaussianize(exact_order(np.stack([x, y + x**2], axis=1), 0), 0)


@pytest.mark.parametrize("rotation", ["pca", "random"])  # ICA comes back to the same components and may miss
def test_what_is_left_is_gaussian_and_uncorrelated(rotation):
    z = scores(4, 2000)
    result = gaussianize(z, RBIG(rotation=rotation))
    assert result.converged.all()
    assert result.total.mean() > 0.25
    assert np.abs(z @ z.swapaxes(1, 2) / 2000 - np.eye(2)).max() < 0.03
    again = gaussianize(rank_gaussianize(exact_order(z, 0), 0), RBIG(rotation="random", seed=1))
    assert np.abs(again.total).max() < 0.06


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_no_cell_depends_on_another(rotation):
    z = scores(5, 300)
    together = gaussianize(z.copy(), RBIG(rotation=rotation))
    alone = gaussianize(z[3:4].copy(), RBIG(rotation=rotation))
    assert together.total[3] == alone.total[0]
    assert together.n_layers[3] == alone.n_layers[0]


def test_max_layers_bounds_the_layers():
    result = gaussianize(scores(2, 1000), RBIG(rotation="random", max_layers=3))
    assert result.n_layers.tolist() == [3, 3]
    assert not result.converged.any()


def test_features_of_equal_rank_are_large_and_finite():
    x = np.random.default_rng(0).standard_normal((1, 1, 1000))
    result = gaussianize(rank_gaussianize(exact_order(np.concatenate([x, -x], axis=1), 0), 0), RANDOM)
    assert 4 < result.total[0] < 20


def test_layers_apply_to_any_samples_and_are_inverted():
    layers = fit_layers(scores(1, 4000)[0], RANDOM)
    z = start = scores(1, 500, seed=9)[0] * 1.5
    for layer in layers:
        z, log_det = layer.apply(z)
        assert np.isfinite(log_det).all()
    for layer in reversed(layers):
        z = layer.invert(z)
    np.testing.assert_allclose(z, start, atol=1e-6)


def test_layers_hold_the_gains_of_the_estimate():
    z = scores(1, 4000)
    layers = fit_layers(z[0], RANDOM)
    assert sum(layer.gain for layer in layers) == pytest.approx(gaussianize(z, RANDOM).total[0])


def test_log_determinant_equals_the_gain():
    """Eq. 6 and Eq. 7 agree: the first layer's log|det| is its gain and the null levels it was freed from."""
    z = scores(1, 4000)[0]
    first = fit_layers(z, RBIG(rotation="pca"))[0]
    _, log_det = first.apply(z)
    level = [len(edges) for edges in resolutions(4000)].index(len(first.margins.levels))
    null = 2 * null_level(4000).mean[level]
    assert log_det.mean() == pytest.approx(first.gain + null, abs=0.01)
