"""Small real data that come with the package and need no network."""

from pathlib import Path

INCA = Path(__file__).parent / "data" / "inca_graz_201205.nc"
"""Hourly weather around Graz, Austria, May 2012, 1 km: GL, P0, RH2M, T2M, UU, VV over (time 744, y 17, x 20).

INCA analysis, GeoSphere Austria, CC BY 4.0; see the README beside the file.
"""
