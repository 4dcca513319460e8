"""Open files that no flow has written, and tell what comes of it: `python benchmarks/hostile_files.py` (a minute).

Each file is opened in a process of its own, whose peak memory is measured: wrong contents under a right checksum, sizes
that are not there, damage, and code that wants to run.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import copy
import hashlib
import json
import pickle
import resource
import shutil
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from numcodecs.zstd import Zstd

import xrbig

HUGE = 500_000_000  # numbers, 4 GB
MOST_MEMORY = 8 << 30  # of a process that opens a file
ERROR = getattr(xrbig, "FlowFileError", ValueError)

Flow = dict[str, Any]
Edit = Callable[[Flow], Any]
Write = Callable[[Path], Any]

CURVE = {"knots": [-1.0, 0.0, 1.0], "values": [-1.0, 0.2, 1.5], "slopes": [1.0, 1.1, 0.9], "bend": [0.0, 0.5]}
MARGINS = {
    "sizes": [3, 3, 2],
    "knots": [-1.0, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 1.0],
    "values": [-1.0, 0.1, 1.0, -1.0, 0.0, 1.0, -1.0, 1.0],
    "slopes": [1.0] * 8,
    "bend": [0.0, 0.0, 0.1, 0.1, 0.0, 0.0],
}
MAPS = {
    "compression": {"features": [0, 2], "shift": [0.0, 1.0], "spread": [1.0, 2.0]},
    "linear": {"shift": [0.0, 1.0, 2.0], "matrix": [[1.0, 0.1, 0.0], [0.0, 1.0, 0.2], [0.3, 0.0, 1.0]]},
    "margins": MARGINS,
    "radial": CURVE,
    "conditional": {
        "features": [2, 0],
        "given": 1,
        "log_weight": [float(np.log(0.25)), float(np.log(0.75))],
        "mean": [[0.0, 1.0], [1.0, 0.0]],
        "whitening": [[[1.0, 0.0], [0.5, 2.0]], [[2.0, 0.0], [-0.5, 1.0]]],
    },
}
LEVEL = {"dtype": "<f8", "values": [850.0, 500.0]}
FLOW: Flow = {
    "variables": [
        {"name": "v", "dims": [], "entries": [], "attrs": {"units": "m"}},
        {"name": "z", "dims": ["level"], "entries": [LEVEL], "attrs": {}},
    ],
    "array": False,
    "order": [0, 2, 1],
    "labels": ["v", "z[level=500.0]", "z[level=850.0]"],
    "n_samples": 100,
    "estimator": {"rotation": "auto", "max_layers": 100, "patience": 5, "significance": 0.0001, "seed": 0},
    "layers": [
        {
            "kind": "margins",
            "maps": [{"kind": kind, "arrays": arrays} for kind, arrays in MAPS.items()],
            "gain": 0.5,
            "likelihood": 0.4,
            "null_level": 0.1,
        }
    ],
    "total_correlation": 0.5,
    "by_density": 0.5,
    "std_error": 0.1,
    "margin_error": 0.0,
}


def packed(flow: Flow) -> tuple[Flow, np.ndarray]:
    """The JSON of a flow whose maps hold their arrays, and the numbers."""
    flow, numbers = copy.deepcopy(flow), []
    for layer in flow["layers"]:
        for single in layer["maps"]:
            for name, array in single["arrays"].items():
                array = np.asarray(array, dtype=float)
                numbers.append(array.reshape(-1))
                single["arrays"][name] = list(array.shape)
    return flow, np.concatenate(numbers)


def attributes(text: str, numbers: np.ndarray | bytes, **changes: Any) -> Flow:
    """The attributes of a flow, with a right checksum; those that change to None are left out."""
    content = numbers if isinstance(numbers, bytes) else numbers.astype("<f8").tobytes()
    digest = hashlib.sha256(text.encode(errors="replace") + content).hexdigest()
    attrs = {"format": "xrbig flow", "format_version": 1, "xrbig_version": "0.1.0", "flow": text, "sha256": digest}
    return {name: value for name, value in (attrs | changes).items() if value is not None}


def array_metadata(length: int, **changes: Any) -> Flow:
    """The zarr.json of the numbers."""
    metadata = {
        "shape": [length],
        "data_type": "float64",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [length]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0.0,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "attributes": {},
        "dimension_names": ["parameter"],
        "zarr_format": 3,
        "node_type": "array",
        "storage_transformers": [],
    }
    return {name: value for name, value in (metadata | changes).items() if value is not None}


def write_zarr(folder: Path, attrs: Flow, metadata: Flow | None, chunk: bytes | None, **root: Any) -> Path:
    """A store of these parts, byte by byte."""
    path = folder / "flow.zarr"
    (path / "parameters" / "c").mkdir(parents=True)
    group = {"attributes": attrs, "zarr_format": 3, "node_type": "group"} | root
    (path / "zarr.json").write_text(json.dumps(group))
    if metadata is not None:
        (path / "parameters" / "zarr.json").write_text(json.dumps(metadata))
    if chunk is not None:
        (path / "parameters" / "c" / "0").write_bytes(chunk)
    return path


def write_netcdf(folder: Path, attrs: Flow, numbers: np.ndarray, **options: Any) -> Path:
    """A NetCDF file."""
    path = folder / "flow.nc"
    with netCDF4.Dataset(path, "w", format=options.pop("format", "NETCDF4")) as file:
        file.setncatts(attrs)
        file.createDimension("parameter", len(numbers))
        file.createVariable("parameters", numbers.dtype, ("parameter",), **options)[:] = numbers
    return path


def described(folder: Path, edit: Edit | None = None, after: Edit | None = None) -> Path:
    """A store whose flow has been edited, before its arrays are taken out or `after`, under a right checksum."""
    flow = copy.deepcopy(FLOW)
    if edit:
        flow = replaced(flow, edit)
    flow, numbers = packed(flow)
    if after:
        flow = replaced(flow, after)
    return texted(folder, json.dumps(flow), numbers)


def replaced(flow: Flow, edit: Edit) -> Any:
    """What an edit returns, or has changed."""
    result = edit(flow)
    return flow if result is None else result


def texted(folder: Path, text: str, numbers: np.ndarray | None = None, **changes: Any) -> Path:
    """A store with this text for its flow."""
    numbers = packed(FLOW)[1] if numbers is None else numbers
    attrs = attributes(text, numbers, **changes)
    return write_zarr(folder, attrs, array_metadata(len(numbers)), numbers.astype("<f8").tobytes())


def put(*path: Any, value: Any) -> Edit:
    """An edit: the item at the end of a path becomes `value`, or what it makes of the old one."""

    def edit(flow: Flow) -> None:
        *outer, last = path
        inner: Any = flow
        for step in outer:
            inner = inner[step]
        inner[last] = value(inner[last]) if callable(value) else value

    return edit


def leave_out(*path: Any) -> Edit:
    """An edit: the item at the end of a path goes."""

    def edit(flow: Flow) -> None:
        *outer, last = path
        inner: Any = flow
        for step in outer:
            inner = inner[step]
        del inner[last]

    return edit


NOT_FINITE = {"NaN": float("nan"), "infinity": float("inf")}
WRONG_NUMBERS: dict[str, list[tuple[str, Any]]] = {
    "compression": [
        ("spread", [1.0, 0.0]),
        ("spread", [1.0, -2.0]),
        ("features", [0, 3]),
        ("features", [0, -1]),
        ("features", [0, 0]),
        ("features", [0, 0.5]),
        ("features", [0, 1e300]),
    ],
    "linear": [
        ("matrix", np.zeros((3, 3))),
        ("matrix", np.ones((3, 3))),
        ("matrix", np.diag([1.0, 1.0, 0.0])),
        ("matrix", np.arange(9.0).reshape(3, 3)),
        ("matrix", [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 7.0]]),
        ("matrix", np.outer([1e-8, 1.0, 1e8], [0.1, 0.3, 0.7])),
    ],
    "margins": [
        ("sizes", [3, 3, 1]),
        ("sizes", [1, 4, 3]),
        ("sizes", [3, 3, 3]),
        ("sizes", [2.5, 2.5, 3]),
        ("sizes", [-3, 8, 3]),
        ("sizes", [1e300, 3, 2]),
        ("knots", [-1.0, 0.0, 0.0, -2.0, 0.0, 2.0, -1.0, 1.0]),
        ("knots", [-1.0, 0.0, 1.0, -2.0, 0.0, 2.0, 1.0, -1.0]),
        ("knots", [-1.0, 0.0, 1.0, -1e308, 0.0, 1.7e308, -1.7e308, 1.7e308]),
        ("values", [-1.0, 0.1, 0.1, -1.0, 0.0, 1.0, -1.0, 1.0]),
        ("values", [1.0, 0.1, -1.0, -1.0, 0.0, 1.0, -1.0, 1.0]),
        ("slopes", [1.0] * 7 + [0.0]),
        ("slopes", [-1.0] + [1.0] * 7),
        ("bend", [0.0, 0.0, 0.1, -0.1, 0.0, 0.0]),
    ],
    "radial": [
        ("knots", [0.0, 0.0, 1.0]),
        ("values", [-1.0, 2.0, 1.5]),
        ("slopes", [1.0, 0.0, 1.0]),
        ("bend", [0.0, -1e-9]),
        ("knots", [0.0, 5e-324, 1.0]),
    ],
    "conditional": [
        ("features", [2, 2]),
        ("features", [2, 5]),
        ("given", 2),
        ("given", -1),
        ("given", 0.5),
        ("log_weight", [0.0, 0.0]),
        ("log_weight", [-1e300, -1e300]),
        ("whitening", [[[1.0, 0.0], [0.5, 0.0]], [[2.0, 0.0], [-0.5, 1.0]]]),
        ("whitening", [[[1.0, 0.0], [0.5, 2.0]], [[-2.0, 0.0], [-0.5, 1.0]]]),
        ("whitening", [[[1.0, 0.5], [0.5, 2.0]], [[2.0, 0.0], [-0.5, 1.0]]]),
    ],
}
WRONG_FIELDS: list[tuple[tuple[Any, ...], list[Any]]] = [
    (
        ("order",),
        [[0, 0, 1], [0, 1], [0, 1, 2, 3], [0, 1, 3], [-1, 0, 1], [1, 2, 0], [0.0, 2.0, 1.0], "021", None, [[0]]],
    ),
    (("labels",), [["v", "z[level=850.0]", "z[level=500.0]"], ["v"], ["v"] * 3, [1, 2, 3], None, "v", {}]),
    (("n_samples",), [0, -5, 1.5, True, None, "100", 10**400, [100]]),
    (("array",), [True, 0, None, "no"]),
    (("total_correlation",), [0.6, None, "0.5", True, 1e300, *NOT_FINITE.values()]),
    (("std_error",), [-0.1, None, [], *NOT_FINITE.values()]),
    (("by_density",), [None, {}, *NOT_FINITE.values()]),
    (("margin_error",), ["0", *NOT_FINITE.values()]),
    (("estimator",), [None, {}, [], {"seed": 0}]),
    (("estimator", "rotation"), ["x", None, 3, ["pca"]]),
    (("estimator", "significance"), [0.0, 2.0, -1.0, "0.1", None, float("nan")]),
    (("estimator", "max_layers"), [0, 1.5, True, "100"]),
    (("estimator", "seed"), [-1, None, 0.5]),
    (("estimator", "code"), ["import os"]),
    (("layers",), [None, {}, "x", [1], [[]]]),
    (("layers", 0, "kind"), [None, 1, ["margins"]]),
    (("layers", 0, "gain"), [None, "0.5", True, *NOT_FINITE.values()]),
    (("layers", 0, "likelihood"), [None, *NOT_FINITE.values()]),
    (("layers", 0, "null_level"), [[], *NOT_FINITE.values()]),
    (("layers", 0, "maps"), [None, {}, "linear", [1]]),
    (("layers", 0, "more"), [1]),
    (("layers", 0, "maps", 1, "kind"), ["compression", "tree", "pickle", "", None, 1, ["linear"], {}]),
    (("layers", 0, "maps", 1, "arrays"), [None, [], {}, {"matrix": [3, 3], "shift": [3]}, {"shift": [3]}]),
    (
        ("layers", 0, "maps", 1, "arrays", "shift"),
        [[-3], [2], [3.0], [True], ["3"], 3, None, [3, 1], [], [10**12], [10**30]],
    ),
    (("layers", 0, "maps", 1, "arrays", "matrix"), [[3, -3], [-3, -3], [9], [1, 9], [3, 3, 1], [0, 0]]),
    (("layers", 0, "maps", 2, "arrays", "knots"), [[-5], [HUGE], [7]]),
    (("layers", 0, "maps", 4, "arrays", "given"), [[1], [0], None]),
    (("variables",), [None, [], {}, [1], [{}]]),
    (("variables", 0, "name"), [None, 1, "sample", "z", ["v"]]),
    (("variables", 0, "dims"), [None, ["level"], "level", [1]]),
    (("variables", 0, "attrs"), [None, [], "x", {"a": None}, {"a": {"b": 1}}, {"a": [[None]]}]),
    (("variables", 1, "dims"), [["level", "level"], [], ["sample"], [None]]),
    (("variables", 1, "entries"), [[], [LEVEL, LEVEL], None, [None], [[]], {}]),
    (("variables", 1, "entries", 0, "values"), [[850.0], [850.0, 850.0], [850.0, "x"], [[850.0], [500.0]], None, "ab"]),
    (
        ("variables", 1, "entries", 0, "dtype"),
        [
            "O",
            "S5",
            "V8",
            "i4,i4",
            f"<U{10**9}",
            "M8[Y]",
            "M8[999999ns]",
            "m8",
            "c16",
            "x",
            "",
            None,
            "<u1",
            "<i8",
            "b1",
        ],
    ),
]
LONG = copy.deepcopy(FLOW)  # a name of 1 MB for each of 40 000 features
LONG["variables"] = [
    {
        "name": "x" * 10**6,
        "dims": ["a", "b"],
        "entries": [{"dtype": "<i8", "values": list(range(200))}] * 2,
        "attrs": {},
    }
]
LONG |= {"order": list(range(40_000)), "labels": ["x"] * 40_000}
WRONG_TEXTS = {
    "long labels, 40 GB": json.dumps(packed(LONG)[0]),
    "empty": "",
    "no JSON": "flow",
    "half": json.dumps(packed(FLOW)[0])[:-40],
    "null": "null",
    "a list": "[]",
    "a number": "1e999",
    "100 000 brackets": "[" * 100_000,
    "100 000 objects": '{"layers":' * 100_000,
    "a million empty lists": '{"order": [' + "[]," * 1_000_000 + "[]]}",
    "a long number": '{"order": [' + "9" * 100_000 + "]}",
    "Python": "__import__('os').system('touch ran')",
}
WRONG_ATTRS: dict[str, Flow] = {
    "no format": {"format": None},
    "another format": {"format": "zarr"},
    "format a list": {"format": ["xrbig flow"]},
    "no version": {"format_version": None},
    "version 2": {"format_version": 2},
    "version -1": {"format_version": -1},
    "version NaN": {"format_version": float("nan")},
    "version a list": {"format_version": [1, 2]},
    "no flow": {"flow": None},
    "flow an object": {"flow": packed(FLOW)[0]},
    "no checksum": {"sha256": None},
    "a checksum of zeros": {"sha256": "0" * 64},
    "checksum a number": {"sha256": 0},
}


def zstd(size: int, declared: int | None = None) -> bytes:
    """Zeros as zstd packs them best, each 128 kB in four bytes (RFC 8878), that may declare another size."""
    head = b"\x28\xb5\x2f\xfd" + bytes([0xE0]) + (size if declared is None else declared).to_bytes(8, "little")
    blocks = []
    for start in range(0, size, 1 << 17):
        length = min(1 << 17, size - start)
        blocks.append(((start + length >= size) | 1 << 1 | length << 3).to_bytes(3, "little") + b"\0")
    return head + b"".join(blocks)


PACKED = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "zstd", "configuration": {"level": 0}}]


def long_margins(total: int) -> Flow:
    """The JSON of a flow whose curves have so many numbers, which only they tell."""
    flow, _ = packed(FLOW)
    knots = (total - 9) // 3
    arrays = {"sizes": [3], "knots": [knots], "values": [knots], "slopes": [knots], "bend": [6]}
    flow["layers"][0]["maps"] = [{"kind": "margins", "arrays": arrays}]
    return flow


def zarr_case(
    folder: Path, length: int | None = None, chunk: bytes | None = b"", flow: Any = None, **changes: Any
) -> Path:
    """A store whose array is not what its flow says."""
    text, numbers = json.dumps(flow or packed(FLOW)[0]), packed(FLOW)[1]
    chunk = numbers.tobytes() if chunk == b"" else chunk
    size = len(numbers) if length is None else length
    zeros = b"" if size > 10**7 else bytes(8 * size)
    attrs = attributes(text, numbers if length is None else zeros)
    return write_zarr(folder, attrs, array_metadata(size, **changes), chunk)


def packed_store(folder: Path) -> Path:
    """A sound store that zstd has packed, as xrbig 0.1.0 has."""
    return zarr_case(folder, chunk=Zstd().encode(packed(FLOW)[1].tobytes()), codecs=PACKED)


def edited(folder: Path, edit: Callable[[Path], Any], base: Write = described) -> Path:
    """A sound file that is then edited on disk."""
    path = base(folder)
    edit(path)
    return path


def grid(*shape: int) -> Flow:
    """Chunks of this shape."""
    return {"name": "regular", "configuration": {"chunk_shape": list(shape)}}


def add_array(path: Path, name: str = "more", **changes: Any) -> None:
    """Another array in a store."""
    (path / name).mkdir()
    (path / name / "zarr.json").write_text(json.dumps(array_metadata(HUGE, **changes)))


class Code:
    """What runs code when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder / "ran"),)


