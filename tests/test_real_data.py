"""Real files, with their gaps, masks, calendars and auxiliary variables: they lie beside the project, not in it."""

import re
import warnings

import numpy as np
import pytest
import xarray as xr

import xrbig

COARSE = {"y": slice(2, None, 5), "x": slice(2, None, 5)}
CLIMATE = ["tas", "ts", "pr", "rsdt", "rsut", "rlut"]


def test_inca_from_netcdf_and_from_time_split_zarr_is_the_same_map(shared, no_computes):
    netcdf = xr.open_dataset(shared / "inca_hourly_201205.nc", chunks={}).isel(COARSE)
    zarr = xr.open_zarr(shared / "inca_hourly_201205.zarr", consolidated=False).isel(COARSE)
    assert len(zarr.chunksizes["time"]) > 1
    with no_computes():
        maps = [ds.rbig.total_correlation(sample_dim="time", diagnostics=True) for ds in (netcdf, zarr)]
        pairs = [ds.rbig.mutual_information("GL", "T2M", sample_dim="time") for ds in (netcdf, zarr)]
    left, right = (m.compute() for m in maps)
    for name in left:
        np.testing.assert_array_equal(left[name], right[name])
    np.testing.assert_array_equal(*[p.compute() for p in pairs])
    assert left.total_correlation.notnull().all()
    assert int((left.n_samples < 744).sum()) == 1
    assert left.attrs == {}
    assert set(left.coords) >= {"x", "y", "lat", "lon"}


@pytest.fixture
def access(shared):
    folder = shared / "cmip6_access-esm1-5"
    parts = []
    for name in [*CLIMATE, "gpp"]:
        table = "Lmon" if name == "gpp" else "Amon"
        parts.append(xr.open_dataset(folder / f"{name}_{table}_ACCESS-ESM1-5_historical_r1i1p1f1_gn_200001-201412.nc"))
    return xr.merge(parts, join="exact", compat="override")


def test_access_has_nan_where_gpp_is_missing_or_constant_and_nowhere_else(access):
    expected = access.gpp.isnull().all("time") | (access.gpp.max("time") == access.gpp.min("time"))
    assert int(expected.sum()) == 439 + 107
    quick = xrbig.RBIG(rotation="pca", max_layers=2)
    for result in (
        access.rbig.total_correlation(sample_dim="time", estimator=quick),
        access.rbig.mutual_information(CLIMATE, "gpp", sample_dim="time", estimator=quick),
    ):
        np.testing.assert_array_equal(result.isnull(), expected)
    climate = access.rbig.total_correlation(sample_dim="time", variables=CLIMATE, estimator=quick)
    assert climate.notnull().all()


def test_access_is_estimated_and_bounded_wherever_it_varies(access):
    coarse = access.isel(lat=slice(None, None, 4), lon=slice(None, None, 4))
    known = coarse.gpp.max("time") > coarse.gpp.min("time")
    for result in (
        coarse.rbig.total_correlation(sample_dim="time"),
        coarse.rbig.mutual_information(CLIMATE, "gpp", sample_dim="time"),
    ):
        np.testing.assert_array_equal(result.notnull(), known)
        assert 0 < float(result.min()) < float(result.max()) < 15


def test_significance_over_time_of_a_model(access):
    coarse = access.isel(lat=slice(None, None, 3), lon=slice(None, None, 3))
    monthly = coarse[[*CLIMATE, "gpp"]].groupby("time.month")
    anomalies = (monthly - monthly.mean()).drop_vars("month").chunk(lat=3)
    quick = xrbig.RBIG(rotation="pca", max_layers=3)
    test = anomalies.rbig.significance(CLIMATE, "gpp", sample_dim="time", estimator=quick, n_surrogates=39).compute()
    np.testing.assert_array_equal(test.p_adjusted.isnull(), test.mutual_information.isnull())
    assert 0.3 < float((test.p_adjusted < 0.05).sum() / test.p_adjusted.notnull().sum())
    assert float((test.null_mean < test.mutual_information).sum() / test.p_adjusted.notnull().sum()) > 0.9


def test_blocks_of_a_year_in_a_calendar_without_leap_days(shared):
    names = ("TREFHT", "PRECC")
    paths = [shared / "cesm_lme_alps" / f"cesm.{name}.160001-200512.selection.nc" for name in names]
    decode = xr.coders.CFDatetimeCoder(use_cftime=True)
    arrays = {name: xr.open_dataset(p, decode_times=decode)[name] for name, p in zip(names, paths, strict=True)}
    ds = xr.Dataset({name: a.isel(lat=[1], lon=[1], time=slice(600)) for name, a in arrays.items()})
    quick = xrbig.RBIG(rotation="pca", max_layers=3)
    result = ds.rbig.bootstrap("TREFHT", "PRECC", sample_dim="time", block="365D", estimator=quick, n_replicates=20)
    assert result.std_error.attrs["block"] == 12


def test_bounds_are_not_taken_for_features(access):
    assert {"time_bnds", "lat_bnds"} <= set(access.variables)
    cell = access.isel(lat=slice(1), lon=slice(1))
    assert cell.rbig.total_correlation(sample_dim="time").attrs["features"] == ", ".join([*CLIMATE, "gpp"])


