"""Maps of shared information from a NetCDF file: `python examples/first_map.py [OUTPUT FOLDER]`.

Opens a month of hourly weather around Graz, Austria, lazily; maps the total correlation of its six variables and the
mutual information of temperature and wind; writes both to NetCDF, and draws them beside what correlation sees.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import xrbig


def main(output: Path) -> None:
    """Compute, write and draw the maps."""
    ds = xr.open_dataset(xrbig.tutorial.INCA).chunk(y=9)
    total = ds.rbig.total_correlation(sample_dim="time")
    mutual = ds.rbig.mutual_information(["UU", "VV"], "T2M", sample_dim="time")
    maps = xr.Dataset({"total_correlation": total, "mutual_information": mutual})

    output.mkdir(parents=True, exist_ok=True)
    maps.to_netcdf(output / "graz.nc")  # computes both maps at once
    with xr.open_dataset(output / "graz.nc") as saved:
        draw(saved.load(), gaussian_information(ds.load())).savefig(output / "graz.png", dpi=150)
    print(f"wrote {output / 'graz.nc'} and {output / 'graz.png'}")


def gaussian_information(ds: xr.Dataset) -> xr.DataArray:
    """Mutual information of wind and temperature if all that they shared were their correlations."""
    names = ["UU", "VV", "T2M"]
    pairs = [[xr.corr(ds[a], ds[b], "time") for b in names] for a in names]
    correlation = np.stack([np.stack(row, axis=-1) for row in pairs], axis=-1)
    log_dets = [np.linalg.slogdet(c)[1] for c in (correlation[..., :2, :2], correlation)]
    return ds.T2M.isel(time=0, drop=True).copy(data=(log_dets[0] - log_dets[1]) / 2)


def draw(maps: xr.Dataset, gaussian: xr.DataArray) -> plt.Figure:
    """Three maps: T of all variables, and what wind tells of temperature, in all and by correlation alone."""
    panels = [
        (maps.total_correlation, "Six variables\ntotal correlation T", "viridis", {}),
        (maps.mutual_information, "Wind and temperature\nmutual information I", "magma", {"vmin": 0, "vmax": 0.25}),
        (gaussian, "Wind and temperature\nas far as correlation sees", "magma", {"vmin": 0, "vmax": 0.25}),
    ]
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.7), layout="constrained", sharey=True)
    for axis, (field, title, cmap, limits) in zip(axes, panels, strict=True):
        image = axis.pcolormesh(maps.lon, maps.lat, field, cmap=cmap, shading="nearest", **limits)
        figure.colorbar(image, ax=axis, label="nat", shrink=0.75)
        axis.plot(15.44, 47.07, "o", mfc="none", mec="white", mew=1.5, ms=9)
        axis.annotate("Graz", (15.44, 47.07), (6, 6), textcoords="offset points", color="white")
        axis.set(title=title, xlabel="longitude (°E)", aspect=1.47)
    axes[0].set_ylabel("latitude (°N)")
    return figure


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "output"))
