"""Groups that hold an exact or nearly exact relation (c)."""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from study import ERA5, SAMPLES, Draw, Features, Floats, Groups, Task, dataset, estimate, estimates, normal_information

import xrbig

Rng = np.random.Generator
WEIGHTS = {"a": 0.6, "b": 0.5, "c": 0.3, "e": 0.6}  # of x; its variance is their sum of squares


def explained(names: str) -> float:
    """I of x with some of the normal features that it is a sum of."""
    total = sum(w**2 for w in WEIGHTS.values())
    return normal_information(np.sqrt(sum(WEIGHTS[name] ** 2 for name in names) / total))


def kelvin(x: Floats) -> NDArray[np.float32]:
    """The same in another unit, in single precision."""
    return np.asarray(x.astype("f4") + np.float32(273.15), np.float32)


def shares(a: Floats, b: Floats, c: Floats) -> Features:
    """Fractions that add up to one."""
    parts = np.exp(0.5 * np.stack([a, b, c]))
    return list(parts / parts.sum(axis=0))


def dewpoint(temperature: Floats, humidity: Floats) -> Floats:
    """Dewpoint in degC of a temperature and a relative humidity (Magnus formula, constants of Sonntag 1990)."""
    gamma = np.log(humidity) + 17.62 * temperature / (243.12 + temperature)
    return np.asarray(243.12 * gamma / (17.62 - gamma))


def weather(a: Floats, b: Floats) -> Features:
    """Temperature in degC, relative humidity, and the dewpoint that follows from them."""
    temperature, humidity = 10 + 8 * a, 1 / (1 + np.exp(-(0.8 * b + 0.5)))
    return [temperature, humidity, dewpoint(temperature, humidity)]


def jittered(rng: Rng, x: Floats) -> Floats:
    """With noise that is too small to matter."""
    return x + 1e-8 * rng.standard_normal(x.shape)


def single(*features: Floats) -> Features:
    """In single precision, with the difference of the first two."""
    x = [feature.astype("f4") for feature in features]
    return [*x, x[0] - x[1]]


Related = Callable[[Rng, Floats, Floats, Floats], Features]
UNRELATED = "a, b, c (no relation)"
GROUPS: dict[str, tuple[Related, str]] = {
    UNRELATED: (lambda r, a, b, c: [a, b, c], "abc"),
    "a, b, a - b, c": (lambda r, a, b, c: [a, b, a - b, c], "abc"),
    "a, b, a - b": (lambda r, a, b, c: [a, b, a - b], "ab"),
    "a, b, c, a + b + c": (lambda r, a, b, c: [a, b, c, a + b + c], "abc"),
    "a, a + 273.15, b, c": (lambda r, a, b, c: [a, a + 273.15, b, c], "abc"),
    "a, 100 b, exp a, b": (lambda r, a, b, c: [a, 100 * b, np.exp(a), b], "ab"),
    "a, b, c, a - b in float32": (lambda r, a, b, c: single(a, b, c), "abc"),
    "degC, K in float32, b": (lambda r, a, b, c: [a, kelvin(a), b], "ab"),
    "a, b, a - b + 1e-8 e, c": (lambda r, a, b, c: [a, b, jittered(r, a - b), c], "abc"),
    "a, a + 1e-8 e, b": (lambda r, a, b, c: [a, jittered(r, a), b], "ab"),
}


def beside_relation(related: Related, free: bool) -> Draw:
    """Of x, a sum of normal features or an independent one, with a group that holds a relation."""

    def draw(rng: Rng, n: int) -> Groups:
        a, b, c, e = rng.standard_normal((4, n))
        x = rng.standard_normal(n) if free else sum(w * v for w, v in zip(WEIGHTS.values(), (a, b, c, e), strict=True))
        return {"x": [x], "y": related(rng, a, b, c)}

    return draw


def fractions(rng: Rng, n: int) -> Groups:
    """A linear function of the log-ratios of fractions, and the fractions."""
    a, b, c, e = rng.standard_normal((4, n))
    return {"x": [(a - c) + 0.5 * (b - c) + e], "y": shares(a, b, c)}


def humid(rng: Rng, n: int) -> Groups:
    """A sum of two normal features, and a temperature, humidity and dewpoint made of them."""
    a, b, e = rng.standard_normal((3, n))
    return {"x": [0.6 * a + 0.5 * b + 0.6 * e], "y": weather(a, b)}


def humid_only(rng: Rng, n: int) -> Groups:
    """An independent feature, and a temperature, humidity and dewpoint."""
    a, b, e = rng.standard_normal((3, n))
    return {"x": [e], "y": weather(a, b)}


def seasonal(rng: Rng, n: int) -> Groups:
    """Two variables whose season is all that they share, given the season as cosine and sine."""
    phase = 2 * np.pi * np.arange(n) / 365.25
    x, y = rng.standard_normal((2, n))
    return {"x": [2 * np.cos(phase) + x], "y": [np.sin(phase) + y], "z": [np.cos(phase), np.sin(phase)]}


def related_condition(correlation: float) -> Draw:
    """Correlated noise on functions of a condition that holds a relation."""

    def draw(rng: Rng, n: int) -> Groups:
        a, b, x, e = rng.standard_normal((4, n))
        y = correlation * x + np.sqrt(1 - correlation**2) * e
        return {"x": [a + b + x], "y": [a - 0.5 * b + y], "z": [a, b, a - b]}

    return draw


