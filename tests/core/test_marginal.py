import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from xrbig.core.marginal import argsort, dither, exact_order, exact_scale, normal_scores, rank_gaussianize, ties


@given(arrays(np.float64, (2, 30), elements=st.floats(-1e6, 1e6, width=32)))
def test_argsort_is_a_stable_sort_of_numbers_apart(x):
    np.testing.assert_array_equal(argsort(x + 0.0), np.argsort(x, axis=-1, kind="stable"))


def scores(x, seed=0):
    return rank_gaussianize(exact_order(x, seed), seed)


def test_scores_are_standardized_ascending_and_antisymmetric():
    for n in (100, 101):
        scores = normal_scores(n, 3, seed=0)
        np.testing.assert_array_equal(scores, -scores[:, ::-1])
        np.testing.assert_allclose(scores.var(axis=1), 1, atol=1e-12)
        assert (np.diff(scores) > 0).all()


def test_equal_ranks_of_two_features_leave_no_exact_zeros():
    x = np.random.default_rng(0).standard_normal((1, 1, 500))
    z = scores(np.concatenate([x, x], axis=1))[0]
    assert (z[0] != z[1]).all()


def test_ranks_of_values_that_differ_in_the_last_bit():
    x = np.nextafter(1.0, 2.0) * np.ones((1, 1, 1000))
    x[0, 0, :500] = 1.0
    z = scores(x)[0, 0]
    assert z[:500].max() < z[500:].min()


def test_scores_do_not_change_under_monotone_maps():
    x = np.random.default_rng(0).standard_normal((2, 3, 200))
    np.testing.assert_array_equal(scores(np.exp(3 * x)), scores(x))


def test_ties_are_dithered_alike_in_all_cells_and_differently_in_all_features():
    x = np.zeros((2, 2, 500))
    x[:, :, 400:] = np.random.default_rng(0).random((2, 2, 100))
    zeros = scores(x)[:, :, :400]
    np.testing.assert_array_equal(zeros[0], zeros[1])
    assert abs(np.corrcoef(zeros[0])[0, 1]) < 0.15
    assert not np.array_equal(scores(x, seed=1), scores(x))
    np.testing.assert_allclose(ties(exact_order(x, 0), 0).fraction, 0.8)


def test_minus_zero_is_zero():
    x = np.array([[[0.0, -0.0] * 50]])
    assert ties(exact_order(x, 0), 0).constant.all()


def test_correlation_of_tied_features_is_that_of_their_values_not_of_the_dither():
    rain = np.maximum(np.random.default_rng(0).standard_normal(500), 0)
    order = exact_order(np.stack([rain, -(rain**3)])[None], seed=0)
    assert ties(order, 0).correlation[0, 0, 1] == pytest.approx(-1, abs=1e-12)
    assert abs(np.corrcoef(rank_gaussianize(order, 0)[0])[0, 1]) < 0.9


def test_dither_is_a_permutation_per_feature():
    sequence = dither(3, 50, seed=4)
    np.testing.assert_array_equal(np.sort(sequence, axis=1), np.tile(np.arange(50), (3, 1)))
    assert len({row.tobytes() for row in sequence}) == 3


SIZES = st.one_of(
    st.floats(-1e-300, 1e-300), st.floats(-1e3, 1e3), st.floats(-1.7e308, 1.7e308), st.floats(1e15, 1.001e15)
)


@given(arrays(np.float64, (2, 20), elements=SIZES))
def test_values_are_brought_near_to_one_without_rounding(x):
    shift, power = exact_scale(x)
    near = np.ldexp(x - shift, -power)
    np.testing.assert_array_equal(np.ldexp(near, power) + shift, x)
    assert np.isfinite(near).all()


@pytest.mark.parametrize("power", [-1000, -300, 300, 1000])
def test_extreme_values_come_near_to_one(power):
    x = np.random.default_rng(0).standard_normal((1, 100))
    shift, found = exact_scale(np.ldexp(x, power))
    assert shift == 0
    assert abs(int(found[0, 0]) - power) < 3


def test_an_offset_is_taken_off():
    x = np.random.default_rng(0).integers(0, 1000, (1, 100)).astype(float)
    shift, power = exact_scale(x + 2.0**50)
    assert (shift, power) == (2.0**50 + x.min(), 0)


@pytest.mark.parametrize("x", [101_325 + np.arange(9.0), 1e-9 * np.arange(9.0), 280 + np.arange(9.0) / 100])
def test_ordinary_values_stay(x):
    shift, power = exact_scale(x[None])
    assert (shift, power) == (0, 0)
