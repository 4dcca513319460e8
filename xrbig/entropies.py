"""Entropy, negentropy and divergence: what depends on the values themselves, not only on their ranks."""

from collections.abc import Hashable, Sequence

import xarray as xr

from xrbig import matching, results, roles
from xrbig.core import divergence, family
from xrbig.estimator import RBIG
from xrbig.results import Base, Request
from xrbig.roles import Dims


def entropy(
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
    r"""Differential entropy H of the features, one number per cell.

    .. math:: H(x) = -\int p \log p \, dx = \sum_d H(x_d) - T(x)

    with T as in `total_correlation` (Laparra et al., arXiv 2010.03807, 2020) and the entropy of each feature from the
    spacings of its samples (Vasicek, Journal of the Royal Statistical Society B 38:54, 1976; van Es, Scandinavian
    Journal of Statistics 19:61, 1992).

    H depends on the units, which the attribute `feature_units` of the result lists: a feature in hPa has log(100) less
    than in Pa. It may be negative, and only differences of
    it mean something. Equal values are spread evenly over half of the gaps to their neighbours, so a quantised feature
    has the entropy of its distribution seen with that resolution. Where a share of the values is one value (days
    without rain), H is -inf in theory, and the number depends on the gap beside it.

    Parameters
    ----------
    data : Dataset or DataArray
        Lazy if it is chunked: nothing is computed then. One feature is enough.
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
        If there is no feature; else as for `total_correlation`.

    Examples
    --------
    >>> import numpy as np
    >>> tas = np.random.default_rng(0).normal(scale=[1, 2, 4], size=(1000, 3))  # H is 1.42 + log(scale)
    >>> H = xr.DataArray(tas, dims=("time", "lat"), name="tas").rbig.entropy(sample_dim="time")
    >>> H.dims, H.round(1).values.tolist()
    (('lat',), [1.4, 2.1, 2.8])
    """
    request = Request(skipna, min_samples, estimator, base, diagnostics, keep_attrs)
    return results.of_features("entropy", family.entropy, data, dim, sample_dim, variables, request, least=1)


def negentropy(
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
    r"""Negentropy J of the features: how far they are from a normal distribution, one number per cell.

    .. math:: J(x) = D_{KL}\big(p(x) \,\big\|\, \mathcal{N}(\mu, \Sigma)\big) = \tfrac{D}{2} \log(2 \pi e)
        + \tfrac{1}{2} \log |\Sigma| - H(x)

    with the mean and the covariance of the features, and H as in `entropy` (Laparra et al., arXiv 2010.03807, 2020).
    The log-determinant of the sample covariance is freed of its Wishart expectation, so that J of normal data is 0 on
    average. Units and correlations do not matter: J does not change under linear maps of the features. It is infinite
    in theory where their variance is.

    Parameters
    ----------
    data : Dataset or DataArray
        Lazy if it is chunked: nothing is computed then. One feature is enough.
    dim, sample_dim, variables, skipna, min_samples, estimator, base, diagnostics, keep_attrs
        As for `total_correlation`.

    Returns
    -------
    DataArray or Dataset
        float64, with the dimensions and coordinates of the cells. A cell is NaN if it has too few samples, an infinite
        value, a constant feature or one that is a linear function of others.

    Raises
    ------
    ValueError
        If there is no feature; else as for `total_correlation`.

    Examples
    --------
    >>> import numpy as np
    >>> pr = np.random.default_rng(0).exponential(size=(1000, 3))  # J is 0.42
    >>> J = xr.DataArray(pr, dims=("time", "lat"), name="pr").rbig.negentropy(sample_dim="time")
    >>> J.dims, float(J.mean().round(1))
    (('lat',), 0.4)
    """
    request = Request(skipna, min_samples, estimator, base, diagnostics, keep_attrs)
    return results.of_features("negentropy", family.negentropy, data, dim, sample_dim, variables, request, least=1)


def kl_divergence(
    data: xr.Dataset | xr.DataArray,
    other: xr.Dataset | xr.DataArray,
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
    r"""Kullback-Leibler divergence of the features from those of `other`, one number per cell.

    .. math:: D_{KL}(p \,\|\, q) = \int p \log \frac{p}{q} \, dx
        = D_{KL}\big(D_q(p) \,\big\|\, \mathcal{N}(0, I)\big)

    where p is the density of `data`, q that of `other`, and D_q a flow fitted to the samples of q, as by `fit`: it
    takes q to N(0, I) and does not change the divergence (Laparra et al., arXiv 2010.03807, 2020). It is 0 where both
    have the same density, and not symmetric: it tells how surprising samples of `data` are to who expects `other`. It
    does not change under invertible maps of the features. Where samples of p lie far outside of those of q, it rests on
    the tails of the flow. A flow is fitted per cell, which takes a tenth of a second to seconds.

    Parameters
    ----------
    data, other : Dataset or DataArray
        The same features, at the same cells, each at samples of its own. Entries along `dim` are matched by value, in
        any order and dtype; those that differ by rounding with a warning. Lazy if either is chunked: nothing is
        computed then.
    dim, sample_dim, variables, skipna, min_samples, estimator, base, diagnostics, keep_attrs
        As for `total_correlation`; one feature is enough. `n_samples` is the smaller of the two numbers.

    Returns
    -------
    DataArray or Dataset
        float64, with the dimensions and coordinates of the cells. A cell is NaN if either side has too few samples, an
        infinite value or a constant feature. A feature that the others determine on both sides (another unit, a sum)
        adds nothing; where they do so on one side alone the value is infinite.

    Raises
    ------
    ValueError
        If the features, the coordinates of the cells, or the `units` of a variable on the two sides differ; else as
        for `total_correlation`.
    TypeError
        If one side is a Dataset and the other a DataArray.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> past, future = (xr.DataArray(rng.normal(m, 1, (1000, 2)), dims=("time", "lat"), name="tas") for m in (0, 1))
    >>> D = future.rbig.kl_divergence(past, sample_dim="time")  # it is 0.5
    >>> D.dims, float(D.mean().round(1))
    (('lat',), 0.5)
    """
    request = Request(skipna, min_samples, estimator, base, diagnostics, keep_attrs)
    request.check()
    measure = "the Kullback-Leibler divergence"
    groups = roles.all_features(data, variables, dim, sample_dim, measure, 1, min_samples)
    found = groups.found[""]
    others = matching.other_side(groups, other, data, measure, min_samples)
    return results.labelled("kl_divergence", divergence.kl_divergence, found, groups, data, request, others=others)
