"""Total correlation and mutual information: resolve the roles, map the kernel over the cells, name the result."""

from collections.abc import Hashable, Sequence
from functools import partial

import xarray as xr

from xrbig import results, roles
from xrbig.core import information
from xrbig.estimator import RBIG
from xrbig.results import Base, Request
from xrbig.roles import Dims, Group


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

    estimated as what a density destructor takes away, and the T of what it leaves (Johnson et al., Information Theory
    in Density Destructors, INNF workshop, ICML 2019, Eqs. 6 and 7, section 3.2). The destructor is a t copula; moments,
    nearest neighbours, trees of pairs and mixtures measure the rest, each as far as it evidently finds more. T is 0 for
    independent features. It does not change under monotone maps of single features; its estimate changes with them only
    where the values themselves tell more than their ranks. It is infinite where features determine each other. The
    autocorrelation of the samples enters the chance level, the tests and `std_error`.

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
        The data variables to use. By default all but bounds, grid mappings and parts of a mesh or geometry, and what
        else attributes only mention (`formula_terms`, `coordinates`, ...) where it lacks the samples or is a status
        flag; the attribute `left_out` of the result names those.
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
        Return a Dataset that also holds `n_samples`, `n_layers` (estimates that count by more than half), `converged`
        (False where the value is infinite or grows with the number of samples), `tied_fraction`, `reason` (why there is
        no estimate: its flags are 0 where there is one, too few samples, an infinite value, a constant feature, a
        missing value with ``skipna=False``, undefined), `determined` (along ``feature``: whether others determine it
        but for rounding) and `std_error`, the standard error, which counts
        autocorrelation along the samples: if they lie over several dimensions along the one in time, or else the first
        by name, those of one place counting as one. It is NaN where the coordinate is not in order. With `normalize`
        it stays that of the information.
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
        If a name is unknown, a variable is not numeric or lacks a sample dimension, there are fewer than two features,
        or too few samples even for a cell without gaps; if of two variables each has dimensions of cells that the other
        lacks; or if the samples are in several chunks that one block cannot hold.
    TypeError
        If `data` is not labelled, or a variable is neither a NumPy nor a Dask array.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> tas, noise = rng.standard_normal((2, 1000, 3))  # T is 0.61
    >>> ds = xr.Dataset({"tas": (("time", "lat"), tas), "pr": (("time", "lat"), tas**2 + 0.7 * noise)})
    >>> shared = ds.rbig.total_correlation(sample_dim="time")
    >>> shared.dims, float(shared.mean().round(1))
    (('lat',), 0.6)
    """
    request = Request(skipna, min_samples, estimator, base, diagnostics, keep_attrs, std_error=diagnostics)
    return results.of_features(
        "total_correlation", information.total_correlation, data, dim, sample_dim, variables, request
    )


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
    normalize: bool = False,
    diagnostics: bool = False,
    keep_attrs: bool = False,
) -> xr.DataArray | xr.Dataset:
    r"""Mutual information I between two groups of features, one number per cell.

    .. math:: I(x, y) = D_{KL}\big(p(x, y) \,\big\|\, p(x)\, p(y)\big) = T([x, y]) - T(x) - T(y)

    estimated between the groups alone, so that what is within a group does not count: by a t copula, cross moments and
    nearest neighbours (Kraskov et al., Physical Review E 69:066138, 2004, Eq. 8), each as far as it evidently finds
    more. Two single features share their T. A feature that others of its group determine adds nothing; I is infinite
    where features of one group determine one of the other. With a plain rotation it is
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
    normalize : bool
        Give the equivalent correlation :math:`\sqrt{1 - e^{-2 I}}` instead, between 0 and 1: the size of the
        correlation that a pair of normal features with this I has. An estimate below 0 counts as 0.

    Returns
    -------
    DataArray or Dataset
        float64, with the dimensions and coordinates of the cells. A cell is NaN if it has too few samples, an infinite
        value or a constant feature.

    Raises
    ------
    ValueError
        If a name is unknown, a group is empty, a variable is in both groups, is not numeric or lacks a sample
        dimension, if coordinates differ, or each of two variables has dimensions of cells that the other lacks; else
        as for `total_correlation`.
    TypeError
        If variables of a DataArray are named, or `data` is not labelled.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> tas, pr, noise = rng.standard_normal((3, 1000, 3))
    >>> gpp = tas * pr + 0.3 * noise  # uncorrelated with either; I is 1.13
    >>> ds = xr.Dataset({n: (("time", "lat"), v) for n, v in [("tas", tas), ("pr", pr), ("gpp", gpp)]})
    >>> shared = ds.rbig.mutual_information(["tas", "pr"], "gpp", sample_dim="time")
    >>> shared.dims, float(shared.mean().round(1))
    (('lat',), 1.0)
    """
    request = Request(skipna, min_samples, estimator, base, diagnostics, keep_attrs, normalize, std_error=diagnostics)
    request.check()
    sides = roles.sides(data, x, y, dim, sample_dim)
    groups = roles.groups(sides, dim, sample_dim, "mutual information", min_samples)
    both, split = groups.joined()
    measure = partial(information.mutual_information, split=split)
    return results.labelled("mutual_information", measure, both, groups, data, request)
