import dask
import numpy as np
import pytest
import xarray as xr
from scipy.stats import false_discovery_control

import xrbig
from tests.conftest import tasks, weather

PLAIN = xrbig.RBIG(rotation="pca", max_layers=3)
FAST = {"estimator": PLAIN, "n_surrogates": 19}

CALLS = {
    "I": lambda ds: ds.rbig.significance(["tas", "pr"], "gpp", sample_dim="time", **FAST),
    "T": lambda ds: ds.rbig.significance(sample_dim="time", block="5D", **FAST),
    "T over two dims": lambda ds: ds.rbig.significance(sample_dim=("time", "lat"), **FAST),
    "one number": lambda ds: ds.rbig.significance("tas", "gpp", **FAST),
    "blocks": lambda ds: ds.rbig.significance("tas", "gpp", sample_dim="time", method="block", fdr="by", **FAST),
    "arrays": lambda ds: ds.pr.rbig.significance(ds.gpp, sample_dim="time", **FAST),
    "bootstrap of I": lambda ds: ds.rbig.bootstrap("tas", "gpp", sample_dim="time", n_replicates=20, estimator=PLAIN),
    "bootstrap of T": lambda ds: ds.tas.rbig.bootstrap(
        dim="lat", sample_dim="time", n_replicates=20, estimator=PLAIN, block="10D"
    ),
}


@pytest.fixture
def ds():
    return weather()


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_computed_at_the_call_and_chunks_do_not_matter(ds, name, no_computes):
    ds["pr"] = ds.pr.where(ds.pr < 1.5)
    for lazy in (ds.chunk(time=50, lat=2), ds.chunk(lon=1)):
        with no_computes():
            result = CALLS[name](lazy)
        assert dask.is_dask_collection(result)
        xr.testing.assert_identical(result.compute(), CALLS[name](ds))


def test_one_task_per_block_does_all_surrogates(ds):
    result = CALLS["I"](weather(lats=12).chunk(lat=1))
    blocks, inputs = 12, 3 * 12
    assert tasks(result.p_value) - inputs <= 2 * blocks
    assert tasks(result.p_adjusted) - inputs <= 2 * blocks + 3


def test_what_is_returned(ds):
    result = ds.rbig.significance("tas", ["pr", "gpp"], sample_dim="time", base=2, **FAST, keep_attrs=True)
    assert list(result) == ["mutual_information", "p_value", "p_adjusted", "null_mean", "null_std", "debiased"]
    expected = ds.rbig.mutual_information("tas", ["pr", "gpp"], sample_dim="time", base=2, estimator=PLAIN)
    xr.testing.assert_identical(result.mutual_information, expected)
    xr.testing.assert_allclose(result.debiased, expected - result.null_mean)
    adjusted = false_discovery_control(result.p_value.values.ravel()).reshape(3, 4)
    np.testing.assert_array_equal(result.p_adjusted, adjusted)
    assert set(np.round(result.p_value.values.ravel() * 20, 9)) <= set(range(1, 21))
    assert result.attrs == {"title": "weather"}
    assert result.p_value.attrs == {
        "long_name": "p-value",
        "units": "1",
        "null": "circular shifts",
        "n_surrogates": 19,
        "along": "time",
        "block": 1,
        "seed": 0,
    }
    assert result.debiased.attrs["long_name"] == "debiased (bit)"
    assert "p_adjusted" not in ds.rbig.significance("tas", "gpp", sample_dim="time", fdr=None, **FAST)


def test_what_the_bootstrap_returns(ds):
    nats = ds.rbig.bootstrap("tas", "gpp", sample_dim="time", n_replicates=20, estimator=PLAIN)
    bits = ds.rbig.bootstrap("tas", "gpp", sample_dim="time", n_replicates=20, estimator=PLAIN, base=2)
    assert list(nats) == ["mutual_information", "lower", "upper", "std_error", "bias"]
    assert (nats.lower < nats.mutual_information).all()
    assert (nats.mutual_information < nats.upper).all()
    for name in nats:
        np.testing.assert_allclose(bits[name], nats[name] / np.log(2))
    assert nats.lower.attrs["block"] == 7
    assert nats.lower.attrs["confidence"] == 0.95
    narrow = ds.rbig.bootstrap(
        "tas", "gpp", sample_dim="time", n_replicates=20, estimator=PLAIN, confidence=0.5, block="7D"
    )
    assert (narrow.upper < nats.upper).all()


def test_cells_without_an_estimate_are_nan_and_take_no_part_in_the_control(ds):
    ds["tas"] = ds.tas.where(ds.lat < 50)
    result = CALLS["I"](ds)
    assert result.isel(lat=0).drop_vars(["area", "height"]).isnull().all().to_dataarray().all()
    rest = CALLS["I"](ds.isel(lat=[1, 2]))
    np.testing.assert_array_equal(rest.p_adjusted, result.p_adjusted.isel(lat=[1, 2]))


