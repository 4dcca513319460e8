"""Cells on Dask: the chunk policy, the mapping of a kernel over the cells of each block, and its threads."""

import math
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xrbig.roles import Features

Array = NDArray[Any]
Kernel = Callable[..., Sequence[Array]]
Dims = tuple[Hashable, ...]
Chunks = dict[Hashable, tuple[int, ...]]

SLAB = 1 << 21  # values that are copied at a time, so that a block needs little more than its input
BUDGET_FACTOR = 4  # a block may hold so many times Dask's array.chunk-size
LARGEST_BLOCK = 1 << 32  # bytes of a block whose samples the user has put into one chunk
EXACT = 1 << 53  # beyond it float64 has no place for every integer
DEFAULT_FILLS = {"i4": [-2147483647], "i8": [-9223372036854775806]}  # of netCDF, where nothing was written
DEFAULT_FILL = 9.969209968386869e36


class Output(NamedTuple):
    """One array that a kernel returns, (cell, ...); `dims` are those after that of the cells, each of all features."""

    dtype: type
    dims: tuple[str, ...] = ()


class Argument(NamedTuple):
    """A variable on its way into a kernel.

    Attributes
    ----------
    array : the variable
    variable : its numbers, whose dimensions have names that tell what they are, whatever those of the data
    features : the dimensions along which its entries are features
    samples : those of the samples
    fills : values that stand for missing ones
    """

    array: xr.DataArray
    variable: xr.Variable
    features: tuple[str, ...]
    samples: tuple[str, ...]
    fills: list[float]

    @property
    def core(self) -> tuple[str, ...]:
        """The dimensions that are whole in a block."""
        return self.features + self.samples

    @property
    def originals(self) -> dict[str, Hashable]:
        """The names of its dimensions in the data."""
        return dict(zip(map(str, self.variable.dims), self.array.dims, strict=True))


def map_cells(
    name: str, kernel: Kernel, sides: Sequence[Features], sample_dims: Dims, outputs: list[Output]
) -> tuple[xr.DataArray, ...]:
    """Map `kernel`, from (cell, feature, sample) to its `outputs`, over all other dimensions.

    Lazy on Dask data, one task per block, called `name`: every sample and feature of a cell is in its block. The kernel
    has an argument for each of the `sides`, which hold the same features at samples of their own.
    """
    sides = [_with_features(side) for side in sides]
    cells = list(dict.fromkeys(d for side in sides for d in _other_dims(side, sample_dims)))
    arguments = [a for number, side in enumerate(sides) for a in _arguments(side, sample_dims, cells, number)]
    if not all(a.array.sizes.get(d, 1) for a in arguments for d in cells):
        arguments = [_without_chunks(a) for a in arguments]
    block = partial(
        _map_block,
        kernel=kernel,
        features=[len(a.features) for a in arguments],
        fills=[a.fills for a in arguments],
        samples=len(sample_dims),
        orders=[side.order for side in sides],
    )
    fresh = {d: f"feature {i} of the result" for i, d in enumerate(dict.fromkeys(d for o in outputs for d in o.dims))}
    results = xr.apply_ufunc(
        _Named(name, block),
        *_one_chunk(arguments),
        input_core_dims=[a.core for a in arguments],
        output_core_dims=[[fresh[d] for d in output.dims] for output in outputs],
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": dict.fromkeys(fresh.values(), len(sides[0].order))},
        output_dtypes=[output.dtype for output in outputs],
    )
    results = results if isinstance(results, tuple) else (results,)
    lazy = any(a.array.chunks is not None for a in arguments)
    fields = [_uniform(result.chunk().data if lazy and result.chunks is None else result.data) for result in results]
    chunks = dict(zip(cells, getattr(fields[0], "chunks", ()), strict=False))
    coords = _coords_over([a.array for a in arguments], set(cells), chunks)
    return tuple(
        xr.DataArray(field, coords, dims=[*cells, *output.dims]) for field, output in zip(fields, outputs, strict=True)
    )


def _with_features(side: Features) -> Features:
    """A side without the variables whose dimensions of features are empty."""
    held = [(a, own) for a, own in zip(side.arrays, side.dims, strict=True) if all(a.sizes[d] for d in own)]
    return side._replace(arrays=[a for a, _ in held], dims=[own for _, own in held])


