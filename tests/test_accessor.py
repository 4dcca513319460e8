import inspect

import pytest

import xrbig
from tests.conftest import weather


@pytest.mark.parametrize("name", ["total_correlation", "mutual_information", "significance", "bootstrap"])
def test_accessor_methods_have_the_signature_of_the_functions(name):
    function = list(inspect.signature(getattr(xrbig, name)).parameters.values())
    on_dataset = list(inspect.signature(getattr(xrbig.DatasetAccessor, name)).parameters.values())
    assert [p.name for p in on_dataset[1:]] == [p.name for p in function[1:]]
    defaults = {p.name: p.default for p in function}
    for owner in (xrbig.DatasetAccessor, xrbig.DataArrayAccessor):
        for parameter in list(inspect.signature(getattr(owner, name)).parameters.values())[2:]:
            if parameter.name in defaults and parameter.name not in ("y", "dim"):
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
