import numpy as np
import pytest

from tests.conftest import normal_scores_of, red, samples
from xrbig.core.place import Place, times
from xrbig.core.rungs.tilt import Tilt, cross_moments, dictionary
from xrbig.core.tuning import TUNING
from xrbig.distributions import Regression

N = 1000


def memory(a, b):
    place = Place.in_turn(1, a.shape[1])
    return times(place.autocorrelation(a[None]), place.autocorrelation(b[None]))[0]


def between(x, split, ratio=None):
    """Mean information (cell,) of the first features and the others."""
    z = normal_scores_of(x)
    return np.array([cross_moments(own[:split], own[split:], memory, ratio).terms.mean() for own in z])


def test_functions_are_nearly_orthonormal():
    u = normal_scores_of(np.random.default_rng(0).standard_normal((1, 3, 4000)))[0]
    blocks = dictionary(u, 4000)
    assert [len(block) for block in blocks] == [3, 3, 3, 3]
    whole = np.concatenate(blocks)
    np.testing.assert_allclose(whole @ whole.T / 4000, np.eye(12), atol=0.05)


def test_functions_are_as_many_as_samples_can_tell():
    u = np.random.default_rng(0).standard_normal((10, 300))
    assert sum(map(len, dictionary(u, 300))) <= 300 / TUNING.samples_per_moment
    assert [len(block) for block in dictionary(u, 40)] == [10]


INNER = {
    "parabola": lambda a, e: [a, a**2 + 0.3 * e],
    "exact parabola": lambda a, e: [a, a**2],
    "ring": lambda a, e: [np.cos(3 * a) + 0.1 * e, np.sin(3 * a)],
    "copy": lambda a, e: [a, np.exp(a) + 0.01 * e],
}


@pytest.mark.parametrize("n", [200, 1000])
@pytest.mark.parametrize("name", INNER)
def test_inner_structure_shares_nothing(name, n):
    a, e, z = np.random.default_rng(0).standard_normal((3, 60, n))
    x = np.stack([*INNER[name](a, e), z], axis=1)
    value = between(x, 2)
    assert abs(value.mean()) < 0.004
    assert np.abs(value).max() < 0.06


@pytest.mark.parametrize("phi", [0.7, 0.9])
def test_memory_shares_nothing(phi):
    assert abs(between(red((30, 3, N), phi), 2).mean()) < 0.004


@pytest.mark.parametrize(
    ("curve", "noise"), [(np.square, 4.0), (np.square, 8.0), (lambda x: x**3 - 3 * x, 8.0)], ids=["1", "2", "cube"]
)
def test_weak_moments_tell_what_is_shared(curve, noise):
    weak = Regression(curve, noise)
    value = between(samples(weak, 2000, cells=10), 1).mean()
    assert 0.65 * weak.total_correlation() < value < 1.15 * weak.total_correlation()


RHO = 0.6


def gaussian(x, y):
    """Log-density ratio of a Gaussian copula at any two samples."""

    def ratio(i, j):
        a, b = x[i][:, None], y[j]
        whole = (a**2 - 2 * RHO * a * b + b**2) / (1 - RHO**2)
        return (-np.log(1 - RHO**2) - whole + a**2 + b**2) / 2

    return ratio


def test_beyond_a_ratio_that_tells_all_there_is_nothing():
    a, b = np.random.default_rng(0).standard_normal((2, 10, N))
    pairs = [np.stack([own, RHO * own + 0.8 * other]) for own, other in zip(a, b, strict=True)]
    found = [cross_moments(x[:1], x[1:], memory, gaussian(*x)) for x in pairs]
    assert all(own.trusted for own in found)
    assert abs(np.mean([own.terms.mean() for own in found])) < 0.004


def test_a_ratio_that_no_samples_normalise_is_not_trusted():
    x = np.random.default_rng(0).standard_normal((2, N))
    found = cross_moments(x[:1], x[1:], memory, lambda i, j: -1e4 * (x[0, i][:, None] - x[0, j]) ** 2)
    assert not found.trusted
    assert not found.terms.any()


def test_the_tilt_has_the_margins_of_the_samples_and_the_moments_asked_for():
    rng = np.random.default_rng(0)
    x, e = rng.standard_normal((2, 1, 350))
    y = x**2 / 2 + e
    a, b = (np.concatenate(dictionary(side, 350)) for side in (x, y))
    tilt, wanted = Tilt((x, y), (a, b), None), a @ b.T / 350
    before = np.abs(tilt.moments()[0] - wanted).max()
    for _ in range(6):
        tilt.add((wanted - tilt.moments()[0]) / tilt.moments()[1], wanted)
    rows = tilt._density * tilt._u[:, None] * tilt._v
    np.testing.assert_allclose(tilt._p @ rows, 1, atol=1e-3)
    assert tilt._p @ np.abs(rows @ tilt._q - 1) < 0.01
    assert np.abs(tilt.moments()[0] - wanted).max() < 0.4 * before
    assert tilt.terms().mean() > 0.1
