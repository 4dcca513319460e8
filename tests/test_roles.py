"""Every teaching error about names, each with the culprit and the fix; and which variables are features."""

import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import xrbig
from tests.conftest import weather
from xrbig import roles


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


def holding(dims, name="ta", **coords):
    """The features of a variable that holds some along these dimensions, {name: size}, and a sample."""
    array = xr.DataArray(np.zeros([1, *dims.values()]), dims=["time", *dims], name=name).assign_coords(coords)
    return roles.Features([array], [tuple(dims)], [], [])


def of(entries, dim="e"):
    array = xr.DataArray(np.zeros((1, len(entries))), dims=("time", dim), name="ta").assign_coords({dim: entries})
    return roles.Features([array], [(dim,)], [], [])


def match(found, like):
    return roles.matched(found, roles.entries_of(like), "other")


DAYS = np.array(["1999-01-01", "2000-02-01", "1678-01-01"], "M8[s]")
DEPTHS = np.array([0.494025, 1.541375, -2.6], np.float32)
TEXTS = np.array(["NDVI", "é", "b 1"])
KEYS = pd.MultiIndex.from_tuples([(1, "a"), (2, "a"), (1, "b")], names=["p", "q"])
ALIKE = {
    "int and float": (np.array([850, 500, 200]), [np.array([850.0, 500, 200]), np.array([850, 500, 200], np.float32)]),
    "integers beyond 2^53": (2**60 + np.arange(3), [(2**60 + np.arange(3)).astype(np.uint64)]),
    "float32 as float64": (
        np.float32([0.494025, 1.541375, -2.6]),
        [np.float64(np.float32([0.494025, 1.541375, -2.6]))],
    ),
    "infinite and missing": (np.array([np.inf, np.nan, 0.0]), [np.array([np.inf, np.nan, -0.0], np.float32)]),
    "flags": (np.array([True, False]), [np.array([1, 0])]),
    "text": (
        TEXTS,
        [
            TEXTS.astype(object),
            TEXTS.astype(np.dtypes.StringDType()),
            pd.array(TEXTS, dtype="string"),
            np.char.encode(TEXTS),
        ],
    ),
    "dates": (DAYS, [DAYS.astype("M8[ns]"), DAYS.astype("M8[ms]")]),
    "durations": (np.array([1, 2, -3], "m8[s]"), [np.array([1000, 2000, -3000], "m8[ms]")]),
    "tuples": (np.fromiter(KEYS, object), [np.fromiter([(1.0, "a"), (2.0, "a"), (1.0, "b")], object)]),
    "categories": (np.array(["b", "a"]), [pd.CategoricalIndex(["b", "a"])]),
}


@pytest.mark.filterwarnings("ignore:Converting non-nanosecond")  # of xarray before 2025.1.2
@pytest.mark.parametrize("kind", ALIKE)
def test_entries_are_matched_by_value_in_any_order_and_dtype(kind):
    first, others = ALIKE[kind]
    for one, two in [(first, other) for other in [first, *others]] + [(other, first) for other in others]:
        assert match(of(one), of(two)) == list(range(len(one)))
        assert match(of(one[::-1]), of(two)) == list(range(len(one)))[::-1]
        turned = np.roll(np.arange(len(one)), 1)
        assert match(of(one), of(two[turned])) == turned.tolist()


def test_entries_of_several_dims_and_variables_are_matched():
    one = holding({"level": 3, "band": 2}, level=[850, 500, 200], band=["red", "nir"])
    two = holding({"band": 2, "level": 3}, level=[200.0, 850.0, 500.0], band=["nir", "red"])
    order = match(one, two)
    labels = np.array([f"{level} {band}" for level in (850, 500, 200) for band in ("red", "nir")])
    assert labels[order].tolist() == [f"{level} {band}" for band in ("nir", "red") for level in (200, 850, 500)]
    alone = holding({}, "ps")
    both, others = (roles.Features(alone.arrays + side.arrays, alone.dims + side.dims, [], []) for side in (one, two))
    assert match(both, others) == [0, *(1 + i for i in order)]


