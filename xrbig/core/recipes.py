"""How the maps of a flow are fitted: each recipe takes samples (feature, sample) and gives maps for any samples."""

from collections.abc import Callable

import numpy as np
from scipy.special import chdtri, ndtr, ndtri, stdtr, stdtrit

from xrbig.core import rotation
from xrbig.core.cache import cached
from xrbig.core.elliptical import inverse_root, student_scatter
from xrbig.core.maps import Compression, Conditional, Curve, Linear, Map, Margins, Radial, Tree
from xrbig.core.marginal import FARTHEST, Floats, Ints, exact_scale
from xrbig.core.mixture import Mixture, monomials_of
from xrbig.core.unmixing import has_covariance, is_narrow, widths

Recipe = Callable[[Floats, list[Map] | None], list[Map]]  # the maps are alike to others, fitted to more samples

TAIL = 10  # samples beyond the outer knots of a curve
SAMPLES_PER_BIN = 12
FEWEST_BINS = 4
NEAR = 1.001
RADIAL_BINS = 8
FEW, NARROW = 20, 1e-3  # one in so many samples lie so near, in standard deviations, that curves miss what they hold
DENSE = 100  # one in so many samples lie where a feature is densest
LEAST_SPREAD = np.finfo(float).tiny * 1e16
FINE_BINS = 16
RETURNED = 1e-9  # of the width of the nearest samples, how near an inverse comes
APART = 1e-3  # width that the nearest samples take at least, of N(0, 1)
DEGREES = (np.inf, 16.0, 8.0, 4.0, 2.0)  # of freedom of the t copulas that are tried
GRID = np.linspace(-8, 8, 129)  # of normal scores, the knots of the map to t quantiles
ROBUST = 3.0  # degrees of freedom of the scatter of samples whose margins may have heavy tails
STEPS = 10  # of the scatter
COMPONENTS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
SAMPLES_PER_PARAMETER = 1.5
PAIR_COMPONENTS = (2, 4, 8, 16)
BROAD, BACKGROUND = 3.0, 0.1  # standard deviation of the background of a mixture, and its weight in samples
MOST_SAMPLES = 10_000  # that a mixture is fitted to


def exact(x: Floats) -> list[Map]:
    """A map that rounds nothing, where features are too far from 0, or too large or small, for what comes."""
    shift, power = exact_scale(x)
    if not (shift.any() or power.any()):
        return []
    return [Linear(shift[:, 0], np.diag(np.ldexp(1.0, -power[:, 0])))]


def scale(x: Floats) -> list[Map]:
    """Mean 0 and variance 1, after features of which a few samples hold the variance have been compressed.

    Features some of whose samples would then hardly differ are compressed around where they are densest, or, where
    that is not enough, made normal at once.
    """
    heavy = np.array([not has_covariance(row[None, None])[0] for row in x])
    centre, spread = np.full((2, len(x)), np.nan)
    least = np.maximum(LEAST_SPREAD, np.abs(x).max(axis=1) * 2.0**-FARTHEST)
    quartiles = np.quantile(x[heavy], [0.25, 0.5, 0.75], axis=1)
    centre[heavy], spread[heavy] = quartiles[1], np.maximum((quartiles[2] - quartiles[0]) / 2, least[heavy])
    narrow = is_narrow(_compressed(x, centre, spread)[0], FEW, NARROW)
    if narrow.any():
        centre[narrow], half = _densest(x[narrow])
        spread[narrow] = np.maximum(half, least[narrow])
        narrow &= is_narrow(_compressed(x, centre, spread)[0], FEW, NARROW)
        centre[narrow] = np.nan
    y, maps = _compressed(x, centre, spread)
    shift, size = np.zeros(len(x)), np.ones(len(x))
    shift[~narrow], size[~narrow] = y[~narrow].mean(axis=1), y[~narrow].std(axis=1)
    maps.append(Linear(shift, np.diag(1 / size)))
    if narrow.any():
        maps.append(Margins([_fine_curve(row) if own else IDENTITY for row, own in zip(y, narrow, strict=True)]))
    return maps


