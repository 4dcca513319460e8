"""Samples shifted or drawn in blocks, so that each feature keeps its autocorrelation."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from xrbig.core.cache import cached
from xrbig.core.marginal import Bools, Ints
from xrbig.core.place import Grid

Method = Literal["shift", "block"]
FEWEST_BLOCKS = 10  # that a record must hold for half of them to stand for it


class Units(NamedTuple):
    """What is moved as a whole: the samples at each place along one of the sample dimensions.

    Attributes
    ----------
    shape : sizes of the sample dimensions
    axis : which of them is ordered
    there : array of as many dimensions, one place long, which samples there are at each place; all if None
    """

    shape: tuple[int, ...]
    axis: int
    there: Bools | None = None

    @property
    def number(self) -> int:
        """How many there are."""
        return self.shape[self.axis]

    def places(self) -> Ints:
        """Place (sample,) of each sample along the ordered dimension."""
        along = np.arange(self.number).reshape([-1 if axis == self.axis else 1 for axis in range(len(self.shape))])
        return np.broadcast_to(along, self.shape).reshape(-1)

    def grid(self) -> Grid:
        """Where the samples lie that there are."""
        if self.there is None:
            return Grid(self.shape)
        return Grid(self.shape, np.flatnonzero(np.broadcast_to(self.there, self.shape)))

    def samples(self, units: Ints) -> Ints:
        """Samples (..., sample) that `units` (..., unit) hold, in the order of the dimensions, counted as they are."""
        there = np.ones((1,) * len(self.shape), dtype=bool) if self.there is None else self.there
        number = np.cumsum(np.broadcast_to(there, self.shape)).reshape(self.shape) - 1
        held = np.moveaxis(number, self.axis, 0)[units]
        found = np.moveaxis(held, units.ndim - 1, units.ndim - 1 + self.axis)
        kept = np.broadcast_to(there, found.shape[units.ndim - 1 :]).reshape(-1)
        return found.reshape(*units.shape[:-1], -1)[..., kept]

    def kept(self, units: Ints) -> "Units":
        """Those `units` only."""
        shape = list(self.shape)
        shape[self.axis] = len(units)
        return self._replace(shape=tuple(shape))


class Surrogates(NamedTuple):
    """How to draw surrogates in which parts of the features share nothing but by chance.

    Attributes
    ----------
    number : how many
    block : shortest shift, or length of the blocks, in units
    method : circular shifts or block permutations
    seed : of the draws, which depend on it and the number of units only
    """

    number: int
    block: int
    method: Method
    seed: int

    def fit(self, units: int, parts: int) -> bool:
        """Whether so many units are enough: five blocks, and twice as many places as the parts need for themselves."""
        return units >= longest(self.method, parts) * self.block

    def distinct(self, units: int, parts: int) -> int:
        """How many surrogates there are: of two parts there are no more shifts than places, and each counts once."""
        if self.method == "shift" and parts == 2:
            return min(self.number, units - 2 * self.block + 1)
        return self.number

    def indices(self, units: int, parts: int, step: int) -> Iterator[Ints]:
        """Indices (replicate, part, unit), `step` replicates at a time; the first part keeps its place."""
        number = self.distinct(units, parts)
        for start in range(0, number, step):
            count = min(step, number - start)
            if self.method == "shift":
                shift = _shifts(units, parts, self.block, number, self.seed)[start : start + count]
                yield np.asarray((np.arange(units) + shift[..., None]) % units)
            else:
                yield np.stack([self._permuted(units, parts, start + i) for i in range(count)])

    def _permuted(self, units: int, parts: int, replicate: int) -> Ints:
        rng = np.random.default_rng([self.seed, units, parts, self.block, replicate])
        others = [_permuted_blocks(units, self.block, rng) for _ in range(parts - 1)]
        return np.stack([np.arange(units), *others])


def longest(method: Method, parts: int) -> int:
    """How many times the block must fit into the record."""
    return max(5, 2 * parts) if method == "shift" else 5


@cached
def _shifts(units: int, parts: int, least: int, number: int, seed: int) -> Ints:
    """Circular shifts (replicate, part), the first 0, of all that keep the parts `least` apart.

    Of two parts no shift comes twice, else p-values would be too small; of more they are spread evenly.
    """
    rng = np.random.default_rng([seed, units, parts, least])
    if parts == 2:
        chosen = rng.choice(units - 2 * least + 1, number, replace=False) + least
        return np.stack([np.zeros_like(chosen), chosen], axis=1)
    strata = np.stack([rng.permutation(number) for _ in range(parts - 1)], axis=1)
    free = units - parts * least
    places = np.sort(np.floor((strata + rng.random(strata.shape)) / number * (free + 1)), axis=1)
    places += least * np.arange(1, parts)
    order = np.argsort(rng.random(places.shape), axis=1)
    shifts = np.take_along_axis(places, order, axis=1).astype(np.int64)
    return np.concatenate([np.zeros((number, 1), dtype=np.int64), shifts], axis=1)


def _permuted_blocks(units: int, block: int, rng: np.random.Generator) -> Ints:
    """The units on a circle, cut into blocks at a random place, in a random order of the blocks."""
    circle = (np.arange(units) + rng.integers(units)) % units
    blocks = np.split(circle, np.arange(block, units, block))
    return np.concatenate([blocks[i] for i in rng.permutation(len(blocks))])


def half_samples(units: int, block: int, pairs: int, seed: int) -> Ints:
    """Half of the blocks of a record, drawn at random, and the other half: units (pair, 2, unit), in order.

    Blocks are as equal in length as can be, and begin at a random place of the record on its circle; the two halves
    are of the same size, a unit or two being left out.
    """
    rng = np.random.default_rng([seed, units, block])
    number = max(2, units // block // 2 * 2)
    own = units // number * number
    halves = np.empty((pairs, 2, own // 2), dtype=np.int64)
    for pair in range(pairs):
        circle = (np.arange(own) + rng.integers(units)) % units
        order = rng.permutation(number)
        for half, chosen in enumerate(np.split(order, 2)):
            halves[pair, half] = np.sort(circle.reshape(number, -1)[chosen].ravel())
    return halves
