"""Maps of information, hatched where chance could have made it: `python examples/significance.py FOLDER [OUTPUT]`.

FOLDER holds monthly heights of the 500 and 200 hPa surfaces (`z500_monthly_1981-2024.nc`, `z200_...`: hgt over time,
lat and lon) and a CMIP6 run (`cmip6_access-esm1-5/{tas,pr,rlut}_Amon_*.nc`, `gpp_Lmon_*.nc`). Trend and seasonal cycle
are taken out: two fields share these whatever they have to do with each other. Hatched is where the p-value, adjusted
for the false-discovery rate over the map, is not below 0.05. About two minutes.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import xrbig

CLIMATE = ["tas", "pr", "rlut"]
PLAIN = xrbig.RBIG(rotation="pca")  # the same settings judge the data and 199 surrogates: the quick ones


def main(folder: Path, output: Path) -> None:
    """Compute and draw both maps; say so where there are no data."""
    files = [folder / f"{name}_monthly_1981-2024.nc" for name in ("z500", "z200")]
    run = folder / "cmip6_access-esm1-5"
    if not (all(f.exists() for f in files) and run.is_dir()):
        print(f"no data in {folder}: see the first lines of this script for the files it needs")
        return
    heights = xr.Dataset(
        {f.name[:4]: xr.open_dataset(f).hgt.isel(lat=slice(2, -2, 3), lon=slice(None, None, 3)) for f in files}
    )
    first = anomalies(heights).chunk(lat=6).rbig.significance("z500", "z200", sample_dim="time", estimator=PLAIN)
    land = anomalies(access(run)).where(vegetated(run))
    second = land.chunk(lat=5).rbig.significance(CLIMATE, "gpp", sample_dim="time", estimator=PLAIN)

    output.mkdir(parents=True, exist_ok=True)
    maps = [m.compute(scheduler="processes", num_workers=2) for m in (first, second)]
    draw(*maps).savefig(output / "significance.png", dpi=130)
    for name, result in zip(("heights", "gpp"), maps, strict=True):
        result.to_netcdf(output / f"significance_{name}.nc")
        known = result.p_adjusted.notnull()
        share = float((result.p_adjusted < 0.05).sum() / known.sum())
        print(
            f"{name}: {int(known.sum())} cells, {share:.0%} significant, null mean {float(result.null_mean.mean()):.3f}"
        )


def access(run: Path) -> xr.Dataset:
    """The variables of the run, one file each."""
    files = [next(run.glob(f"{name}_?mon_*.nc")) for name in (*CLIMATE, "gpp")]
    return xr.Dataset({f.name.split("_")[0]: xr.open_dataset(f)[f.name.split("_")[0]] for f in files})


def vegetated(run: Path) -> xr.DataArray:
    """Where anything grows in every month of the year: what is zero all winter has no anomalies."""
    gpp = access(run).gpp
    return gpp.groupby("time.month").mean().min("month") > 1e-10


def anomalies(ds: xr.Dataset) -> xr.Dataset:
    """Without the mean of each month and a straight line over the years."""
    monthly = ds.groupby("time.month")
    without = (monthly - monthly.mean()).drop_vars("month").load()
    steps = np.linspace(-1, 1, ds.sizes["time"])
    line = xr.DataArray(steps, dims="time", coords={"time": ds.time})
    return without - (without * line).mean("time") / (line**2).mean() * line


def draw(heights: xr.Dataset, gpp: xr.Dataset) -> plt.Figure:
    """Both maps of I, hatched where it is not significant."""
    figure, axes = plt.subplots(2, 1, figsize=(8, 8), layout="constrained")
    titles = (
        "500 and 200 hPa height anomalies, monthly, 1981-2024",
        "Climate (tas, pr, rlut) and gross primary production",
    )
    for axis, ds, title in zip(axes, (heights, gpp), titles, strict=True):
        information = ds.mutual_information
        image = axis.pcolormesh(ds.lon, ds.lat, information, cmap="viridis", vmin=0, shading="nearest")
        figure.colorbar(image, ax=axis, label="I (nat)", shrink=0.85)
        hatch(axis, ds.p_adjusted >= 0.05)
        axis.set(title=title, xlabel="longitude (°E)", ylabel="latitude (°N)", facecolor="0.85")
    figure.suptitle("Hatched: not significant (false-discovery rate 5 %)")
    return figure


def hatch(axis: plt.Axes, where: xr.DataArray) -> None:
    """Hatch cells of a map."""
    width, height = (abs(float(where[d][1] - where[d][0])) for d in ("lon", "lat"))
    for row, column in np.argwhere(where.transpose("lat", "lon").values):
        lat, lon = where.lat.values[row], where.lon.values[column]
        corner = (lon - width / 2, lat - height / 2)
        axis.add_patch(plt.Rectangle(corner, width, height, fill=False, hatch="////", ec="white", lw=0))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "output"))