def test_dimensions_without_labels_are_matched_by_position():
    assert match(holding({"e": 3}), holding({"e": 3})) == [0, 1, 2]
    assert match(holding({0: 2}), holding({0: 2})) == [0, 1]
    crossed = holding({"e": 2}, e=(("time", "e"), [[7, 7]]))
    assert match(crossed, holding({"e": 2})) == [0, 1]
    with fails(
        ValueError, "other has no feature 'ta[e=850]'", "nearest is e=1", "no labels along 'e'", "assign_coords"
    ):
        match(holding({"e": 2}), of([850, 500]))


def test_rounded_entries_are_taken_for_the_nearest_which_is_said():
    for own, sought, text in [
        ([500.00000001, 85000.00000001], [85000, 500], "other, e=85000.00000001 is taken for e=85000"),
        (np.float32([0.494025, 1.541375]), [1.541375, 0.494025], "e=0.49402499198913574 is taken for e=0.494025"),
        ([0.1, -5.5e-17], [0.0, 0.1], "e=-5.5e-17 is taken for e=0.0"),
        ([2e6 + 1, 2e6], [2e6 + 1e-3, 2e6], "e=2000001.0 is taken for e=2000000.001"),
    ]:
        with pytest.warns(UserWarning, match=text.replace(".", r"\.")):
            order = match(of(own), of(sought))
        np.testing.assert_allclose(np.asarray(own)[order], sought, rtol=1e-6, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Converting non-nanosecond")  # of xarray before 2025.1.2
@pytest.mark.parametrize(
    ("own", "sought", "message"),
    [
        ([850.0, 500.0], [850, 700], r"other has no feature 'ta\[e=700\]'. The nearest is e=850.0. Select the same"),
        ([85001.0, 1.0], [85000.0, 1.0], r"'ta\[e=85000.0\]'. The nearest is e=85001.0"),
        ([1e9 + 1, 1e9 + 2], [1e9 + 1.5, 1e9 + 2.5], r"e=1000000001.5\]'"),  # each might be either
        ([10_000_000, 10_000_005], [10_000_001, 10_000_005], r"e=10000001\]'"),  # integers are not rounded
        ([850, 500, 200], [850, 500], r"has the feature 'ta\[e=200\]' besides. .*\.sel\(\{'e': \[850, 500\]\}\)"),
        (["NIR", "red"], ["NDVI", "red"], r"no feature 'ta\[e=NDVI\]'. The nearest is e=NIR"),
        (["850", "500"], [850, 500], r"no feature 'ta\[e=850\]'. Along 'e' it has 850, 500"),
        (DAYS, DAYS + np.timedelta64(1, "D"), r"e=1999-01-02T00:00:00.*'. The nearest is e=1999-01-01T00:00:00"),
        (DAYS.astype("m8[s]"), DAYS, "no feature"),
        ([850, 850, 500], [850, 500, 200], r"'ta' has several features e=850, .*drop_duplicates\('e'\)"),
        ([850, 500], [850, 500.0, 500], "'ta' has several features e=500.0"),
        (np.arange(0), [1.0], "Along 'e' it has nothing"),
        ([np.nan, 1], [2, 1.0], "The nearest is e=1.0"),
    ],
)
def test_other_entries_are_refused_naming_the_nearest(own, sought, message):
    with pytest.raises(ValueError, match=message):
        match(of(own), of(sought))


def test_a_side_that_lacks_a_dimension_of_features_is_refused():
    with fails(ValueError, "'ta' of other lacks the dimension 'e'", "features are 850, 500", ".sel({'e': [...]})"):
        match(holding({}), of([850, 500]))
    with fails(ValueError, "'ta' of other has features along 'e'", ".isel({'e': 0}, drop=True)"):
        match(of([850, 500]), holding({}))


def test_many_entries_are_matched_in_no_time():
    station = np.random.default_rng(0).permutation(100_000)
    assert match(of(station), of(np.arange(100_000))) == np.argsort(station).tolist()
    with fails(ValueError, "no feature 'ta[e=-1]'", "nearest is e=0"):
        match(of(station), of(np.arange(-1, 99_999)))
