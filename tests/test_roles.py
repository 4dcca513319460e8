"""Every teaching error about names, each with the culprit and the fix; and which variables are features."""

import re

import numpy as np
import pytest
import xarray as xr

import xrbig
from tests.conftest import weather


@pytest.fixture
def ds():
    return weather()


def fails(error, *fragments):
    """Expect an error whose message has all the fragments, in this order."""
    return pytest.raises(error, match="(?s)" + ".*".join(map(re.escape, fragments)))


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
    ds.rbig.total_correlation(min_samples=np.int64(50), estimator=xrbig.RBIG(seed=np.int64(2)))


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


def test_features_are_not_aligned_along_dim():
    rng = np.random.default_rng(0)
    x = xr.DataArray(rng.standard_normal((100, 3)), dims=("time", "feature"), coords={"feature": list("abc")}, name="x")
    y = xr.DataArray(rng.standard_normal((100, 2)), dims=("time", "feature"), coords={"feature": list("de")}, name="y")
    assert x.rbig.mutual_information(y).attrs["y_features"] == "y[feature=d], y[feature=e]"


def test_cf_auxiliary_variables_are_no_features(ds):
    ds["time_bnds"] = (("time", "bnds"), np.zeros((150, 2)))
    ds.time.attrs["bounds"] = "time_bnds"
    ds["crs"] = 0
    ds["tas_flag"] = ds.tas > 0
    ds["cell"] = (("lat", "lon"), np.ones((3, 4)))
    ds.tas.attrs.update(grid_mapping="crs", ancillary_variables="tas_flag")
    ds.pr.encoding["cell_measures"] = "area: cell"
    result = ds.rbig.total_correlation(sample_dim="time")
    assert result.attrs["features"] == "tas, pr, gpp"
    assert ds.rbig.total_correlation().ndim == 0


def test_entries_along_several_dims_and_variables_mix():
    rng = np.random.default_rng(0)
    ds = xr.Dataset(
        {
            "wind": (("time", "level", "part"), rng.standard_normal((200, 2, 2))),
            "tas": ("time", rng.standard_normal(200)),
        },
        coords={"level": [850, 500]},
    )
    result = ds.rbig.total_correlation(dim=("level", "part"))
    assert result.attrs["features"] == (
        "wind[level=850, part=0], wind[level=850, part=1], wind[level=500, part=0], wind[level=500, part=1], tas"
    )


def test_names_may_be_tuples_numbers_and_alike(ds):
    odd = ds.rename_vars(tas=("a", 1), pr=1, gpp="1")
    expected = odd.rbig.mutual_information(("a", 1), [1, "1"], sample_dim="time")
    assert expected.attrs["y_features"] == "1, 1"
    np.testing.assert_array_equal(odd.rbig.mutual_information(["1", 1], ("a", 1), sample_dim="time"), expected)
    swapped = odd[["1", 1]].rbig.total_correlation(sample_dim="time")
    np.testing.assert_array_equal(swapped, odd[[1, "1"]].rbig.total_correlation(sample_dim="time"))


def test_grid_points_stacked_into_features(ds):
    stacked = ds.tas.isel(lon=slice(2)).stack(point=("lat", "lon"))
    result = stacked.rbig.total_correlation("point", sample_dim="time")
    assert result.ndim == 0
    assert float(result) == float(result)


def test_a_dataset_against_another(ds):
    left, right = ds[["tas", "pr"]], ds[["gpp"]]
    np.testing.assert_array_equal(
        left.rbig.mutual_information(right, sample_dim="time"),
        ds.rbig.mutual_information(["tas", "pr"], "gpp", sample_dim="time"),
    )


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
