"""Standard errors from the terms of the samples, whose mean an estimate is, and from their autocorrelation."""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from xrbig.core import tuning
from xrbig.core.marginal import Bools, Floats, Ints


def standard_error(
    terms: Floats, scores: Floats, pairs: Bools, doubt: Floats, with_chance: bool, unit: Ints | None = None
) -> Floats:
    r"""Standard error (cell,) of T or I, in nats.

    With i(x) = log p(x) / prod p(x_d), whose mean is T, the influence of a sample on T is i(x) - T. So the variance is
    that of the mean of the `terms` (cell, sample), which stand for i(x), and are autocorrelated. Where T is near 0 the
    terms vanish, and chance correlations of the `scores` (cell, feature, sample) are what is left. What they add to the
    mean is added in squares where the value is `with_chance`, and so is the `doubt` (cell,), by how much the value may
    be wrong for other reasons. Samples with the same `unit` (cell, sample) count as one: it is their sums that vary
    from unit to unit.
    """
    if unit is None:
        variance = terms.var(axis=1) * autocorrelation_time(terms) / terms.shape[1]
        excess, chance = null_moments(scores, pairs)
    else:
        variance = _variance_of_mean(terms, unit)
        excess, chance = _null_moments_of_units(scores, pairs, unit)
    beside = with_chance * excess**2 + tuning.TUNING.doubt * doubt**2
    return np.asarray(np.sqrt(np.maximum(variance - chance, chance) + beside))


def null_moments(scores: Floats, pairs: Bools) -> tuple[Floats, Floats]:
    """What autocorrelation adds to the mean of -1/2 log det of correlations that are 0, and its variance, (cell,).

    A pair of the `pairs` (feature, feature) adds (1 / N - 1 / n) / 2 and 1 / (2 N^2), N being the number of independent
    samples that would give a correlation as uncertain as this: n / sum_k r_a(k) r_b(k), with the autocorrelations r of
    both features (Bartlett, Journal of the Royal Statistical Society 98:536, 1935).
    """
    n = scores.shape[2]
    r = _until_noise(_autocorrelation(scores))
    weight = np.where(np.arange(r.shape[-1]) == 0, 1.0, 2.0)
    times = np.maximum((r * weight) @ r.swapaxes(1, 2), 1).reshape(len(r), -1)
    times = np.take(times, np.flatnonzero(pairs), axis=1)
    return np.asarray((times - 1).sum(axis=1) / (2 * n)), np.asarray((times**2).sum(axis=1) / (2 * n**2))


def _variance_of_mean(x: Floats, unit: Ints) -> Floats:
    """Variance of the mean of each row of `x` (cell, sample), from the sums over its units, in their order."""
    variance = np.empty(len(x))
    for cell, (row, place) in enumerate(zip(x - x.mean(axis=1, keepdims=True), unit, strict=True)):
        sums = np.asarray(np.bincount(np.unique(place, return_inverse=True)[1], weights=row), dtype=np.float64)
        time = float(autocorrelation_time(sums[None])[0]) if len(sums) > 3 else 1.0
        variance[cell] = len(sums) * sums.var() * time / len(row) ** 2
    return variance


def _null_moments_of_units(scores: Floats, pairs: Bools, unit: Ints) -> tuple[Floats, Floats]:
    """As `null_moments`, the uncertainty of each correlation being that of the mean of the products of the scores."""
    n = scores.shape[2]
    one, other = np.nonzero(pairs)
    uncertain = [_variance_of_mean(scores[:, a] * scores[:, b], unit) for a, b in zip(one, other, strict=True)]
    variance = np.maximum(np.stack(uncertain, axis=1), 1 / n)
    return np.asarray((variance - 1 / n).sum(axis=1) / 2), np.asarray((variance**2).sum(axis=1) / 2)


def autocorrelation_time(x: Floats) -> Floats:
    """How many times larger autocorrelation makes the variance of the mean of each row of `x`; never below 1.

    The sum of the autocorrelations until that of two lags in turn is negative, and none larger than the one before
    (initial monotone sequence: Geyer, Statistical Science 7:473, 1992).
    """
    return np.asarray(np.maximum(2 * _until_noise(_autocorrelation(x)).sum(axis=-1) - 1, 1))


def _autocorrelation(x: Floats) -> Floats:
    """Autocorrelation of each row of `x` at an even number of lags, up to half of the samples; 0 if constant."""
    n = x.shape[-1]
    size = next_fast_len(n + n // 2 + 2, real=True)
    rows = (x - x.mean(axis=-1, keepdims=True)).reshape(-1, n)
    powers = (np.abs(rfft(row, size)) ** 2 for row in rows)  # of several at once, the last bits depend on how many
    covariance = np.stack([irfft(power, size)[: max(2, n // 4 * 2)] for power in powers])
    variance = covariance[:, :1]
    r = np.divide(covariance, variance, out=np.zeros_like(covariance), where=variance > 0)
    return np.asarray(r.reshape(*x.shape[:-1], -1))


def _until_noise(r: Floats) -> Floats:
    """Autocorrelations as long as the sums of two in turn stay positive, those sums not growing; 0 beyond."""
    sums = r[..., ::2] + r[..., 1::2]
    kept = np.minimum.accumulate(np.maximum(sums, 0), axis=-1)
    shrink = np.divide(kept, sums, out=np.zeros_like(kept), where=sums > 0)
    return np.asarray(r * np.repeat(shrink, 2, axis=-1))
