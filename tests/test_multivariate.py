"""The measures of several features, and their entropies, on labelled data."""

import itertools

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import xrbig
from tests.conftest import chunks, tasks, weather

FEATURES = {
    "entropy": lambda ds, **kw: ds.rbig.entropy(**kw),
    "negentropy": lambda ds, **kw: ds.rbig.negentropy(**kw),
    "mutual_information_matrix": lambda ds, **kw: ds.rbig.mutual_information_matrix(**kw),
    "redundancy": lambda ds, **kw: ds.rbig.redundancy(**kw),
    "dual_total_correlation": lambda ds, **kw: ds.rbig.dual_total_correlation(**kw),
    "o_information": lambda ds, **kw: ds.rbig.o_information(**kw),
}
MEASURES = FEATURES | {
    "conditional_mutual_information": lambda ds, **kw: ds.rbig.conditional_mutual_information("tas", "gpp", "pr", **kw),
}
LONG_NAMES = {
    "entropy": "differential entropy",
    "negentropy": "negentropy",
    "conditional_mutual_information": "conditional mutual information",
    "mutual_information_matrix": "mutual information matrix",
    "redundancy": "redundancy",
    "dual_total_correlation": "dual total correlation",
    "o_information": "O-information",
}
EXTRA = {"mutual_information_matrix": ("feature_x", "feature_y"), "redundancy": ("feature",)}


@pytest.fixture
def ds():
    return weather()


@pytest.mark.parametrize("diagnostics", [False, True])
@pytest.mark.parametrize("name", MEASURES)
def test_lazy_in_lazy_out(ds, name, diagnostics, no_computes):
    lazy = ds.chunk(time=50, lat=2)
    with no_computes():
        result = MEASURES[name](lazy, sample_dim="time", diagnostics=diagnostics)
    assert dask.is_dask_collection(result)
    expected = MEASURES[name](ds, sample_dim="time", diagnostics=diagnostics)
    assert not dask.is_dask_collection(expected)
    xr.testing.assert_identical(result.compute(), expected)


@pytest.mark.parametrize("name", MEASURES)
def test_one_task_per_block(name):
    lazy = weather(lats=6, lons=8).chunk(lat=2, lon=2)
    for keywords in ({}, {"base": 2}):
        result = MEASURES[name](lazy, sample_dim="time", **keywords)
        assert tasks(result) - 3 * 3 * 4 <= 3 * 4
        assert result.chunksizes["lat"] == (2, 2, 2)


@settings(max_examples=5)
@given(time=chunks(150), lat=chunks(2), lon=chunks(2), data=st.data())
@pytest.mark.parametrize("name", MEASURES)
def test_no_chunking_and_no_order_of_dims_or_variables_changes_a_bit(name, time, lat, lon, data):
    ds = weather(lats=2, lons=2)
    rng = np.random.default_rng(data.draw(st.integers(0, 5)))
    ds["pr"] = ds.pr.where(rng.random(ds.pr.shape) < 0.9).round(1)
    names = data.draw(st.permutations(list(ds.data_vars)))
    dims = data.draw(st.permutations(["time", "lat", "lon"]))
    other = ds[names].transpose(*dims).chunk(time=time, lat=lat, lon=lon)
    actual = MEASURES[name](other, sample_dim="time").transpose("lat", "lon", ...)
    expected = MEASURES[name](ds, sample_dim="time")
    xr.testing.assert_equal(actual, expected)


def test_conditional_information_is_symmetric_bit_for_bit(ds):
    ds["pr"] = ds.pr.round(1)
    ds["hfls"] = ds.gpp + ds.tas**2
    left = ds.rbig.conditional_mutual_information(["tas", "pr"], "gpp", "hfls", sample_dim="time")
    right = ds.rbig.conditional_mutual_information("gpp", ["pr", "tas"], ["hfls"], sample_dim="time")
    np.testing.assert_array_equal(left, right)
    arrays = ds.gpp.rbig.conditional_mutual_information(ds[["tas", "pr"]], ds.hfls, sample_dim="time")
    np.testing.assert_array_equal(left, arrays)
    assert left.attrs["x_features"] == "tas, pr"
    assert left.attrs["y_features"] == "gpp"
    assert left.attrs["given_features"] == "hfls"


