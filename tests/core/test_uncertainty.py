import numpy as np
import pytest

from tests.conftest import ar, red, samples
from xrbig import RBIG
from xrbig.core.information import mutual_information, total_correlation
from xrbig.core.resample import Units
from xrbig.core.uncertainty import autocorrelation_time, null_moments
from xrbig.distributions import GaussianMixture, Normal, Regression, Ring, StudentT


@pytest.mark.parametrize("phi", [0, 0.5, 0.9])
def test_autocorrelation_time_of_red_noise(phi):
    times = autocorrelation_time(red((50, 5000), phi))
    assert times.mean() == pytest.approx((1 + phi) / (1 - phi), rel=0.1)
    assert (times >= 1).all()


def test_constant_rows_have_no_autocorrelation():
    assert (autocorrelation_time(np.zeros((2, 100))) == 1).all()


@pytest.mark.parametrize("phi", [0, 0.9])
def test_chance_correlations_of_independent_features(phi):
    x = red((300, 3, 1000), phi)
    correlation = np.array([np.corrcoef(cell) for cell in x])
    log_det = -np.linalg.slogdet(correlation)[1] / 2
    excess, variance = null_moments(x, np.triu(np.ones((3, 3), dtype=bool), k=1))
    assert log_det.mean() - 3 / 2000 == pytest.approx(excess.mean(), rel=0.15, abs=1e-3)
    assert log_det.std() == pytest.approx(np.sqrt(variance).mean(), rel=0.2)


DISTRIBUTIONS = {
    "normal": (Normal(ar(3, 0.5)), 60),
    "t": (StudentT(np.eye(3), 3), 60),
    "parabola": (Regression(np.square, 0.5), 60),
    "ring": (Ring(2, 1, 0.1), 60),
    "clusters": (GaussianMixture.random(2, components=4, distance=2, seed=3), 60),
    "t of 10": (StudentT(ar(10, 0.5), 5), 40),
}


LEAST = {"ring": 0.6, "clusters": 0.4}  # a twentieth of T is missing there, which no error of the mean tells


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_two_standard_errors_cover_the_truth(name):
    distribution, cells = DISTRIBUTIONS[name]
    estimate = total_correlation(samples(distribution, 1000, cells), RBIG(), std_error=True)
    error = np.abs(estimate.value - distribution.total_correlation())
    assert (error <= 1.96 * estimate.std_error).mean() >= LEAST.get(name, 0.85)
    assert estimate.std_error.mean() < 2.5 * np.sqrt(np.mean(error**2))


@pytest.mark.parametrize("rotation", ["auto", "pca", "random"])
@pytest.mark.parametrize("phi", [0, 0.9])
def test_autocorrelated_samples_widen_it(rotation, phi):
    x = np.linalg.cholesky(ar(3, 0.5)) @ red((120, 3, 1000), phi)
    truth = Normal(ar(3, 0.5))
    settings = RBIG(rotation=rotation, max_layers=20)
    for estimate, value in [
        (total_correlation(x, settings, std_error=True), truth.total_correlation()),
        (mutual_information(x, 1, settings, std_error=True), truth.mutual_information(1)),
    ]:
        spread = np.sqrt(np.mean((estimate.value - value) ** 2))
        assert 0.8 < estimate.std_error.mean() / spread < 1.6


def test_features_that_share_nothing_have_a_small_one():
    estimate = total_correlation(np.random.default_rng(0).standard_normal((50, 3, 1000)), RBIG(), std_error=True)
    assert (np.abs(estimate.value) < 3 * estimate.std_error).all()
    assert estimate.std_error.mean() < 2 * estimate.value.std()


def test_it_is_nan_where_it_is_not_asked_for_or_there_is_no_estimate():
    x = np.random.default_rng(0).standard_normal((2, 2, 200))
    x[1] = np.nan
    assert np.isnan(total_correlation(x, RBIG()).std_error).all()
    assert np.isnan(total_correlation(x, RBIG(), std_error=True).std_error).tolist() == [False, True]


@pytest.mark.parametrize("axis", [0, 1])
def test_samples_of_one_time_count_as_one(axis):
    """Samples that are all alike in each unit tell no more than one of them."""
    series = red((60, 2, 150), 0.7)
    series[:, 1] = 0.6 * series[:, 0] + 0.8 * series[:, 1]
    field = series[..., None] + 0.05 * np.random.default_rng(5).standard_normal((*series.shape, 8))
    field = np.moveaxis(field, 2, 2 + axis)
    units = Units(field.shape[2:], axis)
    x = field.reshape(60, 2, -1)
    clustered = total_correlation(x, RBIG(rotation="pca", max_layers=1), std_error=True, units=units)
    spread = clustered.value.std()
    assert 0.7 < clustered.std_error.mean() / spread < 1.5


def test_gaps_do_not_mix_units_up():
    x = red((4, 2, 300), 0.5)
    x[1, 0, 9:21] = np.nan
    together = total_correlation(x, RBIG(rotation="pca"), std_error=True, units=Units((100, 3), 0))
    kept = ~np.isnan(x[1, 0])
    alone = total_correlation(x[1:2][..., kept], RBIG(rotation="pca"), std_error=True, units=Units((96, 3), 0))
    assert together.std_error[1] == alone.std_error[0]
