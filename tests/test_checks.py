"""Every teaching error, each with the culprit and the call that works."""

import dask
import dask.array
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import xrbig
from tests.conftest import fails, weather


@pytest.fixture
def ds():
    return weather()


def test_unknown_dim(ds):
    with fails(ValueError, "dim='latt'", "['time', 'lat', 'lon']", "Did you mean 'lat'?"):
        ds.rbig.total_correlation(dim="latt")
    with fails(ValueError, "dim='features'", "Did you mean 'feature'?"):
        ds.rbig.total_correlation(dim="features")


def test_unknown_sample_dim(ds):
    with fails(ValueError, "sample_dim='tim'", "Did you mean 'time'?"):
        ds.rbig.total_correlation(sample_dim="tim")


def test_unknown_variable(ds):
    with fails(ValueError, "variables names 'tass'", "['tas', 'pr', 'gpp']", "Did you mean 'tas'?"):
        ds.rbig.total_correlation(variables=["tass", "pr"])
    with fails(ValueError, "y names 'gp'", "Did you mean 'gpp'?"):
        ds.rbig.mutual_information("tas", "gp")


def test_dim_that_is_also_a_sample_dim(ds):
    with fails(ValueError, "'lat' is both dim and sample_dim"):
        ds.rbig.total_correlation(dim="lat", sample_dim=["time", "lat"])


def test_no_sample_dim_left(ds):
    with fails(ValueError, "no dimension is left for the samples", "sample_dim='time'"):
        ds.tas.rbig.total_correlation(dim=["time", "lat", "lon"])


def test_one_feature(ds):
    with fails(ValueError, "at least two features", "only one feature, 'tas'", "dim='lat'"):
        ds[["tas"]].rbig.total_correlation(sample_dim="time")
    with fails(ValueError, "at least two features", "this DataArray has only one feature, 'tas'", "dim='lat'"):
        ds.tas.rbig.total_correlation("feature", sample_dim="time")
    with fails(ValueError, "at least two features", "dim='lon'"):
        ds.tas.rbig.total_correlation("feature")


def test_no_feature():
    with fails(ValueError, "no dimension is left for the samples"):
        xr.Dataset().rbig.total_correlation()
    with fails(ValueError, "at least two features", "no feature"):
        xr.Dataset({"a": (("time", "band"), np.empty((50, 0)))}).rbig.total_correlation("band")


def test_variable_that_is_not_numeric(ds):
    ds["label"] = ds.tas.astype(str)
    with fails(ValueError, "variable 'label' is not numeric", "<U", "variables=['tas', 'pr', 'gpp']"):
        ds.rbig.total_correlation(sample_dim="time")
    with fails(ValueError, "variable 'label' of y is not numeric"):
        ds.rbig.mutual_information("tas", "label", sample_dim="time")


@pytest.mark.parametrize("dtype", ["bool", "datetime64[ns]", "complex128"])
def test_other_types_are_not_numeric_either(ds, dtype):
    ds["odd"] = ds.tas.astype(dtype)
    with fails(ValueError, "variable 'odd' is not numeric", dtype):
        ds.rbig.total_correlation(sample_dim="time")


def test_variable_that_lacks_a_sample_dim(ds):
    ds["mask"] = ds.tas.isel(time=0)
    with fails(ValueError, "'mask' lacks the sample dimension 'time'", "('lat', 'lon')", "['tas', 'pr', 'gpp']"):
        ds.rbig.total_correlation(sample_dim="time")
    assert ds.rbig.total_correlation(sample_dim="time", variables=["tas", "pr", "gpp"]).sizes == {"lat": 3, "lon": 4}
    with fails(ValueError, "'mask' of y lacks the sample dimension 'time'", "sample_dim=('lat', 'lon')"):
        ds.rbig.mutual_information("tas", "mask", sample_dim="time")


def test_empty_groups(ds):
    with fails(ValueError, "the group x is empty", "mutual_information(["):
        ds.rbig.mutual_information([], "gpp")
    with fails(ValueError, "the group y is empty"):
        ds.rbig.mutual_information("tas", xr.Dataset())
    ds["none"] = (("time", "lat", "lon", "feature"), np.empty((*ds.tas.shape, 0)))
    with fails(ValueError, "the group x is empty", "feature"):
        ds.rbig.mutual_information("none", "gpp")


