import numpy as np
import pytest
from scipy import stats

from tests.conftest import ar
from xrbig.core.crossfit import Folds, Turn
from xrbig.core.layers import dependence_tree
from xrbig.core.layers.base import apply
from xrbig.core.layers.dependence_tree import Tree
from xrbig.core.layers.elliptical import Copula, Spherical
from xrbig.core.layers.linear import Linear, Rotate
from xrbig.core.layers.margins import Normal as ToNormal
from xrbig.core.layers.margins import bin_numbers, mend
from xrbig.core.layers.mixture import Conditional, Mixtures, Pairs, most_components
from xrbig.core.layers.pair_copulas import PairCopula
from xrbig.distributions import Clayton, GaussianMixture, Independent, Normal, Ring, StudentT

SEED = 0


def mapped(kind, x):
    return apply(kind.fit(x), x)[0]


MARGINS = {
    "normal": stats.norm(),
    "uniform": stats.uniform(),
    "exponential": stats.expon(),
    "lognormal": stats.lognorm(1),
    "t": stats.t(3),
    "Cauchy": stats.cauchy(),
}


@pytest.mark.parametrize("name", MARGINS)
def test_margins_become_normal_also_those_of_new_samples(name):
    x, new = (MARGINS[name].rvs((1, 4000), random_state=seed) for seed in (0, 1))
    (margins,) = ToNormal([16], heavy=True).fit(x)
    z, log_slope = margins.apply(new)
    assert stats.kstest(z[0], "norm").statistic < 0.03
    log_density = log_slope - z[0] ** 2 / 2 - np.log(2 * np.pi) / 2
    loss = np.mean(MARGINS[name].logpdf(new[0]) - log_density)
    assert -0.01 < loss < 0.03


def test_heavy_tails_go_on_as_heavy_tails():
    x = stats.cauchy.rvs(size=(1, 4000), random_state=0)
    (margins,) = ToNormal([16], heavy=True).fit(x)
    far = np.array([[1e3, 1e4, 1e5]])
    z, _ = margins.apply(far)
    np.testing.assert_allclose(z[0], stats.norm.isf(stats.cauchy.sf(far[0])), atol=1)


def test_features_may_be_left_alone():
    x = np.random.default_rng(0).standard_normal((2, 500))
    z = mapped(ToNormal([0, 8], heavy=False), x)
    np.testing.assert_allclose(z[0], x[0], atol=1e-12)
    assert not np.allclose(z[1], x[1], atol=1e-3)


def test_numbers_of_bins_and_of_components_grow_with_the_samples():
    assert bin_numbers(100) == [4, 8]
    assert bin_numbers(10_000)[-1] == 512
    assert most_components(2, 2000)[-1] == 48
    assert most_components(50, 1000) == []


@pytest.mark.parametrize("distribution", [Normal(ar(5)), StudentT(ar(5), 3.0)])
def test_the_elliptical_kinds_leave_independent_normal_features(distribution):
    x = distribution.sample(5000, SEED)
    z = mapped(Spherical(), x)
    np.testing.assert_allclose(np.corrcoef(z), np.eye(5), atol=0.05)
    assert stats.kstest((z**2).sum(axis=0), stats.chi2(5).cdf).statistic < 0.02
    scores = mapped(ToNormal([16] * 5, heavy=True), x)
    z = mapped(Copula(np.inf if isinstance(distribution, Normal) else 4.0), scores)
    assert stats.kstest((z**2).sum(axis=0), stats.chi2(5).cdf).statistic < 0.02


@pytest.mark.parametrize("kind", ["pca", "ica", "random"])
def test_rotations_whiten_and_fits_to_fewer_samples_are_alike(kind):
    x = np.random.default_rng(0).laplace(size=(4, 4000))
    x = Normal(ar(4)).sample(4000, 0) + np.tril(np.ones((4, 4))) @ x
    rotate = Rotate(kind, 2, SEED)
    maps = rotate.fit(x)
    np.testing.assert_allclose(np.cov(mapped(rotate, x)), np.eye(4), atol=1e-2)
    (half,) = rotate.fit(x[:, ::2], maps)
    assert isinstance(half, Linear)
    np.testing.assert_allclose(half.matrix, maps[0].matrix, atol=0.25)
    np.testing.assert_allclose(np.cov(half.apply(x[:, ::2])[0]), np.eye(4), atol=1e-2)


def test_a_mixture_is_as_likely_as_the_true_one():
    ring = GaussianMixture.ring(8, 1.0, 0.15)
    x, new = ring.sample(4000, 0), ring.sample(4000, 1)
    (fitted,) = Mixtures(12, [0, 1]).fit(x)
    log_density = fitted.gains(new)[0] - (new**2).sum(axis=0) / 2 - np.log(2 * np.pi)
    assert np.mean(ring.log_density(new) - log_density) == pytest.approx(0, abs=0.03)


def test_between_clusters_a_mixture_can_be_inverted():
    clusters = np.repeat([[-1.0], [1.0]], 500, axis=0).reshape(1, -1)
    x = np.concatenate([clusters, clusters]) + 0.02 * np.random.default_rng(0).standard_normal((2, 1000))
    (fitted,) = Mixtures(2, [0]).fit(x)
    line = np.linspace(-3, 3, 61)
    between = np.stack([line, -line])
    np.testing.assert_allclose(fitted.invert(fitted.apply(between)[0]), between, atol=1e-5)  # 100 widths apart


def test_a_tree_maps_children_given_their_parents():
    rng = np.random.default_rng(0)
    a, b, c = rng.standard_normal((3, 4000))
    x = np.stack([a, 0.8 * a + 0.6 * b, 0.6 * (0.8 * a + 0.6 * b) + 0.8 * c])
    z = mapped(Tree([np.array([1, 2]), np.array([0, 1])], [Pairs(2, SEED), Pairs(3, SEED)]), x)
    np.testing.assert_allclose(np.corrcoef(z), np.eye(3), atol=0.05)
    np.testing.assert_array_equal(z[0], x[0])


def vine_of(distribution, n=1000):
    x = distribution.sample(n, SEED)
    start = mend(Folds.of((x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True), np.arange(n)), -1, True)
    return dependence_tree.choose(start.after, Turn(0, False, SEED))


def test_trees_after_the_first_find_what_copulas_share_beyond_pairs():
    clayton = Clayton(5, 2.0)
    vine = vine_of(clayton)
    here = clayton.log_density(clayton.sample(1000, SEED)).mean()
    assert vine.gain == pytest.approx(here, abs=0.05)
    assert len(vine.maps) > 4  # the edges of the first tree


def test_each_edge_is_what_gains_most_by_it():
    ring, copula = Ring(2, 1, 0.1), Clayton(2, 3.0)
    vine = vine_of(Independent([ring, copula]))
    kinds = {frozenset(single.features.tolist()): type(single) for single in vine.maps}
    assert kinds == {frozenset((0, 1)): Conditional, frozenset((2, 3)): PairCopula}


def test_independent_features_have_no_tree_and_raw_ones_none_yet():
    assert vine_of(Normal(np.eye(5))) is None
    folds = Folds.of(Normal(ar(3)).sample(500, SEED), np.arange(500))
    assert dependence_tree.choose(folds, Turn(0, True, SEED)) is None
    assert dependence_tree.choose(folds, Turn(0, False, SEED)) is not None
