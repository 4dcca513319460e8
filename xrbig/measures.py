"""The public measures: resolve the roles, map the kernel over the cells, name the result."""

import math
from collections.abc import Hashable, Sequence
from functools import partial
from importlib.metadata import version
from numbers import Integral
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xrbig import blocks, roles
from xrbig.core import information
from xrbig.estimator import RBIG
from xrbig.roles import Dims, Group

Base = Literal["e", 2]

UNITS: dict[Base, str] = {"e": "nat", 2: "bit"}
DTYPES: list[type] = [np.float64, np.int64, np.int64, np.bool_, np.float64, np.float64]
DIAGNOSTICS = {
    "n_samples": "number of complete samples",
    "n_layers": "number of layers",
    "converged": "whether no further layer was significant",
    "tied_fraction": "largest share of tied samples in a feature",
    "std_error": "standard error",
}


def total_correlation(
    data: xr.Dataset | xr.DataArray,
    dim: Dims = roles.VARIABLES,
    *,
    sample_dim: Dims | None = None,
    variables: Sequence[Hashable] | None = None,
    skipna: bool | None = None,
    min_samples: int | None = None,
    estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
    base: Base = "e",
    diagnostics: bool = False,
    keep_attrs: bool = False,
) -> xr.DataArray | xr.Dataset:
    r"""Total correlation T of the features: the information they share, one number per cell.

    .. math:: T(x) = D_{KL}\Big(p(x) \,\Big\|\, \prod_d p(x_d)\Big) = \sum_l \Delta T_l + T(z)

    estimated as the sum of what each layer of a Gaussianization takes away, and the T of what is left (Johnson et al.,
    Information Theory in Density Destructors, INNF workshop, ICML 2019, Eqs. 6 and 7, section 3.2). T is 0 for
    independent features and does not change under monotone maps of single features; its estimate changes with them
    only where independent components of the values themselves tell more than their ranks. Samples are assumed
    independent of each other, but for `std_error`.

    Parameters
    ----------
    data : Dataset or DataArray
        Lazy if it is chunked: nothing is computed then.
    dim : name or sequence of names
        Dimension along which every entry is a feature. The data variables of a Dataset are features beside each
        other whether or not they have it; ``"feature"`` may name it even if no variable does.
    sample_dim : name or sequence of names, optional
        Dimensions of the samples. By default all that are not `dim`, which gives one number. ``"time"`` gives a map,
        ``("lat", "lon")`` a series over time.
    variables : sequence of names, optional
        The data variables to use. By default all that CF attributes (bounds, grid_mapping, ...) do not name as
        auxiliary.
    skipna : bool, optional
        Leave out samples in which a feature is NaN (default), or, if False, make such a cell NaN.
    min_samples : int, optional
        Cells with fewer complete samples are NaN. By default ``max(40, 5 * number of features)``; in any case at
        least 16 and two more than features.
    estimator : RBIG
        Numerical settings.
    base : {"e", 2}
        Unit of the result: nat or bit.
    diagnostics : bool
        Return a Dataset that also holds `n_samples`, `n_layers`, `converged`, `tied_fraction` and `std_error`, the
        standard error, for which the samples must be in their order in time.
    keep_attrs : bool
        Add the global attributes of the Dataset to the result. Those of its variables would be wrong and are never
        kept.

    Returns
    -------
    DataArray or Dataset
        float64, with the dimensions and coordinates of the cells. A cell is NaN if it has too few samples, an infinite
        value or a constant feature.

    Raises
    ------
    ValueError
        If a name is unknown, a variable is not numeric or lacks a sample dimension, or there are fewer than two
        features; or if the samples are in several chunks that one block cannot hold.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> tas, noise = rng.standard_normal((2, 1000, 3))  # T is 0.61
    >>> ds = xr.Dataset({"tas": (("time", "lat"), tas), "pr": (("time", "lat"), tas**2 + 0.7 * noise)})
    >>> shared = ds.rbig.total_correlation(sample_dim="time")
    >>> shared.dims, float(shared.mean().round(1))
    (('lat',), 0.6)
    """
    _check(base, min_samples, skipna, estimator)
    found, samples, attrs = features_of(data, dim, sample_dim, variables)
    kernel = partial(
        information.total_correlation,
        settings=estimator,
        min_samples=min_samples,
        skipna=skipna is None or bool(skipna),
        std_error=diagnostics,
    )
    estimate = _estimate(kernel, found, samples, diagnostics)
    return _labelled("total_correlation", estimate, attrs, data, samples, estimator, base, keep_attrs)


