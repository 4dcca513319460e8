"""Random calls of every measure, and what must hold of each: ``python -m tests.calls --start 0 --number 3000``.

One integer makes one call: data, measure and keywords. What the call must give is found from the data in memory with
NumPy alone: where there is no estimate and why, dimensions, coordinates, attributes, or the error it must raise. The
values themselves are compared with those of the same call on other chunks, in another order, and the like.
"""

import argparse
import copy
import itertools
import math
import pickle
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import dask
import dask.array
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

import xrbig

Array = NDArray[Any]
Labelled = xr.Dataset | xr.DataArray

WEIGHTS = {
    "total_correlation": 26,
    "mutual_information": 22,
    "conditional_mutual_information": 7,
    "mutual_information_matrix": 8,
    "redundancy": 7,
    "dual_total_correlation": 4,
    "o_information": 5,
    "entropy": 6,
    "negentropy": 6,
    "kl_divergence": 4,
    "significance": 2,
    "bootstrap": 2,
    "fit": 2,
}
GROUPS = {"mutual_information": ("x", "y"), "conditional_mutual_information": ("x", "y", "given")}
LEAST = {"entropy": 1, "negentropy": 1, "kl_divergence": 1, "fit": 1, "o_information": 3}
ALONG = {"mutual_information_matrix": ("feature_x", "feature_y"), "redundancy": ("feature",)}
RESAMPLED = ("significance", "bootstrap")
DEAR = ("kl_divergence", "fit", *RESAMPLED)
NORMALIZED = ("mutual_information", "conditional_mutual_information", *ALONG)
TITLES = {
    "entropy": "differential entropy",
    "kl_divergence": "Kullback-Leibler divergence",
    "o_information": "O-information",
}
FILL = 9.969209968386869e36  # that of NetCDF, where nothing was written
POISON = "an attribute of the input"
FEW, INFINITE, CONSTANT, GAP, UNDEFINED = 1, 2, 3, 4, 5
PLAIN = xrbig.RBIG(rotation="pca", max_layers=5)
ROUNDED = 1e-13  # what the value of plain RBIG differs by where its terms are asked for: it is their mean then


@dataclass
class Layout:
    """Sizes of the dimensions, by their role."""

    samples: dict[Hashable, int]
    cells: dict[Hashable, int]
    along: dict[Hashable, int]

    @property
    def sizes(self) -> dict[Hashable, int]:
        return {**self.samples, **self.cells, **self.along}


class Spec(NamedTuple):
    """What a variable is made of."""

    name: Hashable
    dims: tuple[Hashable, ...]
    kind: str
    dtype: str
    gaps: str
    fill: str
    units: str | None


@dataclass
class Call:
    """A call: data in memory and as they are passed, the measure, and how it is asked for.

    Attributes
    ----------
    ds, other : the data in memory, and those of the other side of a divergence
    passed, passed_other : the same, some of it on Dask
    groups : names of the features of each argument; ``"features"`` if there is but one set
    form : how the data are handed over: as a Dataset, an array, by names, arrays or Datasets of groups
    ordered : of each sample dimension whether its samples are in order
    facts : what is peculiar about the data
    refused : what one of the messages may say of a call that was made wrong
    spoiled : what is wrong with what is handed over
    """

    seed: int
    measure: str
    ds: xr.Dataset
    other: xr.Dataset | None
    layout: Layout
    groups: dict[str, list[Hashable]]
    form: str
    accessor: bool
    keywords: dict[str, Any]
    ordered: dict[Hashable, bool]
    left_out: set[str]
    facts: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    spoiled: str = ""
    passed: xr.Dataset = None  # type: ignore[assignment]
    passed_other: xr.Dataset | None = None

    @property
    def names(self) -> list[Hashable]:
        return [name for names in self.groups.values() for name in names]

    @property
    def samples(self) -> list[Hashable]:
        return list(self.layout.samples)

    @property
    def along(self) -> list[Hashable]:
        return list(self.layout.along)

    @property
    def lazy(self) -> bool:
        sides = [self.passed] + ([self.passed_other] if self.passed_other is not None else [])
        names = [name for name in self.names if number_of_features(self, [name])]
        return any(side[name].variable.chunks is not None for side in sides for name in names)

    @property
    def information(self) -> str:
        """Name of the estimate in the result."""
        if self.measure in RESAMPLED:
            return "mutual_information" if "x" in self.groups else "total_correlation"
        return self.measure


# The generator


def draw(seed: int) -> Call:
    """The call that `seed` stands for."""
    rng = np.random.default_rng([7, seed])
    weights = np.array(list(WEIGHTS.values()), dtype=float)
    measure = str(rng.choice(list(WEIGHTS), p=weights / weights.sum()))
    layout = draw_layout(rng, measure)
    specs = draw_specs(rng, measure, layout)
    ds, ordered = labelled(rng, layout)
    for spec in specs:
        ds[spec.name] = draw_variable(rng, spec, layout)
    call = Call(seed, measure, ds, None, layout, {}, "dataset", bool(rng.random() < 0.3), {}, ordered, set())
    call.facts |= {spec.kind for spec in specs}
    groups_and_form(rng, call, [spec.name for spec in specs])
    keywords(rng, call)
    if measure == "kl_divergence":
        call.other = draw_other(rng, call, specs)
    if rng.random() < 0.2 and all(isinstance(n, str) for n in (*ds.data_vars, *layout.sizes)):
        add_auxiliaries(rng, call)
    if rng.random() < 0.05:
        misuse(rng, call)
    call.passed, call.passed_other = chunked(rng, call.ds), None if call.other is None else chunked(rng, call.other)
    return call