def test_the_matrix_holds_the_mutual_information_of_each_pair(ds):
    matrix = ds.rbig.mutual_information_matrix(sample_dim="time")
    assert matrix.dims == ("lat", "lon", "feature_x", "feature_y")
    for a, b in itertools.permutations(["tas", "pr", "gpp"], 2):
        alone = ds.rbig.mutual_information(a, b, sample_dim="time")
        np.testing.assert_array_equal(matrix.sel(feature_x=a, feature_y=b), alone)
    assert all(matrix.sel(feature_x=a, feature_y=a).isnull().all() for a in ds.data_vars)


def test_the_matrix_uses_complete_cases_of_each_pair(ds):
    ds["pr"] = ds.pr.where(ds.time.dt.day > 10)
    matrix = ds.rbig.mutual_information_matrix(sample_dim="time")
    for one, other in (("gpp", "tas"), ("gpp", "pr"), ("pr", "tas")):
        entry = matrix.sel(feature_x=one, feature_y=other, drop=True)
        np.testing.assert_array_equal(entry, ds.rbig.mutual_information(one, other, sample_dim="time"))


def test_redundancy_is_that_with_all_the_others(ds):
    shared = ds.rbig.redundancy(sample_dim="time")
    assert shared.dims == ("lat", "lon", "feature")
    assert shared.feature.values.tolist() == ["gpp", "pr", "tas"]
    for name in ds.data_vars:
        others = [n for n in ds.data_vars if n != name]
        alone = ds.rbig.mutual_information(name, others, sample_dim="time")
        np.testing.assert_allclose(shared.sel(feature=name), alone, atol=0.05)


def test_features_along_a_dimension_have_labels_of_their_own(ds):
    shared = ds.tas.rbig.redundancy("lat", sample_dim="time")
    assert shared.feature.values.tolist() == ["tas[lat=30.0]", "tas[lat=45.0]", "tas[lat=60.0]"]
    stacked = ds[["tas", "pr", "gpp"]].to_dataarray("feature").rename("stacked")
    along = stacked.rbig.redundancy("feature", sample_dim="time")
    assert along.dims == ("lat", "lon", "feature")
    np.testing.assert_array_equal(
        along.transpose(..., "feature"), ds.rbig.redundancy(sample_dim="time").transpose("lat", "lon", "feature")
    )
    lazy = stacked.chunk(lat=1).rbig.redundancy("feature", sample_dim="time")
    xr.testing.assert_identical(lazy.compute(), along)


@pytest.mark.parametrize("name", MEASURES)
def test_name_dims_coordinates_and_attributes(ds, name):
    result = MEASURES[name](ds, sample_dim="time")
    assert result.name == name
    assert result.dtype == np.float64
    extra = EXTRA.get(name, ())
    assert result.dims == ("lat", "lon", *extra)
    assert set(result.coords) == {"lat", "lon", "area", "height", *extra}
    for dim in extra:
        assert result[dim].values.tolist() == ["gpp", "pr", "tas"]
    assert result.attrs["long_name"] == f"{LONG_NAMES[name]} (nat)"
    assert "units" not in result.attrs
    assert result.attrs["information_unit"] == "nat"
    assert result.attrs["sample_dims"] == "time"
    assert result.attrs["estimator"] == repr(xrbig.RBIG())
    assert "standard_name" not in result.attrs
    assert MEASURES[name](ds, sample_dim="time", keep_attrs=True).attrs["title"] == "weather"


@pytest.mark.parametrize("name", MEASURES)
def test_bits(ds, name):
    nats, bits = (MEASURES[name](ds, sample_dim="time", base=base) for base in ("e", 2))
    np.testing.assert_allclose(bits, nats / np.log(2))
    assert bits.attrs["long_name"] == f"{LONG_NAMES[name]} (bit)"


