"""The fitted flow: an invertible Gaussianization of labelled data, its density and its samples."""

import html
import logging
import warnings
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from numbers import Integral
from os import PathLike
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr
from scipy.special import ndtr, ndtri

from xrbig import blocks, checks, files, matching, ordered, roles, schema
from xrbig.core import flow as core
from xrbig.core.flow import Fitted
from xrbig.core.information import default_min_samples
from xrbig.core.layers.base import Map, apply, invert
from xrbig.core.layers.linear import Linear
from xrbig.core.marginal import Bools, Floats
from xrbig.core.search import Report
from xrbig.estimator import RBIG
from xrbig.roles import Dims
from xrbig.store import Recorded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from zarr.abc.store import Store

Labelled = xr.Dataset | xr.DataArray
Base = Literal["normal", "uniform"]

logger = logging.getLogger(__name__)

AGREEMENT = 3.0, 0.05  # standard errors and share of T by which T by Eq. 6 and by Eq. 7 may differ
LEFT = 0.1, 0.2, 2.0  # nat, share of T, and multiple of what independent samples leave open, that may be left
SPACING_VARIANCE = 0.1  # of the entropy of a feature from spacings, beyond that of its log-density; per sample
SINGULAR = 1e-10  # least eigenvalue of the correlations of features that have a density
ATOM = 0.1  # share of equal values from which a density means little
SHOWN = 12  # layers that are printed
DELAY = 5.0  # seconds after which the progress of a fit is shown


def fit(
    data: Labelled,
    dim: Dims = roles.VARIABLES,
    *,
    sample_dim: Dims | None = None,
    variables: Sequence[Hashable] | None = None,
    estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
) -> "Flow":
    r"""Fit a flow: an invertible map of the features to independent standard normal ones.

    .. math:: \log p(x) = \log p_z(D(x)) + \log |\det \nabla D(x)|

    where the destructor D is a sequence of layers, p_z is N(0, I) (Johnson et al., Information Theory in Density
    Destructors, INNF workshop, ICML 2019, Eq. 3). A layer is whatever gains most log-likelihood on samples that it was
    not fitted on: margins, an elliptical copula, pairs, a Gaussian mixture, independent components; or, with a plain
    `rotation` of the estimator, that rotation and margins.

    There is one flow for all samples, fitted now: Dask data are computed here. Once a fit takes more than a few seconds
    its layers are shown as they come, if tqdm is installed; they are logged in any case.

    Parameters
    ----------
    data : Dataset or DataArray
        Samples with a missing feature are left out.
    dim : name or sequence of names
        Dimension along which every entry is a feature, as for `total_correlation`.
    sample_dim : name or sequence of names, optional
        Dimensions of the samples; by default all that are not `dim`. No other may be left. Layers are judged on
        stretches of samples along the one in time, or along the first by name if none is.
    variables : sequence of names, optional
        The data variables to use, by default as for `total_correlation`.
    estimator : RBIG
        Numerical settings.

    Returns
    -------
    Flow

    Raises
    ------
    ValueError
        If a name is unknown, a dimension is neither feature nor sample, a feature is constant or infinite, there are
        fewer than ``max(40, 5 * features)`` complete samples, or more lazy ones than memory should hold.

    Warns
    -----
    UserWarning
        If T by Eq. 6 and by Eq. 7 disagree, the samples do not tell how much T is left, many values of a feature are
        equal, or features are linear functions of others.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> tas, noise = rng.standard_normal((2, 500))
    >>> ds = xr.Dataset({"tas": ("time", tas), "pr": ("time", tas**2 + 0.5 * noise)})
    >>> flow = ds.rbig.fit()
    >>> z = flow.transform(ds)
    >>> bool(abs(xr.corr(z.tas**2, z.pr)) < 0.1)
    True
    >>> xr.testing.assert_allclose(flow.inverse_transform(z), ds)
    """
    if not isinstance(estimator, RBIG):
        raise TypeError(f"estimator={estimator!r} must be settings, such as xrbig.RBIG(rotation='random').")
    groups = roles.all_features(data, variables, dim, sample_dim, checks.FLOW, 1, None)
    found, samples = groups.found[""], ordered.time_first(groups.found[""].arrays, groups.samples)
    matching.matched(found, matching.entries_of(found), "the data")  # no two entries are the same
    _require_one_flow(found, samples)
    _require_no_sample(found)
    x = blocks.gather(found, samples)
    unit = np.arange(x.shape[1]) * found.arrays[0].sizes[samples[0]] // max(1, x.shape[1])
    x, complete = _complete_samples(x, found)
    with _progress() as report, blocks.SINGLE_THREADED_BLAS, np.errstate(all="ignore"):
        fitted = core.fit(x, estimator, report, unit[complete])
        recorded = Recorded.of(found, isinstance(data, xr.DataArray), x.shape[1], estimator, fitted)
        _warn(recorded, x)
    return Flow(recorded)


