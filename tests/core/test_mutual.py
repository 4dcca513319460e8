import numpy as np
import pytest
import xarray as xr

from tests.conftest import ar, bump, red, samples
from xrbig import RBIG
from xrbig.core.family import conditional_mutual_information
from xrbig.core.information import mutual_information, total_correlation
from xrbig.distributions import (
    Chain,
    Clayton,
    Distribution,
    GaussianMixture,
    GroupMaps,
    Independent,
    NoisyCircle,
    Normal,
    Product,
    Regression,
    Ring,
    StudentT,
    weak_kinds,
)


def i_of(x, split):
    return mutual_information(x, split, RBIG()).value


def given(x, first, second, known):
    return conditional_mutual_information(x, (first, second, known), RBIG()).value


GROUPS: dict[str, tuple[Distribution, int]] = {
    "normal": (Normal(ar(10)), 5),
    "t": (StudentT(np.eye(4), 3), 2),
    "Clayton": (Clayton(5, 2), 2),
    "product": (Product(0.3), 2),
    "chain": (Chain(5, bump, 0.4), 2),
    "clusters": (GaussianMixture.random(5, components=3, distance=2, seed=5), 2),
}


@pytest.mark.parametrize("name", GROUPS)
def test_i_of_groups(name):
    distribution, split = GROUPS[name]
    truth = distribution.mutual_information(split)
    assert i_of(samples(distribution, 2000, cells=2), split).mean() == pytest.approx(truth, rel=0.15, abs=0.03)


