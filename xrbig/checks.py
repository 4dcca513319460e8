"""What data and arguments must be: every error says what is wrong, and which call works."""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xrbig.core.information import FEWEST_SAMPLES, fewest_samples

NUMERIC = "iuf"  # kinds of dtypes that hold numbers
NEEDED = {1: "one feature", 2: "two features", 3: "three features (it is 0 for two)"}
FLOW = "a flow"
CONVERSIONS = {
    "m": ', a length of time: divide it by its unit, ds["{name}"] / np.timedelta64(1, "s")',
    "M": ', a date: take a number of it, (ds["{name}"] - ds["{name}"].min()) / np.timedelta64(1, "D")',
    "b": ', true or false: make numbers of it, ds["{name}"].astype(float)',
    "O": ', of objects: make numbers of them, ds["{name}"].astype(float)',
    "c": ', complex: take its parts as features, ds["{name}"].real and ds["{name}"].imag',
}


def require_labelled(data: object) -> None:
    """Refuse data without names."""
    if isinstance(data, xr.DataTree):
        raise TypeError(
            "expected an xarray Dataset or DataArray, got a DataTree: map over its nodes, "
            'xr.map_over_datasets(lambda ds: ds.rbig.total_correlation(sample_dim="time").to_dataset(), tree), '
            "or take the Dataset of one, tree['node'].to_dataset()."
        )
    if not isinstance(data, xr.Dataset | xr.DataArray):
        raise TypeError(
            f"expected an xarray Dataset or DataArray, got {type(data).__name__}: "
            "wrap the array first, xr.DataArray(values, dims=('time', 'feature'))."
        )


def readable(array: xr.DataArray) -> xr.DataArray:
    """The variable as NumPy or Dask numbers: a quantity by its magnitude, its unit among the attributes."""
    data = array.data
    if hasattr(data, "magnitude") and hasattr(data, "units"):
        return readable(array.copy(data=data.magnitude).assign_attrs(units=str(data.units)))
    if not isinstance(array.dtype, np.dtype):
        raise TypeError(
            f"variable {array.name!r} has the dtype {array.dtype} of pandas, and numbers are needed: make some of it, "
            f"ds[{array.name!r}].astype(float), or, of categories, their codes, pd.factorize(ds[{array.name!r}])[0]."
        )
    lazy = _kind(data).startswith("dask.")
    inner = data._meta if lazy else data
    if not isinstance(inner, np.ndarray):
        raise TypeError(
            f"variable {array.name!r} is a {'Dask array of ' * lazy}{_kind(inner)}, and xrbig reads NumPy arrays and "
            "Dask arrays of them: convert it, ds.as_numpy(), and chunk it again if it must be lazy, "
            "ds.as_numpy().chunk()."
        )
    if any(np.isnan(sizes).any() for sizes in array.chunks or ()):
        raise ValueError(
            f"the chunks of variable {array.name!r} have unknown sizes, as after a boolean mask: find them first, "
            f"xr.DataArray(array.data.compute_chunk_sizes(), dims={array.dims!r}), or use .where(mask, drop=True)."
        )
    return array


def _kind(data: object) -> str:
    """The library of an array and its name there."""
    return f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"


def require_names(names: Any, argument: str, data: xr.Dataset) -> None:
    """Refuse data where the names of variables are expected."""
    several = names if isinstance(names, Sequence) and not isinstance(names, str) else [names]
    for name in several:
        if isinstance(name, np.ndarray | xr.DataArray | xr.Dataset):
            raise TypeError(
                f"{argument} holds a {type(name).__name__}, and names of data variables are expected, as "
                f"{argument}={list(data.data_vars)[:2]!r}. An array without names must be labelled first, "
                "xr.DataArray(values, dims=('time',), name='x')."
            )


def require_variable(data: xr.Dataset, name: Hashable, argument: str) -> None:
    """Refuse a name that no data variable has."""
    if name in data.data_vars:
        return
    if name in data.coords:
        index = f".reset_index({name!r})" if name in data.xindexes else ""
        raise ValueError(
            f"{argument} names {name!r}, which is a coordinate: make a variable of it, "
            f"ds{index}.reset_coords({name!r})."
        )
    raise ValueError(
        f"{argument} names {name!r}, which is not a data variable of the Dataset. It has "
        f"{list(data.data_vars)!r}.{_closest(name, data.data_vars)}"
    )


