"""What is measured on which distribution, and the references that know more than the samples."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from cases import Case
from peers import gaussian_total_correlation

from xrbig.core.rotation import null_log_det


class Panel(NamedTuple):
    """A case, its samples, and who is to estimate it.

    Attributes
    ----------
    measure : "T" or "I"
    case : name, unique to the measure
    draw : the distribution of a trial
    features : of all groups together
    samples : how many of them, one panel for each
    trials : numbers that seed the samples
    estimators : names
    """

    measure: str
    case: str
    draw: Callable[[int], Case]
    features: int
    samples: tuple[int, ...]
    trials: range
    estimators: tuple[str, ...]


def oracle(case: Case, n: int, seed: int) -> float:
    """Mean log ratio of the true densities on the samples: the best that these can tell."""
    distribution, split = case
    x = distribution.sample(n, seed)
    if split is None:
        return float(distribution.oracle(x).mean())
    groups = distribution.log_density(x, slice(split)) + distribution.log_density(x, slice(split, None))
    return float((distribution.log_density(x) - groups).mean())


def log_det(case: Case, n: int, seed: int) -> float:
    """-1/2 log det R less its mean on independent features, of the normal samples before their margins were changed."""
    margins, split = case
    z = margins.distribution.sample(n, seed)
    groups = [] if split is None else [z[:split], z[split:]]
    return _excess_log_det(z) - sum(map(_excess_log_det, groups))


def _excess_log_det(z: np.ndarray) -> float:
    return gaussian_total_correlation(z) - null_log_det(*z.shape) if len(z) > 1 else 0.0


REFERENCES = {"oracle": oracle, "log det": log_det}
