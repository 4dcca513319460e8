"""What a flow is written as: every bit of it comes back, and what could not be read again is not written."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import xrbig
from tests.conftest import weather
from xrbig import schema

PLAIN = xrbig.RBIG(rotation="random", max_layers=4)


def profile(entries, **settings):
    values = np.random.default_rng(0).standard_normal((60, len(entries)))
    data = xr.DataArray(values, dims=("i", "e"), coords={"e": ("e", entries)}, name="v")
    return data, data.rbig.fit("e", estimator=xrbig.RBIG(rotation="pca", **settings))


def test_every_bit_of_a_tree_is_kept(tmp_path):
    rng = np.random.default_rng(0)
    chain = [rng.standard_normal(400)]
    for _ in range(7):
        chain.append(np.cos(2 * chain[-1]) + 0.3 * rng.standard_normal(400))
    data = xr.Dataset({f"v{i}": ("i", row) for i, row in enumerate(chain)})
    flow = data.rbig.fit()
    assert "pairs" in flow.layers.kind
    flow.to_netcdf(tmp_path / "flow.nc")
    xr.testing.assert_identical(xrbig.open_flow(tmp_path / "flow.nc").log_prob(data), flow.log_prob(data))


@pytest.mark.parametrize("write", ["to_zarr", "to_netcdf"])
@pytest.mark.parametrize("rotation", ["auto", "ica"])
def test_every_bit_of_datasets_and_arrays_is_kept(tmp_path, write, rotation):
    ds = weather()
    array = ds.tas.isel(lat=0, drop=True)
    for number, (data, dim) in enumerate(((ds, "feature"), (array, "lon"))):
        flow = data.rbig.fit(dim, estimator=xrbig.RBIG(rotation=rotation, max_layers=4))
        getattr(flow, write)(tmp_path / str(number))
        again = xrbig.open_flow(tmp_path / str(number))
        xr.testing.assert_identical(again.log_prob(data), flow.log_prob(data))
        xr.testing.assert_identical(again.sample(5), flow.sample(5))
        xr.testing.assert_identical(again.layers, flow.layers)
        assert repr(again) == repr(flow)


ENTRIES = {
    "text": ["a", "b β"],
    "text of objects": np.array(["a", "b"], dtype=object),
    "text of NumPy": np.array(["a", "b"], dtype=np.dtypes.StringDType()),
    "text of pandas": pd.Index(["a", "b"]),
    "text of pandas, missing values allowed": pd.array(["a", "b"], dtype="string"),
    "text of a table": pd.DataFrame(columns=["a", "b"]).columns,
    "categories": pd.Categorical(["b", "a"]),
    "dates": np.array(["2000-01-01", "2000-02-01"], "M8[ns]"),
    "dates of seconds": np.array(["1800-01-01", "2200-02-01"], "M8[s]"),
    "durations": np.array([60, -3600], "m8[s]"),
    "flags": [True, False],
    "integers beyond 2^53": 2**60 + np.arange(2),
    "unsigned": np.array([2**64 - 1, 0], np.uint64),
    "big-endian": np.array([850, 500], ">i4"),
    "float32": np.array([0.494025, 1.541375], np.float32),
    "infinite and missing": [np.inf, np.nan],
}


@pytest.mark.filterwarnings("ignore:Converting non-nanosecond")  # of xarray before 2025.1.2
@pytest.mark.parametrize("kind", ENTRIES)
def test_labels_come_back_as_they_were(tmp_path, kind):
    data, flow = profile(ENTRIES[kind])
    flow.to_netcdf(tmp_path / "flow.nc")
    again = xrbig.open_flow(tmp_path / "flow.nc")
    drawn, expected = again.sample(3), flow.sample(3)
    np.testing.assert_array_equal(drawn, expected)
    assert str(drawn.e.values.tolist()) == str(expected.e.values.tolist())
    assert drawn.e.dtype == expected.e.dtype
    assert again.features == flow.features
    xr.testing.assert_identical(again.log_prob(data), flow.log_prob(data))


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        (pd.IntervalIndex.from_breaks([0, 1, 2]), r"\['Interval'\]"),
        (pd.period_range("2000", periods=2, freq="M"), r"\['Period'\]"),
        (np.array(["a", None], dtype=object), r"\['(NoneType|float)', 'str'\]"),
        (pd.Index(["a", np.nan], dtype="str"), r"\['float', 'str'\]"),
        (xr.date_range("2000", periods=2, calendar="noleap", use_cftime=True), r"\['DatetimeNoLeap'\]"),
        (np.array([1 + 1j, 2]), "complex128"),
        (np.array([b"a", b"b"]), r"\|S1"),
    ],
)
def test_labels_that_cannot_be_written_are_named_with_the_call_that_works(tmp_path, entries, found):
    data, flow = profile(entries)
    with pytest.raises(ValueError, match=rf"labels of 'v' along 'e' are of {found}, .*assign_coords\(e=ds\['e'\].asty"):
        flow.to_netcdf(tmp_path / "flow.nc")
    assert not (tmp_path / "flow.nc").exists()
    data = data.assign_coords(e=data["e"].astype(str))
    data.rbig.fit("e", estimator=PLAIN).to_netcdf(tmp_path / "flow.nc")
    assert xrbig.open_flow(tmp_path / "flow.nc").log_prob(data).notnull().all()
    data.drop_vars("e").rbig.fit("e", estimator=PLAIN).to_netcdf(tmp_path / "flow.nc")


def test_names_that_are_no_strings_cannot_be_written(tmp_path):
    flow = weather().rename(tas=("a", 1)).rbig.fit(estimator=PLAIN)
    with pytest.raises(ValueError, match="rename it"):
        flow.to_netcdf(tmp_path / "flow.nc")


def test_attributes_are_kept_as_far_as_json_has_them(tmp_path):
    data, _ = profile([1, 2])
    data.attrs = {
        "valid_min": np.float32(-9.5),
        "flags": np.array([1, 2], np.int8),
        "pair": (np.float64(1), [np.int64(2)]),
        "gap": np.nan,
        "on": np.bool_(True),
        "none": None,
        "date": np.datetime64("2000-01-01"),
        "table": {"a": 1},
    }
    flow = data.rbig.fit("e", estimator=xrbig.RBIG(significance=np.float32(0.25), seed=np.int64(3)))
    flow.to_netcdf(tmp_path / "flow.nc")
    attrs = xrbig.open_flow(tmp_path / "flow.nc").sample(1).attrs
    assert np.isnan(attrs.pop("gap"))
    assert attrs == {"valid_min": -9.5, "flags": [1, 2], "pair": [1.0, [2]], "on": True}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r._replace(n_samples=0), "its 'n_samples' is 0"),
        (lambda r: r._replace(order=[0, 0, 1]), "its 'order' is no order of 3 features"),
        (lambda r: r._replace(labels=["a", "b", "c"]), "its 'labels' are not those of its entries"),
        (lambda r: r._replace(fitted=r.fitted._replace(by_density=np.nan)), "its 'by_density' is nan"),
        (lambda r: r._replace(fitted=r.fitted._replace(total_correlation=7.0)), "not the sum of the gains"),
        (lambda r: with_first_map(r, matrix=np.zeros((3, 3))), "the matrix of a linear map is singular"),
        (lambda r: with_first_map(r, shift=np.full(3, np.inf)), "its numbers are not finite"),
    ],
)
def test_a_flow_that_could_not_be_opened_again_is_not_written(tmp_path, change, message):
    recorded = weather().rbig.fit(estimator=PLAIN)._recorded
    with pytest.raises(ValueError, match=f"the flow cannot be written, as it could not be opened again: .*{message}"):
        xrbig.Flow(change(recorded)).to_zarr(tmp_path / "flow.zarr")
    assert not (tmp_path / "flow.zarr").exists()


def with_first_map(recorded, **arrays):
    first, *layers = recorded.fitted.layers
    linear, *maps = first.maps
    layers = [first._replace(maps=[replace(linear, **arrays), *maps]), *layers]
    return recorded._replace(fitted=recorded.fitted._replace(layers=layers))


def test_the_schema_is_that_of_the_docs():
    flow = weather().rbig.fit(estimator=PLAIN)
    written = schema.to_dataset(flow._recorded)
    assert list(written.variables) == ["parameters"]
    assert written.parameters.dims == ("parameter",)
    assert set(written.attrs) == {"format", "format_version", "xrbig_version", "flow", "sha256"}


def test_another_version_says_so(tmp_path):
    flow = weather().rbig.fit(estimator=PLAIN)
    schema.to_dataset(flow._recorded).assign_attrs(format_version=2).to_netcdf(tmp_path / "flow.nc")
    with pytest.raises(xrbig.FlowFileError, match=r"version 2 of the format.*pip install --upgrade xrbig"):
        xrbig.open_flow(tmp_path / "flow.nc")
