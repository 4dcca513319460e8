import numpy as np
import pytest
import xarray as xr
from scipy.special import ndtr

from tests.conftest import ar, bump, normal_scores_of, samples
from xrbig import RBIG
from xrbig.core.destruct import total_correlation as paths
from xrbig.core.elliptical import elliptical_layer
from xrbig.core.information import mutual_information, total_correlation
from xrbig.distributions import (
    Chain,
    Clayton,
    Distribution,
    Funnel,
    GaussianMixture,
    GroupMaps,
    Gumbel,
    Independent,
    LinearMixture,
    Margins,
    NoisyCircle,
    Normal,
    Product,
    Regression,
    Ring,
    StudentT,
    random_matrix,
)

N = 2000


def cauchy(x):
    return np.tan(np.pi * (ndtr(x) - 0.5))


def t_of(x, settings=RBIG()):  # noqa: B008 (frozen)
    return total_correlation(x, settings).value


def i_of(distribution, split, cells=3, n=N):
    return mutual_information(samples(distribution, n, cells), split, RBIG()).value


SHAPES: dict[str, Distribution] = {
    "Clayton of 2": Clayton(2, 2),
    "Clayton of 5": Clayton(5, 2),
    "Gumbel of 5": Gumbel(5, 2),
    "t of 5": StudentT(np.eye(5), 2),
    "ring": Ring(2, 1, 0.1),
    "ring and normals": Independent([Ring(2, 1, 0.1), Normal(np.eye(3))]),
    "chain of 5": Chain(5, bump, 0.4),
    "chain of 10": Chain(10, bump, 0.4),
    "parabola": Regression(np.square, 0.5),
    "product": Product(0.3),
    "funnel of 5": Funnel(5, 1.5),
    "clusters in 2": GaussianMixture.random(2, components=4, distance=2, seed=3),
    "clusters in 5": GaussianMixture.random(5, components=3, distance=2, seed=5),
    "clusters in 10": GaussianMixture.random(10, components=3, distance=2, seed=10),
    "mixed uniform": LinearMixture(random_matrix(5, seed=5), "uniform"),
    "mixed Laplace": LinearMixture(random_matrix(5, seed=5), "laplace"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_t_of_all_shapes(name):
    distribution = SHAPES[name]
    estimate = total_correlation(samples(distribution, N, cells=3), RBIG())
    assert estimate.value.mean() == pytest.approx(distribution.total_correlation(), rel=0.15)
    assert estimate.converged.all()


@pytest.mark.parametrize(
    "distribution",
    [Clayton(2, 2), StudentT(ar(10, 0.5), 4), GaussianMixture.random(5, components=3, distance=2, seed=5)],
    ids=["Clayton", "t", "clusters"],
)
def test_error_shrinks_with_the_samples(distribution):
    truth = distribution.total_correlation()
    few, many = (np.abs(t_of(samples(distribution, n, cells=3)) - truth).mean() for n in (300, 4000))
    assert many < 0.7 * few
    assert many < 0.08 * truth


def test_the_best_path_finds_more_than_the_elliptical_layer_alone():
    z = normal_scores_of(samples(SHAPES["clusters in 5"], 1000, cells=2))
    settings = RBIG()
    result = paths(z, z, np.zeros(2, dtype=bool), settings)
    assert (result.total > elliptical_layer(z, settings.significance, settings.seed).gain).all()
    assert (result.n_layers >= 1).all()


def test_no_cell_depends_on_another():
    kinds = [Normal(ar(4)), StudentT(ar(4), 2), Independent([Ring(2, 1, 0.1)] * 2), SHAPES["mixed uniform"]]
    x = np.concatenate([samples(kind, 500, cells=2)[:, :4] for kind in kinds])
    x[4, :, :300] = np.round(x[4, :, :300])
    measures = (
        lambda x, s: total_correlation(x, s, std_error=True),
        lambda x, s: mutual_information(x, 2, s, std_error=True),
    )
    for measure in measures:
        together = measure(x, RBIG())
        for cell in range(len(x)):
            for field, both in zip(measure(x[[cell]], RBIG()), together, strict=True):
                assert field[0] == both[cell]


@pytest.mark.parametrize("name", ["clusters in 5", "mixed uniform"])
def test_max_layers_bounds_the_layers(name):
    estimate = total_correlation(samples(SHAPES[name], 1000, cells=2), RBIG(max_layers=1))
    assert (estimate.n_layers <= 1).all()


def test_a_cell_that_more_layers_would_change_has_not_converged():
    x = samples(SHAPES["clusters in 5"], 1000, cells=2)
    free, bound = total_correlation(x, RBIG()), total_correlation(x, RBIG(max_layers=1))
    assert (free.n_layers > 1).any()
    assert (free.value > bound.value)[free.n_layers > 1].all()
    assert free.converged.all()
    assert not bound.converged.any()


def test_the_seed_hardly_matters():
    x = samples(SHAPES["clusters in 5"], N, cells=1)
    values = np.array([t_of(x, RBIG(seed=seed))[0] for seed in range(4)])
    assert 0 < values.std() < 0.04 * values.mean()


@pytest.mark.parametrize("function", [np.exp, np.sinh, lambda x: x / 10 + np.sign(x), lambda x: -(x**3)])
def test_monotone_margins_of_a_normal_or_t_copula_do_not_change_a_bit(function):
    for copula in (Normal(ar(4)), StudentT(ar(4), 3)):
        x = samples(copula, 500, cells=2)
        np.testing.assert_array_equal(t_of(function(x)), t_of(x))


def test_values_and_their_ranks_both_count():
    mixed = LinearMixture(random_matrix(5, seed=5), "uniform")
    x = samples(mixed, N, cells=2)
    by_values, by_ranks = t_of(x), t_of(normal_scores_of(x))
    assert (by_values > by_ranks + 0.1).all()
    assert by_ranks.mean() > 0.5 * mixed.total_correlation()


SINGULAR: dict[str, GroupMaps] = {
    "parabola": GroupMaps(Normal(np.array([[1, 1], [1, 1.25]])), 1, lambda a: np.concatenate([a, a**2])),
    "same twice": GroupMaps(Normal(np.array([[1, 1], [1, 1.25]])), 1, lambda a: np.concatenate([a, np.exp(a)])),
    "circle": GroupMaps(NoisyCircle(0.3), 1, lambda t: np.concatenate([np.cos(t), np.sin(t)])),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_i_of_groups_that_lie_on_a_curve(name):
    groups = SINGULAR[name]
    value = i_of(groups, groups.split)
    assert value.mean() == pytest.approx(groups.mutual_information(groups.split), rel=0.1)


INDEPENDENT: dict[str, Independent] = {
    "rings": Independent([Ring(2, 1, 0.1), Ring(2, 1, 0.15)]),
    "clusters": Independent([GaussianMixture.random(3, 3, 2, seed) for seed in (1, 2)]),
    "t and Clayton": Independent([StudentT(np.eye(5), 2), Clayton(5, 2)]),
    "parabola and chain": Independent([Regression(np.square, 0.5), Chain(3, bump, 0.4)]),
}


@pytest.mark.parametrize("name", INDEPENDENT)
def test_independent_groups_share_nothing_whatever_they_hold(name):
    groups = INDEPENDENT[name]
    assert abs(i_of(groups, groups.parts[0].features, cells=8).mean()) < 0.05


@pytest.mark.parametrize(
    ("distribution", "split"),
    [
        (Normal(ar(10)), 5),
        (StudentT(np.eye(4), 3), 2),
        (Clayton(5, 2), 2),
        (Product(0.3), 2),
        (Chain(5, bump, 0.4), 2),
        (GaussianMixture.random(5, components=3, distance=2, seed=5), 2),
    ],
    ids=["normal", "t", "Clayton", "product", "chain", "clusters"],
)
def test_i_of_groups(distribution, split):
    truth = distribution.mutual_information(split)
    assert i_of(distribution, split).mean() == pytest.approx(truth, rel=0.15, abs=0.03)


def test_i_is_symmetric_bit_for_bit():
    chain = samples(Chain(5, bump, 0.4), 500, cells=2)
    ds = xr.Dataset({name: (("cell", "time"), chain[:, d]) for d, name in enumerate("edacb")})
    left = ds.rbig.mutual_information(["e", "c"], ["d", "a", "b"], sample_dim="time")
    right = ds.rbig.mutual_information(["b", "a", "d"], ["c", "e"], sample_dim="time")
    np.testing.assert_array_equal(left, right)


def test_i_of_two_single_features_is_their_t():
    x = samples(Ring(2, 1, 0.1), 500, cells=3)
    np.testing.assert_array_equal(mutual_information(x, 1, RBIG()).value, t_of(x))


def test_autocorrelation_does_not_pass_for_structure():
    noise = np.random.default_rng(0).standard_normal((20, 4, 1000))
    x = noise.copy()
    for time in range(1, 1000):
        x[..., time] += 0.9 * x[..., time - 1]
    assert abs(t_of(x).mean()) < 0.05
    assert t_of(x).mean() < t_of(x, RBIG(rotation="pca")).mean()


@pytest.mark.parametrize("step", [0.5, 1.0])
def test_rounded_values_tell_hardly_less(step):
    rho = Normal(ar(3))
    x = samples(rho, 1000, cells=5)
    coarse = total_correlation(np.round(x / step) * step, RBIG())
    assert np.isfinite(coarse.value).all()
    assert (coarse.tied_fraction > 0.9).all()
    assert rho.total_correlation() * 0.6 < coarse.value.mean() < rho.total_correlation() * 1.05


def test_many_equal_values_of_independent_features_share_nothing():
    x = np.maximum(np.random.default_rng(0).standard_normal((20, 4, 1000)), 0.5)
    estimate = total_correlation(x, RBIG())
    assert (estimate.tied_fraction > 0.6).all()
    assert abs(estimate.value.mean()) < 0.005


@pytest.mark.parametrize("margin", [ndtr, cauchy, np.exp], ids=["uniform", "Cauchy", "lognormal"])
def test_margins_of_independent_features_never_win(margin):
    x = Margins(Normal(np.eye(5)), [margin])
    assert abs(t_of(samples(x, 500, cells=10)).mean()) < 0.02


@pytest.mark.parametrize("features", [2, 25])
def test_a_sample_that_is_the_median_of_all_features_is_no_harm(features):
    x = Ring(features, 1, 0.1).sample(501, 0)
    for feature in x:
        middle = np.argsort(feature)[250]
        feature[[0, middle]] = feature[[middle, 0]]
    z = normal_scores_of(x[None])
    assert (z[0, :, 0] == 0).all()
    layer = elliptical_layer(z, 1e-4, 0)
    assert layer.beyond[0]
    assert np.isfinite(layer.y).all()
    assert np.isfinite(t_of(x[None])).all()