def _closest(name: Hashable, candidates: Iterable[Hashable]) -> str:
    known = [c for c in candidates if isinstance(c, str)]
    close = get_close_matches(name, known, n=1, cutoff=0.6) if isinstance(name, str) else []
    return f" Did you mean {close[0]!r}?" if close else ""


def require_dims(dim: list[Hashable], sample_dim: list[Hashable], present: list[Hashable], free: str) -> None:
    """Refuse names that no dimension has, `free` aside for `dim`, and a dimension of both kinds."""
    for argument, names in (("dim", dim), ("sample_dim", sample_dim)):
        for name in names:
            if name is ...:
                raise ValueError(f"{argument}=...: name the dimensions, of {present!r}; sample_dim=None means all.")
            if name not in present and not (argument == "dim" and name == free):
                known = [*present, free] if argument == "dim" else present
                raise ValueError(
                    f"{argument}={name!r} is not a dimension of the data. They have {present!r}.{_closest(name, known)}"
                )
    for name in dim:
        if name in sample_dim:
            raise ValueError(
                f"{name!r} is both dim and sample_dim: features lie along dim, samples along sample_dim. "
                f"Name another dimension for one of them; there are {present!r}."
            )


def require_sample_dims(found: list[Hashable], present: list[Hashable], dim: object) -> None:
    """Refuse data of which no dimension is left for the samples."""
    if not found:
        raise ValueError(
            f"no dimension is left for the samples: the data have {present!r} and dim={dim!r}. "
            "Name one of them that is not in dim, sample_dim='time'."
        )


def require_variables(arrays: list[xr.DataArray], dims: list[Any], samples: tuple[Hashable, ...], least: int) -> None:
    """Refuse variables that are no features, naming those that are."""
    good = [a.name for a in arrays if not _defect(a, samples)]
    for array in arrays:
        if defect := _defect(array, samples):
            enough = len(good) >= least or any(dims)
            remedy = f"Name the features: variables={good!r}." if enough else "Choose other samples or variables."
            raise ValueError(f"variable {array.name!r} {defect}, so it cannot be a feature. {remedy}")


def require_groups(groups: Mapping[str, list[xr.DataArray]], samples: tuple[Hashable, ...]) -> None:
    """Refuse variables of the groups that are no features."""
    for argument, arrays in groups.items():
        for array in arrays:
            if defect := _defect(array, samples):
                common = _common_dims([a for group in groups.values() for a in group])
                other = f", or name samples that all variables have, sample_dim={common!r}" if common else ""
                remedy = "Leave it out" + (other if "lacks" in defect else "")
                raise ValueError(
                    f"variable {array.name!r} of {argument} {defect}, so it cannot be a feature. {remedy}."
                )


def _common_dims(arrays: list[xr.DataArray]) -> Any:
    common = [str(d) for d in arrays[0].dims if all(d in a.dims for a in arrays)]
    return common[0] if len(common) == 1 else tuple(common)


def _defect(array: xr.DataArray, samples: tuple[Hashable, ...]) -> str:
    if array.dtype.kind not in NUMERIC:
        conversion = CONVERSIONS.get(array.dtype.kind, "").format(name=array.name)
        return f"is not numeric (dtype {array.dtype}{conversion})"
    if lacking := [str(d) for d in samples if d not in array.dims]:
        dims = tuple(str(d) for d in array.dims)
        return f"lacks the sample dimension {lacking[0]!r} (it has {dims})"
    return ""


def require_numeric(arrays: list[xr.DataArray]) -> None:
    """Refuse variables that hold no numbers."""
    for array in arrays:
        if defect := _defect(array, ()):
            raise ValueError(f"variable {array.name!r} {defect}, so it cannot be a feature.")


def require_number(
    labels: list[str], arrays: list[xr.DataArray], samples: tuple[Hashable, ...], owner: str, measure: str, least: int
) -> None:
    """Refuse fewer features than the measure needs."""
    if len(labels) >= least:
        return
    number = {0: "no feature", 1: "only one feature"}.get(len(labels), f"only {len(labels)} features")
    have = ", ".join([number, *(repr(label) for label in labels)])
    dims = [d for a in arrays for d in a.dims]
    along = next((d for d in dims if d not in samples), dims[-1] if len(dims) > 1 else None)
    call = "" if along is None else f", or name the dimension whose entries are the features, dim={along!r}"
    raise ValueError(f"{measure} needs at least {NEEDED[least]}; this {owner} has {have}. Add variables{call}.")


