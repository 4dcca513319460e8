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
