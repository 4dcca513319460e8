"""Features, samples and cells: which variable and which dimension is what, and every error about names."""

import math
import warnings
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from difflib import SequenceMatcher, get_close_matches
from itertools import combinations, product
from typing import Any, NamedTuple, TypeGuard

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

Dims = Hashable | Iterable[Hashable]
Group = Hashable | Sequence[Hashable] | xr.DataArray | xr.Dataset

VARIABLES = "feature"  # the name of the dimension that the data variables themselves form
ROUNDING = 1e-6  # share of an entry by which another may differ that is taken for it
SHOWN = 8  # entries that a message names
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
        coordinates = [array[d].values for d in own]
        ranks = [_ranks(values) for values in coordinates]
        for entry in product(*(range(len(values)) for values in coordinates)):
            where = ", ".join(f"{d}={v[i]}" for d, v, i in zip(own, coordinates, entry, strict=True))
            labels.append(f"{array.name}[{where}]" if where else str(array.name))
            places = (rank[i] for rank, i in zip(ranks, entry, strict=True))
            keys.append((str(array.name), type(array.name).__name__, *places))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return Features(arrays, dims, labels, order)


def _ranks(values: NDArray[Any]) -> list[int]:
    sortable = values if values.dtype.kind in "iufMmUS" else np.array([str(v) for v in values])
    ranks: list[int] = np.argsort(np.argsort(sortable, kind="stable"), kind="stable").tolist()
    return ranks


def as_names(names: Dims | None) -> list[Hashable]:
    """One name or several, as a list without repetitions."""
    if names is None:
        return []
    if isinstance(names, str) or not isinstance(names, Iterable):
        return [names]
    return list(dict.fromkeys(names))


def names_in(data: xr.Dataset, names: Dims) -> list[Hashable]:
    """Names of variables of `data`: one, which may be a tuple, or several."""
    return [names] if isinstance(names, tuple) and names in data.data_vars else as_names(names)


def require_labelled(data: object) -> None:
    """Refuse data without names."""
    if not isinstance(data, xr.Dataset | xr.DataArray):
        raise TypeError(
            f"expected an xarray Dataset or DataArray, got {type(data).__name__}: "
            "wrap the array first, xr.DataArray(values, dims=('time', 'feature'))."
        )


def variables_of(data: xr.Dataset | xr.DataArray, variables: Sequence[Hashable] | None) -> list[xr.DataArray]:
    """The variables that can hold features: those named, or all that CF does not call auxiliary."""
    require_labelled(data)
    if isinstance(data, xr.DataArray):
        if variables is not None:
            raise ValueError(f"variables={variables!r} name variables of a Dataset, but the data are a DataArray.")
        return [data if data.name is not None else data.rename("data")]
    if variables is None:
        auxiliary = _auxiliary_names(data)
        return [data[name] for name in data.data_vars if name not in auxiliary]
    names = names_in(data, variables)
    if not names:
        raise ValueError(f"variables=[] leaves no feature; the Dataset has {list(data.data_vars)!r}.")
    for name in names:
        _require_variable(data, name, "variables")
    return [data[name] for name in names]


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
        if spec.name is None:
            raise ValueError(
                f"the array {argument} has no name, and the order of the two sides must not matter: "
                f"name both, array.rename({argument!r})."
            )
        return [spec]
    if isinstance(spec, xr.Dataset):
        return _not_empty(variables_of(spec, None), argument)
    if isinstance(data, xr.DataArray):
        raise TypeError(
            f"{argument}={spec!r}: a DataArray has no variables to name. Pass the other side as a DataArray, "
            "da.rbig.mutual_information(other), or name variables of a Dataset, "
            'ds.rbig.mutual_information("x_vars", "y_vars").'
        )
    names = names_in(data, spec)
    for name in names:
        _require_variable(data, name, argument)
    return _not_empty([data[name] for name in names], argument)


