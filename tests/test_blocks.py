import re

import dask
import numpy as np
import pytest
import xarray as xr

import xrbig
from tests.conftest import weather
from xrbig.blocks import SINGLE_THREADED_BLAS, block_budget


def tasks(result):
    """Tasks that the scheduler runs: those of the optimized graph that are not mere names of others."""
    (optimized,) = dask.optimize(result.data)
    return sum(type(task).__name__ != "Alias" for task in dict(optimized.__dask_graph__()).values())


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
    assert sum(type(task).__name__ != "Alias" for task in graph.values()) - 3 * 3 <= 3 * (1 + 7)


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
