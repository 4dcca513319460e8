"""Where samples lie: their autocorrelation, how near they are to each other, and folds of those that lie together."""

from typing import NamedTuple

import numpy as np
from scipy.fft import irfftn, next_fast_len, rfftn

from xrbig.core.cache import cached
from xrbig.core.marginal import Bools, Floats, Ints

LAGS = 8  # one in so many samples is near enough for its correlation with another to be known, and to matter
FEWEST_LAGS = 4
MOST_CYCLE = 0.9  # amplitude of a cycle in the autocorrelation
BLOCK_TIMES = 10  # decorrelation times that the samples of a fold stay together
MOST_BLOCKS = 48  # of samples along one dimension, half as many along each of two: more leave neighbours in others
STRETCHES = 32  # of samples at least, in turn in the one and the other half


class Grid(NamedTuple):
    """Where samples lie that may be missing: the sizes of their dimensions, and the place of each, flattened, in turn.

    If no places are given the samples fill the grid; else these are an array (sample,) or (cell, sample).
    """

    shape: tuple[int, ...]
    places: Ints | None = None

    def of(self, samples: Ints) -> "Grid":
        """That of some of the samples, (cell, sample)."""
        return self._replace(places=samples if self.places is None else self.places[samples])

    def at(self, cells: Ints) -> "Grid":
        """That of some of the cells."""
        each = self.places is not None and self.places.ndim > 1
        return self._replace(places=self.places[cells]) if each and self.places is not None else self

    def place(self, complete: Bools) -> "Place":
        """Place of the `complete` samples of cells (cell, sample), which are equally many."""
        places = np.arange(complete.shape[1]) if self.places is None else self.places
        return Place(self.shape, np.broadcast_to(places, complete.shape)[complete].reshape(len(complete), -1))


class Place(NamedTuple):
    """Places of the samples of stacked cells on a grid of any number of dimensions.

    Attributes
    ----------
    shape : sizes of the dimensions
    flat : array (cell, sample), the place of each sample, counted along the flattened grid
    """

    shape: tuple[int, ...]
    flat: Ints

    @classmethod
    def in_turn(cls, cells: int, n: int) -> "Place":
        """Samples one after the other."""
        return cls((n,), np.broadcast_to(np.arange(n), (cells, n)))

    def at(self, cells: Bools | Ints | slice) -> "Place":
        """Those of some of the cells."""
        return Place(self.shape, self.flat[cells])

    def coordinates(self, cell: int) -> Ints:
        """Place (dimension, sample) of the samples of a cell along each dimension."""
        return np.stack(np.unravel_index(self.flat[cell], self.shape))

    def autocorrelation(self, x: Floats) -> Floats:
        """Autocorrelation (cell, feature, lag) of `x` (cell, feature, sample) at lag 0 and the lags next to it.

        Lags are those of half of the space, as those of the other half are the same.
        """
        size, lags = _lags(self.shape)
        x = x - x.mean(axis=-1, keepdims=True)
        out = np.empty((*x.shape[:2], len(lags)))
        whole = x.shape[-1] == int(np.prod(self.shape))
        for cell, rows in enumerate(x):
            for row, own in zip(rows, out[cell], strict=True):  # of several at once, the last bits depend on how many
                grid = row
                if not whole:
                    grid = np.zeros(int(np.prod(self.shape)))
                    grid[self.flat[cell]] = row
                power = np.abs(rfftn(grid.reshape(self.shape), size)) ** 2
                own[:] = irfftn(power, size).reshape(-1)[lags]
        variance = out[..., :1]
        return np.divide(out, variance, out=np.zeros_like(out), where=variance > 0)

    def memory(self, x: Floats) -> Floats:
        """Autocorrelation of `x` without cycles that do not fade: where features share these, it is no chance."""
        return without_cycles(self.autocorrelation(x), x.shape[-1])

    def folds(self, cell: int, number: int, time: float) -> Ints:
        """Fold (sample,) of each sample: blocks of many decorrelation times, in turn along all dimensions together.

        Their lengths are powers of two, so that a few samples more or less move no border.
        """
        dims = len(self.shape)
        total = np.zeros(self.flat.shape[1], dtype=np.int64)
        for along, extent in zip(self.coordinates(cell), self.shape, strict=True):
            least = extent * dims / MOST_BLOCKS
            wanted = np.clip(BLOCK_TIMES * time ** (1 / dims), least, max(least, extent / number))
            total += along >> max(0, int(np.log2(max(wanted, 1))))
        return total % number


def without_cycles(r: Floats, n: int) -> Floats:
    """Autocorrelations (cell, feature, lag) of what is left beside a cycle that does not fade.

    Its amplitude is that of the further half of the lags. Chance makes autocorrelations vary too, by the memory over
    the number of samples.
    """
    far = r[..., r.shape[-1] // 2 :]
    memory = 2 * (r**2).sum(axis=-1, keepdims=True) - r[..., :1] ** 2
    amplitude = np.sqrt(np.clip(2 * (far.var(axis=-1, keepdims=True) - memory / n), 0, MOST_CYCLE**2))
    return np.asarray(np.sign(r) * np.maximum(np.abs(r) - amplitude, 0) / (1 - amplitude))


@cached
def alternating(n: int) -> Ints:
    """Sequence of n samples of which every second is from the one half, in stretches, and every second from the other.

    What is fitted on one half is judged on the other: were neighbours in time in both, autocorrelation would pass for
    structure that unseen samples confirm.
    """
    halves = np.argsort(np.arange(n) >> max(0, int(np.log2(max(n / STRETCHES, 1)))) & 1, kind="stable")
    sequence = np.empty(n, dtype=np.int64)
    sequence[::2], sequence[1::2] = halves[: (n + 1) // 2], halves[(n + 1) // 2 :]
    return sequence


def times(one: Floats, other: Floats) -> Floats:
    """How many times larger autocorrelations make the variance of the mean of a product, (cell, row, row); at least 1.

    Sum over lags of the product of both autocorrelations (cell, row, lag) (Bartlett, Journal of the Royal Statistical
    Society 98:536, 1935).
    """
    return np.maximum(2 * (one @ other.swapaxes(-1, -2)) - one[..., :1] * other[..., 0][..., None, :], 1.0)


def times_beyond(one: Floats, other: Floats) -> Floats:
    """The same of what correlation does not tell, as of products of total degree three of a Gaussian process."""
    return (times(np.abs(one), other**2) + times(one**2, np.abs(other))) / 2


@cached
def _lags(shape: tuple[int, ...]) -> tuple[Ints, Ints]:
    """Size of the Fourier transform, and lag 0 and the lags next to it, in its flattened result."""
    number = max(FEWEST_LAGS, int(np.prod(shape)) // (2 * LAGS))
    reach = [min(extent // 2, number) for extent in shape]
    size = np.array([next_fast_len(extent + far, real=True) for extent, far in zip(shape, reach, strict=True)])
    axes = [np.arange(-far, far + 1) for far in reach]
    grid = np.stack([axis.reshape(-1) for axis in np.meshgrid(*axes, indexing="ij")])
    leading = grid[0].copy()
    for axis in grid[1:]:
        leading = np.where(leading == 0, axis, leading)
    grid = grid[:, (leading > 0) | (grid == 0).all(axis=0)]
    nearest = np.argsort((grid**2).sum(axis=0), kind="stable")[: number + 1]
    return size, np.ravel_multi_index(tuple(grid[:, nearest] % size[:, None]), tuple(size))
