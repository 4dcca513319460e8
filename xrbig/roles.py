"""Features, samples and cells: which variable and which dimension is what."""

import math
from collections.abc import Hashable, Iterable, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xrbig import checks

Dims = Hashable | Iterable[Hashable]
Group = Hashable | Sequence[Hashable] | xr.DataArray | xr.Dataset

VARIABLES = "feature"  # the name of the dimension that the data variables themselves form
MENTIONS = ("ancillary_variables", "cell_measures", "coordinates", "formula_terms")  # attributes that may name data
NEVER_DATA = (  # attributes that name bounds, grid mappings, and the parts of a geometry or a mesh
    "bounds",
    "climatology",
    "geometry",
    "grid_mapping",
    "interior_ring",
    "location_index_set",
    "mesh",
    "node_count",
    "part_node_count",
)
MESH_PARTS = ("_connectivity", "_coordinates")  # how attributes of a mesh (UGRID) that name others end
OWN_ROLES = ("cf_role", "grid_mapping_name")  # attributes of variables that are no data themselves
SHOWN = 50  # features that attributes and messages list


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
    dims = [feature_dims(a, dim) for a in arrays]
    labels, keys = [], []
    for array, own in zip(arrays, dims, strict=True):
        coordinates = [entries(array, d) for d in own]
        ranks = [_ranks(values) for values in coordinates]
        for entry in product(*(range(len(values)) for values in coordinates)):
            where = ", ".join(f"{d}={v[i]}" for d, v, i in zip(own, coordinates, entry, strict=True))
            labels.append(f"{array.name}[{where}]" if where else str(array.name))
            places = (rank[i] for rank, i in zip(ranks, entry, strict=True))
            keys.append((str(array.name), type(array.name).__name__, *places))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return Features(arrays, dims, labels, order)


def feature_dims(array: xr.DataArray, dim: Dims) -> tuple[Hashable, ...]:
    """The dimensions of a variable along which its entries are features, in canonical order."""
    along = names_among(array.dims, dim)
    return tuple(sorted((d for d in array.dims if d in along), key=str))


def entries(array: xr.DataArray, dim: Hashable) -> NDArray[Any]:
    """The coordinate of a dimension, or the places along it if it has none of its own."""
    coordinate = array.coords.variables.get(dim)
    if coordinate is None or coordinate.ndim != 1:
        return np.arange(array.sizes[dim])
    return np.asarray(coordinate.values)


def listed(labels: Sequence[str]) -> str:
    """Labels in a line, the last ones counted only if they are many."""
    more = f", and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return ", ".join(labels[:SHOWN]) + more


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


def names_among(known: Iterable[Hashable], names: Dims | None) -> list[Hashable]:
    """One name, which may be a tuple if it is `known`, or several."""
    return [names] if isinstance(names, tuple) and names in list(known) else as_names(names)


class Chosen(NamedTuple):
    """Variables that can hold features, and the names of auxiliary ones that nobody has named."""

    arrays: list[xr.DataArray]
    left_out: list[str] = []  # noqa: RUF012 (never changed)


def variables_of(
    data: xr.Dataset | xr.DataArray, variables: Sequence[Hashable] | None, dim: Dims, sample_dim: Dims | None
) -> Chosen:
    """The variables that can hold features: those named, or all that CF does not call auxiliary."""
    checks.require_labelled(data)
    if isinstance(data, xr.DataArray):
        if variables is not None:
            raise ValueError(f"variables={variables!r} name variables of a Dataset, but the data are a DataArray.")
        return Chosen([checks.readable(data if data.name is not None else data.rename("data"))])
    if variables is not None:
        chosen = _named(data, variables, "variables")
        if not chosen.arrays:
            raise ValueError(f"variables=[] leaves no feature; the Dataset has {list(data.data_vars)!r}.")
        return chosen
    names = _data_names(data, dim, sample_dim)
    return Chosen(
        [checks.readable(data[name]) for name in names], [str(name) for name in data.data_vars if name not in names]
    )


def _named(data: xr.Dataset, spec: Any, argument: str) -> Chosen:
    checks.require_names(spec, argument, data)
    names = names_among(data.data_vars, spec)
    for name in names:
        checks.require_variable(data, name, argument)
    return Chosen([checks.readable(data[name]) for name in names])


