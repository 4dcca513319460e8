"""Which variables and dimensions are features, samples and cells."""

import numpy as np
import pytest
import xarray as xr

import xrbig
from tests.conftest import weather


@pytest.fixture
def ds():
    return weather()


def test_features_are_not_aligned_along_dim():
    rng = np.random.default_rng(0)
    x = xr.DataArray(rng.standard_normal((100, 3)), dims=("time", "feature"), coords={"feature": list("abc")}, name="x")
    y = xr.DataArray(rng.standard_normal((100, 2)), dims=("time", "feature"), coords={"feature": list("de")}, name="y")
    assert x.rbig.mutual_information(y).attrs["y_features"] == "y[feature=d], y[feature=e]"


def test_cf_auxiliary_variables_are_no_features(ds):
    ds["time_bnds"] = (("time", "bnds"), np.zeros((150, 2)))
    ds.time.attrs["bounds"] = "time_bnds"
    ds["crs"] = 0
    ds["tas_flag"] = ds.tas > 0
    ds["cell"] = (("lat", "lon"), np.ones((3, 4)))
    ds.tas.attrs.update(grid_mapping="crs", ancillary_variables="tas_flag")
    ds.pr.encoding["cell_measures"] = "area: cell"
    result = ds.rbig.total_correlation(sample_dim="time")
    assert result.attrs["features"] == "tas, pr, gpp"
    assert ds.rbig.total_correlation().ndim == 0


def test_entries_along_several_dims_and_variables_mix():
    rng = np.random.default_rng(0)
    ds = xr.Dataset(
        {
            "wind": (("time", "level", "part"), rng.standard_normal((200, 2, 2))),
            "tas": ("time", rng.standard_normal(200)),
        },
        coords={"level": [850, 500]},
    )
    result = ds.rbig.total_correlation(dim=("level", "part"))
    assert result.attrs["features"] == (
        "wind[level=850, part=0], wind[level=850, part=1], wind[level=500, part=0], wind[level=500, part=1], tas"
    )


def test_names_may_be_tuples_numbers_and_alike(ds):
    odd = ds.rename_vars(tas=("a", 1), pr=1, gpp="1")
    expected = odd.rbig.mutual_information(("a", 1), [1, "1"], sample_dim="time")
    assert expected.attrs["y_features"] == "1, 1"
    np.testing.assert_array_equal(odd.rbig.mutual_information(["1", 1], ("a", 1), sample_dim="time"), expected)
    swapped = odd[["1", 1]].rbig.total_correlation(sample_dim="time")
    np.testing.assert_array_equal(swapped, odd[[1, "1"]].rbig.total_correlation(sample_dim="time"))


def test_grid_points_stacked_into_features(ds):
    stacked = ds.tas.isel(lon=slice(2)).stack(point=("lat", "lon"))
    result = stacked.rbig.total_correlation("point", sample_dim="time")
    assert result.ndim == 0
    assert float(result) == float(result)


def test_a_dataset_against_another(ds):
    left, right = ds[["tas", "pr"]], ds[["gpp"]]
    np.testing.assert_array_equal(
        left.rbig.mutual_information(right, sample_dim="time"),
        ds.rbig.mutual_information(["tas", "pr"], "gpp", sample_dim="time"),
    )


Z = np.random.default_rng(1).standard_normal((3, 400))
DEPENDENT = {"zeta": Z[0], "ubar": 0.8 * Z[0] + 0.6 * Z[1], "salt": Z[2]}
SHARED = -np.log(1 - 0.8**2) / 2


def mentioned_by(**attrs):
    """Three variables that depend on each other, of which the attributes of a coordinate mention the first."""
    level = ("level", [0.0, 1.0], attrs)
    return xr.Dataset({n: ("time", v) for n, v in DEPENDENT.items()}, coords={"level": level})


@pytest.mark.parametrize(
    "attrs",
    [
        {"formula_terms": "s: s_rho C: Cs_r eta: zeta depth: h depth_c: hc"},
        {"coordinates": "zeta lat"},
        {"ancillary_variables": "zeta"},
        {"cell_measures": "volume: zeta"},
    ],
)
def test_what_others_mention_is_data_if_it_has_the_samples(attrs):
    ds = mentioned_by(**attrs)
    for call in (
        ds.rbig.total_correlation,
        lambda **kw: ds.rbig.mutual_information(ds[["zeta", "salt"]], ds.ubar, **kw),
    ):
        result = call(sample_dim="time")
        assert float(result) == pytest.approx(SHARED, abs=0.1)
        assert "left_out" not in result.attrs
    assert ds.rbig.fit().features == ["salt", "ubar", "zeta"]
    ds["zeta"] = ds.zeta.isel(time=0)
    result = ds.rbig.total_correlation(sample_dim="time")
    assert (result.attrs["features"], result.attrs["left_out"]) == ("ubar, salt", "zeta")
    assert ds.rbig.total_correlation().attrs["left_out"] == "zeta"
    assert ds.rbig.mutual_information(ds, ds.salt.rename("s"), sample_dim="time").attrs["left_out"] == "zeta"