def sides(data: xr.Dataset | xr.DataArray, x: Group, y: Group | None) -> tuple[list[xr.DataArray], list[xr.DataArray]]:
    """The variables of the two groups: `x` and `y`, or the data themselves and `x`."""
    require_labelled(data)
    labelled = isinstance(x, xr.DataArray | xr.Dataset)
    if y is None and (labelled or isinstance(data, xr.DataArray)):
        return group(data, data, "x"), group(data, x, "y")
    if isinstance(data, xr.DataArray):
        raise TypeError(
            "a DataArray is one of the two groups itself: da.rbig.mutual_information(other); "
            "for two other arrays, x.rbig.mutual_information(y)."
        )
    return group(data, x, "x"), group(data, y, "y")


def same_variables(
    other: xr.Dataset | xr.DataArray, data: xr.Dataset | xr.DataArray, arrays: list[xr.DataArray]
) -> list[xr.DataArray]:
    """The variables of `other` that have the names of those of `data`, `arrays`; the name of a DataArray is free."""
    require_labelled(other)
    if isinstance(other, xr.DataArray) and isinstance(data, xr.DataArray):
        return [other.rename(arrays[0].name)]
    if isinstance(other, xr.DataArray) or isinstance(data, xr.DataArray):
        raise TypeError(
            f"the data are a {type(data).__name__}, other is a {type(other).__name__}: both must be the same. "
            "Give the variable, ds.rbig.kl_divergence(other) or ds['tas'].rbig.kl_divergence(other['tas'])."
        )
    for array in arrays:
        _require_variable(other, array.name, "the data")
    return [other[array.name] for array in arrays]


def require_same_features(found: Features, others: Features) -> None:
    """Refuse features that are not the same."""
    for one, two, whose in ((found, others, "other"), (others, found, "the data")):
        for label in one.labels:
            if label not in two.labels:
                raise ValueError(
                    f"{whose} has no feature {label!r}. Select the same entries on both sides, as other.sel(level=...)."
                )


def known(data: xr.Dataset | xr.DataArray, given: Group | None) -> list[xr.DataArray]:
    """The variables on which a mutual information is conditional."""
    if given is None:
        raise ValueError(
            "given=None: name what is known, given='enso', or use mutual_information, which needs nothing known."
        )
    return group(data, given, "given")


def _not_empty(arrays: list[xr.DataArray], argument: str) -> list[xr.DataArray]:
    if not arrays:
        raise ValueError(
            f"the group {argument} is empty: name at least one variable, "
            f'ds.rbig.mutual_information(["tas", "pr"], "gpp").'
        )
    return arrays


class Groups(NamedTuple):
    """Groups of features, by their argument, and the sample dimensions."""

    found: dict[str, Features]
    samples: tuple[Hashable, ...]

    def attrs(self) -> dict[str, str]:
        """The features of each group, for the attributes of the result."""
        return {f"{argument}_features": ", ".join(g.labels) for argument, g in self.found.items()}

    def joined(self) -> tuple[Features, int]:
        """The features of two groups, the first by name before the other, and the number of that."""
        first, second = sorted(self.found.values(), key=lambda g: sorted(g.labels))
        both = Features(
            first.arrays + second.arrays,
            first.dims + second.dims,
            first.labels + second.labels,
            first.order + [len(first.labels) + i for i in second.order],
        )
        return both, len(first.labels)


def groups(sides: dict[str, list[xr.DataArray]], dim: Dims, sample_dim: Dims | None) -> Groups:
    """The features of each side, or an error that tells what is wrong with them."""
    require_disjoint(sides)
    arrays = [a for side in sides.values() for a in side]
    samples = sample_dims(arrays, dim, sample_dim)
    found = {argument: features(side, dim) for argument, side in sides.items()}
    require_groups(found, samples)
    require_alignment(arrays, set(as_names(dim)))
    return Groups(found, samples)


