"""The entries of two sides, matched by value."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests.conftest import fails
from xrbig import matching, roles


def holding(dims, name="ta", **coords):
    """The features of a variable that holds some along these dimensions, {name: size}, and a sample."""
    array = xr.DataArray(np.zeros([1, *dims.values()]), dims=["time", *dims], name=name).assign_coords(coords)
    return roles.Features([array], [tuple(dims)], [], [])


def of(entries, dim="e"):
    array = xr.DataArray(np.zeros((1, len(entries))), dims=("time", dim), name="ta").assign_coords({dim: entries})
    return roles.Features([array], [(dim,)], [], [])


def match(found, like):
    return matching.matched(found, matching.entries_of(like), "other")


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
