"""The numerical settings of the estimator."""

from dataclasses import dataclass
from numbers import Integral
from typing import get_args

from xrbig.core.rotation import Rotation


@dataclass(frozen=True, kw_only=True)
class RBIG:
    """Settings of the estimator.

    The same settings and the same data give the same number, bit for bit.

    Parameters
    ----------
    rotation : {"auto", "pca", "ica", "random"}
        ``"auto"`` removes an elliptical copula and measures what is left by moments, nearest neighbours, trees of
        pairs, mixtures and unmixed values, each by the weight of its evidence. A flow takes the layers by which
        held-out samples gain most. The others are plain rotation-based iterative Gaussianization: after it has
        decorrelated the data, a layer rotates them to the principal components, to independent components (found on
        half of the samples, judged on the others) or at random, and the sum of the gains is T, Eq. 7 of Johnson et al.
        (2019).
    max_layers : int
        Bound on the layers of plain rotations and of flows. A cell that reaches it is not `converged`.
    patience : int
        With a plain rotation, a cell has converged after so many layers in a row that remove no more than chance would.
    significance : float
        Of plain rotations: probability with which a layer of Gaussian data is taken for structure. Where one layer has
        found some, later ones need less evidence.
    seed : int
        Seed of the mixtures, of the random rotations and of the order of tied values.

    Raises
    ------
    ValueError
        If a setting is out of its range.

    Examples
    --------
    >>> RBIG(max_layers=50)
    RBIG(rotation='auto', max_layers=50, patience=5, significance=0.0001, seed=0)
    """

    rotation: Rotation = "auto"
    max_layers: int = 100
    patience: int = 5
    significance: float = 1e-4
    seed: int = 0

    def __post_init__(self) -> None:
        """Reject settings that cannot work."""
        if self.rotation not in get_args(Rotation):
            raise ValueError(f"rotation={self.rotation!r} is not one of {get_args(Rotation)}.")
        for name, least in {"max_layers": 1, "patience": 1, "seed": 0}.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < least:
                raise ValueError(f"{name}={value!r} must be an integer of at least {least}.")
            object.__setattr__(self, name, int(value))
        if not 0 < self.significance < 1:
            raise ValueError(f"significance={self.significance!r} must lie between 0 and 1.")
