"""How a flow is written, as one row of numbers and JSON that tells what they are, and how anybody's is read.

Each field of the JSON is checked before a number is read, and each map before anything is computed with it.
"""

import hashlib
import json
import math
import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import asdict, fields
from importlib.metadata import version
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xrbig.core.flow import Fitted, Layer
from xrbig.core.layers.kinds import MAPS
from xrbig.core.marginal import Floats
from xrbig.estimator import RBIG
from xrbig.files import VARIABLE, Stored
from xrbig.store import Recorded, Variable

FORMAT = "xrbig flow"
VERSION = 1
NUMBERS = r"[<>|]?([biufmM])[1248](\[(s|ms|us|ns)\])?"  # dtypes of entries
TEXT = r"O|T|[<>]?U\d+"
DAMAGED = "it is damaged: its checksum does not fit what it holds. Copy or write it again, flow.to_zarr(path)."
MOST_SAMPLES = 1 << 62
MOST_TEXT = 1 << 25  # characters of the JSON, and bytes that entries of text may take
ADDED = {"left": 0.0}  # fields that files of 0.1.0 lack
FIELDS = ("variables", "array", "order", "labels", "n_samples", "estimator", *Fitted._fields)


class Outline(NamedTuple):
    """What the JSON of a flow says, checked: all of a flow but its numbers, and where they are.

    Attributes
    ----------
    flow : the fields
    variables : those of the fit
    estimator : its settings
    maps : of each layer, the kind of each of its maps, and the shapes of its arrays
    length : how many numbers the maps have
    """

    flow: dict[str, Any]
    variables: list[Variable]
    estimator: RBIG
    maps: list[list[tuple[str, dict[str, tuple[int, ...]]]]]
    length: int


def to_dataset(recorded: Recorded) -> xr.Dataset:
    """All of a flow: numbers in one variable, ``parameters``, and what they are in attributes, as JSON."""
    parameters: list[Floats] = []
    layers = []
    for layer in recorded.fitted.layers:
        maps = []
        for single in layer.maps:
            arrays = single.arrays()
            parameters += [np.asarray(a, dtype=np.float64).reshape(-1) for a in arrays.values()]
            shapes = {name: list(np.shape(a)) for name, a in arrays.items()}
            maps.append({"kind": type(single).__name__.lower(), "arrays": shapes})
        layers.append({**layer._asdict(), "maps": maps})
    values = np.concatenate(parameters)
    described = {
        "variables": [_described(variable) for variable in recorded.variables],
        "array": recorded.array,
        "order": recorded.order,
        "labels": recorded.labels,
        "n_samples": recorded.n_samples,
        "estimator": {name: _plain(value) for name, value in asdict(recorded.estimator).items()},
        **recorded.fitted._asdict(),
        "layers": layers,
    }
    flow = json.dumps(described)
    try:
        _recorded(_outline(flow), values)
    except ValueError as error:
        raise ValueError(f"the flow cannot be written, as it could not be opened again: {error}") from error
    attrs = {
        "format": FORMAT,
        "format_version": VERSION,
        "xrbig_version": version("xrbig"),
        "flow": flow,
        "sha256": _digest(flow, values),
    }
    return xr.Dataset({VARIABLE: ("parameter", values, {"units": "1"})}, attrs=attrs)


def from_stored(stored: Stored) -> Recorded:
    """What `to_dataset` has made, or a ValueError."""
    attrs = stored.attrs
    if attrs.get("format") != FORMAT:
        groups = stored.groups()
        below = f" It has the groups {groups!r}: open_flow(path, group={groups[0]!r})." if groups else ""
        found = attrs.get("format")
        raise ValueError(f"it holds no flow: its attribute 'format' is {found!r}, not {FORMAT!r}.{below}")
    if str(attrs.get("format_version")) != str(VERSION):
        raise ValueError(
            f"it has version {attrs.get('format_version')} of the format, written by xrbig "
            f"{attrs.get('xrbig_version')}; this is xrbig {version('xrbig')}, which reads version {VERSION}. "
            "Upgrade, pip install --upgrade xrbig."
        )
    if not isinstance(attrs.get("flow"), str):
        raise ValueError(DAMAGED)
    outline = _outline(attrs["flow"])
    array = stored.array()
    if array.length != outline.length:
        raise ValueError(f"it has {array.length} numbers, and its maps are made of {outline.length}.")
    values = np.ascontiguousarray(array.read(), dtype="<f8")
    if attrs.get("sha256") != _digest(attrs["flow"], values):
        raise ValueError(DAMAGED)
    return _recorded(outline, values)


def _digest(flow: str, values: Floats) -> str:
    digest = hashlib.sha256(flow.encode())
    digest.update(np.ascontiguousarray(values, dtype="<f8").data)
    return digest.hexdigest()


