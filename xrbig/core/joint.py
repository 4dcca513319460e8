"""Total correlation of all features together.

It goes from blunt estimates that are exact where nothing is shared to sharp ones. Every estimate errs by what it
misses, so one climbs from one to the next, by as much of what this finds more as is evident: nothing is chosen, and
nothing jumps.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from xrbig.core import tuning
from xrbig.core.elliptical import radius_above_chance
from xrbig.core.layers.mixture import Mixture, monomials_of, training
from xrbig.core.marginal import Bools, Floats, Ints, exact_order, rank_gaussianize
from xrbig.core.negentropy import margins_above_chance
from xrbig.core.place import Place, alternating, times, times_beyond, without_cycles
from xrbig.core.rungs import neighbours
from xrbig.core.rungs.ellipse import ellipse
from xrbig.core.rungs.moments import Found, pairs_and_triples, values_of_pairs
from xrbig.core.unmixing import log_margins, standardize, tells, unmixing_layer, unmixing_terms
from xrbig.core.weights import climb, evidence, share, share_of_best, stacked, wiener

COMPONENTS = (2, 3, 4, 6, 10, 16)
LARGEST_LOG = 50.0  # gain of a sample, beyond which one more tells nothing


class Joint(NamedTuple):
    """Pointwise T (cell, sample), and of each cell how many estimates count, if T is finite, and a doubt in nats."""

    terms: Floats
    n_layers: Ints
    converged: Bools
    doubt: Floats


class Scores(NamedTuple):
    """T of normal scores.

    Attributes
    ----------
    terms : array (cell, sample), pointwise
    n_layers : array (cell,), how many estimates count
    ellipse : array (cell,), T of the t copula
    evident : array (cell,), the share of what is left that is evident
    times : array (cell,), how many times fewer samples autocorrelation leaves
    doubt : array (cell,), by how much the sharpest neighbours differ from blunter ones
    """

    terms: Floats
    n_layers: Ints
    ellipse: Floats
    evident: Floats
    times: Floats
    doubt: Floats


def total_correlation(x: Floats, z: Floats, few_ties: Bools, place: Place, seed: int) -> Joint:
    """T of the features `x`, whose scores are `z`, (cell, feature, sample) each."""
    found = of_scores(z, place, seed)
    terms, n_layers = found.terms, found.n_layers
    own = np.flatnonzero(few_ties & tells(x))
    if own.size:
        _unmix(x, own, found, place, seed)
    due = found.evident if x.shape[1] > tuning.TUNING.few else share(terms.mean(axis=1), *tuning.TUNING.strong)
    for cell in own[due[own] > 0]:
        _mix(x[cell], found.terms[cell : cell + 1], float(due[cell]), place.at(np.array([cell])), seed)
    infinite = _grows(z, terms.mean(axis=1), place, seed)
    return Joint(terms, n_layers, ~infinite, found.doubt)


def _unmix(x: Floats, own: Ints, found: Scores, place: Place, seed: int) -> None:
    """Add to what was `found` what raw values, unmixed, share more, in the cells where that is evident."""
    sequence = alternating(x.shape[2])
    unmixed = unmixing_layer(np.ascontiguousarray(x[own][..., sequence]), seed)
    weight = wiener((unmixed.assured - found.ellipse[own]) / (unmixed.noise * np.sqrt(found.times[own])))
    for i in np.flatnonzero(weight > tuning.TUNING.least):
        cell = own[i]
        parts = np.take(unmixed.y[i : i + 1], np.argsort(sequence), axis=-1)
        scores = rank_gaussianize(exact_order(parts, seed), seed)
        left = of_scores(scores, place.at(own[i : i + 1]), seed).terms
        gain = unmixing_terms(x[own[i : i + 1]], parts)
        more = (unmixed.gain[i] + gain - gain.mean() + left)[0] - found.terms[cell]
        if more.mean() > 0:
            found.terms[cell] += weight[i] * more
            found.n_layers[cell] += weight[i] > 0.5


def _mix(x: Floats, terms: Floats, due: float, place: Place, seed: int) -> None:
    """Add to the `terms` (1, sample) of a cell, by a share, what mixtures of its values `x` (feature, sample) add."""
    y = standardize(x)
    r = place.memory(y[None])
    time = float(times_beyond(r, r)[0][np.triu_indices(len(x), 1)].mean())
    held, seen = mixtures(y, place, time, seed)
    alone = log_margins(y[None])[0] + (y**2).sum(axis=0) / 2
    more = held - alone - terms[0]
    found = max(0.0, float(((held + seen) / 2 - alone - terms[0]).mean()))
    t = np.array(evidence(more, len(more) / time) / tuning.TUNING.spread_unseen)
    terms += due * wiener(t, tuning.TUNING.evidence_sharper) * found


def _grows(z: Floats, total: Floats, place: Place, seed: int) -> Bools:
    """Whether T of few features, estimated as `total`, grows with the logarithm of the number of samples."""
    singular = np.zeros(len(z), dtype=bool)
    if z.shape[1] <= tuning.TUNING.few:
        for cell in np.flatnonzero(total > tuning.TUNING.endless):
            half = Place(place.shape, place.flat[cell : cell + 1, ::2])
            scores = rank_gaussianize(exact_order(z[[cell], :, ::2], seed), seed)
            singular[cell] = total[cell] - of_scores(scores, half, seed).terms.mean() > np.log(2) / 2
    return singular


def of_scores(z: Floats, place: Place, seed: int) -> Scores:
    """T of normal scores `z` (cell, feature, sample): t copula, moments, neighbours, trees and mixtures."""
    cells, features, _ = z.shape
    r, pairs = place.autocorrelation(z), np.triu_indices(features, 1)
    time = times(r, r)[:, *pairs].mean(axis=1)
    r = without_cycles(r, z.shape[2])
    near, beyond = (own(r, r)[:, *pairs].mean(axis=1) for own in (times, times_beyond))
    alone = [slice(i, i + 1) for i in range(features)]
    base = ellipse(z, alone, time)
    terms, y = base.terms, base.y
    if features > tuning.TUNING.few:
        radius, y = radius_above_chance(y)
        terms = terms + radius[:, None]
    margins, normal = margins_above_chance(y)
    terms = terms + margins[:, None]
    y = normal if features > tuning.TUNING.few else y
    found = pairs_and_triples(y, r)
    shares = share_of_best(found.score, found.tests)
    evident, n_layers, doubt = shares.max(axis=1), np.ones(cells, dtype=np.int64), np.zeros(cells)
    for cell in np.flatnonzero(evident > 0).tolist() if features <= tuning.TUNING.few else range(cells):
        asked = neighbours.Asked.at(place, cell, float(near[cell]))
        left = Left(z[cell], y[cell], asked, float(beyond[cell]))
        if features <= tuning.TUNING.few:
            terms[cell], more, doubt[cell] = _few(left, terms[cell], found, cell, shares[cell])
        else:
            start = _forest(left, found, cell, shares[cell])
            terms[cell], more, weight = _many(
                left, terms[cell], start, float(evident[cell]), place.at(np.array([cell])), seed
            )
            evident[cell] = weight
        n_layers[cell] += more
    return Scores(terms, n_layers, base.terms.mean(axis=1), evident, time, doubt)


class Left(NamedTuple):
    """One cell: scores `z` and what is left of them, `y` (feature, sample); samples asked, and their memory."""

    z: Floats
    y: Floats
    asked: neighbours.Asked
    time: float

    @property
    def effective(self) -> float:
        """How many independent samples would tell as much as those asked."""
        return len(self.asked.samples) / self.time

    def of_all(self, asked: Floats) -> Floats:
        """Terms of all samples: those not asked have the mean."""
        terms = np.full(self.y.shape[1], asked.mean())
        terms[self.asked.samples] = asked
        return terms

    def rows(self, y: Floats) -> Floats:
        """Terms (k, asked) of neighbours in the features `y`, from many to few."""
        alone = [slice(i, i + 1) for i in range(len(y))]
        return neighbours.terms(y, alone, self.asked, neighbours.scales(y.shape[1], len(y)))

    def climbed(self, rows: Floats, start: float) -> Floats:
        """Terms of the samples asked, from `start` on, of neighbours from many to few."""
        now = np.full(rows.shape[1], start)
        for row in rows:
            more = row - now
            t = np.array(evidence(more, self.effective) / tuning.TUNING.spread)
            now = now + wiener(t, tuning.TUNING.evidence_sharper) * more
        return now


def _few(left: Left, base: Floats, found: Found, cell: int, shares: Floats) -> tuple[Floats, int, float]:
    """T of few features: neighbours in what the t copula leaves, then sharp ones in the scores as they are.

    A feature of which no pair or triple tells anything evident would blur the others: these come first without it.
    """
    every, weight = list(range(len(left.y))), float(shares.max())
    value = shares * np.maximum(found.value[cell], 0)

    def told_by(features: list[int]) -> tuple[Floats, float]:
        start = sum(float(v) for v, own in zip(value, found.sets, strict=True) if set(own) <= set(features))
        return _by_neighbours(left, base, features, min(start, tuning.TUNING.weak), weight)

    involved = [max(w for w, own in zip(shares, found.sets, strict=True) if f in own) for f in every]
    terms, doubt = told_by(every)
    silent = int(np.argmin(involved))
    if len(every) > 2 and involved[silent] < 1:
        without, doubt = told_by([f for f in every if f != silent])
        climbed = climb(without, terms, len(base) / left.time, spread=tuning.TUNING.spread)
        terms = involved[silent] * terms + (1 - involved[silent]) * climbed
    return terms, int(weight > 0.5), doubt


def _by_neighbours(left: Left, base: Floats, features: list[int], start: float, weight: float) -> tuple[Floats, float]:
    """T of all features, beyond the t copula by neighbours in some of them, and by how much the sharpest differ."""
    rows = left.rows(left.y[features])
    own = start + weight * (left.climbed(rows, start) - start)
    terms, bent = base + left.of_all(own), float(share(base.mean(), *tuning.TUNING.bent))
    if own.mean() > 0 and bent:
        alone = [slice(i, i + 1) for i in range(len(features))]
        some, sharp = left.asked.half(), neighbours.scales(len(base), len(features))[-1:]
        more = neighbours.terms(left.z[features], alone, some, sharp)[0] - terms[some.samples]
        t = np.array(evidence(more, left.effective / 2) / tuning.TUNING.spread)
        terms += bent * float(wiener(t, tuning.TUNING.evidence_sharper)) * more.mean()
    return terms, weight * abs(float(rows[-1].mean() - rows[max(0, len(rows) - 2)].mean()))


def _many(left: Left, base: Floats, start: float, weight: float, place: Place, seed: int) -> tuple[Floats, int, float]:
    """T of many features: neighbours in what the t copula leaves; a tree of pairs; mixtures.

    Neighbours are a test of their own, of what neither pairs nor triples show.
    """
    rows = left.rows(left.y)
    blunt = evidence(rows[0], left.effective) / tuning.TUNING.spread
    weight = max(weight, float(share_of_best(np.array(blunt), 2)))
    own = start + weight * (left.climbed(rows, start) - start)
    terms = base + left.of_all(own)
    if not weight or own.mean() <= 0:
        return terms, 0, weight
    terms = _tree(left, terms, place, seed)
    held, seen = mixtures(left.y, place, left.time, seed)
    t = (base + held - terms).mean() / (tuning.TUNING.spread_unseen * held.std() / np.sqrt(left.effective) + 1e-12)
    counts = weight * float(wiener(np.array(t), tuning.TUNING.evidence_sharper))
    terms += counts * max(0.0, float((base + (held + seen) / 2 - terms).mean()))
    return terms, 1, weight


def _forest(left: Left, found: Found, cell: int, shares: Floats) -> float:
    """What pairs and triples share, those first that share most, without circles: so it adds up."""
    total = 0.0
    size = np.array([len(own) for own in found.sets])
    for i in acyclic(found.sets, shares * found.worth[cell] / (size - 1)):
        start = min(max(float(found.value[cell, i]), 0.0), tuning.TUNING.weak)
        total += shares[i] * left.climbed(left.rows(left.y[list(found.sets[i])]), start).mean()
    return total


def acyclic(sets: list[tuple[int, ...]], value: Floats) -> list[int]:
    """Which sets of features, the most valuable first, join what none before has joined."""
    root = list(range(1 + max(max(own) for own in sets)))
    chosen = []
    for i in np.argsort(-value, kind="stable"):
        roots = {root[feature] for feature in sets[i]}
        if value[i] > 0 and len(roots) == len(sets[i]):
            chosen.append(int(i))
            root = [min(roots) if own in roots else own for own in root]
    return chosen


def _tree(left: Left, terms: Floats, place: Place, seed: int) -> Floats:
    """The estimate `terms`, or as far as it finds more that of a tree of the pairs that share most."""
    pairs: list[tuple[int, ...]] = list(combinations(range(len(left.z)), 2))
    edges = acyclic(pairs, values_of_pairs(left.z[None], place.memory(left.z[None]))[0])
    if not edges:
        return terms
    z = np.stack([left.z[list(pairs[i])] for i in edges])
    tree = of_scores(z, place.at(np.zeros(len(edges), dtype=np.int64)), seed).terms.sum(axis=0)
    more = tree - terms
    counts = wiener(np.array(evidence(more, left.effective)), tuning.TUNING.evidence_sharper)
    return terms + float(counts) * max(0.0, float(more.mean()))


def mixtures(y: Floats, place: Place, time: float, seed: int) -> tuple[Floats, Floats]:
    """Log-densities (sample,) of mixtures stacked with N(0, I), relative to it, of unseen and of seen samples."""
    (features, n), folds = y.shape, tuning.TUNING.folds
    fold, held, seen = place.folds(0, folds, time), [np.zeros(n)], [np.zeros(n)]
    train = training(fold, folds)
    parameters = (features + 1) * (features + 2) / 2 * tuning.TUNING.samples_per_parameter
    known = [components for components in COMPONENTS if components * parameters <= len(train[0])]
    if not known:
        return held[0], seen[0]
    fitted = np.stack([y[:, own] for own in train])
    powers, every = monomials_of(fitted), monomials_of(y[None])
    square = (y**2).sum(axis=0) / 2
    for components in known:
        fit = Mixture.fit(fitted, powers, components, seed, thin=True)
        gains = np.stack([square + fit.at(slice(k, k + 1)).log_density(every)[0] for k in range(folds)])
        held.append(gains[fold, np.arange(n)])
        seen.append((gains.sum(axis=0) - held[-1]) / (folds - 1))
        if len(held) > 2 and held[-1].mean() < held[-2].mean():
            break
    density = np.exp(np.minimum(held, LARGEST_LOG))
    weight = stacked(density)
    return np.log((weight * density).sum(axis=0)), np.log((weight * np.exp(np.minimum(seen, LARGEST_LOG))).sum(axis=0))
