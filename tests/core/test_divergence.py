import numpy as np
import pytest

from tests.conftest import SCALED, WILD, ar, samples, wild
from xrbig import RBIG
from xrbig.core import divergence
from xrbig.core.divergence import kl_divergence
from xrbig.core.information import Reason
from xrbig.distributions import Normal, StudentT

SETTINGS = RBIG()


def normal_divergence(shift, scale):
    """D_KL of N(shift, scale) from N(0, I)."""
    return (np.trace(scale) + shift @ shift - len(scale) - np.linalg.slogdet(scale)[1]) / 2


def mean_value(p, q):
    return np.mean(kl_divergence(p, q, SETTINGS).value)


@pytest.mark.parametrize("features", [1, 2, 5])
def test_normal_samples(features):
    standard = samples(Normal(np.eye(features)), 1000, 3)
    shift, scale = np.full(features, 0.5), ar(features, 0.6)
    p = samples(Normal(scale), 1000, 3)[..., ::-1] + shift[:, None]
    assert mean_value(p, standard) == pytest.approx(normal_divergence(shift, scale), abs=0.1)


@pytest.mark.parametrize("features", [1, 3])
def test_exponential_samples(features):
    rng = np.random.default_rng(0)
    p, q = rng.exponential(1, (3, features, 1000)), rng.exponential(2, (3, features, 1000))
    assert mean_value(p, q) == pytest.approx(features * (np.log(2) + 1 / 2 - 1), abs=0.04 * features)


def test_normal_from_student_t_samples():
    t, normal = StudentT(ar(3), 3.0), Normal(ar(3))
    many = normal.sample(100_000, 9)
    truth = np.mean(normal.log_density(many) - t.log_density(many))
    assert mean_value(samples(normal, 2000, 2), samples(t, 2000, 2)) == pytest.approx(truth, abs=0.05)


@pytest.mark.parametrize("distribution", [Normal(ar(3)), StudentT(ar(3), 5.0)])
def test_equal_densities_have_none(distribution):
    p = samples(distribution, 1000, 3)
    assert mean_value(p, p) == pytest.approx(0, abs=0.03)
    q = np.stack([distribution.sample(1000, seed) for seed in (10, 11, 12)])
    assert mean_value(p, q) == pytest.approx(0, abs=0.06)


def test_it_does_not_change_under_linear_maps_of_both():
    p, q = samples(Normal(ar(2)), 1000, 2), samples(StudentT(ar(2), 5.0), 1000, 2)
    mapped = [np.array([[3.0], [-0.01]]) * side + 7 for side in (p, q)]
    np.testing.assert_allclose(mean_value(*mapped), mean_value(p, q), atol=0.03)


def test_cells_that_cannot_be_told_are_nan():
    p, q = samples(Normal(np.eye(2)), 200, 6), samples(Normal(np.eye(2)), 300, 6)
    p[0, 0, 30:] = np.nan
    q[1, 0, 0] = np.inf
    p[2, 1] = 4
    q[3, 1] = 4
    p[4, 0, :20] = np.nan
    estimate = kl_divergence(p, q, SETTINGS)
    assert np.isnan(estimate.value).tolist() == [True, True, True, True, False, False]
    assert estimate.n_samples.tolist() == [30, 200, 200, 200, 180, 200]
    assert estimate.converged.tolist() == [False] * 4 + [True] * 2
    whole = kl_divergence(p[4:, :, 20:], q[4:], SETTINGS)
    assert whole.value[0] == estimate.value[4]
    assert np.isnan(kl_divergence(p[4:], q[4:], SETTINGS, skipna=False).value).tolist() == [True, False]


@pytest.mark.parametrize("step", [1.0, 0.1])
def test_rounded_values_have_the_same_density(step):
    p, q = (np.random.default_rng(seed).standard_normal((1, 3, 1000)) for seed in (0, 1))
    rounded = [np.round(side / step) * step for side in (p, q)]
    assert mean_value(*rounded) == pytest.approx(mean_value(p, q), abs=0.06)


def test_zero_inflated_features():
    p, q = (np.maximum(np.random.default_rng(seed).standard_normal((1, 2, 1000)), -0.5) for seed in (0, 1))
    assert mean_value(p, q) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("kind", WILD)
