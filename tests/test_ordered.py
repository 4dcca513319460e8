from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from xrbig import RBIG
from xrbig.core.resample import Units
from xrbig.ordered import block_units, errors_along, ordered_dim, require_blocks, time_first


def array(time, **other):
    sizes = {"time": len(time), **other}
    return xr.DataArray(np.zeros(tuple(sizes.values())), dims=list(sizes), coords={"time": time}, name="tas")


DAILY = array(np.datetime64("2000-01-01", "ns") + np.arange(100).astype("timedelta64[D]"), lat=3, member=2)
NOLEAP = array(xr.date_range("2000-01", periods=48, freq="MS", calendar="noleap", use_cftime=True))
PLAIN = array(np.arange(10.0), lat=3)


def test_the_dim_in_time_is_the_ordered_one():
    assert ordered_dim([DAILY], ("lat", "time"), None) == "time"
    assert ordered_dim([DAILY], ("lat",), None) == "lat"
    assert ordered_dim([NOLEAP], ("time",), None) == "time"
    assert ordered_dim([DAILY], ("lat", "member"), "member") == "member"


def test_which_dim_is_ordered_must_be_clear():
    with pytest.raises(ValueError, match=r"of the sample dimensions \['lat', 'time'\], none are in time.*along='time'"):
        ordered_dim([PLAIN], ("lat", "time"), None)
    with pytest.raises(ValueError, match=r"along='lon' is not one of the sample dimensions"):
        ordered_dim([DAILY], ("lat", "time"), "lon")


def test_samples_must_be_in_order():
    assert ordered_dim([DAILY.isel(time=slice(None, None, -1))], ("time",), None) == "time"
    with pytest.raises(ValueError, match=r"not in order.*ds.sortby\('time'\)"):
        ordered_dim([DAILY.isel(time=[2, 0, 1])], ("time",), None)
    with pytest.raises(ValueError, match="not in order"):
        ordered_dim([PLAIN.isel(time=[2, 0, 1])], ("time",), None)
    names = xr.DataArray(np.zeros(3), dims="member", coords={"member": ["b", "a", "c"]}, name="tas")
    with pytest.raises(ValueError, match=r"not in order.*ds.sortby\('member'\).*ds.drop_vars\('member'\)"):
        ordered_dim([names], ("member",), None)
    assert ordered_dim([names.drop_vars("member")], ("member",), None) == "member"


@pytest.mark.parametrize(
    ("data", "block", "units"),
    [
        (DAILY, 7, 7),
        (DAILY, np.int64(7), 7),
        (DAILY, "30D", 30),
        (DAILY, "36h", 2),
        (DAILY, "13h", 1),
        (DAILY, timedelta(days=5), 5),
        (DAILY, np.timedelta64(5, "D"), 5),
        (NOLEAP, "365D", 12),
        (PLAIN, 3, 3),
    ],
)
def test_a_block_in_samples(data, block, units):
    assert block_units(block, [data], "time") == units


@pytest.mark.parametrize(
    ("data", "block", "message"),
    [
        (DAILY, 0, "at least one sample"),
        (DAILY, "1 month", "months and years have no fixed length"),
        (DAILY, "-3D", "covers no sample"),
        (DAILY, "1h", "covers no sample"),
        (DAILY, "30", "has no unit"),
        (DAILY, 30.0, "has no unit"),
        (DAILY, True, "has no unit"),
        (DAILY, "1MS", "no fixed length"),
        (DAILY, np.timedelta64("NaT", "s"), "no fixed length"),
        (PLAIN, "30D", "has no time coordinate"),
        (DAILY.isel(time=[0]), "30D", "has no time coordinate"),
    ],
)
def test_bad_blocks(data, block, message):
    with pytest.raises(ValueError, match=message):
        block_units(block, [data], "time")


def test_a_block_must_fit_into_the_record():
    require_blocks(20, "20D", 100, "time", 5)
    with pytest.raises(ValueError, match=r"block='21D': blocks of 21 samples fit 4 times.*block=20"):
        require_blocks(21, "21D", 100, "time", 5)


MONTHS = pd.date_range("1980-01-01", periods=48, freq="MS")
ORDERED = {
    "period": MONTHS.to_period("M"),
    "text": [f"{d:%Y-%m}" for d in MONTHS],
    "objects": np.array([f"{d:%Y-%m}" for d in MONTHS], dtype=object),
    "zone": MONTHS.tz_localize("UTC"),
    "date": np.array([d.date() for d in MONTHS], dtype=object),
    "number": MONTHS.year * 100 + MONTHS.month,
    "bool": np.arange(48) > 20,
    "cftime": xr.date_range("2000-01", periods=48, freq="MS", calendar="noleap", use_cftime=True),
    "levels": None,
    "beside": None,
    "range": None,
}


