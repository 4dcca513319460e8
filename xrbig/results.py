"""Estimates of all cells, labelled: what the keywords of the measures ask for, and names, units and attributes."""

import math
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from importlib.metadata import version
from numbers import Integral
from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xrbig import blocks, checks, ordered, roles
from xrbig.core.information import Estimate, Reason
from xrbig.core.place import Grid
from xrbig.estimator import RBIG
from xrbig.roles import Dims

Base = Literal["e", 2]
Measure = Callable[..., Estimate]

UNITS: dict[Base, str] = {"e": "nat", 2: "bit"}
DIAGNOSTICS = {
    "n_samples": "number of complete samples",
    "n_layers": "number of layers, or of estimates that count",
    "converged": "whether the value is finite and no layer is missing",
    "tied_fraction": "largest share of tied samples in a feature",
    "reason": "why there is no estimate",
    "std_error": "standard error of the information",
    "determined": "whether other features determine it, but for rounding",
}
FEATURE = ("feature",)  # along which diagnostics of features lie
LONG_NAMES = {
    "entropy": "differential entropy",
    "kl_divergence": "Kullback-Leibler divergence",
    "o_information": "O-information",
}


class Request(NamedTuple):
    """The keywords that all measures have."""

    skipna: bool | None
    min_samples: int | None
    estimator: RBIG
    base: Base
    diagnostics: bool
    keep_attrs: bool
    normalize: bool = False
    std_error: bool = False

    def check(self) -> None:
        """Refuse values that mean nothing."""
        if not isinstance(self.base, Hashable) or self.base not in UNITS:
            raise ValueError(f"base={self.base!r} is not one of {list(UNITS)}: 'e' gives nats, 2 gives bits.")
        if self.normalize and self.base != "e":
            raise ValueError(
                f"normalize=True gives a correlation, which has no unit: leave out base={self.base!r}, "
                "or normalize=True for the information itself."
            )
        if self.min_samples is not None and (not isinstance(self.min_samples, Integral) or self.min_samples < 1):
            raise ValueError(f"min_samples={self.min_samples!r} must be a positive integer.")
        if not (self.skipna is None or isinstance(self.skipna, bool | np.bool_)):
            raise ValueError(f"skipna={self.skipna!r} is not one of None, True, False.")
        if not isinstance(self.estimator, RBIG):
            raise TypeError(f"estimator={self.estimator!r} must be settings, such as xrbig.RBIG(rotation='pca').")


def of_features(
    name: str,
    measure: Measure,
    data: xr.Dataset | xr.DataArray,
    dim: Dims,
    sample_dim: Dims | None,
    variables: Sequence[Hashable] | None,
    request: Request,
    *,
    least: int = 2,
    along: tuple[str, ...] = (),
) -> xr.DataArray | xr.Dataset:
    """A measure of all features together, of at `least` so many; its result has the dimensions `along` of features."""
    request.check()
    groups = roles.all_features(
        data, variables, dim, sample_dim, long_name(name), least, request.min_samples, pairwise=len(along) > 1
    )
    return labelled(name, measure, groups.found[""], groups, data, request, along)


def labelled(
    name: str,
    measure: Measure,
    found: roles.Features,
    groups: roles.Groups,
    data: xr.Dataset | xr.DataArray,
    request: Request,
    along: tuple[str, ...] = (),
    others: roles.Features | None = None,
) -> xr.DataArray | xr.Dataset:
    """Map the measure over the cells, and name the result; a Dataset if it comes with diagnostics.

    The features that were `found` are those of the `groups`; the `others` are the same at other samples.
    """
    diagnosed = [key for key in DIAGNOSTICS if key != "std_error" or request.std_error] if request.diagnostics else []
    require_free([name, *diagnosed], tuple(dict.fromkeys((*along, *FEATURE * bool(diagnosed)))), found, groups.samples)
    kernel = partial(
        measure,
        settings=request.estimator,
        min_samples=request.min_samples,
        skipna=request.skipna is None or bool(request.skipna),
        **({} if others is not None else {"grid": Grid(tuple(found.arrays[0].sizes[d] for d in groups.samples))}),
        **(ordered.errors_along(found.arrays, groups.samples) if request.std_error else {}),
    )
    sides = [found] if others is None else [found, others]
    value, *fields = _estimate(name, kernel, sides, groups.samples, along, diagnosed)
    kept = dict(data.attrs) if request.keep_attrs and isinstance(data, xr.Dataset) else {}
    value = named(name, value, groups, request)
    if not diagnosed:
        return value.assign_attrs(kept | value.attrs)
    described = {key: _described(name, key, field, request) for key, field in zip(diagnosed, fields, strict=True)}
    return xr.Dataset({name: value, **described}, attrs=kept)


