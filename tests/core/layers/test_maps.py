import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from xrbig.core.layers.curve import Curve
from xrbig.core.layers.elliptical import Radial, student_curve
from xrbig.core.layers.linear import Linear
from xrbig.core.layers.margins import Margins
from xrbig.core.layers.mixture import Conditional
from xrbig.core.layers.scale import Compression

STEP = 1e-5
BENDS = st.just(0.0) | st.floats(1e-9, 5)


def curve(seed=0, bend=(0.3, 0.0)):
    rng = np.random.default_rng(seed)
    knots, values = np.cumsum(rng.uniform(0.1, 1, (2, 7)), axis=1) - 2
    return Curve(knots, values, rng.uniform(0.2, 3, 7), np.array(bend))


def conditional(features=(1, 0, 3), given=1, components=5, seed=0):
    rng = np.random.default_rng(seed)
    size = len(features)
    roots = np.tril(rng.normal(0, 0.5, (components, size, size)))
    roots[:, range(size), range(size)] = rng.uniform(0.5, 3, (components, size))
    weight = rng.dirichlet(np.ones(components))
    mean = rng.standard_normal((components, size))
    roots[0], mean[0] = np.eye(size) / 4, 0  # without a broad component the map is flat between the others
    return Conditional(np.array(features), np.array(given), np.log(weight), mean, roots)


MAPS = {
    "linear": Linear(np.array([1.0, -2.0, 0.5, 3.0]), np.random.default_rng(0).standard_normal((4, 4))),
    "compression": Compression(np.array([0, 2]), np.array([0.3, -1.0]), np.array([0.5, 0.01])),
    "margins": Margins([curve(seed, bend) for seed, bend in enumerate([(0, 0), (0.5, 0), (0, 0.1), (2, 2)])]),
    "radial": Radial(curve()),
    "conditional": conditional(),
    "student": Margins([student_curve(nu) for nu in (2.0, 4.0, 8.0, 16.0)]),
}


def samples(spread, n=200, seed=1):
    return spread * np.random.default_rng(seed).standard_normal((4, n))


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("spread", [0.1, 1, 3])
def test_the_inverse_is_the_inverse(name, spread):
    x = samples(spread)
    np.testing.assert_allclose(MAPS[name].invert(MAPS[name].apply(x)[0]), x, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", MAPS)
def test_log_det_is_that_of_the_jacobian(name):
    x = samples(1, n=50)
    shifted = [[MAPS[name].apply(x + sign * STEP * unit[:, None])[0] for sign in (1, -1)] for unit in np.eye(4)]
    jacobian = np.stack([(up - down) / (2 * STEP) for up, down in shifted], axis=1)
    log_det = np.linalg.slogdet(np.moveaxis(jacobian, 2, 0))[1]
    np.testing.assert_allclose(MAPS[name].apply(x)[1], log_det, atol=1e-4)


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("size", [1e2, 1e6])
def test_nothing_far_away_is_infinite(name, size):
    x = samples(size, n=20)
    y, log_det = MAPS[name].apply(x)
    assert np.isfinite(y).all()
    assert np.isfinite(log_det).all()
    assert np.isfinite(MAPS[name].invert(samples(40, n=20))).all()


@pytest.mark.parametrize("name", MAPS)
def test_no_sample_knows_of_the_others(name):
    x = samples(1)
    y, log_det = MAPS[name].apply(x)
    some, some_log_det = MAPS[name].apply(x[:, 50:60])
    np.testing.assert_allclose(some, y[:, 50:60], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(some_log_det, log_det[50:60], rtol=1e-12, atol=1e-12)


@given(seed=st.integers(0, 1000), low=BENDS, high=BENDS)
def test_a_curve_ascends_and_its_slope_is_continuous(seed, low, high):
    single = curve(seed, (low, high))
    x = np.linspace(-6, 6, 2001)
    y, _ = single.apply(x)
    assert (np.diff(y) > 0).all()
    for knot in single.knots:
        _, around = single.apply(np.array([knot - 1e-9, knot + 1e-9]))
        assert around[0] == pytest.approx(around[1], abs=1e-5)


def test_a_curve_meets_its_knots():
    single = curve()
    y, log_slope = single.apply(single.knots)
    np.testing.assert_allclose(y, single.values)
    np.testing.assert_allclose(np.exp(log_slope), single.slopes)


def test_a_bent_tail_goes_on_as_a_logarithm_and_a_straight_one_as_a_line():
    single = curve(bend=(0.5, 0))
    x = single.knots[-1] + np.array([1.0, 2.0, 3.0])
    assert np.diff(single.apply(x)[0]) == pytest.approx(single.slopes[-1])
    far = single.knots[0] - np.array([1e6, 1e7])
    assert np.diff(single.apply(far)[0])[0] == pytest.approx(-np.log(10) / 0.5, rel=1e-4)


def test_the_student_curve_gives_t_quantiles():
    z = np.linspace(-4, 4, 33) + 0.03
    y, log_slope = student_curve(4.0).apply(z)
    exact = stats.t(4).ppf(stats.norm.cdf(z))
    np.testing.assert_allclose(y, exact, atol=2e-3 * np.abs(exact).max())
    np.testing.assert_allclose(log_slope, stats.norm.logpdf(z) - stats.t(4).logpdf(exact), atol=5e-3)


def test_a_conditional_map_takes_its_mixture_to_normal_features():
    single = conditional((0, 1), 0)
    rng = np.random.default_rng(5)
    which = rng.choice(5, 20_000, p=np.exp(single.log_weight))
    white = rng.standard_normal((2, 20_000))
    x = np.linalg.solve(single.whitening[which], white.T[..., None])[..., 0].T + single.mean[which].T
    y, _ = single.apply(x)
    assert stats.kstest(y[0], "norm").pvalue > 0.01
    assert stats.kstest(y[1], "norm").pvalue > 0.01
    assert abs(np.corrcoef(np.abs(y))[0, 1]) < 0.03


@pytest.mark.parametrize("name", ["margins", "conditional", "radial"])
def test_gains_are_what_the_log_density_gains(name):
    x = samples(1)
    y, log_det = MAPS[name].apply(x)
    gain = log_det + ((x**2).sum(axis=0) - (y**2).sum(axis=0)) / 2
    np.testing.assert_allclose(MAPS[name].gains(x).sum(axis=0), gain, atol=1e-9)


@pytest.mark.parametrize("steep", [1e3, 1e9])
def test_a_curve_between_bins_of_any_widths_returns_what_is_near_either_end(steep):
    knots = np.array([-1 / steep, 0, 1, 1 + 1 / steep])
    values = np.arange(4.0)
    slopes = np.array([steep, steep, steep, steep])
    single = Curve(knots, values, slopes, np.zeros(2))
    near = np.logspace(-8, -1, 50) / steep
    x = np.concatenate([near, -near])
    z, _ = single.apply(x)
    np.testing.assert_allclose(single.invert(z), x, rtol=1e-6)
    z, _ = single.apply(1 - x)
    np.testing.assert_allclose(single.invert(z), 1 - x, rtol=1e-14)
