import numpy as np
import pytest
from scipy.special import psi

from tests.conftest import samples
from xrbig.core.rungs.neighbours import ASKED, Asked, scales, terms
from xrbig.distributions import Normal, Product, Ring

PAIR = Normal(np.array([[1, 0.8], [0.8, 1]]))


def line(n):
    return np.arange(n)[None]


def exact(rng, features, n):
    """Samples whose differences float32 holds exactly."""
    return np.round(256 * rng.standard_normal((features, n))) / 256


def directly(x, groups, asked, near, k, joint=None):
    """Terms of the samples asked, one after the other; `near` tells which samples are near in place to one."""
    joint, out = x if joint is None else joint, []
    for i in asked:
        others = ~near(i)
        distance = [np.abs(rows - rows[:, [i]]).max(axis=0)[others] for rows in (joint, *(x[g] for g in groups))]
        radius = np.sort(distance[0])[k - 1]
        counts = np.array([(own < radius).sum() for own in distance[1:]])
        out.append(psi(k) + (len(groups) - 1) * psi(others.sum() + 1) - psi(counts + 1).sum())
    return np.array(out)


GROUPS = {
    "two features": [slice(1), slice(1, 2)],
    "three features": [slice(d, d + 1) for d in range(3)],
    "a group and a feature": [slice(2), slice(2, 3)],
    "two groups": [slice(2), slice(2, 4)],
}


@pytest.mark.parametrize("window", [0, 6.0, 6.5])
@pytest.mark.parametrize("name", GROUPS)
def test_terms_are_those_of_a_direct_computation(name, window):
    groups = GROUPS[name]
    x = exact(np.random.default_rng(0), groups[-1].stop, 180)
    x[-1] += x[0]
    asked = Asked.of(line(180), window)
    found = terms(x, groups, asked, (10, 3))
    for k, own in zip((10, 3), found, strict=True):
        expected = directly(x, groups, range(180), lambda i: np.abs(np.arange(180) - i) <= window, k)
        np.testing.assert_allclose(own, expected, atol=1e-12)


def test_of_many_samples_too():
    x = exact(np.random.default_rng(1), 2, 700)
    x[1] += np.round(256 * x[0] ** 2) / 256
    found = terms(x, GROUPS["two features"], Asked.of(line(700), 5.0, every=7), (40, 5))
    for k, own in zip((40, 5), found, strict=True):
        near = lambda i: np.abs(np.arange(700) - i) <= 5  # noqa: E731
        np.testing.assert_allclose(own, directly(x, GROUPS["two features"], range(0, 700, 7), near, k), atol=1e-12)


def test_neighbours_may_be_sought_in_other_features():
    x, joint = exact(np.random.default_rng(2), 4, 150), exact(np.random.default_rng(3), 4, 150)
    found = terms(x, GROUPS["two groups"], Asked.of(line(150), 2.0), (5,), joint)[0]
    near = lambda i: np.abs(np.arange(150) - i) <= 2  # noqa: E731
    np.testing.assert_allclose(found, directly(x, GROUPS["two groups"], range(150), near, 5, joint), atol=1e-12)


@pytest.mark.parametrize("gaps", [0, 30])
def test_samples_near_along_all_dimensions_are_no_neighbours(gaps):
    kept = np.sort(np.random.default_rng(0).permutation(196)[gaps:])
    places = np.stack(np.unravel_index(kept, (14, 14)))
    x = exact(np.random.default_rng(4), 2, len(kept))
    found = terms(x, GROUPS["two features"], Asked.of(places, 2.0), (3,))[0]
    near = lambda i: (np.abs(places - places[:, [i]]) <= 2).all(axis=0)  # noqa: E731
    np.testing.assert_allclose(found, directly(x, GROUPS["two features"], range(len(kept)), near, 3), atol=1e-12)


def test_gaps_in_a_series_count_as_time():
    kept = np.delete(np.arange(200), np.arange(50, 90))
    x = exact(np.random.default_rng(5), 2, 160)
    found = terms(x, GROUPS["two features"], Asked.of(kept[None], 20.0), (3,))[0]
    near = lambda i: np.abs(kept - kept[i]) <= 20  # noqa: E731
    np.testing.assert_allclose(found, directly(x, GROUPS["two features"], range(160), near, 3), atol=1e-12)


def value(x, groups, k=5):
    return np.mean([terms(cell, groups, Asked.of(line(x.shape[2]), 0.0), (k,)).mean() for cell in x])


@pytest.mark.parametrize("features", [2, 3, 5])
def test_independent_features_share_nothing(features):
    x = np.random.default_rng(features).standard_normal((30, features, 500))
    groups = [slice(d, d + 1) for d in range(features)]
    found = np.array([terms(cell, groups, Asked.of(line(500), 0.0), (20, 5)).mean(axis=1) for cell in x])
    assert (np.abs(found.mean(axis=0)) < 3.5 * found.std(axis=0) / np.sqrt(30)).all()
    assert found[:, 0].std() < found[:, 1].std()


@pytest.mark.parametrize("distribution", [PAIR, Ring(2, 1, 0.1), Ring(3, 1, 0.1), Product(0.3)], ids=str)
def test_t_of_few_features(distribution):
    groups = [slice(d, d + 1) for d in range(distribution.features)]
    assert value(samples(distribution, 4000, cells=2), groups, 3) == pytest.approx(
        distribution.total_correlation(), rel=0.08
    )


@pytest.mark.parametrize("distribution", [Ring(3, 1, 0.1), Product(0.3)], ids=str)
def test_i_of_groups(distribution):
    found = value(samples(distribution, 4000, cells=2), [slice(2), slice(2, 3)], 3)
    assert found == pytest.approx(distribution.mutual_information(2), rel=0.1)


def test_order_of_features_does_not_matter():
    x, asked = Product(0.3).sample(500, seed=0), Asked.of(line(500), 3.0)
    one, other = (terms(rows, GROUPS["three features"], asked, (5,)) for rows in (x, x[::-1]))
    np.testing.assert_allclose(one, other, atol=1e-12)


def test_autocorrelation_passes_for_nothing_where_neighbours_in_time_are_none():
    walk = np.random.default_rng(0).standard_normal((6, 2, 800)).cumsum(axis=-1)
    smooth = walk - walk.mean(axis=-1, keepdims=True)
    near, far = (
        np.mean([terms(cell, GROUPS["two features"], Asked.of(line(800), w), (5,)).mean() for cell in smooth])
        for w in (0.0, 60.0)
    )
    assert near > far + 0.5


def test_where_there_are_many_samples_some_are_asked():
    asked = Asked.of(line(50_000), 2.0)
    assert len(asked.samples) == ASKED
    assert (np.diff(asked.samples) == 25).all()
    assert (asked.number[1:] == 5).all()


def test_how_many_neighbours_samples_allow():
    many, few = scales(10_000, 10), scales(10_000, 2)
    assert many == few[: len(many)]
    assert few[-1] < many[-1]
    assert (np.diff(few) < 0).all()
    assert max(scales(300, 10)) <= 300 / 14
    assert len(scales(20, 10)) == 1


def test_equal_samples_stay_finite():
    x, asked = np.round(PAIR.sample(600, seed=0)), Asked.of(line(600), 4.0)
    assert np.isfinite(terms(x, GROUPS["two features"], asked, (20, 3))).all()
    assert np.isfinite(terms(np.concatenate([x, x]), GROUPS["two groups"], asked, (20, 3))).all()