def _other_dims(side: Features, sample_dims: Dims) -> list[Hashable]:
    return [d for a, own in zip(side.arrays, side.dims, strict=True) for d in a.dims if d not in (*own, *sample_dims)]


def _arguments(side: Features, sample_dims: Dims, others: list[Hashable], number: int = 0) -> list[Argument]:
    """The variables of a side, of whose dimensions the `others` hold neither features nor samples."""
    samples = {d: f"sample {i} of side {number}" for i, d in enumerate(sample_dims)}
    arguments = []
    for index, (array, own) in enumerate(zip(side.arrays, side.dims, strict=True)):
        features = {d: f"feature {i} of variable {index} of side {number}" for i, d in enumerate(own)}
        names = {d: f"cell {i}" for i, d in enumerate(others)} | samples | features
        variable = xr.Variable([names[d] for d in array.dims], array.data)
        arguments.append(Argument(array, variable, tuple(features.values()), tuple(samples.values()), _fills(array)))
    return arguments


def _without_chunks(argument: Argument) -> Argument:
    """An argument of a map without cells: Dask would divide by their number."""
    nothing = np.broadcast_to(np.zeros((), argument.variable.dtype), argument.variable.shape)
    return argument._replace(variable=xr.Variable(argument.variable.dims, nothing))


def _fills(array: xr.DataArray) -> list[float]:
    """Values that stand for missing ones: those that attributes still name, and the default one of netCDF."""
    named = [np.atleast_1d(array.attrs[key]) for key in ("_FillValue", "missing_value") if key in array.attrs]
    values = [v for several in named if several.dtype.kind in "iuf" for v in several.tolist() if v == v]
    if array.dtype.kind != "f":
        return values + DEFAULT_FILLS.get(array.dtype.str[1:], [])
    return [v for v in [*values, DEFAULT_FILL] if abs(v) <= float(np.finfo(array.dtype).max)]


def _one_chunk(arguments: list[Argument]) -> list[xr.Variable]:
    """Put the core dimensions into one chunk each, splitting the cells where a block would exceed the budget.

    Where the core dimensions are in one chunk already, the blocks are what the user wants, unless they are so large
    that hardly a worker holds them. Arrays in memory get the chunks of the others.
    """
    variables = [a.variable for a in arguments]
    if all(v.chunks is None for v in variables):
        return variables
    cells: Chunks = {}
    for a in arguments:
        cells |= {d: tuple(filter(None, c)) or (0,) for d, c in a.variable.chunksizes.items() if d not in a.core}
    budget = block_budget() if any(_scattered(a) for a in arguments) else LARGEST_BLOCK
    size = sum(a.variable.dtype.itemsize * math.prod(a.variable.sizes[d] for d in a.core) for a in arguments)
    if size > budget:
        raise ValueError(_too_large(arguments, size, budget))
    cells = _split(cells, size, budget)
    return [v.chunk({d: cells.get(d, -1) for d in v.dims}) for v in variables]


def _scattered(argument: Argument) -> list[Hashable]:
    """The dimensions of features and samples that are in several chunks."""
    chunks = argument.variable.chunksizes
    return [name for d, name in argument.originals.items() if d in argument.core and len(chunks.get(d, ())) > 1]


def _split(chunks: Chunks, cell_bytes: int, budget: int) -> Chunks:
    """Split the chunks of the cells, evenly where that can be, until a block of all variables fits the budget."""
    excess = cell_bytes * math.prod(max(c) for c in chunks.values()) / budget
    split = {}
    for dim, sizes in chunks.items():
        largest = max(1, *sizes)
        fewest = math.ceil(largest / max(1, math.floor(largest / max(1.0, excess))))
        parts = next((k for k in range(fewest, min(2 * fewest, largest)) if largest % k == 0), fewest)
        part = math.ceil(largest / parts)
        split[dim] = tuple(min(part, size - start) for size in sizes for start in range(0, size, part)) or (0,)
        excess *= part / largest
    return split


def block_budget() -> int:
    """Bytes that a block may hold if its samples have to be put together: four times Dask's array.chunk-size."""
    import dask
    from dask.utils import parse_bytes

    return BUDGET_FACTOR * int(parse_bytes(dask.config.get("array.chunk-size", "128MiB")))


