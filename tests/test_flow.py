"""The flow on labelled data: names, dims, laziness, far values, files, warnings."""

import re
import sys

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings

import xrbig
from tests.conftest import chunks, weather

PLAIN = xrbig.RBIG(rotation="random", max_layers=4)


@pytest.fixture(scope="module")
def ds():
    return weather()


@pytest.fixture(scope="module")
def flow(ds):
    return ds.rbig.fit()


@pytest.fixture(scope="module")
def levels():
    """A variable with features along a dimension, beside one without, and a flow of both."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((400, 3)).cumsum(axis=1)
    data = xr.Dataset(
        {"z": (("time", "level"), z, {"units": "m"}), "pr": ("time", z[:, 1] ** 2 + rng.standard_normal(400))},
        coords={"level": ("level", [850, 500, 200], {"units": "hPa"}), "time": np.arange(400)},
    )
    return data, data.rbig.fit("level", estimator=PLAIN)


def test_what_comes_out_has_the_names_dims_and_coords_of_what_goes_in(ds, flow):
    turned = ds.transpose("lon", "time", "lat").assign(other=1.0)
    z = flow.transform(turned)
    assert list(z) == ["tas", "pr", "gpp"]
    for name in z:
        assert z[name].dims == ("lon", "time", "lat")
        assert z[name].attrs == {"long_name": f"Gaussianized {name}", "units": "1"}
    xr.testing.assert_equal(z.coords.to_dataset(), turned.coords.to_dataset())
    back = flow.inverse_transform(z)
    xr.testing.assert_allclose(back, turned[["tas", "pr", "gpp"]], rtol=0, atol=1e-7)
    assert back.tas.attrs == ds.tas.attrs
    density = flow.log_prob(turned)
    assert (density.name, density.dims) == ("log_prob", ("lon", "time", "lat"))
    assert density.attrs == {"long_name": "log-density (nat)", "features": "gpp, pr, tas"}


def test_the_features_become_independent_and_normal(ds, flow):
    z = flow.transform(ds).to_dataarray()
    np.testing.assert_allclose(np.corrcoef(z.values.reshape(3, -1)), np.eye(3), atol=0.06)
    np.testing.assert_allclose(z.mean(("time", "lat", "lon")), 0, atol=0.06)
    assert float(flow.transform(ds).rbig.total_correlation()) < 0.05


def test_entries_along_a_dimension(levels):
    data, flow = levels
    assert flow.features == ["pr", "z[level=200]", "z[level=500]", "z[level=850]"]
    z = flow.transform(data)
    assert z.z.dims == ("time", "level")
    xr.testing.assert_allclose(flow.inverse_transform(z), data, atol=1e-7)
    backwards = data.isel(level=[2, 1, 0])
    xr.testing.assert_equal(flow.transform(backwards), z.isel(level=[2, 1, 0]))
    assert flow.log_prob(data).dims == ("time",)
    drawn = flow.sample(7)
    assert drawn.z.dims == ("sample", "level")
    xr.testing.assert_equal(drawn.level, data.level)
    assert drawn.z.attrs == {"units": "m"}
    with pytest.raises(ValueError, match=r"the data has no feature 'z\[level=850\]'. The nearest is level=500"):
        flow.transform(data.isel(level=[1, 2]))


def test_a_variable_without_some_dims_broadcasts(levels):
    data, flow = levels
    over = data.assign(z=data.z.expand_dims(lat=[10.0, 20.0]))
    z = flow.transform(over)
    assert z.pr.dims == ("time", "lat")
    xr.testing.assert_allclose(z.isel(lat=1, drop=True), flow.transform(data).transpose("time", ...))


def test_data_arrays(levels):
    data, _ = levels
    flow = data.z.rbig.fit("level", estimator=PLAIN)
    z = flow.transform(data.z.rename("other"))
    assert (z.name, z.dims) == ("other", ("time", "level"))
    xr.testing.assert_allclose(flow.inverse_transform(z), data.z.rename("other"), atol=1e-7)
    assert flow.sample(3).dims == ("sample", "level")
    with pytest.raises(TypeError, match="a DataArray cannot hold them"):
        data.rbig.fit(variables=["pr"]).transform(data.pr)


def test_one_feature(ds):
    flow = ds.rbig.fit(variables=["tas"])
    assert flow.total_correlation.total_correlation == 0
    xr.testing.assert_allclose(flow.inverse_transform(flow.transform(ds)), ds[["tas"]])


@settings(max_examples=8)
@given(time=chunks(150), lat=chunks(3), lon=chunks(4))
def test_no_chunking_changes_a_bit(ds, flow, time, lat, lon):
    lazy = ds.chunk(time=time, lat=lat, lon=lon)
    z = flow.transform(ds)
    xr.testing.assert_identical(flow.transform(lazy).compute(), z)
    xr.testing.assert_identical(flow.log_prob(lazy).compute(), flow.log_prob(ds))
    xr.testing.assert_identical(flow.inverse_transform(z.chunk(time=time)).compute(), flow.inverse_transform(z))


@pytest.mark.parametrize("method", ["transform", "inverse_transform", "log_prob"])
def test_lazy_in_lazy_out(ds, flow, levels, method, no_computes):
    for data, fitted in ((ds, flow), levels):
        lazy = data.chunk()
        with no_computes():
            result = getattr(fitted, method)(lazy.chunk(dict.fromkeys(data.dims, 2)))
        assert dask.is_dask_collection(result)
        assert not dask.is_dask_collection(getattr(fitted, method)(data))


def test_a_fit_to_dask_data_is_that_to_data_in_memory(ds, flow):
    lazy = ds.chunk(time=50).rbig.fit()
    xr.testing.assert_identical(lazy.log_prob(ds), flow.log_prob(ds))


def test_order_of_variables_and_dims_does_not_change_a_bit(ds, flow):
    other = ds[["gpp", "tas", "pr"]].transpose("lat", "lon", "time").rbig.fit()
    xr.testing.assert_identical(other.log_prob(ds), flow.log_prob(ds))


@pytest.mark.parametrize("estimator", [xrbig.RBIG(), PLAIN])
def test_far_values_are_mapped_and_come_back(ds, estimator):
    flow = ds.rbig.fit(estimator=estimator)
    directions = np.random.default_rng(0).standard_normal((3, 100))
    directions /= np.linalg.norm(directions, axis=0)
    for distance in (5, 50, 1000):
        far = xr.Dataset({name: ("i", distance * row) for name, row in zip(ds, directions, strict=True)})
        z = flow.transform(far)
        assert bool(np.isfinite(z.to_dataarray()).all())
        assert distance < 50 or bool((flow.log_prob(far) < -10).all())
        xr.testing.assert_allclose(flow.inverse_transform(z), far, atol=1e-6 * distance)
    extreme = xr.Dataset({name: ("i", [-30.0, 30.0, 0.0]) for name in ds})
    assert bool(np.isfinite(flow.inverse_transform(extreme).to_dataarray()).all())


def test_one_fill_value_does_not_hide_the_others():
    a, b = np.random.default_rng(0).standard_normal((2, 400))
    data = xr.Dataset({"a": ("i", a), "b": ("i", a + b)})
    data.a[7] = 9.97e36
    flow = data.rbig.fit()
    assert float(flow.total_correlation.total_correlation) == pytest.approx(np.log(2) / 2, abs=0.15)
    xr.testing.assert_allclose(flow.inverse_transform(flow.transform(data)), data)
    assert float(flow.log_prob(data)[7]) < -50


def test_samples_of_one_day_are_left_out_together():
    rng = np.random.default_rng(0)
    days = rng.standard_normal((3, 60, 1, 1)) + 0.05 * rng.standard_normal((3, 60, 6, 6))
    data = xr.Dataset({name: (("day", "lat", "lon"), values) for name, values in zip("abc", days, strict=True)})
    data = data.assign_coords(day=np.datetime64("2000-01-01", "ns") + np.arange(60).astype("timedelta64[D]"))
    with pytest.warns(UserWarning, match="may be larger by"):  # sixty days tell little
        flow = data.rbig.fit()
    assert float(flow.total_correlation.total_correlation) < 0.1
    assert float(flow.total_correlation.left) > 0.1
    with pytest.warns(UserWarning, match="may be larger by"):
        renamed = data.rename(day="z").rbig.fit()
    xr.testing.assert_identical(renamed.total_correlation, flow.total_correlation)


def test_a_period_of_the_samples_does_not_matter():
    hour = 2 * np.pi * np.arange(24 * 1000) / 24
    noise = 0.3 * np.random.default_rng(0).standard_normal((2, len(hour)))
    data = xr.Dataset({"a": ("i", 3 * np.sin(hour) + noise[0]), "b": ("i", 3 * np.cos(hour) + noise[1])})
    estimator = xrbig.RBIG(rotation="random", max_layers=3)
    whole = data.rbig.fit(estimator=estimator).log_prob(data).mean()
    other = data.isel(i=slice(23000)).rbig.fit(estimator=estimator).log_prob(data).mean()
    assert float(whole) == pytest.approx(float(other), abs=0.05)


def test_single_and_no_samples(ds, flow):
    z = flow.transform(ds)
    xr.testing.assert_identical(flow.transform(ds.isel(time=3, lat=1, lon=2)), z.isel(time=3, lat=1, lon=2))
    assert flow.sample(0).sizes == {"sample": 0}
    assert flow.log_prob(ds.isel(time=slice(0))).sizes["time"] == 0


def test_data_that_are_no_numbers_are_refused_at_once(ds, flow, no_computes):
    with no_computes(), pytest.raises(ValueError, match="'tas' is not numeric"):
        flow.transform(ds.assign(tas=ds.tas.astype(str)).chunk())
    with pytest.raises(ValueError, match="no feature can have that name"):
        ds.rename(tas="sample").rbig.fit()


def test_a_feature_with_a_sharp_end_does_not_warn():
    data = xr.Dataset({k: ("i", np.random.default_rng(i).gamma(0.3, size=300)) for i, k in enumerate("abc")})
    assert float(data.rbig.fit().total_correlation.std_error) > 0
    data.rbig.fit(estimator=PLAIN)


def test_missing_and_infinite_values_are_nan(ds, flow):
    gaps = ds.copy(deep=True)
    gaps.tas[0, 0, 0] = np.nan
    gaps.pr[1, 0, 0] = np.inf
    z = flow.transform(gaps)
    assert int(z.gpp.isnull().sum()) == 2
    assert int(flow.log_prob(gaps).isnull().sum()) == 2
    xr.testing.assert_identical(z.isel(time=slice(2, None)), flow.transform(ds).isel(time=slice(2, None)))
    assert gaps.isel(time=slice(1)).isel(lat=0, lon=0).pipe(flow.log_prob).isnull().all()
    fitted = ds.where(ds.tas > -2).rbig.fit()
    assert f"{int((ds.tas > -2).sum())} samples" in repr(fitted)


def test_the_unit_hypercube(ds, flow):
    u = flow.transform(ds, base="uniform")
    assert u.tas.attrs["long_name"] == "uniform tas"
    assert bool(((u > 0) & (u < 1)).to_dataarray().all())
    xr.testing.assert_allclose(flow.inverse_transform(u, base="uniform"), ds[list(u)], atol=1e-6)
    edge = xr.Dataset({name: ("i", [0.0, 1.0, 0.5, 1.1]) for name in ds})
    back = flow.inverse_transform(edge, base="uniform")
    assert np.isfinite(back.tas.values).tolist() == [True, True, True, False]


def test_samples_have_the_density(ds, flow):
    drawn = flow.sample(4000, seed=3)
    assert drawn.sizes == {"sample": 4000}
    assert float(flow.log_prob(drawn).mean()) == pytest.approx(float(flow.log_prob(ds).mean()), abs=0.1)
    assert float(
        drawn.rbig.kl_divergence(ds.stack(sample=["time", "lat", "lon"]), variables=["tas", "pr"])
    ) == pytest.approx(0, abs=0.05)
    xr.testing.assert_identical(flow.sample(10, seed=3), drawn.isel(sample=slice(10)))
    assert not flow.sample(10).equals(flow.sample(10, seed=1))


@pytest.mark.parametrize("estimator", [xrbig.RBIG(), xrbig.RBIG(rotation="random")])
def test_the_density_integrates_to_one(estimator):
    angle, noise = (
        np.random.default_rng(0).uniform(0, 2 * np.pi, 1000),
        np.random.default_rng(1).normal(0, 0.1, (2, 1000)),
    )
    ring = xr.Dataset({"x": ("i", np.cos(angle) + noise[0]), "y": ("i", np.sin(angle) + noise[1])})
    side = xr.Variable("a", np.linspace(-2.5, 2.5, 501))
    grid = xr.Dataset({"x": side.set_dims({"b": 501, "a": 501}), "y": xr.Variable("b", side.values)})
    density = np.exp(ring.rbig.fit(estimator=estimator).log_prob(grid))
    assert float(density.sum()) * (side.values[1] - side.values[0]) ** 2 == pytest.approx(1, abs=0.01)


def test_layers_and_total_correlation(ds):
    flow = ds.rbig.fit(estimator=xrbig.RBIG(rotation="random"))
    layers = flow.layers
    assert layers.kind.values[0] == "margins"
    assert float(layers.gain.sum()) == pytest.approx(float(flow.total_correlation.total_correlation))
    rotation = layers.rotation[-1].values
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert float(flow.total_correlation.by_density) == pytest.approx(float(layers.gain.sum()), abs=0.1)
    assert bool((layers.likelihood > layers.null_level).all())


def test_the_two_ways_to_t_that_differ_are_named():
    rng = np.random.default_rng(0)
    few = xr.Dataset(
        {f"v{i:02}": ("i", row) for i, row in enumerate(rng.standard_normal((40, 40)) @ rng.random((40, 210)))}
    )
    with pytest.warns(UserWarning, match=r"by the layers \(Eq. 7\).*210 samples of 40 features do not determine"):
        few.rbig.fit()


def test_linear_functions_are_named(ds):
    with pytest.warns(UserWarning, match="some of .* are linear functions of others"):
        ds.assign(celsius=ds.tas - 273.15).rbig.fit(variables=["tas", "celsius"], estimator=PLAIN)


def test_equal_values_are_named(ds):
    with pytest.warns(UserWarning, match="of the values of 'pr' are 0: the density has a spike"):
        ds.assign(pr=ds.pr.where(ds.pr > 0, 0)).rbig.fit()


@pytest.mark.parametrize(
    ("change", "call", "message"),
    [
        (lambda ds: ds, {"sample_dim": "time"}, r"'tas' also has \['lat', 'lon'\], and there is one flow"),
        (lambda ds: ds.isel(time=slice(3)), {}, "a flow of 3 features needs at least 40 samples, and there are 36"),
        (lambda ds: ds.where(ds.time < ds.time[3]), {}, "there are 36 complete samples of the 3 features gpp, pr, tas"),
        (lambda ds: ds.assign(pr=ds.pr * 0 + 2), {}, r"'pr' is constant \(2.0\)"),
        (lambda ds: ds.assign(pr=ds.pr / 0), {}, "'pr' has infinite values"),
        (lambda ds: ds, {"variables": ["tsa"]}, "Did you mean 'tas'"),
        (lambda ds: ds.isel(lon=[0, 0, 1]), {"dim": "lon"}, r"several features lon=0.0, .*drop_duplicates\('lon'\)"),
        (lambda ds: ds, {"dim": "levl"}, "dim='levl' is not a dimension"),
    ],
)
def test_errors_teach(ds, change, call, message):
    with pytest.raises(ValueError, match=message):
        change(ds).rbig.fit(**call)


def test_wrong_arguments(ds, flow):
    with pytest.raises(TypeError, match="must be settings"):
        ds.rbig.fit(estimator="pca")
    for method in (flow.transform, flow.inverse_transform):
        with pytest.raises(ValueError, match="base='cube' is not one of"):
            method(ds, base="cube")
    with pytest.raises(ValueError, match="which is not a data variable"):
        flow.transform(ds.drop_vars("pr"))


def test_a_long_fit_shows_its_progress(ds, monkeypatch, capsys):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(xrbig.flow, "DELAY", 0.0)
    ds.rbig.fit()
    assert "xrbig.fit" in capsys.readouterr().err


def test_progress_without_tqdm_is_logged(ds, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with caplog.at_level("INFO", "xrbig.flow"):
        ds.rbig.fit(estimator=PLAIN)
    assert "layer 1: random" in caplog.text


def test_reprs_tell_what_it_is(ds, flow):
    text = repr(flow)
    assert "<xrbig.Flow: 3 features, 1800 samples" in text
    assert "T = " in text
    page = flow._repr_html_()
    assert "<table>" in page
    many = ds.rename(tas="<tas>").rbig.fit(estimator=xrbig.RBIG(rotation="random"))
    assert "&lt;tas&gt;" in many._repr_html_()
    assert len(repr(many).splitlines()) < 20


def test_the_plot_sums_up_the_layers(flow):
    plt = pytest.importorskip("matplotlib.pyplot")
    axes = flow.plot(plt.figure().add_subplot())
    np.testing.assert_allclose(axes.lines[0].get_ydata(), np.concatenate([[0], flow.layers.gain.cumsum()]))
    assert axes.get_ylabel() == "cumulative ΔT (nat)"
    assert flow.plot() is plt.gca()
    plt.close("all")


def test_the_plot_names_what_it_needs(flow, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    with pytest.raises(ImportError, match=re.escape('pip install "xrbig[plot]"')):
        flow.plot()
