"""The flow beside the map (h), and textbook distributions with exact T and I (i)."""

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from study import ERA5, IBERIA, Floats, Noted, Task, dataset, drawn_from, estimates

import xrbig
from xrbig.distributions import (
    Clayton,
    Distribution,
    Frank,
    Funnel,
    GaussianMixture,
    GroupMaps,
    Gumbel,
    LinearMixture,
    Normal,
    Product,
    Regression,
    Ring,
    StudentT,
    random_matrix,
)

Data = Callable[[], xr.Dataset]
INCA = xrbig.tutorial.INCA


def autoregressive(features: int, rho: float) -> Floats:
    """Correlation rho^|i - j|."""
    return np.asarray(rho ** np.abs(np.subtract.outer(np.arange(features), np.arange(features))))


def mixture(features: int) -> GaussianMixture:
    """Three clusters."""
    return GaussianMixture.random(features, components=3, distance=2, seed=features)


def uniform(features: int) -> LinearMixture:
    """Independent uniform sources, mixed."""
    return LinearMixture(random_matrix(features, seed=features), "uniform")


SETS: dict[str, tuple[Distribution, int]] = {
    "normal, 2 features": (Normal(autoregressive(2, 0.6)), 500),
    "weak normal, 2": (Normal(autoregressive(2, 0.25)), 500),
    "independent normal, 3": (Normal(np.eye(3)), 1000),
    "normal, 5": (Normal(autoregressive(5, 0.6)), 200),
    "normal, 10": (Normal(autoregressive(10, 0.6)), 1000),
    "t, nu = 3, 2": (StudentT(autoregressive(2, 0.5), 3), 1000),
    "t, nu = 3, 10": (StudentT(np.eye(10), 3), 2000),
    "Clayton, 2": (Clayton(2, 2), 500),
    "Clayton, 5": (Clayton(5, 2), 1000),
    "Gumbel, 3": (Gumbel(3, 2), 1000),
    "Frank, 2": (Frank(2, 5), 300),
    "Frank, 10": (Frank(10, 5), 1000),
    "four clusters, 2": (GaussianMixture.random(2, 4, 2, seed=3), 1000),
    "clusters, 5": (mixture(5), 1000),
    "clusters, 10": (mixture(10), 2000),
    "ring, 2": (Ring(2, 1, 0.1), 500),
    "shell, 3": (Ring(3, 1, 0.1), 2000),
    "ring of clusters, 2": (GaussianMixture.ring(8, 1, 0.1), 2000),
    "spiral, 2": (GaussianMixture.spiral(2, 0.15), 5000),
    "quadratic, 2": (Regression(np.square, 0.5), 500),
    "weak quadratic, 2": (Regression(lambda x: np.asarray(0.25 * x**2), 1), 1000),
    "product, 3": (Product(0.3), 1000),
    "funnel, 5": (Funnel(5, 1.5), 1000),
    "mixed uniform, 5": (uniform(5), 1000),
    "mixed uniform, 2": (uniform(2), 5000),
}


def inca(names: list[str], noon: bool = False) -> xr.Dataset:
    """Hourly weather of one cell, or that of all cells at noon."""
    with xr.open_dataset(INCA) as file:
        ds = file[names].isel(time=slice(12, None, 24)) if noon else file[names].isel(y=8, x=10)
        return ds.load().drop_vars(["lat", "lon", "lambert_conformal_conic"])


def era5(names: list[str]) -> xr.Dataset:
    """Daily weather of a city."""
    with xr.open_dataset(ERA5) as file:
        return file[names].isel(location=0, drop=True).load()


def iberia() -> xr.Dataset:
    """Daily winter weather in the middle of Iberia."""
    with xr.open_dataset(IBERIA) as file:
        return file.isel(lat=2, lon=3, drop=True).load()