def mutual_information(
    data: xr.Dataset | xr.DataArray,
    x: Group,
    y: Group | None = None,
    dim: Dims = roles.VARIABLES,
    *,
    sample_dim: Dims | None = None,
    skipna: bool | None = None,
    min_samples: int | None = None,
    estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
    base: Base = "e",
    diagnostics: bool = False,
    keep_attrs: bool = False,
) -> xr.DataArray | xr.Dataset:
    r"""Mutual information I between two groups of features, one number per cell.

    .. math:: I(x, y) = D_{KL}\big(p(x, y) \,\big\|\, p(x)\, p(y)\big) = T([x, y]) - T(x) - T(y)

    with each T as in `total_correlation`, or from nearest neighbours between the groups where these see more
    (Kraskov et al., Physical Review E 69:066138, 2004, Eq. 8). With a plain rotation it is
    :math:`T([D_x(x), D_y(y)])`, where the destructors D_x and D_y Gaussianize each group (Johnson et al., Information
    Theory in Density Destructors, INNF workshop, ICML 2019, Eq. 8). It is symmetric, bit for bit.

    Parameters
    ----------
    data : Dataset or DataArray
        Lazy if it is chunked: nothing is computed then.
    x, y : name, sequence of names, DataArray or Dataset
        The two groups: data variables of `data`, or labelled data of their own, whose coordinates must equal those
        of the others. If `data` is a DataArray it is the one group and `x` the other.
    dim, sample_dim, skipna, min_samples, estimator, base, diagnostics, keep_attrs
        As for `total_correlation`. A variable that has `dim` adds each of its entries to its group.

    Returns
    -------
    DataArray or Dataset
        float64, with the dimensions and coordinates of the cells. A cell is NaN if it has too few samples, an infinite
        value or a constant feature.

    Raises
    ------
    ValueError
        If a name is unknown, a group is empty, a variable is in both groups, is not numeric or lacks a sample
        dimension, if coordinates differ, or if the samples are in several chunks that one block cannot hold.
    TypeError
        If variables of a DataArray are named, or `data` is not labelled.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> tas, pr, noise = rng.standard_normal((3, 1000, 3))
    >>> gpp = tas * pr + 0.3 * noise  # uncorrelated with either; I is 1.13
    >>> ds = xr.Dataset({n: (("time", "lat"), v) for n, v in [("tas", tas), ("pr", pr), ("gpp", gpp)]})
    >>> shared = ds.rbig.mutual_information(["tas", "pr"], "gpp", sample_dim="time")
    >>> shared.dims, float(shared.mean().round(1))
    (('lat',), 1.0)
    """
    _check(base, min_samples, skipna, estimator)
    both, split, samples, attrs = groups_of(data, x, y, dim, sample_dim)
    kernel = partial(
        information.mutual_information,
        split=split,
        settings=estimator,
        min_samples=min_samples,
        skipna=skipna is None or bool(skipna),
        std_error=diagnostics,
    )
    estimate = _estimate(kernel, both, samples, diagnostics)
    return _labelled("mutual_information", estimate, attrs, data, samples, estimator, base, keep_attrs)


def features_of(
    data: xr.Dataset | xr.DataArray, dim: Dims, sample_dim: Dims | None, variables: Sequence[Hashable] | None
) -> tuple[roles.Features, tuple[Hashable, ...], dict[str, str]]:
    """The features of a T, the sample dimensions, and what the attributes of the result say of them."""
    arrays = roles.variables_of(data, variables)
    samples = roles.sample_dims(arrays, dim, sample_dim)
    found = roles.features(arrays, dim)
    roles.require_features(found, samples, data)
    return found, samples, {"features": ", ".join(found.labels)}