def test_variable_in_both_groups(ds):
    with fails(ValueError, "variable 'pr' is in both groups"):
        ds.rbig.mutual_information(["tas", "pr"], ["pr", "gpp"])
    with fails(ValueError, "'tas' is in both groups", "rename", "'tas_2'"):
        ds.tas.rbig.mutual_information(ds.tas)


def test_data_without_labels():
    with fails(TypeError, "expected an xarray Dataset or DataArray, got ndarray", "xr.DataArray("):
        xrbig.total_correlation(np.zeros((100, 2)))
    with fails(TypeError, "got ndarray"):
        xrbig.mutual_information(np.zeros((100, 2)), "a", "b")


def test_names_of_variables_of_a_data_array(ds):
    with fails(TypeError, "a DataArray has no variables to name", "da.rbig.mutual_information(other)"):
        ds.tas.rbig.mutual_information("pr")
    with fails(TypeError, "a DataArray is one of the two groups itself"):
        xrbig.mutual_information(ds.tas, ds.pr, ds.gpp)
    with fails(ValueError, "variables=['tas'] name variables of a Dataset"):
        xrbig.total_correlation(ds.tas, "lat", variables=["tas"])


def test_arrays_without_names(ds):
    with fails(ValueError, "the array y has no name", "array.rename('y')"):
        ds.tas.rbig.mutual_information(ds.pr.rename(None))
    with fails(ValueError, "the array x has no name"):
        ds.tas.rename(None).rbig.mutual_information(ds.pr)


def test_no_variables(ds):
    with fails(ValueError, "variables=[] leaves no feature", "['tas', 'pr', 'gpp']"):
        ds.rbig.total_correlation(variables=[])


def test_values_of_keywords(ds):
    with fails(ValueError, "base=10 is not one of ['e', 2]"):
        ds.rbig.total_correlation(base=10)
    with fails(ValueError, "min_samples=0 must be a positive integer"):
        ds.rbig.total_correlation(min_samples=0)
    with fails(ValueError, "skipna='no' is not one of None, True, False"):
        ds.rbig.total_correlation(skipna="no")
    with fails(TypeError, "estimator='pca' must be settings", "xrbig.RBIG("):
        ds.chunk(lat=1).rbig.total_correlation(estimator="pca")
    ds.rbig.total_correlation(min_samples=np.int64(50), skipna=np.True_, estimator=xrbig.RBIG(seed=np.int64(2)))


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        (lambda a: a.isel(lat=slice(2)), ("'lat' of 'pr' differs from that of 'tas'", "2 against 3 entries", "Select")),
        (lambda a: a.assign_coords(area=a.area + 1), ("'area'", "12 of 12 entries differ, by up to 1.0")),
        (
            lambda a: a.assign_coords(time=xr.date_range("2000", periods=150, calendar="noleap", use_cftime=True)),
            ("'time'", "cftime", "at the first place"),
        ),
        (lambda a: a.assign_coords(lat=a.lat + 1e-9), ("3 of 3 entries differ", "by up to 1", "assign_coords(lat=")),
        (lambda a: a.isel(lat=slice(None, None, -1)), ("'lat'", "2 of 3 entries differ, by up to 30.0")),
        (
            lambda a: a.assign_coords(time=a.time + np.timedelta64(30, "m")),
            ("'time'", "by up to 1800.0 seconds", "xr.align"),
        ),
        (
            lambda a: a.assign_coords(lon=list("abcd")),
            ("'lon'", "np.str_('a') against np.float64(0.0) at the first place"),
        ),
    ],
)
def test_coordinates_never_align_silently(ds, change, fragments):
    with fails(ValueError, *fragments):
        ds.tas.rbig.mutual_information(change(ds.pr), sample_dim="time")


def test_too_few_features_for_the_measure(ds):
    with fails(
        ValueError, "O-information needs at least three features (it is 0 for two)", "only 2 features, 'tas', 'pr'"
    ):
        ds[["tas", "pr"]].rbig.o_information(sample_dim="time")
    with fails(ValueError, "redundancy needs at least two features", "only one feature, 'tas'"):
        ds[["tas"]].rbig.redundancy(sample_dim="time")
    with fails(ValueError, "differential entropy needs at least one feature", "no feature"):
        ds[["tas"]].isel(lat=slice(0)).rbig.entropy("lat", sample_dim="time")