SINGULAR: dict[str, GroupMaps] = {
    "parabola": GroupMaps(Normal(np.array([[1, 1], [1, 1.25]])), 1, lambda a: np.concatenate([a, a**2])),
    "same twice": GroupMaps(Normal(np.array([[1, 1], [1, 1.25]])), 1, lambda a: np.concatenate([a, np.exp(a)])),
    "circle": GroupMaps(NoisyCircle(0.3), 1, lambda t: np.concatenate([np.cos(t), np.sin(t)])),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_i_of_groups_that_lie_on_a_curve(name):
    groups = SINGULAR[name]
    value = i_of(samples(groups, 2000, cells=2), groups.split)
    assert value.mean() == pytest.approx(groups.mutual_information(groups.split), rel=0.1)


INDEPENDENT: dict[str, Independent] = {
    "rings": Independent([Ring(2, 1, 0.1), Ring(2, 1, 0.15)]),
    "clusters": Independent([GaussianMixture.random(3, 3, 2, seed) for seed in (1, 2)]),
    "t and Clayton": Independent([StudentT(np.eye(5), 2), Clayton(5, 2)]),
    "parabola and chain": Independent([Regression(np.square, 0.5), Chain(3, bump, 0.4)]),
}


@pytest.mark.parametrize("name", INDEPENDENT)
def test_independent_groups_share_nothing_whatever_they_hold(name):
    groups = INDEPENDENT[name]
    value = i_of(samples(groups, 1000, cells=6), groups.parts[0].features)
    assert abs(value.mean()) <= 0.005 + 2 * value.std() / np.sqrt(len(value))


INNER = {
    "parabola": lambda a, b, e: [a, a**2 + 0.3 * e],
    "ring": lambda a, b, e: [np.cos(3 * a) + 0.1 * b, np.sin(3 * a) + 0.1 * e],
    "product": lambda a, b, e: [a, b, a * b + 0.3 * e],
    "clusters": lambda a, b, e: [3 * np.sign(a) + b, 3 * np.sign(a) + e],
}


@pytest.mark.parametrize("n", [200, 744])
@pytest.mark.parametrize("name", INNER)
def test_inner_structure_beside_an_independent_feature_shares_nothing(name, n):
    a, b, e, z = np.random.default_rng(1).standard_normal((4, 6000 // n, n))
    rows = INNER[name](a, b, e)
    value = i_of(np.stack([*rows, z], axis=1), len(rows))
    assert abs(value.mean()) <= 0.005 + 2 * value.std() / np.sqrt(len(value))
    assert value.min() >= -0.03


@pytest.mark.parametrize("n", [200, 744])
def test_common_drivers_share_nothing_given_these(n):
    z, a, b = np.random.default_rng(2).standard_normal((3, 10, n))
    x = np.stack([z**2 + 0.4 * a, np.cos(2 * z) + 0.4 * b, z], axis=1)
    assert i_of(x[:, :2], 1).mean() > 0.1
    assert abs(given(x, [0], [1], [2]).mean()) <= 0.005


def test_what_two_share_beside_common_drivers_is_found():
    z, a, b = np.random.default_rng(3).standard_normal((3, 6, 1000))
    x = np.stack([z**2 + a, z**2 + 0.6 * a + 0.8 * b, z], axis=1)
    assert given(x, [0], [1], [2]).mean() == pytest.approx(-np.log(1 - 0.36) / 2, abs=0.02)


def test_what_depends_on_the_condition_by_its_sign_is_found():
    z, x, e = np.random.default_rng(4).standard_normal((3, 4, 1000))
    rows = np.stack([x, x * z + 0.3 * e, z], axis=1)
    truth = 0.905  # mean of log(1 + z^2 / 0.09) / 2
    assert given(rows, [0], [1], [2]).mean() == pytest.approx(truth, rel=0.2)


def test_what_is_found_beside_inner_structure_is_what_is_there():
    a, e, b = np.random.default_rng(5).standard_normal((3, 4, 2000))
    x = np.stack([a, a**2 + 0.3 * e, 0.8 * a + 0.6 * b], axis=1)
    assert i_of(x, 2).mean() == pytest.approx(-np.log(1 - 0.64) / 2, rel=0.04)


RELATED = {
    "difference": lambda a, b: a - b,
    "sum of another unit": lambda a, b: 1000 * a + 3 * b + 273.15,
    "copy": lambda a, b: -np.exp(b),
    "copy in float32": lambda a, b: (1e-3 * a).astype(np.float32),
}


@pytest.mark.parametrize("name", RELATED)
def test_a_feature_that_others_determine_adds_nothing_to_its_group(name):
    a, b, c, e, f = np.random.default_rng(6).standard_normal((5, 2, 400)).astype(np.float32).astype(float)
    y = a + b**2 / 2 + c + e
    group = np.stack([a, b, RELATED[name](a, b), c], axis=1)
    x = np.concatenate([group, y[:, None]], axis=1)
    with_it = i_of(x, 4)
    without = [i_of(np.delete(x, gone, axis=1), 3) for gone in range(3)]  # which one it leaves out is its choice
    assert (np.stack(without) == with_it).any(axis=0).all()
    x[:, 4] = f  # what has nothing to do with the group
    assert np.abs(i_of(x, 4)).max() < 0.02


def test_an_exact_copy_adds_nothing_bit_for_bit():
    a, b, e = np.random.default_rng(7).standard_normal((3, 2, 300))
    y = a * b + 0.5 * e
    alone, other = (i_of(np.stack([a, own, y], axis=1), 2) for own in (b, 2 * b + 1))
    np.testing.assert_array_equal(i_of(np.stack([a, b, np.exp(a), y], axis=1), 3), alone)
    both = i_of(np.stack([a, 2 * b + 1, b, y], axis=1), 3)  # which one it leaves out is its choice
    assert ((both == alone) | (both == other)).all()


def test_a_relation_across_the_groups_is_infinite():
    a, b, c = np.random.default_rng(8).standard_normal((3, 1, 300))
    across = mutual_information(np.stack([a, b, c, a - b], axis=1), 3, RBIG())
    assert np.isposinf(across.value).all()
    assert not across.converged.any()
    assert np.isfinite(given(np.stack([a, c, b, a - b], axis=1), [0], [1], [2, 3])).all()


def test_the_season_as_cosine_and_sine_explains_no_series():
    phase = 2 * np.pi * np.arange(730) / 365.25
    x = red((6, 4, 730), 0.5)
    x[:, 2:] = np.cos(phase), np.sin(phase)
    x[:, :2] += 1.5 * x[:, 2:3]
    assert i_of(x[:, :2], 1).mean() > 0.1
    assert abs(given(x, [0], [1], [2, 3]).mean()) < 0.01


@pytest.mark.parametrize("dummies", [1, 4])
def test_features_that_say_nothing_change_little(dummies):
    rng = np.random.default_rng(9)
    a, e = rng.standard_normal((2, 3, 1000))
    d, y = rng.standard_normal((3, dummies, 1000)), np.sin(3 * a) + 0.3 * e
    alone = i_of(np.stack([a, y], axis=1), 1).mean()
    assert alone == pytest.approx(0.86, rel=0.1)
    assert i_of(np.concatenate([a[:, None], d, y[:, None]], axis=1), 1 + dummies).mean() == pytest.approx(
        alone, rel=0.05
    )


def test_another_feature_takes_nothing_away():
    rng = np.random.default_rng(10)
    a, b, c, e = rng.standard_normal((4, 6, 500))
    for y, w in ((0.5 * a + e, c), (a**2 / 2 + e, c), (a + e, a**2 + 0.3 * b), (a * b + e, b)):
        both, one = i_of(np.stack([a, y, w], axis=1), 1), i_of(np.stack([a, y], axis=1), 1)
        assert both.mean() >= one.mean() - 0.02
        assert (both >= one - 0.04).all()


@pytest.mark.parametrize("phi", [0, 0.9])
@pytest.mark.parametrize("split", [1, 2])
def test_i_is_hardly_negative(phi, split):
    value = mutual_information(red((8, 3, 400), phi, seed=split), split, RBIG(), std_error=True)
    assert value.value.mean() >= -0.005
    assert (value.value >= -0.005 - 2 * value.std_error).all()


@pytest.mark.parametrize("name", ["fast sine D=2", "switch D=3", "hidden driver D=5"])
def test_weak_dependence_is_found(name):
    kind = weak_kinds()[name]
    found = total_correlation(samples(kind, 744, cells=6), RBIG()).value.mean()
    assert 0.7 * kind.total_correlation() < found < 1.2 * kind.total_correlation()


def test_i_is_symmetric_bit_for_bit():
    chain = samples(Chain(5, bump, 0.4), 400, cells=2)
    ds = xr.Dataset({name: (("cell", "time"), chain[:, d]) for d, name in enumerate("edacb")})
    left = ds.rbig.mutual_information(["e", "c"], ["d", "a", "b"], sample_dim="time")
    right = ds.rbig.mutual_information(["b", "a", "d"], ["c", "e"], sample_dim="time")
    np.testing.assert_array_equal(left, right)


def test_i_of_two_single_features_is_their_t():
    x = samples(Ring(2, 1, 0.1), 500, cells=3)
    np.testing.assert_array_equal(i_of(x, 1), total_correlation(x, RBIG()).value)
