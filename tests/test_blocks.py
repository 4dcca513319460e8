import pickle
import re

import dask
import dask.array
import numpy as np
import pytest
import xarray as xr

import xrbig
from tests.conftest import tasks, weather
from xrbig.blocks import SINGLE_THREADED_BLAS, block_budget


def test_one_task_per_block():
    ds = weather(lats=6, lons=8).chunk(lat=2, lon=2)
    blocks, inputs = 3 * 4, 3 * 3 * 4
    result = ds.rbig.total_correlation(sample_dim="time")
    assert result.chunksizes == {"lat": (2, 2, 2), "lon": (2, 2, 2, 2)}
    assert tasks(result) - inputs <= blocks
    mutual = ds.rbig.mutual_information(["tas", "pr"], "gpp", sample_dim="time")
    assert tasks(mutual) - inputs <= blocks


def test_diagnostics_add_one_task_per_block_and_field():
    ds = weather(lats=6).chunk(lat=2)
    full = ds.rbig.total_correlation(sample_dim="time", diagnostics=True)
    (optimized,) = dask.optimize(full[list(full.data_vars)].drop_vars("area"))
    graph = dict(optimized.__dask_graph__())
    assert sum(type(task).__name__ != "Alias" for task in graph.values()) - 3 * 3 <= 3 * (1 + 8)


def test_chunked_samples_become_one_chunk_of_the_same_cells():
    ds = weather(lats=6).chunk(time=50, lat=2)
    result = ds.rbig.total_correlation(sample_dim="time")
    assert result.chunksizes["lat"] == (2, 2, 2)
    inputs, merges, blocks = 3 * 3 * 3, 3 * 3, 3
    assert tasks(result) <= inputs + merges + blocks


def test_arrays_in_memory_get_the_chunks_of_the_others():
    ds = weather(lats=6)
    with dask.config.set({"array.chunk-size": "1kiB"}):
        result = ds[["tas", "pr"]].chunk(lat=2).assign(gpp=ds.gpp).rbig.total_correlation(sample_dim="time")
    inputs, blocks = 3 * 3, 3
    assert result.chunksizes["lat"] == (2, 2, 2)
    assert tasks(result) <= inputs + blocks


def test_cells_are_split_never_merged_where_the_block_would_exceed_the_budget():
    ds = weather(times=300, lats=8, lons=8).chunk(time=100, lat=1)
    with dask.config.set({"array.chunk-size": "10kiB"}):
        assert block_budget() == 4 * 10 * 2**10
        result = ds.rbig.total_correlation(sample_dim="time")
    assert result.chunksizes["lat"] == (1,) * 8
    assert max(result.chunksizes["lon"]) * 300 * 8 * 3 <= 4 * 10 * 2**10
    xr.testing.assert_equal(result.compute(), ds.compute().rbig.total_correlation(sample_dim="time"))


def test_a_cell_that_exceeds_the_budget_is_refused_with_the_call_that_works():
    ds = weather(times=300).chunk(time=100)
    with dask.config.set({"array.chunk-size": "1kiB"}):
        message = "the variables ['tas', 'pr', 'gpp'] are chunked along ['time']"
        with pytest.raises(ValueError, match=f"(?s){re.escape(message)}.*" + re.escape("ds.chunk({'time': -1})")):
            ds.rbig.total_correlation(sample_dim="time")
        assert ds.chunk({"time": -1}).rbig.total_correlation(sample_dim="time").chunks is not None


def test_coordinates_on_dask_are_not_computed(no_computes):
    ds = weather().chunk(lat=1)
    assert ds.area.chunks is not None
    with no_computes():
        result = ds.tas.rbig.mutual_information(ds.pr.assign_coords(area=ds.area * 1), sample_dim="time")
    assert result.area.chunks is not None


def test_samples_that_the_user_put_in_one_chunk_are_left_alone():
    ds = weather(lats=6).chunk(lat=2)
    with dask.config.set({"array.chunk-size": "100B"}):
        assert ds.rbig.total_correlation(sample_dim="time").chunksizes["lat"] == (2, 2, 2)


