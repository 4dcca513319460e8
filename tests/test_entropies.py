"""The divergence of one labelled data set from another."""

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import xrbig
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


PLAIN = xrbig.RBIG(rotation="pca", max_layers=2)
LEVELS = np.array([85_000.0, 50_000.0, 25_000.0])


def profile(shift=0.0, seed=0, order=slice(None)):
    """Levels of their own means and a correlation."""
    rng = np.random.default_rng(seed)
    correlation = 0.5 ** np.abs(np.subtract.outer(range(3), range(3)))
    values = rng.multivariate_normal(np.array([280.0, 255.0, 222.0]) + shift, correlation, 400)
    ta = xr.DataArray(values, dims=("time", "plev"), coords={"plev": LEVELS}, name="ta")
    return ta.isel(plev=order)


@pytest.mark.parametrize("order", [slice(None, None, -1), [1, 2, 0]], ids=["bottom up", "turned"])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "U8"])
@pytest.mark.parametrize("lazy", [False, True])
def test_entries_of_both_sides_are_matched_by_value(order, dtype, lazy):
    p, q = profile(0.5), profile(seed=1)
    if dtype == "U8":
        p, q = (a.assign_coords(plev=["lower", "middle", "upper"]) for a in (p, q))
    expected = p.rbig.kl_divergence(q, "plev", sample_dim="time", estimator=PLAIN)
    assert 0 < float(expected) < 0.5
    other = q.isel(plev=order)
    other = other.assign_coords(plev=other.plev.values.astype(dtype))
    pair = (p.chunk(), other.chunk(time=100, plev=1)) if lazy else (p, other)
    assert float(pair[0].rbig.kl_divergence(pair[1], "plev", sample_dim="time", estimator=PLAIN)) == float(expected)
    surface = [side.isel(plev=0, drop=True) ** 2 for side in (p, q)]
    turned, plain = (
        [xr.Dataset({"ta": ta, "ps": ps}) for ta, ps in zip(sides, surface, strict=True)] for sides in (pair, (p, q))
    )
    result = turned[0].rbig.kl_divergence(turned[1], "plev", sample_dim="time", estimator=PLAIN)
    assert float(result) == float(plain[0].rbig.kl_divergence(plain[1], "plev", sample_dim="time", estimator=PLAIN))


def test_entries_that_differ_by_rounding_are_told():
    p, q = profile(0.5), profile(seed=1)
    expected = float(p.rbig.kl_divergence(q, "plev", sample_dim="time", estimator=PLAIN))
    with pytest.warns(UserWarning, match=r"plev=85000\.00000001 is taken for plev=85000\.0"):
        near = p.rbig.kl_divergence(q.assign_coords(plev=LEVELS + 1e-8), "plev", sample_dim="time", estimator=PLAIN)
    assert float(near) == expected
    with pytest.raises(ValueError, match=r"other has no feature 'ta\[plev=85000\.0\]'\. The nearest is plev=85010\.0"):
        p.rbig.kl_divergence(q.assign_coords(plev=LEVELS + 10), "plev", sample_dim="time", estimator=PLAIN)


def test_samples_of_the_two_sides_have_labels_of_their_own(ds, other):
    expected = ds.tas.rbig.kl_divergence(other.tas, sample_dim="time", estimator=PLAIN)
    years = pd.MultiIndex.from_product([range(15), range(8)], names=["year", "month"])
    levels = other.drop_vars("time").assign_coords(xr.Coordinates.from_pandas_multiindex(years, "time"))
    beside = [d.assign_coords(sun=(("time", "lat"), np.ones((d.sizes["time"], 2)) * d.lat.values)) for d in (ds, other)]
    for one, two in ((ds, levels), beside, [d.chunk(lat=1) for d in beside], (ds, other.drop_vars("time"))):
        result = one.tas.rbig.kl_divergence(two.tas, sample_dim="time", estimator=PLAIN)
        np.testing.assert_array_equal(result, expected)
        assert "sun" not in result.coords


@pytest.mark.parametrize("lazy", [False, True])
def test_an_empty_side_is_refused(ds, other, lazy):
    empty = other.isel(time=slice(0))
    for one, two in ((ds, empty), (empty, ds)):
        two = two.chunk() if lazy else two
        with pytest.raises(ValueError, match=r"needs at least 40 samples, and there are 0 along \['time'\]"):
            one.rbig.kl_divergence(two, sample_dim="time", estimator=PLAIN)
    nothing = [d.isel(lat=slice(0)).chunk() if lazy else d.isel(lat=slice(0)) for d in (ds, other)]
    assert nothing[0].rbig.kl_divergence(nothing[1], sample_dim="time", estimator=PLAIN).compute().shape == (0, 2)
