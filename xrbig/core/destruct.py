"""Total correlation by the destructors that remove most, and by nearest neighbours for what they leave.

Every path, a sequence of layers and an estimate of what is left, errs by what it misses. So layers are chosen by what
they take from samples that they were not fitted on, and of several paths the one counts that finds most.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from xrbig.core import neighbours
from xrbig.core.elliptical import Copula, elliptical_layer, marginal_layer
from xrbig.core.gaussianize import Gaussianized, Settings
from xrbig.core.marginal import Bools, Floats, exact_order, orientation, rank_gaussianize
from xrbig.core.mixture import Candidate, mixture_layer
from xrbig.core.pairs import pair_layer
from xrbig.core.unmixing import has_covariance, is_narrow, unmixing_layer, unmixing_terms

NEIGHBOURS_SUFFICE = 3  # features up to which nearest neighbours see all that is left
NEIGHBOURS_KNOW = 10  # features up to which they do not see more between two groups than there is
LARGE = 1.0  # T, in nats, from which it may be infinite
BEYOND = 0.3, 0.03  # significance from which what is left counts in part, and in full, after any layers
ELLIPTICAL = 0.1, 0.005  # after a t copula alone
ALIKE = 8, 1e-8  # one in so many samples within so few standard deviations: beside a few others they are all the same
UNSEEN = 0.1  # of what an elliptical layer takes, may be left where neighbours see nothing significant


class Path(NamedTuple):
    """T by one sequence of layers, how many they are, and whether they ended because none was significant.

    The `terms` (sample,) are what each sample adds to the mean that T is, up to a constant; `doubt` tells, when it is
    called, by how much T may be wrong beyond the noise of the samples.
    """

    total: float
    n_layers: int
    converged: bool
    terms: Floats | float
    doubt: Callable[[], float]

    def after(self, gain: float, terms: Floats | float, n_layers: int = 1, doubt: float = 0.0) -> "Path":
        """The path that begins with other layers."""
        total, layers = gain + self.total, n_layers + self.n_layers
        return Path(total, layers, self.converged, terms + self.terms, lambda: doubt + self.doubt())


def total_correlation(x: Floats, z: Floats, smooth: Bools, settings: Settings) -> Gaussianized:
    """T of `x` (cell, feature, sample), whose normal scores are `z`; `smooth` (cell,) tells where `x` has few ties."""
    copula = elliptical_layer(z, settings.significance, settings.seed)
    paths = _explore(z, copula, settings)
    mixed = np.flatnonzero(smooth & has_covariance(x))
    if mixed.size and settings.max_layers > 1:
        unmixed = unmixing_layer(x[mixed], settings.significance, settings.seed)
        better = unmixed.assured > copula.gain[mixed] + unmixed.noise
        better[better] &= ~is_narrow(x[mixed[better]], *ALIKE).any(axis=1)
        if better.any():
            scores = _scores(unmixed.y[better], settings.seed)
            after = elliptical_layer(scores, settings.significance, settings.seed)
            others = _explore(scores, after, settings, n_layers=1)
            terms = unmixing_terms(x[mixed[better]], unmixed.y[better])
            for cell, gain, own, other in zip(mixed[better], unmixed.gain[better], terms, others, strict=True):
                paths[cell] = _better(paths[cell], other.after(float(gain), own))
    return _stacked(paths)


def _stacked(paths: list[Path]) -> Gaussianized:
    total, n_layers, converged, terms, doubts = zip(*paths, strict=True)
    return Gaussianized(np.array(total), np.array(n_layers), np.array(converged), np.array(terms), doubts)


def _better(one: Path, other: Path) -> Path:
    """The path that finds more; not converged if either might have found still more."""
    best = other if (other.total, other.n_layers) > (one.total, one.n_layers) else one
    return best._replace(converged=one.converged and other.converged)


def mutual_information(
    x: Floats, groups: list[Floats], z: Floats, smooth: Bools, settings: Settings, joint: Gaussianized | None = None
) -> Gaussianized:
    """I between two groups of the features of `x`, whose normal scores are `groups`, those of both `z`.

    I(x, y) = T([x, y]) - T(x) - T(y), or what nearest neighbours see between the groups, where that is clearly more or
    T of a group is infinite. Among many features neighbours may see too much: they count only against a negative I.
    `joint` is T([x, y]), if it is known.
    """
    split = groups[0].shape[1]
    if joint is None:
        joint = total_correlation(x, z, smooth, settings)
    total, converged, terms = joint.total.copy(), joint.converged.copy(), joint.terms.copy()
    doubts = list(joint.doubts)
    singular = np.zeros(len(x), dtype=bool)
    for raw, scores in zip((x[:, :split], x[:, split:]), groups, strict=True):
        if scores.shape[1] > 1:
            inner = total_correlation(np.ascontiguousarray(raw), scores, smooth, settings)
            total -= inner.total
            terms -= inner.terms
            doubts = [partial(_less, *pair) for pair in zip(doubts, inner.doubts, strict=True)]
            converged &= inner.converged
            singular |= _is_singular(scores, inner.total, settings)
    if x.shape[1] > 2:
        between = [neighbours.mutual_information(cell, split) for cell in z]
        value = np.array([b.value for b in between])
        error = np.array([b.error for b in between])
        more = value > total - ndtri(settings.significance) * error
        direct = singular | (more if x.shape[1] <= NEIGHBOURS_KNOW else more & (total < 0))
        total[direct] = value[direct]
        for cell in np.flatnonzero(direct):
            terms[cell], doubts[cell] = between[cell].terms(), partial(neighbours.doubt, z[cell], split)
    return Gaussianized(total, joint.n_layers, converged, terms, tuple(doubts))


def _less(one: Callable[[], float], other: Callable[[], float]) -> float:
    return one() - other()


def _is_singular(z: Floats, total: Floats, settings: Settings) -> Bools:
    """Whether T of the few features `z`, estimated as `total`, grows with the logarithm of the number of samples."""
    singular = np.zeros(len(z), dtype=bool)
    if z.shape[1] <= NEIGHBOURS_SUFFICE:
        for cell in np.flatnonzero(total > LARGE):
            half = _scores(z[[cell], :, ::2], settings.seed)
            copula = elliptical_layer(half, settings.significance, settings.seed)
            singular[cell] = total[cell] - _explore(half, copula, settings)[0].total > np.log(2) / 2
    return singular


def _scores(y: Floats, seed: int) -> Floats:
    """Normal scores of `y` (cell, feature, sample)."""
    scores = rank_gaussianize(exact_order(y, seed), seed)
    return scores * orientation(scores, seed)[..., None]


def _explore(z: Floats, copula: Copula, settings: Settings, n_layers: int = 0) -> list[Path]:
    """Best path of each cell of the scores `z`, on which the elliptical layer is `copula`, after `n_layers`."""
    cells = zip(z, _cells(copula), strict=True)
    if z.shape[1] <= NEIGHBOURS_SUFFICE:
        return [_by_neighbours(cell, layer, settings) for cell, layer in cells]
    return [_by_layers(cell, layer, settings, n_layers) for cell, layer in cells]


def _cells(copula: Copula) -> list[Copula]:
    """The elliptical layer of each cell."""
    return [Copula(*fields) for fields in zip(*copula, strict=True)]


def _by_neighbours(z: Floats, copula: Copula, settings: Settings) -> Path:
    """Neighbours in what the elliptical layer leaves, or in the scores themselves where they find more there."""
    rest = _rest(copula, settings)
    best = rest.after(float(copula.gain), copula.terms)
    if rest.total > 0:
        alone = neighbours.total_correlation(z)
        if alone.value > best.total + alone.error:
            return Path(alone.value, 0, True, alone.terms(), partial(neighbours.doubt, z))
        best = best.after(0.0, 0.0, 0, min(abs(alone.value - best.total), alone.error) / 2)
    return best


def _by_layers(z: Floats, copula: Copula, settings: Settings, n_layers: int) -> Path:
    """The elliptical layer and then others, or others at once where one of them takes more."""
    best = _follow(copula, n_layers + 1, settings).after(float(copula.gain), copula.terms)
    if best.n_layers > 1 or copula.beyond:
        candidate = _candidate(z, settings)
        if candidate is not None and candidate.unseen.mean() > copula.gain:
            best = _better(best, _take(candidate, n_layers, settings))
    return best


def _follow(copula: Copula, n_layers: int, settings: Settings) -> Path:
    """Path on from what an elliptical layer has left."""
    candidate = _candidate(copula.y, settings)
    if candidate is None or n_layers >= settings.max_layers:
        return _rest(copula, settings)._replace(converged=candidate is None)
    return _take(candidate, n_layers, settings)


def _candidate(z: Floats, settings: Settings) -> Candidate | None:
    """The layer that takes most from samples that it was not fitted on, None if none does so significantly."""
    critical = -float(ndtri(settings.significance))
    candidates = (pair_layer(z, settings.significance, settings.seed), mixture_layer(z, settings.seed))
    certain = [c for c in candidates if c is not None and c.is_certain(critical)]
    return max(certain, key=lambda c: c.unseen.mean(), default=None)


def _take(candidate: Candidate, n_layers: int, settings: Settings) -> Path:
    """Path that begins with `candidate`, mends the margins, and goes on with what is elliptical in what it leaves."""
    gain, y, terms = marginal_layer(candidate.apply()[None], settings.significance, settings.seed)
    scores = _scores(y, settings.seed)
    copula = elliptical_layer(scores, settings.significance, settings.seed)
    if not (copula.nonlinear[0] and copula.gain[0] > 0):
        copula = copula._replace(gain=np.zeros(1), y=scores, terms=np.zeros_like(copula.terms))
    (cell,) = _cells(copula._replace(beyond=np.ones(1, dtype=bool)))
    left = _follow(cell, n_layers + 1, settings).after(float(cell.gain), cell.terms, 0)
    left = left._replace(total=max(left.total, candidate.left))
    optimism = candidate.gain - float(candidate.unseen.mean())
    return left.after(candidate.gain + float(gain[0]), candidate.unseen + terms[0], doubt=optimism)


def _rest(copula: Copula, settings: Settings) -> Path:
    """What nearest neighbours find in one cell: nothing of it where it is faint, all where it is clear.

    The more has been found before, the less evidence is needed.
    """
    if copula.beyond:
        levels = BEYOND
    elif copula.nonlinear:
        levels = ELLIPTICAL
    else:
        levels = settings.significance, settings.significance / 10
    faint, clear = -ndtri(np.array(levels))
    left = neighbours.total_correlation(copula.y)
    share = float(np.clip((left.value / left.error - faint) / (clear - faint), 0, 1))
    withheld = (1 - share) * max(0.0, left.value)
    if not share:
        unseen = min(withheld, UNSEEN * max(0.0, float(copula.gain)))
        return Path(0.0, 0, True, 0.0, lambda: unseen)
    return Path(
        share * left.value, 0, True, share * left.terms(), lambda: share * neighbours.doubt(copula.y) + withheld
    )
