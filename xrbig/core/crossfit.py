"""Fits that have not seen some of the samples, and what layers gain on those."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np

from xrbig.core import tuning
from xrbig.core.layers.base import Kind, Map, apply, log_normal, some
from xrbig.core.marginal import Bools, Floats, Ints


class Turn(NamedTuple):
    """Where in the search a layer is chosen.

    Attributes
    ----------
    layer : its number
    raw : whether the margins of the samples may be any
    seed : of random numbers
    """

    layer: int
    raw: bool
    seed: int


class Folds(NamedTuple):
    """Samples as the fit to all of them maps them, and as each of several fits does that leaves some out.

    Attributes
    ----------
    whole : array (feature, sample)
    parts : array (fold, feature, sample), at most `most_samples` of them
    left_out : array (sample,), the fold that leaves the sample out
    """

    whole: Floats
    parts: Floats
    left_out: Ints

    @classmethod
    def of(cls, x: Floats, unit: Ints) -> Self:
        """Samples before any layer; those with the same `unit` (sample,) are left out together."""
        chosen = tuning.TUNING
        judged = some(x.shape[1], chosen.most_samples)
        count = int(unit.max()) + 1
        stretches = chosen.folds * min(chosen.stretches, max(1, count // (2 * chosen.folds)))
        left_out = unit[judged] * stretches // count % chosen.folds
        return cls(x, np.repeat(x[None, :, judged], chosen.folds, axis=0), left_out)

    @property
    def fitted(self) -> int:
        """How many samples each fold is fitted to."""
        n = len(self.left_out)
        return n - n // len(self.parts)

    def fits(self, kind: Kind, like: list[Map] | None) -> Iterator[tuple[int, list[Map]]]:
        """Fit in each fold, alike to the fit to all samples."""
        for fold, z in enumerate(self.parts):
            yield fold, kind.fit(np.ascontiguousarray(z[:, self.left_out != fold]), like)


class CrossFit(NamedTuple):
    """A layer that may be taken.

    Attributes
    ----------
    kind : what it is
    maps : its fit to all samples
    after : what it makes of the samples
    in_sample : array (sample,), what it adds to their log-density
    held_out : array (sample,), what fits that have not seen the sample add
    judged : array (sample,), the gains that decided whether it is taken; those of held-out samples if None
    evidence : standard errors of its gain that it needed
    """

    kind: str
    maps: list[Map]
    after: Folds
    in_sample: Floats
    held_out: Floats
    judged: Floats | None = None
    evidence: float = 0.0

    @classmethod
    def nothing(cls, folds: Folds, kind: str = "none") -> Self:
        """No map at all."""
        return cls(kind, [], folds, np.zeros(folds.whole.shape[1]), np.zeros(len(folds.left_out)))

    def then(self, other: "CrossFit") -> "CrossFit":
        """Both in turn."""
        in_sample, held_out = self.in_sample + other.in_sample, self.held_out + other.held_out
        return CrossFit(self.kind, self.maps + other.maps, other.after, in_sample, held_out)

    @property
    def gain(self) -> float:
        """Mean gain in sample and on held-out samples: they err by the same in either direction."""
        most = tuning.TUNING.outlying
        return float(bounded(self.in_sample, most).mean() + bounded(self.held_out, most).mean()) / 2

    @property
    def likelihood(self) -> Floats:
        """Gains on held-out samples (sample,), none of which counts for much more than others."""
        return bounded(self.held_out) if self.judged is None else self.judged

    @property
    def counts(self) -> bool:
        """Whether the evidence that it gains is enough."""
        return bool(is_enough(self.likelihood, self.evidence))

    @property
    def score(self) -> float:
        """Mean gain on held-out samples."""
        return float(bounded(self.held_out).mean())


def cross_fit(kind: Kind, folds: Folds) -> CrossFit:
    """Fit to all samples, and to those that each fold does not leave out."""
    maps = kind.fit(folds.whole)
    whole, log_det = apply(maps, folds.whole)
    in_sample = log_det + log_normal(whole) - log_normal(folds.whole)
    parts, held_out = np.empty_like(folds.parts), np.empty(len(folds.left_out))
    for fold, own in folds.fits(kind, maps):
        parts[fold], log_det = apply(own, folds.parts[fold])
        gain = log_det + log_normal(parts[fold]) - log_normal(folds.parts[fold])
        held_out[folds.left_out == fold] = gain[folds.left_out == fold]
    return CrossFit(kind.name, maps, folds._replace(whole=whole, parts=parts), in_sample, held_out)


def held_out_gain(kind: Kind, folds: Folds) -> Floats:
    """What a kind adds to the log-density of held-out samples (sample,)."""
    held_out = np.empty(len(folds.left_out))
    for fold, maps in folds.fits(kind, None):
        x = folds.parts[fold][:, folds.left_out == fold]
        z, log_det = apply(maps, x)
        held_out[folds.left_out == fold] = log_det + log_normal(z) - log_normal(x)
    return held_out


def held_out_parts(kind: Kind, folds: Folds) -> Floats:
    """What each part of each map of a kind adds to the log-density of held-out samples: (part, sample).

    The maps must not depend on what those before them make of the samples.
    """
    rows: list[tuple[int, Floats]] = []
    for fold, maps in folds.fits(kind, None):
        x = folds.parts[fold][:, folds.left_out == fold]
        rows.append((fold, np.concatenate([single.gains(x) for single in maps])))
    gains = np.empty((len(rows[0][1]), len(folds.left_out)))
    for fold, own in rows:
        gains[:, folds.left_out == fold] = own
    return gains


def best_parts(kinds: Sequence[Kind], folds: Folds) -> tuple[Ints, Floats]:
    """For each part, the kind by which held-out samples gain most, and its gains (part, sample)."""
    gains = np.stack([held_out_parts(kind, folds) for kind in kinds])
    chosen = gains.mean(axis=2).argmax(axis=0)
    return chosen, np.take_along_axis(gains, chosen[None, :, None], axis=0)[0]


def bounded(gain: Floats, most: float | None = None) -> Floats:
    """Gains (..., sample) of which none differs from the median by more than that: one sample tells no more."""
    most = tuning.TUNING.most_gain if most is None else most
    middle = np.median(gain, axis=-1, keepdims=True)
    return np.clip(gain, middle - most, middle + most)


def standard_error(gain: Floats) -> Floats:
    """Standard error of the mean of the gains (..., sample): stretches of neighbouring samples vary alike or more."""
    size = -(-gain.shape[-1] // tuning.TUNING.batches)
    count = gain.shape[-1] // size
    means = gain[..., : count * size].reshape(*gain.shape[:-1], count, size).mean(axis=-1)
    return np.asarray(means.std(axis=-1, ddof=1) / np.sqrt(count))


def is_enough(gain: Floats, evidence: float) -> Bools:
    """Whether the mean of the gains (..., sample) exceeds so many standard errors.

    With t the mean in standard errors, that is where its weight t^2 / (t^2 + evidence^2) exceeds one half.
    """
    return np.asarray(gain.mean(axis=-1) > evidence * standard_error(gain))