def _compressed(x: Floats, centre: Floats, spread: Floats) -> tuple[Floats, list[Map]]:
    """Features compressed around their `centre`, where they have one, and the map that does it, if any have."""
    features = np.flatnonzero(~np.isnan(centre))
    if not features.size:
        return x, []
    compression = Compression(features, centre[features], spread[features])
    return compression.apply(x)[0], [compression]


def _densest(x: Floats) -> tuple[Floats, Floats]:
    """Middle of where the samples of each feature are densest, and half the width that one in `DENSE` take there."""
    ordered = np.sort(x)
    few = max(3, x.shape[1] // DENSE)
    width = ordered[:, few:] - ordered[:, :-few]
    first = width.argmin(axis=1)
    rows = np.arange(len(x))
    half = width[rows, first] / 2
    return ordered[rows, first] + half, half


def _fine_curve(row: Floats) -> Curve:
    """Curve from samples on any scales to N(0, 1): bins are halved until all of their samples can be told apart."""
    n = len(row)
    ordered = np.sort(row)
    near = widths(ordered, FEW)
    allowed = RETURNED * near + 4 * np.finfo(float).eps * np.abs(ordered)
    ranks = _ranks(n, min(FINE_BINS, bin_numbers(n)[-1]))
    while True:
        curve = fit_curve(ordered, _normal_places(n), ranks, float(ordered[n // 2]))
        z, log_slope = curve.apply(ordered)
        lost = ~(np.abs(curve.invert(z) - ordered) <= allowed) | ((near > 0) & (near * np.exp(log_slope) < APART))
        ends = np.array([1, *ranks, n])
        of = 1 + np.flatnonzero(lost)
        bins = np.union1d(np.searchsorted(ends[1:], of), np.searchsorted(ends[:-1], of, side="right") - 1)
        halved = np.setdiff1d((ends[bins] + ends[bins + 1]) // 2, [*ranks, 1])
        if not halved.size:
            return curve
        ranks = np.union1d(ranks, halved)


def _normal_places(n: int) -> Floats:
    return np.asarray(ndtri(np.arange(1, n + 1) / (n + 1)))


def margins(bins: list[int], heavy: bool) -> Recipe:
    """Each feature to N(0, 1) on so many bins, 0 to leave it alone; tails that may be `heavy`, or normal ones."""

    def fit(x: Floats, like: list[Map] | None) -> list[Map]:
        scores = _normal_places(x.shape[1])
        curves = []
        for row, number in zip(x, bins, strict=True):
            if not number:
                curves.append(IDENTITY)
                continue
            ordered = np.sort(row)
            origin = float(ordered[len(ordered) // 2]) if heavy else None
            curves.append(fit_curve(ordered, scores, _ranks(len(ordered), number), origin))
        return [Margins(curves)]

    return fit


IDENTITY = Curve(np.array([-1.0, 1.0]), np.array([-1.0, 1.0]), np.ones(2), np.zeros(2))


def some(n: int, most: int) -> Ints:
    """Indices of at most so many of n samples, drawn at random: evenly spaced ones would see one hour of the day."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng([n, most]).choice(n, most, replace=False))


def bin_numbers(n: int) -> list[int]:
    """Numbers of bins that n samples may fill."""
    most = max(FEWEST_BINS, n // SAMPLES_PER_BIN)
    return [FEWEST_BINS << i for i in range((most // FEWEST_BINS).bit_length())]


def _ranks(n: int, bins: int) -> Ints:
    """Ranks of the knots between equal bins, of which those at the ends are halved as long as enough lie beyond."""
    edges = np.round(np.arange(1, bins) * (n + 1) / bins).astype(np.int64)
    tail = edges[0] >> np.arange(1, 64)
    ranks = np.unique(np.concatenate([edges, tail, n + 1 - tail]))
    beyond = min(TAIL, n // 8)
    return ranks[(ranks > beyond) & (ranks <= n - beyond)]


def fit_curve(ordered: Floats, target: Floats, ranks: Ints, origin: float | None = None) -> Curve:
    """Curve from `ordered` samples to their `target`, both ascending, with knots at the `ranks`.

    The tails have the mean that the samples beyond the knots ask for. They are linear or, from an `origin` on, linear
    in the logarithm, so that heavy ones are not taken for normal.
    """
    distinct = np.flatnonzero(np.diff(ordered[ranks - 1], prepend=-np.inf) > 0)
    ranks = ranks[distinct] if len(distinct) > 1 else np.array([1, len(ordered)])
    knots, values = ordered[ranks - 1], target[ranks - 1]
    slopes, bend = np.empty(len(knots)), np.zeros(2)
    width, secant = np.diff(knots), np.diff(values) / np.diff(knots)
    share = width[1:] / (width[1:] + width[:-1])
    slopes[1:-1] = secant[:-1] ** share * secant[1:] ** (1 - share)
    for side, (end, beyond) in enumerate(((0, slice(ranks[0] - 1)), (-1, slice(ranks[-1], None)))):
        distance = np.abs(ordered[beyond] - knots[end])
        reach = np.inf if origin is None else abs(knots[end] - origin)
        if not distance.any() or not reach:  # all are equal
            slopes[end] = secant[end]
            continue
        rise = np.abs(target[beyond] - values[end]).mean()
        if origin is None:
            slopes[end] = rise / distance.mean()
        else:
            growth = (ordered[beyond] - origin) / (knots[end] - origin)
            near = growth.max() < NEAR  # where the logarithm of the growth has lost digits
            rate = rise / (np.log1p(distance / reach) if near else np.log(growth)).mean()
            slopes[end], bend[side] = rate / reach, 1 / rate
    return Curve(knots, values, slopes, bend)


def radial(x: Floats) -> list[Map]:
    """Distance to the origin to that of N(0, I), chi; near the origin the map is linear."""
    features, n = x.shape
    ordered = np.sort(np.log(np.maximum(np.sqrt((x**2).sum(axis=0)), np.finfo(float).tiny)))
    target = np.log(chdtri(features, 1 - np.arange(1, n + 1) / (n + 1))) / 2
    curve = fit_curve(ordered, target, _ranks(n, RADIAL_BINS))
    curve.slopes[0] = 1.0
    return [Radial(curve)]


def elliptical(degrees: float) -> Recipe:
    """Normal margins to those of a t distribution, whitening by its scatter, and radius to chi."""

    def fit(z: Floats, like: list[Map] | None) -> list[Map]:
        if np.isinf(degrees):
            return _whitened(z, Linear(np.zeros(len(z)), inverse_root((z @ z.T / z.shape[1])[None])[0][0]))
        margins = Margins([_student_curve(degrees)] * len(z))
        x, _ = margins.apply(z)
        scatter = student_scatter(x[None], degrees, (x @ x.T / x.shape[1])[None], STEPS)
        linear = Linear(np.zeros(len(z)), inverse_root(scatter)[0][0])
        return [margins, *_whitened(x, linear)]

    return fit


def _whitened(x: Floats, linear: Linear) -> list[Map]:
    return [linear, *radial(linear.apply(x)[0])]


@cached
def _student_curve(degrees: float) -> Curve:
    """Normal scores to t quantiles."""
    half = np.arange(len(GRID) // 2 + 1)
    lower = stdtrit(degrees, ndtr(GRID[half]))
    values = np.concatenate([lower[:-1], [0.0], -lower[:-1][::-1]])
    log_density = -(degrees + 1) / 2 * np.log1p(values**2 / degrees)
    constant = np.log(stdtr(degrees, 1e-3) - 0.5) - np.log(1e-3)
    slopes = np.exp(-(GRID**2) / 2 - log_density - constant) / np.sqrt(2 * np.pi)
    return Curve(GRID, values, slopes, np.zeros(2))


def spherical(x: Floats, like: list[Map] | None) -> list[Map]:
    """Whitening by a robust scatter, and radius to chi, whatever the margins."""
    scatter = student_scatter(x[None], ROBUST, (x @ x.T / x.shape[1])[None], STEPS)
    return _whitened(x, Linear(np.zeros(len(x)), inverse_root(scatter)[0][0]))


def rotate(kind: rotation.Rotation, layer: int, seed: int) -> Recipe:
    """Whiten and rotate.

    Fits to fewer samples begin with the rotation that comes closest to that of all: else each might find the same
    components in another order.
    """

    def fit(z: Floats, like: list[Map] | None) -> list[Map]:
        mean = z.mean(axis=1)
        centred = (z - mean[:, None])[None]
        white = rotation.whiten(centred)
        y, matrix = white.matrix @ centred, white.matrix[0]
        start = rotation.random_rotation(len(z), layer, seed)
        if like:
            (whole,) = like
            assert isinstance(whole, Linear)
            left, _, right = np.linalg.svd(whole.matrix @ np.linalg.inv(matrix))
            start = left @ right
        elif kind == "pca":
            start = np.eye(len(z))
        elif kind == "random":
            start = start @ white.axes[0]
        turn = start
        if kind == "ica":
            turn = rotation.independent_components(y, start)[0]
            turn = np.where((turn * start).sum(axis=1) < 0, -1, 1)[:, None] * turn
        return [Linear(mean, turn @ matrix)]

    return fit


def mixtures(components: int, seeds: list[int]) -> Recipe:
    """All features by a Gaussian mixture, the mean of several that started differently."""

    def fit(z: Floats, like: list[Map] | None) -> list[Map]:
        found = _fit_mixtures(z[None], components, seeds)
        return [Conditional(np.arange(len(z)), np.array(0), *_pool([m.at(slice(1)) for m in found], z.shape[1]))]

    return fit


def most_components(features: int, n: int) -> list[int]:
    """Numbers of components that so many samples can tell."""
    parameters = (features + 1) * (features + 2) / 2
    return [k for k in COMPONENTS if k * parameters * SAMPLES_PER_PARAMETER <= n]


def tree(edges: list[tuple[int, int]], components: list[int], seed: int) -> Recipe:
    """Each feature by its distribution given the one it hangs on; the edges lead from the leaves up."""

    def fit(z: Floats, like: list[Map] | None) -> list[Map]:
        branches: dict[int, Conditional] = {}
        for number in sorted(set(components)):
            chosen = [i for i, k in enumerate(components) if k == number]
            found = _fit_mixtures(np.stack([z[list(edges[i])] for i in chosen]), number, [seed])
            for place, i in enumerate(chosen):
                mixture = _pool([m.at(slice(place, place + 1)) for m in found], z.shape[1])
                branches[i] = Conditional(np.array(edges[i]), np.array(1), *mixture)
        return [Tree([branches[i] for i in range(len(edges))])]

    return fit


def _fit_mixtures(z: Floats, components: int, seeds: list[int]) -> list[Mixture]:
    """A mixture of the samples (stack, feature, sample) for each seed."""
    thinned = np.ascontiguousarray(z[..., some(z.shape[-1], MOST_SAMPLES)])
    monomials = monomials_of(thinned)
    return [Mixture.fit(thinned, monomials, components, seed, thin=True) for seed in seeds]


def _pool(found: list[Mixture], n: int) -> tuple[Floats, Floats, Floats]:
    """Weights, means and whitenings of the mean of mixtures, one stack each, that n samples were fitted by.

    A broad component is added whose weight is a tenth of that of a sample. Far from the data it is all there is, and
    between clusters it keeps the density from vanishing, where the map could not be inverted.
    """
    share = BACKGROUND / n
    features = found[0].mean.shape[-1]
    log_weight = np.concatenate([m.log_weight[0] for m in found]) - np.log(len(found)) + np.log1p(-share)
    mean = np.concatenate([m.mean[0] for m in found])
    whitening = np.concatenate([m.whitening[0] for m in found])
    return (
        np.append(log_weight, np.log(share)),
        np.concatenate([mean, np.zeros((1, features))]),
        np.concatenate([whitening, np.eye(features)[None] / BROAD]),
    )