def test_tripolar_ocean_grid(shared):
    path = shared / "cmip6_access-esm1-5" / "tos_Omon_ACCESS-ESM1-5_historical_r1i1p1f1_gn_200001-201412.nc"
    ds = xr.open_dataset(path, chunks={})
    ds["lagged"] = ds.tos.shift(time=1)
    result = ds.rbig.total_correlation(sample_dim="time").compute()
    assert result.attrs["features"] == "tos, lagged"
    assert set(result.coords) >= {"latitude", "longitude"}
    np.testing.assert_array_equal(result.isnull(), ds.tos.isnull().all("time"))


def test_all_longitudes_are_equal_at_the_poles(shared):
    hgt = {n: xr.open_dataset(shared / f"{n}_monthly_1981-2024.nc").hgt.isel(lat=[0, 36]) for n in ("z500", "z200")}
    result = xr.Dataset(hgt).rbig.mutual_information("z500", "z200", sample_dim="time")
    assert len(np.unique(result.isel(lat=0))) == 1
    assert float(result.isel(lat=0).mean()) > float(result.isel(lat=1).mean())


def test_deterministic_pairs_among_24_variables(shared):
    ds = xr.open_dataset(shared / "era5_daily_surface_cancities_1990-1993.nc")
    full = ds.rbig.total_correlation(sample_dim="time", diagnostics=True)
    assert full.sizes == {"location": 5, "feature": 24}
    assert np.isposinf(full.total_correlation).all()
    assert not full.converged.any()
    determined = full.determined.any("location")
    assert set(full.feature.values[determined]) == {"snw", "swe"}  # the same snow in two units


def test_samples_over_space(shared):
    olci = xr.open_zarr(shared / "olci_southern_north_sea.zarr").isel(lat=slice(0, 500, 5), lon=slice(0, 1000, 5))
    series = olci.rbig.total_correlation(sample_dim=("lat", "lon"), diagnostics=True).compute()
    assert series.total_correlation.dims == ("time",)
    assert (series.total_correlation > 1).all()
    valid = olci.to_dataarray().notnull().all("variable").sum(("lat", "lon"))
    np.testing.assert_array_equal(series.n_samples, valid)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its _FillValue is NaN on an integer
        winds = xr.open_dataset(shared / "eraint_uvz.nc").isel(latitude=slice(0, 241, 4), longitude=slice(0, 480, 4))
        result = winds.rbig.total_correlation(sample_dim=("latitude", "longitude")).load()
    assert result.sizes == {"month": 2, "level": 3}
    assert (result.sel(level=200) > result.sel(level=850)).all()
    assert (result > 0.1).all()  # as few as neighbouring cells tell: plain rotations, which know no memory, give 0.5


def test_cftime_calendar_and_tiny_chunks(shared):
    names = ("TREFHT", "PRECC", "PRECL")
    path = "cesm_lme_alps/cesm.{}.160001-200512.selection.nc"
    coder = xr.coders.CFDatetimeCoder(use_cftime=True)
    parts = [xr.open_dataset(shared / path.format(n), chunks={}, decode_times=coder)[n] for n in names]
    ds = xr.merge(parts, join="exact", compat="override").isel(time=slice(None, None, 4))
    result = ds.rbig.total_correlation(sample_dim="time")
    assert dict(result.chunksizes) == {"lat": (3,), "lon": (3,)}
    assert result.notnull().all()


def test_a_cell_without_snow_is_nan(shared):
    folder = shared / "cmip6_canesm5_daily"
    parts = [
        xr.open_dataset(folder / f"{n}_day_CanESM5_historical_r1i1p1f1_gn_19910101-20101231.nc")
        for n in ("snw", "prsn")
    ]
    ds = xr.merge(parts, join="exact", compat="override")
    full = ds.rbig.total_correlation(sample_dim="time", diagnostics=True)
    np.testing.assert_array_equal(full.total_correlation.isnull(), ds.snw.max("time") == 0)
    assert float(full.tied_fraction.max()) > 0.5


def misaligned(dim, culprit):
    return pytest.raises(ValueError, match=re.escape(f"the coordinate {dim!r} of {culprit!r} differs"))


def test_the_two_iberian_grids_never_align_silently(shared):
    coarse = xr.open_dataset(shared / "ncep_iberia_djf_2.5deg.nc")
    gauss = xr.open_dataset(shared / "ncep_iberia_djf_gauss.nc")
    with misaligned("lat", "tas"):
        coarse.psl.rbig.mutual_information(gauss.tas, sample_dim="time")
    with misaligned("lat", "tas"):
        coarse.rbig.mutual_information(["psl", "ta850"], gauss.tas, sample_dim="time")


def test_rhine_files_stamped_at_different_hours_never_align_silently(shared):
    path = "era5_daily_rhine_2000-01/OBS6_ERA5_reanaly_1_day_{}_2000-2000.nc"
    tas, pr, rsds = (xr.open_dataset(shared / path.format(n))[n] for n in ("tas", "pr", "rsds"))
    with pytest.raises(ValueError, match=r"'time' of 'pr' differs .* 30 of 30 entries differ, by up to 1800.0 seconds"):
        tas.rbig.mutual_information(pr, sample_dim="time")
    result = pr.rbig.mutual_information(rsds, sample_dim="time", min_samples=30)
    np.testing.assert_array_equal(result.isnull(), pr.isnull().any("time"))