class Flow:
    """An invertible map of features to independent standard normal ones, with the density it implies.

    Made by `xrbig.fit`, ``ds.rbig.fit()`` or `xrbig.open_flow`.
    """

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self._maps: list[Map] = [single for layer in recorded.fitted.layers for single in layer.maps]

    @property
    def estimator(self) -> RBIG:
        """The settings of the fit."""
        return self._recorded.estimator

    @property
    def features(self) -> list[str]:
        """Labels of the features, in the order of the rows of the rotations."""
        return self._recorded.labels

    def transform(self, data: Labelled, base: Base = "normal") -> Labelled:
        """Map samples to independent features, N(0, 1) or uniform.

        Parameters
        ----------
        data : Dataset or DataArray
            The features of the fit, over any other dimensions; other variables are left out. Lazy if it is chunked.
        base : {"normal", "uniform"}
            Distribution of the result. With ``"uniform"`` it lies in the unit hypercube (Inouye and Ravikumar, Deep
            Density Destructors, ICML 2018); values further out than 8 standard deviations are not told apart there.

        Returns
        -------
        Dataset or DataArray
            float64, with the dimensions and coordinates of `data`. Samples with a missing or infinite feature are NaN.

        Raises
        ------
        ValueError
            If a feature of the fit is lacking, or a variable has other `units`.
        """
        _require_base(base)
        kernel = partial(_transform, maps=self._maps, uniform=base == "uniform")
        return self._map("transform", data, kernel, "Gaussianized" if base == "normal" else "uniform")

    def inverse_transform(self, z: Labelled, base: Base = "normal") -> Labelled:
        """Map independent features, N(0, 1) or uniform, back to the data.

        Parameters
        ----------
        z : Dataset or DataArray
            As `transform` returns it. Lazy if it is chunked.
        base : {"normal", "uniform"}
            Distribution of `z`. Uniform values outside of [0, 1] give NaN.

        Returns
        -------
        Dataset or DataArray
            float64, with the dimensions and coordinates of `z` and the attributes of the data of the fit.

        Raises
        ------
        ValueError
            If a feature of the fit is lacking.
        """
        _require_base(base)
        kernel = partial(_inverse_transform, maps=self._maps, uniform=base == "uniform")
        return self._map("inverse_transform", z, kernel, None)

    def log_prob(self, data: Labelled) -> xr.DataArray:
        r"""Log-density of samples, in nats.

        .. math:: \log p(x) = \log p_z(D(x)) + \log |\det \nabla D(x)|

        Its unit is that of one over the product of the units of the features (Johnson et al., 2019, Eq. 3).

        Parameters
        ----------
        data : Dataset or DataArray
            The features of the fit, over any other dimensions. Lazy if it is chunked.

        Returns
        -------
        DataArray
            float64, over the dimensions that are not features. Samples with a missing or infinite feature are NaN.

        Raises
        ------
        ValueError
            If a feature of the fit is lacking, or a variable has other `units`.
        """
        found = self._recorded.find(data)
        kernel = partial(_log_prob, maps=self._maps)
        (result,) = blocks.map_samples("log_prob", kernel, found, features_out=False)
        result.attrs = {"long_name": "log-density (nat)", "features": roles.listed(self.features)}
        return result.rename("log_prob")

    def sample(self, n: int, seed: int = 0) -> Labelled:
        """Draw samples from the density of the flow.

        Parameters
        ----------
        n : int
            Number of samples. Fewer of them are the first of more, given the same seed.
        seed : int
            Seed of the random numbers.

        Returns
        -------
        Dataset or DataArray
            As the data of the fit, over the dimension ``"sample"``.
        """
        if not isinstance(n, Integral) or n < 0:
            raise ValueError(f"n={n!r} must be an integer, not negative: flow.sample(1000).")
        z = np.random.default_rng(seed).standard_normal((int(n), len(self.features))).T
        with blocks.SINGLE_THREADED_BLAS, np.errstate(all="ignore"):
            return self._recorded.label(core.in_slabs(partial(invert, self._maps), z))

    @property
    def total_correlation(self) -> xr.Dataset:
        r"""T of the data of the fit, in nats, by two ways that must agree.

        ``total_correlation`` is the sum over the layers of what they take (Johnson et al., 2019, Eq. 7), ``by_density``
        the sum of the entropies of the features, from spacings, plus the mean log-density (Eq. 6);
        ``std_error`` is the standard error of either for independent samples. ``left`` tells by how much T may be
        larger: what the best layer that was not taken adds, and two of its standard errors.
        """
        fitted = self._recorded.fitted
        values = {
            "total_correlation": (fitted.total_correlation, "total correlation by the layers (nat)"),
            "by_density": (fitted.by_density, "total correlation by the density (nat)"),
            "std_error": (fitted.std_error, "standard error of the total correlation (nat)"),
            "left": (fitted.left, "what layers that were not taken may add to the total correlation (nat)"),
        }
        return xr.Dataset(
            {name: ((), value, {"long_name": text, "units": "1"}) for name, (value, text) in values.items()}
        )

    @property
    def layers(self) -> xr.Dataset:
        """What each layer does, over the dimension ``"layer"``.

        ``gain`` is Delta T, what the layer takes from T; ``likelihood`` what it adds to the mean log-likelihood of
        samples that it has not seen, and ``null_level`` how much of that chance would exceed with the probability that
        decided whether it was taken; in nats, no sample counting for much more than others. ``rotation`` (layer,
        component, feature) is the rotation that its linear map holds, NaN where it has none.
        """
        layers = self._recorded.fitted.layers
        gains = {
            "gain": "what the layer takes from the total correlation (nat)",
            "likelihood": "gain of mean log-likelihood at held-out samples (nat)",
            "null_level": "gain of mean log-likelihood by chance (nat)",
        }
        columns = {
            k: ("layer", [getattr(layer, k) for layer in layers], {"long_name": v, "units": "1"})
            for k, v in gains.items()
        }
        rotations = np.stack([_rotation(layer.maps, len(self.features)) for layer in layers])
        return xr.Dataset(
            {**columns, "rotation": (("layer", "component", "feature"), rotations, {"units": "1"})},
            coords={  # of objects, as Zarr has no text of fixed length
                "kind": ("layer", np.array([layer.kind for layer in layers], dtype=object)),
                "feature": np.array(self.features, dtype=object),
            },
        )

    def to_zarr(self, path: "str | PathLike[str] | Store", **kwargs: Any) -> None:
        """Write the flow to a Zarr store of format 3, see docs/flow.md for the schema.

        Parameters
        ----------
        path : str, Path or zarr store
        **kwargs
            For `xarray.Dataset.to_zarr`, such as ``mode="w"`` to overwrite, or ``group="flows/jja", mode="a"`` to add
            it to a store.

        Raises
        ------
        ValueError
            If a name or the labels of the features cannot be written, if `kwargs` would change what is written, or if
            there are other variables in the group.
        """
        files.write_zarr(schema.to_dataset(self._recorded), path, **kwargs)

    def to_netcdf(self, path: str | PathLike[str], **kwargs: Any) -> None:
        """Write the flow to a NetCDF file, of the same schema.

        Parameters
        ----------
        path : str or Path
        **kwargs
            For `xarray.Dataset.to_netcdf`.

        Raises
        ------
        ValueError
            As for `to_zarr`.
        """
        files.write_netcdf(schema.to_dataset(self._recorded), path, **kwargs)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw what the layers take from T, summed up (needs matplotlib).

        Parameters
        ----------
        ax : Axes, optional
            To draw on; by default that of the current figure.

        Returns
        -------
        Axes
        """
        try:
            import matplotlib.pyplot as plt
            from matplotlib.ticker import MaxNLocator
        except ModuleNotFoundError as error:
            raise ImportError('Flow.plot draws with matplotlib: pip install "xrbig[plot]"') from error
        ax = plt.gca() if ax is None else ax
        total = np.concatenate([[0.0], np.cumsum(self.layers.gain)])
        ax.plot(np.arange(len(total)), total, marker="o", markersize=4)
        ax.set(xlabel="layer", ylabel="cumulative ΔT (nat)")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        return ax

    def __repr__(self) -> str:
        lines = [
            f"<xrbig.Flow: {self._summary()}>",
            f"features: {shorten(', '.join(self.features), 200)}",
            self._information(),
        ]
        lines += [f"  {kind:<12}{gain:>12}{likelihood:>16}" for kind, gain, likelihood in self._table()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in self._table()
        )
        return (
            f"<div><strong>xrbig.Flow</strong>: {html.escape(self._summary())}<br>"
            f"{html.escape(shorten(', '.join(self.features), 1000))}<br>{html.escape(self._information())}"
            f"<details open><summary>Layers</summary><table>{rows}</table></details></div>"
        )

    def _summary(self) -> str:
        recorded = self._recorded
        return f"{len(self.features)} features, {recorded.n_samples} samples, {len(recorded.fitted.layers)} layers"

    def _information(self) -> str:
        fitted = self._recorded.fitted
        return f"T = {fitted.total_correlation:.3f} ± {fitted.std_error:.3f} nat (by density {fitted.by_density:.3f})"

    def _table(self) -> list[tuple[str, str, str]]:
        """What each layer takes, the middle left out where there are many."""
        rows = [(x.kind, f"{x.gain:.3f}", f"{x.likelihood:.3f}") for x in self._recorded.fitted.layers]
        if len(rows) > SHOWN:
            rows[SHOWN // 2 : -SHOWN // 2] = [("...", "", "")]
        return [("layer", "ΔT", "log-likelihood"), *rows]

    def _map(self, name: str, data: Labelled, kernel: Any, adjective: str | None) -> Labelled:
        """Apply a kernel that gives as many features as it takes, and label them as `data` or as those of the fit."""
        found = self._recorded.find(data, in_units=adjective is not None)
        outputs = blocks.map_samples(name, kernel, found, features_out=True)
        for variable, output in zip(self._recorded.variables, outputs, strict=True):
            fresh = {"long_name": f"{adjective} {variable.name}", "units": "1"}
            output.name, output.attrs = variable.name, fresh if adjective else dict(variable.attrs)
        if isinstance(data, xr.DataArray):
            return outputs[0].rename(data.name)
        return xr.Dataset({output.name: output for output in outputs})


def open_flow(path: "str | PathLike[str] | Store", group: str | None = None) -> Flow:
    """Open a flow that `Flow.to_zarr` or `Flow.to_netcdf` has written.

    The file may be anybody's: nothing but numbers and text is read, after it has been checked how much that is, and no
    code is executed.

    Parameters
    ----------
    path : str, Path or zarr store
        A Zarr store, of format 3, or a NetCDF file; also a URL or a path to a group of a store. Where a URL needs
        options, a store that has them, ``zarr.storage.FsspecStore.from_url(url, storage_options=...)``.
    group : str, optional
        The group that holds the flow, ``"flows/jja"``.

    Returns
    -------
    Flow
        Its densities are those of the flow that was written, bit for bit.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`, or no such group.
    FlowFileError
        If it holds no flow, a newer version of the format, is damaged, or holds what no flow has. It is a ValueError.

    Examples
    --------
    >>> import tempfile
    >>> import xrbig
    >>> ds = xr.Dataset({name: ("time", row) for name, row in zip("ab", np.random.default_rng(0).random((2, 500)))})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ds.rbig.fit().to_netcdf(folder + "/flow.nc")
    ...     xrbig.open_flow(folder + "/flow.nc").features
    ['a', 'b']
    """
    with files.opened(path, group) as stored:
        return Flow(schema.from_stored(stored))


def _require_base(base: Base) -> None:
    if base not in ("normal", "uniform"):
        raise ValueError(f"base={base!r} is not one of 'normal', 'uniform'.")


def _require_one_flow(found: roles.Features, samples: tuple[Hashable, ...]) -> None:
    """Refuse dimensions that are neither feature nor sample."""
    for array, own in zip(found.arrays, found.dims, strict=True):
        left = [d for d in array.dims if d not in (*own, *samples)]
        if left:
            raise ValueError(
                f"{array.name!r} also has {left!r}, and there is one flow for all samples. Let them be samples, "
                f"sample_dim={(*samples, *left)!r}, or select one entry, ds.isel({left[0]}=0)."
            )


def _require_no_sample(found: roles.Features) -> None:
    """Refuse the name of the dimension over which `Flow.sample` draws."""
    for array, own in zip(found.arrays, found.dims, strict=True):
        if "sample" in (array.name, *own):
            raise ValueError(
                "a flow draws samples over a dimension 'sample', so no feature can have that name: "
                "ds.rename(sample='other')."
            )


def _complete_samples(x: Floats, found: roles.Features) -> tuple[Floats, Bools]:
    """The samples of `x` (feature, sample) without a missing feature, if a flow can be fitted to them, and which."""
    labels = [found.labels[i] for i in found.order]
    for label, row in zip(labels, x, strict=True):
        if np.isinf(row).any():
            raise ValueError(f"{label!r} has infinite values. Mask them, ds.where(np.isfinite(ds)).")
    complete = np.asarray(~np.isnan(x).any(axis=0))
    x = x[:, complete]
    needed = default_min_samples(len(x))
    if x.shape[1] < needed:
        raise ValueError(
            f"there are {x.shape[1]} complete samples of the {len(x)} features {roles.listed(labels)}, and a flow "
            f"needs {needed}. Take fewer features, variables=[...], or more samples."
        )
    for label, row in zip(labels, x, strict=True):
        if row.min() == row.max():
            raise ValueError(f"{label!r} is constant ({row[0]}) and has no density. Leave it out, variables=[...].")
    return x, complete


@contextmanager
def _progress() -> Iterator[Report]:
    """Log the layers as they come, and show them on a fit that takes longer, if tqdm is there."""
    try:
        from tqdm.auto import tqdm
    except ModuleNotFoundError:
        yield lambda text: logger.info(text)
        return
    with tqdm(desc="xrbig.fit", unit=" trials", delay=DELAY, leave=False) as bar:

        def report(text: str) -> None:
            logger.info(text)
            bar.set_postfix_str(text, refresh=False)
            bar.update()

        yield report


def _warn(recorded: Recorded, x: Floats) -> None:
    """Warn of a density that means little."""
    for text in (*_of_atoms(recorded, x), *_of_copies(recorded, x), *_of_doubt(recorded.fitted, x)):
        warnings.warn(text, stacklevel=3)


def _of_atoms(recorded: Recorded, x: Floats) -> Iterator[str]:
    for label, row in zip(recorded.labels, x, strict=True):
        values, counts = np.unique(row, return_counts=True)
        share, value = counts.max() / len(row), values[counts.argmax()]
        if share > ATOM:
            yield (
                f"{share:.0%} of the values of {label!r} are {value:g}: the density has a spike there, whose height "
                "depends on how near the next values are. Leave them out, ds.where(...), to model the others."
            )


def _of_copies(recorded: Recorded, x: Floats) -> Iterator[str]:
    sized = x / np.abs(x).max(axis=1, keepdims=True)  # the squares of what is left do not overflow
    if np.linalg.eigvalsh(np.atleast_2d(np.corrcoef(sized)))[0] < SINGULAR:
        yield (
            f"some of {recorded.labels!r} are linear functions of others, so that they have no density: it grows "
            "without bound as values are told apart more finely. Leave those features out, variables=[...]."
        )


def _of_doubt(fitted: Fitted, x: Floats) -> Iterator[str]:
    """Whether T by the density, or what layers that were not taken may add, is far from T by the layers."""
    total = fitted.total_correlation
    error = np.sqrt(fitted.std_error**2 + SPACING_VARIANCE * len(x) / x.shape[1])
    allowed = AGREEMENT[0] * error + AGREEMENT[1] * abs(total) + abs(fitted.margin_error)
    if abs(fitted.by_density - total) > allowed:
        yield (
            f"the total correlation is {total:.3f} nat by the layers (Eq. 7) and "
            f"{fitted.by_density:.3f} nat by the density (Eq. 6), which differ by more than {allowed:.3f}: "
            f"{x.shape[1]} samples of {len(x)} features do not determine the flow, "
            "or they are too much alike from one to the next. Take more samples or fewer features."
        )
    elif fitted.left > max(LEFT[0], LEFT[1] * total, LEFT[2] * np.sqrt(len(x) / x.shape[1])):
        yield (
            f"the total correlation may be larger by {fitted.left:.3f} nat than the {total:.3f} nat of the layers: "
            "samples that are left out together do not tell whether there should be more of them. Take samples of "
            "more times, or ask total_correlation() for what all of these samples share."
        )


def _transform(x: Floats, maps: list[Map], uniform: bool) -> Floats:
    z = core.in_slabs(lambda slab: apply(maps, slab)[0], x)
    return np.asarray(ndtr(z)) if uniform else z


def _inverse_transform(z: Floats, maps: list[Map], uniform: bool) -> Floats:
    if uniform:
        outside = (z < 0) | (z > 1)
        inner = np.clip(z, np.finfo(float).tiny, 1 - np.finfo(float).epsneg)
        z = np.where(outside.any(axis=0), np.nan, ndtri(inner))
    return core.in_slabs(partial(invert, maps), z)


def _log_prob(x: Floats, maps: list[Map]) -> Floats:
    return core.in_slabs(partial(core.log_prob, maps), x)


def _rotation(maps: list[Map], features: int) -> Floats:
    """The orthogonal matrix nearest to the linear map of a layer, NaN if it has none."""
    matrices = [single.matrix for single in maps if isinstance(single, Linear)]
    if not matrices:
        return np.full((features, features), np.nan)
    left, _, right = np.linalg.svd(matrices[-1])
    return np.asarray(left @ right)