def test_half_of_a_set_is_like_all_of_it_on_any_scales(kind):
    x = wild(kind, n=1000)[None]
    estimate = kl_divergence(x[..., ::2], x, RBIG(rotation="random"))
    assert abs(estimate.value[0]) < 0.4


@pytest.mark.parametrize("kind", [k for k in SCALED if "1e" in k])
def test_the_scale_does_not_matter(kind):
    (p, q), (scaled_p, scaled_q) = (wild(k, n=600).reshape(1, 3, 2, -1).swapaxes(0, 2) for k in ("plain", kind))
    scaled, plain = (kl_divergence(*both, RBIG(max_layers=2)).value for both in ((scaled_p, scaled_q), (p, q)))
    np.testing.assert_allclose(scaled, plain, atol=0.01)


def failing(found):
    raise np.linalg.LinAlgError


@pytest.mark.parametrize("log_normal", [failing, lambda z: np.full(z.shape[1], np.nan), lambda z: z[0] * -np.inf])
def test_a_cell_that_fails_ends_no_map(monkeypatch, log_normal):
    p, q = samples(Normal(np.eye(2)), 200, 3), samples(Normal(np.eye(2)), 300, 3)
    p[1] += 50
    expected, plain = kl_divergence(p, q, SETTINGS), divergence.log_normal
    monkeypatch.setattr(divergence, "log_normal", lambda z: log_normal(z) if np.abs(z).min() > 10 else plain(z))
    estimate = kl_divergence(p, q, SETTINGS)
    assert np.isnan(estimate.value).tolist() == [False, True, False]
    assert estimate.reason.tolist() == [Reason.ESTIMATED, Reason.UNDEFINED, Reason.ESTIMATED]
    assert (estimate.converged[1], estimate.n_samples[1]) == (False, 200)
    np.testing.assert_array_equal(estimate.value[[0, 2]], expected.value[[0, 2]])


def test_the_error_state_of_numpy_does_not_matter():
    p, q = wild("14 % of 1e20")[None], wild("14 % of 1e20", seed=1)[None]
    expected = kl_divergence(p, q, RBIG(rotation="pca"))
    with np.errstate(all="raise"):
        estimate = kl_divergence(p, q, RBIG(rotation="pca"))
    assert np.isfinite(estimate.value).all()
    np.testing.assert_array_equal(estimate.value, expected.value)


COPIES = {
    "other unit": lambda a, b: 1.8 * a + 32,
    "float32": lambda a, b: a.astype(np.float32),
    "monotone": lambda a, b: -np.exp(b),
    "sum": lambda a, b: 1000 * a + b,
}


@pytest.mark.parametrize("name", COPIES)
def test_a_feature_that_others_determine_in_both_samples_adds_nothing(name):
    p, q = np.random.default_rng(5).standard_normal((2, 1, 2, 400))
    p[:, 0] += 1
    with_it = [np.concatenate([side, COPIES[name](*side.swapaxes(0, 1))[:, None]], axis=1) for side in (p, q)]
    kept = [np.delete(np.arange(3), gone) for gone in range(3)]  # which one it leaves out is its choice
    without = [kl_divergence(*(side[:, own] for side in with_it), SETTINGS).value[0] for own in kept]
    found = kl_divergence(*with_it, SETTINGS)
    assert found.value[0] in without
    assert found.converged[0]
    assert found.determined.sum() >= 2


@pytest.mark.parametrize("related", ["p", "q"])
def test_a_relation_in_one_of_the_samples_alone_is_infinite(related):
    p, q = np.random.default_rng(6).standard_normal((2, 1, 3, 300))
    for side in [p] if related == "p" else [q]:
        side[:, 2] = side[:, 0] - side[:, 1]
    found = kl_divergence(p, q, SETTINGS)
    assert (found.value[0], found.converged[0], found.reason[0]) == (np.inf, False, Reason.ESTIMATED)
    assert not found.determined.any()


def test_no_cells():
    assert kl_divergence(np.empty((0, 2, 100)), np.empty((0, 2, 50)), SETTINGS).value.shape == (0,)