def _too_large(arguments: list[Argument], size: int, budget: int) -> str:
    names = [a.array.name for a in arguments]
    split = list(dict.fromkeys(d for a in arguments for d in _scattered(a)))
    sizes = {name: a.variable.sizes[d] for a in arguments for d, name in a.originals.items() if d in a.samples}
    longest = max(sizes, key=sizes.__getitem__)
    thin = f"thin the samples, ds.isel({{{longest!r}: slice(None, None, {math.ceil(size / budget)})}})"
    if not split:
        return (
            f"one cell of the variables {names!r} with all its samples takes {size / 2**30:.3g} GiB, and a block may "
            f"hold {budget / 2**30:.3g} GiB: {thin}."
        )
    merge = ".chunk({" + ", ".join(f"{d!r}: -1" for d in split) + "})"
    merge = f"if the workers have the memory, put the samples into one chunk yourself, ds{merge}; else "
    return (
        f"the variables {names!r} are chunked along {split!r}, and one cell with all its samples takes "
        f"{size / 2**20:.3g} MiB, more than the {budget / 2**20:.3g} MiB allowed for a block (four times "
        f"Dask's array.chunk-size): {merge if size <= LARGEST_BLOCK else ''}{thin}."
    )


def _uniform(data: Any) -> Any:
    """Chunks of one size, but for a smaller last one, as Zarr has them."""
    chunks = getattr(data, "chunks", ())
    uneven = {axis: max(c) for axis, c in enumerate(chunks) if any(s != c[0] for s in c[:-1]) or c[-1] > c[0]}
    return data.rechunk(uneven) if uneven else data


def _coords_over(
    arrays: list[xr.DataArray], dims: set[Hashable], chunks: Mapping[Hashable, Any] = {}
) -> xr.Coordinates:
    """The coordinates over some dimensions, without those in which arrays differ.

    They are not computed to be compared, lazy ones get the `chunks`, and all forget how the file of the input stored
    them.
    """
    kept = xr.Dataset()
    unequal: set[Hashable] = set()
    for array in arrays:
        own = array.coords.to_dataset()
        own = own.drop_vars([name for name, c in own.variables.items() if not set(c.dims) <= dims])
        known = [name for name in own.variables if name in kept.variables]
        unequal |= {name for name in known if _differs(kept.variables[name], own.variables[name])}
        kept = kept.assign_coords(own.drop_vars(known).coords)
    kept = kept.drop_vars(unequal - set(kept.dims)).drop_encoding()
    lazy = {name: c for name, c in kept.variables.items() if c.chunks is not None}
    alike = {name: c.chunk({d: chunks[d] for d in c.dims if d in chunks}) for name, c in lazy.items()}
    return kept.assign_coords({name: c.copy(data=_uniform(c.data)) for name, c in alike.items()}).coords


def _differs(one: xr.Variable, other: xr.Variable) -> bool:
    if one.chunks is not None or other.chunks is not None:
        return False
    return one.dims != other.dims or not one.equals(other)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class _Named:
    """A function under the name that its tasks have."""

    name: str
    function: Callable[..., Any]

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, *blocks: Array) -> Any:
        return self.function(*blocks)


