"""Files of a flow, which anybody may have written: what is read of them is settled before it is read.

Of Zarr the keys are read here one by one, and format 3 alone: zarr-python would decode whatever a store asks for, and
format 2 may hold code.
"""

import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from xrbig.core.marginal import Floats

if TYPE_CHECKING:
    from zarr.abc.store import Store

VARIABLE = "parameters"
ATTRS = ("format", "format_version", "xrbig_version", "flow", "sha256")
SMALL = 1 << 25  # bytes of numbers that any file may declare
EXPANSION = 100  # how many bytes a larger one may declare for each byte that is there
MOST_CHUNKS = 10_000
FRAME = 1 << 10  # bytes by which a packed chunk may exceed what it holds, and an eighth
MOST_TEXT = 2000  # characters of an error, which may repeat what a file holds
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(://|::)")
APPEND = ("a", "a-", "r+")  # modes that keep what is there
ZSTD = b"\x28\xb5\x2f\xfd"


class FlowFileError(ValueError):
    """A file holds no flow, or a damaged one, or more than it may. The message names the file."""


class Array(NamedTuple):
    """The numbers of a file: how many, which its bytes allow, and how they are read."""

    length: int
    read: Callable[[], Floats]


class Stored(NamedTuple):
    """An open file: those attributes of a flow that it has, and the way to its numbers and to its groups."""

    attrs: Mapping[str, Any]
    array: Callable[[], Array]
    groups: Callable[[], list[str]]


@contextmanager
def opened(path: "str | PathLike[str] | Store", group: str | None = None) -> Iterator[Stored]:
    """Open a Zarr store or a NetCDF file; all that goes wrong within, but that it is missing, is a `FlowFileError`."""
    with ExitStack() as stack:
        try:
            local = _local(path)
            if local and local.is_file():
                yield _netcdf(local, group, stack)
            elif local and not local.exists():
                raise FileNotFoundError(f"there is nothing at {local}.")
            else:
                yield _zarr(_folder(path, group))
        except (FileNotFoundError, ImportError):
            raise
        except Exception as error:
            where = f"{path}, group {group!r}," if group else path
            raise FlowFileError(f"{where} cannot be opened as a flow: {str(error)[:MOST_TEXT]}") from error


def _local(path: Any) -> Path | None:
    """A path on this machine, None for a store or a URL elsewhere."""
    if isinstance(path, str | PathLike) and not URL.match(text := str(path).removeprefix("file://")):
        return Path(text).expanduser().absolute()
    return None


def _require_allowed(declared: int, there: int) -> None:
    if declared > max(SMALL, EXPANSION * there):
        raise ValueError(f"it declares {declared} bytes of numbers, and has {there}. Nothing of it was read.")


def _allocated(path: Path) -> int:
    """Bytes that a file takes: one of holes takes few, of whatever size it is."""
    found = path.stat()
    return min(found.st_size, 512 * found.st_blocks) if hasattr(found, "st_blocks") else found.st_size


def _require_alone(names: set[str]) -> None:
    if names != {VARIABLE}:
        raise ValueError(f"its variables are {sorted(names)!r}, and a flow has {VARIABLE!r} alone. None was read.")


class _Folder(NamedTuple):
    """A group of a Zarr store, as keys and bytes."""

    store: "Store"
    path: str

    def key(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    def size(self, name: str) -> int:
        """Bytes under a key, 0 if it is not there."""
        from zarr.core.sync import sync

        try:
            return sync(self.store.getsize(self.key(name)))
        except (FileNotFoundError, NotADirectoryError):
            return 0

    def allocated(self, name: str) -> int:
        """Bytes under a key that are not in holes of a file."""
        from zarr.storage import LocalStore

        size = self.size(name)
        if size and isinstance(self.store, LocalStore):
            return _allocated(self.store.root / self.key(name))
        return size

    def read(self, name: str) -> bytes:
        """What is under a key; one without bytes, as a device or a pipe, is not opened."""
        from zarr.core.buffer import default_buffer_prototype
        from zarr.core.sync import sync

        found = sync(self.store.get(self.key(name), default_buffer_prototype())) if self.size(name) else None
        if found is None:
            raise ValueError(f"{name!r} is lacking or empty.")
        return found.to_bytes()

    def metadata(self, name: str = "") -> dict[str, Any]:
        """The description of a group or an array."""
        key = f"{name}/zarr.json" if name else "zarr.json"
        if self.size(key) > SMALL:
            raise ValueError(f"{key!r} has {self.size(key)} bytes, more than the {SMALL} that are read.")
        found = json.loads(self.read(key))
        if not isinstance(found, dict) or found.get("zarr_format") != 3:
            raise ValueError(f"{name or 'the group'} is not of Zarr format 3.")
        return found

    def names(self) -> set[str]:
        """Names of what is in the group, as far as the store tells."""
        from zarr.core.sync import sync

        async def listed() -> list[str]:
            return [name async for name in self.store.list_dir(self.path)]

        try:
            names = sync(listed())
        except Exception:  # one behind HTTP may tell nothing, in a way of its own
            names = []
        return {name for name in (*names, VARIABLE) if self.size(f"{name}/zarr.json")}

    def arrays(self) -> set[str]:
        """Names of what is no group."""
        return {name for name in self.names() if self.metadata(name).get("node_type") != "group"}


def _folder(path: Any, group: str | None, storage_options: Any = None) -> _Folder:
    """A group of a store."""
    import zarr
    from zarr.abc.store import Store
    from zarr.core.sync import sync
    from zarr.storage import LocalStore, StorePath

    inner = "/".join(part for part in (group or "").split("/") if part)
    local = _local(path)
    store = LocalStore(local, read_only=True) if local else path
    if isinstance(store, Store):
        return _Folder(sync(StorePath.open(store, inner)).store, inner)
    options = {"storage_options": storage_options} if storage_options else {}
    found = zarr.open_group(path, path=inner, mode="r", zarr_format=3, use_consolidated=False, **options)
    return _Folder(found.store, found.path)


def _zarr(folder: _Folder) -> Stored:
    _require_unpacked(folder.store)
    if not folder.size("zarr.json"):
        if folder.size(".zgroup") or folder.size(".zarray"):
            raise ValueError("it is of Zarr format 2, which is not read, as it may hold code; a flow is of format 3.")
        if folder.path:
            raise FileNotFoundError(f"there is no group {folder.path!r} in {folder.store}.")
        raise ValueError("no group of Zarr format 3 is there.")
    metadata = folder.metadata()
    if metadata.get("node_type") != "group":
        raise ValueError("it is no group.")
    attrs = metadata.get("attributes", {})
    known = {name: attrs[name] for name in ATTRS if name in attrs}
    return Stored(
        known,
        lambda: _zarr_array(folder),
        lambda: [folder.key(name) for name in sorted(folder.names() - folder.arrays())],
    )


def _require_unpacked(store: "Store") -> None:
    """Refuse a zip file that has packed anything too well."""
    from zarr.storage import ZipStore

    if isinstance(store, ZipStore) and store.read_only:
        with zipfile.ZipFile(store.path) as packed:
            for info in packed.infolist():
                _require_allowed(info.file_size, info.compress_size)


class _Layout(NamedTuple):
    """How the numbers lie in a store: how many, in chunks of which size, in which order of bytes, packed or not."""

    length: int
    size: int
    order: str
    packed: bool


def _layout(metadata: dict[str, Any]) -> _Layout:
    """Read the description of the array, of which nothing but the order of bytes and zstd is free."""
    match metadata:
        case {
            "node_type": "array",
            "shape": [int(length)],
            "data_type": "float64",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [int(size)]}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "codecs": [{"name": "bytes", "configuration": {"endian": "little" | "big" as endian}}, *packing],
            **others,
        } if 0 < size <= length and not others.get("storage_transformers"):
            pass
        case _:
            raise ValueError(f"{VARIABLE!r} is not one row of float64.")
    if [codec["name"] for codec in packing] not in ([], ["zstd"]):
        raise ValueError(f"{VARIABLE!r} is packed by {packing!r}, of which only zstd is read.")
    if length > MOST_CHUNKS * size:
        raise ValueError(f"{VARIABLE!r} is in more than {MOST_CHUNKS} chunks.")
    return _Layout(length, size, "<f8" if endian == "little" else ">f8", bool(packing))


def _zarr_array(folder: _Folder) -> Array:
    _require_alone(folder.arrays())
    length, size, order, packed = _layout(folder.metadata(VARIABLE))
    names = [f"{VARIABLE}/c/{i}" for i in range(-(-length // size))]
    _require_allowed(8 * size * len(names), sum(folder.allocated(name) for name in names))
    for name in names:
        there = folder.size(name)
        if there > 9 * size + FRAME if packed else there != 8 * size:
            raise ValueError(f"{name!r} has {there} bytes for {size} numbers.")

    def read() -> Floats:
        values = np.empty((len(names), size))
        for row, name in zip(values, names, strict=True):
            found = folder.read(name)
            row[:] = np.frombuffer(_unpacked(found, row.nbytes) if packed else found, order, count=size)
        return values.reshape(-1)[:length]

    return Array(length, read)


def _unpacked(packed: bytes, size: int) -> bytes:
    """What zstd has packed. It says how much that is, and is given as much memory, so it must say so much."""
    from numcodecs.zstd import Zstd

    if _declared(packed) != size:
        raise ValueError(f"a chunk of {VARIABLE!r} does not hold {size} bytes.")
    return bytes(Zstd().decode(packed))


def _declared(packed: bytes) -> int:
    """How many bytes the first frame of zstd says that it holds, 0 if it says nothing (RFC 8878, 3.1.1.1)."""
    if len(packed) < len(ZSTD) + 1 or not packed.startswith(ZSTD):
        return 0
    flags = packed[4]
    single, width = flags >> 5 & 1, 1 << (flags >> 6)
    start = 5 + (not single) + (0, 1, 2, 4)[flags & 3]
    if width == 1 and not single:
        return 0
    return int.from_bytes(packed[start : start + width], "little") + 256 * (width == 2)


def _netcdf(path: Path, group: str | None, stack: ExitStack) -> Stored:
    node = _netcdf_group(path, group, stack)
    attrs = {name: node.getncattr(name) for name in ATTRS if name in node.ncattrs()}
    return Stored(
        attrs,
        lambda: _netcdf_array(node, path),
        lambda: [f"{node.path}/{name}".strip("/") for name in sorted(node.groups)],
    )


def _netcdf_group(path: Path, group: str | None, stack: ExitStack) -> Any:
    import netCDF4

    file = stack.enter_context(netCDF4.Dataset(str(path)))
    file.set_auto_maskandscale(False)
    try:
        return file[group] if group and group.strip("/") else file
    except (IndexError, KeyError):
        raise FileNotFoundError(f"there is no group {group!r} in {path}.") from None


def _netcdf_array(node: Any, path: Path) -> Array:
    _require_alone(set(node.variables))
    variable = node.variables[VARIABLE]
    if variable.datatype not in (np.dtype("<f8"), np.dtype(">f8")):
        raise ValueError(f"{VARIABLE!r} is not of float64.")
    if variable.ndim != 1:
        raise ValueError(f"{VARIABLE!r} is not one row.")
    packing = variable.filters() or {}
    if unread := [name for name in ("szip", "zstd", "bzip2", "blosc") if packing.get(name)]:
        raise ValueError(f"{VARIABLE!r} is packed by {unread}, and only by zlib is read.")
    chunk = variable.chunking()
    largest = max([variable.size, *chunk] if isinstance(chunk, list) else [variable.size])
    _require_allowed(8 * int(largest), _allocated(path))
    return Array(int(variable.size), lambda: np.asarray(variable[:], dtype=np.float64))


def write_zarr(ds: xr.Dataset, path: "str | PathLike[str] | Store", **kwargs: Any) -> None:
    """Write the dataset of a flow as `opened` reads it."""
    from zarr.storage import LocalStore

    _require_readable("to_zarr", kwargs)
    if any(kwargs.get(name) not in (3, None) for name in ("zarr_format", "zarr_version")):
        raise ValueError(
            "a flow is written as Zarr format 3 alone: format 2, which may hold code, is not opened again."
        )
    if kwargs.get("mode") in APPEND:
        with suppress(FileNotFoundError):
            folder = _folder(path, kwargs.get("group"), kwargs.get("storage_options"))
            _require_free("to_zarr", path, folder.arrays() if folder.size("zarr.json") else set())
    ds[VARIABLE].encoding = {"chunks": ds[VARIABLE].shape, "compressors": (), "filters": ()}
    local = None if "storage_options" in kwargs else _local(path)  # zarr would take a path with a # for a URL
    kwargs.pop("zarr_version", None)
    ds.to_zarr(LocalStore(local) if local else path, **{"consolidated": False, **kwargs, "zarr_format": 3})


def write_netcdf(ds: xr.Dataset, path: str | PathLike[str], **kwargs: Any) -> None:
    """Write the dataset of a flow as `opened` reads it."""
    _require_readable("to_netcdf", kwargs)
    local = _local(path)
    if kwargs.get("mode") in APPEND and local and local.exists():
        with ExitStack() as stack, suppress(FileNotFoundError):
            node = _netcdf_group(local, kwargs.get("group"), stack)
            _require_free("to_netcdf", path, set(node.variables))
    ds.to_netcdf(local or path, **kwargs)


def _require_readable(method: str, kwargs: Mapping[str, Any]) -> None:
    """Refuse options that change what is written."""
    for name in ("encoding", "region", "append_dim", "compute"):
        if kwargs.get(name, True) not in (True, None):
            raise ValueError(
                f"flow.{method}(..., {name}=...): the numbers of a flow are written at once and as they are, or they "
                f"could not be read again. Leave {name} out."
            )


def _require_free(method: str, path: Any, names: set[str]) -> None:
    """Refuse to write beside other variables."""
    if others := names - {VARIABLE}:
        raise ValueError(
            f"{path} has {sorted(others)!r} there, and a flow needs a group of its own: "
            f"flow.{method}(path, group='flow', mode='a')."
        )
