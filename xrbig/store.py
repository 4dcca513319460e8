"""What a flow keeps: its features and its fit, and how both are written to a file and read again."""

import hashlib
import json
from collections.abc import Hashable, Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xrbig import checks, matching, roles
from xrbig.core.flow import Fitted, Layer
from xrbig.core.maps import Compression, Conditional, Curve, Linear, Map, Margins, Radial
from xrbig.core.marginal import Floats
from xrbig.estimator import RBIG

FORMAT = "xrbig flow"
VERSION = 1


class Variable(NamedTuple):
    """A variable of the fit: its name, the dimensions along which it holds features, their entries, its attributes."""

    name: Hashable
    dims: tuple[Hashable, ...]
    entries: list[NDArray[Any]]
    attrs: dict[str, Any]

    def place(self, rows: Floats) -> xr.DataArray:
        """Label rows (feature, sample), those of this variable, over the dimension ``"sample"``."""
        values = rows.reshape(*(len(entries) for entries in self.entries), rows.shape[1])
        coords = {d: e for d, e in zip(self.dims, self.entries, strict=True) if isinstance(d, str)}  # others have none
        return xr.DataArray(values, coords, (*self.dims, "sample"), self.name, self.attrs).transpose("sample", ...)


class Recorded(NamedTuple):
    """A fit with what its features are.

    Attributes
    ----------
    variables : those of the fit
    array : whether the data of the fit were a DataArray
    order : the indices that put the features of the variables into that of the fit
    labels : of the features, in the order of the fit
    n_samples : complete samples of the fit
    estimator : its settings
    fitted : the layers, and T
    """

    variables: list[Variable]
    array: bool
    order: list[int]
    labels: list[str]
    n_samples: int
    estimator: RBIG
    fitted: Fitted

    @classmethod
    def of(cls, found: roles.Features, array: bool, n_samples: int, estimator: RBIG, fitted: Fitted) -> "Recorded":
        """Record what the features of the fit were."""
        variables = [
            Variable(*held, dict(array.attrs))
            for held, array in zip(matching.entries_of(found), found.arrays, strict=True)
        ]
        labels = [found.labels[i] for i in found.order]
        return cls(variables, array, found.order, labels, n_samples, estimator, fitted)

    def find(self, data: xr.Dataset | xr.DataArray, in_units: bool = True) -> roles.Features:
        """The features of the fit in other data; if these are in units, they must be those of the fit."""
        names = [variable.name for variable in self.variables]
        if isinstance(data, xr.DataArray):
            if not self.array:
                raise TypeError(f"the flow has the variables {names!r} of a Dataset; a DataArray cannot hold them.")
            arrays = [checks.readable(data.rename(names[0]))]
        else:
            arrays = roles.variables_of(data, names, None, None).arrays
        checks.require_numeric(arrays)
        if in_units:
            checks.require_same_units(arrays, {v.name: v.attrs.get("units") for v in self.variables}, "the data")
        found = roles.features(arrays, {d for variable in self.variables for d in variable.dims})
        like = [matching.Entries(variable.name, variable.dims, variable.entries) for variable in self.variables]
        places = matching.matched(found, like, "the data")
        return found._replace(order=[places[i] for i in self.order])

    def label(self, x: Floats) -> xr.Dataset | xr.DataArray:
        """Label features `x` (feature, sample) in the order of the fit, as the data of the fit."""
        rows = np.empty_like(x)
        rows[self.order] = x
        counts = np.cumsum([int(np.prod([len(e) for e in v.entries], dtype=int)) for v in self.variables])
        parts = np.split(rows, counts[:-1])
        arrays = [variable.place(part) for variable, part in zip(self.variables, parts, strict=True)]
        return arrays[0] if self.array else xr.Dataset({array.name: array for array in arrays})


def to_dataset(recorded: Recorded) -> xr.Dataset:
    """All of a flow: numbers in one variable, ``parameters``, and what they are in attributes, as JSON."""
    parameters: list[Floats] = []
    layers = []
    for layer in recorded.fitted.layers:
        maps = []
        for single in layer.maps:
            arrays = _arrays(single)
            parameters += [np.asarray(a, dtype=np.float64).reshape(-1) for a in arrays.values()]
            shapes = {name: list(np.shape(a)) for name, a in arrays.items()}
            maps.append({"kind": type(single).__name__.lower(), "arrays": shapes})
        layers.append({**layer._asdict(), "maps": maps})
    values = np.concatenate(parameters)
    fitted = recorded.fitted
    described = {
        "variables": [_described(variable) for variable in recorded.variables],
        "array": recorded.array,
        "order": recorded.order,
        "labels": recorded.labels,
        "n_samples": recorded.n_samples,
        "estimator": asdict(recorded.estimator),
        **fitted._asdict(),
        "layers": layers,
    }
    flow = json.dumps(described)
    attrs = {
        "format": FORMAT,
        "format_version": VERSION,
        "xrbig_version": version("xrbig"),
        "flow": flow,
        "sha256": _digest(flow, values),
    }
    return xr.Dataset({"parameters": ("parameter", values, {"units": "1"})}, attrs=attrs)