def labelled(kind):
    """An array whose samples are in order by labels of some kind."""
    plain = xr.DataArray(np.zeros(48), dims="time", name="tas")
    if kind == "levels":
        levels = pd.MultiIndex.from_arrays([MONTHS.year, MONTHS.month], names=["year", "month"])
        return plain.assign_coords(xr.Coordinates.from_pandas_multiindex(levels, "time"))
    if kind == "beside":
        return plain.rename(time="obs").assign_coords(when=("obs", MONTHS), station=("obs", np.arange(48) % 7))
    if kind == "range":
        if not hasattr(getattr(xr, "indexes", None), "RangeIndex"):
            pytest.skip("this xarray has no RangeIndex")
        return plain.assign_coords(xr.Coordinates.from_xindex(xr.indexes.RangeIndex.arange(0.0, 48.0, 1.0, dim="time")))
    return plain.assign_coords(time=("time", ORDERED[kind]))


@pytest.mark.parametrize("kind", ORDERED)
def test_any_labels_that_can_be_compared_tell_the_order(kind):
    array = labelled(kind)
    (dim,) = array.dims
    assert ordered_dim([array], (dim,), None) == dim
    assert errors_along([array], (dim,)) == {"std_error": True}
    assert ordered_dim([array[::-1]], (dim,), None) == dim
    shuffled = array.isel({dim: np.random.default_rng(0).permutation(48)})
    assert errors_along([shuffled], (dim,)) == {}
    with pytest.raises(ValueError, match=r"not in order.*ds.sortby\('(time|when)'\)"):
        ordered_dim([shuffled], (dim,), None)


def test_a_dimension_named_by_a_tuple():
    dim = ("grid", 1)
    array = xr.DataArray(np.zeros(5), dims=[dim], name="tas")
    for labels, ordered in ((np.arange(5.0), True), ([3, 1, 2, 0, 5], True), (MONTHS[[3, 1, 2, 0, 4]], False)):
        beside = array.assign_coords(x=xr.Variable([dim], labels))
        assert (
            errors_along([beside], (dim,)) == {"std_error": True}
        ) is ordered  # times tell the order, numbers do not


def test_lazy_labels_are_not_computed(no_computes):
    labels = xr.Variable("time", np.arange(48)).chunk(time=12)
    lazy = xr.DataArray(np.zeros(48), xr.Coordinates({"time": labels}, indexes={}), dims="time", name="tas")
    with no_computes():
        assert errors_along([lazy], ("time",)) == {"std_error": True}


def test_labels_that_cannot_be_compared_are_in_no_order():
    mixed = xr.DataArray(np.zeros(3), dims="time", coords={"time": np.array([1, "a", None], dtype=object)}, name="tas")
    assert errors_along([mixed], ("time",)) == {}
    with pytest.raises(ValueError, match=r"ds.drop_vars\('time'\)"):
        ordered_dim([mixed], ("time",), None)
    assert errors_along([mixed.drop_vars("time")], ("time",)) == {"std_error": True}


@pytest.mark.parametrize("kind", ["period", "zone", "date", "beside"])
def test_blocks_of_other_times(kind):
    array = labelled(kind)
    assert block_units("365D", [array], array.dims[0]) == 12


@pytest.mark.parametrize("kind", ["period", "date", "beside"])
def test_other_times_are_the_ordered_dimension(kind):
    array = labelled(kind).expand_dims(a=3)
    dim = array.dims[1]
    assert ordered_dim([array], ("a", dim), None) == dim
    assert time_first([array], ("a", dim)) == (dim, "a")
    assert errors_along([array], ("a", dim))["units"] == Units((3, 48), 1)


def test_without_times_the_first_dimension_is_the_ordered_one():
    array = xr.DataArray(np.zeros((3, 4)), dims=("b", "a"), name="tas")
    assert errors_along([array], ("a", "b"))["units"] == Units((4, 3), 0)
    assert errors_along([array.assign_coords(a=[3, 1, 2, 0])], ("a", "b")) == {}


def test_an_index_without_labels_does_not_matter_to_other_dimensions():
    class CRSIndex(xr.Index):
        @classmethod
        def from_variables(cls, variables, *, options):
            return cls()

        def equals(self, other, **_):
            return True

    array = labelled("period").assign_coords(spatial_ref=0).set_xindex("spatial_ref", CRSIndex)
    assert ordered_dim([array], ("time",), None) == "time"
    ds = xr.Dataset({n: array + np.random.default_rng(i).random(48) for i, n in enumerate("ab")})
    pca = {"estimator": RBIG(rotation="pca", max_layers=1)}
    for lazy in (False, True):
        data = ds.expand_dims(x=2).copy()
        data = data.chunk(x=1) if lazy else data
        full = data.rbig.mutual_information("a", "b", sample_dim="time", diagnostics=True, **pca)
        assert "spatial_ref" in full.xindexes
        for result in (
            full,
            data.rbig.significance("a", "b", sample_dim="time", n_surrogates=19, **pca),
            data.rbig.bootstrap("a", "b", sample_dim="time", n_replicates=20, block=4, **pca),
            data.rbig.kl_divergence(data, sample_dim="time", **pca),
            data.rbig.fit(**pca).log_prob(data),
        ):
            assert np.isfinite(next(iter(result.values())) if isinstance(result, xr.Dataset) else result).all()


def test_a_block_that_cannot_be_shorter_is_not_advised():
    with pytest.raises(ValueError, match=r"are needed\. Take a longer record") as error:
        require_blocks(1, 1, 4, "time", 5)
    assert "block=1, or" not in str(error.value)
