"""How far chance could have made the number: significance by surrogates, intervals by half-samples of blocks."""

from collections.abc import Hashable, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xrbig import blocks, ordered, results, roles
from xrbig.core import replicates
from xrbig.core.replicates import Question
from xrbig.core.resample import FEWEST_BLOCKS, Method, Surrogates, Units, longest
from xrbig.estimator import RBIG
from xrbig.ordered import Block
from xrbig.results import Base, Request
from xrbig.roles import Dims, Group

FDR = Literal["bh", "by"]
NULLS = {"shift": "circular shifts", "block": "permutations of blocks"}
TWENTIETH = 20  # of the record: the blocks of half-samples


class Asked(NamedTuple):
    """What a call asks for: a measure of features, in groups or not, and the dimension that orders the samples."""

    name: str
    found: roles.Features
    split: int
    groups: roles.Groups
    along: Hashable

    @classmethod
    def of(
        cls,
        data: xr.Dataset | xr.DataArray,
        x: Group | None,
        y: Group | None,
        dim: Dims,
        sample_dim: Dims | None,
        variables: Sequence[Hashable] | None,
        along: Hashable | None,
        min_samples: int | None,
    ) -> "Asked":
        """I if a group is named, T if none is."""
        if x is None and y is None:
            name, split = "total_correlation", 0
            text = results.long_name(name)
            groups = roles.all_features(data, variables, dim, sample_dim, text, 2, min_samples)
            found = groups.found[""]
        elif x is None or variables is not None:
            raise ValueError(
                "variables are the features of T; for I name both groups, x and y, and no variables: "
                'xrbig.significance(ds, "x_vars", "y_vars").'
            )
        else:
            name = "mutual_information"
            sides = roles.sides(data, x, y, dim, sample_dim)
            groups = roles.groups(sides, dim, sample_dim, results.long_name(name), min_samples)
            found, split = groups.joined()
        return cls(name, found, split, groups, ordered.ordered_dim(found.arrays, groups.samples, along))

    @property
    def parts(self) -> int:
        """Number of parts that are shifted against each other."""
        return 2 if self.split else len(self.found.labels)

    def size(self, dim: Hashable) -> int:
        """Length of a sample dimension."""
        return int(self.found.arrays[0].sizes[dim])

    def question(self, estimator: RBIG, min_samples: int | None, skipna: bool | None) -> Question:
        """What each cell is asked."""
        samples = self.groups.samples
        units = Units(tuple(self.size(d) for d in samples), samples.index(self.along))
        return Question(self.split, units, estimator, min_samples, skipna is None or bool(skipna))

    def fields(self, name: str, kernel: Any, outputs: Sequence[str]) -> list[xr.DataArray]:
        """Map a kernel, called `name`, that gives the estimate and these numbers for each cell."""
        results.require_free([self.name, *outputs], [], self.found, self.groups.samples)
        wanted = [blocks.Output(np.float64)] * (1 + len(outputs))
        return list(blocks.map_cells(name, kernel, [self.found], self.groups.samples, wanted))