def test_blas_is_held_to_one_thread_until_the_last_block_leaves():
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def threads():
        return {lib["num_threads"] for lib in threadpoolctl.threadpool_info() if lib["user_api"] == "blas"}

    with threadpoolctl.threadpool_limits(2):
        before = threads()
        with SINGLE_THREADED_BLAS:
            with SINGLE_THREADED_BLAS:
                assert threads() == {1}
            assert threads() == {1}
        assert threads() == before


def test_results_do_not_depend_on_the_number_of_blas_threads():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.standard_normal((2, 120, 1000)), axis=1)
    da = xr.DataArray(values, dims=("cell", "feature", "time"), name="x")
    results = []
    for number in (1, 2):
        with threadpoolctl.threadpool_limits(number):
            results.append(da.rbig.total_correlation("feature", sample_dim="time", estimator=xrbig.RBIG(max_layers=2)))
    np.testing.assert_array_equal(*results)


PCA = xrbig.RBIG(rotation="pca", max_layers=3)
EVERY_MEASURE = {
    "total_correlation": lambda ds, **kw: ds.rbig.total_correlation(**kw),
    "mutual_information": lambda ds, **kw: ds.rbig.mutual_information("tas", ["pr", "gpp"], **kw),
    "conditional_mutual_information": lambda ds, **kw: ds.rbig.conditional_mutual_information("tas", "pr", "gpp", **kw),
    "mutual_information_matrix": lambda ds, **kw: ds.rbig.mutual_information_matrix(**kw),
    "redundancy": lambda ds, **kw: ds.rbig.redundancy(**kw),
    "dual_total_correlation": lambda ds, **kw: ds.rbig.dual_total_correlation(**kw),
    "o_information": lambda ds, **kw: ds.rbig.o_information(**kw),
    "entropy": lambda ds, **kw: ds.rbig.entropy(**kw),
    "negentropy": lambda ds, **kw: ds.rbig.negentropy(**kw),
    "kl_divergence": lambda ds, **kw: ds.rbig.kl_divergence(1.5 * ds, **kw),
    "significance": lambda ds, **kw: without(ds.rbig.significance, "tas", "gpp", n_surrogates=19, **kw),
    "bootstrap": lambda ds, **kw: without(ds.rbig.bootstrap, "tas", "gpp", n_replicates=20, block=3, **kw),
}


def without(function, *arguments, diagnostics=False, **keywords):
    """A call of what takes no `diagnostics`."""
    return function(*arguments, **keywords)


def wild(seed=0):
    """Cells with gaps, ties, rounded, constant, infinite and masked values."""
    ds = weather(times=90, lats=3, lons=4, seed=seed)
    rng = np.random.default_rng(seed)
    ds["pr"] = ds.pr.where(rng.random(ds.pr.shape) < 0.9).round(1).clip(min=0)
    ds["tas"] = ds.tas.where((ds.lon > 0) | (ds.lat > 50), 7)
    ds["gpp"] = ds.gpp.where((ds.lon < 30) | (ds.lat < 50), -np.inf)
    return ds.where((ds.lat < 40) | (ds.lon > 5) | (ds.lat > 50))


@pytest.mark.parametrize("name", EVERY_MEASURE)
def test_no_bit_of_any_measure_or_diagnostic_depends_on_chunks_or_order(name):
    ds = wild()
    call = EVERY_MEASURE[name]
    keywords = {"sample_dim": "time", "estimator": PCA, "diagnostics": True}
    expected = call(ds, **keywords)
    for chunks in ({"lat": 1, "lon": 1}, {"time": 7, "lat": (2, 1)}, {"lon": (1, 3)}):
        lazy = call(ds[["gpp", "tas", "pr"]].transpose("lon", "time", "lat").chunk(chunks), **keywords)
        lazy = lazy.to_dataset() if isinstance(lazy, xr.DataArray) else lazy
        for field in lazy.data_vars:
            actual = lazy[field].compute().transpose(*expected[field].dims)
            np.testing.assert_array_equal(actual, expected[field], err_msg=field)
            assert actual.dtype == expected[field].dtype
    for lat in range(3):
        alone = call(ds.isel(lat=[lat]), **keywords)
        for field in alone.data_vars:
            if field != "p_adjusted":  # which looks at the map as a whole
                np.testing.assert_array_equal(alone[field], expected[field].isel(lat=[lat]), err_msg=field)


