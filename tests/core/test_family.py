from functools import partial

import numpy as np
import pytest

from tests.conftest import ar, bump, samples
from xrbig import RBIG
from xrbig.core import family, information
from xrbig.core.information import Reason
from xrbig.distributions import Normal, Product, StudentT

PRODUCT = Product(noise=0.3)
PRODUCT_T = PRODUCT.total_correlation()
PRODUCT_PAIR = PRODUCT_T - PRODUCT.mutual_information(1)  # I(x; z) = I(x, y; z) - I(y; z | x)


def given(x, first, second, known, **settings):
    return family.conditional_mutual_information(x, (first, second, known), RBIG(**settings)).value


def value(measure, x):
    return measure(x, RBIG()).value


def total(scale):
    return -np.linalg.slogdet(scale)[1] / 2


def totals_without_one(scale):
    features = range(len(scale))
    return np.array([total(np.delete(np.delete(scale, i, 0), i, 1)) for i in features])


def normal_reference(covariance):
    return (len(covariance) * np.log(2 * np.pi * np.e) + np.linalg.slogdet(covariance)[1]) / 2


NORMAL = Normal(ar(4, 0.6))
STUDENT = StudentT(ar(3, 0.5), nu=5)
LOGNORMAL = normal_reference((np.exp(NORMAL.scale) - 1) * np.e) - NORMAL.entropy()
EXPONENTIAL = 4 - total(np.eye(4)) - NORMAL.total_correlation()


def exponential(z):
    from scipy.special import ndtr

    return -np.log(ndtr(-z))


ENTROPIES = {
    "normal": (NORMAL, lambda z: z, NORMAL.entropy(), 0.02),
    "lognormal margins": (NORMAL, np.exp, NORMAL.entropy(), 0.06),
    "exponential margins": (NORMAL, exponential, EXPONENTIAL, 0.04),
    "t": (STUDENT, lambda z: z, STUDENT.entropy(), 0.04),
    "one feature": (Normal(np.eye(1)), lambda z: 3 * z, Normal(9 * np.eye(1)).entropy(), 0.02),
}


@pytest.mark.parametrize("name", ENTROPIES)
@pytest.mark.parametrize("n", [1000, 5000])
def test_entropy(name, n):
    distribution, margins, expected, tolerance = ENTROPIES[name]
    error = value(family.entropy, margins(samples(distribution, n, cells=10))) - expected
    assert abs(error.mean()) < tolerance * np.sqrt(1000 / n) + 0.005


NEGENTROPIES = {
    "normal": (NORMAL, lambda z: z, 0, 0.02),
    "many normal": (Normal(ar(10, 0.6)), lambda z: z, 0, 0.03),
    "one normal feature": (Normal(np.eye(1)), lambda z: z, 0, 0.01),
    "one lognormal feature": (
        Normal(np.eye(1)),
        np.exp,
        normal_reference((np.e - 1) * np.e * np.eye(1)) - NORMAL.entropy(slice(1)),
        0.1,
    ),
    "lognormal margins": (NORMAL, np.exp, LOGNORMAL, 0.25),
    "t": (STUDENT, lambda z: z, normal_reference(STUDENT.scale * 5 / 3) - STUDENT.entropy(), 0.05),
}


@pytest.mark.parametrize("name", NEGENTROPIES)
def test_negentropy(name):
    distribution, margins, expected, tolerance = NEGENTROPIES[name]
    error = value(family.negentropy, margins(samples(distribution, 1000, cells=10))) - expected
    assert abs(error.mean()) < tolerance


def test_negentropy_does_not_change_under_scale_and_shift():
    x = np.exp(samples(NORMAL, 500, cells=3))
    changed = x * np.array([1, 1e-8, -3, 1e8])[:, None] + np.array([0, 1, 0, 1e9])[:, None]
    np.testing.assert_allclose(value(family.negentropy, changed), value(family.negentropy, x), atol=0.01)


def test_entropy_is_that_of_the_margins_less_what_they_share():
    x = samples(StudentT(ar(4, 0.6), nu=4), 500, cells=3)
    margins = sum(value(family.entropy, x[:, [d]]) for d in range(4))
    expected = margins - value(information.total_correlation, x)
    np.testing.assert_allclose(value(family.entropy, x), expected, atol=1e-12)


