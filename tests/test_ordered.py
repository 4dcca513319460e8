from datetime import timedelta

import numpy as np
import pytest
import xarray as xr

from xrbig.ordered import block_units, ordered_dim, require_blocks


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