REAL: dict[str, tuple[Data, int, Path]] = {
    "INCA at noon: wind": (partial(inca, ["UU", "VV"], noon=True), 10540, INCA),
    "INCA at noon: wind, T2M": (partial(inca, ["UU", "VV", "T2M"], noon=True), 10540, INCA),
    "INCA cell: wind": (partial(inca, ["UU", "VV"]), 744, INCA),
    "INCA cell: wind, T2M": (partial(inca, ["UU", "VV", "T2M"]), 744, INCA),
    "INCA cell: RH2M, T2M": (partial(inca, ["RH2M", "T2M"]), 744, INCA),
    "INCA cell: all but GL": (partial(inca, ["P0", "RH2M", "T2M", "UU", "VV"]), 744, INCA),
    "ERA5: tas, huss, ps": (partial(era5, ["tas", "huss", "ps"]), 1461, ERA5),
    "ERA5: uas, vas, ps, rlds": (partial(era5, ["uas", "vas", "ps", "rlds"]), 1461, ERA5),
    "Iberia: psl, ta850, hus850": (iberia, 1805, IBERIA),
}


def beside_map(data: Data, _: int) -> Noted:
    """T of the flow less that of the map, for what is allowed: two standard errors or 0.02 nat; 0 if it warned."""
    ds = data()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        flow = xrbig.fit(ds)
    by_map = xrbig.total_correlation(ds, sample_dim=list(ds.sizes), diagnostics=True)
    assert isinstance(by_map, xr.Dataset)
    kept, found, error = (
        float(v) for v in (flow.total_correlation.total_correlation, by_map.total_correlation, by_map.std_error)
    )
    ratio = (kept - found) / max(2 * error, 0.02)
    note = f"flow {kept:.3f}, map {found:.3f}, std_error {error:.3f}{', warned' if told else ''}"
    return Noted(np.array([0.0 if told else ratio]), note)


def drawn(distribution: Distribution, n: int) -> xr.Dataset:
    """One draw."""
    return dataset(drawn_from(distribution), n, 1).isel(draw=0)


def flow_tasks() -> Iterator[Task]:
    """The flow finds what the map finds, or says so."""
    for name, (distribution, n) in SETS.items():
        yield Task("h", name, n, 1, partial(beside_map, partial(drawn, distribution, n)), 0, 1)
    for name, (data, n, path) in REAL.items():
        yield Task("h", name, n, 1, partial(beside_map, data), 0, 1, needs=path)


def swirl(x: Floats) -> Floats:
    """Turn the plane by an angle that grows with the distance from its centre."""
    angle = (x**2).sum(axis=0)
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * x[0] - s * x[1], s * x[0] + c * x[1]])


def swirled() -> GroupMaps:
    """Two pairs of normal features, each with correlations to the other, bent by spirals."""
    across = np.diag([0.8, 0.5])
    return GroupMaps(Normal(np.block([[np.eye(2), across], [across, np.eye(2)]])), 2, swirl, swirl)


def textbook_tasks() -> Iterator[Task]:
    """Exact values, and how far off the mean over the draws may be."""
    kinds: list[tuple[str, Distribution, float, int]] = [
        ("clusters in 5 features", mixture(5), 0.08, 10),
        ("clusters in 10 features", mixture(10), 0.15, 10),
        ("Clayton, 5", Clayton(5, 2), 0.06, 10),
        ("Clayton, 10", Clayton(10, 2), 0.1, 10),
        ("Frank, 10", Frank(10, 5), 0.1, 10),
        ("mixed uniform, 5", uniform(5), 0.06 * uniform(5).total_correlation(), 10),
        ("mixed uniform, 10", uniform(10), 0.06 * uniform(10).total_correlation(), 10),
    ]
    for name, distribution, tolerance, draws in kinds:
        truth = distribution.total_correlation()
        yield Task("i", f"T: {name}", 1000, draws, estimates(drawn_from(distribution), 1000), truth, tolerance)
    bent = swirled()
    truth = bent.mutual_information(bent.split)
    for n in (1000, 10_000):
        values = estimates(drawn_from(bent, bent.split), n)
        yield Task("i", "I: two pairs bent by spirals", n, 3, values, truth, 0.1 * truth)
