"""The divergence of one labelled data set from another."""

import dask
import numpy as np
import pytest
import xarray as xr

from tests.conftest import tasks, weather


@pytest.fixture
def ds():
    return weather(lats=2, lons=2)


@pytest.fixture
def other(ds):
    return weather(times=120, lats=2, lons=2, seed=1).assign_coords(area=ds.area) + 0.3


def test_both_sides_may_be_lazy_and_their_samples_differ(ds, other, no_computes):
    expected = ds.rbig.kl_divergence(other, sample_dim="time")
    assert expected.dims == ("lat", "lon")
    assert (expected > 0).all()
    assert expected.attrs["long_name"] == "Kullback-Leibler divergence (nat)"
    assert expected.attrs["features"] == "tas, pr, gpp"
    for left, right in ((ds.chunk(time=50, lat=1), other), (ds, other.chunk(lon=1)), (ds.chunk(), other.chunk(time=7))):
        with no_computes():
            lazy = left.rbig.kl_divergence(right, sample_dim="time")
        assert dask.is_dask_collection(lazy)
        xr.testing.assert_identical(lazy.compute(), expected)


def test_one_task_per_block():
    ds = weather(lats=6, lons=8)[["tas"]].chunk(lat=2, lon=2)
    later = (ds.tas + 1).persist()
    assert tasks(ds.tas.rbig.kl_divergence(later, sample_dim="time")) <= tasks(ds.tas) + tasks(later) + 2 * 12


def test_order_of_variables_and_dims_does_not_change_a_bit(ds, other):
    expected = ds.rbig.kl_divergence(other, sample_dim="time")
    turned = other[["gpp", "tas", "pr"]].transpose("lon", "time", "lat")
    np.testing.assert_array_equal(ds[["pr", "gpp", "tas"]].rbig.kl_divergence(turned, sample_dim="time"), expected)


def test_arrays_one_feature_and_entries(ds, other):
    one = ds.tas.rbig.kl_divergence(other.tas.rename("t2m"), sample_dim="time")
    np.testing.assert_array_equal(one, ds.rbig.kl_divergence(other, variables=["tas"], sample_dim="time"))
    levels = ds.tas.rbig.kl_divergence(other.tas, "lon", sample_dim="time")
    assert levels.dims == ("lat",)
    assert ds.rbig.kl_divergence(other).ndim == 0


def test_units_diagnostics_and_attributes(ds, other):
    full = ds.rbig.kl_divergence(other, sample_dim="time", diagnostics=True, base=2)
    assert full.kl_divergence.attrs["information_unit"] == "bit"
    assert (full.n_samples == 120).all()
    nats = ds.rbig.kl_divergence(other, sample_dim="time")
    np.testing.assert_allclose(full.kl_divergence, nats / np.log(2))


def test_errors_teach(ds, other):
    with pytest.raises(ValueError, match="names 'gpp', which is not a data variable"):
        ds.rbig.kl_divergence(other.drop_vars("gpp"))
    with pytest.raises(TypeError, match="the data are a Dataset, other is a DataArray"):
        ds.rbig.kl_divergence(other.tas)
    with pytest.raises(ValueError, match="the coordinate 'lat' of 'tas' differs"):
        ds.rbig.kl_divergence(other.assign_coords(lat=other.lat + 1), sample_dim="time")
    with pytest.raises(ValueError, match=r"other has no feature 'tas\[lon=30.0\]'"):
        ds.rbig.kl_divergence(other.isel(lon=[0]), "lon", sample_dim="time")
    with pytest.raises(ValueError, match="lacks the sample dimension 'time'"):
        ds.rbig.kl_divergence(other.isel(time=0), sample_dim="time")
    with pytest.raises(TypeError, match="expected an xarray"):
        ds.rbig.kl_divergence(other.tas.values)