@pytest.mark.parametrize("name", MEASURES)
def test_diagnostics(ds, name):
    ds["pr"] = ds.pr.where(ds.pr > 0, 0)
    ds["tas"] = ds.tas.where(ds.lat < 50)
    full = MEASURES[name](ds, sample_dim="time", diagnostics=True)
    assert list(full) == [name, "n_samples", "n_layers", "converged", "tied_fraction", "reason", "determined"]
    xr.testing.assert_identical(full[name], MEASURES[name](ds, sample_dim="time"))
    assert full.n_samples.isel(lat=slice(1, None), lon=0).values.tolist() == [150, 150]
    assert full.tied_fraction.dims == ("lat", "lon")
    assert full.converged.dims == full.n_layers.dims == full.reason.dims == full[name].dims
    assert full.determined.sizes["feature"] == 3
    assert not full.determined.any()
    missing = full.isel(lat=0)  # tas
    if name == "mutual_information_matrix":
        missing = missing.sel(feature_x="tas")
    if name == "redundancy":
        missing = missing.sel(feature="tas")
    assert missing[name].isnull().all()
    assert not missing.converged.any()
    assert missing.reason.all()
    off_diagonal = full.converged.isel(lat=1)
    if name == "mutual_information_matrix":
        off_diagonal = off_diagonal.where(off_diagonal.feature_x != off_diagonal.feature_y, True)
    assert off_diagonal.all()


NORMALIZED = {
    "mutual_information": lambda ds, **kw: ds.rbig.mutual_information("tas", ["pr", "gpp"], **kw),
    **{k: MEASURES[k] for k in ("conditional_mutual_information", "mutual_information_matrix", "redundancy")},
}


@pytest.mark.parametrize("name", NORMALIZED)
def test_equivalent_correlation(ds, name, no_computes):
    nats = NORMALIZED[name](ds, sample_dim="time")
    with no_computes():
        lazy = NORMALIZED[name](ds.chunk(lat=1), sample_dim="time", normalize=True)
    result = lazy.compute()
    np.testing.assert_allclose(result, np.sqrt(1 - np.exp(-2 * np.maximum(nats, 0))), atol=1e-12)
    assert (np.asarray(result)[np.asarray(nats) < 0] == 0).all()  # such an estimate counts as 0
    assert result.attrs["long_name"].startswith("equivalent correlation of the ")
    assert result.attrs["long_name"].endswith(name.replace("_", " "))
    assert result.attrs["units"] == "1"
    assert "information_unit" not in result.attrs
    with pytest.raises(ValueError, match=r"normalize=True gives a correlation.*leave out base=2"):
        NORMALIZED[name](ds, sample_dim="time", normalize=True, base=2)
    full = NORMALIZED[name](ds, sample_dim="time", normalize=True, diagnostics=True)
    xr.testing.assert_identical(full[name], result)


def test_equivalent_correlation_of_normal_features_is_their_correlation():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 5000))
    ds = xr.Dataset({"a": ("time", a), "b": ("time", 0.6 * a + 0.8 * b)})
    assert float(ds.rbig.mutual_information("a", "b", normalize=True)) == pytest.approx(0.6, abs=0.02)


def test_one_feature_has_an_entropy(ds):
    tas = ds.tas.rbig.entropy(sample_dim="time")
    assert tas.dims == ("lat", "lon")
    xr.testing.assert_equal(tas, ds.rbig.entropy(variables=["tas"], sample_dim="time"))
    warmer = (2 * ds.tas + 300).rename("tas").rbig.entropy(sample_dim="time")
    np.testing.assert_allclose(warmer, tas + np.log(2))
    full = ds.tas.rbig.negentropy(sample_dim="time", diagnostics=True)
    assert full.converged.all()
    assert not full.n_layers.any()
    assert ds.tas.rbig.entropy("lat", sample_dim="time").dims == ("lon",)


@pytest.mark.parametrize("store", ["zarr", "netcdf"])
def test_results_round_trip(ds, store, tmp_path):
    result = ds.chunk(lat=1).rbig.mutual_information_matrix(sample_dim="time", diagnostics=True)
    if store == "zarr":
        result.to_zarr(tmp_path / "out.zarr", zarr_format=3, consolidated=False)
        back = xr.open_zarr(tmp_path / "out.zarr", consolidated=False).load()
    else:
        result.to_netcdf(tmp_path / "out.nc")
        back = xr.open_dataset(tmp_path / "out.nc").load()
    xr.testing.assert_equal(back, result.compute())


@pytest.mark.parametrize("name", MEASURES)
def test_an_empty_grid_gives_an_empty_map(ds, name):
    for empty in (ds.isel(lat=slice(0)), ds.isel(lat=slice(0)).chunk()):
        assert MEASURES[name](empty, sample_dim="time").compute().sizes["lat"] == 0
