import numpy as np
import pytest
from scipy import stats

from tests.conftest import SCALED, WILD, ar, wild
from xrbig import RBIG
from xrbig.core import flow, tuning
from xrbig.core.layers.base import apply, invert
from xrbig.distributions import Clayton, GaussianMixture, Normal, StudentT


def fit(x, **settings):
    return flow.fit(x, RBIG(**settings), lambda text: None)


def maps_of(fitted):
    return [single for layer in fitted.layers for single in layer.maps]


CASES = {
    "normal": Normal(ar(4)),
    "t": StudentT(ar(3), 3.0),
    "Clayton": Clayton(3, 2.0),
    "ring": GaussianMixture.ring(8, 1.0, 0.15),
    "clusters": GaussianMixture.random(4, 3, 3.0, 0),
}


@pytest.mark.parametrize("name", CASES)
def test_log_density_of_new_samples_is_near_the_true_one(name):
    distribution = CASES[name]
    fitted = fit(distribution.sample(2000, 0))
    new = distribution.sample(5000, 1)
    loss = np.mean(distribution.log_density(new) - flow.log_prob(maps_of(fitted), new))
    assert 0 < loss < 0.08


@pytest.mark.parametrize("name", CASES)
def test_both_ways_to_total_correlation_find_it(name):
    distribution = CASES[name]
    fitted = fit(distribution.sample(2000, 0))
    truth = distribution.total_correlation()
    assert fitted.total_correlation == pytest.approx(truth, abs=4 * fitted.std_error)
    assert fitted.by_density == pytest.approx(truth, abs=4 * fitted.std_error)
    assert fitted.total_correlation == pytest.approx(sum(layer.gain for layer in fitted.layers))


@pytest.mark.parametrize("features", [2, 10])
def test_independent_normal_features_need_nothing_but_their_scale(features):
    x = 3 + 5 * np.random.default_rng(1).standard_normal((features, 2000))
    fitted = fit(x)
    assert [layer.kind for layer in fitted.layers] in (["scale"], ["margins"])
    assert fitted.total_correlation == 0
    assert fitted.by_density - fitted.margin_error == pytest.approx(0, abs=0.005 * features)


@pytest.mark.parametrize("seed", range(5))
def test_independent_features_of_any_margins_have_no_total_correlation(seed):
    rng = np.random.default_rng(seed)
    fitted = fit(np.stack([rng.exponential(size=1000), rng.standard_cauchy(1000), rng.uniform(size=1000)]))
    assert fitted.total_correlation == pytest.approx(0, abs=0.02)
    assert fitted.by_density == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("rotation", ["pca", "ica", "random"])
def test_plain_rotations_make_a_flow_of_many_layers(rotation):
    x = CASES["clusters"].sample(2000, 0)
    fitted = fit(x, rotation=rotation)
    assert {layer.kind for layer in fitted.layers[1:]} == {rotation}
    z, _ = apply(maps_of(fitted), x)
    np.testing.assert_allclose(invert(maps_of(fitted), z), x, atol=1e-7)
    assert fitted.total_correlation > 0.4 * CASES["clusters"].total_correlation()
    assert len(fit(x, rotation=rotation, max_layers=2).layers) <= 3


@pytest.mark.parametrize("rotation", ["auto", "pca", "ica", "random"])
@pytest.mark.parametrize("name", CASES)
def test_every_layer_gains_more_than_chance(name, rotation):
    fitted = fit(CASES[name].sample(1000, 0), rotation=rotation, max_layers=20)
    margins = fitted.layers[0].kind in ("margins", "scale")
    assert len(fitted.layers) > margins
    assert all(layer.likelihood > layer.null_level > 0 for layer in fitted.layers[margins:])
    assert not margins or fitted.layers[0].likelihood >= fitted.layers[0].null_level <= 0


def nearest_values(row):
    """Width that the nearest twentieth of the values takes, on either side of each."""
    values, inverse = np.unique(row, return_inverse=True)
    few = max(1, len(values) // 20)
    wide = np.pad(values[few:] - values[:-few], few, constant_values=np.inf)
    return np.minimum(wide[few:], wide[:-few])[inverse]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rotation", ["auto", "pca", "ica", "random"])
@pytest.mark.parametrize("kind", WILD)
def test_samples_on_any_scales_have_a_flow_that_returns_them(kind, rotation):
    for seed in range(1 if rotation == "auto" else 3):
        x = wild(kind, seed=seed)
        with np.errstate(all="ignore"):
            fitted = fit(x, rotation=rotation, max_layers=2 if rotation == "auto" else 20)
            maps = maps_of(fitted)
            z, _ = apply(maps, x)
            back = invert(maps, z)
            allowed = 1e-5 * np.stack([nearest_values(row) for row in x]) + 4 * np.finfo(float).eps * np.abs(x)
        assert np.isfinite(fitted[1:]).all()
        assert np.isfinite([layer[2:] for layer in fitted.layers]).all()
        assert np.isfinite(z).all()
        assert np.abs(z).max() < 8.5 * np.sqrt(len(x))  # where margins end, and an outlier shared by all features
        assert np.isfinite(flow.log_prob(maps, x)).all()
        assert (np.abs(back / 2 - x / 2) <= allowed / 2).all()
        for single in maps:
            single.require_invertible()


@pytest.mark.parametrize("kind", SCALED)
def test_total_correlation_does_not_change_with_the_scale(kind):
    plain, scaled = (fit(x, max_layers=3) for x in (wild("plain", n=1000), wild(kind, n=1000)))
    assert scaled.total_correlation == pytest.approx(plain.total_correlation, abs=2 * plain.std_error)


def test_samples_of_the_fit_become_normal():
    x = CASES["ring"].sample(4000, 0)
    z, _ = apply(maps_of(fit(x)), x)
    for row in z:
        assert stats.kstest(row, "norm").statistic < 0.03
    assert stats.kstest((z**2).sum(axis=0), stats.chi2(2).cdf).statistic < 0.03


def test_the_same_data_and_seed_make_the_same_flow():
    x = CASES["Clayton"].sample(500, 0)
    one, two = (maps_of(fit(x)) for _ in range(2))
    np.testing.assert_array_equal(flow.log_prob(one, x), flow.log_prob(two, x))


def test_slabs_give_the_same_bits_for_any_number_of_samples():
    maps = maps_of(fit(CASES["clusters"].sample(500, 0)))
    x = CASES["clusters"].sample(3000, 1)

    def log_prob(samples):
        return flow.in_slabs(lambda slab: flow.log_prob(maps, slab), samples)

    whole = log_prob(x)
    for part in (slice(0, 1), slice(5, 1500), slice(2999, 3000)):
        np.testing.assert_array_equal(log_prob(x[:, part]), whole[part])


def test_many_samples_are_judged_by_some_of_them(monkeypatch):
    monkeypatch.setattr(tuning, "TUNING", tuning.TUNING._replace(most_samples=1000))
    distribution = CASES["normal"]
    fitted = fit(distribution.sample(4000, 0))
    assert fitted.total_correlation == pytest.approx(distribution.total_correlation(), abs=4 * fitted.std_error)