def test_the_same_surrogates_in_all_cells(ds):
    twice = ds.isel(lat=[0]).isel(lat=[0, 0])
    result = CALLS["I"](twice)
    np.testing.assert_array_equal(result.null_mean.isel(lat=0), result.null_mean.isel(lat=1))
    other = twice.rbig.significance(
        ["tas", "pr"], "gpp", sample_dim="time", n_surrogates=19, estimator=xrbig.RBIG(rotation="pca", seed=1)
    )
    assert (other.null_mean != result.null_mean).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ds: ds.rbig.significance("tas", "pr", sample_dim="time", block="31D"), "fit 4 times into the 150"),
        (lambda ds: ds.rbig.significance("tas", "pr", sample_dim="time", block=0), "at least one sample"),
        (lambda ds: ds.rbig.significance("tas", "pr", sample_dim="time", n_surrogates=5), "n_surrogates=5"),
        (lambda ds: ds.rbig.significance("tas", "pr", sample_dim="time", fdr="holm"), "fdr='holm' is not one of"),
        (lambda ds: ds.rbig.significance("tas", "pr", sample_dim="time", method="x"), "method='x' is not one of"),
        (lambda ds: ds.rbig.significance("tas", "pr", sample_dim=("lat", "lon"), min_samples=1), "none are in time"),
        (lambda ds: ds.rbig.significance("tas", "pr", variables=["gpp"]), "name both groups"),
        (
            lambda ds: ds.isel(time=np.roll(np.arange(150), 1)).rbig.significance("tas", "pr", sample_dim="time"),
            "not in order",
        ),
        (lambda ds: ds.rbig.bootstrap("tas", "pr", sample_dim="time", block=16), "fit 9 times"),
        (lambda ds: ds.rbig.bootstrap("tas", "pr", sample_dim="time", confidence=95), "between 0 and 1"),
        (lambda ds: ds.rbig.bootstrap("tas", "pr", sample_dim="time", n_replicates=2), "n_replicates=2"),
        (lambda ds: ds.rbig.significance("tas", "pr", sample_dim="time", base=10), "base=10"),
    ],
)
def test_errors_that_teach(call, message):
    ds = weather(lats=5)
    with pytest.raises(ValueError, match=message):
        call(ds)


def test_outputs_inherit_no_attributes():
    ds = weather(lats=1, lons=1)
    for array in ds.data_vars.values():
        array.attrs = {"units": "K", "standard_name": "air_temperature"}
    settings = {"sample_dim": "time", "estimator": xrbig.RBIG(rotation="pca", max_layers=1)}
    results = (
        ds.rbig.significance("tas", "pr", n_surrogates=np.int64(19), **settings),
        ds.rbig.bootstrap("tas", "pr", n_replicates=np.int64(21), **settings),
    )
    for result in results:
        for field in result.values():
            assert "standard_name" not in field.attrs
            assert field.attrs.get("units") == (None if "information_unit" in field.attrs else "1")
    assert results[1].lower.attrs["n_replicates"] == 20
    with pytest.raises(ValueError, match=r"confidence=.0\.9. must lie between"):
        ds.rbig.bootstrap("tas", "pr", confidence="0.9", **settings)


@pytest.mark.parametrize("static", [False, True])
def test_places_that_are_always_missing_count_for_nothing(static):
    """Land under several sample dimensions, or a member that is missing."""
    rng = np.random.default_rng(0)
    sst = rng.standard_normal((80, 4, 5))
    ocean = rng.random((4, 5)) > 0.3
    chl = sst + rng.standard_normal(sst.shape)
    dims = ("time", "lat", "lon")
    ds = xr.Dataset({n: (dims, np.where(ocean, v, np.nan)) for n, v in {"sst": sst, "chl": chl}.items()})
    ds["time"] = np.datetime64("2000-01-01", "ns") + np.arange(80).astype("timedelta64[D]")
    if not static:
        ds["sst"] = ds.sst.where(ds.time != ds.time[5])
    stacked = ds.stack(cell=("lat", "lon")).dropna("cell", how="all")
    settings = {"n_replicates": 20, "estimator": PLAIN}
    for one, other in (("sst", "chl"), ("chl", "sst")):
        spread = ds.rbig.bootstrap(one, other, sample_dim=dims, **settings)
        expected = stacked.rbig.bootstrap(one, other, sample_dim=("time", "cell"), **settings)
        for name in spread:
            np.testing.assert_allclose(spread[name], expected[name], rtol=1e-9)
    test = ds.rbig.significance("sst", "chl", sample_dim=dims, n_surrogates=19, estimator=PLAIN)
    assert float(test.p_value) == 0.05
    member = xr.concat([ds.isel(lat=0), ds.isel(lat=0) * np.nan], dim="member")
    spread = member.rbig.bootstrap("sst", "chl", sample_dim=("time", "lon", "member"), **settings)
    alone = ds.isel(lat=0).rbig.bootstrap("sst", "chl", sample_dim=("time", "lon"), **settings)
    np.testing.assert_allclose(spread.upper, alone.upper, rtol=1e-9)


def test_debiased_is_the_estimate_less_the_mean_of_the_surrogates(ds):
    result = CALLS["I"](ds.chunk(lat=1)).compute()
    np.testing.assert_array_equal(result.debiased, result.mutual_information - result.null_mean)
    assert CALLS["I"](ds.chunk(lat=1)).chunks == {"lat": (1, 1, 1), "lon": (4,)}


def test_stacked_cells_warn_of_nothing():
    stacked = weather(times=60, lats=2, lons=2).drop_vars("area").stack(cell=("lat", "lon"))
    for result in (
        stacked.rbig.significance("tas", "pr", sample_dim="time", n_surrogates=19, estimator=PLAIN),
        stacked.rbig.bootstrap("tas", "pr", sample_dim="time", n_replicates=20, estimator=PLAIN),
        stacked.rbig.total_correlation(sample_dim="time", estimator=PLAIN, diagnostics=True).drop_dims("feature"),
    ):
        assert result.unstack("cell").sizes == {"lat": 2, "lon": 2}
