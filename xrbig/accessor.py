"""The accessors `ds.rbig` and `da.rbig`: stateless forwards to the functions."""

from collections.abc import Hashable, Sequence

import xarray as xr

from xrbig import measures, resampling
from xrbig.core.resample import Method
from xrbig.estimator import RBIG
from xrbig.measures import Base
from xrbig.ordered import Block
from xrbig.resampling import FDR
from xrbig.roles import VARIABLES, Dims, Group


@xr.register_dataset_accessor("rbig")  # type: ignore[no-untyped-call]
class DatasetAccessor:
    """Information shared by the variables of a Dataset."""

    def __init__(self, dataset: xr.Dataset) -> None:
        self._obj = dataset

    def total_correlation(
        self,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        variables: Sequence[Hashable] | None = None,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        diagnostics: bool = False,
        keep_attrs: bool = False,
    ) -> xr.DataArray | xr.Dataset:
        """Total correlation T of the features, see `xrbig.total_correlation`."""
        return measures.total_correlation(
            self._obj,
            dim,
            sample_dim=sample_dim,
            variables=variables,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            diagnostics=diagnostics,
            keep_attrs=keep_attrs,
        )

    def mutual_information(
        self,
        x: Group,
        y: Group | None = None,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        diagnostics: bool = False,
        keep_attrs: bool = False,
    ) -> xr.DataArray | xr.Dataset:
        """Mutual information I between two groups of variables, see `xrbig.mutual_information`."""
        return measures.mutual_information(
            self._obj,
            x,
            y,
            dim,
            sample_dim=sample_dim,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            diagnostics=diagnostics,
            keep_attrs=keep_attrs,
        )

    def significance(
        self,
        x: Group | None = None,
        y: Group | None = None,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        variables: Sequence[Hashable] | None = None,
        along: Hashable | None = None,
        block: Block | None = None,
        method: Method = "shift",
        n_surrogates: int = 199,
        fdr: FDR | None = "bh",
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        keep_attrs: bool = False,
    ) -> xr.Dataset:
        """Whether chance alone could give this I, or T, see `xrbig.significance`."""
        return resampling.significance(
            self._obj,
            x,
            y,
            dim,
            sample_dim=sample_dim,
            variables=variables,
            along=along,
            block=block,
            method=method,
            n_surrogates=n_surrogates,
            fdr=fdr,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            keep_attrs=keep_attrs,
        )

    def bootstrap(
        self,
        x: Group | None = None,
        y: Group | None = None,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        variables: Sequence[Hashable] | None = None,
        along: Hashable | None = None,
        block: Block | None = None,
        n_replicates: int = 100,
        confidence: float = 0.95,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        keep_attrs: bool = False,
    ) -> xr.Dataset:
        """Interval of I, or T, by half-samples of blocks, see `xrbig.bootstrap`."""
        return resampling.bootstrap(
            self._obj,
            x,
            y,
            dim,
            sample_dim=sample_dim,
            variables=variables,
            along=along,
            block=block,
            n_replicates=n_replicates,
            confidence=confidence,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            keep_attrs=keep_attrs,
        )


@xr.register_dataarray_accessor("rbig")  # type: ignore[no-untyped-call]
class DataArrayAccessor:
    """Information shared by the entries of a DataArray, or by two of them."""

    def __init__(self, array: xr.DataArray) -> None:
        self._obj = array

    def total_correlation(
        self,
        dim: Dims,
        *,
        sample_dim: Dims | None = None,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        diagnostics: bool = False,
    ) -> xr.DataArray | xr.Dataset:
        """Total correlation T of the entries along `dim`, see `xrbig.total_correlation`."""
        return measures.total_correlation(
            self._obj,
            dim,
            sample_dim=sample_dim,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            diagnostics=diagnostics,
        )

    def mutual_information(
        self,
        other: xr.DataArray | xr.Dataset,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        diagnostics: bool = False,
    ) -> xr.DataArray | xr.Dataset:
        """Mutual information I with `other`, see `xrbig.mutual_information`."""
        return measures.mutual_information(
            self._obj,
            other,
            None,
            dim,
            sample_dim=sample_dim,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            diagnostics=diagnostics,
        )

    def significance(
        self,
        other: xr.DataArray | xr.Dataset | None = None,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        along: Hashable | None = None,
        block: Block | None = None,
        method: Method = "shift",
        n_surrogates: int = 199,
        fdr: FDR | None = "bh",
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
    ) -> xr.Dataset:
        """Whether chance alone could give this I, or T, see `xrbig.significance`."""
        return resampling.significance(
            self._obj,
            other,
            None,
            dim,
            sample_dim=sample_dim,
            along=along,
            block=block,
            method=method,
            n_surrogates=n_surrogates,
            fdr=fdr,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
        )

    def bootstrap(
        self,
        other: xr.DataArray | xr.Dataset | None = None,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        along: Hashable | None = None,
        block: Block | None = None,
        n_replicates: int = 100,
        confidence: float = 0.95,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
    ) -> xr.Dataset:
        """Interval of I, or T, by half-samples of blocks, see `xrbig.bootstrap`."""
        return resampling.bootstrap(
            self._obj,
            other,
            None,
            dim,
            sample_dim=sample_dim,
            along=along,
            block=block,
            n_replicates=n_replicates,
            confidence=confidence,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
        )
