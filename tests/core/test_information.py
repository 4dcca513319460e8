import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from tests.conftest import WILD, ar, samples, wild
from xrbig import RBIG
from xrbig.core import joint
from xrbig.core.information import Reason, default_min_samples, mutual_information, total_correlation
from xrbig.core.marginal import exact_order, rank_gaussianize
from xrbig.core.place import Grid
from xrbig.core.rotation import null_log_det
from xrbig.distributions import Normal, StudentT


@pytest.mark.parametrize("n", [1000, 10_000])
@pytest.mark.parametrize(("features", "rho"), [(2, 0.3), (2, 0.9), (5, 0.5), (5, 0.8), (20, 0.5), (20, 0.9)])
def test_t_of_normal_features(features, rho, n):
    normal = Normal(ar(features, rho))
    x = samples(normal, n, cells=10 if features * n < 100_000 else 3)
    error = total_correlation(x, RBIG()).value - normal.total_correlation()
    standard_error = normal.oracle(x[0]).std() / np.sqrt(n)
    assert abs(error.mean()) < 3 * standard_error / np.sqrt(len(x))
    assert error.std() < 2 * standard_error
    if features <= 5:
        assert abs(error.mean()) < 0.03


MARGINS = {
    "lognormal": np.exp,
    "cauchy": lambda x: np.tan(np.pi * (ndtr(x) - 0.5)),
    "bimodal": lambda x: x / 10 + np.sign(x),
}


@pytest.mark.parametrize("margin", MARGINS)
def test_t_and_i_do_not_change_with_the_margins(margin):
    x = samples(Normal(ar(4, 0.7)), 1000, cells=3)
    y = MARGINS[margin](x)
    np.testing.assert_array_equal(total_correlation(y, RBIG()).value, total_correlation(x, RBIG()).value)
    by_values, by_ranks = (mutual_information(own, 2, RBIG()).value for own in (x, y))
    np.testing.assert_allclose(by_values, by_ranks, atol=0.002)  # where values tell more than ranks they count too


@pytest.mark.parametrize(("features", "split", "n"), [(4, 2, 1000), (10, 5, 1000), (10, 1, 10_000)])
def test_i_of_normal_features(features, split, n):
    normal = Normal(ar(features, 0.7))
    value = mutual_information(samples(normal, n, cells=10 if n == 1000 else 3), split, RBIG()).value
    assert value.mean() == pytest.approx(normal.mutual_information(split), abs=0.03)


@pytest.mark.parametrize("rotation", ["auto", "pca", "ica", "random"])
@pytest.mark.parametrize(("features", "n"), [(2, 1000), (10, 1000), (50, 1000), (5, 500)])
def test_independent_features_share_nothing(features, n, rotation):
    x = np.random.default_rng([features, n]).standard_cauchy((20, features, n))
    value = total_correlation(x, RBIG(rotation=rotation)).value
    log_det_spread = np.sqrt(features * (features - 1)) / (2 * n)
    assert abs(value.mean()) < 0.012
    assert value.std() < 2 * log_det_spread + 1e-3


INDEPENDENT = {
    "normal": np.random.Generator.standard_normal,
    "uniform": lambda rng, size: rng.uniform(size=size),
    "cauchy": np.random.Generator.standard_cauchy,
    "lognormal": lambda rng, size: rng.lognormal(size=size),
}


