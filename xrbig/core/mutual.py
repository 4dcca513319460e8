"""Mutual information of groups, conditional or not: first what few features tell, then a ladder for what is left.

A feature v may be destructed given a part u of x, as I(x; v) = I(u; v) + I(x; v-hat) - I(u; v-hat), v-hat = D(v | u),
whatever D is: an imperfect destructor does no harm, and features that tell nothing cannot hide what others tell.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import eval_hermitenorm, gammaln, ndtr

from xrbig.core import joint, negentropy, tuning
from xrbig.core.between import Between, between
from xrbig.core.cache import cached
from xrbig.core.conditional import destruct, made_normal, white
from xrbig.core.marginal import Floats, argsort
from xrbig.core.place import Place, times
from xrbig.core.rotation import null_log_det
from xrbig.core.rungs.moments import WAVES, waves
from xrbig.core.unmixing import standardize
from xrbig.core.weights import climb, normal_score, share_of_best, wiener

DEPTH = 2  # layers one after the other
CHANCE = 1.3  # how far the largest canonical correlation by chance scatters
NEAR_ONE = 1 - 1e-12


class Side(NamedTuple):
    """A group of features of one cell, values and scores (feature, sample)."""

    x: Floats
    z: Floats


def mutual_information(x: Side, y: Side, place: Place, few_ties: bool, seed: int) -> Floats:
    """Pointwise I (sample,): of scores, or of raw values by linear regression where that alone tells more."""
    if len(x.x) < len(y.x):
        x, y = y, x
    found = _groups(x.z, y.z, place, seed)
    if not few_ties:
        return found.terms
    raw, noise, left = _linear(x.x, y.x, place, found.terms.shape[0] / found.effective, seed)
    more = raw - found.terms
    if more.mean() <= 0:
        return found.terms
    t = more.mean() / np.hypot(more.std() / np.sqrt(found.effective), noise)
    rest = max(0.0, float(_ladder(*left, place, seed).terms.mean()))
    return np.asarray(found.terms + wiener(np.array(t), tuning.TUNING.evidence_both_ways) * (more + rest))


def conditional(x: Side, y: Side, z: Side, place: Place, seed: int) -> Floats:
    """Pointwise I(x; y | z) (sample,).

    x and y are destructed given z; then I(x-hat; y-hat), and what depends on z, I(x-hat; [y-hat, z]) - I(x-hat; z), as
    far as it evidently is more.
    """
    r = place.memory(np.concatenate([x.z, y.z])[None])
    time = float(times(r[:, : len(x.z)], r[:, len(x.z) :]).mean())
    rest = destruct(np.concatenate([x.z, y.z]), z.z, place, time, seed).rest
    one, other = rest[: len(x.z)], rest[len(x.z) :]
    pair = _groups(one, other, place, seed)
    with_z = _groups(one, np.concatenate([other, z.z]), place, seed).terms - _groups(one, z.z, place, seed).terms
    return climb(pair.terms, with_z, pair.effective, tuning.TUNING.evidence_sharper)


def _ladder(x: Floats, y: Floats, place: Place, seed: int) -> Between:
    """I of two groups of scores at once."""
    if len(x) > 1 or len(y) > 1:
        return between(x, y, place)
    pair = np.concatenate([x, y])[None]
    r = place.memory(pair)
    return Between(joint.of_scores(pair, place, seed).terms[0], x.shape[1] / float(times(r, r)[0, 0, 1]))


def _groups(x: Floats, y: Floats, place: Place, seed: int) -> Between:
    """I of two groups of scores; what one feature of y tells of x before I(x; the others | this one)."""
    x, y = (x, y) if len(x) >= len(y) else (y, x)
    if len(y) == 1:
        return _with_one(x, y, place, seed)
    found = _ladder(x, y, place, seed)
    t = _surprise(x, y, place)
    best, weight = int(t.max(axis=0).argmax()), float(share_of_best(t.max(), t.size))
    if weight <= tuning.TUNING.least:
        return found
    v, others = y[best : best + 1], np.delete(y, best, axis=0)
    rest = destruct(np.concatenate([x, others]), v, place, x.shape[1] / found.effective, seed).rest
    more = _with_one(x, v, place, seed).terms + _ladder(rest[: len(x)], rest[len(x) :], place, seed).terms
    return found._replace(terms=climb(found.terms, more, found.effective, tuning.TUNING.evidence_sharper, 1 / weight))


def _with_one(x: Floats, v: Floats, place: Place, seed: int) -> Between:
    """I of a group and one feature v, and layers that take first what few features tell."""
    found = _ladder(x, v, place, seed)
    terms, rest, taken = found.terms, v, np.zeros(v.shape[1])
    for _ in range(DEPTH if len(x) > 1 else 0):
        u, weight = _most_evident(x, rest, place)
        if weight < tuning.TUNING.least:
            break
        now = _ladder(u, rest, place, seed).terms
        layer = destruct(rest, u, place, v.shape[1] / found.effective, seed)
        still = _ladder(u, layer.rest, place, seed).terms
        taken = taken + climb(now, layer.gain[0] + still, found.effective) - still
        rest = layer.rest
        left = _ladder(x, rest, place, seed).terms
        more = taken + (left if left.mean() > still.mean() else still)
        terms = climb(terms, more, found.effective, tuning.TUNING.evidence_sharper, 1 / weight)
    return found._replace(terms=terms)


def _most_evident(x: Floats, v: Floats, place: Place) -> tuple[Floats, float]:
    """The feature of x, or its directions, that tell most evidently of v more than correlation, and their share."""
    directions = _directions(x, v, place) if len(x) > 2 else x[:0]
    t = _surprise(np.concatenate([x, directions]), v, place)[:, 0]
    best = int(np.argmax(t))
    return x[best : best + 1] if best < len(x) else directions, float(share_of_best(t.max(), len(t)))


def _directions(x: Floats, v: Floats, place: Place) -> Floats:
    """Linear directions of x, two at most, that evidently go with waves of v: neighbours see three features well."""
    n, w = x.shape[1], white(x)
    b = waves(v[None])[0, 0]
    left, c, _ = np.linalg.svd(w @ b.T / n, full_matrices=False)
    time = times(place.memory(w[None]), place.memory(b[None])).mean()
    chance = (np.sqrt(len(w)) + np.sqrt(len(b))) * np.sqrt(time / n)
    return made_normal(left[:, : min(2, int((c > CHANCE * chance).sum()))].T @ w)


@cached
def _hermite_of_waves() -> Floats:
    """Hermite coefficients (wave, degree) of waves: at correlation r the mean of a product is sum h_k h_k r^k."""
    z, w = np.polynomial.hermite_e.hermegauss(150)
    h = np.stack([eval_hermitenorm(k, z) / np.exp(gammaln(k + 1) / 2) for k in range(1, 40)])
    cosines = np.sqrt(2) * np.cos(np.pi * np.arange(1, WAVES[-1] + 1)[:, None] * ndtr(z))
    return np.asarray((cosines * w / w.sum()) @ h.T)


def _surprise(x: Floats, y: Floats, place: Place) -> Floats:
    """Normal scores (feature of x, feature of y) of what pairs share beyond their own Gaussian copula."""
    n, number, h = x.shape[1], WAVES[-1], _hermite_of_waves()
    a, b = (waves(v[None])[0].reshape(-1, n) for v in (x, y))
    memory = times(place.memory(a[None]), place.memory(b[None]))[0]
    moment, chance = (table.reshape(len(x), number, len(y), number).swapaxes(1, 2) / n for table in (a @ b.T, memory))
    r = np.clip(x @ y.T / n, -0.999, 0.999)[..., None] ** np.arange(1, h.shape[1] + 1)
    square = (moment - np.einsum("ak,bk,ijk->ijab", h, h, r)) ** 2
    scores = []
    for k in WAVES:
        level = chance[..., :k, :k]
        expected = level.sum(axis=(2, 3))
        degrees = expected**2 / (level**2).sum(axis=(2, 3))
        scores.append(normal_score(square[..., :k, :k].sum(axis=(2, 3)) / expected, degrees))
    return np.asarray(np.max(scores, axis=0))


def _linear(x: Floats, y: Floats, place: Place, time: float, seed: int) -> tuple[Floats, float, tuple[Floats, Floats]]:
    """Pointwise I by regression between canonical directions of raw values, its noise, and scores of what is left.

    H(y) - H(r) of the residuals r holds T of both, each of which may miss a share, and their margins.
    """
    a, b = (white(standardize(v), 1e-9) for v in (x, y))
    (dx, n), dy = a.shape, len(b)
    left, c, right = np.linalg.svd(a @ b.T / n)
    c = np.minimum(np.concatenate([c, np.zeros(dy - len(c))]), NEAR_ONE)[:, None]
    b = right @ b
    r = (b - c * np.concatenate([left.T @ a, np.zeros((dy, n))])[:dy]) / np.sqrt(1 - c * c)
    terms = (-np.log(1 - c * c) / 2 - r * r / 2 + b * b / 2).sum(axis=0)
    terms = terms - time * (null_log_det(dx + dy, n) - null_log_det(dx, n) - null_log_det(dy, n))
    scores, missed = made_normal(r), 0.0
    for sign, v, own in ((1, r, scores), (-1, b, made_normal(b))):
        terms = terms + sign * float(negentropy.marginal_gain(v[None], argsort(v[None])).value[0])
        if len(v) > 1:
            within = joint.of_scores(own[None], place, seed).terms[0]
            terms, missed = terms + sign * within, tuning.TUNING.missed * float(within.mean())
    return terms, np.hypot(negentropy.noise(n, 2 * dy) * time, missed), (made_normal(a), scores)
