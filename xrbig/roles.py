"""Features, samples and cells: which variable and which dimension is what, and every error about names."""

from collections.abc import Hashable, Iterable, Sequence
from difflib import get_close_matches
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

Dims = Hashable | Sequence[Hashable]
Group = Hashable | Sequence[Hashable] | xr.DataArray | xr.Dataset

VARIABLES = "feature"  # the name of the dimension that the data variables themselves form
AUXILIARY_ATTRS = (
    "ancillary_variables",
    "bounds",
    "cell_measures",
    "climatology",
    "coordinates",
    "formula_terms",
    "geometry",
    "grid_mapping",
    "interior_ring",
    "node_coordinates",
    "node_count",
    "part_node_count",
)


class Features(NamedTuple):
    """Variables and the features they hold.

    Attributes
    ----------
    arrays : the variables
    dims : of each variable, the dimensions along which every entry is a feature of its own
    labels : of each feature, in the order of the variables and their entries
    order : the indices that put the features into their canonical order, whatever that of the variables
    """

    arrays: list[xr.DataArray]
    dims: list[tuple[Hashable, ...]]
    labels: list[str]
    order: list[int]


def features(arrays: Iterable[xr.DataArray], dim: Dims) -> Features:
    """Take each entry of the variables along `dim` for a feature, and order them by name and coordinate."""
    arrays = list(arrays)
    dims = [tuple(d for d in sorted(as_names(dim), key=str) if d in a.dims) for a in arrays]
    labels, keys = [], []
    for array, own in zip(arrays, dims, strict=True):
        for entry in product(*(range(array.sizes[d]) for d in own)):
            places = zip(own, entry, strict=True)
            where = ", ".join(f"{d}={array[d].values[i]}" for d, i in places)
            labels.append(f"{array.name}[{where}]" if where else str(array.name))
            ranks = (_ranks(array[d])[i] for d, i in zip(own, entry, strict=True))
            keys.append((str(array.name), *ranks))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return Features(arrays, dims, labels, order)


def _ranks(coordinate: xr.DataArray) -> list[int]:
    values = coordinate.values
    sortable = values if values.dtype.kind in "iufMmUS" else values.astype(str)
    ranks: list[int] = np.argsort(np.argsort(sortable, kind="stable"), kind="stable").tolist()
    return ranks


def as_names(names: Dims | None) -> list[Hashable]:
    """One name or several, as a list."""
    if names is None:
        return []
    return list(names) if isinstance(names, list | tuple | set) else [names]


def variables_of(data: xr.Dataset | xr.DataArray, variables: Sequence[Hashable] | None) -> list[xr.DataArray]:
    """The variables that can hold features: those named, or all that CF does not call auxiliary."""
    if isinstance(data, xr.DataArray):
        return [data if data.name is not None else data.rename("data")]
    if not isinstance(data, xr.Dataset):
        raise TypeError(
            f"expected an xarray Dataset or DataArray, got {type(data).__name__}: "
            "wrap the array first, xr.DataArray(values, dims=('time', 'feature'))."
        )
    if variables is None:
        auxiliary = _auxiliary_names(data)
        return [data[name] for name in data.data_vars if name not in auxiliary]
    names = as_names(variables)
    for name in names:
        _require_variable(data, name, "variables")
    return [data[name] for name in dict.fromkeys(names)]


def _auxiliary_names(data: xr.Dataset) -> set[str]:
    """Names that CF attributes (bounds, grid mappings, ...) of any variable point to."""
    found: set[str] = set()
    for variable in data.variables.values():
        for attr in AUXILIARY_ATTRS:
            for text in (variable.attrs.get(attr), variable.encoding.get(attr)):
                if isinstance(text, str):
                    found.update(word for word in text.split() if not word.endswith(":"))
    return found


def group(data: xr.Dataset | xr.DataArray, spec: Group | None, argument: str) -> list[xr.DataArray]:
    """The variables of one side of a mutual information."""
    if isinstance(spec, xr.DataArray):
        return [spec if spec.name is not None else spec.rename(argument)]
    if isinstance(spec, xr.Dataset):
        return _not_empty(variables_of(spec, None), argument)
    if isinstance(data, xr.DataArray):
        raise TypeError(
            f"{argument}={spec!r}: a DataArray has no variables to name. Pass the other side as a DataArray, "
            "da.rbig.mutual_information(other), or name variables of a Dataset, "
            'ds.rbig.mutual_information("x_vars", "y_vars").'
        )
    names = as_names(spec)
    for name in names:
        _require_variable(data, name, argument)
    return _not_empty([data[name] for name in dict.fromkeys(names)], argument)


def _not_empty(arrays: list[xr.DataArray], argument: str) -> list[xr.DataArray]:
    if not arrays:
        raise ValueError(
            f"the group {argument} is empty: name at least one variable, "
            f'ds.rbig.mutual_information(["tas", "pr"], "gpp").'
        )
    return arrays


def require_disjoint(x: list[xr.DataArray], y: list[xr.DataArray]) -> None:
    """Refuse a variable that is in both groups: its mutual information with itself is infinite."""
    for name in {a.name for a in x} & {a.name for a in y}:
        raise ValueError(
            f"variable {name!r} is in both groups. Leave it out of one of them; if two different arrays share "
            f"the name, rename one: other.rename({f'{name}_2'!r})."
        )