@pytest.mark.parametrize(("features", "n", "cells"), [(3, 1000, 6), (3, 4000, 3), (6, 1000, 3)])
def test_normal_features(features, n, cells):
    scale = ar(features, 0.6)
    x = samples(Normal(scale), n, cells)
    everything, rest = total(scale), totals_without_one(scale)
    dual = (features - 1) * everything - rest.sum()
    noise = 0.05 * np.sqrt(1000 / n)
    assert value(family.dual_total_correlation, x).mean() == pytest.approx(dual, abs=noise)
    assert value(family.o_information, x).mean() == pytest.approx(everything - dual, abs=noise)
    np.testing.assert_allclose(value(family.redundancy, x).mean(axis=0), everything - rest, atol=noise)
    pairs = -np.log(1 - scale**2 + np.eye(features)) / 2
    np.fill_diagonal(pairs, np.nan)
    np.testing.assert_allclose(value(family.mutual_information_matrix, x).mean(axis=0), pairs, atol=noise)
    partial_correlation = np.linalg.inv(scale[:3, :3])
    known = partial_correlation[0, 1] ** 2 / (partial_correlation[0, 0] * partial_correlation[1, 1])
    assert given(x, [0], [1], [2]).mean() == pytest.approx(-np.log(1 - known) / 2, abs=noise)


@pytest.mark.parametrize(("n", "low"), [(1000, 0.22), (3000, 0.1)])
def test_a_product_is_synergy(n, low):
    """T of three features is up to a fifth low with few samples, and all that follows from it."""
    x = samples(PRODUCT, n, cells=3)
    synergy = PRODUCT_T - 2 * PRODUCT_PAIR
    for estimate, truth in [
        (value(family.o_information, x), -synergy),
        (given(x, [0], [1], [2]), synergy),
        (given(x, [0], [2], [1]), PRODUCT_T - PRODUCT_PAIR),
    ]:
        assert abs(estimate.mean() - truth) < low
        assert abs(estimate.mean()) > 0.75 * abs(truth)


def test_a_noisy_parity_is_synergy():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 6, 2000))
    parity = np.sign(a * b) + 0.3 * rng.standard_normal((6, 2000))
    x = np.stack([a, b, parity], axis=1)
    pairs = value(family.mutual_information_matrix, x)
    assert np.nanmax(np.abs(pairs)) < 0.03
    assert (value(family.o_information, x) < -0.45).all()
    assert (value(family.o_information, x) > -np.log(2)).all()


def test_what_is_common_to_all_is_redundancy():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 1, 1000)) + 0.5 * rng.standard_normal((6, 4, 1000))
    scale = (np.ones((4, 4)) + 0.25 * np.eye(4)) / 1.25
    everything, rest = total(scale), totals_without_one(scale)
    assert value(family.o_information, x).mean() == pytest.approx(rest.sum() - 2 * everything, abs=0.05)


MARKOV = {
    "normal": (lambda z, a, b: (z + a, z + b), 0.005),
    "quadratic": (lambda z, a, b: (bump(z) + 0.5 * a, z + b), 0.01),
    "both curved": (lambda z, a, b: (z**2 + 0.5 * a, np.cos(2 * z) + 0.5 * b), 0.01),
}


@pytest.mark.parametrize("name", MARKOV)
def test_a_markov_chain_shares_nothing_beyond_its_middle(name):
    link, tolerance = MARKOV[name]
    z, a, b = np.random.default_rng(1).standard_normal((3, 8, 1000))
    x = np.stack([z, *link(z, a, b)], axis=1)
    ends = np.ascontiguousarray(x[:, 1:])
    assert information.mutual_information(ends, 1, RBIG()).value.mean() > 0.05
    assert abs(given(x, [1], [2], [0]).mean()) < tolerance


NULL = {
    "dual": (family.dual_total_correlation, 0.01),
    "O": (family.o_information, 0.01),
    "redundancy": (family.redundancy, 0.01),
    "pairs": (family.mutual_information_matrix, 0.01),
    "conditional": (partial(family.conditional_mutual_information, groups=([0], [1, 2], [3])), 0.01),
}


@pytest.mark.parametrize("name", NULL)
def test_independent_features_have_none_of_it(name):
    measure, tolerance = NULL[name]
    found = measure(np.random.default_rng(0).standard_cauchy((10, 4, 1000)), settings=RBIG()).value
    assert abs(np.nanmean(found)) < tolerance
    assert np.nanmin(found) > -0.03


