import numpy as np
import pytest

from tests.conftest import bump, normal_scores_of
from xrbig.core.layers.dependence_tree import chow_liu_tree, pairwise_information
from xrbig.core.pairs import pair_layer
from xrbig.distributions import Chain, Normal, Regression, Ring

SIGNIFICANCE, SEED = 1e-4, 0


CHAIN = Chain(6, bump, 0.4)


def scores(distribution, n=2000, seed=0):
    return normal_scores_of(distribution.sample(n, seed)[None])[0]


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [3, 5, 0, 2, 4, 1]])
def test_the_chow_liu_tree_of_a_markov_chain_is_the_chain(order):
    edges = chow_liu_tree(scores(CHAIN)[order], SIGNIFICANCE)
    places = {frozenset((order[parent], order[child])) for parent, child in edges}
    assert places == {frozenset((d, d + 1)) for d in range(5)}
    assert sorted(child for _, child in edges) == sorted(set(range(6)) - {edges[0][0]})


def test_parents_come_before_their_children():
    edges = chow_liu_tree(scores(CHAIN), SIGNIFICANCE)
    known = {edges[0][0]}
    for parent, child in edges:
        assert parent in known
        known.add(child)


def test_gain_of_a_chain_is_its_t():
    for seed in range(3):
        layer = pair_layer(scores(CHAIN, seed=seed), SIGNIFICANCE, SEED)
        assert layer.gain == pytest.approx(CHAIN.total_correlation(), rel=0.08)
        assert layer.unseen.mean() < layer.gain
        assert layer.gain + layer.left == pytest.approx(CHAIN.total_correlation(), rel=0.08)


def test_what_a_chain_leaves_is_white():
    layer = pair_layer(scores(CHAIN), SIGNIFICANCE, SEED)
    y = layer.apply()
    np.testing.assert_allclose(np.corrcoef(y), np.eye(6), atol=0.07)
    np.testing.assert_allclose(np.corrcoef(np.abs(y)), np.eye(6), atol=0.1)
    np.testing.assert_allclose(y.std(axis=1), 1, atol=0.06)


def test_gain_of_a_normal_chain():
    rho = 0.7
    normal = Normal(rho ** np.abs(np.subtract.outer(np.arange(5), np.arange(5))))
    layer = pair_layer(scores(normal), SIGNIFICANCE, SEED)
    assert layer.gain == pytest.approx(normal.total_correlation(), rel=0.08)


def test_independent_features_have_no_layer():
    for x in np.random.default_rng(0).standard_normal((15, 8, 1000)):
        assert pair_layer(normal_scores_of(x[None])[0], SIGNIFICANCE, SEED) is None


def test_only_features_of_a_pair_that_shares_something_are_changed():
    ring, others = Ring(2, 1, 0.1).sample(2000, 0), np.random.default_rng(1).standard_normal((3, 2000))
    z = normal_scores_of(np.concatenate([others[:2], ring, others[2:]])[None])[0]
    layer = pair_layer(z, SIGNIFICANCE, SEED)
    changed = (layer.apply() != z).any(axis=1)
    assert changed[[0, 1, 4]].tolist() == [False] * 3
    assert changed.sum() == 1


def test_pairwise_information_is_near_the_true_one_and_0_without_any():
    pair = Regression(np.square, 1.0)
    z = np.concatenate([pair.sample(4000, seed=0), np.random.default_rng(1).standard_normal((10, 4000))])
    information = pairwise_information(normal_scores_of(z[None])[0], SIGNIFICANCE)
    np.testing.assert_allclose(information, information.T, atol=1e-6)
    assert 0.7 * pair.total_correlation() < information[0, 1] < 1.15 * pair.total_correlation()
    information[0, 1] = information[1, 0] = 0
    assert not information.any()
