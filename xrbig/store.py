"""What a flow keeps: its features and its fit."""

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xrbig import checks, matching, roles
from xrbig.core.flow import Fitted
from xrbig.core.marginal import Floats
from xrbig.estimator import RBIG


class Variable(NamedTuple):
    """A variable of the fit: its name, the dimensions along which it holds features, their entries, its attributes."""

    name: Hashable
    dims: tuple[Hashable, ...]
    entries: list[NDArray[Any]]
    attrs: dict[str, Any]

    def place(self, rows: Floats) -> xr.DataArray:
        """Label rows (feature, sample), those of this variable, over the dimension ``"sample"``."""
        values = rows.reshape(*(len(entries) for entries in self.entries), rows.shape[1])
        held = zip(self.dims, self.entries, strict=True)
        coords = {dim: entries for dim, entries in held if isinstance(dim, str)}  # xarray has no others
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
