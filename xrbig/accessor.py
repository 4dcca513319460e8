"""The accessors `ds.rbig` and `da.rbig`: stateless forwards to the functions."""

from collections.abc import Hashable, Sequence

import xarray as xr

from xrbig import entropies, flow, measures, multivariate, resampling
from xrbig.core.resample import Method
from xrbig.estimator import RBIG
from xrbig.ordered import Block
from xrbig.resampling import FDR
from xrbig.results import Base
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
        normalize: bool = False,
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
            normalize=normalize,
            diagnostics=diagnostics,
            keep_attrs=keep_attrs,
        )

    def conditional_mutual_information(
        self,
        x: Group,
        y: Group | None = None,
        given: Group | None = None,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        normalize: bool = False,
        diagnostics: bool = False,
        keep_attrs: bool = False,
    ) -> xr.DataArray | xr.Dataset:
        """Mutual information I of two groups of variables given a third, see `xrbig.conditional_mutual_information`."""
        return multivariate.conditional_mutual_information(
            self._obj,
            x,
            y,
            given,
            dim,
            sample_dim=sample_dim,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            normalize=normalize,
            diagnostics=diagnostics,
            keep_attrs=keep_attrs,
        )

    def entropy(
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
        """Differential entropy H of the features, see `xrbig.entropy`."""
        return entropies.entropy(
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

    def negentropy(
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
        """Negentropy J of the features, see `xrbig.negentropy`."""
        return entropies.negentropy(
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

    def kl_divergence(
        self,
        other: xr.Dataset,
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
        """Kullback-Leibler divergence from the features of `other`, see `xrbig.kl_divergence`."""
        return entropies.kl_divergence(
            self._obj,
            other,
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

    def mutual_information_matrix(
        self,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        variables: Sequence[Hashable] | None = None,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        normalize: bool = False,
        diagnostics: bool = False,
        keep_attrs: bool = False,
    ) -> xr.DataArray | xr.Dataset:
        """Mutual information I of every pair of features, see `xrbig.mutual_information_matrix`."""
        return multivariate.mutual_information_matrix(
            self._obj,
            dim,
            sample_dim=sample_dim,
            variables=variables,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            normalize=normalize,
            diagnostics=diagnostics,
            keep_attrs=keep_attrs,
        )

    def redundancy(
        self,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        variables: Sequence[Hashable] | None = None,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        normalize: bool = False,
        diagnostics: bool = False,
        keep_attrs: bool = False,
    ) -> xr.DataArray | xr.Dataset:
        """What each of the features shares with all the others, see `xrbig.redundancy`."""
        return multivariate.redundancy(
            self._obj,
            dim,
            sample_dim=sample_dim,
            variables=variables,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            normalize=normalize,
            diagnostics=diagnostics,
            keep_attrs=keep_attrs,
        )

    def dual_total_correlation(
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
        """Dual total correlation D of the features, see `xrbig.dual_total_correlation`."""
        return multivariate.dual_total_correlation(
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

    def o_information(
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
        """O-information of the features, see `xrbig.o_information`."""
        return multivariate.o_information(
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

    def fit(
        self,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        variables: Sequence[Hashable] | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
    ) -> flow.Flow:
        """Fit a flow to all samples, see `xrbig.fit`."""
        return flow.fit(self._obj, dim, sample_dim=sample_dim, variables=variables, estimator=estimator)

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
        normalize: bool = False,
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
            normalize=normalize,
            diagnostics=diagnostics,
        )

    def conditional_mutual_information(
        self,
        other: xr.DataArray | xr.Dataset,
        given: xr.DataArray | xr.Dataset,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        normalize: bool = False,
        diagnostics: bool = False,
    ) -> xr.DataArray | xr.Dataset:
        """Mutual information I with `other` given a third, see `xrbig.conditional_mutual_information`."""
        return multivariate.conditional_mutual_information(
            self._obj,
            other,
            None,
            given,
            dim,
            sample_dim=sample_dim,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            normalize=normalize,
            diagnostics=diagnostics,
        )

    def entropy(
        self,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        diagnostics: bool = False,
    ) -> xr.DataArray | xr.Dataset:
        """Differential entropy H of the array or, if `dim` is given, of its entries along it, see `xrbig.entropy`."""
        return entropies.entropy(
            self._obj,
            dim,
            sample_dim=sample_dim,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            diagnostics=diagnostics,
        )

    def negentropy(
        self,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        diagnostics: bool = False,
    ) -> xr.DataArray | xr.Dataset:
        """Negentropy J of the array or, if `dim` is given, of its entries along it, see `xrbig.negentropy`."""
        return entropies.negentropy(
            self._obj,
            dim,
            sample_dim=sample_dim,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            diagnostics=diagnostics,
        )

    def kl_divergence(
        self,
        other: xr.DataArray,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        diagnostics: bool = False,
    ) -> xr.DataArray | xr.Dataset:
        """Kullback-Leibler divergence from the features of `other`, see `xrbig.kl_divergence`."""
        return entropies.kl_divergence(
            self._obj,
            other,
            dim,
            sample_dim=sample_dim,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            diagnostics=diagnostics,
        )

    def mutual_information_matrix(
        self,
        dim: Dims,
        *,
        sample_dim: Dims | None = None,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        normalize: bool = False,
        diagnostics: bool = False,
    ) -> xr.DataArray | xr.Dataset:
        """Mutual information I of every pair of entries along `dim`, see `xrbig.mutual_information_matrix`."""
        return multivariate.mutual_information_matrix(
            self._obj,
            dim,
            sample_dim=sample_dim,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            normalize=normalize,
            diagnostics=diagnostics,
        )

    def redundancy(
        self,
        dim: Dims,
        *,
        sample_dim: Dims | None = None,
        skipna: bool | None = None,
        min_samples: int | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
        base: Base = "e",
        normalize: bool = False,
        diagnostics: bool = False,
    ) -> xr.DataArray | xr.Dataset:
        """What each of the entries along `dim` shares with all the others, see `xrbig.redundancy`."""
        return multivariate.redundancy(
            self._obj,
            dim,
            sample_dim=sample_dim,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            normalize=normalize,
            diagnostics=diagnostics,
        )

    def dual_total_correlation(
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
        """Dual total correlation D of the entries along `dim`, see `xrbig.dual_total_correlation`."""
        return multivariate.dual_total_correlation(
            self._obj,
            dim,
            sample_dim=sample_dim,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            diagnostics=diagnostics,
        )

    def o_information(
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
        """O-information of the entries along `dim`, see `xrbig.o_information`."""
        return multivariate.o_information(
            self._obj,
            dim,
            sample_dim=sample_dim,
            skipna=skipna,
            min_samples=min_samples,
            estimator=estimator,
            base=base,
            diagnostics=diagnostics,
        )

    def fit(
        self,
        dim: Dims = VARIABLES,
        *,
        sample_dim: Dims | None = None,
        estimator: RBIG = RBIG(),  # noqa: B008 (frozen)
    ) -> flow.Flow:
        """Fit a flow to all samples, see `xrbig.fit`."""
        return flow.fit(self._obj, dim, sample_dim=sample_dim, estimator=estimator)

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