def require_free(
    outputs: Sequence[str], along: Sequence[str], found: roles.Features, samples: tuple[Hashable, ...]
) -> None:
    """Refuse cells that have the name of one of the `outputs`, or of a dimension `along` which these lie."""
    checks.require_free(outputs, along, found.arrays, [(*own, *samples) for own in found.dims])


def named(name: str, nats: xr.DataArray, groups: roles.Groups, request: Request) -> xr.DataArray:
    """The value in its unit, with its name and attributes."""
    value = in_unit(nats, request).rename(name)
    value.attrs = {
        **unit_attrs(name, request),
        **groups.attrs,
        "sample_dims": ", ".join(str(d) for d in groups.samples),
        "estimator": repr(request.estimator),
        "xrbig_version": version("xrbig"),
    }
    return value


def _described(name: str, key: str, field: xr.DataArray, request: Request) -> xr.DataArray:
    """A diagnostic with its attributes, the standard error in its unit."""
    if key == "std_error":
        error = field / math.log(2) if request.base == 2 else field
        return error.assign_attrs(information_attrs(f"standard error of the {long_name(name)}", request.base))
    if key == "reason":
        meanings = " ".join(reason.name.lower() for reason in Reason)
        return field.assign_attrs(
            long_name=DIAGNOSTICS[key], flag_values=np.array(Reason, dtype=np.int8), flag_meanings=meanings
        )
    return field.assign_attrs(long_name=DIAGNOSTICS[key], units="1")


def _estimate(
    name: str,
    kernel: Any,
    sides: list[roles.Features],
    samples: tuple[Hashable, ...],
    along: tuple[str, ...],
    diagnosed: list[str],
) -> list[xr.DataArray]:
    """The value and what else of an `Estimate` is wanted, with the labels of the features `along` which it lies."""
    known = {
        "value": blocks.Output(np.float64, along),
        "n_samples": blocks.Output(np.int64),
        "n_layers": blocks.Output(np.int64, along),
        "converged": blocks.Output(np.bool_, along),
        "tied_fraction": blocks.Output(np.float64),
        "reason": blocks.Output(np.int8, along),
        "std_error": blocks.Output(np.float64),
        "determined": blocks.Output(np.bool_, FEATURE),
    }
    wanted = ["value", *diagnosed]
    fields = blocks.map_cells(
        name, partial(_fields, kernel=kernel, names=wanted), sides, samples, [known[field] for field in wanted]
    )
    return [
        with_labels(field, tuple(dict.fromkeys((*along, *FEATURE))), [sides[0].labels[i] for i in sides[0].order])
        for field in fields
    ]


def with_labels(array: xr.DataArray, dims: Sequence[str], labels: list[str]) -> xr.DataArray:
    """Label those of the dimensions that the array has, with texts that are written as objects: Zarr has no others."""
    labelled = array.assign_coords({d: np.array(labels) for d in dims if d in array.dims})
    for d in dims:
        if d in labelled.coords:
            labelled.coords[d].encoding["dtype"] = object
    return labelled


def _fields(*x: NDArray[Any], kernel: Any, names: list[str]) -> tuple[NDArray[Any], ...]:
    estimate = kernel(*x)
    return tuple(getattr(estimate, name) for name in names)


def in_unit(nats: xr.DataArray, request: Request) -> xr.DataArray:
    """Nats as they are, in bits, or as an equivalent correlation."""
    if request.normalize:
        return nats.copy(data=np.sqrt(-np.expm1(-2 * nats.data.clip(min=0))))
    return nats / math.log(2) if request.base == 2 else nats


def unit_attrs(name: str, request: Request) -> dict[str, str]:
    """What the value is, for its attributes."""
    if request.normalize:
        return {"long_name": f"equivalent correlation of the {long_name(name)}", "units": "1"}
    return information_attrs(long_name(name), request.base)


def information_attrs(text: str, base: Base) -> dict[str, str]:
    """Attributes of information.

    There are no `units`: UDUNITS takes "nat" for a nano-technical-atmosphere, and "1" would stand beside the nats of
    the name on the label of a plot. CF lets what has no dimension do without.
    """
    return {"long_name": f"{text} ({UNITS[base]})", "information_unit": UNITS[base]}


def long_name(name: str) -> str:
    """The measure, spelt out."""
    return LONG_NAMES.get(name, name.replace("_", " "))