@pytest.mark.parametrize("margin", INDEPENDENT)
@pytest.mark.parametrize("features", [2, 10])
def test_chance_adds_no_more_to_independent_features_than_to_their_log_determinant(features, margin):
    x = INDEPENDENT[margin](np.random.default_rng([features, len(margin)]), (20, features, 1000))
    scores = rank_gaussianize(exact_order(x, 0), 0)
    log_det = -np.linalg.slogdet(scores @ scores.swapaxes(1, 2) / 1000)[1] / 2 - null_log_det(features, 1000)
    for value in (total_correlation(x, RBIG()).value, mutual_information(x, features // 2, RBIG()).value):
        assert abs(value.mean()) <= 0.01
        assert value.std() <= 1.5 * log_det.std() + 0.01


def test_independent_groups_share_nothing_whatever_they_hold_by_rotations():
    rng = np.random.default_rng(0)
    a, b, noise_a, noise_b = rng.standard_normal((4, 8, 1000))
    x = np.stack([a, a**2 + 0.3 * noise_a, b, np.sin(2 * b) + 0.3 * noise_b], axis=1)
    assert abs(mutual_information(x, 2, RBIG(rotation="random")).value.mean()) < 0.02


def test_dependence_without_correlation_is_seen():
    t = StudentT(np.eye(3), nu=3)
    value = total_correlation(samples(t, 10_000, cells=10), RBIG()).value
    assert value.mean() == pytest.approx(t.total_correlation(), rel=0.1)


@given(st.integers(0, 30), st.integers(0, 2**31))
def test_masked_samples_are_dropped_samples(count, seed):
    rng = np.random.default_rng(seed)
    x = np.round(rng.standard_normal((1, 3, 150)), 1)
    gone = rng.choice(150, count, replace=False)
    masked = x.copy()
    masked[0, rng.integers(0, 3, count), gone] = np.nan
    kept, places = np.delete(x, gone, axis=2), np.delete(np.arange(150), gone)
    left, right = total_correlation(masked, RBIG()), total_correlation(kept, RBIG(), grid=Grid((150,), places))
    assert left.value == right.value
    assert left.n_samples == right.n_samples == 150 - count


def test_bad_cells_are_nan_and_do_not_touch_others():
    x = np.random.default_rng(0).standard_normal((6, 2, 100))
    clean = total_correlation(x, RBIG()).value
    x[0] = np.nan
    x[1, 0, 5] = np.inf
    x[2, 1] = 3
    x[3, 0, :70] = np.nan
    estimate = total_correlation(x, RBIG())
    assert np.isnan(estimate.value).tolist() == [True] * 4 + [False] * 2
    np.testing.assert_array_equal(estimate.value[4:], clean[4:])
    assert estimate.n_samples.tolist() == [0, 100, 100, 30, 100, 100]
    assert not estimate.converged[:4].any()


@pytest.mark.parametrize("scale", [1e300, 1e-200])
def test_values_whose_squares_no_float_holds(scale):
    x = samples(Normal(ar(3, 0.5)), 300, cells=2)
    np.testing.assert_array_equal(total_correlation(scale * x, RBIG()).value, total_correlation(x, RBIG()).value)


def test_min_samples_and_skipna():
    x = np.random.default_rng(0).standard_normal((1, 2, 60))
    x[0, 0, 0] = np.nan
    assert np.isnan(total_correlation(x, RBIG(), min_samples=60).value)
    assert np.isfinite(total_correlation(x, RBIG(), min_samples=59).value)
    assert np.isnan(total_correlation(x, RBIG(), skipna=False).value)
    assert default_min_samples(2) == 40
    assert default_min_samples(100) == 500


def test_fewer_samples_than_features_is_nan_even_if_asked_for():
    x = np.random.default_rng(0).standard_normal((1, 20, 15))
    assert np.isnan(total_correlation(x, RBIG(), min_samples=1).value)


def test_a_deterministic_pair_is_infinite_and_not_converged():
    rng = np.random.default_rng(0)
    snow = np.maximum(rng.standard_normal((1, 1, 400)), 0)
    x = np.concatenate([snow, 1000 * snow, rng.standard_normal((1, 1, 400))], axis=1)
    tied = total_correlation(x, RBIG(), std_error=True)
    untied = total_correlation(np.concatenate([x[:, 2:], np.exp(x[:, 2:])], axis=1), RBIG(), std_error=True)
    across = mutual_information(x, 1, RBIG(), std_error=True)
    for estimate in (tied, untied, across):
        assert np.isposinf(estimate.value)
        assert not estimate.converged
        assert estimate.reason == Reason.ESTIMATED
        assert np.isnan(estimate.std_error)
    within = mutual_information(x, 2, RBIG())
    assert within.converged
    assert within.value == mutual_information(x[:, [0, 2]], 1, RBIG()).value
    assert abs(within.value[0]) < 0.02


def test_float32_and_integers_give_the_number_of_their_float64_values():
    x = np.random.default_rng(0).integers(-500, 500, (2, 2, 200))
    expected = total_correlation(x.astype(float), RBIG()).value
    for dtype in (np.int16, np.float32):
        np.testing.assert_array_equal(total_correlation(x.astype(dtype), RBIG()).value, expected)


def test_no_cells_and_no_samples():
    assert total_correlation(np.empty((0, 2, 100)), RBIG()).value.shape == (0,)
    assert np.isnan(total_correlation(np.empty((3, 2, 0)), RBIG()).value).all()


@pytest.mark.parametrize("rotation", ["auto", "pca"])
@pytest.mark.parametrize("scale", [-1000, 900, np.array([-900, 0, 900])[:, None]])
def test_t_and_i_do_not_change_with_the_scale(scale, rotation):
    x = samples(Normal(ar(3, 0.5)), 200, cells=3)
    x[1, 1] += x[1, 0] ** 2
    for measure in (total_correlation, lambda x, s, **k: mutual_information(x, 1, s, **k)):
        scaled, plain = (measure(y, RBIG(rotation=rotation), std_error=True) for y in (np.ldexp(x, scale), x))
        for one, other in zip(scaled, plain, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("rotation", ["auto", "pca", "ica"])
@pytest.mark.parametrize("kind", WILD)
def test_values_on_any_scales_have_t_and_i(kind, rotation):
    x = np.stack([wild(kind, seed=seed) for seed in range(2)])
    infinite = kind in ("copied", "sum")
    for measure in (total_correlation, lambda x, s, **k: mutual_information(x, 1, s, **k)):
        with np.errstate(all="ignore"):
            estimate = measure(x, RBIG(rotation=rotation), std_error=True)
        if infinite and rotation == "auto":
            assert np.isposinf(estimate.value).all()
            assert np.isnan(estimate.std_error).all()
            continue
        assert np.isfinite(estimate.value).all()
        assert np.isfinite(estimate.std_error).all()
        if not infinite:
            assert (np.abs(estimate.value) < 2).all()


@pytest.mark.parametrize("value", [1e3, 1e12, 1e15, 1e20, 1e300])
def test_values_left_in_the_same_samples_share_what_tells_where_they_are(value):
    x = np.random.default_rng(0).standard_normal((1, 3, 1000))
    x[:, :, np.random.default_rng(1).random(1000) < 0.08] = value
    assert 0.4 < total_correlation(x, RBIG()).value[0] < 2 * 0.279  # twice the entropy of what tells where


def test_a_cell_that_fails_ends_no_map(monkeypatch):
    x = samples(Normal(ar(3)), 100, cells=4)
    x[3, 0] = 1
    expected = total_correlation(x, RBIG(), std_error=True)
    kernel = joint.total_correlation

    def fail(raw, *others):
        if np.isin(x[1, 0, 0], raw):
            raise np.linalg.LinAlgError("Eigenvalues did not converge")
        return kernel(raw, *others)

    monkeypatch.setattr(joint, "total_correlation", fail)
    estimate = total_correlation(x, RBIG(), std_error=True)
    assert np.isnan(estimate.value).tolist() == [False, True, False, True]
    assert np.isnan(estimate.std_error).tolist() == [False, True, False, True]
    assert estimate.reason.tolist() == [Reason.ESTIMATED, Reason.UNDEFINED, Reason.ESTIMATED, Reason.CONSTANT_FEATURE]
    for one, other in zip(estimate, expected, strict=True):
        np.testing.assert_array_equal(one[[0, 2, 3]], other[[0, 2, 3]])
