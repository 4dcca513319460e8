"""What a task is: data by draw, a measure of them, and what should come out."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import xrbig
from xrbig.distributions import Distribution

Floats = NDArray[np.float64]
Features = list[NDArray[np.floating[Any]]]  # of any precision, (sample,) each
Groups = dict[str, Features]
Draw = Callable[[np.random.Generator, int], Groups]
SAMPLES = "sample"
SHARED = Path(os.environ.get("XRBIG_DATA", Path(__file__).parents[3] / "shared" / "data"))
ERA5 = SHARED / "era5_daily_surface_cancities_1990-1993.nc"
IBERIA = SHARED / "ncep_iberia_djf_2.5deg.nc"


class Task(NamedTuple):
    """One row of a table.

    The mean of the values must lie within `tolerance` of `truth`, both in nats unless `share` says that the values are
    shares. Where there is a `yardstick`, a case of the same table, the spread is shown beside that of it. Without the
    file that it `needs` a task cannot run.
    """

    group: str
    case: str
    n: int
    draws: int
    values: "Callable[[int], Floats | Noted]"
    truth: float = 0.0
    tolerance: float = 0.005
    share: bool = False
    yardstick: str = ""
    needs: Path = Path(__file__)


class Noted(NamedTuple):
    """Values, and what a reader wants to know beside them."""

    values: Floats
    note: str


def dataset(draw: Draw, n: int, draws: int) -> xr.Dataset:
    """Draws side by side; the features of group x are x0, x1, ..., those of y and z likewise."""
    drawn = [draw(np.random.default_rng([seed, n]), n) for seed in range(draws)]
    return xr.Dataset(
        {
            f"{name}{i}": (("draw", SAMPLES), np.stack([groups[name][i] for groups in drawn]))
            for name, features in drawn[0].items()
            for i in range(len(features))
        }
    )


def estimate(ds: xr.Dataset, **settings: Any) -> Any:
    """T of x, I(x; y) or I(x; y | z), whichever groups there are."""
    x, y, z = ([name for name in ds if str(name)[0] == group] for group in "xyz")
    settings = {"sample_dim": SAMPLES, **settings}
    if z:
        return xrbig.conditional_mutual_information(ds, x, y, z, **settings)
    if y:
        return xrbig.mutual_information(ds, x, y, **settings)
    return xrbig.total_correlation(ds, variables=x, **settings)


def estimates(draw: Draw, n: int) -> Callable[[int], Floats]:
    """Estimates of so many draws."""
    return lambda draws: np.asarray(estimate(dataset(draw, n, draws)))


def drawn_from(distribution: Distribution, split: int | None = None) -> Draw:
    """All features of a distribution as x, or the first ones as x and the others as y."""

    def draw(rng: np.random.Generator, n: int) -> Groups:
        x = distribution.sample(n, int(rng.integers(2**32)))
        return {"x": list(x)} if split is None else {"x": list(x[:split]), "y": list(x[split:])}

    return draw


def normal_information(correlation: float) -> float:
    """I of two normal features."""
    return float(-np.log1p(-(correlation**2)) / 2)