def test_nothing_given(ds):
    with fails(ValueError, "given=None", "given='enso'", "mutual_information"):
        ds.rbig.conditional_mutual_information("tas", "pr")
    with fails(ValueError, "the group given is empty"):
        ds.rbig.conditional_mutual_information("tas", "pr", [])


def test_a_variable_in_two_of_three_groups(ds):
    with fails(ValueError, "'pr' is in two groups, y and given", "Leave it out of one"):
        ds.rbig.conditional_mutual_information("tas", "pr", ["gpp", "pr"])


def test_given_is_checked_as_the_groups_are(ds):
    with fails(ValueError, "given names 'gp'", "Did you mean 'gpp'?"):
        ds.rbig.conditional_mutual_information("tas", "pr", "gp")
    ds["mask"] = ds.tas.isel(time=0)
    with fails(ValueError, "'mask' of given lacks the sample dimension 'time'"):
        ds.rbig.conditional_mutual_information("tas", "pr", "mask", sample_dim="time")
    shifted = ds.gpp.assign_coords(lat=ds.lat + 1)
    with fails(ValueError, "coordinate 'lat' of 'gpp' differs", "by up to 1"):
        ds.rbig.conditional_mutual_information("tas", "pr", shifted, sample_dim="time")


def test_a_dimension_with_the_name_of_a_new_one(ds):
    renamed = ds.rename(lat="feature_x")
    with fails(ValueError, "a dimension 'feature_x' of its own", ".rename({'feature_x': 'feature_x_2'})"):
        renamed.rbig.mutual_information_matrix(sample_dim="time")
    assert renamed.rbig.mutual_information_matrix("feature_x", sample_dim="time").sizes["feature_x"] == 9


def test_arguments_that_are_no_names(ds):
    with fails(TypeError, "variables holds a DataArray", "variables=['tas', 'pr']"):
        ds.rbig.total_correlation(variables=[ds.tas])
    for values in (ds.tas.values, [ds.tas.values]):
        with fails(TypeError, "x holds a ndarray", "xr.DataArray(values"):
            ds.rbig.mutual_information(values, "pr")
    with pytest.raises(ValueError, match=r"x names 0, which is not a data variable of the Dataset. It has \[[^]]*\].$"):
        ds.rename_vars(tas="P0").rbig.mutual_information(0, "pr")
    for keyword in ("dim", "sample_dim"):
        with fails(ValueError, f"{keyword}=...", "['time', 'lat', 'lon']", "None"):
            ds.rbig.total_correlation(**{keyword: ...})
    with fails(ValueError, "base=[2] is not one of"):
        ds.rbig.total_correlation(base=[2])
    with fails(ValueError, "skipna=array([1, 2])"):
        ds.rbig.total_correlation(skipna=np.array([1, 2]))


def test_a_coordinate_named_as_a_variable(ds):
    with fails(ValueError, "y names 'area', which is a coordinate", "ds.reset_coords('area')"):
        ds.rbig.mutual_information("tas", "area")
    with fails(ValueError, "x names 'lat', which is a coordinate", "ds.reset_index('lat').reset_coords('lat')"):
        ds.rbig.mutual_information("lat", "tas")
    wide = weather(times=1, lats=60, lons=1).squeeze(drop=True)
    assert (
        "lat" in wide.reset_index("lat").reset_coords("lat").rbig.mutual_information("lat", "tas").attrs["x_features"]
    )


