import numpy as np
import pytest

from tests.conftest import samples
from xrbig.core import neighbours
from xrbig.distributions import Normal, Product, Ring

PAIR = Normal(np.array([[1, 0.8], [0.8, 1]]))


def estimates(measure, x):
    found = [measure(cell) for cell in x]
    return np.array([f.value for f in found]), np.array([f.error for f in found])


@pytest.mark.parametrize("features", [2, 3, 5])
def test_independent_features_share_nothing_within_the_stated_error(features):
    value, error = estimates(
        neighbours.total_correlation, np.random.default_rng(features).standard_normal((60, features, 1000))
    )
    assert abs(value.mean()) < 3.5 * value.std() / np.sqrt(60)
    assert 0.7 * value.std() < error.mean() < 1.5 * value.std()


@pytest.mark.parametrize("features", [3, 5])
def test_independent_groups_share_nothing_within_the_stated_error(features):
    x = np.random.default_rng(features).standard_normal((60, features, 1000))
    x[:, 1] = x[:, 0] ** 2 + 0.3 * x[:, 1]
    value, error = estimates(lambda z: neighbours.mutual_information(z, 2), x)
    assert abs(value.mean()) < 3.5 * value.std() / np.sqrt(60)
    assert 0.6 * value.std() < error.mean() < 1.7 * value.std()


@pytest.mark.parametrize("distribution", [PAIR, Ring(2, 1, 0.1), Ring(3, 1, 0.1), Product(0.3)], ids=str)
def test_t_of_few_features(distribution):
    value, _ = estimates(neighbours.total_correlation, samples(distribution, 4000, cells=4))
    assert value.mean() == pytest.approx(distribution.total_correlation(), rel=0.08)


@pytest.mark.parametrize(
    ("distribution", "split"), [(PAIR, 1), (Ring(2, 1, 0.1), 1), (Ring(3, 1, 0.1), 1), (Product(0.3), 2)], ids=str
)
def test_i_of_few_features(distribution, split):
    value, _ = estimates(lambda z: neighbours.mutual_information(z, split), samples(distribution, 4000, cells=4))
    assert value.mean() == pytest.approx(distribution.mutual_information(split), rel=0.1)


def test_i_of_two_features_is_their_t():
    x = PAIR.sample(500, seed=0)
    assert neighbours.mutual_information(x, 1)[:2] == neighbours.total_correlation(x)[:2]


@pytest.mark.parametrize(
    "group", [lambda a: np.stack([a, a**2]), lambda a: np.stack([a, np.exp(a)]), lambda a: np.stack([np.cos(a), a])]
)
def test_i_of_a_group_on_a_curve(group):
    x = samples(PAIR, 4000, cells=3)
    lifted = np.concatenate([np.stack([group(cell[0]) for cell in x]), x[:, 1:]], axis=1)
    value, _ = estimates(lambda z: neighbours.mutual_information(z, 2), lifted)
    assert value.mean() == pytest.approx(PAIR.total_correlation(), rel=0.1)


def test_order_of_features_and_of_groups_does_not_matter():
    x = Product(0.3).sample(1000, seed=0)
    assert neighbours.total_correlation(x[::-1]).value == pytest.approx(neighbours.total_correlation(x).value)
    left, right = neighbours.mutual_information(x, 2), neighbours.mutual_information(x[[2, 0, 1]], 1)
    assert left.value == pytest.approx(right.value)


def test_some_of_many_samples_tell_the_same():
    x = PAIR.sample(50_000, seed=0)
    assert neighbours.total_correlation(x).value == pytest.approx(PAIR.total_correlation(), abs=0.02)


def test_equal_samples_stay_finite():
    x = np.round(PAIR.sample(1000, seed=0))
    assert np.isfinite(neighbours.total_correlation(x).terms()).all()
    assert np.isfinite(neighbours.mutual_information(np.concatenate([x, x]), 2).terms()).all()
