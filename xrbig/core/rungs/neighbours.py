"""Information among groups of features by nearest neighbours, none of them near in place."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import psi

from xrbig.core import tuning
from xrbig.core.cache import cached
from xrbig.core.marginal import Floats, Ints, Reals
from xrbig.core.place import Place

SCALES = (40, 16, 7)  # neighbours, from blunt to sharp
SHARP = 3  # neighbours that are sharp enough, and quiet enough, among few features
FEWEST = 14  # samples for each neighbour
ASKED = 2000  # samples whose neighbours are sought, where there are more: the others tell little beside them
BLOCK = 1 << 18  # distances at a time: they fit the cache
THINNED = 8  # one distance in so many bounds those of all


class Asked(NamedTuple):
    """Samples that are asked for their neighbours, and which of all are too near in place to be one.

    Attributes
    ----------
    samples : array (asked,)
    near : array (asked, near), the samples near to each, itself among them, and again itself where there are fewer
    number : array (asked,), how many they are
    """

    samples: Ints
    near: Ints
    number: Ints

    @classmethod
    def at(cls, place: Place, cell: int, time: float) -> "Asked":
        """Samples of a cell, those near in place to each within decorrelation times, of so many samples each."""
        return cls.of(place.coordinates(cell), tuning.TUNING.window * time ** (1 / len(place.shape)))

    @classmethod
    def of(cls, places: Ints, window: float, every: int = 1) -> "Asked":
        """Every so many of the samples at `places` (dimension, sample), or fewer where they are many.

        Samples are near that are not further than `window` away along any dimension.
        """
        n = places.shape[1]
        samples = np.arange(0, n, max(every, round(n / ASKED)))
        if len(places) == 1:
            first = np.searchsorted(places[0], places[0, samples] - window, side="left")
            last = np.searchsorted(places[0], places[0, samples] + window, side="right")
            lists = first[:, None] + np.arange((last - first).max())
            return cls(samples, np.where(lists < last[:, None], lists, samples[:, None]), last - first)
        tree, reach = cKDTree(places.T), window + 0.5
        number = np.asarray(tree.query_ball_point(places[:, samples].T, reach, p=np.inf, return_length=True))
        found: Any = tree.query_ball_point(places[:, samples].T, reach, p=np.inf, return_sorted=True)
        near = np.repeat(samples[:, None], number.max(), axis=1)
        near[np.arange(near.shape[1]) < number[:, None]] = np.concatenate(found)
        return cls(samples, near, number)

    def half(self) -> "Asked":
        """Every second of them."""
        return Asked(self.samples[::2], self.near[::2], self.number[::2])


def scales(n: int, features: int) -> tuple[int, ...]:
    """Numbers of neighbours that so many samples of so many features allow, from many to few."""
    known = SCALES + (SHARP,) * (features <= tuning.TUNING.few)
    return tuple(k for k in known if k * FEWEST <= n) or known[-1:]


def terms(x: Floats, groups: Sequence[slice], asked: Asked, ks: tuple[int, ...], joint: Floats | None = None) -> Floats:
    """What each sample asked adds to the information among `groups` of the features `x` (feature, sample): (k, asked).

    It is psi(k) + (G - 1) psi(M + 1) - sum_g psi(n_g + 1) for G groups, n_g the number of the M samples not near in
    place that are nearer in group g than the k-th neighbour, by the largest difference of a feature (Kraskov,
    Stoegbauer and Grassberger, Physical Review E 69:066138, 2004, Eqs. 8 and 23). Neighbours may be sought in other
    features, `joint`.
    """
    parts = [np.ascontiguousarray(x[group], dtype=np.float32) for group in groups]
    whole = np.ascontiguousarray(x if joint is None else joint, dtype=np.float32)
    radii = np.empty((len(asked.samples), len(ks)), dtype=np.float32)
    counts = np.empty((len(parts), *radii.shape), dtype=np.int64)
    for block in _blocks(len(radii), x.shape[1]):
        distance = _distances(whole, asked, block)
        radii[block] = _nearest(distance, max(ks))[:, np.array(ks) - 1]
        for part, count in zip(parts, counts, strict=True):
            if len(part) > 1:
                own = _distances(part, asked, block)
                count[block] = np.stack([(own < radius[:, None]).sum(axis=1) for radius in radii[block].T], axis=1)
    for part, count in zip(parts, counts, strict=True):
        if len(part) == 1:
            count[:] = _within(part[0], asked, radii)
    digammas = _digammas(x.shape[1])
    others = (len(parts) - 1) * digammas[x.shape[1] - asked.number]
    return np.asarray((digammas[np.array(ks) - 1] + others[:, None] - digammas[counts].sum(axis=0)).T)


def _blocks(asked: int, n: int) -> list[slice]:
    size = max(1, BLOCK // n)
    return [slice(start, start + size) for start in range(0, asked, size)]


def _distances(x: Reals, asked: Asked, block: slice) -> Reals:
    """Distances (asked, sample) in the features `x`, infinite to samples near in place."""
    distance = _farthest(x, asked.samples[block])
    distance[np.arange(len(distance))[:, None], asked.near[block]] = np.inf
    return distance


def _within(row: Reals, asked: Asked, radii: Reals) -> Ints:
    """How many samples not near in place differ by less than each of the `radii` (asked, k), of one feature."""
    ordered, own = np.sort(row), row[asked.samples][:, None]
    count = np.searchsorted(ordered, own + radii, side="left") - np.searchsorted(ordered, own - radii, side="right")
    differences = np.where(
        np.arange(asked.near.shape[1]) < asked.number[:, None], np.abs(row[asked.near] - own), np.inf
    )
    near = [(differences < radius[:, None]).sum(axis=1) for radius in radii.T]
    return np.asarray(np.maximum(count - np.stack(near, axis=1), 0))


def _farthest(x: Reals, own: Ints) -> Reals:
    """Largest difference of any feature between the samples `own` and all, (own, sample)."""
    out = np.abs(x[0, own, None] - x[0])
    for row in x[1:]:
        difference = row[own, None] - row
        np.maximum(out, np.abs(difference, out=difference), out=out)
    return np.asarray(out)


def _nearest(distance: Reals, k: int) -> Reals:
    """The k smallest of each row, in order."""
    rows, n = distance.shape
    if n < THINNED * k:
        return np.sort(np.partition(distance, k - 1, axis=1)[:, :k], axis=1)
    guess = 2 * k // THINNED
    bound = np.partition(distance[:, ::THINNED], guess, axis=1)[:, guess]
    within = distance <= bound[:, None]
    count = np.count_nonzero(within, axis=1)
    few = np.full((rows, int(count.max())), np.inf, dtype=distance.dtype)
    few[np.arange(few.shape[1]) < count[:, None]] = distance[within]
    missed = np.flatnonzero(count < k)
    out = np.empty((rows, k), dtype=distance.dtype)
    if few.shape[1] >= k:
        out[:] = np.sort(np.partition(few, k - 1, axis=1)[:, :k], axis=1)
    out[missed] = np.sort(np.partition(distance[missed], k - 1, axis=1)[:, :k], axis=1)
    return out


@cached
def _digammas(n: int) -> Floats:
    """Psi of 1, ..., n + 1."""
    return np.asarray(psi(np.arange(1, n + 2)))
