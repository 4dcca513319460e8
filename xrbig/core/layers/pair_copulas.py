"""Pair copulas of one family: the second of two features to N(0, 1) by its distribution given the first.

Densities, h-functions (distribution functions given the first feature) and their inverses: Joe, Dependence Modeling
with Copulas, CRC Press 2014, chapter 4; Aas, Czado, Frigessi and Bakken, Insurance: Mathematics and Economics 44:182,
2009. All are functions of normal scores, and of the logarithms of both tails, so that neither tail loses digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from scipy.special import gammaln, log_ndtr, ndtr, ndtri_exp, stdtr, stdtrit

from xrbig.core import tuning
from xrbig.core.layers.base import Map, Shapes, indices, require, some
from xrbig.core.marginal import Floats, Ints

OUTERMOST = 5.0  # scores beyond which the map goes on as a line: one in a million of N(0, 1) lies there
TRIED = 7  # parameters of a family, before the best of them is refined
REFINED = 3  # times, each with a quarter of the step
NEWTON_STEPS = 60  # for the inverse of the h-function of Gumbel: from above they converge for all parameters
SAMPLES = 5000  # that decide on a family: one parameter is known by then
DEGREES = (np.inf, 8.0, 4.0, 2.0)  # of freedom of the t copulas


class Family(Protocol):
    """A family of copulas of one parameter, of normal scores `a` of the given feature and `b` of the other.

    The parameter is `parameter(place)`, and places between the two `ends` are tried.
    """

    ends: tuple[float, float]
    symmetric: bool  # whether turning it by 180 degrees leaves it as it is

    def parameter(self, place: Floats) -> Floats:
        """Parameter of the copula, at a place on a line."""
        ...

    def coordinate(self, z: Floats) -> Floats:
        """What the density depends on, of normal scores."""
        ...

    def log_density(self, a: Floats, b: Floats, parameter: Floats) -> Floats:
        """Log of the density of the copula at two coordinates."""
        ...

    def log_tails(self, a: Floats, b: Floats, parameter: Floats) -> tuple[Floats, Floats]:
        """Log of the h-function of the score `b` given `a`, and of what it lacks of 1."""
        ...

    def quantile(self, a: Floats, log_below: Floats, log_above: Floats, parameter: Floats) -> Floats:
        """The score `b` at which the h-function has these tails."""
        ...


def score(log_below: Floats, log_above: Floats) -> Floats:
    """Normal score, from the logarithms of both tails."""
    lower = log_below < log_above
    z = ndtri_exp(np.minimum(np.where(lower, log_below, log_above), -np.finfo(float).tiny))
    return np.asarray(np.where(lower, z, -z))


def _rest(log_share: Floats) -> Floats:
    """Log of 1 minus a share."""
    return np.asarray(np.log(-np.expm1(log_share)))


def _softplus(x: Floats) -> Floats:
    return np.asarray(np.logaddexp(0, x))


@dataclass(frozen=True)
class Clayton:
    """C(u, v) = (u^-theta + v^-theta - 1)^(-1 / theta), theta > 0."""

    ends = (np.log(0.05), np.log(20.0))
    symmetric = False

    def parameter(self, place: Floats) -> Floats:
        """Theta, on a logarithmic line."""
        return np.asarray(np.exp(place))

    def coordinate(self, z: Floats) -> Floats:
        """Log u."""
        return np.asarray(log_ndtr(z))

    def _growth(self, u: Floats, v: Floats, theta: Floats) -> Floats:
        """Log of 1 + u^theta (v^-theta - 1)."""
        return _softplus(theta * (u - v) + _rest(theta * v))

    def log_density(self, a: Floats, b: Floats, parameter: Floats) -> Floats:
        """(1 + theta) (u v)^(-1 - theta) (u^-theta + v^-theta - 1)^(-2 - 1 / theta)."""
        growth = self._growth(a, b, parameter)
        return np.asarray(np.log1p(parameter) + parameter * a - (1 + parameter) * b - (2 + 1 / parameter) * growth)

    def log_tails(self, a: Floats, b: Floats, parameter: Floats) -> tuple[Floats, Floats]:
        """H = (1 + u^theta (v^-theta - 1))^(-1 - 1 / theta)."""
        below = -(1 + 1 / parameter) * self._growth(log_ndtr(a), log_ndtr(b), parameter)
        return below, _rest(below)

    def quantile(self, a: Floats, log_below: Floats, log_above: Floats, parameter: Floats) -> Floats:
        """V = (1 + u^-theta (h^(-theta / (1 + theta)) - 1))^(-1 / theta)."""
        power = parameter / (1 + parameter) * log_below
        v = -_softplus(_rest(power) - power - parameter * log_ndtr(a)) / parameter
        return score(v, _rest(v))


@dataclass(frozen=True)
class Gumbel:
    """C(u, v) = exp(-A), A = ((-log u)^delta + (-log v)^delta)^(1 / delta), delta > 1."""

    ends = (np.log(0.03), np.log(15.0))
    symmetric = False

    def parameter(self, place: Floats) -> Floats:
        """Delta, of which the excess over 1 is on a logarithmic line."""
        return np.asarray(1 + np.exp(place))

    def coordinate(self, z: Floats) -> Floats:
        """Log of -log u."""
        return np.asarray(np.log(-log_ndtr(z)))

    def log_density(self, a: Floats, b: Floats, parameter: Floats) -> Floats:
        """C / (u v) (x y)^(delta - 1) A^(1 - 2 delta) (A + delta - 1), of x = -log u and y = -log v."""
        log_a = np.logaddexp(parameter * a, parameter * b) / parameter
        power = (parameter - 1) * (a + b) + (1 - 2 * parameter) * log_a
        return np.asarray(np.exp(a) + np.exp(b) - np.exp(log_a) + power + np.log(np.exp(log_a) + parameter - 1))

    def log_tails(self, a: Floats, b: Floats, parameter: Floats) -> tuple[Floats, Floats]:
        """H = exp(x - A) (x / A)^(delta - 1), of x = -log u."""
        x, y = self.coordinate(a), self.coordinate(b)
        growth = _softplus(parameter * (y - x)) / parameter
        below = np.asarray(-(np.exp(x) * np.expm1(growth) + (parameter - 1) * growth))
        return below, _rest(below)

    def quantile(self, a: Floats, log_below: Floats, log_above: Floats, parameter: Floats) -> Floats:
        """Newton steps for log(A / x), of which -log h is a convex function; they end within 1e-14 of it."""
        log_x = self.coordinate(a)
        x, power = np.exp(log_x), parameter - 1
        growth = np.minimum(-log_below / (x + power), np.log1p(-log_below / x))
        for _ in range(NEWTON_STEPS):
            growth = growth - (x * np.expm1(growth) + power * growth + log_below) / (x * np.exp(growth) + power)
        growth = np.maximum(growth, np.finfo(float).tiny)
        v = -np.exp(log_x + growth + _rest(-parameter * growth) / parameter)
        return score(v, _rest(v))


@dataclass(frozen=True)
class Frank:
    """C(u, v) = -log(1 + (exp(-theta u) - 1) (exp(-theta v) - 1) / (exp(-theta) - 1)) / theta, theta > 0."""

    ends = (np.log(0.3), np.log(60.0))
    symmetric = True

    def parameter(self, place: Floats) -> Floats:
        """Theta, on a logarithmic line."""
        return np.asarray(np.exp(place))

    def coordinate(self, z: Floats) -> Floats:
        """The scores themselves."""
        return z

    def log_density(self, a: Floats, b: Floats, parameter: Floats) -> Floats:
        """Theta (1 - e^-theta) e^(-theta (u + v)) over the square of what all terms of h add up to."""
        u, v = parameter * ndtr(a), parameter * ndtr(b)
        total = np.exp(-u) * -np.expm1(-v) + np.exp(-v) * -np.expm1(-parameter * ndtr(-b))
        return np.asarray(np.log(parameter) + np.log(-np.expm1(-parameter)) - u - v - 2 * np.log(total))

    def log_tails(self, a: Floats, b: Floats, parameter: Floats) -> tuple[Floats, Floats]:
        """H / (1 - h) = e^(theta (v - u)) (1 - e^(-theta v)) / (1 - e^(-theta (1 - v)))."""
        below, above = parameter * ndtr(b), parameter * ndtr(-b)
        odds = below - parameter * ndtr(a) + np.log(np.expm1(-below) / np.expm1(-above))
        return -_softplus(-odds), -_softplus(odds)

    def quantile(self, a: Floats, log_below: Floats, log_above: Floats, parameter: Floats) -> Floats:
        """V = log((1 + e^q) / (1 + e^(q - theta))) / theta, of q = log(h / (1 - h)) + theta u."""
        q = log_below - log_above + parameter * ndtr(a)
        below = _softplus(q) - _softplus(q - parameter)
        above = _softplus(parameter - q) - _softplus(-q)
        return score(np.log(below / parameter), np.log(above / parameter))


@dataclass(frozen=True)
class Student:
    """Copula of two t variables of so many `degrees` of freedom, infinitely many for normal ones, and correlation r."""

    degrees: float
    ends = (0.0, 3.0)
    symmetric = True

    def parameter(self, place: Floats) -> Floats:
        """The correlation, on the line of its inverse hyperbolic tangent."""
        return np.asarray(np.tanh(place))

    def coordinate(self, z: Floats) -> Floats:
        """Quantiles of the t distribution."""
        if np.isinf(self.degrees):
            return z
        return np.asarray(-np.sign(z) * stdtrit(self.degrees, ndtr(-np.abs(z))))

    def log_density(self, a: Floats, b: Floats, parameter: Floats) -> Floats:
        """That of two t variables, over those of each."""
        nu, rest = self.degrees, 1 - parameter**2
        square = (a**2 + b**2 - 2 * parameter * a * b) / rest
        if np.isinf(nu):
            return np.asarray((a**2 + b**2 - square - np.log(rest)) / 2)
        constant = gammaln(nu / 2 + 1) + gammaln(nu / 2) - 2 * gammaln((nu + 1) / 2)
        margins = (nu + 1) / 2 * (np.log1p(a**2 / nu) + np.log1p(b**2 / nu))
        return np.asarray(constant - np.log(rest) / 2 - (nu / 2 + 1) * np.log1p(square / nu) + margins)

    def _scale(self, x: Floats, parameter: Floats) -> Floats:
        """Spread of the other variable given `x`."""
        grown = 1.0 if np.isinf(self.degrees) else (self.degrees + x**2) / (self.degrees + 1)
        return np.asarray(np.sqrt((1 - parameter**2) * grown))

    def log_tails(self, a: Floats, b: Floats, parameter: Floats) -> tuple[Floats, Floats]:
        """A t distribution of one more degree of freedom."""
        x = self.coordinate(a)
        w = (self.coordinate(b) - parameter * x) / self._scale(x, parameter)
        if np.isinf(self.degrees):
            return log_ndtr(w), log_ndtr(-w)
        return np.log(stdtr(self.degrees + 1, w)), np.log(stdtr(self.degrees + 1, -w))

    def quantile(self, a: Floats, log_below: Floats, log_above: Floats, parameter: Floats) -> Floats:
        """Its quantile."""
        x = self.coordinate(a)
        if np.isinf(self.degrees):
            return np.asarray(parameter * x + self._scale(x, parameter) * score(log_below, log_above))
        w = stdtrit(self.degrees + 1, np.exp(np.minimum(log_below, log_above)))
        y = parameter * x + self._scale(x, parameter) * np.where(log_below < log_above, w, -w)
        return score(np.log(stdtr(self.degrees, y)), np.log(stdtr(self.degrees, -y)))


FAMILIES: tuple[Family, ...] = (Clayton(), Gumbel(), Frank(), *map(Student, DEGREES))  # files know them by their places


@dataclass(frozen=True, eq=False)
class PairCopula(Map):
    """The second of two features to N(0, 1) by its distribution given the first, both normal scores.

    A part of independence is added, whose weight is a tenth of that of a sample, without which the map would be flat
    where there are no samples. Far out it goes on as a line, and what is given has no more effect.

    Attributes
    ----------
    features : array (2,), their indices
    signs : array (2,), -1 to turn a feature round: the copula is turned by 90, 180 or 270 degrees
    family : array (), its place among `FAMILIES`
    parameter : array ()
    log_share : array (), log of the part of independence
    """

    shapes: ClassVar[Shapes] = {"features": (2,), "signs": (2,), "family": (), "parameter": (), "log_share": ()}
    features: Ints
    signs: Floats
    family: Ints
    parameter: Floats
    log_share: Floats

    def apply(self, x: Floats) -> tuple[Floats, Floats]:
        """Map `x`; returns y and log |det|."""
        a, b = self._scores(x)
        inside = np.clip(b, -OUTERMOST, OUTERMOST)
        z, log_slope = self._curve(a, inside)
        y = x.copy()
        y[self.features[1]] = self.signs[1] * (z + np.exp(log_slope) * (b - inside))
        return y, log_slope

    def gains(self, x: Floats) -> Floats:
        """What the map adds to the log-density, relative to N(0, I): (1, sample)."""
        a, b = self._scores(x)
        if np.abs(b).max() > OUTERMOST:
            return super().gains(x)
        return self._log_density(a, b)[None]

    def invert(self, y: Floats) -> Floats:
        """Map `y` back."""
        a, z = self._scores(y)
        low, high = (self._curve(a, np.full_like(a, side * OUTERMOST)) for side in (-1, 1))
        b = self._quantile(a, np.clip(z, low[0], high[0]))
        for side, (end, log_slope) in ((-1, low), (1, high)):
            b = np.where(side * (z - end) > 0, side * OUTERMOST + (z - end) * np.exp(-log_slope), b)
        x = y.copy()
        x[self.features[1]] = self.signs[1] * b
        return x

    @classmethod
    def of(cls, arrays: dict[str, Floats], features: int) -> "PairCopula":
        """The map of these arrays."""
        chosen = indices(arrays["features"], features)
        family = indices(arrays["family"].reshape(1), len(FAMILIES)).reshape(())
        return cls(chosen, arrays["signs"], family, arrays["parameter"], arrays["log_share"])

    def require_invertible(self) -> None:
        """Refuse a parameter that is none of its family."""
        low, high = (self._family.parameter(np.array(end)) for end in self._family.ends)
        require((low <= self.parameter) & (self.parameter <= high), "a parameter of a copula is out of its range")
        require(np.abs(self.signs) == 1, "a sign of a copula is not 1 or -1")
        require(self.log_share < 0, "the part of independence of a copula is not below 1")

    @property
    def _family(self) -> Family:
        return FAMILIES[int(self.family)]

    def _scores(self, x: Floats) -> tuple[Floats, Floats]:
        a, b = self.signs[:, None] * x[self.features]
        return np.clip(a, -OUTERMOST, OUTERMOST), b

    def _log_density(self, a: Floats, b: Floats) -> Floats:
        family = self._family
        log_density = family.log_density(family.coordinate(a), family.coordinate(b), self.parameter)
        return _with_share(log_density, self.log_share)

    def _curve(self, a: Floats, b: Floats) -> tuple[Floats, Floats]:
        """Score of `b` given `a`, and the logarithm of its slope."""
        below, above = self._family.log_tails(a, b, self.parameter)
        z = score(*(_with_share(own, self.log_share, log_ndtr(s * b)) for own, s in ((below, 1), (above, -1))))
        return z, self._log_density(a, b) + (z**2 - b**2) / 2

    def _quantile(self, a: Floats, z: Floats) -> Floats:
        """Where the score is `z`: between that of the copula alone and of independence."""
        from scipy.optimize.elementwise import find_root

        def excess(b: Floats, sample: Floats) -> Floats:
            index = sample.astype(np.intp)
            return np.asarray(self._curve(a[index], b)[0] - z[index])

        alone = self._family.quantile(a, log_ndtr(z), log_ndtr(-z), self.parameter)
        width = 1e-6 * (1 + np.abs(z))
        low = np.clip(np.fmin(alone, z) - width, -OUTERMOST, OUTERMOST)
        high = np.clip(np.fmax(alone, z) + width, -OUTERMOST, OUTERMOST)
        return np.asarray(find_root(excess, (low, high), args=(np.arange(len(z)),), maxiter=200).x)


def _with_share(log_own: Floats, log_share: Floats | float, log_other: Floats | float = 0.0) -> Floats:
    """Log of a mean in which another has a small share."""
    return np.asarray(np.logaddexp(np.log1p(-np.exp(log_share)) + log_own, log_share + log_other))


@dataclass(frozen=True)
class Pairs:
    """Pairs of features by the copula that is most likely, of all families and turned in all ways."""

    def fit(self, z: Floats, pairs: Sequence[Ints]) -> list[Map]:
        """Fit to the `pairs` (stack, 2, sample), normal scores of these features."""
        log_share = float(np.log(tuning.TUNING.background / z.shape[-1]))
        z = z[..., some(z.shape[-1], SAMPLES)]
        sign = np.where(np.einsum("sn,sn->s", z[:, 0], z[:, 1]) < 0, -1.0, 1.0)
        best, found = np.full(len(z), -np.inf), list[Map | None]([None] * len(z))
        for number, family in enumerate(FAMILIES):
            for turned in (1,) if family.symmetric else (1, -1):
                signs = np.stack([turned * sign, np.full(len(z), turned)], axis=1)
                a, b = np.moveaxis(np.clip(signs[..., None] * z, -OUTERMOST, OUTERMOST), 1, 0)
                parameter, gain = _most_likely(family, a, b, log_share)
                for i in np.flatnonzero(gain > best).tolist():
                    arrays = np.array(number), np.array(parameter[i]), np.array(log_share)
                    found[i] = PairCopula(pairs[i], signs[i], *arrays)
                best = np.maximum(best, gain)
        return [single for single in found if single is not None]


def _most_likely(family: Family, a: Floats, b: Floats, log_share: float) -> tuple[Floats, Floats]:
    """Parameter (stack,) of the copula of scores (stack, sample), and the mean log-density, cut off at `log_share`."""
    a, b = family.coordinate(a), family.coordinate(b)
    low, high = family.ends

    def gain(place: Floats) -> Floats:
        parameter = family.parameter(np.clip(place, low, high))[:, None]
        return np.asarray(np.maximum(family.log_density(a, b, parameter), log_share).mean(axis=1))

    tried = np.linspace(low, high, TRIED)
    gains = np.stack([gain(np.full(len(a), place)) for place in tried])
    best, step = tried[gains.argmax(axis=0)], tried[1] - tried[0]
    for _ in range(REFINED):
        below, middle, above = (gain(best + side * step) for side in (-1, 0, 1))
        bend = np.minimum(below - 2 * middle + above, -np.finfo(float).tiny)
        best = np.clip(best + step * np.clip((below - above) / (2 * bend), -1, 1), low, high)
        step /= 4
    return family.parameter(best), gain(best)


def edges(n: int, seed: int) -> list[Pairs]:
    """What an edge of a tree may be, of so many samples."""
    return [Pairs()]
