import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read as NumPy is loaded: tests run on every core as it is

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from xrbig.core.marginal import Floats, exact_order, orientation, rank_gaussianize
from xrbig.distributions import Distribution

settings.register_profile("xrbig", deadline=None, max_examples=25, derandomize=True)
settings.load_profile("xrbig")

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture
def shared() -> Path:
    """Folder of the large data sets, beside the project where a developer has them."""
    if not SHARED.is_dir():
        pytest.skip("the shared data are not here")
    return SHARED


@contextmanager
def count_computes() -> Iterator[list[int]]:
    """A Dask scheduler that counts how often anything is computed."""
    calls = [0]

    def scheduler(dsk: Any, keys: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        return dask.get(dsk, keys, **kwargs)

    with dask.config.set(scheduler=scheduler):
        yield calls


@pytest.fixture
def no_computes() -> Callable[[], Any]:
    """A context in which any computation on Dask data fails."""

    @contextmanager
    def guard() -> Iterator[None]:
        with count_computes() as calls:
            yield
        assert calls == [0], "something was computed"

    return guard


def weather(times: int = 150, lats: int = 3, lons: int = 4, seed: int = 0) -> xr.Dataset:
    """Dependent variables on a small grid, with CF attributes, 2-D coordinates, gaps and auxiliary variables."""
    rng = np.random.default_rng(seed)
    tas, pr, gpp = rng.standard_normal((3, times, lats, lons))
    gpp += tas * pr + 0.5 * pr
    dims = ("time", "lat", "lon")
    ds = xr.Dataset(
        {"tas": (dims, tas, {"units": "K"}), "pr": (dims, pr), "gpp": (dims, gpp)},
        coords={
            "time": np.datetime64("2000-01-01", "ns") + np.arange(times).astype("timedelta64[D]"),
            "lat": ("lat", np.linspace(60, 30, lats), {"units": "degrees_north"}),
            "lon": np.linspace(0, 30, lons),
            "area": (("lat", "lon"), rng.random((lats, lons))),
            "height": 2.0,
        },
        attrs={"title": "weather"},
    )
    ds.tas.attrs["standard_name"] = "air_temperature"
    return ds


def chunks(size: int) -> Any:
    """Strategy of chunk sizes of a dimension."""
    parts = st.lists(st.integers(1, size), min_size=1, max_size=4)
    return parts.map(lambda sizes: tuple(np.diff([0, *(e for e in np.cumsum(sizes) if e < size), size]).tolist()))


def fails(error: type[Exception], *fragments: str) -> Any:
    """Expect an error whose message has all the fragments, in this order."""
    return pytest.raises(error, match="(?s)" + ".*".join(map(re.escape, fragments)))


def tasks(result: xr.DataArray) -> int:
    """Tasks that the scheduler runs: those of the optimized graph that are not mere names of others."""
    (optimized,) = dask.optimize(result.data)
    return sum(type(task).__name__ != "Alias" for task in dict(optimized.__dask_graph__()).values())


def ar(features: int, rho: float = 0.7) -> Floats:
    """Correlation rho^|i - j|."""
    return np.asarray(rho ** np.abs(np.subtract.outer(np.arange(features), np.arange(features))))


def bump(x: Floats) -> Floats:
    """As x^2 around 0, and bounded."""
    return x**2 / (1 + x**2 / 4) - 1


def samples(distribution: Distribution, n: int, cells: int) -> Floats:
    """Cells (cell, feature, sample) of independent samples."""
    return np.stack([distribution.sample(n, seed) for seed in range(cells)])


def normal_scores_of(x: Floats, seed: int = 0) -> Floats:
    """Normal scores (cell, feature, sample), as the estimator makes them."""
    scores = rank_gaussianize(exact_order(np.ascontiguousarray(x), seed), seed)
    return scores * orientation(scores, seed)[..., None]


def red(shape: tuple[int, ...], phi: float, seed: int = 0) -> Floats:
    """AR(1) series along the last axis, of variance 1."""
    noise = np.random.default_rng(seed).standard_normal((*shape[:-1], shape[-1] + 200))
    return np.asarray(lfilter([np.sqrt(1 - phi**2)], [1, -phi], noise, axis=-1)[..., 200:])


def _filled(share: float, *values: float) -> Callable[..., Floats]:
    """Independent shares of these values left in."""

    def fill(x: Floats, rng: np.random.Generator) -> Floats:
        for value in values:
            x = np.where(rng.random(x.shape) < share, value, x)
        return x

    return fill


SCALED: dict[str, Callable[..., Floats]] = {  # what becomes of samples (feature, sample) whose features do not change
    "1e-200": lambda x, rng: x * 1e-200,
    "1e300": lambda x, rng: x * 1e300,
    "1e-300 beside 1e300": lambda x, rng: x * np.where(np.arange(len(x)) % 2, 1e300, 1e-300)[:, None],
    "subnormal": lambda x, rng: x * 1e-310,
    "range beyond the largest number": lambda x, rng: x / np.abs(x).max() * 1.7e308,
    "exp 20": lambda x, rng: np.exp(20 * x),
    "exp 60": lambda x, rng: np.exp(60 * x),
    "power 15": lambda x, rng: x**15,
}
WILD: dict[str, Callable[..., Floats]] = SCALED | {
    "plain": lambda x, rng: x,
    "5 % of 1e20": _filled(0.05, 1e20),
    "14 % of 1e20": _filled(0.14, 1e20),
    "30 % of 9.97e36": _filled(0.3, 9.969209968386869e36),
    "two fill values": _filled(0.05, 1e20, -9999.0),
    "1e20 in rows": lambda x, rng: np.where(rng.random(x.shape[1]) < 0.08, 1e20, x),
    "one of 1e200": lambda x, rng: np.where(np.arange(x.shape[1]) == 5, 1e200, x),
    "offset 1e15": lambda x, rng: x + 1e15,
    "offset 1e17 and 1e30": lambda x, rng: np.where(rng.random(x.shape) < 0.1, 1e30, 100 * x + 1e17),
    "clusters far apart": lambda x, rng: x + np.where(rng.random(x.shape) < 0.5, 0, 1e12),
    "clusters of two widths": lambda x, rng: x * np.where(rng.random(x.shape) < 0.5, 1, 1e-9),
    "Cauchy": lambda x, rng: rng.standard_cauchy(x.shape),
    "powers of Cauchy": lambda x, rng: rng.standard_cauchy(x.shape) ** 5,
    "inverse powers": lambda x, rng: 1 / rng.random(x.shape) ** 5,
    "atom and outliers": lambda x, rng: np.where(rng.random(x.shape) < 0.02, 1e12, np.maximum(x, 0)),
    "whole numbers and outliers": lambda x, rng: np.where(rng.random(x.shape) < 0.03, 1e9, np.round(x)),
    "flags and an outlier": lambda x, rng: np.where(np.arange(x.shape[1]) == 3, 1e30, np.sign(x)),
    "nearly constant": lambda x, rng: np.where(np.arange(x.shape[1]) < 4, x, 0),
    "copied": lambda x, rng: np.concatenate([x[:-1], -3 * x[:1] + 2]),
    "sum": lambda x, rng: np.concatenate([x[:-1], x[:-1].sum(axis=0, keepdims=True)]),
}


def wild(kind: str, features: int = 3, n: int = 300, seed: int = 0) -> Floats:
    """Samples (feature, sample) of that kind, of features that are not independent before."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((features, n)).clip(-4, 4)
    x[1] += x[0] / 2 + x[0] ** 2 / 4
    return WILD[kind](x, rng)
