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

from xrbig import blocks, ordered, roles
from xrbig.core.information import Estimate
from xrbig.estimator import RBIG
from xrbig.roles import Dims

Base = Literal["e", 2]
Measure = Callable[..., Estimate]

UNITS: dict[Base, str] = {"e": "nat", 2: "bit"}
DIAGNOSTICS = {
    "n_samples": "number of complete samples",
    "n_layers": "number of layers",
    "converged": "whether no further layer was significant",
    "tied_fraction": "largest share of tied samples in a feature",
    "std_error": "standard error of the information",
}
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
        if self.base not in UNITS:
            raise ValueError(f"base={self.base!r} is not one of {list(UNITS)}: 'e' gives nats, 2 gives bits.")
        if self.normalize and self.base != "e":
            raise ValueError(
                f"normalize=True gives a correlation, which has no unit: leave out base={self.base!r}, "
                "or normalize=True for the information itself."
            )
        if self.min_samples is not None and (not isinstance(self.min_samples, Integral) or self.min_samples < 1):
            raise ValueError(f"min_samples={self.min_samples!r} must be a positive integer.")
        if self.skipna not in (None, True, False):
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
    arrays = roles.variables_of(data, variables)
    samples = roles.sample_dims(arrays, dim, sample_dim)
    found = roles.features(arrays, dim)
    roles.require_features(found, samples, data, long_name(name), least)
    attrs = {"features": ", ".join(found.labels)}
    return labelled(name, measure, found, samples, attrs, data, request, along)


def labelled(
    name: str,
    measure: Measure,
    found: roles.Features,
    samples: tuple[Hashable, ...],
    features: dict[str, str],
    data: xr.Dataset | xr.DataArray,
    request: Request,
    along: tuple[str, ...] = (),
    others: list[xr.DataArray] | None = None,
) -> xr.DataArray | xr.Dataset:
    """Map the measure over the cells, and name the result; a Dataset if it comes with diagnostics."""
    roles.require_free(along, found)
    kernel = partial(
        measure,
        settings=request.estimator,
        min_samples=request.min_samples,
        skipna=request.skipna is None or bool(request.skipna),
        **(ordered.errors_along(found.arrays, samples) if request.std_error else {}),
    )
    value, *diagnostics = _estimate(kernel, found, samples, along, request, others)
    kept = dict(data.attrs) if request.keep_attrs and isinstance(data, xr.Dataset) else {}
    value = named(name, value, samples, features, request)
    if not diagnostics:
        return value.assign_attrs(kept | value.attrs)
    fields = {name: value}
    for (key, text), field in zip(DIAGNOSTICS.items(), diagnostics, strict=False):  # the last is that of T and I only
        field.attrs = {"long_name": text, "units": "1"}
        fields[key] = field
    if request.std_error:
        unit = UNITS[request.base]
        error = fields["std_error"] / math.log(2) if request.base == 2 else fields["std_error"]
        text = f"standard error of the {long_name(name)} ({unit})"
        fields["std_error"] = error.assign_attrs(long_name=text, units="1", information_unit=unit)
    return xr.Dataset(fields, attrs=kept)


def named(
    name: str, nats: xr.DataArray, samples: tuple[Hashable, ...], features: dict[str, str], request: Request
) -> xr.DataArray:
    """The value in its unit, with its name and attributes."""
    value = in_unit(nats, request).rename(name)
    value.attrs = {
        **unit_attrs(name, request),
        **features,
        "sample_dims": ", ".join(str(d) for d in samples),
        "estimator": repr(request.estimator),
        "xrbig_version": version("xrbig"),
    }
    return value


def _estimate(
    kernel: Any,
    found: roles.Features,
    samples: tuple[Hashable, ...],
    along: tuple[str, ...],
    request: Request,
    others: list[xr.DataArray] | None,
) -> list[xr.DataArray]:
    """The fields of an `Estimate` that are wanted, with the labels of the cells and of the features `along` it."""
    outputs = [
        blocks.Output(np.float64, along),
        blocks.Output(np.int64),
        blocks.Output(np.int64, along),
        blocks.Output(np.bool_, along),
        blocks.Output(np.float64),
        blocks.Output(np.float64),
    ]
    outputs = outputs[: (6 if request.std_error else 5) if request.diagnostics else 1]
    wanted = partial(_first_fields, kernel=kernel, number=len(outputs))
    fields = blocks.map_cells(wanted, found.arrays, found.dims, samples, found.order, outputs, others)
    labels = np.array([found.labels[i] for i in found.order], dtype=object)  # Zarr has no string of fixed length
    return [field.assign_coords({d: labels for d in along if d in field.dims}) for field in fields]


def _first_fields(*x: NDArray[Any], kernel: Any, number: int) -> tuple[NDArray[Any], ...]:
    return tuple(kernel(*x)[:number])


def in_unit(nats: xr.DataArray, request: Request) -> xr.DataArray:
    """Nats as they are, in bits, or as an equivalent correlation."""
    if request.normalize:
        return nats.copy(data=np.sqrt(-np.expm1(-2 * nats.data.clip(min=0))))
    return nats / math.log(2) if request.base == 2 else nats


def unit_attrs(name: str, request: Request) -> dict[str, str]:
    """What the value is, for its attributes."""
    if request.normalize:
        return {"long_name": f"equivalent correlation of the {long_name(name)}", "units": "1"}
    unit = UNITS[request.base]
    return {"long_name": f"{long_name(name)} ({unit})", "units": "1", "information_unit": unit}


def long_name(name: str) -> str:
    """The measure, spelt out."""
    return LONG_NAMES.get(name, name.replace("_", " "))
