"""Files of a flow: wherever it is written it is opened, and nothing is taken for one that is none."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import LocalStore, MemoryStore, StorePath, ZipStore

import xrbig
from tests.conftest import weather

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"
SCRIPT = ROOT / "benchmarks" / "hostile_files.py"
HOSTILE = runpy.run_path(str(SCRIPT))
PLAIN = xrbig.RBIG(rotation="random", max_layers=4)


@pytest.fixture(scope="module")
def ds():
    return weather()


@pytest.fixture(scope="module")
def flow(ds):
    return ds.rbig.fit(estimator=PLAIN)


@pytest.fixture(scope="module")
def same(ds, flow):
    """Tell whether a flow is the one that was written."""

    def check(again):
        xr.testing.assert_identical(again.log_prob(ds), flow.log_prob(ds))
        xr.testing.assert_identical(again.sample(5), flow.sample(5))
        xr.testing.assert_identical(again.layers, flow.layers)
        xr.testing.assert_identical(again.total_correlation, flow.total_correlation)
        assert repr(again) == repr(flow)
        assert again.estimator == flow.estimator

    return check


def place(tmp_path, name):
    """Somewhere to write to."""
    return {
        "a path": str(tmp_path / "flow.zarr"),
        "a Path": tmp_path / "flow.zarr",
        "no suffix": str(tmp_path / "flow"),
        "brackets": tmp_path / "a [1] β #mode=x.zarr",
        "home": "~/flow.zarr",
        "a file URL": f"file://{tmp_path}/deeper/flow.zarr",
        "a URL": f"memory://{tmp_path.name}/flow.zarr",
        "a URL without suffix": f"memory://{tmp_path.name}/flow",
        "a store in memory": MemoryStore(),
        "a store on disk": LocalStore(tmp_path / "flow.zarr"),
        "a part of a store": StorePath(MemoryStore(), "flows/jja"),
        "a dict": {},
    }[name]


@pytest.mark.parametrize(
    "name",
    [
        "a path",
        "a Path",
        "no suffix",
        "brackets",
        "home",
        "a file URL",
        "a URL",
        "a URL without suffix",
        "a store in memory",
        "a store on disk",
        "a dict",
    ],
)
def test_stores_keep_every_bit(flow, same, tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    where = place(tmp_path, name)
    flow.to_zarr(where)
    same(xrbig.open_flow(where))


@pytest.mark.parametrize(
    "name", ["flow.nc", "flow", "flow.zarr.nc", "a [1] β #mode=zarr.nc", "~/flow.nc", "file://{}/flow.nc"]
)
def test_netcdf_files_keep_every_bit(flow, same, tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = name.format(tmp_path) if name.startswith(("~", "file")) else tmp_path / name
    flow.to_netcdf(path)
    same(xrbig.open_flow(path))


@pytest.mark.parametrize(
    "options",
    [
        {"format": "NETCDF3_CLASSIC"},
        {"format": "NETCDF3_64BIT"},
        {"format": "NETCDF4_CLASSIC"},
        {"engine": "scipy"},
        {"unlimited_dims": ["parameter"]},
    ],
)
def test_any_kind_of_netcdf_is_opened(flow, same, tmp_path, options):
    flow.to_netcdf(tmp_path / "flow.nc", **options)
    same(xrbig.open_flow(tmp_path / "flow.nc"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zip_stores_are_opened(flow, same, tmp_path):
    with ZipStore(tmp_path / "flow.zip", mode="w") as store:
        flow.to_zarr(store, group="jja")
    same(xrbig.open_flow(ZipStore(tmp_path / "flow.zip", mode="r"), group="jja"))


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_groups_of_a_store(ds, flow, same, tmp_path):
    path = tmp_path / "all.zarr"
    ds[["tas"]].to_zarr(path, zarr_format=3, consolidated=True)
    flow.to_zarr(path, group="flows/jja", mode="a")
    flow.to_zarr(path, group="flows/djf", mode="a", consolidated=True)
    for group in ("flows/jja", "/flows/djf/"):
        same(xrbig.open_flow(path, group=group))
        same(xrbig.open_flow(LocalStore(path), group))
    same(xrbig.open_flow(path / "flows" / "jja"))
    same(xrbig.open_flow(f"file://{path}/flows/djf"))
    with pytest.raises(
        xrbig.FlowFileError, match=r"holds no flow.*has the groups \['flows'\]: open_flow\(path, group='fl"
    ):
        xrbig.open_flow(path)
    with pytest.raises(xrbig.FlowFileError, match=r"group 'flows', .*the groups \['flows/djf', 'flows/jja'\]"):
        xrbig.open_flow(path, group="flows")
    with pytest.raises(FileNotFoundError, match="no group 'flows/mam'"):
        xrbig.open_flow(path, group="flows/mam")


def test_groups_of_a_netcdf_file(flow, same, tmp_path):
    path = tmp_path / "all.nc"
    flow.to_netcdf(path, group="jja")
    flow.to_netcdf(path, group="winter/djf", mode="a")
    for group in ("jja", "winter/djf", "/winter/djf"):
        same(xrbig.open_flow(path, group=group))
    with pytest.raises(xrbig.FlowFileError, match=r"holds no flow.*has the groups \['jja', 'winter'\]"):
        xrbig.open_flow(path)
    with pytest.raises(FileNotFoundError, match="no group 'mam'"):
        xrbig.open_flow(path, group="mam")


@pytest.mark.parametrize(("write", "suffix"), [("to_zarr", "zarr"), ("to_netcdf", "nc")])
def test_a_flow_is_not_mixed_with_other_variables(ds, flow, same, tmp_path, write, suffix):
    path = tmp_path / f"maps.{suffix}"
    options = {"engine": "zarr", "consolidated": False} if suffix == "zarr" else {}
    getattr(ds[["tas"]], write)(path, **({"zarr_format": 3, "consolidated": False} if options else {}))
    with pytest.raises(ValueError, match=rf"'tas', .*flow.{write}\(path, group='flow', mode='a'\)"):
        getattr(flow, write)(path, mode="a")
    getattr(flow, write)(path, group="flow", mode="a")
    same(xrbig.open_flow(path, group="flow"))
    getattr(flow, write)(path, group="flow", mode="a")
    same(xrbig.open_flow(path, group="flow"))
    with xr.open_dataset(path, **options) as maps:
        assert "tas" in maps


@pytest.mark.parametrize(
    ("write", "options", "message"),
    [
        ("to_zarr", {"zarr_format": 2}, "written as Zarr format 3 alone"),
        ("to_zarr", {"encoding": {"parameters": {"dtype": "f4"}}}, "Leave encoding out"),
        ("to_zarr", {"compute": False}, "Leave compute out"),
        ("to_zarr", {"region": {"parameter": slice(3)}}, "Leave region out"),
        ("to_netcdf", {"encoding": {}}, "Leave encoding out"),
        ("to_netcdf", {"compute": False}, "Leave compute out"),
    ],
)
def test_what_would_not_be_opened_is_not_written(flow, tmp_path, write, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(flow, write)(tmp_path / "flow", **options)
    assert not (tmp_path / "flow").exists()


def test_an_existing_store_is_not_overwritten_unasked(flow, same, tmp_path):
    flow.to_zarr(tmp_path / "flow.zarr")
    with pytest.raises(FileExistsError):
        flow.to_zarr(tmp_path / "flow.zarr")
    flow.to_zarr(tmp_path / "flow.zarr", mode="w")
    same(xrbig.open_flow(tmp_path / "flow.zarr"))


def test_numbers_that_are_zero_take_a_file_of_their_size(tmp_path):
    wide = xr.DataArray(np.random.default_rng(0).standard_normal((510, 100)), dims=("i", "e"), name="v")
    flow = wide.rbig.fit("e", estimator=xrbig.RBIG(rotation="pca", max_layers=1))
    flow.to_zarr(tmp_path / "flow.zarr")
    chunks = list((tmp_path / "flow.zarr" / "parameters" / "c").iterdir())
    assert len(chunks) == 1
    assert chunks[0].stat().st_size >= 8 * 100 * 100
    xr.testing.assert_identical(xrbig.open_flow(tmp_path / "flow.zarr").log_prob(wide), flow.log_prob(wide))


@pytest.mark.parametrize("where", ["nothing", "nothing.zarr", "nothing.nc", "folder/nothing", "file://{}/nothing"])
def test_nothing_there(tmp_path, where):
    with pytest.raises(FileNotFoundError, match="nothing"):
        xrbig.open_flow(where.format(tmp_path) if "{" in where else tmp_path / where)


def test_nothing_behind_a_url():
    with pytest.raises(FileNotFoundError):
        xrbig.open_flow("memory://nothing/there")


def test_a_url_that_fsspec_does_not_know():
    with pytest.raises(xrbig.FlowFileError, match=r"unknown://x cannot be opened as a flow: .*unknown"):
        xrbig.open_flow("unknown://x")


def test_what_is_no_flow(ds, tmp_path):
    path = tmp_path / "maps.nc"
    ds.to_netcdf(path)
    ds.to_zarr(tmp_path / "maps.zarr", zarr_format=3, consolidated=False)
    zarr.create_array(tmp_path / "array.zarr", shape=(3,), dtype="f8")
    (tmp_path / "folder").mkdir()
    for bad, message in [
        (path, "holds no flow: its attribute 'format' is None"),
        (tmp_path / "maps.zarr", "holds no flow: its attribute 'format' is None"),
        (tmp_path / "array.zarr", "it is no group"),
        (tmp_path / "folder", "no group of Zarr format 3 is there"),
        (MemoryStore(), "no group of Zarr format 3 is there"),
        ("/dev/null", "no group of Zarr format 3 is there"),
        (3, "int"),
    ]:
        with pytest.raises(xrbig.FlowFileError, match=f"(?s){str(bad)[:20]}.* cannot be opened as a flow: .*{message}"):
            xrbig.open_flow(bad)


@pytest.mark.parametrize("name", ["flow_0.1.0.zarr", "flow_0.1.0.nc"])
def test_files_that_0_1_0_has_written(name):
    """A flow of every kind of map; the store is packed by zstd, its attributes have a NaN."""
    flow = xrbig.open_flow(DATA / name)
    assert flow.features == ["v", "w[band=nir]", "w[band=red]", "z[level=500.0]", "z[level=850.0]"]
    samples = xr.Dataset(
        {
            "z": (("time", "level"), [[0.0, 1.0], [-1.0, 0.5], [3.0, -20.0]]),
            "v": ("time", [0.0, 1.0, 1e3]),
            "w": (("time", "band"), [[1.0, 0.5], [0.1, 2.0], [4.0, 7.0]]),
        },
        coords={"level": [850, 500], "band": ["red", "nir"]},
    )
    expected = [-3.0935632887996807, -12.317117670233339, -73.70248017766502]
    np.testing.assert_allclose(flow.log_prob(samples), expected, rtol=1e-13)
    assert flow.sample(1).w.attrs["valid_min"] == 0


@pytest.mark.parametrize("name", HOSTILE["SOUND"])
def test_the_hostile_files_are_sound_but_for_what_makes_them_hostile(tmp_path, name):
    flow = xrbig.open_flow(HOSTILE["SOUND"][name](tmp_path))
    assert flow.sample(3).sizes == {"sample": 3, "level": 2}
    assert np.isfinite(flow.log_prob(flow.sample(20))).all()


@pytest.mark.parametrize("name", HOSTILE["CASES"])
def test_hostile_files_are_refused(tmp_path, name):
    path = HOSTILE["CASES"][name](tmp_path)
    with pytest.raises(xrbig.FlowFileError) as caught:
        HOSTILE["opened"](path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 3000
    assert not (tmp_path / "ran").exists()


def test_files_that_declare_much_take_little_memory():
    code = (
        "import runpy\n"
        f"hostile = runpy.run_path({str(SCRIPT)!r})\n"
        "large = [name for name in hostile['CASES'] if ' GB' in name or ' MB' in name or 'without end' in name]\n"
        "assert len(large) > 15\n"
        "for name in large: print(*hostile['measured'](hostile['CASES'][name])[:2], name)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, env=environment
    )
    assert result.returncode == 0, result.stderr
    for line in result.stdout.splitlines():
        outcome, memory, name = line.split(maxsplit=2)
        assert outcome == "refused", name
        assert float(memory) < 100, name


def test_fewer_bytes_than_declared_are_refused_by_their_number(tmp_path):
    path = HOSTILE["CASES"]["zarr: 4 GB that are not there"](tmp_path)
    with pytest.raises(
        xrbig.FlowFileError, match=r"it declares 4000000000 bytes of numbers, and has 0. Nothing of it was"
    ):
        xrbig.open_flow(path)


def test_damage_is_found(flow, tmp_path):
    path = tmp_path / "flow.nc"
    flow.to_netcdf(path)
    described = json.loads(xr.load_dataset(path).attrs["flow"])
    described["n_samples"] += 1
    stored = xr.load_dataset(path)
    stored.assign_attrs(flow=json.dumps(described)).to_netcdf(path)
    with pytest.raises(xrbig.FlowFileError, match="is damaged"):
        xrbig.open_flow(path)
    flow.to_netcdf(path)
    stored = xr.load_dataset(path)
    stored.parameters[3] += 1e-12
    stored.to_netcdf(path)
    with pytest.raises(xrbig.FlowFileError, match="is damaged"):
        xrbig.open_flow(path)
