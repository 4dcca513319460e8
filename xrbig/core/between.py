"""Mutual information of two groups of features, whatever either has within itself."""

from typing import NamedTuple

import numpy as np

from xrbig.core import tuning
from xrbig.core.elliptical import inverse_root, log_norm, made_normal, student_scores
from xrbig.core.marginal import Floats, Ints, Reals
from xrbig.core.place import Place, times
from xrbig.core.rotation import null_log_det
from xrbig.core.rungs import neighbours
from xrbig.core.rungs.ellipse import DEGREES, FINEST, fit
from xrbig.core.rungs.tilt import Ratio, cross_moments
from xrbig.core.weights import evidence, share

KS = (80, 36, 16, 7, 3)
LEAST = 0.05  # share of a path from which its neighbours are looked for
UNLIKELY = 1e-3  # share of a path by the t copula alone, below which nothing more is looked for


class Path(NamedTuple):
    """What a t copula tells of two groups, and what it leaves.

    Attributes
    ----------
    log_weight : of its likelihood among the paths
    terms : array (sample,)
    joint, x, y : normal features, of all together and of each group by itself
    ratio : log-density ratio that it is, None where it is 0
    rests : the one group without what the other tells of it, linearly, where that other is one feature alone
    """

    log_weight: float
    terms: Floats
    joint: Floats
    x: Floats
    y: Floats
    ratio: Ratio | None
    rests: tuple[Floats, Floats] | None


class Between(NamedTuple):
    """Pointwise I, and the number of samples that would tell as much were they independent."""

    terms: Floats
    effective: float


def between(x: Floats, y: Floats, place: Place) -> Between:
    """I of two groups of scores, (feature, sample) each: ellipse, moments, neighbours, each as far as it is evident."""
    n = x.shape[1]

    def memory(a: Floats, b: Floats) -> Floats:
        return np.asarray(times(place.memory(a[None]), place.memory(b[None]))[0])

    time = float(memory(x, y).mean())
    chance = float(times(place.autocorrelation(x[None]), place.autocorrelation(y[None])).mean())
    paths = [p for p in _paths(np.concatenate([x, y]), len(x), chance, n / time) if p.log_weight > np.log(UNLIKELY)]
    seen = []
    for path in paths:
        sides = [(path.x, path.y, path.ratio)]
        if path.rests is not None:
            sides = []
            if len(y) == 1:
                sides.append((path.x, path.rests[1], None))
            if len(x) == 1:
                sides.append((path.rests[0], path.y, None))
        found = [cross_moments(a, b, memory, ratio) for a, b, ratio in sides]
        seen.append((np.mean([f.terms for f in found], axis=0), found[0].trusted))
    likelihood = np.array([p.log_weight + n / time * s[0].mean() for p, s in zip(paths, seen, strict=True)])
    weight = np.exp(likelihood - likelihood.max())
    weight /= weight.sum()
    total = np.zeros(n)
    for own, path, (terms, trusted) in zip(weight, paths, seen, strict=True):
        finer = _finer(path, terms, trusted, place, time) if own > LEAST else terms
        total += own * (path.terms + finer)
    return Between(total, n / time)