def groups_of(
    data: xr.Dataset | xr.DataArray, x: Group, y: Group | None, dim: Dims, sample_dim: Dims | None
) -> tuple[roles.Features, int, tuple[Hashable, ...], dict[str, str]]:
    """The features of an I, the first group before the other, the number of the first, and so on."""
    sides = roles.sides(data, x, y)
    roles.require_disjoint(*sides)
    arrays = [*sides[0], *sides[1]]
    samples = roles.sample_dims(arrays, dim, sample_dim)
    groups = x_features, y_features = [roles.features(side, dim) for side in sides]
    roles.require_groups(x_features, y_features, samples)
    roles.require_alignment(arrays, set(roles.as_names(dim)))
    first, second = sorted(groups, key=lambda g: sorted(g.labels))
    both = roles.Features(
        first.arrays + second.arrays,
        first.dims + second.dims,
        first.labels + second.labels,
        first.order + [len(first.labels) + i for i in second.order],
    )
    attrs = {f"{k}_features": ", ".join(g.labels) for k, g in zip("xy", groups, strict=True)}
    return both, len(first.labels), samples, attrs


def _check(base: Base, min_samples: int | None, skipna: bool | None, estimator: RBIG) -> None:
    if base not in UNITS:
        raise ValueError(f"base={base!r} is not one of {list(UNITS)}: 'e' gives nats, 2 gives bits.")
    if min_samples is not None and (not isinstance(min_samples, Integral) or min_samples < 1):
        raise ValueError(f"min_samples={min_samples!r} must be a positive integer.")
    if skipna not in (None, True, False):
        raise ValueError(f"skipna={skipna!r} is not one of None, True, False.")
    if not isinstance(estimator, RBIG):
        raise TypeError(f"estimator={estimator!r} must be settings, such as xrbig.RBIG(rotation='pca').")


def _estimate(
    kernel: Any, found: roles.Features, samples: tuple[Hashable, ...], diagnostics: bool
) -> tuple[xr.DataArray, ...]:
    """The fields of an `Estimate` that are wanted, labelled with the cells."""
    dtypes = DTYPES if diagnostics else DTYPES[:1]
    wanted = partial(_first_fields, kernel=kernel, number=len(dtypes))
    return blocks.map_cells(wanted, found.arrays, found.dims, samples, found.order, dtypes)


def _first_fields(x: NDArray[Any], kernel: Any, number: int) -> tuple[NDArray[Any], ...]:
    return tuple(kernel(x)[:number])


def _labelled(
    name: str,
    estimate: tuple[xr.DataArray, ...],
    features: dict[str, str],
    data: xr.Dataset | xr.DataArray,
    samples: tuple[Hashable, ...],
    estimator: RBIG,
    base: Base,
    keep_attrs: bool,
) -> xr.DataArray | xr.Dataset:
    """Name, unit and attributes of the result; a Dataset if it comes with diagnostics."""
    kept = dict(data.attrs) if keep_attrs and isinstance(data, xr.Dataset) else {}
    value, *others = estimate
    value = (value / math.log(2) if base == 2 else value).rename(name)
    value.attrs = {
        **({} if others else kept),
        "long_name": f"{name.replace('_', ' ')} ({UNITS[base]})",
        "units": "1",
        "information_unit": UNITS[base],
        **features,
        "sample_dims": ", ".join(str(d) for d in samples),
        "estimator": repr(estimator),
        "xrbig_version": version("xrbig"),
    }
    if not others:
        return value
    named = {name: value}
    for (key, text), field in zip(DIAGNOSTICS.items(), others, strict=True):
        named[key] = field / math.log(2) if key == "std_error" and base == 2 else field
        named[key].attrs = {"long_name": text, "units": "1"}
    return xr.Dataset(named, attrs=kept)
