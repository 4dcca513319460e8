from functools import cache

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import xrbig
from tests.conftest import chunks, weather

CALLS = {
    "number": lambda ds: ds.rbig.total_correlation(),
    "map": lambda ds: ds.rbig.total_correlation(dim="feature", sample_dim="time"),
    "series": lambda ds: ds.rbig.total_correlation(sample_dim=("lat", "lon"), min_samples=16),
    "entries": lambda ds: ds.rbig.total_correlation(dim="lon", sample_dim="time"),
    "map of I": lambda ds: ds.rbig.mutual_information(["tas", "pr"], "gpp", sample_dim="time"),
    "array": lambda ds: ds.tas.rbig.total_correlation("lon", sample_dim="time"),
    "arrays": lambda ds: ds.pr.rbig.mutual_information(ds.gpp, sample_dim="time"),
    "diagnostics": lambda ds: ds.rbig.total_correlation(sample_dim="time", diagnostics=True),
}


@pytest.fixture
def ds():
    return weather(lats=4)


def test_the_calls_of_the_readme_work():
    rng = np.random.default_rng(0)
    ds = xr.Dataset(
        {
            "x_vars": (("time", "lat", "feature"), rng.standard_normal((100, 2, 3))),
            "y_vars": (("time", "lat", "feature"), rng.standard_normal((100, 2, 3))),
        }
    )
    assert ds.rbig.total_correlation(dim="feature").ndim == 0
    assert ds.rbig.total_correlation(dim="feature", sample_dim="time").dims == ("lat",)
    assert ds.rbig.mutual_information("x_vars", "y_vars").ndim == 0
    assert ds.rbig.mutual_information("x_vars", "y_vars").attrs["x_features"].startswith("x_vars[feature=0], ")


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_computed_at_the_call(ds, name, no_computes):
    lazy = ds.chunk(time=50, lat=2)
    with no_computes():
        result = CALLS[name](lazy)
    assert dask.is_dask_collection(result)
    xr.testing.assert_identical(result.compute(), CALLS[name](ds))


@pytest.mark.parametrize("name", CALLS)
def test_numpy_in_numpy_out(ds, name):
    assert not dask.is_dask_collection(CALLS[name](ds))


@cache
def with_gaps(seed):
    """Weather with gaps and ties, and its T and I."""
    ds = weather()
    ds["pr"] = ds.pr.where(np.random.default_rng(seed).random(ds.pr.shape) < 0.9).round(1)
    total = ds.rbig.total_correlation(sample_dim="time")
    return ds, total, ds.rbig.mutual_information(["tas", "pr"], "gpp", sample_dim="time")


@given(time=chunks(150), lat=chunks(3), lon=chunks(4), data=st.data())
def test_no_chunking_and_no_order_of_dims_or_variables_changes_a_bit(time, lat, lon, data):
    ds, expected, mutual = with_gaps(data.draw(st.integers(0, 5)))
    names = data.draw(st.permutations(list(ds.data_vars)))
    dims = data.draw(st.permutations(["time", "lat", "lon"]))
    other = ds[names].transpose(*dims).chunk(time=time, lat=lat, lon=lon)
    actual = other.rbig.total_correlation(sample_dim="time").transpose("lat", "lon")
    np.testing.assert_array_equal(actual, expected)
    swapped = other.rbig.mutual_information("gpp", ["pr", "tas"], sample_dim="time").transpose("lat", "lon")
    np.testing.assert_array_equal(swapped, mutual)


def test_order_of_sample_dims_and_of_entries_does_not_change_a_bit():
    ds = weather(times=30, lats=5, lons=6)
    expected = ds.rbig.total_correlation(sample_dim=("lat", "time"), min_samples=10)
    other = ds.transpose("time", "lon", "lat").rbig.total_correlation(sample_dim=("time", "lat"), min_samples=10)
    np.testing.assert_array_equal(expected, other)
    along = ds.rbig.total_correlation(dim="lon", sample_dim=("time", "lat"))
    backwards = ds.isel(lon=slice(None, None, -1)).rbig.total_correlation(dim="lon", sample_dim=("time", "lat"))
    np.testing.assert_array_equal(along, backwards)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_schedulers_agree(ds, scheduler):
    lazy = ds.chunk(lat=1).rbig.mutual_information("tas", ["pr", "gpp"], sample_dim="time", diagnostics=True)
    expected = ds.rbig.mutual_information("tas", ["pr", "gpp"], sample_dim="time", diagnostics=True)
    xr.testing.assert_identical(lazy.compute(scheduler=scheduler), expected)


