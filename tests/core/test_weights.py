import numpy as np
import pytest
from scipy import stats

from xrbig.core.tuning import TUNING
from xrbig.core.weights import (
    climb,
    evidence,
    normal_score,
    share,
    share_of_best,
    stacked,
    wiener,
)

T = np.linspace(-2, 12, 2001)


def test_a_share_is_smooth_and_grows_from_nothing_to_all():
    counts = share(T, 1.5, 3.5)
    assert (counts[T <= 1.5] == 0).all()
    assert (counts[T >= 3.5] == 1).all()
    assert (np.diff(counts) >= 0).all()
    assert share(np.array(2.5), 1.5, 3.5) == 0.5
    slope = np.diff(counts) / np.diff(T)
    assert np.abs(np.diff(slope)).max() < 0.02


@pytest.mark.parametrize("tests", [1, 20, 500])
def test_the_best_of_several_chance_findings_counts_as_seldom_as_stated(tests):
    best = np.random.default_rng(tests).standard_normal((4000, tests)).max(axis=1)
    counts = share_of_best(best, tests)
    assert (counts > 0).mean() == pytest.approx(TUNING.by_chance[0], abs=0.02)
    assert (counts == 1).mean() == pytest.approx(TUNING.by_chance[1], abs=0.004)


def test_half_of_a_finding_counts_at_so_many_errors():
    assert wiener(np.array(TUNING.evidence)) == 0.5
    assert wiener(np.array(-3.0)) == 0
    assert wiener(np.array(30.0)) > 0.99
    growth = np.diff(T * wiener(T)) / np.diff(T)
    assert 1 < growth.max() < 9 / 8 + 1e-6
    assert growth.min() >= 0


@pytest.mark.parametrize("degrees", [1.0, 4.0, 64.0])
def test_scores_of_chi_square_are_normal(degrees):
    p = np.array([0.5, 0.9, 0.999])
    ratio = stats.chi2(degrees).ppf(p) / degrees
    np.testing.assert_allclose(normal_score(ratio, degrees), stats.norm.ppf(p), atol=0.05)


def test_evidence_is_the_mean_in_its_errors():
    terms = np.random.default_rng(0).standard_normal((3000, 200)) + 0.1
    found = np.array([evidence(own, 200.0) for own in terms])
    assert found.mean() == pytest.approx(0.1 * np.sqrt(200), rel=0.05)
    assert found.std() == pytest.approx(1, rel=0.05)
    assert evidence(terms[0], 50.0) == pytest.approx(found[0] / 2)


def test_one_climbs_by_what_is_evident():
    rng = np.random.default_rng(0)
    now, more = rng.standard_normal((2, 500))
    t = 3 * TUNING.evidence
    more = (more - more.mean()) / more.std() + t / np.sqrt(500)
    np.testing.assert_allclose(climb(now, now + more, 500.0), now + 0.9 * more)
    np.testing.assert_allclose(climb(now, now + more, 500.0, spread=3.0), now + 0.5 * more)
    np.testing.assert_array_equal(climb(now, now - more, 500.0), now)


def test_models_are_stacked_by_what_makes_samples_likeliest():
    rng = np.random.default_rng(0)
    x = np.where(rng.random(20_000) < 0.3, rng.standard_normal(20_000), rng.standard_normal(20_000) + 4)
    density = np.stack([stats.norm(place).pdf(x) for place in (0, 4, -6)])
    weight = stacked(density)
    assert weight.shape == (3, 1)
    np.testing.assert_allclose(weight[:, 0], [0.3, 0.7, 0], atol=0.02)


def test_stacked_weights_of_features_are_their_own():
    density = np.random.default_rng(0).uniform(0.1, 1, (3, 2, 50))
    weight = stacked(density)
    np.testing.assert_allclose(weight.sum(axis=0), 1)
    np.testing.assert_array_equal(weight[:, 1], stacked(density[:, 1]))
