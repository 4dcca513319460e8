"""The same features at other samples: their variables, and their entries matched by value."""

import math
import warnings
from collections import Counter
from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple, TypeGuard

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from xrbig import checks
from xrbig.roles import Features, Groups, entries, features

ROUNDING = 1e-6  # share of an entry by which another may differ that is taken for it
SHOWN = 8  # entries that a message names


def other_side(
    groups: Groups,
    other: xr.Dataset | xr.DataArray,
    data: xr.Dataset | xr.DataArray,
    measure: str,
    min_samples: int | None,
) -> Features:
    """The features of `other` that are those of `data`, which are the one group of `groups`, in their order."""
    (found,) = groups.found.values()
    arrays = same_variables(other, data, found.arrays)
    checks.require_variables(arrays, found.dims, groups.samples, 1)
    along = {d for own in found.dims for d in own}
    others = features(arrays, along)
    places = matched(others, entries_of(found), "other")
    checks.require_same_units(arrays, {a.name: a.attrs.get("units") for a in found.arrays}, "other")
    owners = ["data"] * len(found.arrays) + ["other"] * len(arrays)
    checks.require_alignment([*found.arrays, *arrays], {*along, *groups.samples}, owners)
    sizes = {d: arrays[0].sizes[d] for d in groups.samples}
    checks.require_samples(len(found.labels), sizes, f"{measure} from other", min_samples, sorted(along, key=str))
    core = [(*own, *groups.samples) for own in [*found.dims, *others.dims]]
    checks.require_common_cells([*found.arrays, *arrays], core)
    return others._replace(order=[places[i] for i in found.order])


def same_variables(
    other: xr.Dataset | xr.DataArray, data: xr.Dataset | xr.DataArray, arrays: list[xr.DataArray]
) -> list[xr.DataArray]:
    """The variables of `other` that have the names of those of `data`, `arrays`; the name of a DataArray is free."""
    checks.require_labelled(other)
    if isinstance(other, xr.DataArray) and isinstance(data, xr.DataArray):
        return [checks.readable(other.rename(arrays[0].name))]
    if isinstance(other, xr.DataArray) or isinstance(data, xr.DataArray):
        raise TypeError(
            f"the data are a {type(data).__name__}, other is a {type(other).__name__}: both must be the same. "
            "Give the variable, ds.rbig.kl_divergence(other) or ds['tas'].rbig.kl_divergence(other['tas'])."
        )
    for array in arrays:
        checks.require_variable(other, array.name, "the data")
    return [checks.readable(other[array.name]) for array in arrays]


class Entries(NamedTuple):
    """What tells the features of a variable apart: the entries along each of its dimensions of features."""

    name: Hashable
    dims: tuple[Hashable, ...]
    entries: list[NDArray[Any]]


def entries_of(found: Features) -> list[Entries]:
    """The entries of each variable."""
    return [
        Entries(array.name, own, [entries(array, dim) for dim in own])
        for array, own in zip(found.arrays, found.dims, strict=True)
    ]


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
        sizes = [len(own) for own in held.entries]
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
    for dim, sought in zip(wanted.dims, wanted.entries, strict=True):
        if dim not in held.dims:
            raise ValueError(
                f"{held.name!r} of {whose} lacks the dimension {dim!r}, along which its features are "
                f"{_few([str(e) for e in sought])}. Keep it when you select, .sel({{{dim!r}: [...]}})."
            )


def _places(
    array: xr.DataArray, dim: Hashable, own: NDArray[Any], sought: NDArray[Any], whose: str
) -> tuple[list[int], list[str]]:
    """Where each entry that is sought is among those of a side, and which of them differ by rounding."""
    keys, wanted = _comparable(own), _comparable(sought)
    for side, values in ((own, keys), (sought, wanted)):
        counts = Counter(values)
        if repeated := dict.fromkeys(str(e) for e, v in zip(side, values, strict=True) if counts[v] > 1):
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
