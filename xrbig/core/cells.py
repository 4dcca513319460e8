"""Cells whose samples are complete: values, scores that do not depend on names, and which features others determine."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from xrbig.core import tuning
from xrbig.core.marginal import (
    Bools,
    Floats,
    Ints,
    Order,
    exact_order,
    normal_scores,
    orientation,
    scatter,
    ties,
)
from xrbig.core.place import Place

MONOTONE = 1 - 1e-6  # correlation of scores from which one feature is a function of the other
EXACT = 1e-8  # share of its variance that a feature has beyond what determines it, if only rounding is left
OUTSIDE = 0.25  # share of the samples, of all features together and of either tail, where no relation is looked for


class Cells(NamedTuple):
    """Cells with the same number of complete samples, in order.

    Attributes
    ----------
    x : array (cell, feature, sample)
    z : array (cell, feature, sample), their normal scores
    order : the order of `x`
    rank : array (cell, feature), place of a feature among all, which follows from its samples and not from its name
    few_ties : array (cell, feature), whether few samples are tied
    alike : array (cell, feature, feature), whether two features are monotone functions of each other
    place : where the samples lie
    seed : of the ranks of equal values
    """

    x: Floats
    z: Floats
    order: Order
    rank: Ints
    few_ties: Bools
    alike: Bools
    place: Place
    seed: int

    def at(self, cells: Ints | Bools) -> "Cells":
        """Some of the cells."""
        order = Order(self.order.samples[cells], self.order.values[cells])
        x, z, rank, few_ties, alike = (
            self.x[cells],
            self.z[cells],
            self.rank[cells],
            self.few_ties[cells],
            self.alike[cells],
        )
        return Cells(x, z, order, rank, few_ties, alike, self.place.at(cells), self.seed)

    def sorted(self, features: Sequence[int]) -> Ints:
        """The features (cell, feature) by their rank."""
        chosen = np.asarray(features, dtype=np.int64)
        return np.asarray(chosen[np.argsort(self.rank[:, chosen], axis=1, kind="stable")])

    def take(self, array: Floats, features: Ints) -> Floats:
        """Rows `features` (cell, feature) of `x` or `z`."""
        return np.take_along_axis(array, features[..., None], axis=1)


def with_scores(x: Floats, place: Place, seed: int) -> tuple[Cells, Floats]:
    """Scores of `x` (cell, feature, sample), and the share of tied samples (cell, feature).

    The rank of a feature follows from its samples: what they are correlated with is fixed, and equal ones have the same
    score there. So neither names nor monotone maps of features matter, the order of equal values least of all.
    """
    first = exact_order(x, seed)
    tied = ties(first, seed)
    n = x.shape[2]
    contrast = normal_scores(n, 1, seed)[0][np.argsort(np.arange(n) * np.sqrt(2) % 1)]
    key = np.abs(np.einsum("cfn,n->cf", tied.scores, contrast))
    turn = np.argsort(key, axis=1, kind="stable")
    rank = np.argsort(turn, axis=1, kind="stable")
    samples = np.take_along_axis(first.samples, turn[..., None], axis=1)
    again = np.flatnonzero(tied.fraction.any(axis=1))
    if again.size:  # equal values are ordered by the turn of their feature
        samples[again] = exact_order(np.take_along_axis(x[again], turn[again][..., None], axis=1), seed).samples
    z = scatter(normal_scores(n, x.shape[1], seed), samples)
    z = np.take_along_axis(z * orientation(z, seed)[..., None], rank[..., None], axis=1)
    order = Order(np.take_along_axis(samples, rank[..., None], axis=1), first.values)
    alike = np.abs(tied.correlation) > MONOTONE
    few_ties = tied.fraction < tuning.TUNING.few_ties
    return Cells(x, z, order, rank, few_ties, alike, place, seed), tied.fraction


def without_determined(cells: Cells, features: Sequence[int], given: Sequence[int] = ()) -> list[int]:
    """Features of one cell without those that the others of them, or `given` ones, determine but for rounding."""
    if not may_be_determined(cells, [*given, *features])[0]:
        return [int(feature) for feature in cells.sorted(features)[0]] if len(features) else []
    kept: list[int] = []
    for feature in cells.sorted(features)[0] if len(features) else ():
        if not is_determined(cells, int(feature), [*given, *kept]):
            kept.append(int(feature))
    return kept


def is_determined(cells: Cells, feature: int, others: Sequence[int]) -> bool:
    """Whether a feature of one cell is a linear function of others, or a monotone one of one of them."""
    if not others:
        return False
    if cells.alike[0, feature, list(others)].any():
        return True
    rows = _middle(cells, [*others, feature])
    if not _spans(rows):
        return False
    covariance = rows @ rows.T / rows.shape[1]
    slope = np.linalg.lstsq(covariance[:-1, :-1], covariance[:-1, -1], rcond=EXACT / 100)[0]
    rest = rows[-1] - slope @ rows[:-1]
    return bool(rest @ rest < EXACT * rows.shape[1])


def determined(cells: Cells) -> Bools:
    """Which features (cell, feature) the others determine but for rounding."""
    found, features = np.zeros(cells.x.shape[:2], dtype=bool), range(cells.x.shape[1])
    for cell in np.flatnonzero(may_be_determined(cells, features)):
        own = cells.at(np.array([cell]))
        found[cell] = [is_determined(own, f, [g for g in features if g != f]) for f in features]
    return found


def may_be_determined(cells: Cells, features: Sequence[int]) -> Bools:
    """In which cells one of these features may be determined by the others of them (cell,)."""
    if len(features) < 2:
        return np.zeros(len(cells.x), dtype=bool)
    pairs = cells.alike[:, features][:, :, features] & ~np.eye(len(features), dtype=bool)
    found: Bools = np.asarray(pairs.any(axis=(1, 2)))
    inside = _inside(cells, features)
    x = _standardized(np.where(inside[:, None], cells.x[:, features], 0), inside[:, None])
    x = np.where(inside[:, None], x, 0)
    smallest = np.linalg.eigvalsh(x @ np.swapaxes(x, 1, 2) / inside.sum(axis=1)[:, None, None])[:, 0]
    for cell in np.flatnonzero((smallest < EXACT * len(features)) & ~found):
        found[cell] = _spans(x[cell][:, inside[cell]])
    return found


def _spans(rows: Floats) -> bool:
    """Whether samples differ in more places than features have dimensions: fewer lie on a plane whatever they are."""
    differ = (rows != np.median(rows, axis=1, keepdims=True)).any(axis=0)
    return int(np.count_nonzero(differ)) > len(rows)


def _middle(cells: Cells, features: Sequence[int]) -> Floats:
    """Standardized features of one cell where none of them is extreme."""
    return _standardized(cells.x[0, features][:, _inside(cells, features)[0]])


def _inside(cells: Cells, features: Sequence[int]) -> Bools:
    """The samples (cell, sample) that are extreme in none of these features, or all if one does not vary there.

    A few values beyond all others would make any features proportional.
    """
    x = cells.x[:, features]
    inside = (np.abs(cells.z[:, features]) < -ndtri(OUTSIDE / x.shape[1])).all(axis=1)
    least = np.where(inside[:, None], x, np.inf).min(axis=-1)
    varies = (least < np.where(inside[:, None], x, -np.inf).max(axis=-1)).all(axis=1)
    return np.asarray(inside | ~(varies & (inside.sum(axis=1) > 2 * x.shape[1]))[:, None])


def _standardized(x: Floats, where: Bools | None = None) -> Floats:
    """Rows of mean 0 and variance 1 over the samples `where` (by default all), whatever their size."""
    known = np.ones(1, dtype=bool) if where is None else where
    size = np.abs(x).max(axis=-1, keepdims=True, where=known, initial=0)
    x = x / np.where(size > 0, size, 1)
    x = x - x.mean(axis=-1, keepdims=True, where=known)
    spread = x.std(axis=-1, keepdims=True, where=known)
    return np.asarray(x / np.where(spread > 0, spread, 1))