def version_2(path: Path, folder: Path, **array: Any) -> Path:
    """A group of Zarr format 2 with a pickled array of objects."""
    flow, numbers = packed(FLOW)
    (path / "parameters").mkdir(parents=True, exist_ok=True)
    metadata = {
        "zarr_format": 2,
        "shape": [1],
        "chunks": [1],
        "dtype": "|O",
        "compressor": None,
        "fill_value": None,
        "order": "C",
        "filters": [{"id": "pickle", "protocol": 5}],
    } | array
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    (path / ".zattrs").write_text(json.dumps(attributes(json.dumps(flow), numbers)))
    (path / "parameters" / ".zarray").write_text(json.dumps(metadata))
    (path / "parameters" / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["parameter"]}')
    (path / "parameters" / "0").write_bytes(pickle.dumps(np.array([Code(folder)], dtype=object)))
    return path


def both_versions(folder: Path) -> Path:
    """Format 2 beside a format 3 that lacks its array."""
    return version_2(write_zarr(folder, attributes(json.dumps(packed(FLOW)[0]), packed(FLOW)[1]), None, None), folder)


def zipped(folder: Path) -> Path:
    """A store in a zip file that has packed 400 MB of blanks well."""
    flow, numbers = packed(FLOW)
    group = {"attributes": attributes(json.dumps(flow), numbers), "zarr_format": 3, "node_type": "group"}
    with zipfile.ZipFile(folder / "flow.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("parameters/c/0", numbers.tobytes())
        file.writestr("parameters/zarr.json", json.dumps(array_metadata(len(numbers))))
        with file.open("zarr.json", "w", force_zip64=True) as entry:
            for _ in range(100):
                entry.write(b" " * (4 << 20))
            entry.write(json.dumps(group).encode())
    return folder / "flow.zip"


def netcdf(folder: Path, edit: Callable[[netCDF4.Dataset], Any] | None = None, **options: Any) -> Path:
    """A sound NetCDF file, or one that is edited."""
    flow, numbers = packed(FLOW)
    path = write_netcdf(folder, attributes(json.dumps(flow), numbers), numbers, **options)
    if edit:
        with netCDF4.Dataset(path, "a") as file:
            edit(file)
    return path


def typed(folder: Path, dtype: Any, values: Any, dims: tuple[str, ...] = ("parameter",), **options: Any) -> Path:
    """A NetCDF file with parameters of another type or shape."""
    flow, numbers = packed(FLOW)
    path = folder / "flow.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts(attributes(json.dumps(flow), numbers))
        for name in dims:
            file.createDimension(name, len(values) if name == "parameter" else 1)
        file.createVariable("parameters", dtype, dims, **options)[:] = values
    return path


def many_zeros(folder: Path, name: str = "parameters", dim: str = "parameter", **options: Any) -> Path:
    """A NetCDF file of so many zeros, none of which is written."""
    flow, numbers = packed(FLOW)
    own = name == "parameters"
    path = folder / "flow.nc"
    with netCDF4.Dataset(path, "w") as file:
        text = json.dumps(long_margins(HUGE) if own else flow)
        file.setncatts(attributes(text, numbers))
        file.createDimension(dim, options.pop("size", HUGE))
        file.createVariable(
            name, "f8", (dim,), **{"zlib": True, "chunksizes": (HUGE // 500,), "fill_value": 0.0} | options
        )
        if not own:
            file.createDimension("row", len(numbers))
            file.createVariable("parameters", "f8", ("row",))[:] = numbers
    return path


def flip(path: Path, seed: int) -> None:
    """Change a few bytes of a file."""
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(0, len(content), 8):
        content[place] ^= int(rng.integers(1, 256))
    path.write_bytes(content)


def swap_halves(path: Path) -> None:
    """Put the second half of a file first."""
    content = path.read_bytes()
    path.write_bytes(content[len(content) // 2 :] + content[: len(content) // 2])


def cut(path: Path, share: float) -> None:
    """Leave only the beginning of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def relink(path: Path, target: str) -> None:
    """Put a link in the place of a file."""
    path.unlink()
    path.symlink_to(target)


def holes(path: Path) -> None:
    """A chunk that is a sparse file."""
    os.truncate(path / "parameters" / "c" / "0", 8 * HUGE)


def pipe(path: Path) -> None:
    """Put a pipe that nobody writes to in the place of a file."""
    path.unlink()
    os.mkfifo(path)


def wrong_contents() -> Iterator[tuple[str, Write]]:
    """Contents that are no flow, under a right checksum."""
    for place, (kind, arrays) in enumerate(MAPS.items()):
        where = ("layers", 0, "maps", place, "arrays")
        for name in arrays:
            for text, value in NOT_FINITE.items():
                spoil = partial(np.where, np.arange(np.size(arrays[name])).reshape(np.shape(arrays[name])) == 0, value)
                yield f"{kind}: {text} in {name}", partial(described, edit=put(*where, name, value=spoil))
        for number, (name, value) in enumerate(WRONG_NUMBERS[kind]):
            yield f"{kind}: wrong {name} {number}", partial(described, edit=put(*where, name, value=np.asarray(value)))
    for field in [*[(name,) for name in FLOW], *[("layers", 0, name) for name in FLOW["layers"][0]]]:
        yield f"flow without {field[-1]}", partial(described, after=leave_out(*field))
    for field, values in WRONG_FIELDS:
        for value in values:
            name = ".".join(map(str, field))
            yield f"{name} = {value!r}"[:60], partial(described, after=put(*field, value=value))
    for name, text in WRONG_TEXTS.items():
        yield f"text: {name}", partial(texted, text=text)
    for name, changes in WRONG_ATTRS.items():
        yield f"attributes: {name}", partial(texted, text=json.dumps(packed(FLOW)[0]), **changes)


def wrong_stores() -> Iterator[tuple[str, Write]]:
    """Zarr stores whose arrays are not what a flow has."""
    kinds = [
        "int64",
        "float32",
        "bool",
        "string",
        "complex128",
        "r64",
        "variable_length_utf8",
        {"name": "null"},
        "x",
        None,
    ]
    for kind in kinds:
        yield f"zarr: data_type {kind}", partial(zarr_case, data_type=kind)
    for shape in ([-5], [], [1, 63], [63.0], "63", None, [10**30]):
        yield f"zarr: shape {shape}", partial(zarr_case, shape=shape)
    for chunks in ((0,), (-1,), (HUGE,), (1, 1), ()):
        yield f"zarr: chunks {chunks}", partial(zarr_case, chunk_grid=grid(*chunks))
    inner = [{"name": "bytes", "configuration": {"endian": "little"}}]
    sharding = {"chunk_shape": [1], "codecs": inner, "index_codecs": inner, "index_location": "end"}
    codecs = {
        "none": [],
        "sharding": [{"name": "sharding_indexed", "configuration": sharding}],
        "transpose": [{"name": "transpose", "configuration": {"order": [0]}}, *inner],
        "text": [{"name": "vlen-utf8"}],
        "pickle": [*inner, {"name": "numcodecs.pickle", "configuration": {"protocol": 5}}],
        "gzip": [*inner, {"name": "gzip", "configuration": {"level": 5}}],
        "blosc": [*inner, {"name": "blosc", "configuration": {}}],
        "an unknown order": [{"name": "bytes", "configuration": {"endian": "middle"}}],
        "no list": "bytes",
    }
    for name, value in codecs.items():
        yield f"zarr: codecs {name}", partial(zarr_case, codecs=value)
    yield "zarr: transformers", partial(zarr_case, storage_transformers=[{"name": "x"}])
    yield "zarr: keys of format 2", partial(zarr_case, chunk_key_encoding={"name": "v2"})
    yield "zarr: array for group", partial(write_root, node_type="array")
    yield "zarr: format 2 in zarr.json", partial(write_root, zarr_format=2)
    yield "zarr: no attributes", partial(write_root, attributes=None)
    yield "zarr: attributes a list", partial(write_root, attributes=[])


def write_root(folder: Path, **root: Any) -> Path:
    """A store whose group is described in another way."""
    flow, numbers = packed(FLOW)
    attrs = attributes(json.dumps(flow), numbers)
    return write_zarr(folder, attrs, array_metadata(len(numbers)), numbers.tobytes(), **root)


def huge_stores() -> Iterator[tuple[str, Write]]:
    """Zarr stores that declare more than they hold, or hold more than they declare."""
    long, size = long_margins(HUGE), packed(FLOW)[1].size
    yield "zarr: 4 GB that are not there", partial(zarr_case, length=HUGE, chunk=None, flow=long)
    yield "zarr: 4 GB of one byte", partial(zarr_case, length=HUGE, chunk=b"x", flow=long)
    yield "zarr: 4 GB in zstd", partial(zarr_case, length=HUGE, chunk=zstd(8 * HUGE), flow=long, codecs=PACKED)
    yield "zarr: a chunk inflates to 4 GB", partial(zarr_case, chunk=zstd(8 * HUGE), codecs=PACKED)
    yield "zarr: a chunk inflates to 4 GB unsaid", partial(zarr_case, chunk=zstd(8 * HUGE, 8 * size), codecs=PACKED)
    yield "zarr: a chunk says 4 GB", partial(zarr_case, chunk=zstd(8 * size, 8 * HUGE), codecs=PACKED)
    yield (
        "zarr: a chunk says nothing",
        partial(zarr_case, chunk=b"\x28\xb5\x2f\xfd\0\x58" + zstd(8)[13:], codecs=PACKED),
    )
    yield "zarr: 4 GB of holes", partial(edited, edit=holes, base=partial(zarr_case, length=HUGE, flow=long))
    yield "zarr: 4 GB of holes beyond the numbers", partial(edited, edit=holes)
    yield "zarr: 4 GB of holes beyond packed numbers", partial(edited, edit=holes, base=packed_store)
    yield "zarr: 4 GB of holes for the group", partial(edited, edit=lambda p: os.truncate(p / "zarr.json", 8 * HUGE))
    yield "zarr: 40 MB of JSON", partial(texted, text='{"order": [' + "[]," * 13_000_000 + "[]]}")
    yield "zarr: 63 chunks, one there", partial(zarr_case, chunk=bytes(8), chunk_grid=grid(1))
    yield "zarr: 100 000 chunks", partial(zarr_case, length=100_000, flow=long_margins(100_000), chunk_grid=grid(1))
    yield "zarr: one number more", partial(zarr_case, length=size + 1, chunk=bytes(8 * size + 8))
    yield "zarr: one number less", partial(zarr_case, length=size - 1, chunk=bytes(8 * size - 8))
    yield "zarr: a chunk of one number", partial(zarr_case, chunk=bytes(8))
    yield "zip: 400 MB in zarr.json", zipped


def damaged_stores() -> Iterator[tuple[str, Write]]:
    """Sound stores that something has been done to."""
    edits: dict[str, Callable[[Path], Any]] = {
        "no chunk": lambda p: (p / "parameters/c/0").unlink(),
        "an empty chunk": lambda p: (p / "parameters/c/0").write_bytes(b""),
        "half a chunk": lambda p: cut(p / "parameters/c/0", 0.5),
        "a chunk of changed bytes": lambda p: flip(p / "parameters/c/0", 0),
        "a swapped chunk": lambda p: swap_halves(p / "parameters/c/0"),
        "a longer chunk": lambda p: (p / "parameters/c/0").write_bytes((p / "parameters/c/0").read_bytes() + b"x"),
        "a folder for a chunk": lambda p: ((p / "parameters/c/0").unlink(), (p / "parameters/c/0").mkdir()),
        "zeros without end for a chunk": lambda p: relink(p / "parameters/c/0", "/dev/zero"),
        "a link to nothing for a chunk": lambda p: relink(p / "parameters/c/0", "nowhere"),
        "a pipe for a chunk": lambda p: pipe(p / "parameters/c/0"),
        "zeros without end for the group": lambda p: relink(p / "zarr.json", "/dev/zero"),
        "a pipe for the array": lambda p: pipe(p / "parameters/zarr.json"),
        "no array": lambda p: shutil.rmtree(p / "parameters"),
        "no group": lambda p: (p / "zarr.json").unlink(),
        "half a group": lambda p: cut(p / "zarr.json", 0.5),
        "an empty group": lambda p: (p / "zarr.json").write_bytes(b""),
        "a group that is a list": lambda p: (p / "zarr.json").write_text("[]"),
        "a group of brackets": lambda p: (p / "zarr.json").write_text("[" * 100_000),
        "a group that is no text": lambda p: (p / "zarr.json").write_bytes(b"\xff\xfe\0"),
        "half an array": lambda p: cut(p / "parameters/zarr.json", 0.5),
        "an array that is a group": lambda p: (p / "parameters/zarr.json").write_text(
            '{"zarr_format": 3, "node_type": "group"}'
        ),
        "another variable": add_array,
        "another variable, a coordinate": lambda p: add_array(p, "parameter"),
        "another variable, of text": lambda p: add_array(p, data_type="string", codecs=[{"name": "vlen-utf8"}]),
        "another variable, of an unknown codec": lambda p: add_array(p, codecs=[{"name": "run"}]),
        "another variable, no JSON": lambda p: (add_array(p), (p / "more" / "zarr.json").write_text("{")),
    }
    for name, edit in edits.items():
        yield f"zarr: {name}", partial(edited, edit=edit)


def code() -> Iterator[tuple[str, Write]]:
    """Stores that hold code."""
    yield "code: format 2", lambda folder: version_2(folder / "flow.zarr", folder)
    yield "code: format 2, no suffix", lambda folder: version_2(folder / "flow", folder)
    yield "code: format 2, floats", lambda folder: version_2(folder / "flow.zarr", folder, dtype="<f8", filters=None)
    yield "code: format 2 beside 3", both_versions
    yield "code: a pickle", pickled


def pickled(folder: Path) -> Path:
    """A pickle by the name of a NetCDF file."""
    path = folder / "flow.nc"
    path.write_bytes(pickle.dumps(Code(folder)))
    return path


def netcdf_cases() -> Iterator[tuple[str, Write]]:
    """NetCDF files."""
    numbers = packed(FLOW)[1]
    for dtype in ("i8", "f4", "u1"):
        yield f"netcdf: {dtype}", partial(typed, dtype=dtype, values=numbers.astype(dtype))
    yield "netcdf: text", partial(typed, dtype=str, values=np.array(["1.0"] * len(numbers), dtype=object))
    yield "netcdf: characters", partial(typed, dtype="S1", values=np.array([b"1"] * len(numbers)))
    yield "netcdf: a table", partial(typed, dtype="f8", values=numbers, dims=("parameter", "one"))
    yield "netcdf: a compound", compound
    yield "netcdf: rows of any length", rows
    yield "netcdf: 4 GB that are not there", many_zeros
    yield "netcdf: 4 GB without end", partial(many_zeros, size=None)
    yield "netcdf: 4 GB beside it", partial(many_zeros, name="more", dim="more")
    yield "netcdf: 4 GB beside it, a coordinate", partial(many_zeros, name="more", dim="other")
    yield "netcdf: 4 GB for its own coordinate", partial(many_zeros, name="parameter", dim="parameter")
    yield "netcdf: a chunk of 4 GB", large_chunk
    yield (
        "netcdf: classic, half",
        lambda folder: edited(folder, partial(cut, share=0.95), partial(netcdf, format="NETCDF3_64BIT_OFFSET")),
    )
    yield "netcdf: classic, 2 GB declared", classic
    yield "netcdf: classic, 2 GB of holes", partial(classic, size=4 * HUGE + 4096)
    yield "netcdf: no parameters", partial(netcdf, edit=lambda f: f.renameVariable("parameters", "numbers"))
    yield "netcdf: changed numbers", partial(netcdf, edit=lambda f: f["parameters"].__setitem__(0, 7.0))
    yield "netcdf: scaled", partial(netcdf, edit=scaled)
    yield "netcdf: another version", partial(netcdf, edit=lambda f: f.setncattr("format_version", 2))
    yield "netcdf: no format", partial(netcdf, edit=lambda f: f.delncattr("format"))
    yield "netcdf: flow a number", partial(netcdf, edit=lambda f: f.setncattr("flow", 1.5))
    yield "netcdf: flow of many texts", partial(netcdf, edit=lambda f: f.setncattr_string("flow", ["x"] * 1000))
    yield "netcdf: another variable", partial(netcdf, edit=lambda f: f.createVariable("more", "f8", ()))
    yield "netcdf: empty", lambda folder: edited(folder, lambda p: p.write_bytes(b""), netcdf)
    yield "netcdf: no file of any format", lambda folder: edited(folder, lambda p: p.write_bytes(b"flow" * 100), netcdf)
    yield "netcdf: halves swapped", lambda folder: edited(folder, swap_halves, netcdf)
    for share in (0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        yield f"netcdf: {share} of it", partial(edited, edit=partial(cut, share=share), base=netcdf)


def scaled(file: netCDF4.Dataset) -> None:
    """Numbers that are right only after the attributes have scaled them."""
    file.set_auto_maskandscale(False)
    file["parameters"][:] = file["parameters"][:] / 2
    file["parameters"].scale_factor = 2.0


def compound(folder: Path) -> Path:
    """A NetCDF file whose parameters are records."""
    path = folder / "flow.nc"
    flow, numbers = packed(FLOW)
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts(attributes(json.dumps(flow), numbers))
        kind = file.createCompoundType(np.dtype([("a", "f8")]), "kind")
        file.createDimension("parameter", len(numbers))
        file.createVariable("parameters", kind, ("parameter",))[:] = numbers.view([("a", "f8")])
    return path


def rows(folder: Path) -> Path:
    """A NetCDF file whose parameters are rows of numbers."""
    path = folder / "flow.nc"
    flow, numbers = packed(FLOW)
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts(attributes(json.dumps(flow), numbers))
        kind = file.createVLType(np.float64, "kind")
        file.createDimension("parameter", len(numbers))
        file.createVariable("parameters", kind, ("parameter",))[0] = numbers
    return path


def large_chunk(folder: Path) -> Path:
    """As many numbers as there should be, in a chunk that takes 4 GB to unpack."""
    path = folder / "flow.nc"
    flow, numbers = packed(FLOW)
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts(attributes(json.dumps(flow), np.zeros(len(numbers))))
        file.createDimension("parameter", None)
        file.createVariable("parameters", "f8", ("parameter",), zlib=True, chunksizes=(HUGE,), fill_value=0.0)
        file.createVariable("end", "i1", ("parameter",))[len(numbers) - 1] = 1
    return path


def classic(folder: Path, size: int = 4096) -> Path:
    """A classic file whose header declares what does not follow."""
    path = folder / "flow.nc"
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_OFFSET") as file:
        file.set_fill_off()
        file.setncatts(attributes(json.dumps(long_margins(HUGE // 2)), b""))
        file.createDimension("parameter", HUGE // 2)
        file.createVariable("parameters", "f8", ("parameter",))
    os.truncate(path, size)
    return path


CASES: dict[str, Write] = {}
for group in (wrong_contents, wrong_stores, huge_stores, damaged_stores, code, netcdf_cases):
    for case_name, case_write in group():
        CASES[case_name if case_name not in CASES else f"{case_name} ({len(CASES)})"] = case_write
DAMAGED = {f"damage: {n} bytes of NetCDF": partial(edited, edit=partial(flip, seed=n), base=netcdf) for n in range(60)}
SOUND: dict[str, Write] = {"sound: zarr": described, "sound: zarr, packed": packed_store, "sound: netcdf": netcdf}


def opened(path: Path) -> Any:
    """Open what a case has written."""
    if path.suffix == ".zip":
        from zarr.storage import ZipStore

        return xrbig.open_flow(ZipStore(path, mode="r"))
    return xrbig.open_flow(path)


def child(path: Path, results: Connection) -> None:
    """Open a file and tell what came of it, and by how many MiB the peak of memory rose."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with warnings.catch_warnings(action="ignore"):
            opened(path)
        outcome = "accepted"
    except BaseException as error:
        outcome = "refused" if isinstance(error, ERROR) and str(path) in str(error) else type(error).__name__
    results.send((outcome, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))


def measured(write: Write) -> tuple[str, float, bool]:
    """What comes of a file, the memory that it took in MiB, and whether code ran."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write(folder)
        ours, theirs = get_context("fork").Pipe()
        process = get_context("fork").Process(target=child, args=(path, theirs))
        process.start()
        theirs.close()
        try:
            outcome, memory = ours.recv() if ours.poll(60) else ("hangs", float("nan"))
        except EOFError:
            outcome, memory = "killed", float("nan")
        process.kill()
        process.join()
        return outcome, memory, (folder / "ran").exists()


def main() -> None:
    """Print what came of all files, and the exceptions to it."""
    outcomes: Counter[str] = Counter()
    most = 0.0
    for name, write in {**SOUND, **CASES, **DAMAGED}.items():
        outcome, memory, ran = measured(write)
        expected = "accepted" if name in SOUND else "refused"
        if outcome != expected or ran or memory > 100:
            print(f"{name}: {outcome}, {memory:.0f} MiB{', CODE RAN' if ran else ''}")
        outcomes[outcome] += 1
        most = max(most, memory)
    print(f"{sum(outcomes.values())} files, {len(SOUND)} of them sound: {dict(outcomes)}; most memory {most:.0f} MiB")


if __name__ == "__main__":
    sys.exit(main())
