"""The strangest winter days of the Iberian Peninsula: those of the least density, drawn to output/strange_weather.png.

python examples/strange_weather.py ncep_iberia_djf_2.5deg.nc [folder]

The file holds daily means of sea level pressure and of temperature and humidity at 850 hPa (psl, ta850, hus850 over
time, lat, lon), winters 1982/83 to 2001/02 of the NCEP/NCAR reanalysis.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import xrbig  # noqa: F401 (registers the accessor)

SHOWN = 4


def main(source: Path, output: Path) -> None:
    """Fit a flow to the weather of four quarters of the region, and name the least likely days."""
    with xr.open_dataset(source) as ds:
        weather = ds.load()
    quarters = weather.coarsen(lat=2, lon=3, boundary="trim").mean()
    density = log_density(quarters)
    strangest = density.sortby(density).isel(time=slice(10))
    for day in strangest:
        print(f"{np.datetime_as_string(day.time.values, 'D')}  log-density {float(day):7.1f}")
    output.mkdir(parents=True, exist_ok=True)
    draw(weather, density, strangest.isel(time=slice(SHOWN))).savefig(output / "strange_weather.png", dpi=150)
    print(f"wrote {output / 'strange_weather.png'}")


def log_density(quarters: xr.Dataset) -> xr.DataArray:
    """The log-density of each day by a flow that was fitted to the other winters: of odd years, or of even ones."""
    odd = (quarters.time.dt.year + (quarters.time.dt.month == 12)) % 2 == 1
    parts = []
    for fitted, judged in ((odd, ~odd), (~odd, odd)):
        flow = quarters.sel(time=fitted).rbig.fit(("lat", "lon"))
        print(flow)
        parts.append(flow.log_prob(quarters.sel(time=judged)))
    return xr.concat(parts, "time").sortby("time")


def draw(weather: xr.Dataset, density: xr.DataArray, strangest: xr.DataArray) -> plt.Figure:
    """The log-density of all days, and the weather of the strangest ones against the mean."""
    figure = plt.figure(figsize=(11, 6), layout="constrained")
    grid = figure.add_gridspec(2, SHOWN)
    axis = figure.add_subplot(grid[0, :])
    axis.plot(density.time, density, ".", ms=3, color="0.6")
    axis.plot(strangest.time, strangest, "o", color="C3")
    for rank, day in enumerate(strangest, 1):
        beside = 6 if rank % 2 else -13
        axis.annotate(str(rank), (day.time.values, float(day)), (beside, -3), textcoords="offset points")
    axis.set(ylabel="log-density (nat)", title="Daily winter weather of the Iberian Peninsula")
    anomaly = weather.ta850 - weather.ta850.mean("time")
    limit = float(abs(anomaly.sel(time=strangest.time)).max())
    for column, day in enumerate(strangest):
        axis = figure.add_subplot(grid[1, column])
        image = axis.pcolormesh(
            weather.lon, weather.lat, anomaly.sel(time=day.time), cmap="RdBu_r", vmin=-limit, vmax=limit
        )
        pressure = weather.psl.sel(time=day.time) / 100
        lines = axis.contour(weather.lon, weather.lat, pressure, colors="k", linewidths=0.8)
        axis.clabel(lines, fontsize=7)
        axis.set(title=f"{column + 1}: {np.datetime_as_string(day.time.values, 'D')}", xlabel="longitude (°E)")
        if column == 0:
            axis.set_ylabel("latitude (°N)")
    figure.colorbar(image, ax=axis, label="850 hPa temperature\nanomaly (K), psl (hPa)")
    return figure


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "output"))