@pytest.mark.parametrize(
    ("dtype", "call"),
    [
        ("timedelta64[ns]", "/ np.timedelta64(1, "),
        ("datetime64[ns]", "/ np.timedelta64(1, "),
        ("bool", ".astype(float)"),
        ("object", ".astype(float)"),
        ("complex128", ".real"),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_a_dtype_that_is_no_number_shows_the_conversion(ds, dtype, call, lazy):
    ds["odd"] = ds.tas.astype(dtype)
    ds = ds.chunk(lat=1) if lazy else ds
    with fails(ValueError, "variable 'odd' is not numeric", dtype, call):
        ds.rbig.total_correlation(sample_dim="time")
    with fails(ValueError, "variable 'odd' of y is not numeric", call):
        ds.rbig.mutual_information("tas", "odd", sample_dim="time")


def test_categories_show_the_conversion(ds):
    column = ds.tas.isel(lat=0, lon=0)
    data = xr.Dataset({"tas": column, "kind": ("time", pd.cut(column.values, 3))})
    with fails(TypeError, "variable 'kind' has the dtype category", "pd.factorize"):
        data.rbig.total_correlation(sample_dim="time")


class Duck:
    """An array of another library."""

    def __init__(self, values):
        self.values = values
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim

    def __array_function__(self, *_):
        return NotImplemented

    def __array_ufunc__(self, *_, **__):
        return NotImplemented

    def __getitem__(self, key):
        return Duck(self.values[key])


def test_arrays_of_other_libraries(ds):
    ds["odd"] = (ds.tas.dims, Duck(ds.tas.values))
    with fails(TypeError, "variable 'odd' is a tests.Duck", "ds.as_numpy()"):
        ds.rbig.total_correlation(sample_dim="time")
    sparse = dask.array.from_array(ds.tas.values).map_blocks(Duck, meta=Duck(np.zeros((0, 0, 0))))
    with fails(TypeError, "variable 'tas' is a Dask array of tests.Duck", "ds.as_numpy()"):
        ds.assign(tas=(ds.tas.dims, sparse)).rbig.mutual_information("tas", "pr", sample_dim="time")


def test_chunks_of_unknown_sizes():
    x = dask.array.from_array(np.random.default_rng(0).random((2, 400)), chunks=(2, 100))
    unknown = xr.DataArray(x[:, x[0] > 0.5], dims=("band", "time"), name="tas")
    for call in (unknown.rbig.total_correlation, unknown.rbig.fit, unknown.rbig.entropy, unknown.rbig.significance):
        with fails(ValueError, "the chunks of variable 'tas' have unknown sizes", "compute_chunk_sizes()"):
            call(dim="band")
    known = xr.DataArray(unknown.data.compute_chunk_sizes(), dims=("band", "time"), name="tas")
    assert known.rbig.total_correlation("band").compute() == known.compute().rbig.total_correlation("band")


def test_nodes_of_a_tree(ds):
    tree = xr.DataTree.from_dict({"/a": ds})
    for node in (tree, tree["a"]):
        with fails(TypeError, "got a DataTree", "xr.map_over_datasets"):
            xrbig.total_correlation(node)


@pytest.mark.parametrize("n", [2.5, -1, "3", None])
def test_numbers_of_samples(ds, n):
    flow = ds.rbig.fit(estimator=xrbig.RBIG(rotation="pca", max_layers=1))
    with fails(ValueError, f"n={n!r} must be an integer", "flow.sample("):
        flow.sample(n)


@pytest.mark.parametrize(
    ("taken", "call"),
    [
        ("n_samples", lambda ds: ds.rbig.total_correlation(sample_dim="time", diagnostics=True)),
        ("reason", lambda ds: ds.rbig.o_information(sample_dim="time", diagnostics=True)),
        ("p_value", lambda ds: ds.rbig.significance("tas", "pr", sample_dim="time")),
        ("p_adjusted", lambda ds: ds.rbig.significance("tas", "pr", sample_dim="time")),
        ("lower", lambda ds: ds.rbig.bootstrap("tas", "pr", sample_dim="time")),
        ("mutual_information", lambda ds: ds.rbig.mutual_information("tas", "pr", sample_dim="time")),
        ("feature", lambda ds: ds.rbig.redundancy(sample_dim="time")),
    ],
)
@pytest.mark.parametrize("value", [2.0, ("lat", [1, 2, 3])])
def test_a_coordinate_with_the_name_of_a_result(ds, taken, call, value):
    with fails(ValueError, f"the result has {taken!r}", "a coordinate of that name", f".rename({{{taken!r}: "):
        call(ds.assign_coords({taken: value}))
    call(ds.assign_coords({taken: ("time", ds.time.values)}))  # it is dropped


def test_a_dimension_with_the_name_of_the_measure(ds):
    with fails(ValueError, "the result has 'entropy'", "a dimension of that name", ".rename({'entropy': 'entropy_2'})"):
        ds.rename(lat="entropy").rbig.entropy(sample_dim="time")


def test_cells_that_nobody_meant(ds):
    other = ds.pr.rename(lat="j", lon="i").drop_vars(["j", "i", "area"])
    staggered = ds.gpp.rename(lat="lat_v").drop_vars(["lat_v", "area"]).rename("v")
    for one, two, names in [
        (ds.tas, other, ("('lat', 'lon')", "('j', 'i')")),
        (ds.tas, staggered, ("('lat', 'lon')", "('lat_v', 'lon')")),
    ]:
        broadcast = f"xr.broadcast({one.name}, {two.name})"
        for call in (
            lambda one=one, two=two, **kw: one.rbig.mutual_information(two, **kw),
            lambda one=one, two=two, **kw: xr.merge([one, two]).rbig.total_correlation(**kw),
            lambda one=one, two=two, **kw: one.rbig.significance(two, **kw),
            lambda one=one, two=two, **kw: one.rbig.kl_divergence(two, **kw),
        ):
            with fails(ValueError, *names, "interp_like", "xr.broadcast("):
                call(sample_dim="time")
        with fails(ValueError, broadcast):
            one.rbig.mutual_information(two, sample_dim="time")
    meant = xr.broadcast(ds.tas.isel(lat=0, drop=True), other.isel(i=0))
    result = meant[0].rbig.mutual_information(meant[1], sample_dim="time", estimator=xrbig.RBIG(rotation="pca"))
    assert result.sizes == {"lon": 4, "j": 3}


def test_cells_of_which_a_variable_has_all(ds):
    ds["zonal"], ds["meridional"] = ds.tas.mean("lon"), ds.tas.mean("lat")
    assert ds.rbig.total_correlation(sample_dim="time", estimator=xrbig.RBIG(rotation="pca")).dims == ("lat", "lon")
    with fails(ValueError, "'zonal'", "'meridional'"):
        ds.rbig.mutual_information("zonal", "meridional", sample_dim="time")


def test_units_of_the_two_sides(ds):
    celsius = (ds - 273.15).assign(tas=(ds.tas - 273.15).assign_attrs(units="degC"))
    message = ("'tas' is in 'K', and in 'degC' in other", "pint", 'assign_attrs(units="K")')
    with fails(ValueError, *message):
        ds.rbig.kl_divergence(celsius, sample_dim="time")
    with fails(ValueError, *message):
        ds.tas.rbig.kl_divergence(celsius.tas, sample_dim="time")
    flow = ds.rbig.fit(estimator=xrbig.RBIG(rotation="pca", max_layers=1))
    for call in (flow.log_prob, flow.transform):
        with fails(ValueError, "'tas' is in 'K', and in 'degC' in the data"):
            call(celsius)
    for same in (ds.assign(tas=ds.tas.drop_attrs()), ds.assign(tas=ds.tas.assign_attrs(units=" K "))):
        assert float(flow.log_prob(same).mean()) == float(flow.log_prob(ds).mean())


def test_the_other_side_shows_the_call_that_makes_its_coordinates_equal(ds):
    with fails(ValueError, "'lat' of 'tas'", "other.assign_coords(lat=data.lat)"):
        ds.rbig.kl_divergence(ds.assign_coords(lat=ds.lat + 1e-9), sample_dim="time")
    with fails(ValueError, "Select or interpolate, xr.align(data, other, join='inner')"):
        ds.rbig.kl_divergence(ds.isel(lat=slice(2)), sample_dim="time")


def test_integers_that_a_flow_cannot_tell_apart():
    counts = np.random.default_rng(0).integers(0, 1000, (2, 200)) + 2**60
    ds = xr.Dataset({"a": ("time", counts[0]), "b": ("time", counts[1])})
    with fails(ValueError, "variable 'a' has integers beyond 2**53", "ds['a'].min()"):
        ds.rbig.fit()
    assert ds.drop_vars("a").map(lambda b: b - b.min()).rbig.fit().features == ["b"]
