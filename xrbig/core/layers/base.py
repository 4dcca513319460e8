"""What layers are made of: invertible maps between samples, and kinds of layer that fit them.

No sample knows of the others. Far from the samples that they were fitted on, maps go on smoothly and stay invertible.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from xrbig.core.marginal import Bools, Floats, Ints

LARGEST_LOG = 700.0  # of a number that a float can hold
SLAB = 1024  # samples that are mapped at a time: however many there are, the same bits come out

Shapes = dict[str, tuple[int | str, ...]]  # of arrays; "f" is the number of features, "2f" twice that


class Map(ABC):
    """An invertible map of samples (feature, sample): a dataclass of arrays whose `shapes` it declares.

    The name of the class, in small letters, is its name in the file of a flow.
    """

    shapes: ClassVar[Shapes]

    @abstractmethod
    def apply(self, x: Floats) -> tuple[Floats, Floats]:
        """Map `x`; returns y and log |det| of the Jacobian (sample,)."""

    @abstractmethod
    def invert(self, y: Floats) -> Floats:
        """Map `y` back."""

    def gains(self, x: Floats) -> Floats:
        """What each part of the map adds to the log-density, relative to N(0, I): (part, sample)."""
        y, log_det = self.apply(x)
        return np.asarray(log_det + log_normal(y) - log_normal(x))[None]

    def arrays(self) -> dict[str, Any]:
        """The arrays that make it up."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def of(cls, arrays: dict[str, Floats], features: int) -> Self:
        """The map that `arrays` has taken apart, of so many features; a ValueError if it takes others."""
        return cls(**arrays)

    @abstractmethod
    def require_invertible(self) -> None:
        """Refuse finite arrays of the right shapes that make up no invertible map: those of a file need not."""


class Kind(Protocol):
    """A kind of layer, with its settings."""

    @property
    def name(self) -> str:
        """What a flow calls its layers."""
        ...

    def fit(self, x: Floats, like: list[Map] | None = None) -> list[Map]:
        """Fit to samples (feature, sample): maps that act in turn, alike to maps fitted to more samples, if given."""
        ...


def apply(maps: Sequence[Map], x: Floats) -> tuple[Floats, Floats]:
    """Map `x` (feature, sample) by all `maps`; returns the new samples and log |det| (sample,)."""
    mapped = np.empty((len(x) + 1, x.shape[1]))
    for start in range(0, x.shape[1], SLAB):
        z = x[:, start : start + SLAB]
        log_det = np.zeros(z.shape[1])
        for single in maps:
            z, more = single.apply(z)
            log_det = log_det + more
        mapped[:-1, start : start + SLAB], mapped[-1, start : start + SLAB] = z, log_det
    return mapped[:-1], mapped[-1]


def invert(maps: Sequence[Map], z: Floats) -> Floats:
    """Map `z` (feature, sample) back."""
    for single in reversed(maps):
        z = single.invert(z)
    return z


def log_normal(z: Floats) -> Floats:
    """Log-density (sample,) of N(0, I) at `z` (feature, sample)."""
    return np.asarray(-((z**2).sum(axis=0) + len(z) * np.log(2 * np.pi)) / 2)


def some(n: int, most: int) -> Ints:
    """Indices of at most so many of n samples, drawn at random: evenly spaced ones would see one hour of the day."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng([n, most]).choice(n, most, replace=False))


def require(valid: Bools | bool, text: str) -> None:
    """Refuse what is not all valid."""
    if not np.all(valid):
        raise ValueError(text)


def indices(numbers: Floats, features: int) -> Ints:
    """Indices of features, each another, that are given as numbers."""
    whole = (numbers >= 0) & (numbers < features) & (numbers == np.floor(numbers))
    require(whole, f"features are to be indices below {features}")
    found = numbers.astype(np.int64)
    require(np.bincount(found, minlength=features) < 2, "an index of a feature is repeated")
    return found