def require_samples(
    features: int, sizes: Mapping[Hashable, int], measure: str, min_samples: int | None, dim: object
) -> None:
    """Refuse samples, given the `sizes` of their dimensions, that are too few in any cell, even if none is missing."""
    number, needed = math.prod(sizes.values()), fewest_samples(features, min_samples)
    if number >= needed:
        return
    if features > max(number, FEWEST_SAMPLES):
        remedy = (
            f"Is that meant, dim={dim!r}? Name the dimension of the samples, sample_dim=..., or take fewer features"
        )
    elif number >= fewest_samples(features, 1):
        accept = f", or accept the noise, min_samples={number}" if measure != FLOW else ""
        remedy = f"Take more samples or fewer features{accept}"
    else:
        remedy = f"Take more samples or fewer features: below {fewest_samples(features, 1)} there is no estimate"
    raise ValueError(
        f"{measure} of {features} features needs at least {needed} samples, and there are {number} along "
        f"{list(sizes)!r}. {remedy}."
    )


def require_common_cells(arrays: list[xr.DataArray], core: list[tuple[Hashable, ...]]) -> None:
    """Refuse variables of which none has all dimensions of the cells: each cell of one would meet all of the other."""
    cells = [[d for d in a.dims if d not in own] for a, own in zip(arrays, core, strict=True)]
    widest = max(cells, key=len)
    for array, own in zip(arrays, cells, strict=True):
        beyond = [d for d in own if d not in widest]
        if beyond and not any(set(own) | set(widest) <= set(other) for other in cells):
            other = arrays[cells.index(widest)]
            raise ValueError(
                f"{other.name!r} has the cells {tuple(widest)!r} and {array.name!r} has {tuple(own)!r}: each cell of "
                f"the one would be compared with every one of the other. Put them on the same cells, as by "
                f"{array.name}.interp_like({other.name}) or a regridding library; if all pairs of cells are meant, "
                f"say so, xr.broadcast({other.name}, {array.name})."
            )


def require_disjoint(sides: Mapping[str, list[xr.DataArray]]) -> None:
    """Refuse a variable that is in two groups: its mutual information with itself is infinite."""
    for (left, x), (right, y) in combinations(sides.items(), 2):
        for name in {a.name for a in x} & {a.name for a in y}:
            both = "both groups" if len(sides) == 2 else f"two groups, {left} and {right}"
            raise ValueError(
                f"variable {name!r} is in {both}. Leave it out of one of them; if two different arrays share "
                f"the name, rename one: other.rename({f'{name}_2'!r})."
            )


def require_not_empty(arrays: Sequence[object], argument: str, dims: Sequence[Any] = ()) -> None:
    """Refuse an empty group, or one whose feature `dims` have no entries."""
    if not arrays:
        why = f": its dimension {dims!r} has no entries, so" if dims else ":"
        raise ValueError(
            f"the group {argument} is empty{why} name at least one variable, "
            f'ds.rbig.mutual_information(["tas", "pr"], "gpp").'
        )


def require_free(outputs: Iterable[str], along: Iterable[str], arrays: list[xr.DataArray], core: list[Any]) -> None:
    """Refuse cells that have a dimension or a coordinate with the name of a dimension or a variable of the result."""
    outputs, along = list(outputs), list(along)
    for array, own in zip(arrays, core, strict=True):
        for name in along:
            if name in array.dims and name not in own:
                raise ValueError(
                    f"the result has a dimension {name!r} of its own, but {array.name!r} has one of that name that is "
                    f"not dim. Rename it, .rename({{{name!r}: {f'{name}_2'!r}}}), or say that features lie along it, "
                    f"dim={name!r}."
                )
        cells = {d for d in array.dims if d not in own}
        taken = cells | {name for name, c in array.coords.variables.items() if set(c.dims) <= cells}
        for name in [*outputs, *along]:
            if name in taken:
                what = "dimension" if name in cells else "coordinate"
                raise ValueError(
                    f"the result has {name!r}, and {array.name!r} has a {what} of that name: rename it, "
                    f".rename({{{name!r}: {f'{name}_2'!r}}})."
                )