@pytest.mark.parametrize("rotation", ["auto", "pca"])
def test_identities(rotation):
    settings = RBIG(rotation=rotation)
    x = samples(StudentT(ar(4, 0.6), nu=4), 500, cells=3)
    everything = information.total_correlation(x, settings).value
    dual = family.dual_total_correlation(x, settings).value
    np.testing.assert_allclose(everything - family.o_information(x, settings).value, dual, atol=1e-12)
    pair = np.ascontiguousarray(x[:, :2])
    two = information.total_correlation(pair, settings).value
    np.testing.assert_array_equal(family.dual_total_correlation(pair, settings).value, two)
    np.testing.assert_array_equal(
        given(x, [0, 1], [3], [2], rotation=rotation), given(x, [3], [1, 0], [2], rotation=rotation)
    )


def test_chain_rule():
    """I(x; y, z) = I(x; z) + I(x; y | z), where the neighbours between the groups do not step in."""
    x = samples(Normal(ar(3, 0.6)), 1000, cells=8)
    both = information.mutual_information(x, 1, RBIG()).value
    one = information.mutual_information(np.ascontiguousarray(x[:, [0, 2]]), 1, RBIG()).value
    np.testing.assert_allclose(both, one + given(x, [0], [1], [2]), atol=0.01)


def test_pairs_are_those_of_the_two_alone_bit_for_bit():
    x = samples(StudentT(ar(4, 0.6), nu=3), 400, cells=3)
    for rotation in ("auto", "pca"):
        settings = RBIG(rotation=rotation)
        matrix = family.mutual_information_matrix(x, settings)
        np.testing.assert_array_equal(matrix.value, matrix.value.swapaxes(1, 2))
        assert np.isnan(np.einsum("cdd->cd", matrix.value)).all()
        for i, j in [(0, 1), (0, 3), (2, 3)]:
            alone = information.mutual_information(np.ascontiguousarray(x[:, [i, j]]), 1, settings)
            np.testing.assert_array_equal(matrix.value[:, i, j], alone.value)
            np.testing.assert_array_equal(matrix.n_layers[:, i, j], alone.n_layers)


def test_redundancy_is_i_with_all_others():
    x = samples(StudentT(ar(5, 0.6), nu=3), 400, cells=3)
    for rotation in ("auto", "pca"):
        settings = RBIG(rotation=rotation)
        shared = family.redundancy(x, settings).value
        for feature, exact in [(0, True), (2, rotation == "pca"), (4, True)]:
            others = [d for d in range(5) if d != feature]
            order = [feature, *others] if feature == 0 else [*others, feature]
            alone = information.mutual_information(x[:, order].copy(), 1 if feature == 0 else 4, settings).value
            np.testing.assert_allclose(shared[:, feature], alone, atol=0 if exact else 0.02)


@pytest.mark.parametrize("measure", [family.redundancy, family.o_information])
def test_scores_are_found_once(measure, monkeypatch):
    calls, function = [], information.with_scores

    def counted(*arguments):
        calls.append(arguments)
        return function(*arguments)

    monkeypatch.setattr(information, "with_scores", counted)
    measure(np.random.default_rng(0).standard_normal((2, 4, 100)), RBIG())
    assert len(calls) == 1


def test_bad_cells_are_nan_and_do_not_touch_others():
    x = np.random.default_rng(0).standard_normal((6, 3, 100))
    clean = {name: measure(x, settings=RBIG()) for name, measure in MEASURES.items()}
    x[0] = np.nan
    x[1, 0, 5] = np.inf
    x[2, 1] = 3
    x[3, 0, :70] = np.nan
    for name, measure in MEASURES.items():
        estimate = measure(x, settings=RBIG())
        np.testing.assert_array_equal(estimate.value[4:], clean[name].value[4:])
        assert (estimate.reason[4:][~np.isnan(estimate.value[4:])] == Reason.ESTIMATED).all()
        if estimate.value.ndim == 1:
            assert np.isnan(estimate.value[:4]).all()
            assert not estimate.converged[:4].any()
            assert estimate.n_samples.tolist() == [0, 100, 100, 30, 100, 100]
            assert estimate.reason[:4].tolist() == [
                Reason.TOO_FEW_SAMPLES,
                Reason.INFINITE_VALUE,
                Reason.CONSTANT_FEATURE,
                Reason.TOO_FEW_SAMPLES,
            ]


