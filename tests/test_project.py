"""README, docs and examples do what they say; the import stays light."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xrbig

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture
def coarse_tutorial(tmp_path, monkeypatch):
    """Some rows and columns of the tutorial data, those with gaps among them, in their place."""
    coarse = tmp_path / "coarse.nc"
    with xr.open_dataset(xrbig.tutorial.INCA) as ds:
        ds.isel(y=[0, 4, 6, 8, 12, 14], x=[1, 3, 5, 7, 11, 16, 18]).to_netcdf(coarse)
    monkeypatch.setattr(xrbig.tutorial, "INCA", coarse)


@pytest.fixture
def plt():
    """Pyplot without a screen, if there is one; what a test draws is closed."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    with pyplot.rc_context({"backend": "agg"}):
        yield pyplot
        pyplot.close("all")


@pytest.mark.parametrize("page", [p for p in PAGES if "```python" in p.read_text()], ids=lambda p: p.name)
def test_every_block_of_a_page_runs(page, coarse_tutorial):
    code = "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.S))
    exec(compile(code, str(page), "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_within_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_example_writes_its_maps(tmp_path, monkeypatch, plt, coarse_tutorial):
    monkeypatch.setattr(sys, "argv", ["first_map.py", str(tmp_path)])
    runpy.run_path(str(ROOT / "examples" / "first_map.py"), run_name="__main__")
    maps = xr.load_dataset(tmp_path / "graz.nc")
    assert maps.total_correlation.notnull().all()
    assert 0.1 < float(maps.mutual_information.mean()) < 0.3
    assert (tmp_path / "graz.png").stat().st_size > 10_000


def test_an_example_without_its_data_says_so(tmp_path, monkeypatch, capsys, plt):
    monkeypatch.setattr(sys, "argv", ["significance.py", str(tmp_path), str(tmp_path / "out")])
    runpy.run_path(str(ROOT / "examples" / "significance.py"), run_name="__main__")
    assert f"no data in {tmp_path}" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["significance.py", "strange_weather.py"])
def test_an_example_without_the_argument_it_needs_shows_its_usage(name, monkeypatch, plt):
    monkeypatch.setattr(sys, "argv", [name])
    with pytest.raises(SystemExit, match=rf"python examples/{name} \S+"):
        runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")


def test_the_rings_are_drawn(plt):
    example = runpy.run_path(str(ROOT / "examples" / "rings.py"))
    rings = example["concentric_rings"](600, seed=0)
    flow = rings.rbig.fit()
    drawn = flow.sample(2000)
    radius = np.hypot(drawn.x, drawn.y)
    assert float(((abs(radius - 0.5) < 0.25) | (abs(radius - 1) < 0.25)).mean()) > 0.98
    assert 0.4 < float((radius < 0.75).mean()) < 0.6
    figure = example["draw"](rings, flow, rings.rbig.fit(estimator=example["PLAIN"]))
    assert len(figure.axes) == 6


def test_the_significance_maps_are_drawn(plt, shared):
    example = runpy.run_path(str(ROOT / "examples" / "significance.py"))
    run = shared / "cmip6_access-esm1-5"
    coarse = {"lat": slice(None, None, 3), "lon": slice(None, None, 3)}
    land = example["anomalies"](example["access"](run).isel(coarse)).where(example["vegetated"](run))
    np.testing.assert_allclose(land.gpp.mean("time").fillna(0), 0, atol=1e-12)
    settings = {"sample_dim": "time", "n_surrogates": 39, "estimator": example["PLAIN"]}
    result = land.rbig.significance(example["CLIMATE"], "gpp", **settings)
    hatched = int((result.p_adjusted >= 0.05).sum())
    figure = example["draw"](result, result)
    assert len(figure.axes[0].patches) == hatched


def test_the_strangest_days_are_named(tmp_path, monkeypatch, capsys, plt, shared):
    monkeypatch.setattr(sys, "argv", ["strange_weather.py", str(shared / "ncep_iberia_djf_2.5deg.nc"), str(tmp_path)])
    runpy.run_path(str(ROOT / "examples" / "strange_weather.py"), run_name="__main__")
    assert "1986-01-31" in capsys.readouterr().out  # a deep low over the Balearic Sea
    assert (tmp_path / "strange_weather.png").stat().st_size > 10_000


@pytest.mark.parametrize("package", ["xrbig.core", "xrbig"])
def test_modules_import_each_other_without_a_circle(package, plt):
    script = runpy.run_path(str(ROOT / "benchmarks" / "imports.py"))
    graph = script["imports"](package)
    level = script["levels"](graph)
    assert all(level[name] > level[below] for name, own in graph.items() for below in own)
    assert "xrbig.core.marginal" in graph["xrbig.core.cells"]  # imports are found at all
    with pytest.raises(ValueError, match="circle"):
        script["levels"](graph | {"xrbig.core.marginal": {"xrbig.core.cells"}})


@pytest.mark.parametrize("package", ["xrbig", "benchmarks", "examples"])
def test_no_module_uses_a_private_name_of_another(package, plt):
    assert runpy.run_path(str(ROOT / "benchmarks" / "imports.py"))["private_names"](package) == []


def test_private_names_are_found(tmp_path, monkeypatch, plt):
    script = runpy.run_path(str(ROOT / "benchmarks" / "imports.py"))
    (tmp_path / "one.py").write_text("import other\nfrom other import _hidden, Tuple\nother._also\nTuple._fields\n")
    monkeypatch.setitem(script["modules"].__globals__, "ROOT", tmp_path)
    assert script["private_names"]("") == ["one: other._hidden", "one: other._also"]


def test_the_imports_are_drawn(plt):
    script = runpy.run_path(str(ROOT / "benchmarks" / "imports.py"))
    figure = script["draw"]({"xrbig.core.one": {"xrbig.core.layers.two"}, "xrbig.core.layers.two": set()})
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["layers/\ntwo", "one"]
    assert len(figure.axes[0].lines) == 1


def test_import_is_light():
    heavy = ["dask.array", "distributed", "matplotlib", "netCDF4", "scipy.stats", "sklearn", "zarr"]
    code = f"import sys, xrbig; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_the_tutorial_data_are_small():
    assert xrbig.tutorial.INCA.stat().st_size < 2_000_000