def from_dataset(ds: xr.Dataset, path: str | Path) -> Recorded:
    """What `to_dataset` wrote."""
    if ds.attrs.get("format") != FORMAT:
        raise ValueError(f"{path} holds no flow: its attribute 'format' is {ds.attrs.get('format')!r}, not {FORMAT!r}.")
    if ds.attrs.get("format_version") != VERSION:
        raise ValueError(
            f"{path} has version {ds.attrs.get('format_version')} of the format, written by xrbig "
            f"{ds.attrs.get('xrbig_version')}; this is xrbig {version('xrbig')}, which reads version {VERSION}. "
            "Upgrade, pip install --upgrade xrbig."
        )
    if "parameters" not in ds or "flow" not in ds.attrs:
        raise ValueError(_damaged(path))
    values = np.ascontiguousarray(ds["parameters"].values, dtype="<f8")
    if ds.attrs.get("sha256") != _digest(ds.attrs["flow"], values):
        raise ValueError(_damaged(path))
    return _recorded(json.loads(ds.attrs["flow"]), iter(values))


def _damaged(path: str | Path) -> str:
    return f"{path} is damaged: its checksum does not fit what it holds. Copy or write it again, flow.to_zarr(path)."


def _digest(flow: str, values: Floats) -> str:
    return hashlib.sha256(flow.encode() + np.ascontiguousarray(values, dtype="<f8").tobytes()).hexdigest()


def _arrays(single: Map) -> dict[str, Any]:
    """The arrays that make up a map."""
    if isinstance(single, Margins):
        fields = {name: [getattr(curve, name) for curve in single.curves] for name in Curve._fields}
        joined = {name: np.concatenate(rows) for name, rows in fields.items()}
        return {"sizes": np.array([len(knots) for knots in fields["knots"]]), **joined}
    return dict(single.curve._asdict() if isinstance(single, Radial) else single._asdict())


def _map(kind: str, arrays: dict[str, Floats]) -> Map:
    """The map that `_arrays` took apart."""
    if kind == "margins":
        ends = np.cumsum(arrays.pop("sizes").astype(np.int64))[:-1]
        bends = arrays["bend"].reshape(-1, 2)
        rows = [np.split(arrays[name], ends) for name in Curve._fields[:-1]]
        return Margins([Curve(*row) for row in zip(*rows, bends, strict=True)])
    if kind == "radial":
        return Radial(Curve(**arrays))
    if kind == "linear":
        return Linear(**arrays)
    if kind == "compression":
        return Compression(arrays.pop("features").astype(np.int64), **arrays)
    if kind == "conditional":
        features, given = arrays.pop("features"), arrays.pop("given")
        return Conditional(features.astype(np.int64), given.astype(np.int64), **arrays)
    raise ValueError(f"the flow holds a map of an unknown kind, {kind!r}.")


def _described(variable: Variable) -> dict[str, Any]:
    if not all(isinstance(name, str) for name in (variable.name, *variable.dims)):
        raise ValueError(f"{variable.name!r} or its dimension is no string, and cannot be written: rename it.")
    return {
        "name": variable.name,
        "dims": variable.dims,
        "entries": [_listed(entries, str(variable.name)) for entries in variable.entries],
        "attrs": {key: plain for key, value in variable.attrs.items() if (plain := _plain(value)) is not None},
    }


def _plain(value: Any) -> Any:
    """An attribute as JSON has it, None if it has no such value."""
    value = value.tolist() if isinstance(value, np.generic | np.ndarray) else value
    return value if isinstance(value, str | int | float | list) else None


def _listed(entries: NDArray[Any], name: str) -> dict[str, Any]:
    """Coordinate values as JSON has them."""
    if entries.dtype.kind not in "biufMmUO" or not all(
        isinstance(e, str) for e in entries if entries.dtype.kind == "O"
    ):
        raise ValueError(
            f"the entries of {name!r} have dtype {entries.dtype}, which cannot be written: "
            f"give them numbers, texts or dates, assign_coords, or leave the coordinate out, drop_vars."
        )
    plain = entries.astype(np.int64) if entries.dtype.kind in "mM" else entries
    return {"dtype": entries.dtype.str if entries.dtype.kind != "O" else "O", "values": plain.tolist()}


def _entries(listed: dict[str, Any]) -> NDArray[Any]:
    dtype = np.dtype(listed["dtype"])
    return np.array(listed["values"], dtype=np.int64 if dtype.kind in "mM" else dtype).astype(dtype)


def _recorded(flow: dict[str, Any], values: Iterator[np.float64]) -> Recorded:
    layers = []
    for described in flow["layers"]:
        maps = []
        for single in described.pop("maps"):
            arrays = {
                name: np.fromiter(values, np.float64, count=int(np.prod(shape, dtype=int))).reshape(shape)
                for name, shape in single["arrays"].items()
            }
            maps.append(_map(single["kind"], arrays))
        layers.append(Layer(maps=maps, **described))
    variables = [
        Variable(v["name"], tuple(v["dims"]), [_entries(e) for e in v["entries"]], v["attrs"])
        for v in flow["variables"]
    ]
    fitted = Fitted(layers, *(flow[name] for name in Fitted._fields[1:]))
    kept = {name: flow[name] for name in ("array", "order", "labels", "n_samples")}
    return Recorded(variables=variables, estimator=RBIG(**flow["estimator"]), fitted=fitted, **kept)