def _data_names(data: xr.Dataset, dim: Dims, sample_dim: Dims | None) -> list[Hashable]:
    """Names of the variables that hold data: neither parts of the grid, nor mentioned by others and without samples."""
    never, mentioned = _auxiliary_names(data)
    names = [name for name in data.data_vars if name not in never]
    present = list(dict.fromkeys(d for name in names if name not in mentioned for d in data[name].dims))
    samples = names_among(present, sample_dim)
    if sample_dim is None:
        samples = [d for d in present if d not in names_among(present, dim)]

    def holds_data(array: xr.DataArray) -> bool:
        numeric = array.dtype.kind in checks.NUMERIC and "flag_meanings" not in array.attrs
        return numeric and set(samples) <= set(array.dims)

    return [name for name in names if name not in mentioned or holds_data(data[name])]


def _auxiliary_names(data: xr.Dataset) -> tuple[set[Hashable], set[str]]:
    """Names of what CF and UGRID attributes say is never data, and of what they only mention."""
    never: set[Hashable] = {n for n, v in data.variables.items() if any(attr in v.attrs for attr in OWN_ROLES)}
    mentioned: set[str] = set()
    for variable in data.variables.values():
        for attr, text in [*variable.attrs.items(), *variable.encoding.items()]:
            if not (isinstance(attr, str) and isinstance(text, str)):
                continue
            words = text.split()
            named = [word for word in words if not word.endswith(":")]
            if attr == "grid_mapping" and len(named) < len(words):  # mapping: coordinate coordinate
                never.update(word[:-1] for word in words if word.endswith(":"))
                mentioned.update(named)
            elif attr in NEVER_DATA or attr.endswith(MESH_PARTS):
                never.update(named)
            elif attr in MENTIONS:
                mentioned.update(named)
    return never, mentioned


def sample_dims(arrays: list[xr.DataArray], dim: Dims, sample_dim: Dims | None) -> tuple[Hashable, ...]:
    """The sample dimensions, in canonical order; all that are not `dim` if none is named."""
    present = list(dict.fromkeys(d for a in arrays for d in a.dims))
    along, over = names_among(present, dim), names_among(present, sample_dim)
    checks.require_dims(along, over, present, VARIABLES)
    if sample_dim is None:
        over = [d for d in present if d not in along]
    checks.require_sample_dims(over, present, dim)
    return tuple(sorted(over, key=str))


class Groups(NamedTuple):
    """Features in groups, by the argument that names them, their samples, and attributes that tell of them."""

    found: dict[str, Features]
    samples: tuple[Hashable, ...]
    attrs: dict[str, str]

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


def all_features(
    data: xr.Dataset | xr.DataArray,
    variables: Sequence[Hashable] | None,
    dim: Dims,
    sample_dim: Dims | None,
    measure: str,
    least: int,
    min_samples: int | None,
    pairwise: bool = False,
) -> Groups:
    """The features of `data` in one group, at `least` so many, or an error that tells what is wrong with them.

    `measure` is what is asked of them; `pairwise`, if it takes the samples of each pair for itself.
    """
    arrays, left_out = variables_of(data, variables, dim, sample_dim)
    samples = sample_dims(arrays, dim, sample_dim)
    dims = [feature_dims(a, dim) for a in arrays]
    checks.require_variables(arrays, dims, samples, least)
    number = _number_of_features(arrays, dims)
    if number >= least:
        _require_cells(arrays, dims, samples, 2 if pairwise else number, measure, min_samples, dim)
    found = features(arrays, dim)
    checks.require_number(found.labels, arrays, samples, type(data).__name__, measure, least)
    return Groups({"": found}, samples, {"features": listed(found.labels), **_attrs(arrays, left_out)})


