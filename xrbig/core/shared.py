"""The information that groups of features share, given others: the one function of which all measures are sums."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xrbig.core import joint, mutual, tuning
from xrbig.core.cells import Cells, determined, may_be_determined, with_scores, without_determined
from xrbig.core.gaussianize import Settings, gaussianize
from xrbig.core.marginal import Bools, Floats, Ints, exact_order, rank_gaussianize
from xrbig.core.place import alternating, times_beyond
from xrbig.core.rotation import null_log_det
from xrbig.core.unmixing import tells
from xrbig.core.weights import wiener

Group = Sequence[int]


class Information(NamedTuple):
    """Pointwise information (cell, sample), whose mean is the value; infinite where the value is.

    `n_layers` (cell,) is how many estimates count, or layers of plain RBIG, and `converged` (cell,) whether they ended.
    By the `doubt` (cell,) the value may be wrong beyond the noise of the samples.
    """

    terms: Floats
    n_layers: Ints
    converged: Bools
    doubt: Floats

    @property
    def value(self) -> Floats:
        """Nats (cell,)."""
        return np.asarray(self.terms.mean(axis=-1))


def nothing(cells: Cells) -> Information:
    """No information at all."""
    number = len(cells.x)
    return Information(
        np.zeros((number, cells.x.shape[2])), np.zeros(number, np.int64), np.ones(number, bool), np.zeros(number)
    )


def total(several: Sequence[tuple[float, Information]]) -> Information:
    """Weighted sum; all must have converged, and the layers are those of the first. Infinite less infinite is NaN."""
    with np.errstate(invalid="ignore"):
        terms = sum(weight * own.terms for weight, own in several)
    converged = np.logical_and.reduce([own.converged for _, own in several])
    doubt = np.sqrt(sum((weight * own.doubt) ** 2 for weight, own in several))
    return Information(np.asarray(terms), several[0][1].n_layers, converged, doubt)


def shared(
    cells: Cells, groups: Sequence[Group], settings: Settings, given: Group = (), with_terms: bool = False
) -> Information:
    """Total correlation of single features, or information of two groups, given others or not.

    The terms of plain RBIG are all the same where they are not asked for.
    """
    sets = [list(group) for group in groups]
    if settings.rotation != "auto":
        return _by_rotations(cells, sets, list(given), settings, with_terms)
    if all(len(group) == 1 for group in sets) and not given:
        return _of_single_features(cells, [group[0] for group in sets], settings)
    single = [cells.at(np.array([cell])) for cell in range(len(cells.x))]
    parts = [_of_groups(cell, sets[0], sets[1], list(given), settings) for cell in single]
    return Information(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def _of_single_features(cells: Cells, features: list[int], settings: Settings) -> Information:
    if len(features) < 2:
        return nothing(cells)
    turn = cells.sorted(features)
    x, z = cells.take(cells.x, turn), cells.take(cells.z, turn)
    few_ties = np.asarray(cells.few_ties[:, features].all(axis=1))
    infinite = may_be_determined(cells, features)
    out = nothing(cells)
    out.terms[infinite], out.converged[infinite] = np.inf, False
    finite = ~infinite
    if finite.any():
        found = joint.total_correlation(x[finite], z[finite], few_ties[finite], cells.place.at(finite), settings.seed)
        for array, field in zip(out, found, strict=True):
            array[finite] = field
    return out


def _of_groups(cell: Cells, first: list[int], second: list[int], given: list[int], settings: Settings) -> Information:
    """I of two groups of one cell, given others: what these, or the others of a group, determine adds nothing."""
    given = without_determined(cell, given)
    first, second = (without_determined(cell, group, given) for group in (first, second))
    if not (first and second):
        return nothing(cell)
    cell, first, second, given = _without_others(cell, first, second, given)
    if min(cell.rank[0, second]) < min(cell.rank[0, first]):
        first, second = second, first
    if determined(cell)[0, [*first, *second]].any():
        return Information(np.full((1, cell.x.shape[2]), np.inf), np.ones(1, np.int64), np.zeros(1, bool), np.zeros(1))
    if len(first) == len(second) == 1 and not given:
        return _of_single_features(cell, [*first, *second], settings)
    x, y, z = (mutual.Side(cell.x[0, group], cell.z[0, group]) for group in (first, second, given))
    if given:
        terms = mutual.conditional(x, y, z, cell.place, settings.seed)
    else:
        both = [*first, *second]
        raw = bool(cell.few_ties[0, both].all() and tells(cell.x[:, both])[0])
        terms = mutual.mutual_information(x, y, cell.place, raw, settings.seed)
        terms = terms + _more_by_chain(cell, terms, (both, first, second), settings)
    return Information(terms[None], np.ones(1, np.int64), np.ones(1, bool), np.zeros(1))


def _more_by_chain(cell: Cells, terms: Floats, sets: tuple[list[int], ...], settings: Settings) -> Floats:
    """What T of all features less T of either group finds more than `terms`, as far as that is evident.

    Each T may miss a share of what is within the groups.
    """
    whole, *groups = (_of_single_features(cell, features, settings).terms[0] for features in sets)
    more = whole - sum(groups) - terms
    r = cell.place.memory(cell.z[:, sets[0]])
    noise = more.std() * np.sqrt(float(times_beyond(r, r).mean()) / len(terms))
    missed = tuning.TUNING.missed * sum(float(group.mean()) for group in groups)
    t = np.array(more.mean() / np.hypot(noise, missed))
    return np.asarray(wiener(t, tuning.TUNING.evidence_both_ways) * more)


def _without_others(cell: Cells, *groups: list[int]) -> tuple[Cells, list[int], list[int], list[int]]:
    """The features of three groups alone, with the scores that they have where there are no others."""
    kept = sorted(feature for group in groups for feature in group)
    if len(kept) < cell.x.shape[1]:
        cell, _ = with_scores(cell.x[:, kept], cell.place, cell.seed)
    first, second, given = ([kept.index(feature) for feature in group] for group in groups)
    return cell, first, second, given


def _by_rotations(
    cells: Cells, groups: list[list[int]], given: list[int], settings: Settings, with_terms: bool
) -> Information:
    """Plain RBIG: T by Eq. 7, I by Eq. 8, conditional I as a sum of T."""
    if all(len(group) == 1 for group in groups) and not given:
        return _plain(cells, [group[0] for group in groups], settings, with_terms)
    if given:
        first, second = groups
        sets = [(1.0, [*first, *second, *given]), (-1.0, [*first, *given]), (-1.0, [*second, *given]), (1.0, given)]
        return total([(weight, _plain(cells, features, settings, with_terms)) for weight, features in sets])
    return _by_gaussianized_groups(cells, groups, settings, with_terms)


def _plain(cells: Cells, features: list[int], settings: Settings, with_terms: bool) -> Information:
    """T of some features, Eq. 7."""
    if len(features) < 2:
        return nothing(cells)
    return _gaussianized(cells.take(cells.z, cells.sorted(features)), settings, with_terms)


def _gaussianized(z: Floats, settings: Settings, with_terms: bool, within: float = 0.0) -> Information:
    """T of scores (cell, feature, sample), beyond the null level `within` groups."""
    sequence = alternating(z.shape[2])
    found = gaussianize(np.take(z, sequence, axis=-1), settings, with_terms)
    terms = np.take(found.terms, np.argsort(sequence), axis=-1)
    terms = terms - terms.mean(axis=-1, keepdims=True) + (found.total + within)[:, None]
    return Information(terms, found.n_layers, found.converged, np.zeros(len(terms)))


def _by_gaussianized_groups(cells: Cells, groups: list[list[int]], settings: Settings, with_terms: bool) -> Information:
    """I(x, y) = T([D_x(x), D_y(y)]), Eq. 8.

    As each group is left uncorrelated, the null level of the first log-determinant is that of the pairs across the
    groups alone.
    """
    sequence, within, parts = alternating(cells.x.shape[2]), 0.0, []
    turns = [cells.sorted(group) for group in groups]
    for group, turn in zip(groups, turns, strict=True):
        z = np.take(cells.take(cells.z, turn), sequence, axis=-1)
        if len(group) > 1:
            gaussianize(z, settings)
            within += null_log_det(*z.shape[1:])
        parts.append(np.take(z, np.argsort(sequence), axis=-1))
    both = np.concatenate(parts, axis=1)
    rank = np.take_along_axis(cells.rank, np.concatenate(turns, axis=1), axis=1)
    both = np.take_along_axis(both, np.argsort(rank, axis=1)[..., None], axis=1)
    both = rank_gaussianize(exact_order(both, settings.seed), settings.seed)
    return _gaussianized(both, settings, with_terms, within)
