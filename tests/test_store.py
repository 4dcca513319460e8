"""What a flow keeps, and how it finds its features in other data, before it is saved and after."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import xrbig

PLAIN = xrbig.RBIG(rotation="pca", max_layers=2)
LEVELS = np.array([85000.0, 50000.0, 25000.0])


def profile(entries=LEVELS, order=slice(None)):
    """A variable along levels, whose means tell them apart."""
    values = np.array([280.0, 255.0, 222.0]) + np.random.default_rng(0).standard_normal((200, 3)).cumsum(axis=1)
    array = xr.DataArray(values, dims=("time", "plev"), name="ta")
    return array.assign_coords(plev=("plev", entries))[:, order]


@pytest.fixture(scope="module", params=["fitted", "opened"])
def opened(request, tmp_path_factory):
    """Write a flow and open it again, or leave it as it is."""

    def again(flow):
        if request.param == "fitted":
            return flow
        path = tmp_path_factory.mktemp("flow") / "flow.nc"
        flow.to_netcdf(path)
        return xrbig.open_flow(path)

    return again


@pytest.fixture(scope="module")
def flow(opened):
    return opened(profile().rbig.fit("plev", estimator=PLAIN))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.int64, np.uint32])
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_levels_of_any_order_and_dtype_are_found(flow, dtype, order):
    data = profile(LEVELS.astype(dtype), order)
    np.testing.assert_array_equal(flow.log_prob(data), flow.log_prob(profile()))
    z = flow.transform(data)
    xr.testing.assert_identical(z.plev, data.plev)
    np.testing.assert_array_equal(z.sel(plev=LEVELS.astype(dtype)), flow.transform(profile()))
    xr.testing.assert_allclose(flow.inverse_transform(z), data, atol=1e-9)


def test_a_rounded_level_is_taken_for_the_nearest_and_named(flow):
    with pytest.warns(UserWarning, match="in the data, plev=85000.00000001 is taken for plev=85000.0, plev=50000.0000"):
        density = flow.log_prob(profile(LEVELS + 1e-8, [2, 1, 0]))
    np.testing.assert_array_equal(density, flow.log_prob(profile()))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (profile(LEVELS / 100), r"the data has no feature 'ta\[plev=85000.0\]'. The nearest is plev=850.0"),
        (profile(order=[0, 1]), r"has no feature 'ta\[plev=25000.0\]'. The nearest is plev=50000.0. Select the same"),
        (profile(order=[0, 1, 2, 2]), r"'ta' has several features plev=25000.0, .*drop_duplicates\('plev'\)"),
        (profile().drop_vars("plev"), r"'ta\[plev=85000.0\]'. The nearest is plev=2. It has no labels along 'plev'"),
        (profile()[:, 0], "'ta' of the data lacks the dimension 'plev', along which its features are 85000.0, 50000.0"),
    ],
)
def test_other_levels_are_refused_naming_the_nearest(flow, data, message):
    with pytest.raises(ValueError, match=message):
        flow.log_prob(data)


TEXTS = np.array(["NIR", "red", "b 1"])
KINDS = {
    "text": [
        TEXTS,
        TEXTS.astype(object),
        TEXTS.astype(np.dtypes.StringDType()),
        pd.Index(TEXTS),
        pd.array(TEXTS, dtype="string"),
        pd.Categorical(TEXTS),
        np.char.encode(TEXTS),
    ],
    "dates": [np.array(["2001-01-01", "2000-06-01", "1999-01-31"], f"M8[{unit}]") for unit in ("ns", "us", "s")],
    "durations": [np.array([3600, 7200, -60], "m8[s]").astype(f"m8[{unit}]") for unit in ("ns", "ms")],
    "flags of two": [np.array([True, False]), np.array([1, 0]), np.array([1.0, 0.0])],
}


@pytest.mark.filterwarnings("ignore:Converting non-nanosecond")  # of xarray before 2025.1.2
@pytest.mark.parametrize(("kind", "number"), [(kind, n) for kind in KINDS for n in range(len(KINDS[kind]))])
def test_labels_of_any_kind_are_found_before_and_after_saving(opened, kind, number):
    entries = KINDS[kind][number]
    width = len(entries)
    if isinstance(entries, np.ndarray) and entries.dtype.kind == "S":
        entries = np.char.decode(entries)  # bytes cannot be saved
    data = profile()[:, :width]
    flow = opened(data.assign_coords(plev=("plev", entries)).rbig.fit("plev", estimator=PLAIN))
    expected = flow.log_prob(data.assign_coords(plev=("plev", KINDS[kind][0])))
    for other in KINDS[kind]:
        turned = data.assign_coords(plev=("plev", other))[:, ::-1]
        np.testing.assert_array_equal(flow.log_prob(turned), expected)
    assert flow.sample(2).plev.values.tolist() == data.assign_coords(plev=("plev", entries)).plev.values.tolist()


def test_several_dims_and_variables_are_found_in_any_order(opened):
    rng = np.random.default_rng(0)
    data = xr.Dataset(
        {"a": (("time", "band", "level"), rng.standard_normal((200, 2, 2))), "b": ("time", rng.standard_normal(200))},
        coords={"band": ["red", "nir"], "level": [850, 500]},
    )
    flow = opened(data.rbig.fit(("level", "band"), estimator=PLAIN))
    expected = flow.log_prob(data)
    turned = data[["b", "a"]].isel(band=[1, 0], level=[1, 0]).transpose("level", "time", "band")
    turned = turned.assign_coords(level=turned.level.astype(float))
    np.testing.assert_array_equal(flow.log_prob(turned), expected)
    np.testing.assert_array_equal(flow.log_prob(turned.chunk(time=50, band=1)), expected)
    with pytest.raises(ValueError, match="'b' of the data has features along 'level', where there is only one"):
        flow.log_prob(data.assign(b=data.b.expand_dims(level=data.level)))


def test_dimensions_without_labels_are_found_by_position(opened):
    data = profile().drop_vars("plev")
    flow = opened(data.rbig.fit("plev", estimator=PLAIN))
    assert flow.log_prob(data).notnull().all()
    with pytest.raises(ValueError, match=r"has no feature 'ta\[plev=0\]'"):
        flow.log_prob(profile())


def test_integer_names_of_dimensions_are_no_positions():
    data = xr.DataArray(np.random.default_rng(0).standard_normal((200, 3)), dims=("time", 0), name="ta")
    fitted = profile().drop_vars("plev").rbig.fit("plev", estimator=PLAIN)._recorded
    variables = [variable._replace(dims=(0,)) for variable in fitted.variables]
    recorded = fitted._replace(variables=variables)
    assert recorded.label(np.zeros((3, 2))).dims == ("sample", 0)
    held = xrbig.matching.entries_of(xrbig.roles.Features([data], [(0,)], [], []))
    assert held[0].entries[0].tolist() == variables[0].entries[0].tolist() == [0, 1, 2]


def test_a_multi_index_is_found_by_its_tuples():
    pairs = pd.MultiIndex.from_tuples([(850, "a"), (500, "a"), (850, "b")], names=["level", "run"])
    data = profile().drop_vars("plev").assign_coords(xr.Coordinates.from_pandas_multiindex(pairs, "plev"))
    flow = data.rbig.fit("plev", estimator=PLAIN)
    np.testing.assert_array_equal(flow.log_prob(data[:, [2, 0, 1]]), flow.log_prob(data))
    assert flow.sample(2).plev.values.tolist() == pairs.tolist()
