import numpy as np
import pytest

from xrbig import RBIG
from xrbig.core.gaussianize import gaussianize
from xrbig.core.marginal import exact_order, rank_gaussianize

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
