import numpy as np
import pytest
from scipy import stats

from tests.conftest import normal_scores_of, red
from xrbig.core.conditional import destruct, made_normal, white
from xrbig.core.place import Place
from xrbig.core.rungs.neighbours import Asked, terms

N = 744


def scores(*rows):
    return normal_scores_of(np.stack(rows)[None])[0]


def destructed(rows, given, time=1.0):
    z = scores(*rows, *given)
    return destruct(z[: len(rows)], z[len(rows) :], Place.in_turn(1, z.shape[1]), time, 0), z[len(rows) :]


def shared_with(rest, u):
    """What neighbours find between a feature and others, which linear functions need not show."""
    asked = Asked.of(np.arange(rest.shape[1])[None], 0.0)
    return terms(np.concatenate([rest, u]), [slice(1), slice(1, None)], asked, (20,))[0].mean()


CURVES = {
    "line": lambda u, v, e: u + e,
    "parabola": lambda u, v, e: u**2 + 0.4 * e,
    "wave": lambda u, v, e: np.cos(2 * u) + 0.4 * e,
    "spread": lambda u, v, e: np.exp(u) * e,
    "two": lambda u, v, e: u * v + 0.4 * e,
    "nothing": lambda u, v, e: e,
}


@pytest.mark.parametrize("name", CURVES)
def test_destructed_features_are_normal_and_independent_of_the_condition(name):
    u, v, e = np.random.default_rng(0).standard_normal((3, N))
    found, given = destructed([CURVES[name](u, v, e)], [u, v])
    assert stats.kstest(found.rest[0], "norm").statistic < 0.01
    assert abs(shared_with(found.rest, given)) < 0.05
    assert np.abs(np.corrcoef(np.concatenate([found.rest, given, given**2]))[0, 1:]).max() < 0.1


def test_what_the_condition_does_not_tell_is_kept():
    u, v, e = np.random.default_rng(1).standard_normal((3, N))
    found, _ = destructed([u**2 + 0.4 * e], [u])
    assert abs(stats.spearmanr(found.rest[0], e).statistic) > 0.9
    found, _ = destructed([e], [u, v])
    assert abs(stats.spearmanr(found.rest[0], e).statistic) > 0.98


@pytest.mark.parametrize("rho", [0.3, 0.8])
def test_gain_of_a_linear_pair_is_what_it_shares(rho):
    u, e = np.random.default_rng(2).standard_normal((2, 4, N))
    y = rho * u + np.sqrt(1 - rho**2) * e
    gains = [destructed([y[cell]], [u[cell]])[0].gain.mean() for cell in range(4)]
    assert np.mean(gains) == pytest.approx(-np.log(1 - rho**2) / 2, abs=0.03)


@pytest.mark.parametrize("phi", [0, 0.9])
def test_where_nothing_is_shared_nothing_is_gained(phi):
    x = red((8, 2, N), phi)
    time = (1 + phi**2) / (1 - phi**2)
    gains = [destructed([cell[0]], [cell[1]], time)[0].gain.mean() for cell in x]
    assert -0.02 < np.mean(gains) < 0.005


def test_features_are_destructed_each_by_itself():
    u, a, b = np.random.default_rng(3).standard_normal((3, N))
    z = scores(u + a, u**2 + b, u)
    lie = Place.in_turn(1, N)
    both = destruct(z[:2], z[2:], lie, 1.0, 0)
    for row in (0, 1):
        alone = destruct(z[row : row + 1], z[2:], lie, 1.0, 0)
        np.testing.assert_allclose(both.gain[row], alone.gain[0], atol=0.5)
        assert np.corrcoef(both.rest[row], alone.rest[0])[0, 1] > 0.97


def test_white_directions_leave_out_what_others_determine():
    a, b = scores(*np.random.default_rng(4).standard_normal((2, 300)))
    w = white(np.stack([a, b, a - b]))
    assert len(w) == 2
    np.testing.assert_allclose(w @ w.T / 300, np.eye(2), atol=1e-9)


def test_rows_are_made_normal_by_their_ranks():
    x = np.random.default_rng(5).exponential(size=(2, 300))
    z = made_normal(x)
    np.testing.assert_allclose(z.std(axis=1), 1)
    np.testing.assert_array_equal(z.argsort(axis=1), x.argsort(axis=1))
    assert stats.kstest(z[0], "norm").statistic < 0.01