def test_the_same_call_makes_the_same_task(ds):
    lazy = ds.chunk(lat=1)
    first, second = (lazy.rbig.total_correlation(sample_dim="time") for _ in range(2))
    assert first.data.name == second.data.name
    other = lazy.rbig.total_correlation(sample_dim="time", estimator=xrbig.RBIG(seed=1))
    assert other.data.name != first.data.name


def test_dims_and_coordinates_of_the_cells_are_kept_the_others_dropped(ds):
    result = ds.rbig.total_correlation(sample_dim="time")
    assert result.dims == ("lat", "lon")
    assert set(result.coords) == {"lat", "lon", "area", "height"}
    assert result.lat.attrs == {"units": "degrees_north"}
    assert set(ds.rbig.total_correlation().coords) == {"height"}
    assert set(ds.rbig.total_correlation(dim="lon", sample_dim="time").coords) == {"lat", "height"}


def test_name_and_attributes_are_our_own(ds):
    result = ds.rbig.total_correlation(sample_dim="time")
    assert result.name == "total_correlation"
    assert result.dtype == np.float64
    assert result.attrs == {
        "long_name": "total correlation (nat)",
        "information_unit": "nat",
        "features": "tas, pr, gpp",
        "feature_units": "tas: K",
        "sample_dims": "time",
        "estimator": repr(xrbig.RBIG()),
        "xrbig_version": xrbig.__version__,
    }
    mutual = ds.rbig.mutual_information("gpp", ["tas", "pr"])
    assert mutual.name == "mutual_information"
    assert (mutual.attrs["x_features"], mutual.attrs["y_features"]) == ("gpp", "tas, pr")
    with xr.set_options(keep_attrs=True):
        assert "standard_name" not in ds.rbig.total_correlation(sample_dim="time").attrs


def test_units_are_those_that_udunits_reads_and_no_label_has_two(ds):
    pint = pytest.importorskip("pint")
    plt = pytest.importorskip("matplotlib.pyplot")
    full = ds.rbig.total_correlation(sample_dim="time", diagnostics=True)
    for field in full.values():
        assert pint.UnitRegistry()(field.attrs.get("units", "")) == 1
    with plt.rc_context({"backend": "agg"}):
        mesh = full.total_correlation.plot()
        assert mesh.colorbar.ax.get_ylabel() == "total correlation (nat)"
        plt.close("all")


def test_keep_attrs_adds_those_of_the_dataset_only(ds):
    assert ds.rbig.total_correlation(keep_attrs=True).attrs["title"] == "weather"
    full = ds.rbig.total_correlation(keep_attrs=True, diagnostics=True)
    assert full.attrs == {"title": "weather"}
    assert "title" not in full.total_correlation.attrs
    assert "title" not in ds.rbig.total_correlation().attrs


def test_bits(ds):
    nats, bits = ds.rbig.total_correlation(), ds.rbig.total_correlation(base=2)
    assert float(bits) == pytest.approx(float(nats) / np.log(2))
    assert (bits.attrs["long_name"], bits.attrs["information_unit"]) == ("total correlation (bit)", "bit")


