import numpy as np
import pytest

from tests.conftest import ar, normal_scores_of, red, samples
from xrbig.core.between import between
from xrbig.core.place import Place
from xrbig.distributions import Normal, Ring, StudentT


def found(x, split):
    """Estimates (cell,) of I of the first features and the others."""
    z = normal_scores_of(x)
    lie = Place.in_turn(1, z.shape[2])
    return [between(own[:split], own[split:], lie) for own in z]


def value(x, split):
    return np.array([own.terms.mean() for own in found(x, split)])


@pytest.mark.parametrize(
    ("distribution", "split"),
    [(Normal(ar(5, 0.7)), 2), (StudentT(np.eye(4), 2), 2), (StudentT(ar(3, 0.5), 4), 2), (Ring(3, 1, 0.1), 2)],
    ids=["normal", "t", "t and one", "shell"],
)
def test_i_of_groups(distribution, split):
    truth = distribution.mutual_information(split)
    assert value(samples(distribution, 1500, cells=4), split).mean() == pytest.approx(truth, rel=0.15)


def test_terms_are_the_log_density_ratios_of_the_samples():
    normal = Normal(ar(4, 0.7))
    x = normal.sample(1000, seed=0)
    log_ratio = normal.oracle(x) - Normal(ar(2, 0.7)).oracle(x[:2]) - Normal(ar(2, 0.7)).oracle(x[2:])
    assert np.corrcoef(found(x[None], 2)[0].terms, log_ratio)[0, 1] > 0.95


@pytest.mark.parametrize("n", [200, 744])
def test_inner_structure_shares_nothing(n):
    a, b, e, f = np.random.default_rng(0).standard_normal((4, 20, n))
    x = np.stack([a, a**2 + 0.3 * e, np.cos(3 * b), np.sin(3 * b) + 0.1 * f], axis=1)
    for split, rows in ((2, x), (2, x[:, [0, 1, 3]])):
        assert abs(value(rows, split).mean()) <= 0.006


def test_what_is_shared_beside_inner_structure_is_found():
    a, e, b = np.random.default_rng(1).standard_normal((3, 4, 1500))
    alone = value(np.stack([a, a**2 / 2 + b], axis=1), 1).mean()
    beside = value(np.stack([a, a**2 + 0.3 * e, a**2 / 2 + b], axis=1), 2).mean()
    assert alone > 0.12
    assert beside == pytest.approx(alone, rel=0.25)


@pytest.mark.parametrize("phi", [0, 0.9])
def test_memory_leaves_fewer_samples_and_shares_nothing(phi):
    x = red((12, 3, 744), phi)
    both = found(x, 2)
    assert np.mean([own.effective for own in both]) == pytest.approx(744 * (1 - phi**2) / (1 + phi**2), rel=0.25)
    assert abs(np.mean([own.terms.mean() for own in both])) <= 0.006


def test_groups_may_be_exchanged():
    x = normal_scores_of(samples(StudentT(ar(4, 0.5), 4), 500, cells=1))[0]
    lie = Place.in_turn(1, 500)
    one, other = between(x[:2], x[2:], lie), between(x[2:], x[:2], lie)
    assert one.terms.mean() == pytest.approx(other.terms.mean(), abs=0.01)
