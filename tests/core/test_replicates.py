import numpy as np
import pytest

from tests.conftest import ar, red, samples
from xrbig import RBIG
from xrbig.core.information import mutual_information, total_correlation
from xrbig.core.place import Grid
from xrbig.core.replicates import Question, bootstrap, significance
from xrbig.core.resample import Surrogates, Units
from xrbig.distributions import Normal

PLAIN = RBIG(rotation="pca", max_layers=5)


def question(x, split=1, settings=PLAIN, shape=None, axis=0):
    return Question(split, Units(shape or x.shape[2:], axis), settings, None, True)


def p_values(x, split, settings=PLAIN, block=1, method="shift", number=99):
    return significance(x, question(x, split, settings), Surrogates(number, block, method, 0)).p_value


@pytest.mark.parametrize("phi", [0, 0.5, 0.9])
@pytest.mark.parametrize(("features", "split"), [(2, 1), (3, 2), (3, 0)])
def test_false_positives_are_as_many_as_promised(phi, features, split):
    p = p_values(red((200, features, 150), phi), split, number=19)
    assert 0.015 <= (p <= 0.05).mean() <= 0.1
    assert p.mean() == pytest.approx(0.5, abs=0.07)


def test_short_blocks_of_red_noise_give_false_positives():
    x = red((100, 2, 200), 0.9)
    assert (p_values(x, 1, block=5, method="block", number=19) <= 0.05).mean() > 0.1


@pytest.mark.parametrize("settings", [PLAIN, RBIG()])
def test_weak_dependence_is_found(settings):
    x = samples(Normal(ar(2, 0.3)), 200, cells=10)
    assert (p_values(x, 1, settings, number=39) <= 0.05).mean() > 0.8


def test_the_value_is_that_of_the_measure():
    x = samples(Normal(ar(3, 0.5)), 100, cells=2)
    for split, measure in ((0, total_correlation), (1, lambda x, s: mutual_information(x, 1, s))):
        null = significance(x, question(x, split, RBIG()), Surrogates(19, 1, "shift", 0))
        np.testing.assert_array_equal(null.value, measure(x, RBIG()).value)
        assert (null.std > 0).all()


@pytest.mark.parametrize("settings", [PLAIN, RBIG()])
@pytest.mark.parametrize("split", [0, 2])
def test_shifted_ranks_are_the_ranks_of_shifted_samples(settings, split):
    x = np.round(samples(Normal(ar(3, 0.5)), 100, cells=1), 3)
    surrogates = Surrogates(19, 1, "shift", 0)
    null = significance(x, question(x, split, settings), surrogates)
    parts = question(x, split).parts(3)
    shifted = x[0][np.arange(3)[:, None], next(surrogates.indices(100, int(parts.max()) + 1, 19))[:, parts]]
    assert null.mean[0] == pytest.approx(question(x, split, settings).answer(shifted, Grid((100,))).mean(), abs=1e-3)


def test_missing_samples_are_left_out_before_anything_is_shifted():
    x = samples(Normal(ar(2, 0.3)), 150, cells=1)
    gaps = np.random.default_rng(0).permutation(200)[:50]
    wide = np.insert(x, np.sort(gaps - np.arange(50)).clip(0, 150), np.nan, axis=2)
    assert wide.shape[2] == 200
    for field, expected in zip(
        significance(wide, question(wide), Surrogates(19, 1, "shift", 0)),
        significance(x, question(x), Surrogates(19, 1, "shift", 0)),
        strict=True,
    ):
        np.testing.assert_array_equal(field, expected)


def test_other_sample_dims_move_along():
    common = red((40, 2, 1, 100), 0.9)
    x = (common + 0.3 * red((40, 2, 5, 100), 0.5, seed=1)).reshape(40, 2, 500)
    together = significance(x, question(x, shape=(5, 100), axis=1), Surrogates(39, 1, "shift", 0))
    apart = significance(x, question(x), Surrogates(39, 50, "block", 0))
    assert (together.p_value <= 0.05).mean() < 0.15
    assert (apart.p_value <= 0.05).mean() > 0.25
    x[:, 0, ::7] = np.nan  # scattered: the surrogates would have fewer samples than the data
    some = significance(x, question(x, shape=(5, 100), axis=1), Surrogates(39, 1, "shift", 0))
    assert np.isnan(some.p_value).all()
    assert not np.isnan(some.value).any()


@pytest.mark.parametrize("axis", [0, 1])
def test_places_that_are_always_missing_are_left_out(axis):
    shape = (100, 5) if axis == 0 else (5, 100)
    x = red((3, 2, *shape), 0.5)
    x[:, 1] += x[:, 0]
    wide = np.insert(x, 2, np.nan, axis=3 - axis)
    wide = np.insert(wide, 40, np.nan, axis=2 + axis)
    surrogates = Surrogates(19, 1, "shift", 0)
    found = significance(wide.reshape(3, 2, -1), question(wide, shape=wide.shape[2:], axis=axis), surrogates)
    expected = significance(x.reshape(3, 2, -1), question(x, shape=shape, axis=axis), surrogates)
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, two)


def test_no_shift_comes_twice():
    surrogates = Surrogates(199, 1, "shift", 0)
    (shifts,) = surrogates.indices(50, 2, 1000)
    assert sorted(shifts[:, 1, 0]) == list(range(1, 50))
    x = np.random.default_rng(0).standard_normal((400, 2, 50))
    p = significance(x, question(x), surrogates).p_value
    assert p.min() >= 1 / 50
    assert 0.005 < (p <= 1 / 50).mean() < 0.04


@pytest.mark.parametrize("seed", [0, 2])
def test_zero_inflated_features_are_no_false_positives(seed):
    x = np.random.default_rng(10).standard_normal((600, 2, 200))
    rain = np.maximum(x, np.quantile(x, 0.9))
    asked = question(rain)._replace(settings=RBIG(rotation="pca", max_layers=1, seed=seed))
    p = significance(rain, asked, Surrogates(39, 1, "shift", 0)).p_value
    assert 0.02 < (p <= 0.05).mean() < 0.08


def test_cells_without_estimate_or_room_for_the_blocks_are_nan():
    x = samples(Normal(ar(2, 0.3)), 100, cells=3)
    x[0, 0] = 1
    x[1, 0, 50:] = np.nan
    null = significance(x, question(x), Surrogates(19, 15, "shift", 0))
    assert np.isnan(null.value).tolist() == [True, False, False]
    assert np.isnan(null.p_value).tolist() == [True, True, False]
    spread = bootstrap(x, question(x), 20, 8, 0.95)
    assert np.isnan(spread.value).tolist() == [True, False, False]
    assert np.isnan(spread.std).tolist() == [True, True, False]


@pytest.mark.parametrize("phi", [0, 0.8])
@pytest.mark.parametrize("split", [0, 1])
def test_half_samples_vary_as_the_estimate_does(phi, split):
    normal = Normal(ar(2, 0.6))
    x = np.linalg.cholesky(ar(2, 0.6)) @ red((60, 2, 600), phi)
    spread = bootstrap(x, question(x, split), 60, 30, 0.95)
    assert spread.std.mean() == pytest.approx(spread.value.std(), rel=0.3)
    truth = normal.total_correlation()
    assert ((spread.lower <= truth) & (truth <= spread.upper)).mean() >= 0.85