def test_diagnostics(ds):
    ds["pr"] = ds.pr.where(ds.pr > 0, 0)
    ds["tas"] = ds.tas.where(ds.lat < 50)
    full = ds.rbig.total_correlation(sample_dim="time", diagnostics=True)
    diagnostics = ["n_samples", "n_layers", "converged", "tied_fraction", "reason", "std_error", "determined"]
    assert list(full) == ["total_correlation", *diagnostics]
    xr.testing.assert_identical(full.total_correlation, ds.rbig.total_correlation(sample_dim="time"))
    assert full.n_samples.isel(lon=0).values.tolist() == [0, 0, 150, 150]
    assert full.reason.isel(lon=0).values.tolist() == [1, 1, 0, 0]
    assert full.reason.attrs["flag_meanings"].split()[1] == "too_few_samples"
    assert full.reason.attrs["flag_values"].tolist() == [0, 1, 2, 3, 4, 5]
    assert full.converged.dtype == bool
    assert full.converged.isel(lat=slice(2, None)).all()
    assert not full.converged.isel(lat=0).any()
    np.testing.assert_allclose(full.tied_fraction.isel(lat=2), (ds.pr.isel(lat=2) == 0).mean("time"))
    assert full.total_correlation.isel(lat=0).isnull().all()
    assert full.std_error.isel(lat=0).isnull().all()
    assert (full.std_error.isel(lat=slice(2, None)) > 0).all()
    bits = ds.rbig.total_correlation(sample_dim="time", diagnostics=True, base=2)
    np.testing.assert_allclose(bits.std_error, full.std_error / np.log(2))


def test_variables_without_a_cell_dim_broadcast(ds):
    index = ds.tas.mean(("lat", "lon")).rename("index")
    ds["index"] = index
    result = ds.rbig.mutual_information("index", "gpp", sample_dim="time")
    assert result.dims == ("lat", "lon")
    spread = ds.drop_vars("index").assign(index=index.broadcast_like(ds.gpp))
    np.testing.assert_array_equal(result, spread.rbig.mutual_information("index", "gpp", sample_dim="time"))
    lazy = ds.chunk(lat=1).rbig.mutual_information("index", "gpp", sample_dim="time")
    np.testing.assert_array_equal(lazy, result)
    assert ds.rbig.mutual_information("gpp", "index", sample_dim="time").dims == ("lat", "lon")


def test_several_variables_entries_and_arrays_are_the_same_features(ds):
    stacked = ds.to_dataarray("name")
    stacked.name = "stacked"
    np.testing.assert_array_equal(
        stacked.sortby("name").rbig.total_correlation("name", sample_dim="time"),
        ds.rbig.total_correlation(sample_dim="time"),
    )
    np.testing.assert_array_equal(
        xrbig.mutual_information(ds, ds[["tas", "pr"]], ds.gpp, sample_dim="time"),
        ds.rbig.mutual_information(["tas", "pr"], "gpp", sample_dim="time"),
    )


@pytest.mark.parametrize(
    ("scale", "moved"), [(lambda a: 1e-6 * a + 300, 2e-3), (lambda a: -5 * a, 2e-3), (np.exp, 0.01)]
)
def test_scale_shift_and_monotone_maps_hardly_matter(ds, scale, moved):
    changed = ds.assign(tas=scale(ds.tas))
    expected = ds.rbig.total_correlation(sample_dim="time")
    actual = changed.rbig.total_correlation(sample_dim="time")
    np.testing.assert_allclose(actual, expected, atol=moved)  # values count beside ranks


@pytest.mark.parametrize("store", ["zarr", "netcdf"])
@pytest.mark.parametrize("name", ["map", "map of I", "diagnostics"])
def test_results_round_trip(ds, store, name, tmp_path):
    result = CALLS[name](ds.chunk(lat=1))
    result = result.to_dataset() if isinstance(result, xr.DataArray) else result
    if store == "zarr":
        result.to_zarr(tmp_path / "out.zarr", zarr_format=3, consolidated=False)
        back = xr.open_zarr(tmp_path / "out.zarr", consolidated=False).load()
    else:
        result.to_netcdf(tmp_path / "out.nc")
        back = xr.open_dataset(tmp_path / "out.nc").load()
    xr.testing.assert_identical(back, result.compute())
    for variable in result.variables.values():
        assert variable.dtype != object


