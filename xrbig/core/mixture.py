"""Mixture layers of the map: Gaussian mixtures, fitted on half of the samples and judged on the other."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from xrbig.core import rotation
from xrbig.core.layers.mixture import Mixture, monomials_of
from xrbig.core.marginal import Floats

HALVES = rotation.FITTED, rotation.HELD_OUT
SAMPLES_PER_PARAMETER = 1.5
MOST_COMPONENTS = 32
FITTED_SAMPLES = 10_000  # of a half: more add nothing but time
BLOCK = 1 << 22  # monomials that are held at a time


class CrossFit(NamedTuple):
    """What mixtures that were fitted on either half of the samples say of them.

    Attributes
    ----------
    fits : for each half, the mixture fitted on it
    seen : mean gain on the samples of the fit
    unseen : array (sample,), gain of each sample under the mixture of the other half
    """

    fits: list[Mixture]
    seen: float
    unseen: Floats

    @property
    def gain(self) -> float:
        """Mean of the gains on samples of the fit and on others: they err by the same in either direction."""
        return float(self.seen + self.unseen.mean()) / 2

    def apply(self, z: Floats) -> Floats:
        """Map each half of `z` (feature, sample) to N(0, I) by the mixture of the other."""
        out = np.empty_like(z)
        for half, fit in zip(HALVES, self.fits[::-1], strict=True):
            out[:, half] = fit.given(np.ascontiguousarray(z[None, :, half]), 0)[0][0]
        return out


def best_cross_fit(z: Floats, given: int, fitted_samples: int, seed: int) -> list[CrossFit]:
    """For each of the stack `z` (stack, feature, sample) the fit whose gain on unseen samples is the largest.

    Mixtures are fitted to at most `fitted_samples` of each half; the number of components is doubled as long as that
    helps. None are found where there are too few samples. The gain is that of the features after the first `given`.
    """
    features, n = z.shape[1:]
    most = min(MOST_COMPONENTS, int(n / (SAMPLES_PER_PARAMETER * (features + 1) * (features + 2) / 2)))
    stride = max(1, n // (2 * fitted_samples))
    fitted = np.stack([z[..., half][..., : n // 2 : stride] for half in HALVES])
    monomials = np.stack([monomials_of(half) for half in fitted])
    best: dict[int, CrossFit] = {}
    active = list(range(len(z)))
    components = 2
    while active and components <= most:
        samples, powers = (array[:, active].reshape(-1, *array.shape[2:]) for array in (fitted, monomials))
        mixtures = Mixture.fit(samples, powers, components, seed)
        fits = dict(zip(active, _judge(z[active], mixtures, given), strict=True))
        better = [i for i, fit in fits.items() if i not in best or fit.unseen.mean() > best[i].unseen.mean()]
        best.update({i: fits[i] for i in better})
        active = better
        components *= 2
    return list(best.values())


def _judge(z: Floats, mixtures: Mixture, given: int) -> list[CrossFit]:
    """What the `mixtures`, those of the one half of the samples of `z` before those of the other, say of all."""
    count = len(z)
    fits = [mixtures.at(slice(count)), mixtures.at(slice(count, None))]
    size = max(1, BLOCK // monomials_of(z[..., :1]).size)
    blocks = [_gains(fits, z[..., start : start + size], given) for start in range(0, z.shape[2], size)]
    gains = [np.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True)]
    seen, unseen = np.empty((2, count, z.shape[2]))
    for half, own, other in zip(HALVES, gains, gains[::-1], strict=True):
        seen[:, half], unseen[:, half] = own[:, half], other[:, half]
    return [CrossFit([fit.at(slice(i, i + 1)) for fit in fits], seen[i].mean(), unseen[i]) for i in range(count)]


def _gains(fits: list[Mixture], z: Floats, given: int) -> list[Floats]:
    """Log-density (stack, sample) relative to N(0, I) of the features after the first `given`, given those."""
    square = np.einsum("sfn,sfn->sn", z[:, given:], z[:, given:]) / 2
    gains = [square + fit.log_density(monomials_of(z)) for fit in fits]
    if given:
        before = monomials_of(z[:, :given])
        gains = [gain - fit.first(given).log_density(before) for gain, fit in zip(gains, fits, strict=True)]
    return gains


class Candidate(NamedTuple):
    """A layer that may be taken next.

    Attributes
    ----------
    unseen : array (sample,), what it takes from T at each sample, by a fit that has not seen it
    gain : what it takes from T
    left : what is known to be left in the pairs of features that it has seen
    apply : gives what it makes of the samples, (feature, sample)
    """

    unseen: Floats
    gain: float
    left: float
    apply: Callable[[], Floats]

    def is_certain(self, errors: float) -> bool:
        """Whether the gain exceeds so many of its standard errors."""
        return bool(self.unseen.mean() > errors * self.unseen.std() / np.sqrt(len(self.unseen)))


def mixture_layer(z: Floats, seed: int) -> Candidate | None:
    """Gaussian mixture of all features of `z` (feature, sample); None where there are too few samples for one."""
    fits = best_cross_fit(z[None], 0, FITTED_SAMPLES, seed)
    if not fits:
        return None
    return Candidate(fits[0].unseen, fits[0].gain, 0.0, lambda: fits[0].apply(z))