BAD = {
    "constant": (np.full(200, 3.0), Reason.CONSTANT_FEATURE),
    "missing": (np.full(200, np.nan), Reason.TOO_FEW_SAMPLES),
    "infinite": (np.where(np.arange(200) == 7, -np.inf, 0.5), Reason.INFINITE_VALUE),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("place", [0, 2])
def test_a_bad_feature_leaves_the_matrix_and_the_redundancy_of_the_others(bad, place):
    good = samples(NORMAL, 200, cells=2)[:, :3]
    values, reason = BAD[bad]
    x = np.insert(good, place, values, axis=1)
    kept = [d for d in range(4) if d != place]
    for measure in (family.mutual_information_matrix, family.redundancy):
        estimate, want = measure(x, RBIG()), measure(good, RBIG())
        own = np.ix_(*[[0, 1], kept, kept][: estimate.value.ndim])
        for name in ("value", "reason", "converged", "n_layers"):
            np.testing.assert_array_equal(getattr(estimate, name)[own], getattr(want, name))
        assert np.isnan(estimate.value[:, place]).all()
        assert estimate.n_samples.tolist() == [200, 200]
        assert (estimate.reason[:, place].reshape(2, -1)[:, -1 if place == 0 else 0] == reason).all()


def test_the_matrix_takes_complete_cases_pair_by_pair():
    x = samples(NORMAL, 300, cells=1)
    x[0, 3, :250] = np.nan
    matrix = family.mutual_information_matrix(x, RBIG())
    for one, other in [(0, 1), (1, 2)]:
        pair = information.mutual_information(x[:, [one, other]], 1, RBIG())
        assert matrix.value[0, one, other] == matrix.value[0, other, one] == pair.value[0]
    assert matrix.n_samples.tolist() == [50]
    x[0, 3, 250:260] = np.nan
    assert np.isnan(family.mutual_information_matrix(x, RBIG(), min_samples=41).value[0, :, 3]).all()


def test_a_feature_without_others_has_no_redundancy():
    x = np.stack([[np.arange(100.0), np.ones(100), np.full(100, np.nan)]])
    estimate = family.redundancy(x, RBIG())
    assert np.isnan(estimate.value).all()
    assert estimate.reason.tolist() == [[Reason.UNDEFINED, Reason.CONSTANT_FEATURE, Reason.TOO_FEW_SAMPLES]]


MEASURES = {
    "entropy": family.entropy,
    "negentropy": family.negentropy,
    "conditional": partial(family.conditional_mutual_information, groups=([0], [1], [2])),
    "matrix": family.mutual_information_matrix,
    "redundancy": family.redundancy,
    "dual": family.dual_total_correlation,
    "O": family.o_information,
}


INFINITE = {"entropy": -np.inf, "negentropy": np.inf, "conditional": np.inf, "dual": np.inf}


@pytest.mark.parametrize("function", [np.exp, lambda x: -2 * x], ids=["monotone", "linear"])
def test_functions_of_each_other_are_infinite_and_not_converged(function):
    x = np.random.default_rng(0).standard_normal((1, 3, 400))
    x[0, 1] = function(x[0, 0])
    found = {name: measure(x, settings=RBIG()) for name, measure in MEASURES.items()}
    for name, estimate in found.items():
        assert not estimate.converged.reshape(-1)[0], name
        if name in INFINITE and not (name == "negentropy" and function is not np.exp):
            assert estimate.value[0] == INFINITE[name], name
    infinite = np.array([[False, True, False], [True, False, False], [False, False, False]])
    np.testing.assert_array_equal(np.isinf(found["matrix"].value[0]), infinite)
    np.testing.assert_array_equal(found["matrix"].converged[0], ~infinite & ~np.eye(3, dtype=bool))
    assert np.isinf(found["redundancy"].value[0]).tolist() == [True, True, False]
    assert found["redundancy"].converged[0].tolist() == [False, False, True]
    assert abs(found["redundancy"].value[0, 2]) < 0.02
    assert not np.isfinite(found["O"].value[0])


def test_a_normal_reference_that_does_not_exist_is_no_negentropy():
    x = np.random.default_rng(0).standard_normal((1, 3, 400))
    x[0, 1] = -2 * x[0, 0]
    assert np.isnan(family.negentropy(x, RBIG()).value).all()


def test_no_cells():
    x = np.empty((0, 3, 100))
    shapes = {name: measure(x, settings=RBIG()).value.shape for name, measure in MEASURES.items()}
    assert shapes["matrix"] == (0, 3, 3)
    assert shapes["redundancy"] == (0, 3)
    assert shapes["O"] == shapes["entropy"] == (0,)