def sides(
    data: xr.Dataset | xr.DataArray, x: Group, y: Group | None, dim: Dims, sample_dim: Dims | None
) -> dict[str, Chosen]:
    """The variables of the two groups: `x` and `y`, or the data themselves and `x`."""
    checks.require_labelled(data)
    labelled = isinstance(x, xr.DataArray | xr.Dataset)
    both: tuple[Any, Any] = (x, y)
    if y is None and (labelled or isinstance(data, xr.DataArray)):
        both = (data, x)
    elif isinstance(data, xr.DataArray):
        raise TypeError(
            "a DataArray is one of the two groups itself: da.rbig.mutual_information(other); "
            "for two other arrays, x.rbig.mutual_information(y)."
        )
    return {argument: group(data, spec, argument, dim, sample_dim) for argument, spec in zip("xy", both, strict=True)}


def group(
    data: xr.Dataset | xr.DataArray, spec: Group | None, argument: str, dim: Dims, sample_dim: Dims | None
) -> Chosen:
    """The variables of one side of a mutual information."""
    if isinstance(spec, xr.DataArray):
        if spec.name is None:
            raise ValueError(
                f"the array {argument} has no name, and the order of the two sides must not matter: "
                f"name both, array.rename({argument!r})."
            )
        return Chosen([checks.readable(spec)])
    if isinstance(spec, xr.Dataset):
        chosen = variables_of(spec, None, dim, sample_dim)
    elif isinstance(data, xr.DataArray):
        raise TypeError(
            f"{argument}={spec!r}: a DataArray has no variables to name. Pass the other side as a DataArray, "
            "da.rbig.mutual_information(other), or name variables of a Dataset, "
            'ds.rbig.mutual_information("x_vars", "y_vars").'
        )
    else:
        chosen = _named(data, spec, argument)
    checks.require_not_empty(chosen.arrays, argument)
    return chosen


def known(data: xr.Dataset | xr.DataArray, given: Group | None, dim: Dims, sample_dim: Dims | None) -> Chosen:
    """The variables on which a mutual information is conditional."""
    if given is None:
        raise ValueError(
            "given=None: name what is known, given='enso', or use mutual_information, which needs nothing known."
        )
    return group(data, given, "given", dim, sample_dim)


def groups(
    sides: dict[str, Chosen], dim: Dims, sample_dim: Dims | None, measure: str, min_samples: int | None
) -> Groups:
    """The features of each side, or an error that tells what is wrong with them."""
    variables = {argument: side.arrays for argument, side in sides.items()}
    checks.require_disjoint(variables)
    arrays = [a for side in variables.values() for a in side]
    samples = sample_dims(arrays, dim, sample_dim)
    checks.require_groups(variables, samples)
    dims = [feature_dims(a, dim) for a in arrays]
    checks.require_alignment(arrays, (d for own in dims for d in own))
    _require_cells(arrays, dims, samples, _number_of_features(arrays, dims), measure, min_samples, dim)
    found = {argument: features(side, dim) for argument, side in variables.items()}
    for argument, own in found.items():
        checks.require_not_empty(own.labels, argument, own.dims)
    attrs = {f"{argument}_features": listed(own.labels) for argument, own in found.items()}
    left_out = [name for side in sides.values() for name in side.left_out]
    return Groups(found, samples, attrs | _attrs(arrays, left_out))


def _number_of_features(arrays: list[xr.DataArray], dims: list[tuple[Hashable, ...]]) -> int:
    return sum(math.prod(a.sizes[d] for d in own) for a, own in zip(arrays, dims, strict=True))


def _require_cells(
    arrays: list[xr.DataArray],
    dims: list[tuple[Hashable, ...]],
    samples: tuple[Hashable, ...],
    number: int,
    measure: str,
    min_samples: int | None,
    dim: Dims,
) -> None:
    checks.require_samples(number, {d: arrays[0].sizes[d] for d in samples}, measure, min_samples, dim)
    checks.require_common_cells(arrays, [(*own, *samples) for own in dims])


def _attrs(arrays: list[xr.DataArray], left_out: list[str]) -> dict[str, str]:
    """Units of the variables, and auxiliary variables that are no features, for the attributes of the result."""
    units = [f"{a.name}: {a.attrs['units']}" for a in arrays if isinstance(a.attrs.get("units"), str)]
    found = {"feature_units": listed(units), "left_out": listed(left_out)}
    return {key: text for key, text in found.items() if text}