def require_disjoint(sides: dict[str, list[xr.DataArray]]) -> None:
    """Refuse a variable that is in two groups: its mutual information with itself is infinite."""
    for (left, x), (right, y) in combinations(sides.items(), 2):
        for name in {a.name for a in x} & {a.name for a in y}:
            both = "both groups" if len(sides) == 2 else f"two groups, {left} and {right}"
            raise ValueError(
                f"variable {name!r} is in {both}. Leave it out of one of them; if two different arrays share "
                f"the name, rename one: other.rename({f'{name}_2'!r})."
            )


def _require_variable(data: xr.Dataset, name: Hashable, argument: str) -> None:
    if name not in data.data_vars:
        raise ValueError(
            f"{argument} names {name!r}, which is not a data variable of the Dataset. It has "
            f"{list(data.data_vars)!r}.{_closest(name, data.data_vars)}"
        )


def _closest(name: Hashable, candidates: Iterable[Hashable]) -> str:
    close = get_close_matches(str(name), [str(c) for c in candidates], n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def sample_dims(arrays: list[xr.DataArray], dim: Dims, sample_dim: Dims | None) -> tuple[Hashable, ...]:
    """The sample dimensions, in canonical order; all that are not `dim` if none is named."""
    present = list(dict.fromkeys(d for a in arrays for d in a.dims))
    along, over = as_names(dim), as_names(sample_dim)
    for argument, names in (("dim", along), ("sample_dim", over)):
        for name in names:
            if name not in present and not (argument == "dim" and name == VARIABLES):
                known = [*present, VARIABLES] if argument == "dim" else present
                raise ValueError(
                    f"{argument}={name!r} is not a dimension of the data. They have {present!r}.{_closest(name, known)}"
                )
    for name in along:
        if name in over:
            raise ValueError(
                f"{name!r} is both dim and sample_dim: features lie along dim, samples along sample_dim. "
                f"Name another dimension for one of them; there are {present!r}."
            )
    if not over and sample_dim is None:
        over = [d for d in present if d not in along]
    if not over:
        raise ValueError(
            f"no dimension is left for the samples: the data have {present!r} and dim={dim!r}. "
            "Name one of them that is not in dim, sample_dim='time'."
        )
    return tuple(sorted(over, key=str))


def require_features(
    found: Features,
    samples: tuple[Hashable, ...],
    data: xr.Dataset | xr.DataArray,
    measure: str = "total correlation",
    least: int = 2,
) -> None:
    """Refuse variables that are no features, and fewer features than the measure needs."""
    good = [a.name for a in found.arrays if not _defect(a, samples)]
    for array in found.arrays:
        if defect := _defect(array, samples):
            enough = len(good) >= least or any(own for own in found.dims)
            remedy = f"Name the features: variables={good!r}." if enough else "Choose other samples or variables."
            raise ValueError(f"variable {array.name!r} {defect}, so it cannot be a feature. {remedy}")
    if len(found.labels) < least:
        number = {0: "no feature", 1: "only one feature"}.get(len(found.labels), f"only {len(found.labels)} features")
        have = ", ".join([number, *(repr(label) for label in found.labels)])
        dims = [d for a in found.arrays for d in a.dims]
        along = next((d for d in dims if d not in samples), dims[-1] if len(dims) > 1 else None)
        call = "" if along is None else f", or name the dimension whose entries are the features, dim={along!r}"
        needed = {1: "one feature", 2: "two features", 3: "three features (it is 0 for two)"}[least]
        raise ValueError(
            f"{measure} needs at least {needed}; this {type(data).__name__} has {have}. Add variables{call}."
        )


def require_free(names: Iterable[str], found: Features) -> None:
    """Refuse data that have the name of a new dimension for a cell or sample dimension."""
    for array, own in zip(found.arrays, found.dims, strict=True):
        for name in names:
            if name in array.dims and name not in own:
                raise ValueError(
                    f"the result has a dimension {name!r} of its own, but {array.name!r} has one of that name that is "
                    f"not dim. Rename it, .rename({{{name!r}: {f'{name}_2'!r}}}), or say that features lie along it, "
                    f"dim={name!r}."
                )


def require_groups(groups: dict[str, Features], samples: tuple[Hashable, ...]) -> None:
    """Refuse variables of the groups that are no features."""
    for argument, found in groups.items():
        for array in found.arrays:
            if defect := _defect(array, samples):
                common = _common_dims([a for g in groups.values() for a in g.arrays])
                other = f", or name samples that all variables have, sample_dim={common!r}" if common else ""
                remedy = "Leave it out" + (other if "lacks" in defect else "")
                raise ValueError(
                    f"variable {array.name!r} of {argument} {defect}, so it cannot be a feature. {remedy}."
                )
        if not found.labels:
            raise ValueError(f"the group {argument} is empty: its dimension {found.dims} has no entries.")


def _common_dims(arrays: list[xr.DataArray]) -> Any:
    common = [str(d) for d in arrays[0].dims if all(d in a.dims for a in arrays)]
    return common[0] if len(common) == 1 else tuple(common)


def _defect(array: xr.DataArray, samples: tuple[Hashable, ...]) -> str:
    if array.dtype.kind not in "iuf":
        return f"is not numeric (dtype {array.dtype})"
    if lacking := [str(d) for d in samples if d not in array.dims]:
        dims = tuple(str(d) for d in array.dims)
        return f"lacks the sample dimension {lacking[0]!r} (it has {dims})"
    return ""


def require_numeric(arrays: list[xr.DataArray]) -> None:
    """Refuse variables that hold no numbers."""
    for array in arrays:
        if defect := _defect(array, ()):
            raise ValueError(f"variable {array.name!r} {defect}, so it cannot be a feature.")


def require_alignment(arrays: list[xr.DataArray], exclude: set[Hashable]) -> None:
    """Refuse arrays that share a dimension but not its coordinates: nothing is ever aligned silently.

    Coordinates on Dask are left out, as comparing them would compute.
    """
    for dim in dict.fromkeys(d for a in arrays for d in a.dims if d not in exclude):
        first, *others = [a for a in arrays if dim in a.dims]
        for other in others:
            names = [dim, *(c for c in first.coords if dim in first[c].dims and c in other.coords and c != dim)]
            for name in names:
                if difference := _difference(first, other, dim, name):
                    raise ValueError(
                        f"the coordinate {name!r} of {other.name!r} differs from that of {first.name!r}: {difference}. "
                        f"{_remedy(first, other, dim, name)}"
                    )


def _remedy(a: xr.DataArray, b: xr.DataArray, dim: Hashable, name: Hashable) -> str:
    select = f"select or interpolate, xr.align({a.name}, {b.name}, join='inner')."
    if a.sizes[dim] != b.sizes[dim]:
        return select.capitalize()
    return f"If they mean the same, say so, {b.name}.assign_coords({name}={a.name}.{name}); else {select}"


def _difference(a: xr.DataArray, b: xr.DataArray, dim: Hashable, name: Hashable) -> str:
    if a.sizes[dim] != b.sizes[dim]:
        return f"{b.sizes[dim]} against {a.sizes[dim]} entries"
    if name not in a.coords or name not in b.coords:
        return ""
    if any(c[name].variable.chunks is not None for c in (a, b)):
        return ""
    left, right = a[name].values, b[name].transpose(*a[name].dims, missing_dims="ignore").values
    if left.shape != right.shape:
        return f"shape {right.shape} against {left.shape}"
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


class Entries(NamedTuple):
    """What tells the features of a variable apart: the entries along each of its dimensions of features."""

    name: Hashable
    dims: tuple[Hashable, ...]
    entries: list[NDArray[Any]]


def entries_of(found: Features) -> list[Entries]:
    """The entries of each variable: its labels, positions along a dimension that has none."""
    return [
        Entries(array.name, own, [_entries_along(array, dim) for dim in own])
        for array, own in zip(found.arrays, found.dims, strict=True)
    ]


def _entries_along(array: xr.DataArray, dim: Hashable) -> NDArray[Any]:
    labelled = dim in array.coords and array.coords[dim].dims == (dim,)
    return array.coords[dim].values if labelled else np.arange(array.sizes[dim])


class Time(NamedTuple):
    """A date or a duration, of whatever unit."""

    kind: str
    nanoseconds: int


def matched(found: Features, like: Sequence[Entries], whose: str) -> list[int]:
    """The indices that put the features of `found` into the order in which `like`, the same variables, has them.

    Entries are matched by value, whatever their order and dtype. A number that differs by rounding is taken for the
    nearest, with a warning. Anything else is an error, which calls the side of `found` by `whose`.
    """
    order: list[int] = []
    rounded: dict[str, None] = {}
    for array, held, wanted in zip(found.arrays, entries_of(found), like, strict=True):
        _require_same_dims(held, wanted, whose)
        axes = [held.dims.index(dim) for dim in wanted.dims]
        places = []
        for dim, axis, sought in zip(wanted.dims, axes, wanted.entries, strict=True):
            place, close = _places(array, dim, held.entries[axis], sought, whose)
            places.append(place)
            rounded |= dict.fromkeys(close)
        sizes = [len(entries) for entries in held.entries]
        numbers = len(order) + np.arange(math.prod(sizes)).reshape(sizes)
        order += numbers.transpose(axes)[np.ix_(*places)].ravel().tolist()
    if rounded:
        warnings.warn(f"in {whose}, {_few(list(rounded))}.", stacklevel=4)
    return order


def _require_same_dims(held: Entries, wanted: Entries, whose: str) -> None:
    for dim in held.dims:
        if dim not in wanted.dims:
            raise ValueError(
                f"{held.name!r} of {whose} has features along {dim!r}, where there is only one. Select its entry, "
                f".isel({{{dim!r}: 0}}, drop=True)."
            )
    for dim, entries in zip(wanted.dims, wanted.entries, strict=True):
        if dim not in held.dims:
            raise ValueError(
                f"{held.name!r} of {whose} lacks the dimension {dim!r}, along which its features are "
                f"{_few([str(e) for e in entries])}. Keep it when you select, .sel({{{dim!r}: [...]}})."
            )


def _places(
    array: xr.DataArray, dim: Hashable, own: NDArray[Any], sought: NDArray[Any], whose: str
) -> tuple[list[int], list[str]]:
    """Where each entry that is sought is among those of a side, and which of them differ by rounding."""
    keys, wanted = _comparable(own), _comparable(sought)
    for entries, values in ((own, keys), (sought, wanted)):
        counts = Counter(values)
        if repeated := dict.fromkeys(str(e) for e, v in zip(entries, values, strict=True) if counts[v] > 1):
            raise ValueError(
                f"{array.name!r} has several features {dim}={_few(list(repeated))}, which cannot be told apart. Keep "
                f"one of each, .drop_duplicates({dim!r})."
            )
    at, known = {key: place for place, key in enumerate(keys)}, set(wanted)
    lacking = [key for key in wanted if key not in at]
    close = _roundings([key for key in keys if key not in known], lacking, _gap(wanted))
    for entry, key in zip(sought, wanted, strict=True):
        if key not in at and key not in close:
            remedy = (
                f"Select the same entries on both sides, .sel({{{dim!r}: [...]}})."
                if dim in array.coords
                else f"It has no labels along {dim!r}: .assign_coords({{{dim!r}: [...]}})."
            )
            raise ValueError(
                f"{whose} has no feature '{array.name}[{dim}={entry}]'. {_nearest(own, keys, key, dim)} {remedy}"
            )
    places = [at[close.get(key, key)] for key in wanted]
    if surplus := sorted(set(range(len(own))) - set(places)):
        raise ValueError(
            f"{whose} has the feature '{array.name}[{dim}={own[surplus[0]]}]' besides. Select the entries that both "
            f"sides have, .sel({{{dim!r}: [{_few([repr(e) for e in own[places].tolist()])}]}})."
        )
    return places, [f"{dim}={there!r} is taken for {dim}={key!r}" for key, there in close.items()]


def _comparable(entries: NDArray[Any]) -> list[Hashable]:
    """Entries as Python values that are equal, with equal hashes, where the entries are equal."""
    if entries.dtype.kind in "mM":
        seconds = entries.astype(f"{entries.dtype.kind}8[s]")
        rest = (entries - seconds).astype("m8[ns]")
        parts = zip(seconds.astype(np.int64).tolist(), rest.astype(np.int64).tolist(), strict=True)
        times = [Time(entries.dtype.kind, second * 10**9 + part) for second, part in parts]
        return [None if lacking else time for lacking, time in zip(np.isnat(entries).tolist(), times, strict=True)]
    numbers = entries.astype(np.float64) if entries.dtype.kind == "f" else entries
    return [_plain(entry) for entry in numbers.tolist()]


def _plain(entry: Any) -> Hashable:
    if isinstance(entry, tuple):  # of a MultiIndex
        return tuple(_plain(part) for part in entry)
    if isinstance(entry, bytes):
        return entry.decode(errors="surrogateescape")
    return None if pd.isna(entry) else entry


def _roundings(own: list[Hashable], lacking: list[Hashable], gap: float) -> dict[Hashable, Hashable]:
    """For each number that is lacking the one of `own` that is it but for rounding, where neither has another so near.

    It may be off by a share of itself or, near 0, of the `gap` between entries.
    """
    there, sought = sorted(filter(_is_number, own)), list(filter(_is_number, lacking))
    reach = ROUNDING * np.maximum(np.abs(np.array(sought, dtype=np.float64)), gap)
    low, high = (np.searchsorted(there, sought + side * reach, "left" if side < 0 else "right") for side in (-1, 1))
    near = {key: there[first] for key, first, end in zip(sought, low, high, strict=True) if end - first == 1}
    counts = Counter(near.values())
    return {k: n for k, n in near.items() if counts[n] == 1 and (isinstance(k, float) or isinstance(n, float))}


def _gap(keys: list[Hashable]) -> float:
    """The least distance between numbers, 0 if there are not two of them."""
    numbers = np.sort(np.array([key for key in keys if _is_number(key)], dtype=np.float64))
    return float(np.diff(numbers).min()) if len(numbers) > 1 else 0.0


def _is_number(key: Any) -> TypeGuard[float]:
    return isinstance(key, int | float) and not isinstance(key, bool) and math.isfinite(key)


def _nearest(own: NDArray[Any], keys: list[Hashable], key: Hashable, dim: Hashable) -> str:
    """Which of the entries of a side comes nearest to one that it lacks, or some of them if none is near."""
    distances = [_distance(there, key) for there in keys]
    if min(distances, default=math.inf) < math.inf:
        return f"The nearest is {dim}={own[int(np.argmin(distances))]}."
    return f"Along {dim!r} it has {_few([str(entry) for entry in own]) or 'nothing'}."


def _distance(one: Hashable, other: Hashable) -> float:
    """How far apart entries are, infinite if they are no two numbers, times or texts."""
    if _is_number(one) and _is_number(other):
        return abs(one - other)
    if isinstance(one, Time) and isinstance(other, Time) and one.kind == other.kind:
        return abs(one.nanoseconds - other.nanoseconds)
    if isinstance(one, str) and isinstance(other, str):
        return 1 - SequenceMatcher(None, one, other).ratio()
    return math.inf


def _few(texts: list[str]) -> str:
    """The first of some texts."""
    return ", ".join(texts if len(texts) <= SHOWN else [*texts[: SHOWN - 1], f"... ({len(texts)})"])
