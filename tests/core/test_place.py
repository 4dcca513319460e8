import numpy as np
import pytest
from scipy.signal import lfilter

from tests.conftest import red
from xrbig.core.place import Grid, Place, alternating, times, times_beyond


def directly(row, shape, flat, lag):
    """Sum of the products of all samples so far apart, over the sum of squares."""
    row = row - row.mean()
    where = {tuple(own): value for own, value in zip(np.stack(np.unravel_index(flat, shape), axis=1), row, strict=True)}
    products = [value * where.get(tuple(np.add(own, lag)), 0.0) for own, value in where.items()]
    return sum(products) / (row @ row)


def lags_of(shape, number):
    """The lags nearest to 0 of half of the space, as (length, lag)."""
    axes = np.meshgrid(*(np.arange(-(extent // 2), extent // 2 + 1) for extent in shape), indexing="ij")
    lags = np.stack([axis.ravel() for axis in axes], axis=1)
    half = [lag for lag in lags.tolist() if lag >= [0] * len(shape)]
    return sorted(half, key=lambda lag: sum(own**2 for own in lag))[:number]


@pytest.mark.parametrize("gaps", [0, 17])
@pytest.mark.parametrize("shape", [(96,), (12, 9), (4, 5, 6)])
def test_autocorrelation_is_that_of_a_direct_computation(shape, gaps):
    rng, size = np.random.default_rng(gaps), int(np.prod(shape))
    flat = np.sort(rng.permutation(size)[: size - gaps])
    x = rng.standard_normal((1, 2, size - gaps)).cumsum(axis=-1)
    found = Place(shape, flat[None]).autocorrelation(x)[0]
    lags = lags_of(shape, found.shape[1])
    assert found.shape[1] > 4
    for row, own in zip(x[0], found, strict=True):
        expected = np.array([directly(row, shape, flat, lag) for lag in lags])
        distance = np.array([sum(own**2 for own in lag) for lag in lags])
        for far in np.unique(distance[distance < distance.max()]):  # lags equally far are in any order
            np.testing.assert_allclose(np.sort(own[distance == far]), np.sort(expected[distance == far]), atol=1e-12)


def test_autocorrelation_of_a_cell_is_that_of_the_cell_alone():
    x = red((3, 2, 200), 0.5)
    together = Place.in_turn(3, 200)
    np.testing.assert_array_equal(together.autocorrelation(x)[[1]], together.at(slice(1, 2)).autocorrelation(x[[1]]))


@pytest.mark.parametrize("phi", [0, 0.7, 0.9])
def test_times_tell_the_variance_of_mean_products(phi):
    x = red((500, 2, 1000), phi)
    r = Place.in_turn(500, 1000).autocorrelation(x)
    found = times(r, r)[:, 0, 1].mean()
    variance = (x[:, 0] * x[:, 1]).mean(axis=1).var() * 1000
    assert found == pytest.approx((1 + phi**2) / (1 - phi**2), rel=0.1)
    assert found == pytest.approx(variance, rel=0.2)


@pytest.mark.parametrize("phi", [0.7, 0.9])
def test_times_beyond_tell_that_of_products_with_squares(phi):
    x = red((500, 2, 1000), phi)
    r = Place.in_turn(500, 1000).autocorrelation(x)
    found = times_beyond(r, r)[:, 0, 1].mean()
    variance = ((x[:, 0] ** 2 - 1) * x[:, 1]).mean(axis=1).var() * 1000 / 2
    assert found == pytest.approx((1 + phi**3) / (1 - phi**3), rel=0.15)
    assert found == pytest.approx(variance, rel=0.2)


def field(cells, shape, phi, seed=0):
    """Two independent fields, AR(1) along either dimension."""
    noise = np.random.default_rng(seed).standard_normal((cells, 2, shape[0] + 60, shape[1] + 60))
    for axis in (2, 3):
        noise = lfilter([np.sqrt(1 - phi**2)], [1, -phi], noise, axis=axis)
    return np.asarray(noise[:, :, 60:, 60:])


def test_times_of_fields():
    x = field(100, (40, 50), 0.7)
    rows = x.reshape(100, 2, -1)
    r = Place((40, 50), np.broadcast_to(np.arange(2000), (100, 2000))).autocorrelation(rows)
    variance = (rows[:, 0] * rows[:, 1]).mean(axis=1).var() * 2000
    assert variance > 5
    assert times(r, r)[:, 0, 1].mean() == pytest.approx(variance, rel=0.3)


def test_times_are_one_at_least():
    x = np.where(np.arange(200) % 2, 1.0, -1.0) + 0.1 * np.random.default_rng(0).standard_normal((1, 2, 200))
    r = Place.in_turn(1, 200).autocorrelation(np.abs(x))
    assert (times(r, r) >= 1).all()


@pytest.mark.parametrize("period", [12, 24])
def test_a_cycle_that_does_not_fade_is_left_out(period):
    n, noise = 960, red((20, 2, 960), 0.3)
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, (20, 2, 1))
    cycle = 1.5 * np.sin(2 * np.pi * np.arange(n) / period + phase)
    lie = Place.in_turn(20, n)
    plain, with_cycle = (lie.memory(x) for x in (noise, noise + cycle))
    found = times(with_cycle, with_cycle)[:, 0, 1].mean()
    assert found == pytest.approx(times(plain, plain)[:, 0, 1].mean(), abs=0.5)
    assert np.abs(with_cycle[..., period * 2]).mean() < 0.1
    r = lie.autocorrelation(noise + cycle)
    assert r[..., period * 2].mean() > 0.4
    assert times(r, r)[:, 0, 1].mean() > 3 * found


def test_constant_features_have_no_autocorrelation():
    assert not Place.in_turn(1, 100).autocorrelation(np.ones((1, 1, 100))).any()


@pytest.mark.parametrize("time", [1.0, 4.0, 30.0])
@pytest.mark.parametrize("n", [300, 744, 5000])
def test_folds_are_blocks_of_equal_size(n, time):
    fold = Place.in_turn(1, n).folds(0, 4, time)
    borders = np.flatnonzero(np.diff(fold)) + 1
    block = borders[0]
    assert (borders % block == 0).all()
    assert block & (block - 1) == 0
    size = np.bincount(fold, minlength=4)
    assert size.max() - size.min() <= block
    assert size.min() > 0


@pytest.mark.parametrize("shape", [(40, 50), (16, 120)])
def test_folds_of_a_field_are_blocks_in_turn_along_both_dimensions(shape):
    fold = Place(shape, np.arange(np.prod(shape))[None]).folds(0, 4, 9.0).reshape(shape)
    size = np.bincount(fold.ravel(), minlength=4)
    assert size.min() > 0.7 * size.max()
    for axis in (0, 1):
        changes = np.diff(fold, axis=axis).any(axis=1 - axis)
        block = int(np.flatnonzero(changes)[0]) + 1
        assert block > 1
        assert block & (block - 1) == 0
        assert ((np.flatnonzero(changes) + 1) % block == 0).all()


def test_a_few_samples_less_move_no_fold():
    whole = Place.in_turn(1, 744).folds(0, 4, 3.0)
    np.testing.assert_array_equal(Place.in_turn(1, 737).folds(0, 4, 3.0), whole[:737])
    gone = np.random.default_rng(0).permutation(744)[:7]
    kept = np.delete(np.arange(744), gone)
    np.testing.assert_array_equal(Place((744,), kept[None]).folds(0, 4, 3.0), whole[kept])


def test_places_of_complete_samples():
    complete = np.ones((2, 12), dtype=bool)
    complete[0, 2], complete[1, 7] = False, False
    lie = Grid((3, 4)).place(complete)
    assert lie.shape == (3, 4)
    assert lie.flat.tolist() == [[i for i in range(12) if i != gone] for gone in (2, 7)]
    np.testing.assert_array_equal(lie.coordinates(1)[:, 6:8], [[1, 2], [2, 0]])
    np.testing.assert_array_equal(lie.at([1]).flat, lie.flat[[1]])


def test_places_of_some_samples_and_cells():
    some = Grid((6,)).of(np.array([[0, 2, 4], [1, 3, 5]]))
    np.testing.assert_array_equal(some.place(np.ones((2, 3), dtype=bool)).flat, [[0, 2, 4], [1, 3, 5]])
    np.testing.assert_array_equal(some.at(np.array([1])).place(np.ones((1, 3), dtype=bool)).flat, [[1, 3, 5]])
    again = Grid((9,), np.array([1, 4, 8])).of(np.array([[0, 2], [1, 2]]))
    np.testing.assert_array_equal(again.place(np.ones((2, 2), dtype=bool)).flat, [[1, 8], [4, 8]])


@pytest.mark.parametrize("n", [101, 744])
def test_halves_are_stretches_in_turn(n):
    sequence = alternating(n)
    assert sorted(sequence) == list(range(n))
    half = np.empty(n, dtype=int)
    half[sequence[::2]], half[sequence[1::2]] = 0, 1
    assert 16 <= np.count_nonzero(np.diff(half)) <= 64
