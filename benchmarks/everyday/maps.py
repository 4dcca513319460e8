"""Neighbouring cells must not differ for no reason (g), and what holds for any data (j)."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from relations import GROUPS, UNRELATED, beside_relation
from structure import beside, parabola, product_driver, sine
from study import ERA5, IBERIA, Draw, Floats, Groups, Noted, Task, dataset, drawn_from, estimate

import xrbig
from xrbig.distributions import GaussianMixture

Rng = np.random.Generator
Change = Callable[[xr.Dataset], tuple[xr.Dataset, dict[str, Any]]]
CELLS, MOVED = 30, 0.05
MIXTURE = GaussianMixture.random(5, components=3, distance=2, seed=5)


@cache
def cells(path: Path, names: tuple[str, ...], count: int) -> xr.Dataset:
    """Cells without gaps, evenly spaced over a map; names that say their group and place, as x0, x1, y2."""
    first = [name[1:] for name in names]
    with xr.open_dataset(path) as file:
        grid = [dim for dim in file[first[0]].dims if dim != "time"]
        ds = file[first].load().stack(draw=grid).dropna("draw").reset_coords(drop=True)
    ds = ds.drop_vars(["draw", *grid]).isel(draw=np.linspace(0, ds.sizes["draw"] - 1, count).astype(int))
    return ds.rename({name[1:]: f"{name[0]}{i}" for i, name in enumerate(names)}).rename(time="sample")


WIND = (xrbig.tutorial.INCA, ("xUU", "xVV", "yT2M"))
ALL_SIX = (xrbig.tutorial.INCA, ("xGL", "xP0", "xRH2M", "xT2M", "xUU", "xVV"))
PRESSURE = (xrbig.tutorial.INCA, ("xT2M", "yP0"))
WINTER = (IBERIA, ("xpsl", "xta850", "xhus850"))


def last_left_out(ds: xr.Dataset) -> tuple[xr.Dataset, dict[str, Any]]:
    """Without the last hundredth of the samples."""
    return ds.isel(sample=slice(None, -(ds.sizes["sample"] // 100))), {}


def some_left_out(ds: xr.Dataset) -> tuple[xr.Dataset, dict[str, Any]]:
    """Without a hundredth of the samples, drawn at random."""
    count = ds.sizes["sample"]
    kept = np.random.default_rng(0).choice(count, count - count // 100, replace=False)
    return ds.isel(sample=np.sort(kept)), {}


def other_seed(ds: xr.Dataset) -> tuple[xr.Dataset, dict[str, Any]]:
    """With another seed of the estimator."""
    return ds, {"seed": 1}


def renamed(ds: xr.Dataset) -> tuple[xr.Dataset, dict[str, Any]]:
    """With names whose alphabetical order is the other way round."""
    return ds.rename({name: f"{str(name)[0]}{9 - int(str(name)[1:])}" for name in ds}), {}


CHANGES: dict[str, tuple[Change, float]] = {
    "last 1 % left out": (last_left_out, 0.05),
    "random 1 % left out": (some_left_out, 0.05),
    "another seed": (other_seed, 0.02),
    "renamed": (renamed, 0.0),
}


@cache
def before(where: tuple[Path, tuple[str, ...]], rotation: Any, count: int) -> xr.Dataset:
    """Estimates with standard errors, as the data are."""
    found: xr.Dataset = estimate(cells(*where, count), diagnostics=True, estimator=xrbig.RBIG(rotation=rotation))
    return found


def moves(where: tuple[Path, tuple[str, ...]], change: Change, rotation: Any, count: int) -> tuple[Floats, Floats]:
    """By how much a change moves each cell, and its standard error."""
    found = before(where, rotation, count)
    ds, settings = change(cells(*where, count))
    after = estimate(ds, estimator=xrbig.RBIG(rotation=rotation, **settings))
    return np.abs(np.asarray(after - found[after.name])), np.asarray(found.std_error)


def moved(where: tuple[Path, tuple[str, ...]], change: Change) -> Callable[[int], Floats]:
    """Which cells a change moves by more than 0.05 nat."""
    return lambda count: np.asarray(moves(where, change, "auto", count)[0] > MOVED, dtype=np.float64)


def beyond_error(where: tuple[Path, tuple[str, ...]], change: Change, rotation: str) -> Callable[[int], Floats]:
    """Which cells of plain RBIG a change moves by more than two standard errors."""

    def values(count: int) -> Floats:
        move, error = moves(where, change, rotation, count)
        return np.asarray(move > 2 * error, dtype=np.float64)

    return values


def scatter_by_seed(draws: int) -> Floats:
    """Standard deviation over five seeds for the standard error, of each draw of clusters in five features."""
    ds = dataset(drawn_from(MIXTURE), 1000, draws)
    found = [estimate(ds, diagnostics=True, estimator=xrbig.RBIG(seed=seed)) for seed in range(5)]
    values = np.stack([each.total_correlation for each in found])
    return np.asarray(values.std(axis=0) / np.asarray(found[0].std_error))


def speckle_tasks() -> Iterator[Task]:
    """Changes that say nothing move no cell."""
    for (name, where), (text, (change, most)) in product(
        {"INCA, I(wind; T2M)": WIND, "INCA, T of six": ALL_SIX}.items(), CHANGES.items()
    ):
        yield Task("g", f"{name}: {text}", 744, CELLS, moved(where, change), 0, most, share=True)
    clusters = "clusters in 5 features: scatter of five seeds / std_error"
    yield Task("g", clusters, 1000, 10, scatter_by_seed, 0, 0.25)
    for rotation, (text, (change, _)) in product(("random", "ica"), CHANGES.items()):
        values, name = beyond_error(ALL_SIX, change, rotation), f"plain RBIG, {rotation}, INCA, T of six: {text}"
        yield Task("g", name, 744, CELLS, values, 0, 0, share=True)
    for rotation in ("random", "ica"):
        values, name = beyond_error(WINTER, other_seed, rotation), f"plain RBIG, {rotation}, Iberia: another seed"
        yield Task("g", name, 1805, CELLS, values, 0, 0, share=True, needs=IBERIA)


def hours_before(count: int, hours: int) -> xr.Dataset:
    """Cells of INCA: temperature, pressure an hour later, and the pressure of so many hours until now."""
    ds = cells(*PRESSURE, count)
    shifted = {f"z{lag}": ds.y1.shift(sample=1 + lag) for lag in range(hours)}
    return ds.assign(x0=ds.x0.shift(sample=1), **shifted).isel(sample=slice(hours, None))


def too_low(data: Callable[[int], xr.Dataset]) -> Callable[[int], Noted]:
    """Which estimates are negative by more than 0.005 nat and two standard errors, where there are errors."""

    def values(draws: int) -> Noted:
        found = estimate(data(draws), diagnostics=True)
        value = next(iter(found.data_vars.values()))
        low = np.asarray(value < -0.005 - 2 * found.get("std_error", 0), dtype=np.float64)
        return Noted(low, f"mean {float(value.mean()):.3f}")

    return values


def parabola_beside(rng: Rng, n: int) -> Groups:
    """A noisy sine of a feature, and the feature with a parabola beside it."""
    x, *rest = [rng.standard_normal(n), *parabola(rng, n)]
    return {"x": [sine(x) + 0.3 * rng.standard_normal(n)], "y": [x, *rest]}


def loses(draw: Draw, n: int) -> Callable[[int], Floats]:
    """In which draws I(x; [y, w]) lies below I(x; y), y the first feature of its group, by more than 0.02 nat."""

    def values(draws: int) -> Floats:
        ds = dataset(draw, n, draws)
        less = ds[[name for name in ds if str(name)[0] == "x" or name == "y0"]]
        return np.asarray(estimate(ds) < estimate(less) - 0.02, dtype=np.float64)

    return values


def below_largest_pair(draws: int) -> Floats:
    """Which features of a city's daily weather share less with all the others than with one of them."""
    with xr.open_dataset(ERA5) as file:
        ds = file.isel(location=slice(draws)).load()
    ds = ds[[name for name in ds if ds[name].std("time").min() > 0]]
    pairs = xrbig.mutual_information_matrix(ds, sample_dim="time").max("feature_y")
    shared = xrbig.redundancy(ds, sample_dim="time")
    return np.asarray(shared < pairs.rename(feature_x="feature") - 0.05, dtype=np.float64).ravel()


