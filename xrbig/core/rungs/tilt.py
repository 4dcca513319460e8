"""Cross moments of two groups, and the density with these moments whose margins are those of the samples."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import gammaincinv

from xrbig.core import tuning
from xrbig.core.cache import cached
from xrbig.core.marginal import Floats, Ints, Reals
from xrbig.core.weights import normal_score, share

Ratio = Callable[[Ints, Ints], Reals]  # log-density ratio of samples i of the one group and j of the other, (i, j)

NODES, PAIRED = 400, 800  # samples that stand for all in sums over pairs of them; the same beyond an ellipse
TAIL, MIDDLE = 12, 64  # of these one for each of so many samples of a tail, and so many for what is between
ENOUGH, EFFECTIVE = (20.0, 60.0), (2.0, 8.0)  # others in a normalisation, by which all of them, one of them is trusted
LARGEST = 8.0  # step of a log-density ratio, beyond which pairs of samples cannot normalise it
RIDGE = 0.1  # variance below which a moment is nothing but those before it
HEAVY = 4.0  # how many times more than its share one sample's product with itself is taken off
SINKHORN = 3
LEAST, MOST = -15.0, 30.0  # log-density ratio of a pair that counts


class Moments(NamedTuple):
    """Pointwise information (sample,) that cross moments tell, and whether there were samples enough for any."""

    terms: Floats
    trusted: bool


def dictionary(u: Floats, samples: int) -> list[Floats]:
    """Linear functions, squares, products and cubes of `u` (feature, sample).

    Blocks (function, sample) are nearly orthonormal, each orthogonal to those before; there are as many as so many
    samples can tell.
    """
    features, n = u.shape
    u = u - u.mean(axis=1, keepdims=True)
    u /= u.std(axis=1, keepdims=True)
    one, other = np.triu_indices(features, 1)
    most = min(samples, tuning.TUNING.most_samples) / tuning.TUNING.samples_per_moment
    raw: list[tuple[int, Callable[[], Floats]]] = [
        (features, lambda: u),
        (features, lambda: u**2),
        (len(one), lambda: u[one] * u[other]),
        (features, lambda: u**3 - 3 * u),
    ]
    out, basis = list[Floats](), np.zeros((0, n))
    for place, (number, functions) in enumerate(raw):
        if not number or (place and len(basis) + number > most):
            continue
        block = functions()
        block = block - block.mean(axis=1, keepdims=True)
        if place:
            gram = basis @ basis.T / n + 1e-6 * np.eye(len(basis))
            scale = block.std(axis=1, keepdims=True)
            block = block - np.linalg.solve(gram, basis @ block.T / n).T @ basis
            block = block / np.maximum(block.std(axis=1, keepdims=True), 0.05 * scale)
        size, axes = np.linalg.eigh(block @ block.T / n)
        size = np.maximum(size, 0)
        scale_of = np.sqrt(size / (size**2 + RIDGE**2)) if place else 1 / np.sqrt(1e-6 + size)
        out.append((axes * scale_of).T @ block)
        basis = np.concatenate([basis, out[-1]])
    return out


def _nodes(z: Floats, key: Floats, most: int) -> tuple[Ints, Reals]:
    """Samples that stand for all, and their weights: of one feature by rank, all in the tails; else evenly by `key`."""
    n, order = z.shape[1], np.argsort(key)
    if len(z) > 1:
        number = min(n, most)
        return order[(np.arange(number) * n + n // 2) // number], np.full(number, 1 / number, np.float32)
    edges = np.arange(n + 1)
    if n > 2 * TAIL + MIDDLE:
        edges = np.concatenate([edges[:TAIL], np.linspace(TAIL, n - TAIL, MIDDLE), edges[n - TAIL + 1 :]])
    edges = np.unique(np.round(edges).astype(np.int64))
    return order[(edges[:-1] + edges[1:]) // 2], (np.diff(edges) / n).astype(np.float32)


class Tilt:
    """Density p(x) p(y) exp(f0 + sum theta a b - alpha(x) - beta(y)) with the margins of the samples.

    alpha and beta are found by scaling rows and columns of the matrix of pairs of nodes in turn (Sinkhorn, Annals of
    Mathematical Statistics 35:876, 1964); a sample does not count among its own alternatives.
    """

    def __init__(self, sides: tuple[Floats, Floats], functions: tuple[Floats, Floats], ratio: Ratio | None) -> None:
        x, y = sides
        left, _, right = np.linalg.svd(x @ y.T)
        most = NODES if ratio is None else PAIRED
        self._a, self._b = (f.astype(np.float32) for f in functions)
        (self._i, self._p), (self._j, self._q) = _nodes(x, left[:, 0] @ x, most), _nodes(y, right[0] @ y, most)
        self._a -= (self._a[:, self._i] @ self._p)[:, None]
        self._b -= (self._b[:, self._j] @ self._q)[:, None]
        self._ratio, self._own = ratio, self._i[:, None] == self._j
        self._base = np.zeros(self._own.shape, np.float32)
        self.theta: Reals = np.zeros((len(self._a), len(self._b)), np.float32)
        self._u, self._v = np.ones_like(self._p), np.ones_like(self._q)
        self._flat, self.trust = ratio is None, 1.0
        if ratio is not None:
            self._base = ratio(self._i, self._j).astype(np.float32)
            self._fit()
            self.trust = self._enough()

    def _enough(self) -> float:
        """How far the normalisation is to be trusted, by the samples that it effectively rests on."""
        rows, columns = self._density * (self._q * self._v), (self._density * (self._p * self._u)[:, None]).T
        others = [w.sum(axis=1) ** 2 / np.maximum((w * w).sum(axis=1), 1e-30) for w in (rows, columns)]
        means = [1 / (p @ (1 / np.maximum(k, 1e-9))) for k, p in zip(others, (self._p, self._q), strict=True)]
        return float(share(np.array(min(means)), *ENOUGH))

    def _fit(self) -> None:
        exponent = (self._a[:, self._i].T @ self.theta) @ self._b[:, self._j] + self._base
        self._density = np.exp(np.clip(exponent, LEAST, MOST, out=exponent), out=exponent)
        self._density[self._own] = 0
        for _ in range(SINKHORN):
            self._u = 1 / np.maximum(self._density @ (self._q * self._v), 1e-30)
            self._v = 1 / np.maximum(self._density.T @ (self._p * self._u), 1e-30)

    def moments(self) -> tuple[Floats, Floats]:
        """Means of the products a b, and the variance of what the margins leave free of each."""
        if self._flat:
            return np.zeros(self.theta.shape), np.ones(self.theta.shape)
        a, b = self._a[:, self._i], self._b[:, self._j]
        weight = self._density * (self._p * self._u)[:, None] * (self._q * self._v)
        b_of_x, a_of_y = (weight @ b.T).T / self._p, a @ weight / self._q
        second = np.maximum((a * a) @ (weight @ (b * b).T), 1e-6)
        free = 1 - (a * a * self._p) @ (b_of_x**2).T / second
        free = free * (1 - (a_of_y**2 * self._q) @ (b * b).T / second)
        return (a @ (weight @ b.T)).astype(float), np.maximum(second * free, 0.05).astype(float)

    def _likelihood(self, moments: Floats) -> float:
        return float((self.theta * moments).sum() + self._p @ np.log(self._u) + self._q @ np.log(self._v))

    def add(self, step: Floats, moments: Floats) -> None:
        """Go along a step of theta to where the parabola of the likelihood of the `moments` is highest."""
        before, old = 0.0 if self._flat else self._likelihood(moments), self.theta
        largest = np.abs((self._a[:, self._i].T @ step) @ self._b[:, self._j]).max()
        step = (step * min(1.0, LARGEST / max(float(largest), 1e-9))).astype(np.float32)
        self._flat = False
        found = [before]
        for far in (0.5, 1.0):
            self._go(old + np.float32(far) * step)
            found.append(self._likelihood(moments))
        bend = min(found[0] - 2 * found[1] + found[2], -1e-12)
        self._go(old + np.float32(np.clip(0.5 - 0.25 * (found[2] - found[0]) / bend, 0, 1.25)) * step)

    def _go(self, theta: Reals) -> None:
        self.theta = theta
        self._fit()

    def terms(self) -> Floats:
        """Log-density ratio at the samples, beyond the ratio that was given."""
        if self._flat:
            return np.zeros(self._a.shape[1])
        one, other = self._q * self._v, self._p * self._u
        ratio = self._ratio
        alpha, rows = _normalise(self._a, self._b[:, self._j], self.theta, one, self._j, ratio)
        turned = None if ratio is None else lambda j, i: ratio(i, j).T
        beta, columns = _normalise(self._b, self._a[:, self._i], self.theta.T, other, self._i, turned)
        weight = 1.0 if ratio is None else rows * columns * self.trust
        return np.asarray(weight * (((self.theta.T @ self._a) * self._b).sum(axis=0) - alpha - beta))


def _normalise(
    a: Reals, b: Reals, theta: Reals, weight: Reals, nodes: Ints, ratio: Ratio | None
) -> tuple[Floats, Floats]:
    """Log of the normalisation at each sample, and trust in it."""
    out, trust = np.empty((2, a.shape[1]))
    for some in np.array_split(np.arange(a.shape[1]), 1 + a.shape[1] // 256):
        exponent = (a[:, some].T @ theta) @ b + (0 if ratio is None else ratio(some, nodes))
        density = np.exp(np.clip(exponent, LEAST, MOST, out=exponent), out=exponent)
        density[some[:, None] == nodes] = 0
        total = np.maximum(density @ weight, 1e-30)
        out[some] = np.log(total)
        trust[some] = share(total**2 / np.maximum(((density * weight) ** 2).sum(axis=1), 1e-30), *EFFECTIVE)
    return out, trust


@cached
def _by_chance() -> tuple[Floats, Floats]:
    """Logarithms of degrees of freedom, and the mean by chance of share times excess, in standard deviations."""
    degrees, p = np.geomspace(0.3, 3000, 40), (np.arange(4000) + 0.5) / 4000
    quantile = [2 * gammaincinv(d / 2, p) for d in degrees]
    mean = [
        (share(normal_score(q / d, d), *tuning.TUNING.evident) * (q - d)).mean() / np.sqrt(2 * d)
        for d, q in zip(degrees, quantile, strict=True)
    ]
    return np.log(degrees), np.array(mean)


def cross_moments(x: Floats, y: Floats, memory: Callable[[Floats, Floats], Floats], ratio: Ratio | None) -> Moments:
    """Pointwise information of two groups that evident cross moments tell beyond a `ratio`, whatever the margins.

    `memory` tells how many times autocorrelation makes the variances of mean products larger.
    """
    n = x.shape[1]
    used = n if ratio is None else min(n, PAIRED)
    blocks = dictionary(x, used), dictionary(y, used)
    a, b = (np.concatenate(side) for side in blocks)
    square = np.outer((a**2).mean(axis=1), (b**2).mean(axis=1))
    expected, some = memory(a, b) / n * square, np.arange(n)
    if used < n:
        some, whole = (np.arange(PAIRED) * n + n // 2) // PAIRED, ratio
        expected = np.maximum(expected, square / PAIRED)
        a, b = a[:, some], b[:, some]

        def ratio(i: Ints, j: Ints) -> Reals:
            assert whole is not None
            return whole(some[i], some[j])

    a, b = (side - side.mean(axis=1, keepdims=True) for side in (a, b))
    tilt = Tilt((x[:, some], y[:, some]), (a, b), ratio)
    if not tilt.trust:
        return Moments(np.zeros(n), False)
    sizes = [[len(block) for block in side] for side in blocks]
    terms = _climb(tilt, a, b, expected, square, sizes)
    out = np.full(n, terms.mean())
    out[some] = terms
    return Moments(out, True)


def _climb(tilt: Tilt, a: Floats, b: Floats, expected: Floats, square: Floats, sizes: list[list[int]]) -> Floats:
    """Terms of the tilt after the blocks of moments that are linear on a side, and then the others.

    The latter are judged against the density that the former make, so that harmonics do not count twice.
    """
    moment, own = a @ b.T / a.shape[1], (a**2) @ (b**2).T / a.shape[1]
    target, bias = moment.copy(), 0.0
    rows, columns = (np.cumsum([0, *size]) for size in sizes)
    which = [(i, j) for i in range(len(sizes[0])) for j in range(len(sizes[1])) if i or j]
    for rung in ([w for w in which if not w[0] * w[1]], [w for w in which if w[0] * w[1]]):
        mean, free = tilt.moments()
        surprise, step = (moment - mean) / np.sqrt(free), np.zeros_like(moment)
        for i, j in rung:
            block = slice(rows[i], rows[i + 1]), slice(columns[j], columns[j + 1])
            chance, spread = expected[block].sum(), np.sqrt(2 * (expected[block] ** 2).sum())
            alone = chance * min(own[block].sum() / square[block].sum(), HEAVY)
            degrees = 2 * (chance / spread) ** 2
            ratio = max(0.0, 1 + ((surprise[block] ** 2).sum() - alone) / chance)
            counts = tilt.trust * float(share(normal_score(np.array(ratio), degrees), *tuning.TUNING.evident))
            bias += counts * alone / 2 + float(np.interp(np.log(degrees), *_by_chance())) * spread / 2 * (1 - counts)
            step[block] = np.sqrt(counts / free[block]) * surprise[block]
            target[block] = mean[block] + np.sqrt(counts) * (moment[block] - mean[block])
        if step.any():
            tilt.add(step, target)
    return tilt.terms() - bias - float((tilt.theta * (moment - target)).sum())