@pytest.mark.parametrize("name", EVERY_MEASURE)
def test_the_graph_of_every_measure_is_small_and_names_it(name):
    sizes = []
    for lats in (5, 400):
        shared = dask.array.zeros((100, lats, 2), chunks=(50, 5, 2))
        ds = xr.Dataset(dict.fromkeys(("tas", "pr", "gpp"), (("time", "lat", "lon"), shared)))
        ds["time"] = np.datetime64("2000-01-01", "ns") + np.arange(100).astype("timedelta64[D]")
        lazy = EVERY_MEASURE[name](ds, sample_dim=("time", "lat"), estimator=PCA, diagnostics=True)
        layers = next(iter(lazy.data_vars.values())).__dask_graph__().layers
        own = [dict(layer) for key, layer in layers.items() if key.startswith(f"{name}-") or f"-{name}-" in key]
        sizes.append(len(pickle.dumps(own)))
        assert own
    assert sizes[1] < min(20_000, sizes[0] + 1_000)  # bytes: samples are no part of it


FILL = 9.969209968386869e36


@pytest.mark.parametrize(
    ("dtype", "fill", "attrs"),
    [
        ("f4", FILL, {}),
        ("f8", FILL, {}),
        ("i4", -2147483647, {}),
        ("i8", -9223372036854775806, {}),
        ("f4", -999.9, {"_FillValue": np.float32(-999.9)}),
        ("f8", 1e20, {"missing_value": 1e20}),
        ("f4", 1e20, {"missing_value": 1e20}),
        ("i2", -32768, {"_FillValue": np.int16(-32768), "scale_factor": 0.01}),
        ("u1", 255, {"missing_value": [254, 255]}),
        ("f4", np.nan, {"missing_value": 1e300}),
        ("f2", np.nan, {"_FillValue": 1e5}),
        (">i2", -1, {"_FillValue": -1.0, "missing_value": "none"}),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_fill_values_that_were_left_in_are_missing(dtype, fill, attrs, lazy):
    rng = np.random.default_rng(0)
    values = np.round(100 + 20 * rng.standard_normal((2, 300, 2)))
    gaps = rng.random((300, 2)) < 0.2
    filled = {
        n: (("time", "x"), np.where(gaps, np.array(fill).astype(dtype), v.astype(dtype)), attrs)
        for n, v in zip("ab", values, strict=True)
    }
    masked = {n: (("time", "x"), np.where(gaps, np.nan, v)) for n, v in zip("ab", values, strict=True)}
    filled, masked = (xr.Dataset(d) for d in (filled, masked))
    lazily = filled.chunk(x=1, time=100) if lazy else filled
    for call in (
        lambda ds: ds.rbig.mutual_information("a", "b", sample_dim="time", estimator=PCA, diagnostics=True),
        lambda ds: ds.rbig.entropy(sample_dim="time", estimator=PCA),
        lambda ds: ds.rbig.kl_divergence(masked + 1, sample_dim="time", estimator=PCA),
        lambda ds: masked.rbig.fit(sample_dim=("time", "x"), estimator=PCA).log_prob(ds),
    ):
        xr.testing.assert_equal(call(lazily).compute(), call(masked))
    assert filled.rbig.fit(estimator=PCA).total_correlation.equals(masked.rbig.fit(estimator=PCA).total_correlation)


@pytest.mark.parametrize("dtype", ["i8", ">i8", "u8"])
@pytest.mark.parametrize("offset", [2**60, 2**62 + 12345])
def test_long_integers_keep_their_low_bits(dtype, offset):
    rng = np.random.default_rng(0)
    small = rng.integers(-300, 300, (300, 2))
    y = small / 100 + rng.standard_normal((300, 2))
    plain = xr.Dataset({"a": (("time", "x"), small - small.min(axis=0)), "b": (("time", "x"), y)})
    long = plain.assign(a=(plain.a.dims, (small + offset).astype(dtype)))
    for call in (
        lambda ds: ds.rbig.mutual_information("a", "b", sample_dim="time"),
        lambda ds: ds.chunk(time=100, x=1).rbig.entropy(sample_dim="time").compute(),
        lambda ds: ds.isel(time=slice(150)).rbig.kl_divergence(
            ds.isel(time=slice(150, None)), sample_dim="time", estimator=PCA
        ),
    ):
        np.testing.assert_array_equal(call(long), call(plain))


def irregular(sizes):
    return weather(times=60, lats=sum(sizes), lons=5).chunk(lat=tuple(sizes), lon=(2, 3), time=30)


@pytest.mark.parametrize("sizes", [(3, 2, 3, 2), (1, 4), (2, 2, 3, 1), (5,)])
def test_results_have_chunks_of_one_size_that_can_be_written(sizes, tmp_path):
    for name in ("total_correlation", "mutual_information_matrix"):
        lazy = EVERY_MEASURE[name](irregular(sizes), sample_dim="time", estimator=PCA, diagnostics=True)
        for variable in lazy.variables.values():
            for chunks in variable.chunks or ():
                assert len(set(chunks[:-1])) <= 1
                assert chunks[-1] <= chunks[0]
        lazy.to_zarr(tmp_path / name, zarr_format=3, consolidated=False)
        xr.testing.assert_equal(xr.open_zarr(tmp_path / name, consolidated=False).load(), lazy.compute())


@pytest.mark.parametrize(("lats", "budget"), [(120, 50), (121, 50), (719, 13), (97, 1)])
def test_cells_are_split_evenly_where_the_budget_asks_for_it(lats, budget):
    shared = dask.array.zeros((400, lats, 3), chunks=(100, 60, 3))
    ds = xr.Dataset(dict.fromkeys("ab", (("time", "lat", "lon"), shared)))
    with dask.config.set({"array.chunk-size": budget * 400 * 3 * 8 * 2 // 4}):
        result = ds.rbig.mutual_information("a", "b", sample_dim="time")
    chunks = result.chunksizes["lat"]
    assert len(set(chunks[:-1])) <= 1
    assert chunks[-1] <= chunks[0] <= budget
    assert len(chunks) <= 2 * (lats / budget + lats / 60 + 1)


def test_coordinates_forget_how_their_file_stored_them(ds_of_v2):
    result = ds_of_v2.rbig.total_correlation(sample_dim="time", estimator=PCA)
    assert all(not c.encoding for c in result.coords.values())
    assert all(c.encoding for c in ds_of_v2.coords.values() if c.ndim)  # those of the input are as they were


def test_a_map_of_an_old_store_can_be_written_as_a_new_one(ds_of_v2, tmp_path):
    result = ds_of_v2.rbig.redundancy(sample_dim="time", estimator=PCA, diagnostics=True)
    for zarr_format in (2, 3):
        result.to_zarr(tmp_path / f"{zarr_format}", zarr_format=zarr_format, consolidated=False)
        back = xr.open_zarr(tmp_path / f"{zarr_format}", consolidated=False).load()
        xr.testing.assert_equal(back, result.compute())


@pytest.fixture
def ds_of_v2(tmp_path):
    weather(times=60).to_zarr(tmp_path / "v2.zarr", zarr_format=2)  # with codecs that format 3 does not know
    return xr.open_zarr(tmp_path / "v2.zarr")


def test_a_cell_beyond_the_budget_shows_the_thinning_that_fits():
    samples = dask.array.zeros((20 * 2**30 // 8, 1), chunks=(2**27, 1))
    ds = xr.Dataset(dict.fromkeys("ab", (("time", "x"), samples)))
    with pytest.raises(ValueError, match=r"more than the 512 MiB") as error:
        ds.rbig.mutual_information("a", "b", sample_dim="time")
    (step,) = re.findall(r"ds.isel\({'time': slice\(None, None, (\d+)\)}\)", str(error.value))
    assert ".chunk(" not in str(error.value)  # no worker holds that
    thinned = ds.isel(time=slice(None, None, int(step)))
    assert thinned.rbig.mutual_information("a", "b", sample_dim="time").chunks is not None
    whole = ds.chunk(time=-1)
    for call in (lambda: whole.rbig.mutual_information("a", "b", sample_dim="time"), lambda: whole.rbig.fit()):
        with pytest.raises(ValueError, match=r"takes 40 GiB, and a block may hold 4 GiB.*slice\(None, None, 10\)"):
            call()
    with pytest.raises(ValueError, match=r"more than the 512 MiB.*slice\(None, None, 80\)"):
        ds.rbig.fit()


def test_blocks_that_no_worker_holds_are_split_even_if_the_user_made_them():
    whole = dask.array.zeros((1000, 2000, 1000), chunks=(1000, 2000, 1000))
    ds = xr.Dataset(dict.fromkeys("ab", (("time", "lat", "lon"), whole)))
    result = ds.rbig.mutual_information("a", "b", sample_dim="time")
    assert result.chunksizes["lat"][0] * result.chunksizes["lon"][0] * 1000 * 16 <= 2**32


def test_lazy_coordinates_named_as_their_dimension_are_not_computed(no_computes):
    ds = weather().drop_vars("lat").chunk(lon=2)
    ds = ds.assign_coords(lat=(("lat", "lon"), dask.array.ones((3, 4), chunks=(1, 3))))
    with no_computes():
        for dim, samples in (("feature", "time"), ("lat", "time"), ("lon", "time"), ("feature", ("time", "lat"))):
            result = ds.rbig.total_correlation(dim, sample_dim=samples, estimator=PCA, diagnostics=True)
            ds.rbig.kl_divergence(ds + 1, dim, sample_dim=samples, estimator=PCA)
        ds.rbig.significance("tas", "pr", sample_dim="time", estimator=PCA)
        mutual = ds.tas.rbig.mutual_information(ds.pr, sample_dim="time", estimator=PCA)
    assert mutual.lat.chunks is not None
    assert result.total_correlation.dims == ("lon",)


def test_an_empty_chunk_and_an_empty_dimension_of_some_variables():
    ds = weather(lats=1).drop_vars("area").chunk(time=50)
    empty = dask.array.zeros((150, 0, 4))
    ds["tas"] = (ds.tas.dims, dask.array.concatenate([empty, ds.tas.data, empty], axis=1))
    np.testing.assert_array_equal(*(d.rbig.total_correlation(sample_dim="time") for d in (ds, ds.compute())))
    nothing = ds.isel(lon=slice(0)).assign(index=ds.pr.mean(("lat", "lon")))
    assert nothing.rbig.total_correlation(sample_dim="time").compute().shape == (1, 0)


def test_quantities_are_taken_by_their_magnitudes():
    pint = pytest.importorskip("pint")
    units = pint.UnitRegistry()
    ds = weather(times=80)[["tas", "pr"]]
    ds["tas"].attrs = {}
    for lazy in (False, True):
        data = ds.chunk(lat=1) if lazy else ds
        quantities = data.assign(
            tas=data.tas.copy(data=data.tas.data * units.hPa), pr=data.pr.copy(data=data.pr.data * units.m)
        )
        for name in ("entropy", "total_correlation"):
            plain = EVERY_MEASURE[name](data, sample_dim="time", estimator=PCA)
            for order in (["tas", "pr"], ["pr", "tas"]):
                result = EVERY_MEASURE[name](quantities[order], sample_dim="time", estimator=PCA)
                np.testing.assert_array_equal(result, plain)
                assert set(result.attrs["feature_units"].split(", ")) == {"tas: hectopascal", "pr: meter"}
    other = quantities.assign(tas=ds.tas.copy(data=ds.tas.data * units.Pa))
    with pytest.raises(ValueError, match="'tas' is in 'hectopascal', and in 'pascal' in other"):
        quantities.rbig.kl_divergence(other, sample_dim="time")


@pytest.mark.filterwarnings("default")  # those of the cluster are not ours
def test_a_local_cluster_agrees_on_every_measure_however_it_computes():
    distributed = pytest.importorskip("distributed")
    ds = weather(times=60, lats=2, lons=2)
    keywords = {"sample_dim": "time", "estimator": PCA, "diagnostics": True, "base": 2}
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        for call in EVERY_MEASURE.values():
            expected, lazy = call(ds, **keywords), call(ds.chunk(lat=1), **keywords)
            (together,) = dask.compute(lazy)
            for result in (together, client.compute(lazy).result(), lazy.compute()):
                xr.testing.assert_identical(result, expected)