def significance(
    data: xr.Dataset | xr.DataArray,
    x: Group | None = None,
    y: Group | None = None,
    dim: Dims = roles.VARIABLES,
    *,
    sample_dim: Dims | None = None,
    variables: Sequence[Hashable] | None = None,
    along: Hashable | None = None,
    block: Block | None = None,
    method: Method = "shift",
    n_surrogates: int = 199,
    fdr: FDR | None = "bh",
    skipna: bool | None = None,
    min_samples: int | None = None,
    estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
    base: Base = "e",
    keep_attrs: bool = False,
) -> xr.Dataset:
    r"""Whether chance alone could give this I (or T), each feature keeping its autocorrelation.

    .. math:: p = \frac{1 + \#\{r : I_r \ge I\}}{1 + R}

    with :math:`I_r` of R surrogates (North, Curtis and Sham, American Journal of Human Genetics 71:439, 2002). In a
    surrogate one group is shifted against the other along the samples, the end being joined to the beginning (for T
    every feature by its own shift): what is shared goes, and autocorrelation and what the features of a group share
    stay. Of a stationary series every shift is as likely as the one observed, so that the p-value is exact, but for the
    joint at the end, however strong the autocorrelation is.

    Parameters
    ----------
    data : Dataset or DataArray
        Lazy if it is chunked: nothing is computed then. Trend and seasonal cycle, which two fields share whatever they
        have to do with each other, must be taken out before.
    x, y : name, sequence of names, DataArray or Dataset, optional
        The two groups of I, as for `mutual_information`; T of all features if neither is given.
    dim, sample_dim, variables, skipna, min_samples, estimator, base, keep_attrs
        As for `total_correlation`. The same `estimator` judges data and surrogates. Plain RBIG
        (``RBIG(rotation="pca")``) takes a tenth of the time.
    along : name, optional
        The sample dimension in which order matters, if there are several: by default the one in time. All others move
        with it.
    block : int, str or timedelta, optional
        Shortest shift, or length of the blocks that are permuted, in samples or as a time, ``"30D"``. By default one
        sample for shifts: leaving out short ones makes p-values too small, if the series is strongly autocorrelated.
        For `method` ``"block"`` a tenth of the record.
    method : {"shift", "block"}
        Circular shifts, or permutations of blocks of each group, for series that are not stationary; blocks must be
        much longer than the autocorrelation, else p-values are too small.
    n_surrogates : int
        Their number R. The smallest p-value is 1 / (1 + R). Of two groups there are no more shifts than samples, and
        a shorter record has as many surrogates as it has shifts.
    fdr : {"bh", "by"} or None
        Control of the false-discovery rate over all cells, for `p_adjusted`: Benjamini and Hochberg's, which holds for
        positively dependent cells, or Benjamini and Yekutieli's, for any.

    Returns
    -------
    Dataset
        `mutual_information` or `total_correlation`; `p_value`; `p_adjusted`, below which the share of false discoveries
        is controlled over the map (Benjamini and Hochberg, Journal of the Royal Statistical Society B 57:289, 1995);
        `null_mean` and `null_std` of the surrogates; `debiased`, the estimate less `null_mean`. NaN where there is no
        estimate, too few samples for the blocks, or, with several sample dimensions, gaps that are not whole entries
        of `along`. `debiased` is for independent features; where there is dependence it takes off too much. Compute
        the Dataset as a whole: its variables share the work. The surrogates are the same in all cells with the same
        number of samples, and depend on the seed of the `estimator` and that number only.

    Raises
    ------
    ValueError
        As for `mutual_information`; if the samples are not in order, blocks are too long for the record, or a time is
        given for samples that have none.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> tas, pr, noise = rng.standard_normal((3, 300, 2))
    >>> pr[:, 0] += tas[:, 0]  # dependent in the first cell only
    >>> ds = xr.Dataset({"tas": (("time", "lat"), tas), "pr": (("time", "lat"), pr)})
    >>> test = ds.rbig.significance("tas", "pr", sample_dim="time", n_surrogates=99)
    >>> (test.p_value < 0.05).values.tolist()
    [True, False]
    """
    request = Request(skipna, min_samples, estimator, base, False, keep_attrs)
    request.check()
    _check(n_surrogates, 19, "n_surrogates")
    n_surrogates = int(n_surrogates)
    for argument, choice, known in (("method", method, get_args(Method)), ("fdr", fdr, (*get_args(FDR), None))):
        if choice not in known:
            raise ValueError(f"{argument}={choice!r} is not one of {known}.")
    asked = Asked.of(data, x, y, dim, sample_dim, variables, along, min_samples)
    units = asked.size(asked.along)
    default = 1 if method == "shift" else max(1, units // 10)
    length = default if block is None else ordered.block_units(block, asked.found.arrays, asked.along)
    if block is not None:
        ordered.require_blocks(length, block, units, asked.along, longest(method, asked.parts))
    surrogates = Surrogates(n_surrogates, length, method, estimator.seed)
    question = asked.question(estimator, min_samples, skipna)
    kernel = partial(_null_fields, question=question, surrogates=surrogates)
    results.require_free(["p_adjusted"], [], asked.found, asked.groups.samples)
    outputs = ("p_value", "null_mean", "null_std", "debiased")
    value, p_value, mean, std, debiased = asked.fields("significance", kernel, outputs)
    about = {
        "null": NULLS[method],
        "n_surrogates": n_surrogates,
        "along": str(asked.along),
        "block": length,
        "seed": estimator.seed,
    }
    fields = {"p_value": p_value.assign_attrs(long_name="p-value", units="1", **about)}
    if fdr:
        fields["p_adjusted"] = _adjusted(p_value, fdr).assign_attrs(
            long_name="p-value adjusted for the false-discovery rate", units="1", method=fdr
        )
    for name, field in {"null_mean": mean, "null_std": std, "debiased": debiased}.items():
        attrs = results.information_attrs(name.replace("_", " "), base)
        fields[name] = results.in_unit(field, request).assign_attrs(attrs)
    return _dataset(asked, value, fields, data, request)


def bootstrap(
    data: xr.Dataset | xr.DataArray,
    x: Group | None = None,
    y: Group | None = None,
    dim: Dims = roles.VARIABLES,
    *,
    sample_dim: Dims | None = None,
    variables: Sequence[Hashable] | None = None,
    along: Hashable | None = None,
    block: Block | None = None,
    n_replicates: int = 100,
    confidence: float = 0.95,
    skipna: bool | None = None,
    min_samples: int | None = None,
    estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
    base: Base = "e",
    keep_attrs: bool = False,
) -> xr.Dataset:
    r"""Interval of I (or T) by estimating it anew from parts of the samples, in blocks.

    Drawing samples with replacement would repeat them, and to ranks and nearest neighbours samples that are repeated
    are structure. So half of the blocks of the record are drawn without replacement, and the other half is their
    counterpart (balanced half-samples: McCarthy, Review of the International Statistical Institute 37:239, 1969):

    .. math:: \hat\sigma^2 = \Big\langle \tfrac14 (T_A - T_B)^2 \Big\rangle

    is the variance of the estimate from all samples, and what fewer samples add to either half cancels. That is the
    `bias`, the mean of the halves less the estimate: it tells what more samples might still change, and twice its
    square is added to the variance. The interval is the estimate plus and minus so many roots of that sum as the t
    distribution asks. It says nothing of structure that neither all samples nor half of them show.

    Parameters
    ----------
    data, x, y, dim, sample_dim, variables, along, skipna, min_samples, estimator, base, keep_attrs
        As for `significance`.
    block : int, str or timedelta, optional
        Length of the blocks, in samples or as a time, ``"30D"``: much longer than the autocorrelation. By default a
        twentieth of the record.
    n_replicates : int
        Number of estimates, two for each pair of halves, made even; each takes half the time of one from all samples.
    confidence : float
        Probability with which the interval is to hold the truth.

    Returns
    -------
    Dataset
        `mutual_information` or `total_correlation`, `lower`, `upper`, `std_error` and `bias`. NaN where there is no
        estimate, too few samples for ten blocks, or fewer in a half than an estimate needs at all.

    Raises
    ------
    ValueError
        As for `significance`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> tas, noise = rng.standard_normal((2, 1000))  # I is 0.35
    >>> ds = xr.Dataset({"tas": ("time", tas), "pr": ("time", tas + noise)})
    >>> interval = ds.rbig.bootstrap("tas", "pr", sample_dim="time")
    >>> bool((interval.lower < 0.35) & (0.35 < interval.upper))
    True
    """
    request = Request(skipna, min_samples, estimator, base, False, keep_attrs)
    request.check()
    _check(n_replicates, 20, "n_replicates")
    n_replicates = int(n_replicates) // 2 * 2
    if not (isinstance(confidence, Real) and 0 < confidence < 1):
        raise ValueError(f"confidence={confidence!r} must lie between 0 and 1.")
    asked = Asked.of(data, x, y, dim, sample_dim, variables, along, min_samples)
    units = asked.size(asked.along)
    length = max(1, units // TWENTIETH)
    if block is not None:
        length = ordered.block_units(block, asked.found.arrays, asked.along)
        ordered.require_blocks(length, block, units, asked.along, FEWEST_BLOCKS)
    question = asked.question(estimator, min_samples, skipna)
    kernel = partial(_spread_fields, question=question, number=n_replicates, block=length, confidence=float(confidence))
    value, lower, upper, std, bias = asked.fields("bootstrap", kernel, ("lower", "upper", "std_error", "bias"))
    about = {"n_replicates": n_replicates, "along": str(asked.along), "block": length, "seed": estimator.seed}
    fields = {}
    for name, field in {"lower": lower, "upper": upper}.items():
        attrs = {**results.information_attrs(f"{name} bound", base), "confidence": confidence, **about}
        fields[name] = results.in_unit(field, request).assign_attrs(attrs)
    attrs = {**results.information_attrs("standard error", base), **about}
    fields["std_error"] = results.in_unit(std, request).assign_attrs(attrs)
    attrs = results.information_attrs("mean of the halves less the estimate", base)
    fields["bias"] = results.in_unit(bias, request).assign_attrs(attrs)
    return _dataset(asked, value, fields, data, request)


def _check(number: int, least: int, argument: str) -> None:
    if not isinstance(number, Integral) or number < least:
        raise ValueError(f"{argument}={number!r} must be an integer of at least {least}.")


def _null_fields(x: NDArray[Any], question: Question, surrogates: Surrogates) -> tuple[NDArray[Any], ...]:
    return tuple(replicates.significance(x, question, surrogates))


def _spread_fields(
    x: NDArray[Any], question: Question, number: int, block: int, confidence: float
) -> tuple[NDArray[Any], ...]:
    return tuple(replicates.bootstrap(x, question, number, block, confidence))


def _dataset(
    asked: Asked,
    value: xr.DataArray,
    fields: dict[str, xr.DataArray],
    data: xr.Dataset | xr.DataArray,
    request: Request,
) -> xr.Dataset:
    """A Dataset of the estimate and of what is known of it."""
    named = results.named(asked.name, value, asked.groups, request)
    kept = dict(data.attrs) if request.keep_attrs and isinstance(data, xr.Dataset) else {}
    return xr.Dataset({asked.name: named, **fields}, attrs=kept)


def _adjusted(p_value: xr.DataArray, fdr: FDR) -> xr.DataArray:
    """p-values for the control of the false-discovery rate over all cells; on Dask by one task that sees them all."""
    lazy = p_value.chunks is not None
    whole = p_value.variable.chunk(-1) if lazy else p_value.variable
    control = partial(_control, method=fdr)
    adjusted = xr.apply_ufunc(control, whole, dask="parallelized", output_dtypes=[np.float64])
    return p_value.copy(data=adjusted.data.rechunk(p_value.chunks) if lazy else adjusted.data)


def _control(p: NDArray[Any], method: FDR) -> NDArray[Any]:
    from scipy.stats import false_discovery_control

    p = np.asarray(p)
    adjusted = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    if known.any():
        adjusted[known] = false_discovery_control(p[known], method=method)
    return adjusted