def _require_variable(data: xr.Dataset, name: Hashable, argument: str) -> None:
    if name not in data.data_vars:
        raise ValueError(
            f"{argument} names {name!r}, which is not a data variable of the Dataset"
            f"{_closest(name, data.data_vars)}. It has {[str(n) for n in data.data_vars]}."
        )


def _closest(name: Hashable, candidates: Iterable[Hashable]) -> str:
    close = get_close_matches(str(name), [str(c) for c in candidates], n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def sample_dims(arrays: list[xr.DataArray], dim: Dims, sample_dim: Dims | None) -> tuple[Hashable, ...]:
    """The sample dimensions, in canonical order; all that are not `dim` if none is named."""
    present = list(dict.fromkeys(d for a in arrays for d in a.dims))
    along, over = as_names(dim), as_names(sample_dim)
    for argument, names in (("dim", along), ("sample_dim", over)):
        for name in names:
            if name not in present and not (argument == "dim" and name == VARIABLES):
                raise ValueError(
                    f"{argument}={name!r} is not a dimension of the data{_closest(name, present)}. "
                    f"They have {[str(d) for d in present]}."
                )
    for name in along:
        if name in over:
            raise ValueError(
                f"{name!r} is both dim and sample_dim: features lie along dim, samples along sample_dim. "
                f"Name another dimension for one of them; there are {[str(d) for d in present]}."
            )
    if not over and sample_dim is None:
        over = [d for d in present if d not in along]
    if not over:
        raise ValueError(
            f"no dimension is left for the samples: the data have {[str(d) for d in present]} and "
            f"dim={dim!r}. Name one, sample_dim='time'."
        )
    return tuple(sorted(over, key=str))


def require_features(found: Features, samples: tuple[Hashable, ...], data: xr.Dataset | xr.DataArray) -> None:
    """Refuse variables that are no features, and fewer than two features."""
    good = [str(a.name) for a in found.arrays if not _defect(a, samples)]
    for array in found.arrays:
        if defect := _defect(array, samples):
            remedy = f"Name the features: variables={good}." if good else "Choose other variables."
            raise ValueError(f"variable {array.name!r} {defect}, so it cannot be a feature. {remedy}")
    if len(found.labels) < 2:
        have = f"only one feature, {found.labels[0]!r}" if found.labels else "no feature"
        kind = "Dataset" if isinstance(data, xr.Dataset) else "DataArray"
        others = [str(d) for a in found.arrays for d in a.dims if d not in samples]
        example = others[0] if others else "band"
        raise ValueError(
            f"total correlation needs at least two features; this {kind} has {have}. Add variables, or name the "
            f"dimension whose entries are the features: dim={example!r}."
        )


def require_groups(x: Features, y: Features, samples: tuple[Hashable, ...]) -> None:
    """Refuse variables of the two groups that are no features."""
    for argument, found in (("x", x), ("y", y)):
        for array in found.arrays:
            if defect := _defect(array, samples):
                raise ValueError(
                    f"variable {array.name!r} of {argument} {defect}, so it cannot be a feature. Leave it out, or "
                    f"name samples that all variables have, sample_dim={_common_dims(x, y)!r}."
                )
        if not found.labels:
            raise ValueError(f"the group {argument} is empty: its dimension {found.dims} has no entries.")


def _common_dims(x: Features, y: Features) -> Any:
    arrays = [*x.arrays, *y.arrays]
    common = [str(d) for d in arrays[0].dims if all(d in a.dims for a in arrays)]
    return common[0] if len(common) == 1 else tuple(common)


def _defect(array: xr.DataArray, samples: tuple[Hashable, ...]) -> str:
    if array.dtype.kind not in "iuf":
        return f"is not numeric (dtype {array.dtype})"
    if lacking := [str(d) for d in samples if d not in array.dims]:
        dims = tuple(str(d) for d in array.dims)
        return f"lacks the sample dimension {lacking[0]!r} (it has {dims})"
    return ""


def require_alignment(arrays: list[xr.DataArray], exclude: set[Hashable]) -> None:
    """Refuse arrays that share a dimension but not its coordinate: nothing is ever aligned silently."""
    for dim in dict.fromkeys(d for a in arrays for d in a.dims if d not in exclude):
        first, *others = [a for a in arrays if dim in a.dims]
        for other in others:
            if difference := _difference(first, other, dim):
                raise ValueError(
                    f"the coordinate {dim!r} of {other.name!r} differs from that of {first.name!r}: {difference}. "
                    f"If they mean the same, say so, {other.name}.assign_coords({dim}={first.name}.{dim}); else "
                    f"select or interpolate, xr.align({first.name}, {other.name}, join='inner')."
                )


def _difference(a: xr.DataArray, b: xr.DataArray, dim: Hashable) -> str:
    if a.sizes[dim] != b.sizes[dim]:
        return f"{b.sizes[dim]} against {a.sizes[dim]} entries"
    if dim not in a.coords or dim not in b.coords:
        return ""
    if a.indexes[dim].equals(b.indexes[dim]):
        return ""
    left, right = a[dim].values, b[dim].values
    unequal = int((left != right).sum())
    text = f"{unequal} of {left.size} entries differ"
    try:
        span = np.max(np.abs(right - left))
    except TypeError:
        return f"{text}, e.g. {right[0]} against {left[0]}"
    shown = span.astype("timedelta64[s]").item() if isinstance(span, np.timedelta64) else span
    return f"{text}, by up to {shown}"
