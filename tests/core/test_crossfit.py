import numpy as np
import pytest
from scipy.signal import lfilter

from tests.conftest import ar
from xrbig.core.crossfit import CrossFit, Folds, bounded, cross_fit, held_out_gain, is_enough, standard_error
from xrbig.core.layers.base import apply, log_normal
from xrbig.core.layers.elliptical import Copula
from xrbig.core.layers.mixture import Mixtures
from xrbig.core.tuning import TUNING
from xrbig.distributions import Normal

NORMAL = Normal(ar(3))


def folds_of(n=800, unit=None, seed=0):
    return Folds.of(NORMAL.sample(n, seed), np.arange(n) if unit is None else unit)


def test_samples_are_left_out_in_stretches_and_each_once():
    left_out = folds_of(960).left_out
    assert np.bincount(left_out).tolist() == [240] * TUNING.folds
    assert np.count_nonzero(np.diff(left_out)) == TUNING.folds * TUNING.stretches - 1


def test_samples_of_a_unit_are_left_out_together():
    unit = np.repeat(np.arange(40), 20)
    left_out = folds_of(800, unit).left_out.reshape(40, 20)
    assert (left_out == left_out[:, :1]).all()
    assert set(left_out[:, 0]) == set(range(TUNING.folds))


def test_held_out_and_in_sample_gains_bracket_the_true_one():
    folds = folds_of(400)
    layer = cross_fit(Mixtures(4, [0]), folds)
    truth = (NORMAL.log_density(folds.whole) - Normal(np.eye(3)).log_density(folds.whole)).mean()
    assert layer.held_out.mean() < truth < layer.in_sample.mean()
    assert layer.gain == pytest.approx(truth, abs=0.05)
    np.testing.assert_allclose(layer.held_out, held_out_gain(Mixtures(4, [0]), folds), atol=1e-10)


def test_fits_know_nothing_of_the_samples_that_they_leave_out():
    folds = folds_of()
    spoilt = folds.parts.copy()
    spoilt[0][:, folds.left_out == 0] += 3
    plain, other = (held_out_gain(Copula(np.inf), f) for f in (folds, folds._replace(parts=spoilt)))
    np.testing.assert_allclose(plain[folds.left_out > 0], other[folds.left_out > 0], atol=1e-12)
    assert (plain[folds.left_out == 0] != other[folds.left_out == 0]).all()


def test_layers_in_turn_gain_together():
    first = cross_fit(Copula(np.inf), folds_of())
    second = cross_fit(Mixtures(2, [0]), first.after)
    both = first.then(second)
    np.testing.assert_array_equal(both.held_out, first.held_out + second.held_out)
    moved, log_det = apply(both.maps, folds_of().whole)
    np.testing.assert_allclose(moved, both.after.whole, atol=1e-12)
    np.testing.assert_allclose(log_det + log_normal(moved) - log_normal(folds_of().whole), both.in_sample, atol=1e-9)
    assert both.then(CrossFit.nothing(both.after)).gain == both.gain


@pytest.mark.parametrize(("phi", "least", "most"), [(0.0, 0.9, 1.1), (0.9, 1.5, 4.5)])
def test_the_error_of_a_gain_is_that_of_its_mean(phi, least, most):
    noise = np.random.default_rng(0).standard_normal((400, 1200))
    gain = lfilter([1], [1, -phi], noise)[:, 200:]
    naive = gain.std(axis=1).mean() / np.sqrt(gain.shape[1])
    found = standard_error(gain).mean()
    assert least < found / naive < most
    assert found == pytest.approx(gain.mean(axis=1).std(), rel=0.25)


def test_evidence_counts_standard_errors():
    gain = np.random.default_rng(1).standard_normal((2, 2400)) * [[1], [10]] + 0.1
    error = standard_error(gain)
    assert is_enough(gain, 2).tolist() == (gain.mean(axis=1) > 2 * error).tolist() == [True, False]


def test_no_sample_counts_for_much_more_than_others():
    gain = np.zeros((2, 101))
    gain[0, 7], gain[1, 3] = 1e6, -1e6
    assert bounded(gain, 5.0).tolist() == np.clip(gain, -5, 5).tolist()