def draw_layout(rng: np.random.Generator, measure: str) -> Layout:
    """Sizes of one to three sample dimensions, of up to three of the cells, and of up to two of features."""
    n = int(rng.integers(40, 81 if measure in DEAR else 121))
    if rng.random() < 0.04:
        n = int(rng.integers(0, 40))
    inner = [int(k) for k in rng.integers(1, 5, size=rng.choice([0, 1, 2], p=[0.6, 0.3, 0.1]))]
    sizes = [-(-n // math.prod(inner)), *inner]
    samples = dict(zip(rng.permutation(["time", "member", "obs"]).tolist(), sizes, strict=False))
    number = rng.choice(4, p=[0.2, 0.35, 0.35, 0.1]) if measure not in DEAR else rng.choice(2)
    number = 0 if measure == "fit" and rng.random() < 0.95 else number
    largest = 2 if measure in DEAR else 4
    cells = {d: int(rng.integers(1, largest + 1)) for d in rng.permutation(["lat", "lon", "station"])[:number].tolist()}
    if cells and rng.random() < 0.04:
        cells[next(iter(cells))] = 0
    number = rng.choice(3, p=[0.6, 0.35, 0.05])
    names = ["plev", "band"] if rng.random() < 0.85 else ["feature", "band"]
    along = {d: int(rng.integers(1, 4)) for d in rng.permutation(names)[:number].tolist()}
    if along and rng.random() < 0.03:
        along[next(iter(along))] = 0
    roles = [samples, cells, along]
    if rng.random() < 0.1:
        chosen = [role for role in roles if role][rng.integers(sum(map(bool, roles)))]
        first, *rest = chosen.items()
        odd: Hashable = int(rng.integers(7, 10)) if rng.random() < 0.6 else ("grid", 1)
        roles = [{odd: first[1], **dict(rest)} if role is chosen else role for role in roles]
    return Layout(*roles)


def draw_specs(rng: np.random.Generator, measure: str, layout: Layout) -> list[Spec]:
    """Kinds, types and dimensions of the variables."""
    least = {"mutual_information": 2, "conditional_mutual_information": 3}.get(measure, 1)
    entries = max(1, math.prod(layout.along.values()))
    if entries == 1 and measure not in GROUPS and rng.random() < 0.97:
        least = LEAST.get(measure, 2)
    most = max(least, min(6, 8 // entries) if measure not in DEAR else 3)
    number = int(rng.integers(least, most + 1))
    names: list[Hashable] = ["tas", "pr", "gpp", "ua", "va", "hus"]
    if (odd := rng.random()) < 0.08:
        names = [0, 1, 2, 3, 4, 5] if odd < 0.05 else [("a", i) for i in range(6)]
    rng.shuffle(names)  # type: ignore[arg-type]
    clash = rng.random() < 0.06
    specs: list[Spec] = []
    for name in names[:number]:
        cells = list(layout.cells)
        if clash and len(cells) > 1:
            del cells[len(specs) % 2]
        elif specs and rng.random() < 0.25:
            cells = [d for d in cells if rng.random() < 0.6]
        along = [d for d in layout.along if not specs or rng.random() < 0.7]
        samples = list(layout.samples)
        if rng.random() < 0.01:
            samples = samples[1:]
        dims = [samples, cells, along]
        order = [d for part in dims for d in part]
        if rng.random() < 0.6:
            rng.shuffle(order)  # type: ignore[arg-type]
        specs.append(draw_spec(rng, name, tuple(order)))
    return specs


def draw_spec(rng: np.random.Generator, name: Hashable, dims: tuple[Hashable, ...]) -> Spec:
    """What one variable is made of."""
    kinds = {"plain": 60, "quantised": 10, "zeros": 10, "skewed": 10, "wild": 4, "copy": 4, "classes": 2}
    dtypes = {"f8": 45, "f4": 20, ">f4": 4, ">f8": 3, "i1": 3, "i2": 4, ">i2": 2, "i4": 4, "i8": 3, "big": 5, "f2": 1}
    dtypes |= {"u1": 2, "u2": 2, "u8": 2, "bool": 0.4, "object": 0.4, "timedelta": 0.4, "complex": 0.2, "text": 0.2}
    gaps = {"none": 40, "scattered": 25, "mask": 10, "cell": 5, "all": 2, "inf": 5, "constant": 5, "most": 5}
    gaps |= {"outage": 3, "member": 3}
    dtype = pick(rng, dtypes)
    fills = {"none": 85, "default": 5, "_FillValue": 4, "missing_value": 4, "several": 1, "junk": 1}
    units = ["K", "degC", "Pa", None]
    return Spec(
        name,
        dims,
        pick(rng, kinds),
        dtype,
        pick(rng, gaps),
        "none" if dtype == "f2" else pick(rng, fills),
        units[rng.integers(len(units))],
    )


def pick(rng: np.random.Generator, weights: dict[str, float]) -> str:
    """One of the keys, as likely as they weigh."""
    p = np.array(list(weights.values()), dtype=float)
    return str(rng.choice(list(weights), p=p / p.sum()))


def draw_variable(rng: np.random.Generator, spec: Spec, layout: Layout) -> xr.DataArray:
    """A variable whose values depend on what all variables share."""
    shape = [layout.sizes[d] for d in spec.dims]
    common = xr.DataArray(
        np.random.default_rng(99).standard_normal(list(layout.samples.values())), dims=list(layout.samples)
    )
    common = common.isel({d: 0 for d in layout.samples if d not in spec.dims}, drop=True) if common.size else common
    noise = xr.DataArray(rng.standard_normal(shape), dims=spec.dims)
    weight = 0.0 if not common.size or spec.kind == "copy" else float(rng.choice([0.0, 0.5, 1.5]))
    z = (noise + weight * common).transpose(*spec.dims) if common.size else noise
    if spec.kind == "copy" and common.size:
        z = (0 * noise + common).transpose(*spec.dims)
    values = typed(rng, shaped(rng, z.values, spec.kind), spec.dtype)
    attrs: dict[str, Any] = {"standard_name": POISON, "cell_methods": POISON}
    if spec.units is not None:
        attrs["units"] = spec.units
    array = xr.DataArray(values, dims=spec.dims, attrs=attrs, name=spec.name)
    array = with_gaps(rng, array, spec, layout)
    if spec.kind in ("zeros", "quantised"):
        array.encoding = {"_FillValue": 0.0, "scale_factor": 0.5}  # of what was decoded: 0 is a value
    if rng.random() < 0.3:
        array.values.setflags(write=False)
    return array


def shaped(rng: np.random.Generator, z: Array, kind: str) -> Array:
    """Normal values, made into others."""
    if kind == "quantised":
        return np.round(z * 4) / 4
    if kind == "zeros":
        return np.maximum(z, 0)
    if kind == "skewed":
        return np.exp(z)
    if kind == "classes":
        return np.sign(z)
    if kind == "wild":
        wild: list[Callable[[Array], Array]] = [
            lambda v: np.exp(20 * v),
            lambda v: v * 1e-200,
            lambda v: v * 1e200,
            lambda v: v * 1e307,
            lambda v: v * 1e-310,
            lambda v: v + 1e12,
            lambda v: np.where(rng.random(v.shape) < 0.05, 1e20, v),
        ]
        return wild[rng.integers(len(wild))](z)
    return z


def typed(rng: np.random.Generator, z: Array, dtype: str) -> Array:
    """Values of that type, scaled so that they fit it."""
    if dtype in ("f8", ">f8"):
        return z.astype(dtype)
    z = np.clip(z, -1e30, 1e30)
    if dtype in ("f4", ">f4"):
        return z.astype(dtype)
    if dtype == "f2":
        return np.clip(z, -6e4, 6e4).astype("f2")
    if dtype == "big":
        return np.int64(-(2**60)) + np.round(np.clip(z, -6, 6) * 100).astype("i8")
    if dtype in ("i1", "u1"):
        return np.round(np.clip(z, -6, 6) * 20 + (127 if dtype == "u1" else 0)).astype(dtype)
    if dtype == "u8":
        return np.uint64(2**63) + np.round(np.clip(z, -6, 6) * 100 + 1000).astype("u8")
    if dtype[-2:] in ("i2", "i4", "i8", "u2"):
        return np.round(np.clip(z, -6, 6) * 1000 + (10000 if dtype == "u2" else 0)).astype(dtype)
    odd = {"bool": bool, "object": object, "complex": complex, "text": str}
    return np.round(np.clip(z, -9, 9) * 100).astype("timedelta64[ns]") if dtype == "timedelta" else z.astype(odd[dtype])


def with_gaps(rng: np.random.Generator, array: xr.DataArray, spec: Spec, layout: Layout) -> xr.DataArray:
    """Missing, infinite and constant values, marked as files mark them."""
    if not array.size or array.dtype.kind not in "iuf":
        return array
    values = array.values.copy()
    place = [slice(None)] * array.ndim
    for axis, d in enumerate(array.dims):
        if d in layout.cells or d in layout.along:
            place[axis] = rng.integers(array.shape[axis])  # type: ignore[call-overload]
    cell = tuple(place)
    missing = np.zeros(values.shape, dtype=bool)
    if spec.gaps in ("scattered", "most"):
        missing |= rng.random(values.shape) < (rng.choice([0.02, 0.15]) if spec.gaps == "scattered" else 0.7)
    elif spec.gaps in ("cell", "all"):
        missing[cell if spec.gaps == "cell" else ...] = True
    elif spec.gaps == "mask":
        static = np.random.default_rng(5).random([layout.sizes[d] for d in layout.cells]) < 0.3
        own = xr.DataArray(static, dims=list(layout.cells)).any([d for d in layout.cells if d not in array.dims])
        missing |= (own | xr.zeros_like(array, dtype=bool)).transpose(*array.dims).values
    elif spec.gaps == "member" and (over := [d for d in list(layout.samples)[1:] if d in array.dims]):
        axis = array.dims.index(over[-1])
        np.moveaxis(missing, axis, 0)[0] = array.shape[axis] > 1
    elif spec.gaps == "outage" and (over := [d for d in array.dims if d in layout.samples]):
        axis = array.dims.index(over[0])
        np.moveaxis(missing, axis, 0)[: 1 + missing.shape[axis] // 8] = True
    elif spec.gaps == "inf" and values.dtype.kind == "f" and values[cell].size:
        values[cell] = np.where(np.arange(values[cell].size).reshape(values[cell].shape) == 3, -np.inf, values[cell])
    elif spec.gaps == "constant" and values[cell].size:
        values[cell] = values[cell].flat[0]
    return marked(rng, array.copy(data=values), missing, spec.fill)


def marked(rng: np.random.Generator, array: xr.DataArray, missing: Array, fill: str) -> xr.DataArray:
    """Write missing values as NaN, or as a fill value that nobody decoded."""
    floating = array.dtype.kind == "f"
    mark: Any = np.nan
    if fill == "default":
        mark = FILL
    elif fill in ("_FillValue", "missing_value", "several"):
        mark = -1e30 if floating else np.iinfo(array.dtype).max
        text = "missing_value" if fill == "several" else fill
        written = mark if plain_number(array) else array.dtype.type(mark)
        array.attrs[text] = [float(mark), 12345.5] if fill == "several" and floating else written
    elif fill == "junk":  # what names no value that there is
        array.attrs["missing_value"] = pick_of(rng, ["none", "-999", np.nan, 1e300, -1.5, []])
    if not floating and fill not in ("_FillValue", "missing_value", "several"):
        return array
    with np.errstate(all="ignore"):
        array.values[missing] = array.dtype.type(mark)
    return array


def plain_number(array: xr.DataArray) -> bool:
    """Whether the attribute is a plain number, of another type than the values."""
    return array.dtype.kind == "f" and array.dtype.itemsize == 4


def labelled(rng: np.random.Generator, layout: Layout) -> tuple[xr.Dataset, dict[Hashable, bool]]:
    """A Dataset with coordinates and no variables, and whether the samples along each dimension are in order."""
    ds = xr.Dataset(attrs={"title": POISON})
    ordered = {}
    for dim, size in layout.samples.items():
        kinds = ["none", "number", "falling", "datetime", "cftime", "period", "text", "dates", "timedelta", "multi"]
        kind = str(rng.choice([*kinds, "mixed", "auxiliary", "datetime", "datetime", "repeated"]))
        ds, ordered[dim] = with_index(ds, dim, size, kind, rng, shuffled=rng.random() < 0.12)
    for dim, size in layout.cells.items():
        kind = str(
            rng.choice(["none", "number", "falling", "datetime", "cftime", "period", "text", "multi", "repeated"])
        )
        ds, _ = with_index(ds, dim, size, kind, rng, shuffled=rng.random() < 0.1)
    for dim, size in layout.along.items():
        ds, _ = with_index(
            ds,
            dim,
            size,
            str(rng.choice(["none", "number", "falling", "text", "datetime", "multi"])),
            rng,
            rng.random() < 0.2,
        )
    return with_other_coords(rng, ds, layout), ordered


def with_index(
    ds: xr.Dataset, dim: Hashable, size: int, kind: str, rng: np.random.Generator, shuffled: bool = False
) -> tuple[xr.Dataset, bool]:
    """Give a dimension a coordinate of some kind."""
    if not isinstance(dim, str):
        kind = "none"  # xarray has no index for them
    places = rng.permutation(size) if shuffled else np.arange(size)
    steps = np.diff(places // 2 if kind == "repeated" else places)
    monotone = bool((steps >= 0).all() or (steps <= 0).all())
    if kind == "cftime" and find_spec("cftime") is None:
        kind = "datetime"
    if kind == "none":
        return ds, True
    if kind == "multi":
        index = pd.MultiIndex.from_arrays([places // 3, places % 3], names=[f"{dim}_a", f"{dim}_b"])
        return ds.assign_coords(xr.Coordinates.from_pandas_multiindex(index, dim)), monotone
    days = pd.date_range("2001-01-01", periods=size)
    values: Any = {
        "number": lambda: np.arange(size) * 2.5,
        "falling": lambda: np.arange(size)[::-1] * 10,
        "datetime": lambda: days,
        "auxiliary": lambda: days,
        "cftime": lambda: xr.date_range("2001-01-01", periods=size, calendar="noleap", use_cftime=True),
        "repeated": lambda: days[np.arange(size) // 2],
        "period": lambda: pd.period_range("2001-01", periods=size, freq="M"),
        "text": lambda: np.array([f"s{i:03d}" for i in range(size)]),
        "dates": lambda: np.array([d.date() for d in days], dtype=object),
        "timedelta": lambda: pd.to_timedelta(np.arange(size), unit="s"),
        "mixed": lambda: np.array([f"s{i}" if i % 2 else i for i in range(size)], dtype=object),
    }[kind]()
    values = values[places]
    if kind == "auxiliary":
        if "date" in ds.coords:
            return ds, True
        return ds.assign_coords(date=xr.Variable([dim], values)), monotone
    ds = ds.assign_coords({dim: xr.Variable([dim], values, {"long_name": f"the {kind}"})})
    return ds, monotone and (kind != "mixed" or size < 2)


def with_other_coords(rng: np.random.Generator, ds: xr.Dataset, layout: Layout) -> xr.Dataset:
    """Coordinates that index nothing: of a pair of cell dimensions, scalar, lazy, with the encoding of a file."""
    cells = list(layout.cells)
    if rng.random() < 0.3:
        ds = ds.assign_coords(height=((), 2.0, {"units": "m"}))
    if len(cells) >= 2 and rng.random() < 0.4:
        for name in ("latitude", "longitude"):
            values = rng.random([layout.cells[d] for d in cells[:2]])
            ds = ds.assign_coords({name: (cells[:2], values, {"units": "degrees", "bounds": f"{name}_vertices"})})
            ds[name].encoding = {"dtype": np.dtype("f4"), "chunks": (1, 1), "preferred_chunks": {cells[0]: 1}}
            ds[name].encoding |= {"compressor": None, "filters": None}
    if cells and rng.random() < 0.25:
        size = layout.cells[cells[0]]
        data = dask.array.from_array(rng.random(size), chunks=pieces(rng, size) or (0,))
        ds = ds.assign_coords(area=(cells[:1], data, {"units": "m2"}))
    if (
        len(cells) >= 2
        and rng.random() < 0.08
        and "latitude" in ds.coords
        and hasattr(getattr(xr, "indexes", None), "NDPointIndex")
    ):
        if min(layout.cells[d] for d in cells[:2]):
            ds = ds.set_xindex(["latitude", "longitude"], xr.indexes.NDPointIndex)
    if len(cells) >= 2 and rng.random() < 0.06 and cells[0] not in ds.coords and isinstance(cells[0], str):
        shape = [layout.cells[d] for d in cells[:2]]
        ds = ds.assign_coords({cells[0]: (cells[:2], dask.array.from_array(rng.random(shape)))})
    if rng.random() < 0.04:
        first = next(iter(layout.samples))
        ds = ds.assign_coords(n_samples=xr.Variable([first], rng.random(layout.samples[first])))
    if cells and rng.random() < 0.15:
        dims = [next(iter(layout.samples)), cells[0]]
        ds = ds.assign_coords(valid_time=(dims, rng.random([layout.sizes[d] for d in dims])))
    return ds


def pieces(rng: np.random.Generator, size: int) -> tuple[int, ...]:
    """Chunks of any sizes that add up."""
    cuts = np.unique(rng.integers(0, size + 1, size=rng.integers(0, 4)))
    sizes = np.diff([0, *cuts, size])
    sizes = sizes if rng.random() < 0.03 and size else sizes[sizes > 0]
    return tuple(int(s) for s in sizes) or (size,)


def chunked(rng: np.random.Generator, ds: xr.Dataset) -> xr.Dataset:
    """The same on Dask, or in memory, or some of it."""
    mode = rng.choice(["memory", "lazy", "mixed"], p=[0.4, 0.45, 0.15])
    return on_dask(rng, ds, {"memory": 0.0, "lazy": 1.0, "mixed": 0.5}[str(mode)])


def on_dask(rng: np.random.Generator, ds: xr.Dataset, share: float = 1.0) -> xr.Dataset:
    """Put a share of the variables on Dask, each in chunks of its own."""
    ds = ds.copy()
    for name in list(ds.data_vars):
        variable = ds[name].variable
        if rng.random() < share and variable.dtype.kind in "iuf" and variable.ndim:
            chunks = tuple(pieces(rng, size) for size in variable.shape)
            ds[name] = variable.copy(deep=False, data=dask.array.from_array(variable.values, chunks=chunks))
    return ds


def groups_and_form(rng: np.random.Generator, call: Call, names: list[Hashable]) -> None:
    """Which variables are asked for, and how."""
    arguments = GROUPS.get(call.measure, ("features",))
    if call.measure in RESAMPLED and len(names) > 1 and rng.random() < 0.6:
        arguments = ("x", "y")
    if arguments == ("features",):
        call.groups = {"features": names}
        if len(names) == 1 and rng.random() < 0.7:
            call.form = "array"
            call.facts |= {"unnamed"} if rng.random() < 0.2 and call.measure != "fit" else set()
        return
    cuts = np.sort(rng.choice(np.arange(1, len(names)), len(arguments) - 1, replace=False))
    parts = [list(names[a:b]) for a, b in itertools.pairwise([0, *cuts, len(names)])]
    call.groups = dict(zip(arguments, parts, strict=True))
    forms = ["names", "names", "datasets"] + ["arrays", "mixed"] * all(len(part) == 1 for part in parts)
    call.form = str(rng.choice(forms))
    call.accessor = call.accessor and call.form == "names"
    if rng.random() < 0.2:
        call.facts.add("another height")


def keywords(rng: np.random.Generator, call: Call) -> None:
    """Keywords that make sense."""
    layout, chosen = call.layout, call.keywords
    if layout.along and ("feature" not in layout.along or len(layout.along) > 1 or rng.random() < 0.5):
        chosen["dim"] = some_names(rng, list(layout.along))
    if layout.cells or rng.random() < 0.7:
        chosen["sample_dim"] = some_names(rng, list(layout.samples))
    if call.measure == "fit":
        chosen["estimator"] = PLAIN
        return
    dataset_form = call.form == "dataset" and "features" in call.groups
    if dataset_form and rng.random() < 0.15:
        few = int(rng.integers(min(len(call.names), LEAST.get(call.measure, 2)), len(call.names) + 1))
        call.groups = {"features": list(call.names[:few])}
        chosen["variables"] = list(call.names)
    if rng.random() < 0.3:
        chosen["skipna"] = [None, True, False][rng.integers(3)]
    n = math.prod(layout.samples.values())
    if rng.random() < 0.2:
        chosen["min_samples"] = rng.integers(1, max(2, n + 1)) if rng.random() < 0.93 else n + 5
    if call.measure in NORMALIZED and rng.random() < 0.2:
        chosen["normalize"] = True
    elif rng.random() < 0.2:
        chosen["base"] = 2
    if call.measure in RESAMPLED:
        resampled(rng, call)
    elif rng.random() < 0.5:
        chosen["diagnostics"] = True
    if call.form in ("dataset", "names") and rng.random() < 0.2:
        chosen["keep_attrs"] = True
    chosen["estimator"] = draw_estimator(rng, call)


def resampled(rng: np.random.Generator, call: Call) -> None:
    """Keywords of surrogates and half-samples."""
    chosen = call.keywords
    chosen |= {"n_surrogates": 19} if call.measure == "significance" else {"n_replicates": 20}
    if len(call.layout.samples) > 1 or rng.random() < 0.2:
        chosen["along"] = next(iter(call.layout.samples))
    index = call.ds.xindexes.get(chosen.get("along", call.samples[0]))
    daily = index is not None and call.ds[index.dim].dtype.kind == "M" and index.to_pandas_index().is_unique
    if rng.random() < 0.3:
        chosen["block"] = "2D" if daily and rng.random() < 0.5 else 2
    if call.measure == "significance":
        if rng.random() < 0.3:
            chosen["method"] = "block"
        if rng.random() < 0.3:
            chosen["fdr"] = pick_of(rng, [None, "by"])


def some_names(rng: np.random.Generator, names: list[Hashable]) -> Any:
    """One name, or several in any order and container."""
    if len(names) == 1 and rng.random() < 0.8:
        return names[0]
    rng.shuffle(names)  # type: ignore[arg-type]
    return pick_of(rng, [list, list, tuple, set])(names)


def pick_of(rng: np.random.Generator, options: list[Any]) -> Any:
    """One of the options."""
    return options[rng.integers(len(options))]


def draw_estimator(rng: np.random.Generator, call: Call) -> xrbig.RBIG:
    """Plain and short for the most part, as it takes least time."""
    work = math.prod(call.layout.cells.values()) * len(call.names) * max(1, math.prod(call.layout.along.values()))
    choice = rng.random()
    if choice < 0.1 and work <= 6 and call.measure not in RESAMPLED:
        return xrbig.RBIG(seed=int(rng.integers(3)))
    rotation = "pca" if choice < 0.9 else str(rng.choice(["ica", "random"]))
    return replace(PLAIN, rotation=rotation, seed=int(rng.integers(2)))  # type: ignore[arg-type]


def draw_other(rng: np.random.Generator, call: Call, specs: list[Spec]) -> xr.Dataset:
    """The other side of a divergence: the same features and cells, at other samples."""
    samples = {d: max(0, size + int(rng.integers(-1, 3))) for d, size in call.layout.samples.items()}
    layout = replace(call.layout, samples=samples)
    cells = call.ds.drop_dims([d for d in samples if d in call.ds.dims])
    other, _ = labelled(rng, Layout(samples, {}, {}))
    other = other.drop_vars("height", errors="ignore").assign_coords(cells.coords)
    for spec in specs:
        gaps = (
            "none" if rng.random() < 0.7 else pick(rng, {"scattered": 2, "all": 1, "inf": 1, "constant": 1, "cell": 1})
        )
        units = spec.units if rng.random() < 0.95 else "another unit"
        other[spec.name] = draw_variable(rng, spec._replace(gaps=gaps, units=units), layout)
    known = [d for d in call.layout.along if d in call.ds.xindexes]
    if rng.random() < 0.4:
        other = other.isel({d: slice(None, None, -1) for d in known})
    narrow = {d: other[d].astype("f4") for d in known if other[d].dtype.kind in "if"}
    return other.assign_coords(narrow) if rng.random() < 0.3 else other


def add_auxiliaries(rng: np.random.Generator, call: Call) -> None:
    """Variables that CF and UGRID attributes mention: some are features too, some are left out, some never count."""
    layout, first = call.layout, call.names[0]
    every, shape = list(layout.samples), list(layout.samples.values())
    attrs, encoding, fresh, features = {}, {}, {}, []
    kinds = [k for k in ("bounds", "crs", "mesh", "terms", "error", "flag", "area") if rng.random() < 0.35]
    if "bounds" in kinds and "time" in call.ds.xindexes and "time_a" not in call.ds.coords:
        fresh["time_bnds"] = (("time", "bnds"), np.zeros((call.ds.sizes["time"], 2)))
        call.ds["time"].attrs["bounds"] = "time_bnds"
    if "crs" in kinds:
        fresh["crs"] = ((), 0, {"grid_mapping_name": "latitude_longitude"})
        place = attrs if rng.random() < 0.5 else encoding
        place["grid_mapping"] = "crs" if rng.random() < 0.5 else "crs: lat lon"
    if "mesh" in kinds:
        topology = {"cf_role": "mesh_topology", "node_coordinates": "node_x node_y"}
        fresh["mesh"] = ((), 0, {**topology, "face_node_connectivity": "face_nodes"})
        fresh["face_nodes"] = (("face", "three"), np.zeros((2, 3), dtype="i4"), {"cf_role": "face_node_connectivity"})
        fresh["node_x"], fresh["node_y"] = ("node", np.zeros(4)), ("node", np.ones(4))
        attrs |= {"mesh": "mesh", "location": "face"}
    ancillary = []
    if "error" in kinds:
        fresh["spread"] = (every, rng.standard_normal(shape), {"units": "K"})
        ancillary.append("spread")
        features.append("spread")
    if "flag" in kinds:
        flags = {"flag_meanings": "good fair bad", "flag_values": np.arange(3, dtype="i1")}
        fresh["quality"] = (every, rng.integers(0, 3, shape).astype("i1"), flags)
        ancillary.append("quality")
    if ancillary:
        attrs["ancillary_variables"] = " ".join(ancillary)
    if "area" in kinds and layout.cells:
        fresh["areacella"] = (list(layout.cells), np.ones(list(layout.cells.values())))
        attrs["cell_measures"] = "area: areacella"
    if "terms" in kinds and call.ds[first].dtype.kind in "iuf" and set(every) <= set(call.ds[first].dims):
        fresh["hya"], fresh["p0"] = ("lev", np.arange(3.0)), ((), 1e5)
        terms = {"formula_terms": f"a: hya p0: p0 ps: {first}"}
        call.ds = call.ds.assign_coords(lev=("lev", np.arange(3.0), terms))
    call.ds = call.ds.assign(fresh)
    call.ds[first].attrs.update(attrs)
    call.ds[first].encoding.update(encoding)
    if call.other is not None:
        call.other = call.other.assign(
            {name: (every, rng.standard_normal([call.other.sizes[d] for d in every])) for name in features}
        )
    if fresh:
        call.keywords.setdefault("sample_dim", every)
    if call.form == "dataset" and "variables" not in call.keywords:
        call.groups["features"] = [*call.names, *features]
        call.left_out |= set(fresh) - set(features)


def misuse(rng: np.random.Generator, call: Call) -> None:
    """Something that no measure can do, and what the message must say of it."""
    options = [wrong_names(call), wrong_values(call), wrong_outputs(rng, call), wrong_data(call)]
    kind = pick_of(rng, [option for option in options if option])
    change, call.refused = pick_of(rng, kind)
    call.spoiled = change.pop("spoiled", "")
    call.ds = change.pop("ds", call.ds)
    call.accessor = call.accessor and call.spoiled not in ("numpy", "tree")
    call.keywords |= change


Wrong = list[tuple[dict[str, Any], list[str]]]


def wrong_names(call: Call) -> Wrong:
    """Names that are not there, or there twice."""
    samples = list(call.layout.samples)
    found: Wrong = [
        ({"sample_dim": "tyme"}, ["tyme"]),
        ({"sample_dim": ...}, ["sample_dim"]),
        ({"dim": "bandd"}, ["bandd"]),
        ({"dim": samples, "sample_dim": samples}, ["both dim and sample_dim"]),
    ]
    if call.form == "dataset":
        found += [({"variables": ["tass"]}, ["tass"]), ({"variables": []}, ["variables=[]"])]
        found += [({"variables": [call.ds[call.names[0]]]}, ["variables"])]
        if "height" in call.ds.coords:
            found += [({"variables": ["height"]}, ["height"])] * 2
    if call.form == "names":
        texts = {"unknown": "tass", "empty": "empty", "twice": "groups", "array": "ndarray"}
        found += [({"spoiled": kind}, [text]) for kind, text in texts.items()]
    return found


def wrong_values(call: Call) -> Wrong:
    """Keywords that mean nothing."""
    found: Wrong = [({"estimator": "pca"}, ["estimator"])]
    if call.measure != "fit":
        values = {"base": (10, [2], None), "min_samples": (0, 20.5, -3), "skipna": ("no", 2)}
        found += [({k: value}, [k]) for k, several in values.items() for value in several]
    if call.measure in RESAMPLED:
        values = {"block": (0, "1M", "30", 1000, 2.5), "along": ("tyme",)}
        one = {"n_surrogates": (5, 20.5), "method": ("no",), "fdr": ("no",)}
        values |= one if call.measure == "significance" else {"n_replicates": (5,), "confidence": (2, "0.9")}
        found += [({k: value}, [k]) for k, several in values.items() for value in several]
    return found


def wrong_outputs(rng: np.random.Generator, call: Call) -> Wrong:
    """Cells that have the name of a variable of the result."""
    cells = [d for d in call.layout.cells if isinstance(d, str) and d in call.ds[call.names[0]].dims]
    if not cells or call.measure == "fit" or call.other is not None:
        return []
    name = pick_of(rng, fields_of(call))
    ds = call.ds.drop_vars("n_samples", errors="ignore")
    coordinate = ds.assign_coords({name: (cells[0], np.arange(ds.sizes[cells[0]]))})
    return [({"ds": coordinate}, [f"rename({{{name!r}"]), ({"ds": ds.assign_coords({name: 1})}, [f"rename({{{name!r}"])]


def wrong_data(call: Call) -> Wrong:
    """Data of which nothing can be told."""
    found: Wrong = [({"spoiled": "numpy"}, ["xr.DataArray("])]
    if call.form == "dataset":
        found += [({"spoiled": "tree"}, ["map_over_datasets"])] if hasattr(xr, "DataTree") else []
        if "variables" not in call.keywords and call.layout.cells and "sample_dim" in call.keywords:
            cells = list(call.layout.cells)
            orog = xr.Variable(cells, np.ones([call.layout.cells[d] for d in cells]))
            found += [({"ds": call.ds.assign(orog=orog)}, ["'orog' lacks the sample dimension"])] * 2
            found += [({"ds": call.ds.assign(label=("n", list("ab")))}, ["'label' is not numeric"])]
    moved = [d for d in call.layout.cells if d in call.ds.coords and call.ds[d].dtype.kind in "iu" and call.ds[d].size]
    shared = [d for d in moved if all(d in call.ds[n].dims for n in call.names)]
    if shared and (call.form in ("arrays", "datasets") or call.other is not None):
        found += [({"spoiled": "moved"}, [f"{shared[0]!r}"])] * 5
    return found


# Making the call


def perform(call: Call, ds: xr.Dataset, other: xr.Dataset | None, **changes: Any) -> Any:
    """Make the call on these data."""
    options = {**call.keywords, **changes}
    subject, arguments = handed_over(call, ds, other)
    if not call.accessor:
        return getattr(xrbig, call.measure)(subject, *arguments, **options)
    if isinstance(subject, xr.DataArray):
        options.pop("keep_attrs", None)
        options.setdefault("dim", "feature")
    return getattr(subject.rbig, call.measure)(*arguments, **options)


def handed_over(call: Call, ds: xr.Dataset, other: xr.Dataset | None) -> tuple[Any, list[Any]]:
    """The data and the arguments by position."""
    if call.form == "array":
        subject = ds[call.names[0]].rename(None if "unnamed" in call.facts else call.names[0])
        arguments = [] if other is None else [other[call.names[0]].rename("model")]
    elif call.form == "dataset":
        subject, arguments = ds, [] if other is None else [other]
    elif call.form == "names":
        groups = call.groups.values()
        subject = ds
        arguments = [part[0] if len(part) == 1 and not isinstance(part[0], tuple) else part for part in groups]
    elif call.form == "mixed":
        first, *rest = (part[0] for part in call.groups.values())
        subject, arguments = ds, [ds[first], *rest]
    else:
        sides: list[Any] = [ds[part[0]] if call.form == "arrays" else ds[part] for part in call.groups.values()]
        if "height" in ds.coords and "another height" in call.facts:
            sides[1] = sides[1].assign_coords(height=10.0)
        subject, arguments = sides[0], sides[1:] if len(sides) == 2 else [sides[1], None, sides[2]]
    return (subject, arguments) if not call.spoiled else spoil(call, subject, arguments)


def spoil(call: Call, subject: Any, arguments: list[Any]) -> tuple[Any, list[Any]]:
    """Hand over something else."""
    if call.spoiled == "numpy":
        return np.zeros((50, 2)), arguments
    if call.spoiled == "tree":
        return xr.DataTree(dataset=subject), arguments
    if call.spoiled == "moved":
        d = next(
            d for d in call.layout.cells if d in subject.coords and subject[d].dtype.kind in "iu" and subject[d].size
        )
        return subject.assign_coords({d: subject[d] + 5}), arguments
    first = {"unknown": "tass", "empty": [], "twice": arguments[1], "array": np.zeros(50)}[call.spoiled]
    return subject, [first, *arguments[1:]]


def text_of(call: Call) -> str:
    """The call, to be read."""
    options = ", ".join(f"{k}={v!r}" for k, v in call.keywords.items())
    style = "accessor" if call.accessor else "function"
    fields = "; ".join(
        f"{n!r}{dict(v.sizes)} {v.dtype}{' on Dask ' + str(v.variable.chunks) if v.variable.chunks else ''}"
        for n, v in call.passed.data_vars.items()
    )
    return f"{call.measure} ({style}, {call.form}) of {call.groups} with {options}\n    {fields}"


class Outcome(NamedTuple):
    """What came of a call: the result, and the same in memory, or an error, and the warnings."""

    result: Any
    loaded: Any
    error: Exception | None
    at_compute: bool
    warned: list[warnings.WarningMessage]


def attempt(call: Call, ds: xr.Dataset, other: xr.Dataset | None, scheduler: str = "sync", **changes: Any) -> Outcome:
    """Make the call, in which nothing may be computed, and then compute its result."""
    result = loaded = error = None
    at_compute = False
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            with dask.config.set(scheduler=_no_scheduler if call.measure != "fit" else "sync"):
                result = perform(call, ds, other, **changes)
            at_compute = True
            loaded = result.compute(scheduler=scheduler) if isinstance(result, Labelled) else result
        except Exception as caught:
            error = caught
    return Outcome(result, loaded, error, at_compute, list(warned))


def _no_scheduler(*_: Any, **__: Any) -> Any:
    raise AssertionError("something was computed during the call")


# What must come of it


class Truth(NamedTuple):
    """The features in memory, NaN where missing: x (cell..., feature, sample), their labels, the cells' dimensions."""

    dims: list[Hashable]
    x: Array
    labels: list[str]
    owners: list[Hashable]


def truth(call: Call, ds: xr.Dataset) -> Truth:
    """Stack the features of the call."""
    arrays = [ds[name] for name in call.names]
    full = [a for a in arrays if number_of_features(call, [a.name])]
    dims = list(dict.fromkeys(d for a in full for d in a.dims if d not in call.samples and d not in call.along))
    shape = [ds.sizes[d] for d in dims]
    parts, labels, owners = [], [], []
    for array in arrays:
        own = [d for d in sorted(call.along, key=str) if d in array.dims]
        for entry in itertools.product(*(range(array.sizes[d]) for d in own)):
            single = array.isel(dict(zip(own, entry, strict=True)), drop=True)
            cells = [d for d in dims if d in single.dims]
            values = numbers(single.transpose(*cells, *sorted(call.samples, key=str)))
            n = math.prod(single.sizes[d] for d in call.samples)
            values = values.reshape(*(single.sizes[d] if d in cells else 1 for d in dims), n)
            parts.append(np.broadcast_to(values, (*shape, n)))
            where = ", ".join(f"{d}={entries(array, d)[i]}" for d, i in zip(own, entry, strict=True))
            shown = "data" if "unnamed" in call.facts else array.name
            labels.append(f"{shown}[{where}]" if where else str(shown))
            owners.append(array.name)
    return Truth(dims, np.stack(parts, axis=-2), labels, owners)


def entries(array: xr.DataArray, dim: Hashable) -> Array:
    """Labels along a dimension, or places."""
    return array.coords.variables[dim].values if dim in array.coords.variables else np.arange(array.sizes[dim])


def numbers(array: xr.DataArray) -> Array:
    """Values as float64, integers less their least, NaN where missing or where a fill value was left."""
    values = array.values
    missing = np.zeros(values.shape, dtype=bool)
    if values.dtype.kind == "f":
        missing |= np.isnan(values) | (values == np.float32(FILL))
    for attr in ("_FillValue", "missing_value"):
        for mark in np.ravel(array.attrs.get(attr, [])):
            if values.dtype.kind == "f" and not isinstance(mark, str):
                with np.errstate(over="ignore"):
                    missing |= (values == values.dtype.type(mark)) & np.isfinite(values)
            elif isinstance(mark, np.integer):
                missing |= values == int(mark)
    if values.dtype.kind in "iu" and values.size:
        least = int(values.min())
        values = np.array([int(v) - least for v in values.ravel()]).reshape(values.shape)
    return np.where(missing, np.nan, values.astype(np.float64))


def needed(call: Call, features: int) -> int:
    """Fewest complete samples."""
    least = call.keywords.get("min_samples")
    return max(max(40, 5 * features) if least is None else least, features + 2, 16)


def verdict(call: Call, x: Array) -> dict[int, Array]:
    """Where (cell...) the features `x` (cell..., feature, sample) have no estimate, by reason."""
    missing = np.isnan(x).any(axis=-2)
    complete = ~missing[..., None, :]
    highest, least = np.where(complete, x, -np.inf).max(axis=-1), np.where(complete, x, np.inf).min(axis=-1)
    found = {
        FEW: (~missing).sum(axis=-1) < needed(call, x.shape[-2]),
        INFINITE: np.isinf(x).any(axis=(-1, -2)),
        CONSTANT: (highest == least).any(axis=-1),
    }
    if call.keywords.get("skipna") is False:
        found[GAP] = missing.any(axis=-1)
    return found


def refusals(call: Call) -> list[str]:
    """What the message of the error may say that the call must raise; nothing if it must work."""
    arrays = [call.ds[name] for name in call.names]
    odd = ["data" if "unnamed" in call.facts else str(a.name) for a in arrays if a.dtype.kind not in "iuf"]
    odd += [str(a.name) for a in arrays if any(d not in a.dims for d in call.samples)]
    if any(all(d not in a.dims for a in arrays) for d in call.samples):
        odd += ["is not a dimension of the data", "no dimension is left"]
    if odd:
        return odd + call.refused
    features = number_of_features(call, call.names)
    found = list(call.refused)
    if "x" in call.groups and any(not number_of_features(call, part) for part in call.groups.values()):
        found.append("empty")
    if features < LEAST.get(call.measure, 2):
        found += ["at least"]
    found += unmet(call, features) + clashing(call, arrays)
    if call.other is not None:
        pairs = [(call.ds[n].attrs.get("units"), call.other[n].attrs.get("units")) for n in call.names]
        found += [one for one, two in pairs if one and two and one != two]
    if call.measure in RESAMPLED:
        found += unblocked(call, features)
    return found + (unfit(call, arrays) if call.measure == "fit" else [])


def number_of_features(call: Call, names: list[Hashable]) -> int:
    """How many features these variables hold."""
    return sum(math.prod(call.ds[n].sizes[d] for d in call.along if d in call.ds[n].dims) for n in names)


def unblocked(call: Call, features: int) -> list[str]:
    """Why the record cannot be cut into blocks, or shifted."""
    along = call.keywords.get("along", call.samples[0])
    found = [] if call.ordered.get(along, True) else ["order"]
    times = 10 if call.measure == "bootstrap" else 5
    if call.measure == "significance" and call.keywords.get("method", "shift") == "shift":
        times = max(5, 2 * (2 if "x" in call.groups else features))
    if call.keywords.get("block") in (2, "2D") and 2 * times > call.ds.sizes.get(along, 0):
        found.append("blocks of")
    return found


def unmet(call: Call, features: int) -> list[str]:
    """The number of samples that are needed where there are fewer, missing or not."""
    if call.measure == "mutual_information_matrix":
        features = min(2, features)
    sides = [call.ds] + ([call.other] if call.other is not None else [])
    least = needed(call, features)
    return [str(least)] if any(math.prod(s.sizes[d] for d in call.samples) < least for s in sides) else []


def clashing(call: Call, arrays: list[xr.DataArray]) -> list[str]:
    """Names of variables of which each has a dimension of the cells that the other lacks."""
    arrays = [a for a in arrays if number_of_features(call, [a.name])]
    cells = [{d for d in a.dims if d not in call.samples and d not in call.along} for a in arrays]
    if not cells or any(own == set.union(*cells) for own in cells):
        return []
    return [str(a.name) for a, own in zip(arrays, cells, strict=True) if own]


def unfit(call: Call, arrays: list[xr.DataArray]) -> list[str]:
    """Why there is no flow."""
    if "sample_dim" in call.keywords and any(d in call.layout.cells for n in call.names for d in call.ds[n].dims):
        return ["one flow for all samples"]
    if any(a.dtype.kind in "iu" and a.size and np.abs(a.values.astype(float)).max() > 2**53 for a in arrays):
        return ["2**53"]
    if not number_of_features(call, call.names):
        return ["needs"]
    x = truth(call, call.ds).x
    if not x.size:
        return ["needs"]
    found = verdict(call, x.reshape(-1, *x.shape[-2:]))
    texts = {FEW: "complete samples", INFINITE: "infinite", CONSTANT: "constant"}
    return [texts[code] for code in texts if found[code].any()]


class Expected(NamedTuple):
    """Reasons (cell..., feature...) for which there is no estimate, and where it is open whether there is one."""

    reasons: dict[int, Array]
    open: Array

    @property
    def missing(self) -> Array:
        return np.logical_or.reduce(list(self.reasons.values()))


def expected(call: Call, known: Truth) -> Expected:
    """Where there must be no estimate, and why."""
    if call.measure == "mutual_information_matrix":
        return of_pairs(call, known.x)
    if call.measure == "redundancy":
        return of_each(call, known.x)
    reasons = verdict(call, known.x)
    if call.other is not None:
        others = verdict(call, truth(call, call.other).x)
        reasons = {code: reasons[code] | others[code] for code in reasons}
    open_ = np.zeros(known.x.shape[:-2], dtype=bool)
    if call.measure == "negentropy":
        open_ = singular(known.x)
    if call.measure == "kl_divergence" and call.facts & {"wild", "copy", "classes"}:
        open_[...] = True
    return Expected(reasons, open_)


def of_pairs(call: Call, x: Array) -> Expected:
    """A matrix has the complete samples of each pair, and nothing on its diagonal."""
    features = x.shape[-2]
    shape = (*x.shape[:-2], features, features)
    reasons = {code: np.zeros(shape, dtype=bool) for code in (FEW, INFINITE, CONSTANT, GAP, UNDEFINED)}
    for i, j in itertools.permutations(range(features), 2):
        for code, where in verdict(call, x[..., [i, j], :]).items():
            reasons[code][..., i, j] = where
    reasons[UNDEFINED][..., np.arange(features), np.arange(features)] = True
    return Expected(reasons, np.zeros(shape, dtype=bool))


def of_each(call: Call, x: Array) -> Expected:
    """A feature that is constant, empty or infinite has no redundancy, and the others are told without it."""
    shape = x.shape[:-1]
    reasons = {code: np.zeros(shape, dtype=bool) for code in (FEW, INFINITE, CONSTANT, GAP, UNDEFINED)}
    open_ = np.zeros(shape, dtype=bool)
    for cell in np.ndindex(*shape[:-1]):
        own = {code: np.array([verdict(call, row[None])[code] for row in x[cell]]) for code in (INFINITE, CONSTANT)}
        own[FEW] = own[GAP] = np.isnan(x[cell]).all(axis=-1)
        if call.keywords.get("skipna") is not False:
            del own[GAP]
        bad = np.logical_or.reduce(list(own.values()))
        for code, where in own.items():
            reasons[code][cell] |= where
        rest = verdict(call, x[cell][~bad]) if (~bad).sum() > 1 else {UNDEFINED: np.array(True)}
        for code, where in rest.items():
            reasons[code][cell] |= where & ~bad
        doubtful = bool(rest.get(CONSTANT, False)) or (bad.any() and call.keywords.get("skipna") is False)
        open_[cell] = doubtful and not rest.get(FEW, False)
    return Expected(reasons, open_)


def singular(x: Array) -> Array:
    """Where (cell...) features are as good as linear functions of others."""
    found = np.zeros(x.shape[:-2], dtype=bool)
    for cell in np.ndindex(*found.shape):
        own = x[cell][:, np.isfinite(x[cell]).all(axis=0)]
        if own.shape[1] > 2:
            own = own / np.maximum(np.abs(own).max(axis=1, keepdims=True), np.finfo(float).tiny)
            with np.errstate(all="ignore"):
                correlation = np.nan_to_num(np.atleast_2d(np.corrcoef(own)))
            found[cell] = np.linalg.eigvalsh(correlation)[0] < 1e-8
    return found


# The checks, each of which tells what is wrong


def check(seed: int) -> tuple[Call, list[str]]:
    """Make the call of `seed`, and tell all that is wrong with it."""
    call = draw(seed)
    before = [fingerprint(side) for side in (call.passed, call.passed_other) if side is not None]
    outcome = attempt(call, call.passed, call.passed_other)
    wrong = list(check_warnings(call, outcome))
    after = [fingerprint(side) for side in (call.passed, call.passed_other) if side is not None]
    wrong += [f"input changed: {b} -> {a}" for b, a in zip(before, after, strict=True) if a != b]
    fragments = refusals(call)
    if outcome.error is not None or fragments:
        return call, wrong + list(check_error(outcome, fragments))
    if call.measure == "fit":
        try:
            return call, wrong + list(check_flow(call, outcome.result))
        except Exception as error:
            return call, [*wrong, f"flow: {raised_in(error)[1]}"]
    rng = np.random.default_rng([8, seed])
    if structure := list(check_shape(call, outcome)):
        return call, wrong + structure
    wrong += check_content(call, outcome)
    wrong += check_bits(call, outcome, rng)
    wrong += check_kin(call, outcome, rng)
    if rng.random() < 0.1:
        wrong += check_writing(call, outcome)
    return call, wrong


def check_content(call: Call, outcome: Outcome) -> Iterator[str]:
    """What a result of the right shape must hold."""
    for part in (check_labels, check_missing, check_diagnostics, check_resampled, check_laziness):
        yield from part(call, outcome)


def fingerprint(ds: xr.Dataset) -> list[str]:
    """What a call must leave as it is."""
    found = [repr(ds.attrs)]
    for name, variable in ds.variables.items():
        values = variable.data.name if variable.chunks is not None else hash(pickle.dumps(variable.values))
        found.append(f"{name!r} {variable.dims} {variable.attrs} {variable.encoding} {values}")
    return found


def check_warnings(call: Call, outcome: Outcome) -> Iterator[str]:
    """A fit may say that its density means little; nothing else warns."""
    for warned in outcome.warned:
        if call.measure != "fit" or warned.category is not UserWarning:
            yield f"{warned.category.__name__}: {warned.message} ({warned.filename}:{warned.lineno})"


def check_error(outcome: Outcome, fragments: list[str]) -> Iterator[str]:
    """Errors come where they must and only there, at the call, and say what is wrong."""
    error = outcome.error
    if error is None:
        yield f"no error, but one that says one of {fragments} was due"
        return
    file, shown = raised_in(error)
    if outcome.at_compute:
        yield f"error at compute: {shown}"
    elif not fragments:
        yield f"error: {shown}"
    else:
        if type(error) not in (ValueError, TypeError) or "xrbig" not in file:
            yield f"an error from elsewhere: {shown}"
        if len(str(error)) <= 40 or not any(f in str(error) for f in fragments):
            yield f"the error should say one of {fragments}: {shown}"


def raised_in(error: Exception) -> tuple[str, str]:
    """The file whose code raised the error, and the error with its place."""
    frames = traceback.extract_tb(error.__traceback__)
    file, line = (frames[-1].filename, frames[-1].lineno) if frames else ("", 0)
    return file, f"{type(error).__name__}: {error} ({Path(file).name}:{line})"


def values_of(call: Call, loaded: Any) -> xr.DataArray:
    """The estimate itself."""
    return loaded[call.information] if isinstance(loaded, xr.Dataset) else loaded


def fields_of(call: Call) -> list[str]:
    """Names of the variables of the result."""
    if call.measure == "significance":
        adjusted = [] if call.keywords.get("fdr", "bh") is None else ["p_adjusted"]
        return [call.information, "p_value", *adjusted, "null_mean", "null_std", "debiased"]
    if call.measure == "bootstrap":
        return [call.information, "lower", "upper", "std_error", "bias"]
    if not call.keywords.get("diagnostics"):
        return [call.measure]
    error = ["std_error"] if call.measure in ("total_correlation", "mutual_information") else []
    fields = ["n_samples", "n_layers", "converged", "tied_fraction", "reason", "determined"]
    return [call.measure, *fields, *error]


def check_shape(call: Call, outcome: Outcome) -> Iterator[str]:
    """Variables, dimensions, types and the labels of features."""
    loaded, known = outcome.loaded, truth(call, call.ds)
    value = values_of(call, loaded)
    several = call.measure in RESAMPLED or bool(call.keywords.get("diagnostics"))
    if isinstance(loaded, xr.Dataset) != several:
        yield f"a {type(loaded).__name__}"
    elif several and set(loaded.data_vars) != set(fields_of(call)):
        yield f"variables {list(loaded.data_vars)}, not {fields_of(call)}"
    extra = ALONG.get(call.measure, ())
    dims = (*known.dims, *extra)
    orders = [[d for d in call.ds[n].dims if d in known.dims] for n in call.names]
    orders = [order for order in orders if order]
    fixed = all(order == orders[0] for order in orders) and bool(orders) and "y" not in call.groups
    if set(value.dims) != set(dims) or len(value.dims) != len(dims) or value.dims[len(known.dims) :] != extra:
        yield f"dimensions {value.dims}, not {dims}"
    elif fixed and value.dims != (*orders[0], *extra):
        yield f"dimensions {value.dims} in another order than {orders[0]}"
    sizes = {d: call.ds.sizes[d] for d in known.dims} | {d: len(known.labels) for d in extra}
    if dict(value.sizes) != sizes:
        yield f"sizes {dict(value.sizes)}, not {sizes}"
    if value.dtype != np.float64 or value.name != call.information:
        yield f"{value.name!r} of {value.dtype}"
    for d in extra:
        if d not in value.coords or sorted(map(str, value[d].values.tolist())) != sorted(known.labels):
            yield f"labels of {d}: {value[d].values.tolist()}, not {known.labels}"
        elif value[d].dtype.kind == "O":
            yield f"labels of {d} are objects, which no plot can place"


def check_labels(call: Call, outcome: Outcome) -> Iterator[str]:
    """Coordinates and attributes."""
    loaded, known = outcome.loaded, truth(call, call.ds)
    yield from check_coords(call, values_of(call, loaded), known)
    yield from check_attrs(call, loaded, values_of(call, loaded), known)


def check_coords(call: Call, value: xr.DataArray, known: Truth) -> Iterator[str]:
    """Coordinates of the cells are kept as they are, and no others."""
    extra = ALONG.get(call.measure, ())
    arrays = [call.ds[name] for name in call.names]
    kept = {name for a in arrays for name, c in a.coords.items() if set(c.dims) <= set(known.dims)}
    if call.form in ("array", "dataset") and call.other is not None:
        kept -= {n for n in kept if n not in call.other.coords}
        kept |= {"height"} & set(value.coords)  # on one side only: either will do
    if call.form in ("arrays", "datasets") and "another height" in call.facts:
        kept -= {"height"}
    if set(value.coords) - set(extra) != kept:
        yield f"coordinates {sorted(map(str, value.coords))}, not {sorted(map(str, kept))}"
    for name in kept & set(value.coords):
        one, two = value.coords[name], call.ds.coords[name]
        if not one.variable.to_base_variable().identical(two.variable.to_base_variable().compute(scheduler="sync")):
            yield f"coordinate {name!r} changed: {one.variable!r}, was {two.variable!r}"
        if (name in value.xindexes) != (name in call.ds.xindexes):
            yield f"coordinate {name!r} is no index any more"
        if stored := {"chunks", "compressor", "dtype", "filters", "preferred_chunks"} & set(one.encoding):
            yield f"coordinate {name!r} keeps the {sorted(stored)} of the file of the input"


def check_attrs(call: Call, loaded: Any, value: xr.DataArray, known: Truth) -> Iterator[str]:
    """Attributes say what the value is, and nothing of the inputs."""
    attrs = dict(value.attrs)
    title = TITLES.get(call.information, call.information.replace("_", " "))
    unit = "bit" if call.keywords.get("base") == 2 else "nat"
    due = {"long_name": f"{title} ({unit})", "information_unit": unit}
    if call.keywords.get("normalize"):
        due = {"long_name": f"equivalent correlation of the {title}", "units": "1"}
    shown = {name: "data" if "unnamed" in call.facts else name for name in call.names}
    units = sorted(f"{shown[n]}: {call.ds[n].attrs['units']}" for n in call.names if "units" in call.ds[n].attrs)
    if units:
        due["feature_units"] = ", ".join(sorted_items(", ".join(units)))
        attrs["feature_units"] = ", ".join(sorted_items(attrs.get("feature_units", "")))
    due["estimator"], due["xrbig_version"] = repr(call.keywords["estimator"]), xrbig.__version__
    due["sample_dims"] = ", ".join(sorted(map(str, call.samples)))
    kept = call.keywords.get("keep_attrs", False) and not (call.accessor and call.form == "array")
    if kept and call.form in ("dataset", "names"):
        if (loaded.attrs if isinstance(loaded, xr.Dataset) else attrs).get("title") != POISON:
            yield "global attributes were not kept"
        attrs.pop("title", None)
    elif isinstance(loaded, xr.Dataset) and loaded.attrs:
        yield f"attributes of the Dataset: {loaded.attrs}"
    for argument, names in call.groups.items():
        key = "features" if argument == "features" else f"{argument}_features"
        labels = [label for label, owner in zip(known.labels, known.owners, strict=True) if owner in names]
        if sorted_items(attrs.pop(key, "")) != sorted_items(", ".join(labels)):
            yield f"{key} = {value.attrs.get(key)!r}, not {labels}"
    if (left_out := sorted_items(attrs.pop("left_out", ""))) != sorted_items(", ".join(call.left_out)):
        yield f"left_out names {left_out}, not {call.left_out}"
    if attrs != due:
        yield f"attributes {attrs}, not {due}"
    if isinstance(loaded, xr.Dataset):
        yield from (f"{n}: {a.attrs}" for n, a in loaded.data_vars.items() if POISON in str(a.attrs) and not kept)
        yield from (f"{n} has no long_name" for n, a in loaded.data_vars.items() if "long_name" not in a.attrs)


def sorted_items(text: str) -> list[str]:
    """What a list in an attribute holds, in whatever order."""
    return sorted(text.split(", ")) if text else []


def arranged(array: xr.DataArray, call: Call, known: Truth) -> Array:
    """Values (cell..., feature...) in the order of the features of `known`."""
    for d in ALONG.get(call.measure, ()):
        if d in array.dims:
            places = [array[d].values.tolist().index(label) for label in known.labels]
            array = array.isel({d: places})
    own = [d for d in ALONG.get(call.measure, ()) if d in array.dims]
    return array.transpose(*known.dims, *own).values


def check_missing(call: Call, outcome: Outcome) -> Iterator[str]:
    """There is no estimate exactly where there can be none."""
    known = truth(call, call.ds)
    value = arranged(values_of(call, outcome.loaded), call, known)
    due = expected(call, known)
    differ = (np.isnan(value) != due.missing) & ~(due.open & np.isnan(value))
    for cell in np.argwhere(differ)[:2]:
        codes = [code for code, where in due.reasons.items() if where[tuple(cell)]]
        yield f"at {cell.tolist()} the value is {value[tuple(cell)]}, reasons for none: {codes}"
    if isinstance(outcome.loaded, xr.Dataset) and "reason" in outcome.loaded:
        yield from check_reason(outcome.loaded.reason, value, call, known, due)


def check_reason(reason: xr.DataArray, value: Array, call: Call, known: Truth, due: Expected) -> Iterator[str]:
    """The reason given is one of those there are."""
    if reason.dtype != np.int8 or len(str(reason.attrs.get("flag_meanings", "")).split()) != 6:
        yield f"reason is {reason.dtype} with {reason.attrs}"
    if list(np.ravel(reason.attrs.get("flag_values", []))) != list(range(6)):
        yield f"flag_values {reason.attrs.get('flag_values')}"
    given = arranged(reason, call, known)
    if given.shape != value.shape:
        yield f"reason has the shape {given.shape}, the value {value.shape}"
        return
    if ((given == 0) != ~np.isnan(value)).any():
        yield f"reason {given.tolist()} for the values {value.tolist()}"
    for code in range(1, UNDEFINED):
        wrong = (given == code) & ~due.reasons.get(code, np.zeros(value.shape, dtype=bool)) & ~due.open
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0])
            codes = [c for c, where in due.reasons.items() if where[place]]
            yield f"reason {code} at {list(map(int, place))}, but it can be {codes}"


def check_diagnostics(call: Call, outcome: Outcome) -> Iterator[str]:
    """Counts and shares as NumPy finds them."""
    if not call.keywords.get("diagnostics") or call.measure in RESAMPLED:
        return
    known, result = truth(call, call.ds), outcome.loaded
    value = values_of(call, result)
    complete = ~np.isnan(known.x).any(axis=-2)
    if call.measure not in ALONG:
        number = complete.sum(axis=-1)
        if call.other is not None:
            number = np.minimum(number, (~np.isnan(truth(call, call.other).x).any(axis=-2)).sum(axis=-1))
        if not np.array_equal(arranged(result.n_samples, call, known), number):
            yield f"n_samples {arranged(result.n_samples, call, known).tolist()}, not {number.tolist()}"
    if call.measure == "mutual_information_matrix":
        yield from check_numbers_of_pairs(call, result, known)
    if call.measure not in (*ALONG, "kl_divergence"):
        due, given = tied(known.x), arranged(result.tied_fraction, call, known)
        wrong = ~np.isnan(arranged(value, call, known)) & ~np.isclose(due, given, rtol=0, atol=1e-12)
        if wrong.any():
            yield f"tied_fraction {given.tolist()}, not {due.tolist()}"
    for name, dtype in {
        "n_samples": "i",
        "n_layers": "i",
        "converged": "b",
        "tied_fraction": "f",
        "determined": "b",
    }.items():
        if result[name].dtype.kind != dtype:
            yield f"{name} is {result[name].dtype}"
    if "std_error" in result and set(call.ordered.values()) in ({True}, {False}):
        known_error = result.std_error.notnull() & (result.std_error >= 0)
        due_error = value.notnull() & all(call.ordered.values()) & np.isfinite(value)
        if not bool((known_error == due_error).all()):
            yield f"std_error {result.std_error.values.tolist()} of {value.values.tolist()}, in order: {call.ordered}"


def check_numbers_of_pairs(call: Call, result: xr.Dataset, known: Truth) -> Iterator[str]:
    """The fewest complete samples of the pairs that have an estimate."""
    value = arranged(values_of(call, result), call, known)
    features = known.x.shape[-2]
    numbers = np.full(value.shape, np.iinfo(np.int64).max)
    for i, j in itertools.permutations(range(features), 2):
        numbers[..., i, j] = (~np.isnan(known.x[..., [i, j], :]).any(axis=-2)).sum(axis=-1)
    numbers = np.where(np.isnan(value), np.iinfo(np.int64).max, numbers)
    due = numbers.min(axis=(-1, -2)) if numbers.size else numbers.sum(axis=(-1, -2))
    given = arranged(result.n_samples, call, known)
    if given.shape != due.shape:
        yield f"n_samples has the shape {given.shape}"
    elif (wrong := (due < np.iinfo(np.int64).max) & (due != given)).any():
        yield f"n_samples {given[wrong].tolist()}, not {due[wrong].tolist()}"


def tied(x: Array) -> Array:
    """Largest share (cell...) of a feature's complete samples that have a value which another has."""
    shares = np.zeros(x.shape[:-2])
    for cell in np.ndindex(*shares.shape):
        own = x[cell][:, ~np.isnan(x[cell]).any(axis=0)]
        counts = [np.unique(row, return_counts=True)[1] for row in own]
        shares[cell] = max((c[c > 1].sum() / max(1, c.sum()) for c in counts), default=0)
    return shares


def check_resampled(call: Call, outcome: Outcome) -> Iterator[str]:
    """p-values are probabilities, intervals hold the estimate, and both are there where the record is complete."""
    if call.measure not in RESAMPLED:
        return
    result, value = outcome.loaded, values_of(call, outcome.loaded)
    first = result.p_value if call.measure == "significance" else result.std_error
    known = truth(call, call.ds)
    due = np.atleast_1d(enough_for_blocks(call, known) & ~np.isnan(arranged(value, call, known)))
    if call.facts & {"classes", "zeros", "quantised"} or {"method", "block"} & set(call.keywords):
        due[...] = False
    if bool((first.notnull() & value.isnull()).any()):
        yield f"{first.name} where there is no estimate"
    if (due & np.isnan(arranged(first, call, known))).any():
        yield f"{first.name} is missing: {first.values.tolist()}"
    if call.measure == "bootstrap":
        if bool(((result.lower > value) | (result.upper < value)).any()):
            yield f"the interval {result.lower.values.tolist()} to {result.upper.values.tolist()} lacks {value.values}"
        return
    p = result.p_value.values
    if (p[~np.isnan(p)] <= 0).any() or (p[~np.isnan(p)] > 1).any():
        yield f"p-values {p.tolist()}"
    if "fdr" in call.keywords:
        return
    ranked = np.sort(p[~np.isnan(p)])
    adjusted = np.minimum.accumulate((ranked * len(ranked) / np.arange(1, len(ranked) + 1))[::-1])[::-1]
    given = result.p_adjusted.values
    if not np.allclose(np.sort(given[~np.isnan(given)]), np.minimum(adjusted, 1)):
        yield f"p_adjusted {given.tolist()} of {p.tolist()}"


def enough_for_blocks(call: Call, known: Truth) -> Array:
    """Where (cell...) whole entries of each sample dimension are there or missing, and enough are there."""
    over = sorted(call.samples, key=str)
    shape = [call.ds.sizes[d] for d in over]
    axis = over.index(call.keywords.get("along", over[0]))
    enough = np.zeros(known.x.shape[:-2], dtype=bool)
    for cell in np.ndindex(*enough.shape):
        there = ~np.isnan(known.x[cell]).any(axis=0).reshape(shape)
        parts = [there.any(axis=tuple(a for a in range(len(shape)) if a != own)) for own in range(len(shape))]
        block = np.ix_(*parts)
        enough[cell] = (
            bool(there[block].all()) and parts[axis].sum() >= 40 and there.sum() >= 2 * (20 + len(known.labels))
        )
    return enough


def check_laziness(call: Call, outcome: Outcome) -> Iterator[str]:
    """Lazy data give lazy results, in chunks that a store can hold."""
    result = outcome.result if isinstance(outcome.result, xr.Dataset) else outcome.result.to_dataset()
    for name, array in result.data_vars.items():
        if (array.variable.chunks is not None) != call.lazy and array.size:
            yield f"{name} is {'in memory' if call.lazy else 'lazy'}"
    for name, variable in result.variables.items():
        for d, sizes in zip(variable.dims, variable.chunks or (), strict=False):
            if len({*sizes[:-1]}) > 1 or sizes[-1] > sizes[0]:
                yield f"chunks of {name!r} along {d!r}: {sizes}"


def same_bits(call: Call, one: Any, two: Any, rtol: float = 0) -> str:
    """Which variables differ, and how; floats by more than `rtol`."""
    one = one if isinstance(one, xr.Dataset) else one.to_dataset()
    two = two if isinstance(two, xr.Dataset) else two.to_dataset()
    for name in [n for n in one.data_vars if n in two.data_vars]:
        if set(one[name].dims) != set(two[name].dims):
            return f"{name} has {two[name].dims} for {one[name].dims}"
        a, b = one[name].values, two[name].transpose(*one[name].dims).values
        if a.shape != b.shape or a.dtype != b.dtype or not _same(a, b, rtol if a.dtype.kind == "f" else 0):
            return f"{name} {a.tolist()} against {b.tolist()}"
    return ""


def _same(a: Array, b: Array, rtol: float) -> bool:
    if not rtol:
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return np.allclose(a, b, rtol=rtol, atol=rtol, equal_nan=True)


def check_bits(call: Call, outcome: Outcome, rng: np.random.Generator) -> Iterator[str]:
    """The same number on other chunks, and in one or two other ways that must not matter."""
    variants: dict[str, Callable[[], Outcome]] = {
        "other chunks": lambda: attempt(call, on_dask(rng, call.ds), on_dask(rng, call.other) if call.other else None),
        "in memory": lambda: attempt(call, call.ds, call.other),
    }
    others: dict[str, Callable[[], Outcome]] = {
        "another order": lambda: attempt(*reordered(call, rng)),
        "integers from 0": lambda: attempt(call, from_zero(call.ds), call.other),
        "seterr": lambda: _raising(call),
        "threads": lambda: attempt(call, on_dask(rng, call.ds), call.other, scheduler="threads"),
    }
    if call.form in ("dataset", "array", "names"):
        others["accessor or function"] = lambda: attempt(replace(call, accessor=not call.accessor), call.ds, call.other)
    if "diagnostics" in call.keywords:
        others["without diagnostics"] = lambda: attempt(call, call.ds, call.other, diagnostics=False)
    by_value = (
        call.measure in ("entropy", "negentropy", "kl_divergence") or call.keywords["estimator"].rotation == "auto"
    )
    if by_value or not any(call.ds[n].dtype.kind in "iu" for n in call.names):
        del others["integers from 0"]
    chosen = list(rng.permutation(list(others))[:2])
    plan = {**variants, **others} if rng.random() < 0.1 else {n: (variants | others)[n] for n in (*variants, *chosen)}
    if call.lazy and rng.random() < 0.1:
        sent = pickle.loads(pickle.dumps(outcome.result)).compute(scheduler="sync")
        yield from (f"pickled: {text}" for text in [same_bits(call, outcome.loaded, sent)] if text)
    if call.measure in DEAR:
        plan = dict(list(plan.items())[:2])
    for name, make in plan.items():
        again = make()
        yield from (f"{name}: {text}" for text in check_warnings(call, again))
        if again.error is not None:
            yield f"{name}: {raised_in(again.error)[1]}"
        elif difference := same_bits(call, outcome.loaded, again.loaded, ROUNDED * (name == "without diagnostics")):
            yield f"{name}: {difference}"


def _raising(call: Call) -> Outcome:
    with np.errstate(all="raise"):
        return attempt(call, call.ds, call.other)


def reordered(call: Call, rng: np.random.Generator) -> tuple[Call, xr.Dataset, xr.Dataset | None]:
    """The same variables and dimensions in another order; x and y exchanged."""
    names = [*rng.permutation(np.arange(len(call.ds.data_vars)))]
    every = list(call.ds.data_vars)
    ds = call.ds[[every[i] for i in names]]
    for name in every:
        axes = rng.permutation(ds[name].ndim)
        ds[name] = ds[name].variable.transpose(*(ds[name].dims[i] for i in axes))
    changed = copy.copy(call)
    changed.keywords = dict(call.keywords)
    if "variables" in call.keywords:
        changed.keywords["variables"] = call.keywords["variables"][::-1]
    if call.measure == "mutual_information":
        changed.groups = {"x": call.groups["y"][::-1], "y": call.groups["x"][::-1]}
    return changed, ds, call.other


def from_zero(ds: xr.Dataset) -> xr.Dataset:
    """Integers less their least, as integers; those with fill values stay."""
    ds = ds.copy()
    for name, array in list(ds.data_vars.items()):
        if array.dtype.kind in "iu" and array.size and not {"_FillValue", "missing_value"} & set(array.attrs):
            values = [int(v) - int(array.values.min()) for v in array.values.ravel()]
            ds[name] = array.variable.copy(data=np.array(values, dtype=np.int64).reshape(array.shape))
    return ds


def check_kin(call: Call, outcome: Outcome, rng: np.random.Generator) -> Iterator[str]:
    """The same number from other calls: without the missing samples, pair by pair, without resampling."""
    known = truth(call, call.ds)
    value = arranged(values_of(call, outcome.loaded), call, known)
    if call.information in ("total_correlation", "mutual_information"):
        yield from check_dropped(call, value, known, rng)
    if call.measure not in DEAR and (call.keywords.get("base") == 2 or call.keywords.get("normalize")):
        yield from check_unit(call, value, known)
    pure = not call.along and value.size
    if pure and call.measure == "mutual_information_matrix":
        for i, j in list(itertools.combinations(range(len(call.names)), 2))[:3]:
            if clashing(call, [call.ds[call.names[k]] for k in (i, j)]):
                continue
            yield from check_pair(call, value[..., i, j], [[call.names[i]], [call.names[j]]], known)
    whole = not np.isnan(known.x).any() and not tied(known.x).any()
    if pure and whole and call.measure == "redundancy":
        for i, name in list(enumerate(call.names))[:2]:
            others = [n for n in call.names if n != name]
            if not verdict(call, known.x)[CONSTANT].any() and not np.isinf(known.x).any():
                yield from check_pair(call, value[..., i], [[name], others], known)


def check_unit(call: Call, value: Array, known: Truth) -> Iterator[str]:
    """Bits and equivalent correlations are those of the nats."""
    plain_options = {k: v for k, v in {"base": "e", "normalize": False}.items() if k in call.keywords}
    nats = attempt(call, call.ds, call.other, **plain_options)
    plain = arranged(values_of(call, nats.loaded), call, known)
    due = plain / math.log(2) if "base" in call.keywords else np.sqrt(1 - np.exp(-2 * np.maximum(plain, 0)))
    if not np.allclose(due, value, rtol=1e-12, atol=1e-7, equal_nan=True):
        yield f"{value.tolist()} of {plain.tolist()} nat"


def check_pair(call: Call, value: Array, groups: list[list[Hashable]], known: Truth) -> Iterator[str]:
    """The value that `mutual_information` gives of two groups, in cells of all variables."""
    options = {k: v for k, v in call.keywords.items() if k not in ("variables", "diagnostics", "keep_attrs")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = xrbig.mutual_information(call.ds, *groups, **options).compute(scheduler="sync")
    missing = [d for d in known.dims if d not in other.dims]
    other = other.expand_dims({d: call.ds.sizes[d] for d in missing}).transpose(*known.dims)
    if not np.array_equal(other.values, value, equal_nan=True):
        yield f"{value.tolist()} of {groups}, but mutual_information gives {other.values.tolist()}"


def check_dropped(call: Call, value: Array, known: Truth, rng: np.random.Generator) -> Iterator[str]:
    """A sample that is missing is as one that was never there."""
    cells = np.argwhere(~np.isnan(value))
    if not len(cells) or not np.isnan(known.x).any():
        return
    cell = tuple(cells[rng.integers(len(cells))])
    own = known.x[cell][:, ~np.isnan(known.x[cell]).any(axis=0)]
    keys = sorted(range(len(known.labels)), key=lambda i: sort_key(call, known, i))
    names = {i: f"v{place:03d}" for place, i in enumerate(keys)}
    ds = xr.Dataset({names[i]: ("sample", row) for i, row in enumerate(own)})
    options = {k: call.keywords[k] for k in ("min_samples", "estimator", "base", "normalize") if k in call.keywords}
    if "x" in call.groups:
        parts = [[names[i] for i, n in enumerate(known.owners) if n in call.groups[side]] for side in "xy"]
        again = xrbig.mutual_information(ds, *parts, **options)
    else:
        again = xrbig.total_correlation(ds, **options)
    if abs(float(again) - value[cell]) > ROUNDED * max(1, abs(value[cell])):
        yield f"without the missing samples it is {float(again)}, not {value[cell]} at {list(map(int, cell))}"


def sort_key(call: Call, known: Truth, feature: int) -> tuple[Any, ...]:
    """By name, then by place of the coordinate: the order in which a measure takes features."""
    owner = known.owners[feature]
    before = known.owners[:feature].count(owner)
    array = call.ds[owner]
    own = [d for d in sorted(call.along, key=str) if d in array.dims]
    places = np.unravel_index(before, [array.sizes[d] for d in own]) if own else ()
    ranks = [int(np.argsort(np.argsort(entries(array, d)))[i]) for d, i in zip(own, places, strict=True)]
    return (str(owner), type(owner).__name__, *ranks)


def is_unwritable(index: Any) -> bool:
    """Whether the index is of a kind that xarray writes to no file."""
    kinds = (pd.MultiIndex, pd.PeriodIndex)
    return type(index).__name__ == "NDPointIndex" or isinstance(index.to_pandas_index(), kinds)


def check_writing(call: Call, outcome: Outcome) -> Iterator[str]:
    """Stores hold the result, and give it back."""
    names = [*outcome.result.dims, *outcome.result.coords]
    if not all(isinstance(n, str) for n in names) or any(map(is_unwritable, outcome.result.xindexes.values())):
        return
    result = outcome.result if isinstance(outcome.result, xr.Dataset) else outcome.result.to_dataset()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), dask.config.set(scheduler="sync"):
        warnings.simplefilter("ignore")
        for kind in ("zarr", "netcdf"):
            try:
                if kind == "zarr":
                    result.to_zarr(f"{folder}/a.zarr", zarr_format=3, consolidated=False)
                    again = xr.open_zarr(f"{folder}/a.zarr", consolidated=False).load()
                else:
                    result.to_netcdf(f"{folder}/a.nc")
                    again = xr.load_dataset(f"{folder}/a.nc")
            except Exception as error:
                yield f"to_{kind}: {type(error).__name__}: {error}"
                continue
            if difference := same_bits(call, outcome.loaded, again):
                yield f"to_{kind} and back: {difference}"


def check_flow(call: Call, flow: xrbig.Flow) -> Iterator[str]:
    """A flow maps its samples forth and back, lazily, and draws others."""
    subject, _ = handed_over(call, call.ds, None)
    passed, _ = handed_over(call, call.passed, None)
    with warnings.catch_warnings(record=True) as warned, dask.config.set(scheduler=_no_scheduler):
        warnings.simplefilter("always")
        z, density, lazy = flow.transform(subject), flow.log_prob(subject), flow.log_prob(passed)
        back, drawn, few = flow.inverse_transform(z), flow.sample(7), flow.sample(3)
    yield from (f"{w.category.__name__}: {w.message} ({w.filename}:{w.lineno})" for w in warned)
    if (lazy.variable.chunks is not None) != call.lazy:
        yield "log_prob is in memory" if call.lazy else "log_prob is lazy"
    if difference := same_bits(call, density, lazy.compute(scheduler="sync")):
        yield f"other chunks: {difference}"
    complete = ~np.isnan(truth(call, call.ds).x).any(axis=-2)
    if not np.array_equal(np.sort(density.notnull().values.ravel()), np.sort(complete.ravel())):
        yield f"{int(density.notnull().sum())} densities of {int(complete.sum())} complete samples"
    one, two = (a.to_dataset(name="a") if isinstance(a, xr.DataArray) else a for a in (z, subject))
    for name in one.data_vars:
        if one[name].dims != two[name].dims or POISON in str(one[name].attrs):
            yield f"{name!r} of the transform: {one[name].dims}, {one[name].attrs}"
    if difference := same_bits(call, drawn.isel(sample=slice(3)), few):
        yield f"the first of more samples: {difference}"
    if not call.facts & {"wild", "copy", "classes"}:
        yield from check_inverse(call, back, subject)
    plain = [isinstance(n, str) for n in (*call.names, *call.along)]
    if all(plain) and not any(is_unwritable(call.ds.xindexes[d]) for d in call.along if d in call.ds.xindexes):
        yield from check_saved(call, flow, subject, density)


def check_saved(call: Call, flow: xrbig.Flow, subject: Labelled, density: xr.DataArray) -> Iterator[str]:
    """A flow that was written is the same flow; entries may come in another order; units must be the same."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            flow.to_zarr(f"{folder}/flow.zarr")
            again = xrbig.open_flow(f"{folder}/flow.zarr").log_prob(subject)
        except Exception as error:
            yield f"saving: {type(error).__name__}: {error}"
            return
        if difference := same_bits(call, density, again):
            yield f"saved and opened: {difference}"
        turned = subject.isel({d: slice(None, None, -1) for d in call.along if d in subject.xindexes})
        if difference := same_bits(call, density, flow.log_prob(turned)):
            yield f"entries turned round: {difference}"
        first = call.names[0]
        units = call.ds[first].attrs.get("units")
        other = subject.copy()
        (other if isinstance(other, xr.DataArray) else other[first]).attrs["units"] = "another unit"
        try:
            flow.log_prob(other)
        except ValueError as error:
            if units is None or not all(text in str(error) for text in (units, "another unit")):
                yield f"other units: {error}"
        else:
            if units is not None:
                yield f"the density of values in 'another unit' for {units!r}"


def check_inverse(call: Call, back: Labelled, subject: Labelled) -> Iterator[str]:
    """Samples come back."""
    for name in call.names:
        one = back if isinstance(back, xr.DataArray) else back[name]
        due = subject if isinstance(subject, xr.DataArray) else subject[name]
        given = one.transpose(*due.dims).values
        wrong = ~np.isnan(given) & (np.abs(given - due.values.astype(float)) > 1e-6 * np.nanstd(given))
        if wrong.any():
            yield f"{name!r} comes back as {given[wrong][:2]}, was {due.values[wrong][:2]}"


# On request


def main() -> None:
    """Make calls, and print a summary and each one that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--number", type=int, default=300)
    parser.add_argument("--measure", help="only calls of this one")
    options = parser.parse_args()
    made: Counter[str] = Counter()
    refused = failed = 0
    begin = time.perf_counter()
    for seed in range(options.start, options.start + options.number):
        if options.measure and draw(seed).measure != options.measure:
            continue
        try:
            call, wrong = check(seed)
        except Exception as error:
            print(f"seed {seed}: the check itself failed, {type(error).__name__}: {error}")
            traceback.print_exc()
            failed += 1
            continue
        made[call.measure] += 1
        refused += bool(refusals(call))
        if wrong:
            failed += 1
            print(f"seed {seed}: {text_of(call)}")
            for line in wrong:
                print(f"  ! {line[:600]}")
    seconds = time.perf_counter() - begin
    print(f"{sum(made.values())} calls in {seconds:.0f} s, {refused} that must be refused, {failed} that fail: {made}")


if __name__ == "__main__":
    main()
