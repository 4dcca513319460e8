import numpy as np
import pytest

from xrbig.core.resample import Surrogates, Units, half_samples


def indices(surrogates, units, parts):
    return np.concatenate(list(surrogates.indices(units, parts, 7)))


def test_units_hold_the_samples_at_their_place_whatever_the_order_of_dims():
    grid = np.arange(24).reshape(2, 3, 4)
    for axis in range(3):
        units = np.array([[2, 0, 1], [1, 1, 0]]) % grid.shape[axis]
        held = Units(grid.shape, axis).samples(units)
        for row, own in zip(held, units, strict=True):
            np.testing.assert_array_equal(row, np.take(grid, own, axis=axis).ravel())


@pytest.mark.parametrize("parts", [2, 3, 6])
@pytest.mark.parametrize("least", [1, 10])
def test_shifts_keep_the_parts_apart_and_reach_everywhere(parts, least):
    places = indices(Surrogates(500, least, "shift", 0), 200, parts)
    assert (np.sort(places) == np.arange(200)).all()
    assert (places[:, 0] == np.arange(200)).all()
    shifts = places[..., 0]
    for one in range(parts):
        for other in range(one):
            apart = (shifts[:, one] - shifts[:, other]) % 200
            assert np.minimum(apart, 200 - apart).min() >= least
            assert apart.mean() == pytest.approx(100, rel=0.15)
            assert len(np.unique(apart)) > 0.7 * (200 - 2 * least)


def test_two_parts_see_every_shift_about_as_often():
    shifts = indices(Surrogates(199, 1, "shift", 0), 200, 2)[:, 1, 0]
    assert sorted(shifts.tolist()) == list(range(1, 200))


def test_blocks_are_permuted_as_a_whole():
    places = indices(Surrogates(20, 10, "block", 0), 100, 3)
    assert (np.sort(places) == np.arange(100)).all()
    assert (places[:, 0] == np.arange(100)).all()
    jumps = ((np.diff(places[:, 1:], axis=-1) - 1) % 100 != 0).sum(axis=-1)
    assert (jumps <= 10).all()
    assert jumps.mean() > 7


def test_surrogates_depend_on_the_seed_and_the_number_of_units_only():
    draws = [indices(Surrogates(50, 5, m, s), 100, 2) for m in ("shift", "block") for s in (0, 0, 1)]
    for same, again, other in (draws[:3], draws[3:]):
        np.testing.assert_array_equal(same, again)
        assert (same != other).any()


def test_half_samples_are_disjoint_blocks_in_order():
    halves = half_samples(103, 10, pairs=50, seed=0)
    assert halves.shape == (50, 2, 50)
    assert (np.diff(halves, axis=-1) > 0).all()
    for first, second in halves:
        assert not set(first) & set(second)
    assert len({tuple(h[0]) for h in halves}) == 50
