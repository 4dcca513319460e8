"""Cells on Dask: the chunk policy, the mapping of a kernel over the cells of each block, and its threads."""

import math
import threading
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Array = NDArray[Any]
Kernel = Callable[..., Sequence[Array]]
Dims = tuple[Hashable, ...]

SLAB = 1 << 21  # values that are copied at a time, so that a block needs little more than its input
BUDGET_FACTOR = 4  # a block may hold so many times Dask's array.chunk-size


class Output(NamedTuple):
    """One array that a kernel returns, (cell, ...); `dims` are those after that of the cells, each of all features."""

    dtype: type
    dims: tuple[str, ...] = ()


def map_cells(
    kernel: Kernel,
    arrays: list[xr.DataArray],
    feature_dims: list[Dims],
    sample_dims: Dims,
    order: list[int],
    outputs: list[Output],
    others: list[xr.DataArray] | None = None,
) -> tuple[xr.DataArray, ...]:
    """Map `kernel`, from (cell, feature, sample) to its `outputs`, over all other dimensions.

    Lazy on Dask data, one task per block: every sample and feature of a cell is in its block. `order` puts the
    features, in the order of `arrays` and their `feature_dims`, into that of the kernel. `others`, the same features at
    other samples, are a second argument of the kernel.
    """
    core = [(*own, *sample_dims) for own in feature_dims]
    if others is not None:
        renamed = {d: f"{d} of the others" for d in sample_dims}
        arrays = [*arrays, *(a.rename({k: v for k, v in renamed.items() if k in a.dims}) for a in others)]
        core += [(*own, *renamed.values()) for own in feature_dims]
    arrays = [a if a.size else a.copy(data=np.empty(a.shape, a.dtype)) for a in arrays]  # Dask divides by their size
    arrays = _without_repeated_lazy_coords(arrays)
    fresh = {d: f"{d} of the result" for output in outputs for d in output.dims}  # the inputs may have that dimension
    results = xr.apply_ufunc(
        partial(
            _map_block,
            kernel=kernel,
            core=[len(c) for c in core],
            samples=len(sample_dims),
            order=order,
            sets=1 if others is None else 2,
        ),
        *_one_chunk(arrays, core),
        input_core_dims=core,
        output_core_dims=[[fresh[d] for d in output.dims] for output in outputs],
        exclude_dims={d for own in feature_dims for d in own},
        join="exact",
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {name: len(order) for name in fresh.values()}},
        output_dtypes=[output.dtype for output in outputs],
        keep_attrs="override",  # of the coordinates; the caller sets those of the result
    )
    results = results if isinstance(results, tuple) else (results,)
    return tuple(r.rename({fresh[d]: d for d in out.dims}) for r, out in zip(results, outputs, strict=True))


def _without_repeated_lazy_coords(arrays: list[xr.DataArray]) -> list[xr.DataArray]:
    """Leave Dask coordinates on the first array that has them: xarray would compute them to compare them."""
    lazy = {name for array in arrays for name, coord in array.coords.items() if coord.variable.chunks is not None}
    seen: set[Hashable] = set()
    kept = []
    for array in arrays:
        kept.append(array.drop_vars(lazy & seen & set(array.coords)))
        seen |= set(array.coords)
    return kept


def _one_chunk(arrays: list[xr.DataArray], core: list[Dims]) -> list[xr.DataArray]:
    """Put the core dimensions into one chunk each, splitting the cells where a block would exceed the budget.

    Where the core dimensions are in one chunk already, the blocks are what the user wants. Arrays in memory get the
    chunks of the others.
    """
    own = [dict(a.variable.chunksizes) for a in arrays]
    if not any(own):
        return arrays
    cell_chunks = {d: c for chunks, dims in zip(own, core, strict=True) for d, c in chunks.items() if d not in dims}
    if any(len(chunks.get(d, ())) > 1 for chunks, dims in zip(own, core, strict=True) for d in dims):
        sizes = [a.dtype.itemsize * math.prod(a.sizes[d] for d in dims) for a, dims in zip(arrays, core, strict=True)]
        if sum(sizes) > block_budget():
            split = dict.fromkeys(d for chunks, dims in zip(own, core, strict=True) for d in dims if len(chunks[d]) > 1)
            raise ValueError(_too_large([a.name for a in arrays], list(split), sum(sizes)))
        cell_chunks = _split(cell_chunks, sum(sizes))
    return [a.chunk({d: cell_chunks.get(d, -1) for d in a.dims}) for a in arrays]


def _split(chunks: dict[Hashable, tuple[int, ...]], cell_bytes: int) -> dict[Hashable, tuple[int, ...]]:
    """Split the chunks of the cells until a block of all variables fits the budget."""
    excess = cell_bytes * math.prod(max(c) for c in chunks.values()) / block_budget()
    split = {}
    for dim, sizes in chunks.items():
        part = max(1, math.floor(max(sizes) / max(1.0, excess)))
        split[dim] = tuple(min(part, size - start) for size in sizes for start in range(0, size, part))
        excess *= part / max(sizes)
    return split


def block_budget() -> int:
    """Bytes that a block may hold if its samples have to be put together: four times Dask's array.chunk-size."""
    import dask
    from dask.utils import parse_bytes

    return BUDGET_FACTOR * int(parse_bytes(dask.config.get("array.chunk-size", "128MiB")))