def _described(variable: Variable) -> dict[str, Any]:
    if not all(isinstance(name, str) for name in (variable.name, *variable.dims)):
        raise ValueError(f"{variable.name!r} or its dimension is no string, and cannot be written: rename it.")
    return {
        "name": variable.name,
        "dims": variable.dims,
        "entries": [
            _listed(entries, variable.name, dim) for dim, entries in zip(variable.dims, variable.entries, strict=True)
        ],
        "attrs": {str(key): plain for key, value in variable.attrs.items() if (plain := _plain(value)) is not None},
    }


def _plain(value: Any) -> Any:
    """An attribute as JSON has it, None if it has no such value."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        plain = [_plain(item) for item in value]
        return None if any(item is None for item in plain) else plain
    return value if isinstance(value, str | int | float) else None


def _listed(entries: NDArray[Any], name: Hashable, dim: Hashable) -> dict[str, Any]:
    """Coordinate values as JSON has them."""
    dtype = entries.dtype.kind if entries.dtype.kind in "OT" else entries.dtype.str
    values = (entries.astype(np.int64) if entries.dtype.kind in "mM" else entries).tolist()
    text = re.fullmatch(TEXT, dtype)
    if (text and not all(isinstance(value, str) for value in values)) or not (text or re.fullmatch(NUMBERS, dtype)):
        found = sorted({type(value).__name__ for value in values}) if dtype == "O" else entries.dtype
        raise ValueError(
            f"the labels of {name!r} along {dim!r} are of {found}, and only numbers, texts and dates can be written. "
            f"Fit to texts, ds.assign_coords({dim}=ds[{dim!r}].astype(str)), or without labels, ds.drop_vars({dim!r})."
        )
    return {"dtype": dtype, "values": values}


def _outline(text: str) -> Outline:
    """Read the JSON of a flow; a ValueError tells what is wrong with it."""
    if len(text) > MOST_TEXT:
        raise ValueError(f"its JSON has {len(text)} characters, more than the {MOST_TEXT} that are read.")
    flow = json.loads(text)
    flow = _object({**ADDED, **flow} if isinstance(flow, dict) else flow, FIELDS, "the flow")
    variables = [_variable(v) for v in _items(flow["variables"], dict, "variables")]
    _require_known(flow, variables)
    settings = _object(flow["estimator"], [f.name for f in fields(RBIG)], "the estimator")
    if any(type(settings[f.name]) is not type(f.default) for f in fields(RBIG)):
        raise ValueError(f"its settings {settings!r} are not those of an estimator.")
    _require_numbers(flow, Fitted._fields[1:])
    layers = [_object(layer, Layer._fields, "a layer") for layer in _items(flow["layers"], dict, "layers")]
    for layer in layers:
        _items([layer["kind"]], str, "kind")
        _require_numbers(layer, ("gain", "likelihood", "null_level"))
    if not math.isclose(sum(layer["gain"] for layer in layers), flow["total_correlation"], rel_tol=1e-9, abs_tol=1e-9):
        raise ValueError("its total correlation is not the sum of the gains of its layers.")
    features = len(flow["order"])
    maps = [[_shapes(single, features) for single in _items(layer["maps"], dict, "maps")] for layer in layers]
    sizes = [math.prod(shape) for layer in maps for _, shapes in layer for shape in shapes.values()]
    return Outline(flow, variables, RBIG(**settings), maps, sum(sizes))


def _require_known(flow: dict[str, Any], variables: list[Variable]) -> None:
    """Refuse features that are not those of the variables."""
    features = sum(math.prod(len(entries) for entries in v.entries) for v in variables)
    order = _items(flow["order"], int, "order")
    if not order or len(order) != features or sorted(order) != list(range(features)):
        raise ValueError(f"its 'order' is no order of {features} features.")
    labels = dict(zip(order, _items(flow["labels"], str, "labels"), strict=True))
    found = (label for variable in variables for label in _labels(variable))
    if any(labels[i] != label for i, label in enumerate(found)):
        raise ValueError("its 'labels' are not those of its entries.")
    if len(set(flow["labels"])) < features or len({v.name for v in variables}) < len(variables):
        raise ValueError("two of its features have the same label.")
    if len({repr((d, e)) for v in flow["variables"] for d, e in zip(v["dims"], v["entries"], strict=True)}) > len(
        {dim for v in variables for dim in v.dims}
    ):
        raise ValueError("its variables have different entries along the same dimension.")
    if type(flow["array"]) is not bool or (flow["array"] and len(variables) > 1):
        raise ValueError(f"its 'array' is {flow['array']!r}, with {len(variables)} variables.")
    (n_samples,) = _items([flow["n_samples"]], int, "n_samples")
    if not 0 < n_samples < MOST_SAMPLES:
        raise ValueError(f"its 'n_samples' is {n_samples}.")


def _labels(variable: Variable) -> Iterator[str]:
    for entry in product(*variable.entries):
        where = ", ".join(f"{dim}={value}" for dim, value in zip(variable.dims, entry, strict=True))
        yield f"{variable.name}[{where}]" if where else str(variable.name)


def _object(value: Any, names: Sequence[str], what: str) -> dict[str, Any]:
    """An object of JSON that has these fields."""
    if not isinstance(value, dict) or set(value) != set(names):
        raise ValueError(f"{what} does not have the fields {list(names)!r}.")
    return value


def _items(value: Any, kind: type, what: str) -> list[Any]:
    """A list of JSON whose items are of one kind."""
    if not isinstance(value, list) or any(type(item) is not kind for item in value):
        raise ValueError(f"its {what!r} are not of {kind.__name__}.")
    return value


def _require_numbers(value: dict[str, Any], names: Sequence[str]) -> None:
    for name in names:
        number = value[name]
        if type(number) not in (int, float) or not math.isfinite(number) or (name == "std_error" and number < 0):
            raise ValueError(f"its {name!r} is {number!r}.")


def _variable(described: dict[str, Any]) -> Variable:
    _object(described, Variable._fields, "a variable")
    name, dims = described["name"], _items(described["dims"], str, "dims")
    entries = _items(described["entries"], dict, "entries")
    if type(name) is not str or len(set(dims)) < len(dims) or "sample" in (name, *dims) or len(entries) != len(dims):
        raise ValueError(f"its variable {name!r} cannot have the dimensions {dims!r}.")
    attrs = described["attrs"]
    if not isinstance(attrs, dict) or any(_plain(value) is None for value in attrs.values()):
        raise ValueError(f"the attributes of {name!r} are not plain.")
    return Variable(name, tuple(dims), [_entries(e) for e in entries], attrs)


def _entries(listed: dict[str, Any]) -> NDArray[Any]:
    """Coordinate values that `_listed` has written."""
    dtype, values = (_object(listed, ("dtype", "values"), "a list of entries")[name] for name in ("dtype", "values"))
    if re.fullmatch(TEXT, dtype):
        _items(values, str, "values")
        if dtype not in ("O", "T") and 4 * len(values) * max(map(len, values), default=0) > MOST_TEXT:
            raise ValueError("its entries take too much memory.")
        kinds: dict[str, Any] = {"O": object, "T": np.dtypes.StringDType()}
        return np.array(values, dtype=kinds.get(dtype, np.str_))
    if not re.fullmatch(NUMBERS, dtype):
        raise ValueError(f"its entries are of dtype {dtype!r}, which is not read.")
    kind = np.dtype(dtype).kind
    accepted = {"b": (bool,), "f": (int, float)}.get(kind, (int,))
    if not isinstance(values, list) or any(type(value) not in accepted for value in values):
        raise ValueError(f"its entries are not of dtype {dtype!r}.")
    return np.array(values, dtype="i8" if kind in "mM" else dtype).astype(dtype)


def _shapes(single: dict[str, Any], features: int) -> tuple[str, dict[str, tuple[int, ...]]]:
    """The kind of a map, and the shapes of its arrays."""
    kind, arrays = (_object(single, ("kind", "arrays"), "a map")[name] for name in ("kind", "arrays"))
    known = MAPS[kind].shapes if kind in MAPS else None
    if known is None or not isinstance(arrays, dict) or list(arrays) != list(known):
        raise ValueError(f"it has a map of kind {kind!r} that is not made of the arrays of one.")
    sizes = {"f": features, "2f": 2 * features, 2: 2}
    for name, axes in known.items():
        shape = _items(arrays[name], int, "arrays")
        if len(shape) != len(axes) or any(
            n < 1 or n != sizes.setdefault(a, n) for n, a in zip(shape, axes, strict=True)
        ):
            raise ValueError(f"the arrays of a map of kind {kind!r} do not have the shapes {arrays!r}.")
    return kind, {name: tuple(shape) for name, shape in arrays.items()}


def _recorded(outline: Outline, values: Floats) -> Recorded:
    """The flow of these numbers, or a ValueError that tells which map is none."""
    if not np.isfinite(values).all():
        raise ValueError("its numbers are not finite.")
    flow, layers, start = outline.flow, [], 0
    for described, maps in zip(flow["layers"], outline.maps, strict=True):
        built = []
        for kind, shapes in maps:
            arrays = {}
            for name, shape in shapes.items():
                end = start + math.prod(shape)
                arrays[name], start = values[start:end].reshape(shape).copy(), end
            built.append(MAPS[kind].of(arrays, len(flow["order"])))
            built[-1].require_invertible()
        layers.append(Layer(**{**described, "maps": built}))
    fitted = Fitted(layers, *(flow[name] for name in Fitted._fields[1:]))
    kept = {name: flow[name] for name in ("array", "order", "labels", "n_samples")}
    return Recorded(variables=outline.variables, estimator=outline.estimator, fitted=fitted, **kept)