def invariant_tasks() -> Iterator[Task]:
    """Nothing is negative beyond its error, and more features never tell less."""
    low: list[tuple[str, Draw]] = [
        *((case, beside(case)) for case in ("parabola; plain", "clusters; parabola", "parabola; plain; ring")),
        ("x = u v, y = u - v^2, given u, v", product_driver),
    ]
    for (text, draw), n in product(low, (200, 1000)):
        values = too_low(partial(dataset, draw, n))
        yield Task("j", f"I < -0.005 - 2 std_error: {text}", n, 20, values, 0, 0, share=True)
    for hours in (1, 3):
        text = f"I < -0.005 - 2 std_error: INCA, T2M; P0 an hour later, given {hours} h of P0"
        values = too_low(partial(hours_before, hours=hours))
        yield Task("j", text, 744 - hours, 12, values, 0, 0, share=True)
    more: list[tuple[str, Draw]] = [
        ("sine of x; x and a parabola", parabola_beside),
        ("sum; a, b, a - b, c", beside_relation(GROUPS["a, b, a - b, c"][0], free=False)),
        ("independent; a, b, c", beside_relation(GROUPS[UNRELATED][0], free=True)),
    ]
    for (text, draw), n in product(more, (200, 1000)):
        yield Task("j", f"I(x; y, w) < I(x; y) - 0.02: {text}", n, 20, loses(draw, n), 0, 0, share=True)
    text = "redundancy < largest pair - 0.05: 24 daily variables of a city"
    yield Task("j", text, 1461, 1, below_largest_pair, 0, 0, share=True, needs=ERA5)