def _too_large(names: list[Hashable], split: list[Hashable], size: int) -> str:
    call = ".chunk({" + ", ".join(f"{d!r}: -1" for d in split) + "})"
    return (
        f"the variables {names!r} are chunked along {split!r}, and one cell with all its samples takes "
        f"{size / 2**20:.3g} MiB, more than the {block_budget() / 2**20:.3g} MiB allowed for a block (four times "
        f"Dask's array.chunk-size). If the workers have the memory, put the samples into one chunk yourself, ds{call}; "
        f"else thin them, ds.isel({{{split[0]!r}: slice(None, None, 10)}})."
    )


def _map_block(
    *blocks: Array, kernel: Kernel, core: list[int], samples: int, order: list[int], sets: int
) -> Array | tuple[Array, ...]:
    """Stack the variables of a block, slab by slab of its cells, and apply the kernel to each of the `sets` of them.

    Of the dimensions of each block the last `core` are features and samples, the last `samples` of these samples.
    """
    cell_shape = np.broadcast_shapes(*(b.shape[: b.ndim - n] for b, n in zip(blocks, core, strict=True)))
    fields = [np.broadcast_to(b, (1, *cell_shape, *b.shape[b.ndim - n :])) for b, n in zip(blocks, core, strict=True)]
    counts = [math.prod(b.shape[b.ndim - n : b.ndim - samples]) for b, n in zip(blocks, core, strict=True)]
    lengths = [math.prod(b.shape[b.ndim - samples :]) for b in blocks]
    cells = math.prod(cell_shape)
    size = max(1, SLAB // max(1, max(lengths) * len(order)))
    variables = len(blocks) // sets
    results = []
    for start in range(0, max(1, cells), size):
        chosen = np.arange(start, min(start + size, cells))
        index = np.unravel_index(chosen, (1, *cell_shape))
        rows = [f[index].reshape(len(chosen), c, n) for f, c, n in zip(fields, counts, lengths, strict=True)]
        slabs = [np.concatenate(rows[i : i + variables], axis=1)[:, order] for i in range(0, len(rows), variables)]
        with SINGLE_THREADED_BLAS:
            results.append(kernel(*slabs))
    fields = [np.concatenate(parts) for parts in zip(*results, strict=True)]
    outputs = [field.reshape((*cell_shape, *field.shape[1:])) for field in fields]
    return outputs[0] if len(outputs) == 1 else tuple(outputs)


def gather(arrays: list[xr.DataArray], feature_dims: list[Dims], sample_dims: Dims, order: list[int]) -> Array:
    """All features and samples in memory, (feature, sample), the features in the `order` of the kernel."""
    from dask.base import compute

    rows = []
    loaded = compute(*arrays)  # type: ignore[no-untyped-call]
    for array, own in zip(loaded, feature_dims, strict=True):
        values = array.transpose(*own, *sample_dims).to_numpy()
        rows.append(values.reshape(math.prod(values.shape[: len(own)]), -1))
    return np.concatenate(rows)[order].astype(np.float64)


def map_samples(
    kernel: Callable[[Array], Array],
    arrays: list[xr.DataArray],
    feature_dims: list[Dims],
    order: list[int],
    features_out: bool,
) -> list[xr.DataArray]:
    """Map `kernel`, (feature, sample) to as many features or to (sample,), over all dimensions that hold no features.

    Lazy on Dask data, one task per block. Samples with a value that is not finite are NaN. Returns an array for each of
    the variables, or a single one.
    """
    arrays = [
        a.chunk(dict.fromkeys(own, -1)) if a.chunks and own else a for a, own in zip(arrays, feature_dims, strict=True)
    ]
    arrays = _without_repeated_lazy_coords(arrays)
    outputs = xr.apply_ufunc(
        partial(
            _map_samples, kernel=kernel, core=[len(own) for own in feature_dims], order=order, features_out=features_out
        ),
        *arrays,
        input_core_dims=feature_dims,
        output_core_dims=feature_dims if features_out else [()],
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64] * (len(arrays) if features_out else 1),
        keep_attrs="override",
    )
    if not features_out:
        return [outputs]
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return [out.transpose(*array.dims, ...) for out, array in zip(outputs, arrays, strict=True)]


def _map_samples(
    *blocks: Array, kernel: Callable[[Array], Array], core: list[int], order: list[int], features_out: bool
) -> Array | tuple[Array, ...]:
    """Stack the features of a block, of whose dimensions the last `core` hold features, and apply the kernel."""
    shape = np.broadcast_shapes(*(b.shape[: b.ndim - n] for b, n in zip(blocks, core, strict=True)))
    own = [b.shape[b.ndim - n :] for b, n in zip(blocks, core, strict=True)]
    counts = [math.prod(sizes) for sizes in own]
    stacked = [np.broadcast_to(b, (*shape, *s)).reshape(-1, c).T for b, s, c in zip(blocks, own, counts, strict=True)]
    x = np.concatenate(stacked).astype(np.float64)[order]
    complete = np.isfinite(x).all(axis=0)
    result = np.full(x.shape if features_out else x.shape[1:], np.nan)
    if complete.any():
        with SINGLE_THREADED_BLAS:
            result[..., complete] = kernel(np.ascontiguousarray(x[:, complete]))
    if not features_out:
        return result.reshape(shape)
    rows = np.empty_like(result)
    rows[order] = result
    parts = np.split(rows, np.cumsum(counts)[:-1])
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
