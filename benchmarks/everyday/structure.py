"""Groups that depend within, beside others (a), what they share with them (b), and features that say nothing (d)."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import numpy as np
import xarray as xr
from study import (
    SAMPLES,
    Draw,
    Features,
    Floats,
    Groups,
    Task,
    dataset,
    drawn_from,
    estimate,
    estimates,
    normal_information,
)

import xrbig
from xrbig.distributions import GaussianMixture, Product, Regression

Rng = np.random.Generator
Inner = Callable[[Rng, int], Features]
CLUSTERS = GaussianMixture.random(2, components=4, distance=2, seed=3)
ROLL = GaussianMixture.spiral(turns=1.5, width=0.1)
CORRELATION = 0.6
PLAIN = "plain; plain"


def plain(rng: Rng, n: int) -> Features:
    """One normal feature."""
    return [rng.standard_normal(n)]


def parabola(rng: Rng, n: int) -> Features:
    """A parabola with noise."""
    x, e = rng.standard_normal((2, n))
    return [x, x**2 + 0.3 * e]


def ring(rng: Rng, n: int) -> Features:
    """A noisy circle."""
    angle, radius = rng.uniform(0, 2 * np.pi, n), 1 + 0.1 * rng.standard_normal(n)
    return [radius * np.cos(angle), radius * np.sin(angle)]


def clusters(rng: Rng, n: int) -> Features:
    """Four clusters in the plane."""
    return list(CLUSTERS.sample(n, int(rng.integers(2**32))))


def multiplied(rng: Rng, n: int) -> Features:
    """Two normal features and their product with noise."""
    x, y, e = rng.standard_normal((3, n))
    return [x, y, x * y + 0.3 * e]


INNER: dict[str, Inner] = {
    "plain": plain,
    "parabola": parabola,
    "ring": ring,
    "clusters": clusters,
    "product": multiplied,
    "parabola + product": lambda rng, n: parabola(rng, n) + multiplied(rng, n),
    "product + ring": lambda rng, n: multiplied(rng, n) + ring(rng, n),
}
BESIDE = (
    PLAIN,
    "parabola; plain",
    "ring; plain",
    "clusters; plain",
    "product; plain",
    "parabola; ring",
    "clusters; parabola",
    "plain; plain; parabola",
    "plain; plain; ring",
    "plain; plain; clusters",
    "plain; plain; product",
    "parabola; plain; ring",
    "plain; plain; parabola + product",
    "parabola + product; product + ring",
)
SIZES = (200, 500, 1000, 2000)


def beside(case: str) -> Draw:
    """Independent groups with the inner structure that the name tells."""
    parts = [INNER[name] for name in case.split("; ")]
    return lambda rng, n: {group: part(rng, n) for group, part in zip("xyz", parts, strict=False)}


def inner_tasks() -> Iterator[Task]:
    """Nothing is shared, whatever the structure within the groups."""
    for case, n in product(BESIDE, SIZES):
        draws = 10 if "+" in case else 20
        yield Task("a", case, n, draws, estimates(beside(case), n), yardstick="" if case == PLAIN else PLAIN)


def pair(rng: Rng, n: int, correlation: float = CORRELATION) -> tuple[Floats, Floats]:
    """Two correlated normal features."""
    x, e = rng.standard_normal((2, n))
    return x, correlation * x + np.sqrt(1 - correlation**2) * e


def quadratic(u: Floats) -> Floats:
    """A square with mean 0 and standard deviation 0.8."""
    return np.asarray(0.8 * (u**2 - 1) / np.sqrt(2))


def parabola_and_line(rng: Rng, n: int) -> Groups:
    """A parabola, of whose first feature there is a linear function."""
    x, y = pair(rng, n, 0.8)
    return {"x": [x, x**2 + 0.3 * rng.standard_normal(n)], "y": [y]}


def two_parabolas(rng: Rng, n: int) -> Groups:
    """Parabolas whose first features correlate."""
    x, y = pair(rng, n)
    first, second = 0.3 * rng.standard_normal((2, n))
    return {"x": [x, x**2 + first], "y": [y, y**2 + second]}


def beside_two_parabolas(rng: Rng, n: int) -> Groups:
    """Correlated noise on two parabolas of the condition."""
    z, (x, y) = rng.standard_normal(n), pair(rng, n)
    return {"x": [z**2 + x], "y": [z - z**2 + y], "z": [z]}


def sign_by_condition(rng: Rng, n: int) -> Groups:
    """The condition tells with which sign the two depend on each other."""
    x, z, e = rng.standard_normal((3, n))
    return {"x": [x], "y": [x * z + 0.5 * e], "z": [z]}


def quadratic_given(rng: Rng, n: int) -> Groups:
    """A quadratic function of what the condition does not explain."""
    u, z, e = rng.standard_normal((3, n))
    return {"x": [z + u], "y": [np.sin(2 * z) + quadratic(u) + e], "z": [z]}


def common_driver(rng: Rng, n: int) -> Groups:
    """Two curved functions of the condition."""
    z, first, second = rng.standard_normal((3, n))
    return {"x": [z**2 + 0.4 * first], "y": [np.cos(2 * z) + 0.4 * second], "z": [z]}


def product_driver(rng: Rng, n: int) -> Groups:
    """Functions of two conditions together."""
    u, v, first, second = rng.standard_normal((4, n))
    return {"x": [u * v + 0.4 * first], "y": [u - v**2 + 0.4 * second], "z": [u, v]}


def scale_driver(rng: Rng, n: int) -> Groups:
    """The condition sets the scale of both."""
    z, first, second = rng.standard_normal((3, n))
    return {"x": [np.exp(0.6 * z) * first], "y": [np.exp(0.6 * z) * second], "z": [z]}


def shared_tasks() -> Iterator[Task]:
    """What is shared is found beside inner structure, and nothing where the condition explains all."""
    correlated = normal_information(CORRELATION)
    cases: list[tuple[str, Draw, float, float]] = [
        ("parabola; y = 0.8 x + 0.6 e", parabola_and_line, normal_information(0.8), 0.1),
        ("two parabolas, r = 0.6", two_parabolas, correlated, 0.01 / correlated),
        ("x = z^2 + e, y = z - z^2 + e', r = 0.6, given z", beside_two_parabolas, correlated, 0.01 / correlated),
        ("y = x z + 0.5 e, given z", sign_by_condition, Product(0.5).mutual_information(1), 0.1),
        ("quadratic, given z", quadratic_given, Regression(quadratic, 1.0).total_correlation(), 0.1),
        ("x = z^2, y = cos 2z, given z", common_driver, 0.0, 0.0),
        ("x = u v, y = u - v^2, given u, v", product_driver, 0.0, 0.0),
        ("scale exp(0.6 z) of both, given z", scale_driver, 0.0, 0.0),
    ]
    for (name, draw, truth, part), n in product(cases, (500, 744, 2000)):
        part = 0.03 if draw is parabola_and_line and n == 2000 else part
        yield Task("b", name, n, 20, estimates(draw, n), truth, part * truth or 0.005)


def sine(x: Floats) -> Floats:
    """Just below one and a half waves within two standard deviations."""
    return np.asarray(np.sin(3 * x))


def sine_groups(rng: Rng, n: int, dummies: int, what: str) -> Groups:
    """A noisy sine y of x, and dummies d: T of all, I(y; x, d) or I(y; d | x)."""
    x, *rest = rng.standard_normal((1 + dummies, n))
    y = sine(x) + 0.3 * rng.standard_normal(n)
    if what == "I":
        return {"x": [y], "y": [x, *rest]}
    return {"x": [y], "y": rest, "z": [x]} if what == "|" else {"x": [y, x, *rest]}


def roll_groups(rng: Rng, n: int, what: str) -> Groups:
    """A noisy roll and a feature that is independent of it."""
    roll = list(ROLL.sample(n, int(rng.integers(2**32))))
    return {"x": roll, "y": plain(rng, n)} if what == "I" else {"x": roll + plain(rng, n)}


def o_information(draw: Draw, n: int) -> Callable[[int], Floats]:
    """O of all features."""
    return lambda draws: np.asarray(xrbig.o_information(dataset(draw, n, draws), sample_dim=SAMPLES))


def dummy_tasks() -> Iterator[Task]:
    """A feature that says nothing changes nothing."""
    truth = Regression(sine, 0.3).total_correlation()
    for n, (what, name), dummies in product((500, 1000), {"T": "T", "I": "I(y; x, d)"}.items(), (0, 1, 2, 3, 5, 8)):
        draw = partial(sine_groups, dummies=dummies, what=what)
        yield Task("d", f"sine, {name}, dummies: {dummies}", n, 6, estimates(draw, n), truth, 0.05 * truth)
    for n in (500, 1000):
        draw = partial(sine_groups, dummies=1, what="|")
        yield Task("d", "sine, I(y; d given x)", n, 10, estimates(draw, n), tolerance=0.01)
        whole = partial(sine_groups, dummies=1, what="T")
        yield Task("d", "sine, O(y, x, d)", n, 10, o_information(whole, n), tolerance=0.01)
        total = ROLL.total_correlation()
        roll = estimates(drawn_from(ROLL), n)
        yield Task("d", "roll, T", n, 10, roll, total, 0.05 * total)
        for what, value, room in (("T", total, 0.05 * total), ("I", 0.0, 0.005)):
            found = estimates(partial(roll_groups, what=what), n)
            yield Task("d", f"roll and a dummy, {what}", n, 10, found, value, room)
    yield from tuning_tasks()


CURVES, SEEDS = 12, 8
PREFERRED = np.arange(CURVES) * 2 * np.pi / CURVES
TUNING_NOISE = 0.6


def tuning(angle: Floats) -> Floats:
    """Mean responses (curve, sample) of neurons, each with a preferred angle."""
    return np.asarray(np.exp(2 * (np.cos(angle - PREFERRED[:, None]) - 1)))


def tuning_groups(rng: Rng, n: int) -> Groups:
    """An angle and twelve noisy responses."""
    angle = rng.uniform(0, 2 * np.pi, n)
    responses = tuning(angle) + TUNING_NOISE * rng.standard_normal((CURVES, n))
    return {"x": [angle], "y": list(responses)}


def tuning_truth(draws: int = 40_000) -> float:
    """Mean over draws of log p(responses | angle) / p(responses), the latter by quadrature over the angle."""
    rng = np.random.default_rng(0)
    angle, places = rng.uniform(0, 2 * np.pi, draws), np.arange(360) * 2 * np.pi / 360
    means, noise = tuning(places), rng.standard_normal((CURVES, draws))
    responses = tuning(angle) + TUNING_NOISE * noise
    square = (responses**2).sum(0) - 2 * means.T @ responses + (means**2).sum(0)[:, None]
    joint = -(noise**2).sum(0) / 2
    return float(np.mean(joint - np.log(np.exp(-square / (2 * TUNING_NOISE**2)).mean(0))))


def by_seed(ds: xr.Dataset) -> Floats:
    """Estimates (seed, draw) with other seeds of the estimator."""
    return np.array([estimate(ds, estimator=xrbig.RBIG(seed=seed)) for seed in range(SEEDS)])


def worst_by_seed(draws: int, truth: float) -> Floats:
    """Of each draw the estimate that is furthest off, whatever the seed."""
    found = by_seed(dataset(tuning_groups, 500, draws))
    return np.asarray(np.take_along_axis(found, abs(found - truth).argmax(0)[None], 0)[0])


def tuning_tasks() -> Iterator[Task]:
    """A curved signal spread over many noisy features."""
    truth = tuning_truth()
    yield Task("d", "twelve tuning curves", 500, 10, estimates(tuning_groups, 500), truth, 0.15 * truth)
    worst = partial(worst_by_seed, truth=truth)
    yield Task("d", "twelve tuning curves, worst of 8 seeds", 500, 3, worst, truth, 0.15 * truth)
