from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import norm

from xrbig.core.marginal import argsort
from xrbig.core.negentropy import critical_gain, marginal_gain, null_level, resolutions


def standardized(y):
    y = y - y.mean(axis=-1, keepdims=True)
    return y / y.std(axis=-1, keepdims=True)


def raw_negentropies(y):
    """J of single margins at every resolution, by an independent formula."""
    n = y.shape[-1]
    ordered = np.pad(np.sort(y, axis=-1), [(0, 0), (1, 1)], constant_values=(-np.inf, np.inf))
    levels = []
    for edges in resolutions(n):
        share = np.diff(edges) / (n + 1)
        levels.append(np.sum(share * np.log(share / np.diff(norm.cdf(ordered[:, edges]))), axis=1))
    return np.stack(levels, axis=1)


@pytest.mark.parametrize("n", [40, 100, 519, 2000])
def test_null_level_is_that_of_gaussian_samples(n):
    reps = 8000
    j = raw_negentropies(standardized(np.random.default_rng(n).standard_normal((reps, n))))
    null = null_level(n)
    np.testing.assert_allclose(null.mean, j.mean(axis=0), rtol=0.02)
    np.testing.assert_allclose(null.std, j.std(axis=0), rtol=0.06)


@pytest.mark.parametrize("features", [1, 5, 30])
def test_chance_exceeds_the_critical_gain_as_often_as_stated(features):
    y = standardized(np.random.default_rng(features).standard_normal((4000, features, 200)))
    significant = marginal_gain(y, argsort(y)).exceeds_chance(0.05)
    assert 0.02 < significant.mean() < 0.07


def test_critical_gain_grows_as_significance_tightens():
    assert (critical_gain(1000, 3, 1e-6) > critical_gain(1000, 3, 1e-2)).all()


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        ("uniform", np.log(2 * np.pi * np.e / 12) / 2),
        ("laplace", np.log(2 * np.pi * np.e) / 2 - 1 - np.log(2) / 2),
        ("exponential", np.log(2 * np.pi * np.e) / 2 - 1),
    ],
)
def test_gain_is_the_negentropy(draw, truth):
    y = standardized(getattr(np.random.default_rng(0), draw)(size=(20, 1, 10_000)))
    gain = marginal_gain(y, argsort(y))
    assert gain.exceeds_chance(1e-4).all()
    assert gain.value.mean() == pytest.approx(truth, rel=0.05)


def test_gain_of_gaussian_samples_has_no_bias():
    y = standardized(np.random.default_rng(3).standard_normal((2000, 2, 300)))
    gain = marginal_gain(y, argsort(y)).value
    assert abs(gain.mean()) < 0.003


def test_sharp_structure_is_measured_on_finer_bins():
    smooth = standardized(np.random.default_rng(0).standard_normal((1, 1, 5000)))
    sharp = standardized(np.round(3 * smooth) / 3 + 1e-3 * smooth)
    gains = [marginal_gain(y, argsort(y)) for y in (smooth, sharp)]
    assert gains[1].resolution > gains[0].resolution


@pytest.mark.parametrize("n", [1, 10, 40, 1000, 100_000])
def test_resolutions_nest_and_leave_no_bin_empty(n):
    edges = resolutions(max(n, 8))
    for coarse, fine in pairwise(edges):
        assert len(fine) > len(coarse)
    assert all(np.diff(e).min() >= 1 for e in edges)
    assert all(e[0] == 0 and e[-1] == max(n, 8) + 1 for e in edges)