def across(rng: Rng, n: int) -> Groups:
    """A difference of features of the other group."""
    a, b = rng.standard_normal((2, n))
    return {"x": [a - b], "y": [a, b]}


def within(rng: Rng, n: int) -> Groups:
    """A difference beside the features."""
    a, b = rng.standard_normal((2, n))
    return {"x": [a, b, a - b]}


def infinite(draw: Draw, n: int) -> Callable[[int], Floats]:
    """Whether the value is infinite and not converged."""

    def values(draws: int) -> Floats:
        found = estimate(dataset(draw, n, draws), diagnostics=True)
        value = next(iter(found.data_vars.values()))
        return np.asarray(np.isposinf(value) & ~found.converged, dtype=np.float64)

    return values


def redundancy(n: int) -> Callable[[int], Floats]:
    """Redundancy of x with a group that holds a relation, as one of several features."""
    draw = beside_relation(GROUPS["a, b, a - b, c"][0], free=False)

    def values(draws: int) -> Floats:
        found = xrbig.redundancy(dataset(draw, n, draws), sample_dim=SAMPLES)
        return np.asarray(found.sel(feature="x0"))

    return values


DIVERGED: dict[str, Callable[[Floats, Floats], Features]] = {
    "a, b": lambda a, b: [a, b],
    "a, b, a - b": lambda a, b: [a, b, a - b],
    "a, a - 273.15": lambda a, b: [a, a - 273.15],
    "a, exp a": lambda a, b: [a, np.exp(a)],
}


def divergence(features: Callable[[Floats, Floats], Features], n: int) -> Callable[[int], Floats]:
    """D_KL of normal features from others whose mean is by one standard deviation away."""

    def shifted(shift: float) -> Draw:
        def draw(rng: Rng, n: int) -> Groups:
            a, b = rng.spawn(2)[int(shift)].standard_normal((2, n))
            return {"x": features(a + shift, b)}

        return draw

    def values(draws: int) -> Floats:
        p, q = (dataset(shifted(shift), n, draws) for shift in (1, 0))
        return np.asarray(xrbig.kl_divergence(p, q, sample_dim=SAMPLES))

    return values


def cities(with_derived: list[str], without: list[str]) -> Callable[[int], Floats]:
    """What derived variables add to I of the humidity, at five cities."""

    def values(draws: int) -> Floats:
        with xr.open_dataset(ERA5) as file:
            ds = file[["huss", "tas", "tasmax", "tasmin", "ps"]].isel(location=slice(draws)).load()
        ds = ds.assign(range=ds.tasmax - ds.tasmin, tasC=ds.tas - 273.15, psh=ds.ps / 100)
        found = [xrbig.mutual_information(ds, "huss", names, sample_dim="time") for names in (with_derived, without)]
        return np.asarray(found[0] - found[1])

    return values


def relation_tasks() -> Iterator[Task]:
    """A feature that the others of its group determine adds nothing to the group."""
    for (name, (related, names)), n in product(GROUPS.items(), (300, 1000)):
        for free in (False, True):
            truth = 0.0 if free else explained(names)
            draw = beside_relation(related, free)
            x, tolerance = ("independent", 0.005) if free else ("x", 0.03)
            plain = "" if name == UNRELATED else f"I({x}; {UNRELATED})"
            yield Task("c", f"I({x}; {name})", n, 20, estimates(draw, n), truth, tolerance, yardstick=plain)
    log_ratios = normal_information(np.sqrt(3.5 / 4.5))
    cases = [
        ("I(x; fractions)", fractions, log_ratios, 0.05),
        ("I(x; temperature, humidity, dewpoint)", humid, normal_information(np.sqrt(0.61 / 0.97)), 0.1),
        ("I(independent; temperature, humidity, dewpoint)", humid_only, 0.0, 0.005),
        ("I(x; y given cosine, sine), season only", seasonal, 0.0, 0.005),
        ("I(x; y given a, b, a - b), independent", related_condition(0.0), 0.0, 0.005),
        ("I(x; y given a, b, a - b), r = 0.6", related_condition(0.6), normal_information(0.6), 0.01),
    ]
    for (text, draw, truth, tolerance), n in product(cases, (300, 1000)):
        yield Task("c", text, n, 20, estimates(draw, n), truth, tolerance)
    yield from other_measures()


def other_measures() -> Iterator[Task]:
    """Redundancy, divergence, relations across the groups, and real data."""
    yield Task("c", "redundancy of x among x, a, b, a - b, c", 1000, 10, redundancy(1000), explained("abc"), 0.03)
    for (name, features), n in product(DIVERGED.items(), (300, 1500)):
        yield Task("c", f"D of {name}, mean shifted", n, 2, divergence(features, n), 0.5, 0.1)
    for text, draw in (("I(a - b; a, b)", across), ("T(a, b, a - b)", within)):
        yield Task("c", f"{text} is infinite, not converged", 500, 5, infinite(draw, 500), 1, 0.0, share=True)
    humidity = [
        (["tasmax", "tasmin", "range", "tas"], ["tasmax", "tasmin", "tas"]),
        (["tas", "tasC", "ps", "psh"], ["tas", "ps"]),
    ]
    for more, less in humidity:
        text = f"ERA5: I(huss; {', '.join(more)}) less that of {', '.join(less)}"
        yield Task("c", text, 1461, 5, cities(more, less), 0, 0.05, needs=ERA5)
