"""Wild but real values: no call warns, fails within, or depends on how NumPy is told to treat errors."""

import warnings

import numpy as np
import pytest
import xarray as xr

import xrbig

PLAIN = xrbig.RBIG(rotation="pca", max_layers=3)
N = 80
KINDS = {
    "constant": lambda a, rng: np.ones_like(a),
    "infinite": lambda a, rng: np.where(np.arange(N)[:, None] == 3, np.inf, a),
    "gaps": lambda a, rng: np.where(rng.random(a.shape) < 0.2, np.nan, a),
    "missing": lambda a, rng: np.full_like(a, np.nan),
    "huge": lambda a, rng: a * 1e300,
    "tiny": lambda a, rng: a * 1e-300,
    "subnormal": lambda a, rng: a * 1e-320,
    "exponential": lambda a, rng: np.exp(20 * a),
    "heavy": lambda a, rng: a / rng.random(a.shape) ** 5,
    "flag": lambda a, rng: (a > 0).astype(float),
    "offset": lambda a, rng: a + 1e15,
    "fill": lambda a, rng: np.where(rng.random(a.shape) < 0.05, 1e20, a),
    "single": lambda a, rng: (a * 1e38).astype("f4"),
    "rain": lambda a, rng: np.maximum(a, 0),
    "whole": lambda a, rng: np.round(a).astype("i8"),
    "copied": lambda a, rng: None,
}


def nasty(kind, seed=0):
    """Three variables in two cells, the first of a wild kind, the second depending on it."""
    rng = np.random.default_rng(seed)
    a, noise, c = rng.standard_normal((3, N, 2))
    with np.errstate(all="ignore"):
        wild = KINDS[kind](a, rng)
    values = {"a": c if wild is None else wild, "b": a + noise, "c": c}
    time = np.datetime64("2000-01-01", "ns") + np.arange(N).astype("timedelta64[D]")
    return xr.Dataset({name: (("time", "x"), v) for name, v in values.items()}, coords={"time": time})


def fit_and_use(ds, estimator):
    """All that a flow of one cell does."""
    cell = ds.isel(x=0)
    flow = cell.rbig.fit(estimator=estimator)
    for base in ("normal", "uniform"):
        flow.inverse_transform(flow.transform(cell, base), base)
    flow.sample(5)
    assert len(repr(flow)) > 50
    return flow.log_prob(cell)


CALLS = {
    "T": lambda ds, **kw: ds.rbig.total_correlation(**kw, diagnostics=True),
    "I": lambda ds, **kw: ds.rbig.mutual_information("a", "b", **kw, diagnostics=True),
    "conditional I": lambda ds, **kw: ds.rbig.conditional_mutual_information("a", "b", "c", **kw, diagnostics=True),
    "matrix": lambda ds, **kw: ds.rbig.mutual_information_matrix(**kw, normalize=True, diagnostics=True),
    "redundancy": lambda ds, **kw: ds.rbig.redundancy(**kw, diagnostics=True),
    "O": lambda ds, **kw: ds.rbig.o_information(**kw, base=2, diagnostics=True),
    "H": lambda ds, **kw: ds.rbig.entropy(**kw, diagnostics=True),
    "J": lambda ds, **kw: ds.rbig.negentropy(**kw, diagnostics=True),
    "D": lambda ds, **kw: ds.isel(time=slice(0, None, 2)).rbig.kl_divergence(ds, min_samples=20, **kw),
    "significance": lambda ds, **kw: ds.rbig.significance("a", "b", n_surrogates=19, **kw),
    "bootstrap": lambda ds, **kw: ds.rbig.bootstrap("a", "b", n_replicates=20, **kw),
    "flow": lambda ds, sample_dim, estimator: fit_and_use(ds, estimator),
}
REFUSED = {"constant": "is constant", "infinite": "has infinite values", "missing": "complete samples"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLS)
def test_nothing_warns_and_nothing_depends_on_the_error_state(kind, name):
    ds = nasty(kind)
    keywords = {"sample_dim": "time", "estimator": PLAIN}
    if name == "flow" and kind in REFUSED:
        with pytest.raises(ValueError, match=REFUSED[kind]):
            CALLS[name](ds, **keywords)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", UserWarning)  # a density with a spike, a relation among features
        expected = CALLS[name](ds, **keywords)
        with np.errstate(all="raise"):
            strict = CALLS[name](ds, **keywords)
            lazy = CALLS[name](ds.chunk(x=1), **keywords).compute(scheduler="synchronous")
    xr.testing.assert_identical(strict, expected)
    xr.testing.assert_identical(lazy, expected)
    assert np.isfinite(expected if isinstance(expected, xr.DataArray) else next(iter(expected.values()))).any() or (
        kind in REFUSED or name in ("J", "H")
    )


@pytest.mark.parametrize("kind", ["huge", "tiny", "exponential", "heavy", "fill", "rain"])
def test_the_default_estimator_takes_wild_values_too(kind):
    ds = nasty(kind)
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", UserWarning)
        full = CALLS["T"](ds, sample_dim="time", estimator=xrbig.RBIG())
        density = CALLS["flow"](ds, sample_dim="time", estimator=xrbig.RBIG())
    assert np.isfinite(full.total_correlation).all()
    assert np.isfinite(density).all()