def _map_block(
    *blocks: Array,
    kernel: Kernel,
    features: list[int],
    fills: list[list[float]],
    samples: int,
    orders: list[list[int]],
) -> Array | tuple[Array, ...]:
    """Stack the variables of a block, slab by slab of its cells, and apply the kernel to all sides.

    Of the dimensions of each block the last are `features` and `samples`; `fills` are its missing values. The features
    of each side are put into the order of the kernel.
    """
    core = [number + samples for number in features]
    cell_shape = np.broadcast_shapes(*(b.shape[: b.ndim - n] for b, n in zip(blocks, core, strict=True)))
    fields = [np.broadcast_to(b, (1, *cell_shape, *b.shape[b.ndim - n :])) for b, n in zip(blocks, core, strict=True)]
    counts = [math.prod(b.shape[b.ndim - n : b.ndim - samples]) for b, n in zip(blocks, core, strict=True)]
    lengths = [math.prod(b.shape[b.ndim - samples :]) for b in blocks]
    cells = math.prod(cell_shape)
    size = max(1, SLAB // max(1, max(lengths) * len(orders[0])))
    results = []
    for start in range(0, max(1, cells), size):
        chosen = np.arange(start, min(start + size, cells))
        index = np.unravel_index(chosen, (1, *cell_shape))
        rows = [f[index].reshape(len(chosen), c, n) for f, c, n in zip(fields, counts, lengths, strict=True)]
        with SINGLE_THREADED_BLAS, np.errstate(all="ignore"):
            results.append(kernel(*_stacked(rows, fills, orders)))
    outputs = [np.concatenate(parts) for parts in zip(*results, strict=True)]
    outputs = [field.reshape((*cell_shape, *field.shape[1:])) for field in outputs]
    return outputs[0] if len(outputs) == 1 else tuple(outputs)


def _stacked(rows: list[Array], fills: list[list[float]], orders: list[list[int]]) -> list[Array]:
    """The features (cell, feature, sample) of each side, from its variables, in their order."""
    variables = len(rows) // len(orders)
    numbers = [_numbers(rows[i::variables], fills[i::variables]) for i in range(variables)]
    sides = zip(zip(*numbers, strict=True), orders, strict=True)
    return [np.concatenate(side, axis=1)[:, order] for side, order in sides]


def _numbers(parts: list[Array], fills: list[list[float]]) -> list[Array]:
    """The values of one variable on each side, NaN for the missing ones.

    Integers that float64 cannot tell apart are counted from the least of them (cell, feature) on both sides.
    """
    missing = [_is_any_of(part, own) for part, own in zip(parts, fills, strict=True)]
    if all(_is_long(part) for part in parts) and len({part.dtype for part in parts}) == 1:
        parts = _from_the_least(parts, missing)
    return [_masked(part, absent) for part, absent in zip(parts, missing, strict=True)]


def _is_long(values: Array) -> bool:
    return values.dtype.kind in "iu" and values.dtype.itemsize == 8


def _masked(values: Array, missing: Array) -> Array:
    """Values with NaN where they are missing, floats keeping their precision."""
    nothing = values.dtype.type(np.nan) if values.dtype.kind == "f" else np.nan
    return np.where(missing, nothing, values) if missing.any() else values


def _is_any_of(values: Array, fills: list[float]) -> Array:
    found = np.zeros(values.shape if fills else (), dtype=bool)
    for fill in fills:
        found |= values == fill
    return found


def _from_the_least(parts: list[Array], missing: list[Array]) -> list[Array]:
    dtype = parts[0].dtype.newbyteorder("=")
    parts = [part.astype(dtype) for part in parts]
    there = [~np.broadcast_to(absent, part.shape) for part, absent in zip(parts, missing, strict=True)]
    bounds = np.iinfo(dtype)
    lows = [p.min(axis=-1, keepdims=True, where=t, initial=bounds.max) for p, t in zip(parts, there, strict=True)]
    highs = [p.max(axis=-1, keepdims=True, where=t, initial=bounds.min) for p, t in zip(parts, there, strict=True)]
    low, high = np.minimum.reduce(lows), np.maximum.reduce(highs)
    far = (low < -EXACT) | (high > EXACT)
    if not far.any():
        return parts
    shifted = [(part.view(np.uint64) - low.view(np.uint64)).astype(np.float64) for part in parts]  # never overflows
    return [np.where(far, near, part) for near, part in zip(shifted, parts, strict=True)]


def gather(found: Features, sample_dims: Dims) -> Array:
    """All features and samples in memory, (feature, sample), the features in the order of the kernel."""
    from dask.base import compute

    arguments = _arguments(found, sample_dims, [])
    _one_chunk(arguments)  # refuses what memory cannot hold
    loaded = compute(*(a.variable.data for a in arguments))  # type: ignore[no-untyped-call]
    return np.concatenate([_row(a, data) for a, data in zip(arguments, loaded, strict=True)])[found.order]


def _row(argument: Argument, data: Array) -> Array:
    """The features (feature, sample) of a variable in memory, whose integers are not too long."""
    values = xr.Variable(argument.variable.dims, data).transpose(*argument.core).to_numpy()
    values = values.reshape(math.prod(values.shape[: len(argument.features)]), -1)
    missing = _is_any_of(values, argument.fills)
    if _is_long(values) and (np.abs(values[~np.broadcast_to(missing, values.shape)].astype(np.float64)) > EXACT).any():
        name = argument.array.name
        raise ValueError(
            f"variable {name!r} has integers beyond 2**53, which float64 cannot tell apart: count them from one near "
            f"them, ds[{name!r}] - ds[{name!r}].min()."
        )
    return _masked(values, missing).astype(np.float64)


def map_samples(name: str, kernel: Callable[[Array], Array], found: Features, features_out: bool) -> list[xr.DataArray]:
    """Map `kernel`, (feature, sample) to as many features or to (sample,), over all dimensions that hold no features.

    Lazy on Dask data, one task per block. Samples with a value that is not finite are NaN. Returns an array for each of
    the variables, or a single one.
    """
    others = list(dict.fromkeys(_other_dims(found, ())))
    arguments = _arguments(found, (), others)
    block = partial(
        _map_samples,
        kernel=kernel,
        features=[len(a.features) for a in arguments],
        fills=[a.fills for a in arguments],
        order=found.order,
        features_out=features_out,
    )
    outputs = xr.apply_ufunc(
        _Named(name, block),
        *(
            a.variable if a.variable.chunks is None else a.variable.chunk(dict.fromkeys(a.features, -1))
            for a in arguments
        ),
        input_core_dims=[a.features for a in arguments],
        output_core_dims=[a.features for a in arguments] if features_out else [()],
        dask="parallelized",
        output_dtypes=[np.float64] * (len(arguments) if features_out else 1),
    )
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    if not features_out:
        return [xr.DataArray(outputs[0].data, _coords_over(found.arrays, set(others)), dims=others)]
    results = []
    for array, own, output in zip(found.arrays, found.dims, outputs, strict=True):
        coords = _coords_over([array, *found.arrays], {*others, *own})
        results.append(xr.DataArray(output.data, coords, dims=[*others, *own]).transpose(*array.dims, ...))
    return results


def _map_samples(
    *blocks: Array,
    kernel: Callable[[Array], Array],
    features: list[int],
    fills: list[list[float]],
    order: list[int],
    features_out: bool,
) -> Array | tuple[Array, ...]:
    """Stack the features of a block, of whose dimensions the last hold `features`, and apply the kernel."""
    shape = np.broadcast_shapes(*(b.shape[: b.ndim - n] for b, n in zip(blocks, features, strict=True)))
    own = [b.shape[b.ndim - n :] for b, n in zip(blocks, features, strict=True)]
    counts = [math.prod(sizes) for sizes in own]
    rows = [_masked(b, _is_any_of(b, own_fills)).astype(np.float64) for b, own_fills in zip(blocks, fills, strict=True)]
    stacked = [np.broadcast_to(b, (*shape, *s)).reshape(-1, c).T for b, s, c in zip(rows, own, counts, strict=True)]
    x = np.concatenate(stacked)[order]
    complete = np.isfinite(x).all(axis=0)
    result = np.full(x.shape if features_out else x.shape[1:], np.nan)
    if complete.any():
        with SINGLE_THREADED_BLAS, np.errstate(all="ignore"):
            result[..., complete] = kernel(np.ascontiguousarray(x[:, complete]))
    if not features_out:
        return result.reshape(shape)
    unordered = np.empty_like(result)
    unordered[order] = result
    parts = np.split(unordered, np.cumsum(counts)[:-1])
    outputs = tuple(part.T.reshape((*shape, *sizes)) for part, sizes in zip(parts, own, strict=True))
    return outputs if len(outputs) > 1 else outputs[0]


class _SingleThreadedBlas:
    """Hold BLAS to one thread while any block is at work, if threadpoolctl is installed.

    BLAS threads would multiply with those of Dask, and change the last bits of products of many features. The
    limit is that of the process, so the last block to leave lifts it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._controller: Any = None
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._controller is None:
                self._controller = _threadpool_controller()
            if self._inside == 0 and self._controller:
                self._limit = self._controller.limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._controller:
                self._limit.restore_original_limits()


def _threadpool_controller() -> Any:
    try:
        from threadpoolctl import ThreadpoolController
    except ModuleNotFoundError:
        return False
    return ThreadpoolController()


SINGLE_THREADED_BLAS = _SingleThreadedBlas()
