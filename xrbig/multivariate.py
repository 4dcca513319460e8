"""Measures made of T and I of several sets of features: conditional, pairwise, and of all together."""

from collections.abc import Hashable, Sequence
from functools import partial

import xarray as xr

from xrbig import results, roles
from xrbig.core import family
from xrbig.estimator import RBIG
from xrbig.results import Base, Request
from xrbig.roles import Dims, Group


def conditional_mutual_information(
    data: xr.Dataset | xr.DataArray,
    x: Group,
    y: Group | None = None,
    given: Group | None = None,
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
    r"""Mutual information I of two groups of features when a third is known, one number per cell.

    .. math:: I(x, y \,|\, z) = T([x, y, z]) - T([x, z]) - T([y, z]) + T(z)

    (Cover & Thomas, Elements of Information Theory, 2006, section 2.5). It is estimated as I of x and y, each mapped by
    its distribution given z, and as far as z evidently tells how they depend on each other also that. With a plain
    rotation it is the sum of the four T. It is 0 where x and y depend on each other through z alone, and above I(x, y)
    where z tells how they depend on each other. It is symmetric in x and y, bit for bit.

    Parameters
    ----------
    data : Dataset or DataArray
        Lazy if it is chunked: nothing is computed then.
    x, y, given : name, sequence of names, DataArray or Dataset
        The two groups, and what is known: data variables of `data`, or labelled data of their own, whose coordinates
        must equal those of the others. If `data` is a DataArray it is the one group and `x` the other.
    dim, sample_dim, skipna, min_samples, estimator, base, diagnostics, keep_attrs
        As for `total_correlation`. A variable that has `dim` adds each of its entries to its group.
    normalize : bool
        Give the equivalent correlation :math:`\sqrt{1 - e^{-2 I}}` instead, between 0 and 1: for normal features the
        size of the partial correlation. An estimate below 0 counts as 0.

    Returns
    -------
    DataArray or Dataset
        float64, with the dimensions and coordinates of the cells. A cell is NaN if it has too few samples, an infinite
        value or a constant feature.

    Raises
    ------
    ValueError
        If a group is empty, a variable is in two groups, or coordinates differ; else as for `total_correlation`.
    TypeError
        If variables of a DataArray are named, or `data` is not labelled.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> enso, a, b = rng.standard_normal((3, 1000, 3))
    >>> ds = xr.Dataset({n: (("time", "lat"), v) for n, v in [("enso", enso), ("pr", enso + a), ("tas", enso + b)]})
    >>> float(ds.rbig.mutual_information("pr", "tas", sample_dim="time").mean().round(2))
    0.15
    >>> float(abs(ds.rbig.conditional_mutual_information("pr", "tas", "enso", sample_dim="time")).mean().round(2))
    0.0
    """
    request = Request(skipna, min_samples, estimator, base, diagnostics, keep_attrs, normalize)
    request.check()
    sides = roles.sides(data, x, y, dim, sample_dim) | {"given": roles.known(data, given, dim, sample_dim)}
    groups = roles.groups(sides, dim, sample_dim, "conditional mutual information", min_samples)
    found = roles.features([a for g in groups.found.values() for a in g.arrays], dim)
    owner = [argument for argument, g in groups.found.items() for _ in g.labels]
    members = [[i for i, j in enumerate(found.order) if owner[j] == argument] for argument in groups.found]
    measure = partial(family.conditional_mutual_information, groups=members)
    name = "conditional_mutual_information"
    return results.labelled(name, measure, found, groups, data, request)


def mutual_information_matrix(
    data: xr.Dataset | xr.DataArray,
    dim: Dims = roles.VARIABLES,
    *,
    sample_dim: Dims | None = None,
    variables: Sequence[Hashable] | None = None,
    skipna: bool | None = None,
    min_samples: int | None = None,
    estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
    base: Base = "e",
    normalize: bool = False,
    diagnostics: bool = False,
    keep_attrs: bool = False,
) -> xr.DataArray | xr.Dataset:
    r"""Mutual information I of every pair of features, a matrix per cell.

    .. math:: I_{ij} = I(x_i, x_j)

    each as `mutual_information` of the two, bit for bit. Samples are the complete cases of each pair, so that a feature
    with many gaps costs the others nothing. The diagonal is NaN: the information that a continuous feature shares with
    itself is infinite.

    Parameters
    ----------
    data : Dataset or DataArray
        Lazy if it is chunked: nothing is computed then.
    dim, sample_dim, variables, skipna, min_samples, estimator, base, keep_attrs
        As for `total_correlation`.
    normalize : bool
        Give the equivalent correlation :math:`\sqrt{1 - e^{-2 I}}` instead, between 0 and 1. An estimate below 0 counts
        as 0.
    diagnostics : bool
        As for `total_correlation`; `n_layers`, `converged` and `reason` are those of each pair, `n_samples` is the
        smallest number of a pair that has an estimate.

    Returns
    -------
    DataArray or Dataset
        float64, with the dimensions and coordinates of the cells, and last ``feature_x`` and ``feature_y``, whose
        coordinates are the features in alphabetical order. A pair is NaN if it has too few samples, an infinite value
        or a constant feature; the others know nothing of it.

    Raises
    ------
    ValueError
        If there are fewer than two features, or a dimension has the name of a new one; else as for
        `total_correlation`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> tas, pr, noise = rng.standard_normal((3, 1000, 2))
    >>> ds = xr.Dataset({n: (("time", "lat"), v) for n, v in [("tas", tas), ("pr", pr), ("gpp", pr + noise)]})
    >>> pairs = ds.rbig.mutual_information_matrix(sample_dim="time")
    >>> pairs.dims, pairs.sel(feature_x="pr").mean("lat").round(1).values.tolist()
    (('lat', 'feature_x', 'feature_y'), [0.3, nan, 0.0])
    """
    request = Request(skipna, min_samples, estimator, base, diagnostics, keep_attrs, normalize)
    return results.of_features(
        "mutual_information_matrix",
        family.mutual_information_matrix,
        data,
        dim,
        sample_dim,
        variables,
        request,
        along=("feature_x", "feature_y"),
    )


def redundancy(
    data: xr.Dataset | xr.DataArray,
    dim: Dims = roles.VARIABLES,
    *,
    sample_dim: Dims | None = None,
    variables: Sequence[Hashable] | None = None,
    skipna: bool | None = None,
    min_samples: int | None = None,
    estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
    base: Base = "e",
    normalize: bool = False,
    diagnostics: bool = False,
    keep_attrs: bool = False,
) -> xr.DataArray | xr.Dataset:
    r"""What each feature shares with all the others together, one number per feature and cell.

    .. math:: R_i = I(x_i, x_{-i}) = T(x) - T(x_{-i})

    where :math:`x_{-i}` are the features without the i-th, each as `mutual_information` of the two groups. A feature
    with much of it could be left out: the others tell what it says.

    Parameters
    ----------
    data : Dataset or DataArray
        Lazy if it is chunked: nothing is computed then.
    dim, sample_dim, variables, skipna, min_samples, estimator, base, keep_attrs
        As for `total_correlation`.
    normalize : bool
        Give the equivalent correlation :math:`\sqrt{1 - e^{-2 I}}` instead, between 0 and 1: for normal features the
        multiple correlation. An estimate below 0 counts as 0.
    diagnostics : bool
        As for `total_correlation`; `n_layers`, `converged` and `reason` are those of each feature with the others.

    Returns
    -------
    DataArray or Dataset
        float64, with the dimensions and coordinates of the cells, and last ``feature``, whose coordinate is the
        features in alphabetical order. A feature that is constant, infinite or never there is NaN and left out of the
        others, as its `reason` says; a cell is NaN if these have too few samples in common.

    Raises
    ------
    ValueError
        If there are fewer than two features, or a dimension has the name of the new one; else as for
        `total_correlation`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> tas, pr, noise = rng.standard_normal((3, 1000, 2))
    >>> ds = xr.Dataset({n: (("time", "lat"), v) for n, v in [("tas", tas), ("pr", pr), ("gpp", pr + noise)]})
    >>> shared = ds.rbig.redundancy(sample_dim="time")
    >>> shared.dims, abs(shared.mean("lat")).round(1).to_series().to_dict()
    (('lat', 'feature'), {'gpp': 0.3, 'pr': 0.3, 'tas': 0.0})
    """
    request = Request(skipna, min_samples, estimator, base, diagnostics, keep_attrs, normalize)
    return results.of_features(
        "redundancy", family.redundancy, data, dim, sample_dim, variables, request, along=("feature",)
    )


def dual_total_correlation(
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
    r"""Dual total correlation D of the features: the information that more than one of them holds, one number per cell.

    .. math:: D(x) = H(x) - \sum_i H(x_i \,|\, x_{-i}) = (n - 1) \, T(x) - \sum_i T(x_{-i})

    (Han, Information and Control 36:133, 1978), estimated as T less `o_information`. Of two features D = T = I; of n
    it lies between T / (n - 1) and (n - 1) T. It is infinite where features determine each other.

    Parameters
    ----------
    data : Dataset or DataArray
        Lazy if it is chunked: nothing is computed then.
    dim, sample_dim, variables, skipna, min_samples, estimator, base, diagnostics, keep_attrs
        As for `total_correlation`.

    Returns
    -------
    DataArray or Dataset
        float64, with the dimensions and coordinates of the cells. A cell is NaN if it has too few samples, an infinite
        value or a constant feature.

    Raises
    ------
    ValueError
        If there are fewer than two features; else as for `total_correlation`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> common, *noise = rng.standard_normal((4, 1000, 2))
    >>> ds = xr.Dataset({n: (("time", "lat"), common + e) for n, e in zip("abc", noise)})  # D is 0.26
    >>> float(ds.rbig.dual_total_correlation(sample_dim="time").mean().round(1))
    0.3
    """
    request = Request(skipna, min_samples, estimator, base, diagnostics, keep_attrs)
    name = "dual_total_correlation"
    return results.of_features(name, family.dual_total_correlation, data, dim, sample_dim, variables, request)


def o_information(
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
    r"""O-information of the features: whether redundancy or synergy prevails among them, one number per cell.

    .. math:: \Omega(x) = T(x) - D(x) = (2 - n) \, T(x) + \sum_i T(x_{-i})

    with D as in `dual_total_correlation` (Rosas et al., Physical Review E 100:032305, 2019). It is estimated as the sum
    of what I of each feature with those before it loses by the condition on those after it. Above 0 the same
    information is in several features; below 0 it shows only in several taken together. What pairs share that have
    nothing to do with the rest does not count.

    Parameters
    ----------
    data : Dataset or DataArray
        Lazy if it is chunked: nothing is computed then. It needs at least three features.
    dim, sample_dim, variables, skipna, min_samples, estimator, base, diagnostics, keep_attrs
        As for `total_correlation`.

    Returns
    -------
    DataArray or Dataset
        float64, with the dimensions and coordinates of the cells. A cell is NaN if it has too few samples, an infinite
        value or a constant feature.

    Raises
    ------
    ValueError
        If there are fewer than three features; else as for `total_correlation`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> tas, pr, noise = rng.standard_normal((3, 1000, 2))
    >>> ds = xr.Dataset({n: (("time", "lat"), v) for n, v in [("tas", tas), ("pr", pr), ("gpp", tas * pr + noise)]})
    >>> bool((ds.rbig.o_information(sample_dim="time") < 0).all())  # only both tell of their product
    True
    """
    request = Request(skipna, min_samples, estimator, base, diagnostics, keep_attrs)
    return results.of_features(
        "o_information", family.o_information, data, dim, sample_dim, variables, request, least=3
    )
