"""Weak dependence in moments of few features, which are sharp tests, and what it amounts to."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from xrbig.core.marginal import Floats, argsort, scatter
from xrbig.core.place import times
from xrbig.core.weights import normal_score

DEGREES = 3  # of the Hermite polynomials of each feature
PRODUCTS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))  # degrees, less one, whose products of two features are looked at
TRIPLE_WAVES = (2, 4)  # the same of three features
WAVES = (2, 4, 8)  # half-waves of the ranks, from coarse to fine
TRIPLES = 12  # features up to which all triples are looked at
LARGEST = 0.95  # square of a correlation that counts: larger ones are beyond an expansion


class Found(NamedTuple):
    """What moments tell of sets of features in stacked cells.

    Attributes
    ----------
    sets : tuples of features
    value : array (cell, set), nats less what chance adds
    worth : array (cell, set), the same, or more where waves tell it: a measure of which sets matter, not of how much
    score : array (cell, set), normal score of all tests of a set, the best of `tests` in all
    """

    sets: list[tuple[int, ...]]
    value: Floats
    worth: Floats
    score: Floats
    tests: int


def hermite(y: Floats) -> Floats:
    """Hermite polynomials (cell, feature, degree, sample) of mean 0 and variance 1."""
    h = np.stack([y, y * y - 1, y * (y * y - 3)], axis=2)
    h -= h.mean(axis=-1, keepdims=True)
    return np.asarray(h / h.std(axis=-1, keepdims=True))


def waves(y: Floats) -> Floats:
    """Cosines (cell, feature, wave, sample) of the ranks."""
    n, number = y.shape[-1], np.arange(1, WAVES[-1] + 1)
    table = np.sqrt(2) * np.cos(np.pi * number[:, None] * (np.arange(n) + 0.5) / n)
    order = np.broadcast_to(argsort(y)[:, :, None], (*y.shape[:2], len(table), n))
    return scatter(table, order)


def pairs_and_triples(y: Floats, r: Floats) -> Found:
    """What pairs and triples of the features `y` (cell, feature, sample) share beyond their correlations.

    -1/2 log(1 - c^2) of the canonical correlations c among products of total degree three and four, and of products of
    three features. `r` (cell, feature, lag) are the autocorrelations of the features: those of a polynomial are taken
    for powers of them, as of a Gaussian process.
    """
    features = y.shape[1]
    h, powers = hermite(y), np.stack([r, r**2, r**3], axis=2)
    pairs = list(combinations(range(features), 2))
    triples = list(combinations(range(features), 3)) if features <= TRIPLES else []
    moment, chance = _moments_of_pairs(h, powers)
    value, score = _of_pairs(_without_harmonics(moment), chance, PRODUCTS)
    more, surprise = _of_waves(*_moments_of_pairs(waves(y), _memory(r)))
    worth, score = np.maximum(value, more), np.maximum(score, surprise)
    tests = len(pairs) * (1 + len(WAVES)) + len(triples) * (1 + len(TRIPLE_WAVES))
    if triples:
        own, own_score = _of_triples(h, powers, pairs, triples)
        more, surprise = _of_waves_of_triples(y, r, pairs, triples)
        value, worth = (np.concatenate(both, axis=1) for both in ((value, own), (worth, np.maximum(own, more))))
        score = np.concatenate([score, np.maximum(own_score, surprise)], axis=1)
    return Found([*pairs, *triples], value, worth, score, tests)


def _memory(r: Floats) -> Floats:
    """Autocorrelations (cell, feature, wave, lag) of waves, taken to forget as a square does, or slower."""
    return np.stack([np.abs(r)] + [r**2] * (WAVES[-1] - 1), axis=2)


def _without_harmonics(moment: Floats) -> Floats:
    """Moments of squares with squares less what those of a linear function with a square, or a cube, imply for them.

    To second order in these, E[h2(x) h2(y)] = 2 (c12^2 + c21^2) + 3 (c13^2 + c31^2), h being Hermite polynomials.
    """
    implied = 2 * (moment[..., 0, 1] ** 2 + moment[..., 1, 0] ** 2) + 3 * (
        moment[..., 0, 2] ** 2 + moment[..., 2, 0] ** 2
    )
    out = moment.copy()
    out[..., 1, 1] -= np.clip(moment[..., 1, 1], 0, implied)
    return out


def values_of_pairs(z: Floats, r: Floats) -> Floats:
    """What pairs of scores `z` (cell, feature, sample) share, correlations included, (cell, pair)."""
    powers = np.stack([r, r**2, r**3], axis=2)
    return _of_pairs(*_moments_of_pairs(hermite(z), powers), (*PRODUCTS, (0, 0)))[0]


def _moments_of_pairs(rows: Floats, memory: Floats) -> tuple[Floats, Floats]:
    """Means (cell, pair, row, row) of products of `rows` (cell, feature, row, sample), and variances by chance."""
    cells, features, number, n = rows.shape
    one, other = np.triu_indices(features, 1)
    found = []
    for matrix in (_flat(rows) @ _flat(rows).swapaxes(1, 2), times(_flat(memory), _flat(memory))):
        table = matrix.reshape(cells, features, number, features, number) / n
        found.append(np.ascontiguousarray(table[:, one, :, other].swapaxes(0, 1)))
    return found[0], found[1]


def _flat(rows: Floats) -> Floats:
    return rows.reshape(len(rows), -1, rows.shape[-1])


def _of_pairs(moment: Floats, chance: Floats, products: Sequence[tuple[int, int]]) -> tuple[Floats, Floats]:
    """Value and score (cell, pair) of moments (cell, pair, degree, degree) whose variance by `chance` is known."""
    kept = np.zeros(moment.shape[2:])
    kept[tuple(np.array(products).T)] = 1
    singular = np.linalg.svd(moment * kept, compute_uv=False)
    value = -np.log1p(-np.minimum(singular**2, LARGEST)).sum(axis=-1) / 2 - (chance * kept).sum(axis=(2, 3)) / 2
    return value, _score(moment, chance * kept)


def _score(moment: Floats, chance: Floats) -> Floats:
    """Normal score of the sum of the squares of moments (..., row, row) of which those count that have a `chance`."""
    expected = chance.sum(axis=(-1, -2))
    degrees = expected**2 / (chance**2).sum(axis=(-1, -2))
    return normal_score((moment**2 * (chance > 0)).sum(axis=(-1, -2)) / expected, degrees)


def _of_waves(moment: Floats, chance: Floats) -> tuple[Floats, Floats]:
    """Worth and score (cell, pair) of products of waves, the best of all resolutions."""
    parts = [(moment[..., :k, :k], chance[..., :k, :k]) for k in WAVES]
    worth = [((own**2).sum(axis=(-1, -2)) - level.sum(axis=(-1, -2))) / 2 for own, level in parts]
    return np.max(worth, axis=0), np.max([_score(*part) for part in parts], axis=0)


def _of_waves_of_triples(
    y: Floats, r: Floats, pairs: Sequence[tuple[int, ...]], triples: Sequence[tuple[int, ...]]
) -> tuple[Floats, Floats]:
    """Worth and score (cell, triple) of products of waves of three features, the best of all resolutions."""
    cells, _, n = y.shape
    number, place = TRIPLE_WAVES[-1], {pair: i for i, pair in enumerate(pairs)}
    w, (one, other) = waves(y)[:, :, :number], np.array(pairs).T
    first = np.array([place[own[:2]] for own in triples])
    third = np.array([own[2] for own in triples])
    moment = np.empty((cells, len(triples), number, number, number))
    for i in range(number):
        for j in range(number):
            product = w[:, one[first], i] * w[:, other[first], j]
            moment[:, :, i, j] = np.einsum("ctn,ctkn->ctk", product, w[:, third]) / n
    time = times(np.abs(r[:, one[first]] * r[:, other[first]]), np.abs(r[:, third]))
    chance = np.einsum("ctt->ct", time) / n
    worth, scores = [], []
    for k in TRIPLE_WAVES:
        square = (moment[..., :k, :k, :k] ** 2).sum(axis=(2, 3, 4))
        worth.append((square - k**3 * chance) / 2)
        scores.append(normal_score(square / (k**3 * chance), float(k**3)))
    return np.max(worth, axis=0), np.max(scores, axis=0)


def _of_triples(
    h: Floats, powers: Floats, pairs: Sequence[tuple[int, ...]], triples: Sequence[tuple[int, ...]]
) -> tuple[Floats, Floats]:
    """Value and score (cell, triple) of products of three features, all linear or one of them a square."""
    n, place = h.shape[-1], {pair: i for i, pair in enumerate(pairs)}
    one, other = np.array(pairs).T
    moment = (h[:, one, 0] * h[:, other, 0]) @ h[:, :, :2].reshape(len(h), -1, n).swapaxes(1, 2) / n
    both = powers[:, one, 0] * powers[:, other, 0]
    chance = times(both, powers[:, :, :2].reshape(len(h), -1, powers.shape[-1])) / n
    columns = [(place[i, j], 2 * k) for i, j, k in triples]
    columns += [(place[i, j], 2 * k + 1) for i, j, k in triples]
    columns += [(place[i, k], 2 * j + 1) for i, j, k in triples]
    columns += [(place[j, k], 2 * i + 1) for i, j, k in triples]
    rows = tuple(np.array(columns).T)
    moment = moment[:, *rows].reshape(len(h), 4, -1)
    chance = chance[:, *rows].reshape(len(h), 4, -1)
    square, expected = (moment**2).sum(axis=1), chance.sum(axis=1)
    value = -np.log1p(-np.minimum(square, LARGEST)) / 2 - expected / 2
    return value, normal_score(square / expected, expected**2 / (chance**2).sum(axis=1))
