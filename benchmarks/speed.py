"""Write docs/speed.md: `python benchmarks/speed.py [Z500.nc Z200.nc]` (about three minutes).

Ratios are of CPU seconds within one run, on one core. The two optional files hold the fields `hgt` (time, lat, lon) of
the threaded map; without them it is made of random fields of the same size.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import dask
import numpy as np
import xarray as xr
from accuracy.cases import autoregressive
from accuracy.tables import table
from numpy.typing import NDArray
from sklearn.feature_selection import mutual_info_regression

from xrbig import RBIG
from xrbig.core.information import mutual_information, total_correlation

Floats = NDArray[np.float64]
PAGE = Path(__file__).parents[1] / "docs" / "speed.md"
PLAIN = RBIG(rotation="random")
SHAPES = ((500, 519, 2), (500, 1000, 3), (50, 1000, 5))


def normal(cells: int, n: int, features: int) -> Floats:
    """Features correlated by 0.5^|i - j|."""
    mixing = np.linalg.cholesky(autoregressive(features, 0.5))
    return np.asarray(mixing @ np.random.default_rng(0).standard_normal((cells, features, n)))


def nonlinear(cells: int, n: int, features: int) -> Floats:
    """Normal features, each adding half the square of the first to itself."""
    x = normal(cells, n, features)
    x[:, 1:] += 0.5 * x[:, :1] ** 2
    return x


def cpu(work: Callable[[], object], repeats: int = 2) -> float:
    """Least CPU seconds of several runs."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def kernel_rows() -> list[str]:
    """CPU per cell of both estimators; that of plain RBIG against the sort of the same array, once per layer."""
    rows = []
    for name, draw in (("normal", normal), ("nonlinear", nonlinear)):
        for shape in SHAPES:
            x = draw(*shape)
            layers = total_correlation(x, PLAIN).n_layers.mean()
            default, plain = (1000 * cpu(lambda s=s, x=x: total_correlation(x, s)) / len(x) for s in (RBIG(), PLAIN))
            floor = 1000 * cpu(lambda x=x: np.sort(x, axis=-1)) * layers / len(x)
            rows.append(
                f"{name} | {shape} | {default:.2f} | {plain:.2f} | {default / plain:.1f} | {layers:.1f} | "
                f"{plain / floor:.1f}"
            )
    return rows


def neighbour_rows() -> list[str]:
    """I of two variables against the nearest-neighbour estimate of scikit-learn on the same cells."""
    rows = []
    for name, draw in (("normal", normal), ("nonlinear", nonlinear)):
        for cells, n, _ in SHAPES:
            x = draw(cells, n, 2)
            ours = cpu(lambda x=x: mutual_information(x, 1, RBIG()))
            theirs = cpu(lambda x=x: [mutual_info_regression(c[:1].T, c[1], n_neighbors=3) for c in x], repeats=1)
            rows.append(f"{name} | {cells} x {n} | {ours:.2f} | {theirs:.2f} | {theirs / ours:.1f}")
    return rows


def fields(paths: list[str]) -> xr.Dataset:
    """Two monthly fields on a 2.5 degree grid: 10 512 cells of 519 samples."""
    if paths:
        return xr.Dataset({name: xr.open_dataset(path).hgt for name, path in zip("xy", paths, strict=True)}).load()
    values = nonlinear(73 * 144, 519, 2).astype(np.float32).reshape(73, 144, 2, 519)
    dims = ("lat", "lon", "time")
    return xr.Dataset({name: (dims, values[:, :, i]) for i, name in enumerate("xy")}).transpose("time", "lat", "lon")


def threads_rows(paths: list[str]) -> list[str]:
    """Wall seconds of a map on one thread and on two, in a process of its own, and the peak memory of that."""
    code = "import speed, sys; speed.measure_threads(int(sys.argv[1]), sys.argv[2:])"
    walls, rows = [], []
    for workers in (1, 2):
        command = [sys.executable, "-c", code, str(workers), *paths]
        output = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True).stdout
        wall, before, peak = map(float, output.split())
        walls.append(wall)
        rows.append(f"{workers} | {wall:.2f} | {walls[0] / wall:.2f} | {before:.0f} | {peak:.0f}")
    return rows