def _finer(path: Path, terms: Floats, trusted: bool, place: Place, time: float) -> Floats:
    """Pointwise I beyond the ellipse, with that of neighbours, from many to few, as far as they evidently find more."""
    n, joint, before = len(terms), path.joint, np.zeros(len(terms))
    if path.ratio is not None and len(joint) > 2 and trusted:
        x, y = path.x, path.y
        if path.rests is not None:
            x, y = (x, path.rests[1]) if len(y) == 1 else (path.rests[0], y)
        else:
            before = path.terms
        joint = np.concatenate([x, y])
    before = before + ((path.x**2).sum(axis=0) + (path.y**2).sum(axis=0) - (joint**2).sum(axis=0)) / 2
    asked = neighbours.Asked.at(place, 0, time)
    ks = tuple(k for k in KS if k <= n // 14)
    both = np.concatenate([path.x, path.y])
    groups = [slice(len(path.x)), slice(len(path.x), None)]
    value, now = terms.mean(), terms[asked.samples]
    for row in neighbours.terms(both, groups, asked, ks, joint):
        more = row - before[asked.samples] - now
        counts = share(np.array(evidence(more, len(more) / time) / tuning.TUNING.spread), *tuning.TUNING.evident)
        value += counts * more.mean()
        now = now + counts * more
    out = terms.copy()
    out[asked.samples] = now
    return np.asarray(out + (value - out.mean()))


def _paths(z: Floats, split: int, time: float, effective: float) -> list[Path]:
    """The Gaussian copula, and the t copula whose degrees of freedom the evidence suggests.

    These must raise the information, and then the density of either group given the other.
    """
    features, n = z.shape
    groups = [slice(split), slice(split, None)]
    scatter, fits = z[None] @ (z[None] / n).swapaxes(1, 2), []
    for nu in DEGREES:
        fits.append(fit(z[None], float(nu), scatter, groups))
        scatter = fits[-1].scatter
    terms = np.array([f.terms[0] for f in fits])
    more = terms.mean(axis=1) - terms[0].mean()
    given = np.array([f.joint[0] - f.parts.max() for f in fits])
    likelihood = effective * np.where(more > 0, given - given[0], more)
    likelihood[0] += np.log(tuning.TUNING.gaussian)
    weight = np.exp(likelihood - likelihood.max())
    weight /= weight.sum()
    chance = null_log_det(features, n) - null_log_det(split, n) - null_log_det(features - split, n)
    paths = [_path(z, np.inf, fits[0].scatter[0], split, effective, terms[0] - chance * time, weight[0])]
    inverse = round(FINEST * float(weight @ (1 / DEGREES))) / FINEST
    if inverse:
        near = fit(z[None], 1 / inverse, fits[int(weight.argmax())].scatter, groups).scatter[0]
        averaged = weight @ terms - chance * time
        paths.append(_path(z, 1 / inverse, near, split, effective, averaged, 1 - min(weight[0], 1 - 1e-12)))
    return paths


def _path(z: Floats, nu: float, scatter: Floats, split: int, effective: float, terms: Floats, weight: float) -> Path:
    """What a t copula of that scatter leaves."""
    x = student_scores(z, nu) if np.isfinite(nu) else z
    scatter = _evident(scatter, split, effective)
    groups = slice(split), slice(split, None)
    ratio = _ratio(x, scatter, split, nu)
    white = [_root(scatter[g, g]) @ x[g] for g in groups]
    joint = made_normal(_root(scatter) @ x, nu)
    own = [made_normal(w, nu) for w in white]
    rests = None
    if ratio is not None and min(split, len(z) - split) == 1:
        one, other = (_without(x, scatter, groups[k], groups[1 - k], white[1 - k], nu) for k in (0, 1))
        rests = one, other
    return Path(float(np.log(weight + 1e-300)), terms, joint, own[0], own[1], ratio, rests)


def _root(scatter: Floats) -> Floats:
    return np.asarray(inverse_root(scatter[None])[0][0])


def _without(x: Floats, scatter: Floats, own: slice, other: slice, white: Floats, nu: float) -> Floats:
    """A group without what the other tells of it, which is `white`."""
    slope = np.linalg.solve(scatter[other, other], scatter[other, own]).T
    rest = x[own] - slope @ x[other]
    if np.isfinite(nu):
        rest = rest / np.sqrt((nu + (white * white).sum(axis=0)) / (nu + len(white)))
    left = _root(scatter[own, own] - slope @ scatter[other, own]) @ rest
    return made_normal(left, nu + len(white))


def _evident(scatter: Floats, split: int, effective: float) -> Floats:
    """Scatter without canonical correlations that chance may make: what is not evident is not removed."""
    rx, ry = (np.linalg.cholesky(scatter[g, g]) for g in (slice(split), slice(split, None)))
    cross = np.linalg.solve(ry, np.linalg.solve(rx, scatter[:split, split:]).T).T
    left, c, right = np.linalg.svd(cross, full_matrices=False)
    chance = np.sqrt(split) + np.sqrt(len(scatter) - split) - 1
    c = c * share(c * np.sqrt(effective) - chance, 0.5, 2.5)
    out = scatter.copy()
    out[:split, split:] = rx @ (left * c) @ right @ ry.T
    out[split:, :split] = out[:split, split:].T
    return out


def _ratio(x: Floats, scatter: Floats, split: int, nu: float) -> Ratio | None:
    """Log-density ratio of the t copula at samples i of the one group and j of the other; None where it is 0."""
    if np.isinf(nu) and not scatter[:split, split:].any():
        return None
    features, one, other = len(x), x[:split], x[split:]
    precision = np.linalg.inv(scatter)

    def form(matrix: Reals, v: Floats) -> Reals:
        return np.asarray(np.einsum("in,ij,jn->n", v, matrix, v), dtype=np.float32)

    own = [form(np.linalg.inv(scatter[g, g]), v) for g, v in ((slice(split), one), (slice(split, None), other))]
    part = [form(precision[g, g], v) for g, v in ((slice(split), one), (slice(split, None), other))]
    cross, other = (2 * precision[:split, split:].T @ one).astype(np.float32), other.astype(np.float32)
    log_det = [np.linalg.slogdet(s)[1] for s in (scatter, scatter[:split, :split], scatter[split:, split:])]
    constant = -0.5 * (log_det[0] - log_det[1] - log_det[2])
    sizes = features, split, features - split
    if np.isfinite(nu):
        constant += log_norm(sizes[0], nu) - log_norm(sizes[1], nu) - log_norm(sizes[2], nu)

    def bend(square: Reals, size: int) -> Reals:
        if np.isinf(nu):
            return square / np.float32(2)
        return np.float32((nu + size) / 2) * np.log1p(np.maximum(square, 0) / np.float32(nu))

    alone = bend(own[0], sizes[1]), bend(own[1], sizes[2])

    def ratio(i: Ints, j: Ints) -> Floats:
        square = part[0][i][:, None] + part[1][j] + cross[:, i].T @ other[:, j]
        return np.float32(constant) - bend(square, features) + alone[0][i][:, None] + alone[1][j]

    return ratio
