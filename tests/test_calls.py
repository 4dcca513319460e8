"""Some hundred random calls with all that must hold of each; and that the checks see what is wrong."""

import numpy as np
import pytest
import xarray as xr

from tests import calls

CHUNK = 30


@pytest.mark.parametrize("start", range(0, 480, CHUNK))
def test_random_calls(start):
    failures = []
    for seed in range(start, start + CHUNK):
        call, wrong = calls.check(seed)
        if wrong:
            failures.append("\n  ".join([f"seed {seed}: {calls.text_of(call)}", *wrong]))
    assert not failures, "\n".join(failures)


@pytest.fixture
def call():
    """T of two variables on Dask in four cells, of which one is empty and one has an infinite value."""
    tas, pr = np.random.default_rng(0).standard_normal((2, 60, 4))
    tas[:9, 1] = np.nan
    tas[:, 2] = np.nan
    pr[5, 3] = np.inf
    ds = xr.Dataset(
        {"tas": (("time", "lat"), tas, {"standard_name": calls.POISON}), "pr": (("time", "lat"), pr)},
        coords={"time": np.arange(60), "lat": [10.0, 20.0, 30.0, 40.0]},
        attrs={"title": calls.POISON},
    )
    return calls.Call(
        seed=0,
        measure="total_correlation",
        ds=ds,
        other=None,
        layout=calls.Layout({"time": 60}, {"lat": 4}, {}),
        groups={"features": ["tas", "pr"]},
        form="dataset",
        accessor=False,
        keywords={"sample_dim": "time", "diagnostics": True, "estimator": calls.PLAIN},
        ordered={"time": True},
        left_out=set(),
        passed=ds.chunk(lat=2),
    )


def complaints(call, outcome):
    """What the checks of a single result say."""
    return list(calls.check_shape(call, outcome)) or list(calls.check_content(call, outcome))


def test_a_right_result_is_right(call):
    outcome = calls.attempt(call, call.passed, None)
    assert complaints(call, outcome) == []
    rng = np.random.default_rng(0)
    assert list(calls.check_bits(call, outcome, rng)) == list(calls.check_kin(call, outcome, rng)) == []
    assert list(calls.check_writing(call, outcome)) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda r: r.assign(total_correlation=r.total_correlation.fillna(0.0)), "the value is 0.0, reasons for none"),
        (lambda r: r.assign(total_correlation=r.total_correlation * np.nan), "the value is nan, reasons for none"),
        (lambda r: r.assign(n_samples=r.n_samples + 1), "n_samples [61, 52, 1, 61]"),
        (lambda r: r.assign(tied_fraction=r.tied_fraction + 0.1), "tied_fraction"),
        (lambda r: r.assign(std_error=r.std_error - 9), "std_error"),
        (lambda r: r.assign(reason=r.reason + np.int8(1)), "reason"),
        (lambda r: r.drop_vars("reason"), "variables"),
        (lambda r: r.drop_vars("lat"), "coordinates []"),
        (lambda r: r.assign_coords(lat=r.lat.values[::-1]), "coordinate 'lat' changed"),
        (lambda r: r.assign_coords(member=1), "coordinates ['lat', 'member']"),
        (lambda r: r.expand_dims("member"), "dimensions ('member', 'lat')"),
        (lambda r: r.isel(lat=slice(3)), "sizes {'lat': 3}"),
        (lambda r: r.astype("f4"), "of float32"),
        (lambda r: r.compute(), "is in memory"),
        (lambda r: r.chunk(lat=(1, 2, 1)), "along 'lat': (1, 2, 1)"),
        (lambda r: r.assign(n_layers=r.n_layers.assign_attrs(standard_name=calls.POISON)), "standard_name"),
        (lambda r: r.assign_attrs(title=calls.POISON), "attributes of the Dataset"),
        (lambda r: r.assign(total_correlation=r.total_correlation.assign_attrs(features="pr")), "features = 'pr'"),
    ],
)
def test_the_checks_see_a_wrong_result(call, change, complaint):
    right = calls.attempt(call, call.passed, None)
    with xr.set_options(keep_attrs=True):
        wrong = change(right.result)
    found = complaints(call, right._replace(result=wrong, loaded=wrong.compute()))
    assert any(complaint in text for text in found), found


def test_the_checks_see_other_bits(call):
    outcome = calls.attempt(call, call.passed, None)
    moved = outcome.loaded.assign(total_correlation=outcome.loaded.total_correlation * (1 + 1e-15))
    assert "total_correlation" in calls.same_bits(call, outcome.loaded, moved)
    moved = outcome.loaded.assign(total_correlation=outcome.loaded.total_correlation + 2 * calls.ROUNDED)
    assert "total_correlation" in calls.same_bits(call, outcome.loaded, moved, calls.ROUNDED)
    wrong = calls.check_kin(call, outcome._replace(loaded=moved), np.random.default_rng(0))
    assert any("without the missing samples" in text for text in wrong)


def test_the_checks_see_wrong_errors(call):
    call.keywords["min_samples"] = 100
    assert calls.refusals(call) == ["100"]
    silent = calls.attempt(call, call.passed, None)._replace(error=None)
    assert "no error" in next(calls.check_error(silent, ["100"]))
    wrong = [KeyError("100"), ValueError("too few"), ValueError("something else entirely, told at great length")]
    assert all(list(calls.check_error(silent._replace(error=error), ["100"])) for error in wrong)
    late = silent._replace(error=wrong[0], at_compute=True)
    assert "error at compute" in next(calls.check_error(late, []))


def test_the_same_seed_makes_the_same_call():
    for seed in range(20):
        one, two = calls.draw(seed), calls.draw(seed)
        assert calls.text_of(one) == calls.text_of(two)
        xr.testing.assert_identical(one.ds, two.ds)
