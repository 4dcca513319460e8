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
    rank_gaussianize,
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
    order = exact_order(np.take_along_axis(x, turn[..., None], axis=1), seed)
    z = rank_gaussianize(order, seed)
    z = np.take_along_axis(z * orientation(z, seed)[..., None], rank[..., None], axis=1)
    samples = np.take_along_axis(order.samples, rank[..., None], axis=1)
    values = np.take_along_axis(order.values, rank[..., None], axis=1)
    alike = np.abs(tied.correlation) > MONOTONE
    few_ties = tied.fraction < tuning.TUNING.few_ties
    return Cells(x, z, Order(samples, values), rank, few_ties, alike, place, seed), tied.fraction


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
    rows = _middle(cells, 0, [*others, feature])
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
    middle = [_middle(cells, cell, features) for cell in range(len(cells.x))]
    smallest = np.array([np.linalg.eigvalsh(rows @ rows.T / rows.shape[1])[0] for rows in middle])
    on_plane = (smallest < EXACT * len(features)) & [_spans(rows) for rows in middle]
    pairs = cells.alike[:, features][:, :, features] & ~np.eye(len(features), dtype=bool)
    return np.asarray(on_plane | pairs.any(axis=(1, 2)))


def _spans(rows: Floats) -> bool:
    """Whether samples differ in more places than features have dimensions: fewer lie on a plane whatever they are."""
    differ = (rows != np.median(rows, axis=1, keepdims=True)).any(axis=0)
    return int(np.count_nonzero(differ)) > len(rows)


def _middle(cells: Cells, cell: int, features: Sequence[int]) -> Floats:
    """Standardized features of a cell at the samples that are extreme in none of them, at all if none vary there.

    A few values beyond all others would make any features proportional.
    """
    own = list(features)
    x, most = cells.x[cell, own], -ndtri(OUTSIDE / len(own))
    inside = x[:, (np.abs(cells.z[cell, own]) < most).all(axis=0)]
    varies = inside.shape[1] > 2 * len(own) and (inside.min(axis=1) < inside.max(axis=1)).all()
    return _standardized(inside if varies else x)


def _standardized(x: Floats) -> Floats:
    """Rows of mean 0 and variance 1, whatever their size."""
    size = np.abs(x).max(axis=-1, keepdims=True)
    x = x / np.where(size > 0, size, 1)
    x = x - x.mean(axis=-1, keepdims=True)
    spread = x.std(axis=-1, keepdims=True)
    return np.asarray(x / np.where(spread > 0, spread, 1))