def measure_threads(workers: int, paths: list[str]) -> None:
    """Print the wall seconds of the map, and the peak memory (MiB) before and after it."""
    ds = fields(paths)
    lazy = ds.chunk(lat=5).rbig.mutual_information("x", "y", sample_dim="time")
    ds.isel(lat=[0]).rbig.mutual_information("x", "y", sample_dim="time")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall = least_wall(lambda: lazy.compute(scheduler="threads", num_workers=workers))
    print(wall, before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def memory_rows() -> list[str]:
    """Peak memory of maps whose samples are in many chunks, each in a process of its own."""
    code = "import speed, sys; speed.measure_memory(*map(int, sys.argv[1:]))"
    rows = []
    for lats in (60, 120):
        for workers in (1, 2):
            command = [sys.executable, "-c", code, str(lats), str(workers)]
            done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
            size, blocks, block, held, peak = map(float, done.stdout.split())
            beyond = f"{peak - held:.0f} | {2 * block * workers:.0f}"
            rows.append(f"{size:.0f} | {workers} | {blocks:.0f} of {block:.0f} | {held:.0f} | {peak:.0f} | {beyond}")
    return rows


def measure_memory(lats: int, workers: int) -> None:
    """Print the size of two hourly fields, a chunk a day, and what mapping them takes; all in MiB.

    Dask alone puts their samples together block by block, as the map has it done, and does nothing with them.
    """
    with tempfile.TemporaryDirectory() as folder:
        rng = np.random.default_rng(0)
        shape = {"time": 8760, "lat": lats, "lon": 60}
        for name in "xy":
            values = rng.standard_normal(tuple(shape.values()), dtype=np.float32)
            field = xr.Dataset({name: (tuple(shape), values)}).chunk(time=24)
            field.to_zarr(folder, mode="a", zarr_format=3, consolidated=False)
        code = "import speed, sys; speed.measure_peak(sys.argv[1], int(sys.argv[2]), sys.argv[3])"
        peaks = []
        for what in ("nothing", "map"):
            command = [sys.executable, "-c", code, folder, str(workers), what]
            done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
            peaks.append(done.stdout)
    size = 2 * 4 * np.prod(list(shape.values())) / 2**20
    print(size, peaks[1].split()[1], peaks[1].split()[2], peaks[0].split()[0], peaks[1].split()[0])


def peak_of_process() -> float:
    """Most memory (MiB) that this process ever held; `resource` counts what its parent held, too."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def measure_peak(folder: str, workers: int, what: str) -> None:
    """Print how much memory (MiB) a map, or rechunking alone, adds to the process, and its blocks and their size."""
    ds = xr.open_zarr(folder, consolidated=False)
    plain = RBIG(rotation="pca", max_layers=1)
    with dask.config.set({"array.chunk-size": "16MiB"}):
        lazy = ds.rbig.mutual_information("x", "y", sample_dim="time", estimator=plain)
    blocks = lazy.data.npartitions
    cells = max(lazy.chunksizes["lat"]) * max(lazy.chunksizes["lon"])
    if what == "nothing":
        whole = ds.chunk(time=-1, **{d: lazy.chunksizes[d] for d in lazy.dims})
        lazy = xr.apply_ufunc(
            lambda x, y: x[..., 0] + y[..., 0],
            whole.x,
            whole.y,
            input_core_dims=[["time"], ["time"]],
            dask="parallelized",
        )
    before = peak_of_process()
    lazy.compute(scheduler="threads", num_workers=workers)
    print(peak_of_process() - before, blocks, 2 * 4 * 8760 * cells / 2**20)


def least_wall(work: Callable[[], object]) -> float:
    """Least wall seconds of several runs."""
    walls = []
    for _ in range(2):
        start = time.perf_counter()
        work()
        walls.append(time.perf_counter() - start)
    return min(walls)


def sort_alone() -> float:
    """Wall seconds of sorting and nothing else."""
    x = np.random.default_rng(0).standard_normal((252, 519))
    return least_wall(lambda: [np.sort(x, axis=-1) for _ in range(300)])


def machine_speed_up() -> float:
    """What two processes gain over one if all they do is sort: the most that the machine has to give."""
    with ProcessPoolExecutor(2) as pool:
        alone = pool.submit(sort_alone).result()
        together = [pool.submit(sort_alone) for _ in range(2)]
        return 2 * alone / max(future.result() for future in together)


TEXT = """# Speed

Written by `benchmarks/speed.py` on {machine}, Python {python}, NumPy {numpy}. CPU seconds on one core; ratios within
one run. *normal*: correlation 0.5^|i - j|; *nonlinear*: half the square of the first feature added to the others.

## T

The default against plain RBIG, `RBIG(rotation="random")`. A layer of that sorts each margin once, so that L times
`np.sort` of the same array, L the mean number of its layers, is its floor. The default takes as long as it finds
structure: in two features a search for neighbours, in more also mixtures.

{kernel}

## I against nearest neighbours

I of two variables, beside scikit-learn's `mutual_info_regression` (k = 3) on the same cells.

{neighbours}

## Threads and memory

Map of I of {what}, 10 512 cells of 519 samples in 15 blocks; memory is the peak of the process before and after the
map. Two processes that only sort gained {limit:.2f} over one in the same run; on a busy machine both figures vary.

{threads}

## Memory

Maps of I of two hourly fields over a year, in a Zarr store with a chunk for each day: their samples have to be put
together, here in blocks of at most 64 MiB. *Dask alone* does that, block by block as for the map, and nothing else; the
map adds what is beyond, for which two blocks a thread are allowed. All in MiB beyond what the process held before.

{memory}

To put samples together Dask holds nearly all of the input, whatever is done with it: rechunk what does not fit memory
on disk first, or open it in chunks that hold all times.
"""


def main(paths: list[str]) -> None:
    """Measure and write the page."""
    columns = "default, ms per cell | plain, ms per cell | default / plain | L | plain / floor"
    text = TEXT.format(
        machine=f"a {os.cpu_count()}-core {platform.machine()} machine",
        python=platform.python_version(),
        numpy=np.__version__,
        what="z500 and z200" if paths else "two random fields",
        kernel=table(f"data | (cells, N, D) | {columns}", kernel_rows()),
        neighbours=table("data | cells x N | xrbig, CPU s | scikit-learn, CPU s | times faster", neighbour_rows()),
        limit=machine_speed_up(),
        threads=table("threads | wall s | speed-up | MiB before | MiB peak", threads_rows(paths)),
        memory=table("input | threads | blocks | Dask alone | map | beyond | allowed", memory_rows()),
    )
    PAGE.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
