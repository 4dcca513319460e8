"""Series that remember (e), and whether weak dependence is told from chance (f)."""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from scipy.signal import lfilter
from study import SAMPLES, Draw, Floats, Groups, Noted, Task, dataset, drawn_from, estimates

import xrbig
from xrbig.distributions import Product, Regression, StudentT

Rng = np.random.Generator
HOURS = 744
SPIN_UP = 400  # samples of a series that are left out
PEAK = (0.95, 12)  # modulus of the poles, and the period in samples, of series with a spectral peak
THREE_WAY_NOISE = 3.0
HETEROSCEDASTIC = 0.0965  # the entropy of y by quadrature, less the mean of that given x
CALIBRATION = 39  # surrogates where nothing is shared: the level of a test does not depend on their number


def coefficients(phi: float) -> list[float]:
    """Denominator of the filter of a first-order series, or for phi = -1 of one with a spectral peak."""
    radius, period = PEAK
    return [1, -2 * radius * np.cos(2 * np.pi / period), radius**2] if phi < 0 else [1, -phi]


def independent_series(phi: float, features: int) -> Draw:
    """Independent autoregressive series."""

    def draw(rng: Rng, n: int) -> Groups:
        noise = rng.standard_normal((features, SPIN_UP + n))
        x = list(lfilter([1], coefficients(phi), noise)[:, SPIN_UP:])
        return {"x": x[:1], "y": x[1:]} if features == 2 else {"x": x}

    return draw


def named(phi: float) -> str:
    """How a table calls a series."""
    return "AR(2), peak" if phi < 0 else f"AR(1), phi = {phi:g}"


def series_tasks() -> Iterator[Task]:
    """Chance correlations count the autocorrelation."""
    for phi in (0, 0.5, 0.7, 0.9, 0.95, -1):
        for features, what, tolerance in ((2, "pair", 0.005), (5, "T of five", 0.015)):
            values = estimates(independent_series(phi, features), HOURS)
            yield Task("e", f"{named(phi)}: {what}", HOURS, 40, values, 0, tolerance)


def quadratic(x: Floats) -> Floats:
    """A square of mean 0."""
    return np.asarray(0.29 * (x**2 - 1) / np.sqrt(2))


def cosine(x: Floats) -> Floats:
    """Half a wave within one and a half standard deviations."""
    return np.asarray(0.42 * np.cos(2 * x))


def threshold(x: Floats) -> Floats:
    """A step."""
    return np.asarray(0.8 * (x > 1))


def heteroscedastic(rng: Rng, n: int) -> Groups:
    """Noise whose size follows x."""
    x, e = rng.standard_normal((2, n))
    return {"x": [x], "y": [np.exp(0.35 * x) * e]}


def three_way(rng: Rng, n: int) -> Groups:
    """A feature and the product of it with another, plus noise: only the three together tell."""
    x, y, e = rng.standard_normal((3, n))
    return {"x": [x, y, x * y + THREE_WAY_NOISE * e]}


WEAK: dict[str, tuple[Draw, float]] = {
    "quadratic": (drawn_from(Regression(quadratic, 1.0), 1), Regression(quadratic, 1.0).total_correlation()),
    "heteroscedastic": (heteroscedastic, HETEROSCEDASTIC),
    "cosine": (drawn_from(Regression(cosine, 1.0), 1), Regression(cosine, 1.0).total_correlation()),
    "product of three": (three_way, Product(THREE_WAY_NOISE).total_correlation()),
    "t copula, nu = 3": (drawn_from(StudentT(np.eye(2), 3), 1), StudentT(np.eye(2), 3).total_correlation()),
    "threshold": (drawn_from(Regression(threshold, 1.0), 1), Regression(threshold, 1.0).total_correlation()),
}


def rejected(draw: Draw, surrogates: int) -> Callable[[int], Noted]:
    """Whether the p-value of each draw is at most 5 %."""

    def values(draws: int) -> Noted:
        ds = dataset(draw, HOURS, draws)
        x, y = (["x0"], ["y0"]) if "y0" in ds else (None, None)
        test = xrbig.significance(ds, x, y, sample_dim=SAMPLES, n_surrogates=surrogates)
        return Noted(np.asarray(test.p_value <= 0.05, dtype=np.float64), f"{surrogates} surrogates")

    return values


def significance_tasks() -> Iterator[Task]:
    """Power where little is shared, and the level where nothing is."""
    for name, (draw, truth) in WEAK.items():
        text = f"power: {name}, {truth:.3f} nat"
        yield Task("f", text, HOURS, 20, rejected(draw, 199), 1, 0.2, share=True)
    for phi, features in product((0, 0.5, 0.9), (2, 3)):
        text = f"false positives: {named(phi)}, {'pair' if features == 2 else 'T of three'}"
        values = rejected(independent_series(phi, features), CALIBRATION)
        yield Task("f", text, HOURS, 100, values, 0.05, 0.02, share=True)