def require_same_units(arrays: list[xr.DataArray], units: Mapping[Hashable, object], whose: str) -> None:
    """Refuse variables whose `units`, as text, are not those of the other side."""
    for array in arrays:
        one, other = array.attrs.get("units"), units.get(array.name)
        if isinstance(one, str) and isinstance(other, str) and one.split() != other.split():
            raise ValueError(
                f"{array.name!r} is in {other!r}, and in {one!r} in {whose}: values are compared, so convert one side "
                f'first, as by pint-xarray, {whose}.pint.quantify().pint.to({{{array.name!r}: "{other}"}})'
                f'.pint.dequantify(), or by hand and .assign_attrs(units="{other}").'
            )


def require_alignment(
    arrays: list[xr.DataArray], exclude: Iterable[Hashable], owners: Sequence[str] | None = None
) -> None:
    """Refuse arrays that share a dimension but not its coordinates: nothing is ever aligned silently.

    Coordinates on Dask are left out, as comparing them would compute. The `owners` of the arrays are what messages call
    them, their names if there are none.
    """
    skipped = set(exclude)
    owned = list(zip(arrays, owners or [str(a.name) for a in arrays], strict=True))
    for dim in dict.fromkeys(d for a in arrays for d in a.dims if d not in skipped):
        (first, one), *others = [pair for pair in owned if dim in pair[0].dims]
        shared = [n for n, c in first.coords.variables.items() if dim in c.dims and not skipped & set(c.dims)]
        for array, other in others:
            for name in dict.fromkeys([dim, *(n for n in shared if n in array.coords)]):
                if difference := _difference(first, array, dim, name):
                    sides = f" ({other} against {one})" if owners else ""
                    raise ValueError(
                        f"the coordinate {name!r} of {array.name!r} differs from that of {first.name!r}{sides}: "
                        f"{difference}. {_remedy(one, other, name, first.sizes[dim] == array.sizes[dim])}"
                    )


def _remedy(one: str, other: str, name: Hashable, same_size: bool) -> str:
    select = f"select or interpolate, xr.align({one}, {other}, join='inner')."
    if not same_size:
        return select.capitalize()
    plain = isinstance(name, str) and name.isidentifier()
    call = f"{name}={one}.{name}" if plain else f"{{{name!r}: {one}.coords[{name!r}]}}"
    return f"If they mean the same, say so, {other}.assign_coords({call}); else {select}"


def _difference(a: xr.DataArray, b: xr.DataArray, dim: Hashable, name: Hashable) -> str:
    if a.sizes[dim] != b.sizes[dim]:
        return f"{b.sizes[dim]} against {a.sizes[dim]} entries"
    left, right = (array.coords.variables.get(name) for array in (a, b))
    if left is None or right is None or left.chunks is not None or right.chunks is not None:
        return ""
    if left.dims != right.dims and set(left.dims) == set(right.dims):
        right = right.transpose(*left.dims)
    if left.shape != right.shape:
        return f"shape {right.shape} against {left.shape}"
    return _unequal(left.values, right.values)


def _unequal(left: NDArray[Any], right: NDArray[Any]) -> str:
    try:
        unequal = int(np.sum(~((left == right) | ((left != left) & (right != right)))))  # NaN equals NaN
        if not unequal:
            return ""
        span = np.nanmax(np.abs(right - left))
    except (TypeError, ValueError):
        return f"{right.flat[0]!r} against {left.flat[0]!r} at the first place"
    shown = span / np.timedelta64(1, "s") if isinstance(span, np.timedelta64) else span
    unit = " seconds" if isinstance(span, np.timedelta64) else ""
    return f"{unequal} of {left.size} entries differ, by up to {shown}{unit}"


def is_in_order(index: Any) -> bool:
    """Whether labels ascend or descend; those that cannot be compared do not."""
    return bool(index.is_monotonic_increasing or index.is_monotonic_decreasing)


def require_in_order(index: Any, dim: Hashable) -> None:
    """Refuse samples that are out of order; without an `index` they are in it."""
    if index is not None and not is_in_order(index):
        name = dim if index.name is None else index.name
        raise ValueError(
            f"the samples along {dim!r} are not in order, and autocorrelation is about neighbours: sort them first, "
            f"ds.sortby({name!r}), or, if they are in order and only their labels are not, ds.drop_vars({name!r})."
        )
