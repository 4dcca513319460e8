import numpy as np
import pytest

from tests.conftest import ar, samples
from xrbig.core.cells import is_determined, may_be_determined, with_scores, without_determined
from xrbig.core.place import Place
from xrbig.distributions import Normal

N = 300


def cells_of(x, seed=0):
    return with_scores(np.asarray(x, dtype=np.float64), Place.in_turn(len(x), x.shape[2]), seed)[0]


def rounded(features=4, cells=3):
    """Dependent features with ties in all, of which some are zero most often."""
    x = np.round(2 * samples(Normal(ar(features, 0.5)), N, cells)) / 2
    x[:, ::2] = np.maximum(x[:, ::2], 0)
    return x


@pytest.mark.parametrize("order", [[3, 2, 1, 0], [1, 3, 0, 2]])
def test_rank_and_scores_do_not_depend_on_the_order_of_features(order):
    x = rounded()
    one, other = cells_of(x), cells_of(x[:, order])
    assert (np.sort(one.rank, axis=1) == np.arange(4)).all()
    np.testing.assert_array_equal(other.rank, one.rank[:, order])
    np.testing.assert_array_equal(other.z, one.z[:, order])
    np.testing.assert_array_equal(other.few_ties, one.few_ties[:, order])


@pytest.mark.parametrize("function", [np.exp, lambda x: -(x**3) - x, lambda x: x * 1e-200])
def test_monotone_maps_change_neither_rank_nor_scores(function):
    x = rounded()
    one, other = cells_of(x), cells_of(np.concatenate([function(x[:, :2]), x[:, 2:]], axis=1))
    np.testing.assert_array_equal(other.rank, one.rank)
    np.testing.assert_array_equal(np.abs(other.z).max(axis=2), np.abs(one.z).max(axis=2))
    np.testing.assert_array_equal(other.z[:, 2:], one.z[:, 2:])


def test_growing_maps_change_no_bit_of_the_scores():
    x = rounded()
    np.testing.assert_array_equal(cells_of(np.exp(x)).z, cells_of(x).z)


def test_some_cells_are_those_cells_alone():
    x = rounded()
    together, alone = cells_of(x).at(np.array([2])), cells_of(x[[2]])
    for name in ("x", "z", "rank", "few_ties", "alike"):
        np.testing.assert_array_equal(getattr(together, name), getattr(alone, name))
    np.testing.assert_array_equal(together.order.samples, alone.order.samples)
    np.testing.assert_array_equal(together.place.flat, alone.place.flat)


def test_features_are_taken_by_their_rank():
    cells = cells_of(rounded())
    turn = cells.sorted([0, 2, 3])
    for cell in range(3):
        assert sorted(turn[cell]) == [0, 2, 3]
        assert (np.diff(cells.rank[cell, turn[cell]]) > 0).all()
        np.testing.assert_array_equal(cells.take(cells.z, turn)[cell], cells.z[cell, turn[cell]])


def test_few_and_many_ties():
    x = np.random.default_rng(0).standard_normal((1, 3, 1000))
    x[0, 1, :50], x[0, 2, :150] = 0, 0
    cells, tied = with_scores(x, Place.in_turn(1, 1000), 0)
    np.testing.assert_allclose(tied[0], [0, 0.05, 0.15])
    assert cells.few_ties[0].tolist() == [True, True, False]


def temperatures(rng):
    coldest = 280 + 5 * rng.standard_normal(N)
    warmest = coldest + rng.gamma(4, 2, N)
    return [coldest, warmest, warmest - coldest]


RELATIONS = {
    "difference": temperatures,
    "kelvin and celsius": lambda rng: (lambda t: [t, t - 273.15])(280 + 5 * rng.standard_normal(N)),
    "fractions": lambda rng: list(rng.dirichlet([1, 2, 3], N).T),
    "far from zero": lambda rng: (lambda a, b: [a, b, a + b])(*(101_325 + 500 * rng.standard_normal((2, N)))),
    "other scales": lambda rng: (lambda a, b: [1e-9 * a, 1e9 * b, a + 2 * b])(*rng.standard_normal((2, N))),
    "monotone copy": lambda rng: (lambda a: [a, np.exp(a)])(rng.standard_normal(N)),
    "decreasing copy": lambda rng: (lambda a: [a, -np.cbrt(a)])(rng.standard_normal(N)),
    "copy with ties": lambda rng: (lambda a: [a, a**3])(np.maximum(np.round(rng.standard_normal(N), 1), 0)),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", RELATIONS)
def test_features_that_others_determine_are_found(name, dtype):
    rng = np.random.default_rng(0)
    rows = np.array(RELATIONS[name](rng)).astype(dtype)
    if len(rows) == 3:
        rows[2] = rows[0] + rows[1] if name == "far from zero" else rows[2]
    x = np.concatenate([rows, rng.standard_normal((1, N))])[None]
    cells, everything = cells_of(x), range(len(rows) + 1)
    assert may_be_determined(cells, everything).all()
    for feature in range(len(rows)):
        assert is_determined(cells, feature, [other for other in everything if other != feature])
    assert not is_determined(cells, len(rows), list(range(len(rows))))
    kept = without_determined(cells, list(everything))
    assert len(kept) == len(rows)
    assert len(rows) in kept


@pytest.mark.parametrize("name", RELATIONS)
def test_a_thousandth_of_noise_makes_it_another_feature(name):
    rng = np.random.default_rng(0)
    rows = np.array(RELATIONS[name](rng))
    rows += 1e-3 * rows.std(axis=1, keepdims=True) * rng.standard_normal(rows.shape)
    cells = cells_of(rows[None])
    assert not may_be_determined(cells, range(len(rows))).any()
    assert sorted(without_determined(cells, range(len(rows)))) == list(range(len(rows)))


def test_what_is_left_out_does_not_depend_on_the_order_of_features():
    x = np.array(temperatures(np.random.default_rng(0)))[None]
    kept = without_determined(cells_of(x), [0, 1, 2])
    for order in ([2, 0, 1], [1, 2, 0]):
        other = without_determined(cells_of(x[:, order]), [0, 1, 2])
        assert sorted(order[feature] for feature in other) == sorted(kept)


def test_what_given_features_determine_is_left_out():
    x = np.array(temperatures(np.random.default_rng(0)))[None]
    assert without_determined(cells_of(x), [2], given=[0, 1]) == []
    assert without_determined(cells_of(x), [2], given=[0]) == [2]
    assert without_determined(cells_of(x), []) == []


def test_few_samples_that_vary_lie_on_a_plane_whatever_they_are():
    for varying, found in ((2, False), (300, True)):
        x = np.zeros((1, 3, N))
        x[0, :2, :varying] = np.random.default_rng(0).standard_normal((2, varying))
        x[0, 2] = x[0, 0] - x[0, 1] if found else np.roll(x[0, 0], 1)
        assert may_be_determined(cells_of(x), range(3)).all() == found
        assert len(without_determined(cells_of(x), range(3))) == 3 - found


def test_cells_without_relations_are_told_from_those_with_one():
    x = samples(Normal(ar(3)), N, 4)
    x[1, 2] = x[1, 0] - 2 * x[1, 1]
    x[3, 0] = np.exp(x[3, 2])
    assert may_be_determined(cells_of(x), range(3)).tolist() == [False, True, False, True]
