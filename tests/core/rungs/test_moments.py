import numpy as np
import pytest

from tests.conftest import normal_scores_of, red, samples
from xrbig.core.place import Place
from xrbig.core.rungs.moments import hermite, pairs_and_triples, values_of_pairs, waves
from xrbig.core.tuning import TUNING
from xrbig.core.weights import share_of_best
from xrbig.distributions import Product, Regression


def found(x):
    z = normal_scores_of(x)
    return pairs_and_triples(z, Place.in_turn(*np.array(z.shape)[[0, 2]]).autocorrelation(z))


def shares(x):
    own = found(x)
    return share_of_best(own.score, own.tests)


def test_hermite_polynomials_are_orthonormal_on_normal_scores():
    h = hermite(normal_scores_of(np.random.default_rng(0).standard_normal((1, 1, 5000))))[0, 0]
    np.testing.assert_allclose(h.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(h @ h.T / 5000, np.eye(3), atol=0.03)


def test_waves_are_orthonormal_and_follow_the_ranks():
    x = np.random.default_rng(0).standard_normal((1, 2, 400))
    w = waves(x)[0]
    for own in w:
        np.testing.assert_allclose(own @ own.T / 400, np.eye(8), atol=1e-9)
    np.testing.assert_array_equal(waves(np.exp(x))[0], w)
    assert (np.diff(w[0, 0, np.argsort(x[0, 0])]) < 0).all()


@pytest.mark.parametrize(("features", "phi"), [(2, 0), (5, 0), (2, 0.9), (4, 0.7)])
def test_chance_is_found_as_seldom_as_stated(features, phi):
    own = found(red((200, features, 500), phi))
    surprising = (share_of_best(own.score, own.tests) > 0).any(axis=1).mean()
    assert surprising < 2 * TUNING.by_chance[0]
    assert own.score.std() < 1.2
    assert -0.008 * phi - 0.001 < own.value.mean() < 0.001  # of memory rather too much is taken off


def test_scores_of_chance_are_about_normal():
    score = found(red((400, 2, 800), 0)).score.ravel()
    assert score.mean() == pytest.approx(1.03, abs=0.35)  # that of the best of four
    assert 0.5 < score.std() < 1.1
    assert found(red((400, 2, 800), 0.8)).score.mean() < score.mean()


WEAK = {
    "parabola": Regression(np.square, 4.0),
    "line": Regression(lambda x: x, 3.0),
    "three periods": Regression(lambda x: np.sin(3 * x), 1.5),
}


@pytest.mark.parametrize("name", ["parabola", "three periods"])
def test_weak_dependence_is_found(name):
    x = samples(WEAK[name], 1000, cells=20)
    assert shares(x).max(axis=1).mean() > 0.9
    assert shares(np.stack([x[:, 0], np.roll(x[:, 1], 1, axis=1)], axis=1)).max(axis=1).mean() < 0.1


def test_weak_products_of_three_are_found():
    x = samples(Product(2.0), 1000, cells=10)
    own = found(x)
    assert own.sets == [(0, 1), (0, 2), (1, 2), (0, 1, 2)]
    counts = share_of_best(own.score, own.tests)
    assert counts[:, 3].mean() > 0.9
    assert counts[:, 0].mean() < 0.1
    assert own.value[:, 3].mean() == pytest.approx(Product(2.0).total_correlation(), rel=0.3)


@pytest.mark.parametrize("noise", [2.0, 3.0, 5.0])
def test_harmonics_do_not_count_twice(noise):
    """A parabola has a moment of x^2 with y, which implies others, of x^2 with y^2 the first of them."""
    parabola = Regression(np.square, noise)
    value = found(samples(parabola, 4000, cells=10)).value.mean()
    assert value == pytest.approx(parabola.total_correlation(), rel=0.2)
    assert value < 1.1 * parabola.total_correlation()


def test_values_of_pairs_count_correlations_too():
    x = np.concatenate([samples(WEAK["line"], 2000, cells=10), samples(WEAK["parabola"], 2000, cells=20)[10:]], axis=1)
    z = normal_scores_of(x)
    r = Place.in_turn(10, 2000).autocorrelation(z)
    value = values_of_pairs(z, r).mean(axis=0)
    assert value[0] == pytest.approx(WEAK["line"].total_correlation(), rel=0.15)
    assert value[5] > 0.8 * WEAK["parabola"].total_correlation()
    np.testing.assert_allclose(value[1:5], 0, atol=0.003)


def test_more_features_than_triples_are_looked_at():
    own = found(np.random.default_rng(0).standard_normal((1, 31, 100)))
    assert len(own.sets) == 31 * 30 // 2
    assert own.value.shape == own.score.shape == own.worth.shape == (1, 465)


def test_sharp_waves_are_worth_more_than_their_moments_tell():
    x = samples(Regression(lambda x: np.sin(6 * x), 0.7), 1000, cells=5)
    own = found(x)
    assert (own.worth >= own.value).all()
    assert own.worth.mean() > own.value.mean() + 0.05
