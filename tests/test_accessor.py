import inspect

import pytest

import xrbig
from tests.conftest import weather

MEASURES = [n for n in xrbig.__all__ if callable(getattr(xrbig, n)) and n.islower() and n != "open_flow"]


def test_every_measure_is_a_method():
    assert len(MEASURES) == 13
    for owner in (xrbig.DatasetAccessor, xrbig.DataArrayAccessor):
        assert {name for name in vars(owner) if not name.startswith("_")} == set(MEASURES)


@pytest.mark.parametrize("name", MEASURES)
def test_accessor_methods_have_the_signature_of_the_functions(name):
    function = list(inspect.signature(getattr(xrbig, name)).parameters.values())
    on_dataset = list(inspect.signature(getattr(xrbig.DatasetAccessor, name)).parameters.values())
    assert [p.name for p in on_dataset[1:]] == [p.name for p in function[1:]]
    defaults = {p.name: p.default for p in function}
    for owner in (xrbig.DatasetAccessor, xrbig.DataArrayAccessor):
        for parameter in list(inspect.signature(getattr(owner, name)).parameters.values())[2:]:
            if parameter.name in defaults and parameter.name not in ("y", "given", "dim"):
                assert parameter.default == defaults[parameter.name]
                assert parameter.kind == inspect.Parameter.KEYWORD_ONLY


def test_every_keyword_reaches_the_function():
    ds = weather()
    keywords = {
        "sample_dim": "time",
        "skipna": False,
        "min_samples": 100,
        "estimator": xrbig.RBIG(seed=3),
        "base": 2,
        "diagnostics": True,
    }
    dataset = keywords | {"keep_attrs": True}
    direct = xrbig.total_correlation(ds, "feature", variables=["tas", "pr"], **dataset)
    assert direct.identical(ds.rbig.total_correlation("feature", variables=["tas", "pr"], **dataset))
    direct = xrbig.mutual_information(ds, "tas", ["pr", "gpp"], "feature", **dataset)
    assert direct.identical(ds.rbig.mutual_information("tas", ["pr", "gpp"], "feature", **dataset))
    assert xrbig.total_correlation(ds.tas, "lon", **keywords).identical(
        ds.tas.rbig.total_correlation("lon", **keywords)
    )
    direct = xrbig.mutual_information(ds.tas, ds.pr, dim="lon", **keywords)
    assert direct.identical(ds.tas.rbig.mutual_information(ds.pr, "lon", **keywords))


KEYWORDS = {
    "sample_dim": "time",
    "skipna": False,
    "min_samples": 100,
    "estimator": xrbig.RBIG(seed=3, rotation="pca"),
    "diagnostics": True,
}


OTHERS = set(MEASURES) - {"total_correlation", "mutual_information", "fit", "significance", "bootstrap"}


NORMALIZED = ("conditional_mutual_information", "mutual_information_matrix", "redundancy")
IN_UNITS = [(name, {"base": 2}) for name in sorted(OTHERS)] + [(name, {"normalize": True}) for name in NORMALIZED]


def test_the_measures_that_take_normalize_are_those_that_are_an_information():
    taken = {name for name in OTHERS if "normalize" in inspect.signature(getattr(xrbig, name)).parameters}
    assert taken == set(NORMALIZED)


@pytest.mark.parametrize(("name", "unit"), IN_UNITS)
def test_every_keyword_of_the_other_measures_reaches_the_function(name, unit):
    ds = weather()
    function = getattr(xrbig, name)
    on_dataset = KEYWORDS | unit | {"keep_attrs": True}
    on_array = KEYWORDS | unit
    if name == "conditional_mutual_information":
        direct = function(ds, "tas", "pr", "gpp", "feature", **on_dataset)
        assert direct.identical(getattr(ds.rbig, name)("tas", "pr", "gpp", "feature", **on_dataset))
        direct = function(ds.tas, ds.pr, given=ds.gpp, dim="lon", **on_array)
        assert direct.identical(getattr(ds.tas.rbig, name)(ds.pr, ds.gpp, "lon", **on_array))
    elif name == "kl_divergence":
        later = ds + 0.5
        names = ["tas", "pr"]
        direct = function(ds, later, "feature", variables=names, **on_dataset)
        assert direct.identical(ds.rbig.kl_divergence(later, "feature", variables=names, **on_dataset))
        direct = function(ds.tas[..., :2], later.tas[..., :2], "lon", **on_array)
        assert direct.identical(ds.tas[..., :2].rbig.kl_divergence(later.tas[..., :2], "lon", **on_array))
    else:
        names = ["tas", "pr", "gpp"]
        direct = function(ds, "feature", variables=names, **on_dataset)
        assert direct.identical(getattr(ds.rbig, name)("feature", variables=names, **on_dataset))
        assert function(ds.tas, "lon", **on_array).identical(getattr(ds.tas.rbig, name)("lon", **on_array))


@pytest.mark.parametrize("name", ["significance", "bootstrap"])
def test_every_keyword_of_the_resampling_reaches_the_function(name):
    ds = weather()
    own = {"n_surrogates": 19, "fdr": "by", "method": "block"} if name == "significance" else {"n_replicates": 20}
    shared = {k: v for k, v in KEYWORDS.items() if k != "diagnostics"} | {"along": "time", "block": "6D", "base": 2}
    function = getattr(xrbig, name)
    keywords = shared | own | {"keep_attrs": True}
    direct = function(ds, dim="feature", variables=["tas", "pr"], **keywords)
    assert direct.identical(getattr(ds.rbig, name)(dim="feature", variables=["tas", "pr"], **keywords))
    direct = function(ds, "tas", "pr", "feature", **keywords)
    assert direct.identical(getattr(ds.rbig, name)("tas", "pr", "feature", **keywords))
    direct = function(ds.tas, ds.pr, dim="lon", **shared, **own)
    assert direct.identical(getattr(ds.tas.rbig, name)(ds.pr, "lon", **shared, **own))
