"""The sample dimension along which blocks are cut: which it is, whether it is in order, how long a block is."""

from collections.abc import Hashable
from datetime import timedelta
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

Block = int | str | timedelta | np.timedelta64


def ordered_dim(arrays: list[xr.DataArray], samples: tuple[Hashable, ...], along: Hashable | None) -> Hashable:
    """The sample dimension that `along` names, the only one, or the only one in time; in order."""
    if along is not None and along not in samples:
        raise ValueError(f"along={along!r} is not one of the sample dimensions {list(samples)!r}.")
    in_time = [d for d in samples if _is_time(_index(arrays, d))]
    if along is None and len(samples) > 1 and len(in_time) != 1:
        raise ValueError(
            f"of the sample dimensions {list(samples)!r}, {len(in_time) or 'none'} are in time, so it is not clear "
            f"along which one the samples are ordered. Name it, along={samples[-1]!r}; the others then move together."
        )
    found = along if along is not None else samples[0] if len(samples) == 1 else in_time[0]
    _require_order(_index(arrays, found), found)
    return found


def errors_along(arrays: list[xr.DataArray], samples: tuple[Hashable, ...]) -> dict[str, Any]:
    """What standard errors need to know of the samples: none are given where they are out of order.

    They are ordered along the one dimension, the one in time, or the first by name.
    """
    in_time = [d for d in samples if _is_time(_index(arrays, d))]
    along = (in_time or samples)[0]
    try:
        _require_order(_index(arrays, along), along)
    except ValueError:
        return {}
    if len(samples) == 1:
        return {"std_error": True}
    shape = [arrays[0].sizes[d] for d in samples]
    places = np.arange(arrays[0].sizes[along])
    unit = np.broadcast_to(places.reshape([-1 if d == along else 1 for d in samples]), shape)
    return {"std_error": True, "unit": unit.reshape(-1)}


def time_first(arrays: list[xr.DataArray], samples: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
    """The sample dimensions, those in time before the others."""
    return tuple(sorted(samples, key=lambda d: not _is_time(_index(arrays, d))))


def block_units(block: Block, arrays: list[xr.DataArray], dim: Hashable) -> int:
    """Number of places along `dim` that `block` covers, at the median distance of its coordinate."""
    if isinstance(block, bool | float | np.floating) or str(block).strip().isdigit() * isinstance(block, str):
        raise ValueError(f"block={block!r} has no unit: block=30 is a number of samples, block='30D' a time.")
    if isinstance(block, Integral) and not isinstance(block, np.timedelta64):
        if block < 1:
            raise ValueError(f"block={block!r} must be at least one sample.")
        return int(block)
    index = _index(arrays, dim)
    try:
        if isinstance(block, str) and block.strip().endswith(("M", "MS", "ME", "Y", "YS", "YE")):
            raise ValueError(block)
        length = pd.Timedelta(block)
        if length is pd.NaT:
            raise ValueError(block)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"block={block!r} is neither a number of samples nor a fixed time: block=30, or block='30D' "
            "(months and years have no fixed length)."
        ) from error
    if not _is_time(index) or len(index) < 2:
        raise ValueError(
            f"block={block!r} is a time, but the dimension {dim!r} has no time coordinate: give a number of samples, "
            "block=30."
        )
    steps = np.abs(np.diff(np.asarray(index)))
    step = np.median([pd.Timedelta(s) / pd.Timedelta(1, "s") for s in steps])
    if length / pd.Timedelta(1, "s") < step / 2 or step <= 0:
        raise ValueError(f"block={block!r} covers no sample along {dim!r}, whose median step is {step:g} s.")
    return max(1, round(float(length / pd.Timedelta(1, "s")) / float(step)))


def require_blocks(block: int, given: Block, units: int, dim: Hashable, times: int) -> None:
    """Refuse blocks that fit into the record less than so many `times`."""
    if units and block * times > units:
        raise ValueError(
            f"block={given!r}: blocks of {block} samples fit {units // block} times into the {units} samples along "
            f"{dim!r}, and {times} times are needed. Take shorter ones, block={max(1, units // times)}, "
            "or a longer record."
        )


def _index(arrays: list[xr.DataArray], dim: Hashable) -> Any:
    """Index of the first array that has one along `dim`."""
    return next((a.indexes[dim] for a in arrays if dim in a.indexes), None)


def _is_time(index: Any) -> bool:
    return isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex | xr.CFTimeIndex)


def _require_order(index: Any, dim: Hashable) -> None:
    if index is None or not (_is_time(index) or getattr(index.dtype, "kind", "O") in "iuf"):
        return
    if not (index.is_monotonic_increasing or index.is_monotonic_decreasing):
        raise ValueError(
            f"the coordinate of {dim!r} is not in order, and autocorrelation is about neighbours: sort first, "
            f"ds.sortby({dim!r})."
        )
