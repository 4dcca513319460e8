"""Cells on Dask: the chunk policy, the mapping of a kernel over the cells of each block, and its threads."""

import math
import threading
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Array = NDArray[Any]
Kernel = Callable[[Array], Sequence[Array]]

SLAB = 1 << 21  # values that are copied at a time, so that a block needs little more than its input
BUDGET_FACTOR = 4  # a block may hold so many times Dask's `array.chunk-size`


def map_cells(
    kernel: Kernel,
    arrays: list[xr.DataArray],
    feature_dims: list[tuple[Hashable, ...]],
    sample_dims: tuple[Hashable, ...],
    order: list[int],
    dtypes: list[type],
) -> tuple[xr.DataArray, ...]:
    """Map `kernel`, (cell, feature, sample) to one array (cell,) per dtype, over all other dimensions.

    Lazy on Dask data, one task per block: every sample and feature of a cell is in its block.
    """
    core = [(*own, *sample_dims) for own in feature_dims]
    arrays = [_one_chunk(a, dims) for a, dims in zip(arrays, core, strict=True)]
    n_core = [len(dims) for dims in core]
    outputs = xr.apply_ufunc(
        partial(_map_block, kernel=kernel, n_core=n_core, n_samples=len(sample_dims), order=order),
        *arrays,
        input_core_dims=core,
        output_core_dims=[()] * len(dtypes),
        exclude_dims={d for own in feature_dims for d in own},
        join="exact",
        dask="parallelized",
        output_dtypes=dtypes,
        keep_attrs="override",  # of the coordinates; the caller sets those of the result
    )
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _one_chunk(array: xr.DataArray, core_dims: tuple[Hashable, ...]) -> xr.DataArray:
    """Put the core dimensions into one chunk each, splitting the cells where the block would be too large."""
    chunks = array.chunksizes
    if not chunks or all(len(chunks[d]) == 1 for d in core_dims):
        return array
    target: dict[Hashable, Any] = dict.fromkeys(core_dims, -1)
    cell_bytes = array.dtype.itemsize * math.prod(array.sizes[d] for d in core_dims)
    cells = math.prod(max(c) for d, c in chunks.items() if d not in core_dims)
    budget = block_budget()
    if cell_bytes > budget:
        raise ValueError(_too_large(array, core_dims, cell_bytes, budget))
    if cells * cell_bytes > budget:
        target.update({d: "auto" for d in array.dims if d not in core_dims})
    return array.chunk(target)


def block_budget() -> int:
    """Bytes that one block may hold: four times Dask's ``array.chunk-size``."""
    import dask
    from dask.utils import parse_bytes

    return BUDGET_FACTOR * int(parse_bytes(dask.config.get("array.chunk-size", "128MiB")))


def _too_large(array: xr.DataArray, core: tuple[Hashable, ...], size: int, budget: int) -> str:
    split = [str(d) for d in core if len(array.chunksizes[d]) > 1]
    call = ".chunk({" + ", ".join(f"{d!r}: -1" for d in split) + "})"
    return (
        f"variable {array.name!r} is chunked along {split}, and one cell with all its samples takes "
        f"{size / 2**20:.0f} MiB, more than the {budget / 2**20:.0f} MiB allowed for a block (four times Dask's "
        f"array.chunk-size). If the workers have the memory, put the samples into one chunk yourself, ds{call}; "
        f"else thin them, ds.isel({split[0]}=slice(None, None, 10))."
    )


def _map_block(
    *blocks: Array, kernel: Kernel, n_core: list[int], n_samples: int, order: list[int]
) -> Array | tuple[Array, ...]:
    """Stack the variables of a block, slab by slab of its cells, in canonical order, and apply the kernel."""
    shapes = [b.shape[: b.ndim - n] for b, n in zip(blocks, n_core, strict=True)]
    cell_shape = np.broadcast_shapes(*shapes)
    fields = [np.broadcast_to(b, cell_shape + b.shape[b.ndim - n :]) for b, n in zip(blocks, n_core, strict=True)]
    cells = math.prod(cell_shape)
    samples = math.prod(blocks[0].shape[blocks[0].ndim - n_samples :])
    counts = [math.prod(f.shape[len(cell_shape) : f.ndim - n_samples]) for f in fields]
    size = max(1, SLAB // max(1, samples * len(order)))
    results = []
    for start in range(0, max(1, cells), size):
        number = min(size, cells - start)
        index = np.unravel_index(np.arange(start, start + number), cell_shape) if number else ()
        slab = [
            (f[index] if number else f).reshape(number, count, samples) for f, count in zip(fields, counts, strict=True)
        ]
        with SINGLE_THREADED_BLAS:
            results.append(kernel(np.concatenate(slab, axis=1)[:, order]))
    outputs = [np.concatenate(parts).reshape(cell_shape) for parts in zip(*results, strict=True)]
    return outputs[0] if len(outputs) == 1 else tuple(outputs)


class _SingleThreadedBlas:
    """Hold BLAS to one thread while any block is at work, if threadpoolctl is installed.

    BLAS threads would multiply with those of Dask, and change the last bits of products of many features. The limit
    holds for the process, so that the last block to leave lifts it.
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