def test_variables_named_by_the_user_are_data():
    ds = mentioned_by(bounds="zeta")
    assert ds.rbig.total_correlation(variables=["zeta", "ubar"]).attrs["features"] == "zeta, ubar"
    assert float(ds.rbig.mutual_information("zeta", "ubar")) == pytest.approx(SHARED, abs=0.1)


def test_a_coordinate_made_a_variable_is_data(tmp_path):
    rng = np.random.default_rng(0)
    tas = xr.Dataset({"tas": (("y", "x"), rng.random((20, 20)))}, coords={"depth": (("y", "x"), rng.random((20, 20)))})
    tas.to_netcdf(tmp_path / "tas.nc")
    with xr.open_dataset(tmp_path / "tas.nc") as back:
        assert back.reset_coords("depth").rbig.total_correlation().attrs["features"] == "tas, depth"


MESH = {
    "cf_role": "mesh_topology",
    "topology_dimension": 2,
    "node_coordinates": "node_x node_y",
    "face_node_connectivity": "face_nodes",
    "edge_coordinates": "edge_x",
}


def test_parts_of_a_mesh_and_of_the_grid_are_never_data():
    rng = np.random.default_rng(0)
    over = {"tas": {"mesh": "mesh", "location": "face"}, "pr": {"grid_mapping": "crs: x y other: lat lon"}}
    ds = xr.Dataset({name: ("face", rng.random(60), attrs) for name, attrs in over.items()})
    ds["mesh"] = ((), 0, MESH)
    for name in ("node_x", "node_y", "face_nodes", "edge_x", "crs", "other", "face_bnds"):
        ds[name] = ("face", rng.random(60))
    ds["faces_of_edges"] = ("face", rng.random(60), {"cf_role": "edge_face_connectivity"})
    ds["albers"] = ("face", rng.random(60), {"grid_mapping_name": "albers_conical_equal_area"})
    ds["face"] = ("face", np.arange(60), {"bounds": "face_bnds"})
    result = ds.rbig.total_correlation(sample_dim="face")
    assert result.attrs["features"] == "tas, pr"
    assert result.attrs["left_out"].startswith("mesh, node_x, node_y, face_nodes, ")


def test_status_flags_are_no_data(ds):
    ds["quality"] = (ds.tas > 0).astype("i1").assign_attrs(flag_values=[0, 1], flag_meanings="bad good")
    ds.tas.attrs["ancillary_variables"] = "quality"
    assert ds.rbig.total_correlation(sample_dim="time").attrs["left_out"] == "quality"


@pytest.mark.parametrize("names", [(0, 1, 2), (("t", 1), ("y", 1), ("x", 1)), (0, "y", ("x", 2))])
@pytest.mark.parametrize("lazy", [False, True])
def test_dimensions_may_be_numbers_and_tuples(names, lazy):
    plain = weather(times=100, lats=2, lons=2).reset_coords(drop=True).drop_vars(["time", "lat", "lon"])
    odd = xr.Dataset({name: (names, array.values) for name, array in plain.items()})
    odd = odd.chunk({names[1]: 1}) if lazy else odd
    alike = [f"d{sorted(map(str, names)).index(str(name))}" for name in names]  # samples are in the order of names
    plain = plain.rename(dict(zip(("time", "lat", "lon"), alike, strict=True)))
    time, lat, _ = names
    pca = {"estimator": xrbig.RBIG(rotation="pca")}
    for call in (
        lambda ds, time, lat: ds.rbig.total_correlation(sample_dim=time, **pca),
        lambda ds, time, lat: ds.rbig.total_correlation(lat, sample_dim=time, **pca),
        lambda ds, time, lat: ds.rbig.mutual_information("tas", "gpp", lat, sample_dim=time, **pca),
        lambda ds, time, lat: ds.rbig.kl_divergence(ds + 1, sample_dim=[time], variables=["tas"], **pca),
        lambda ds, time, lat: ds.rbig.significance("tas", "gpp", sample_dim=time, n_surrogates=19, **pca).p_value,
        lambda ds, time, lat: ds.rbig.fit(lat, **pca).log_prob(ds),
    ):
        result = call(odd, time, lat)
        expected = call(plain, *alike[:2])
        renamed = dict(zip(alike, names, strict=True))
        assert result.dims == tuple(renamed[d] for d in expected.dims)
        np.testing.assert_array_equal(result, expected)