def test_an_empty_grid_gives_an_empty_map(ds):
    for empty in (ds.isel(lat=slice(0)), ds.isel(lat=slice(0)).chunk(), ds.chunk(lon=1).isel(lat=slice(0))):
        empty["index"] = ds.tas.mean(("lat", "lon")).chunk(time=50)
        result = empty.rbig.total_correlation(sample_dim="time")
        assert result.chunks == ((0,), (4,))
        assert result.compute().shape == (0, 4)


@pytest.mark.parametrize(
    ("times", "options", "needed"),
    [
        (0, {}, 40),
        (39, {}, 40),
        (12, {"min_samples": 10}, 16),
        (60, {"dim": ("lat", "lon")}, 80 * 3),
        (100, {"dim": "time", "sample_dim": ("lat", "lon")}, 5 * 300),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_samples_that_are_too_few_in_any_cell_are_refused(ds, times, options, needed, lazy):
    short = ds.isel(time=slice(times))
    with pytest.raises(ValueError, match=rf"needs at least {needed} samples, and there are (\d+) along"):
        (short.chunk(lat=1) if lazy else short).rbig.total_correlation(**{"sample_dim": "time", **options})


def test_features_that_are_far_too_many_are_counted_not_listed(no_computes):
    many = xr.DataArray(dask.array.zeros((60, 12_000)), dims=("time", "cell"), name="tas")
    with no_computes(), pytest.raises(ValueError, match=r"12000 features needs at least 60000 .*sample_dim=") as error:
        many.rbig.total_correlation("cell", sample_dim="time")
    assert len(str(error.value)) < 400


def test_long_lists_of_features_are_shortened():
    wide = xr.DataArray(np.random.default_rng(0).random((400, 70)), dims=("time", "cell"), name="tas")
    result = wide.rbig.total_correlation("cell", sample_dim="time", estimator=xrbig.RBIG(rotation="pca", max_layers=1))
    assert result.attrs["features"].endswith("tas[cell=49], and 20 more")


def test_samples_that_are_too_few_in_a_cell_give_nan_and_a_reason(ds):
    assert ds.isel(time=slice(40)).rbig.total_correlation(sample_dim="time").notnull().all()
    ds["tas"] = ds.tas.where((ds.lat < 60) | (ds.time < ds.time[39]))
    ds["pr"] = ds.pr.where(ds.lon > 0, 3.0)
    ds["gpp"] = ds.gpp.where((ds.lat > 30) | (ds.time > ds.time[0]), -np.inf)
    full = ds.rbig.total_correlation(sample_dim="time", diagnostics=True)
    assert full.reason.isel(lon=1).values.tolist() == [1, 0, 0, 2]
    assert full.reason.isel(lon=0).values.tolist() == [1, 3, 3, 2]
    np.testing.assert_array_equal(full.total_correlation.isnull(), full.reason > 0)
    strict = ds.rbig.total_correlation(sample_dim="time", diagnostics=True, skipna=False)
    assert strict.reason.isel(lon=1).values.tolist() == [4, 0, 0, 2]


def test_groupby_maps(ds):
    monthly = ds.groupby("time.month").map(lambda g: g.rbig.total_correlation(sample_dim="time", min_samples=20))
    assert monthly.sizes == {"month": 5, "lat": 4, "lon": 4}
    assert monthly.notnull().all()


def test_standard_errors_along_time_whatever_the_names_of_the_other_dims(ds):
    total = ds.rbig.total_correlation(diagnostics=True)
    renamed = ds.rename(lat="a", lon="b").rbig.total_correlation(diagnostics=True)
    assert float(total.std_error) == pytest.approx(float(renamed.std_error), rel=0.3)
    assert total.std_error.attrs["information_unit"] == "nat"
    disorder = ds.isel(time=np.random.default_rng(0).permutation(150))
    assert disorder.rbig.total_correlation(sample_dim="time", diagnostics=True).std_error.isnull().all()


def test_the_standard_error_beside_a_correlation_says_what_it_is_of(ds):
    full = ds.rbig.mutual_information("tas", "gpp", sample_dim="time", diagnostics=True, normalize=True)
    assert full.std_error.attrs["long_name"] == "standard error of the mutual information (nat)"
