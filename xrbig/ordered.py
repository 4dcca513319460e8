"""The sample dimension along which blocks are cut: which it is, whether it is in order, how long a block is."""

from collections.abc import Hashable
from datetime import timedelta
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from xrbig import checks
from xrbig.core.resample import Units

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
    checks.require_in_order(_index(arrays, found), found)
    return found


def errors_along(arrays: list[xr.DataArray], samples: tuple[Hashable, ...]) -> dict[str, Any]:
    """What standard errors need to know of the samples: none are given where they are out of order.

    They are ordered along the one dimension, the one in time, or the first by name.
    """
    along = time_first(arrays, samples)[0]
    index = _index(arrays, along)
    if index is not None and not checks.is_in_order(index):
        return {}
    shape = tuple(arrays[0].sizes[d] for d in samples)
    return {"std_error": True} | ({"units": Units(shape, samples.index(along))} if len(samples) > 1 else {})


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
    index = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
    steps = np.abs(np.diff(np.asarray(index)))
    step = np.median([pd.Timedelta(s) / pd.Timedelta(1, "s") for s in steps])
    if length / pd.Timedelta(1, "s") < step / 2 or step <= 0:
        raise ValueError(f"block={block!r} covers no sample along {dim!r}, whose median step is {step:g} s.")
    return max(1, round(float(length / pd.Timedelta(1, "s")) / float(step)))


def require_blocks(block: int, given: Block, units: int, dim: Hashable, times: int) -> None:
    """Refuse blocks that fit into the record less than so many `times`."""
    if units and block * times > units:
        shorter = f"Take shorter ones, block={units // times}, or" if units >= times else "Take"
        raise ValueError(
            f"block={given!r}: blocks of {block} samples fit {units // block} times into the {units} samples along "
            f"{dim!r}, and {times} times are needed. {shorter} a longer record."
        )


def _index(arrays: list[xr.DataArray], dim: Hashable) -> Any:
    """What tells the order of the samples along `dim`: its labels, or, if it has none, their times; None if neither.

    An index of another kind than those of pandas is taken by its labels. Lazy labels are not computed.
    """
    for array in arrays:
        own = array.coords.variables.get(dim)
        if own is not None and own.dims == (dim,) and own.chunks is None:
            index = array.xindexes.get(dim)
            try:
                return _as_index(own) if index is None else index.to_pandas_index()
            except TypeError:
                return pd.Index(own.values)
    for array in arrays:
        for name, coordinate in array.coords.variables.items():
            if coordinate.dims == (dim,) and coordinate.chunks is None:
                index = _as_index(coordinate).rename(name)
                if _is_time(index):
                    return index
    return None


def _as_index(labels: xr.Variable) -> Any:
    return xr.Variable(("sample",), labels.values).to_index().rename(None)


def _is_time(index: Any) -> bool:
    kinds = pd.DatetimeIndex | pd.TimedeltaIndex | pd.PeriodIndex | xr.CFTimeIndex
    return isinstance(index, kinds) or getattr(index, "inferred_type", "") in ("date", "datetime")
