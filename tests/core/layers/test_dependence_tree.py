import numpy as np
import pytest

from tests.conftest import bump, normal_scores_of
from xrbig.core.layers.dependence_tree import chow_liu_tree, pairwise_information
from xrbig.distributions import Chain, Regression

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


def test_pairwise_information_is_near_the_true_one_and_0_without_any():
    pair = Regression(np.square, 1.0)
    z = np.concatenate([pair.sample(4000, seed=0), np.random.default_rng(1).standard_normal((10, 4000))])
    information = pairwise_information(normal_scores_of(z[None])[0], SIGNIFICANCE)
    np.testing.assert_allclose(information, information.T, atol=1e-6)
    assert 0.7 * pair.total_correlation() < information[0, 1] < 1.15 * pair.total_correlation()
    information[0, 1] = information[1, 0] = 0
    assert not information.any()
