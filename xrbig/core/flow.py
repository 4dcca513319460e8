"""The fit of a flow, an invertible map of samples to N(0, I): each layer is judged on samples it has not seen."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from xrbig.core import recipes
from xrbig.core.entropy import marginal_entropies, spread_ties
from xrbig.core.gaussianize import Settings
from xrbig.core.maps import Conditional, Map, Margins, Tree
from xrbig.core.marginal import Floats, Ints, exact_order, scatter
from xrbig.core.pairs import chow_liu_tree
from xrbig.core.recipes import Recipe

FOLDS = 4
STRETCHES = 12  # of samples in each fold, so that neighbours in time are in the same
JUDGED = 10_000  # samples that judge a layer: more add nothing but time
SLAB = 1024  # samples that are mapped at a time: however many there are, the same bits come out
LATER = 0.01  # significance that layers after the first need, and margins
LATER_TURN = 0.1  # the same of plain rotations, of which each takes little
WORSE = 2  # trials in a row that gain nothing, after which no larger number is tried
BAG = 4  # mixtures, from different starts, whose mean is a layer
MOST_GAIN = 10.0  # by how much the gain of a sample may differ from that of others when layers are chosen, in nats
OUTLYING = 50.0  # the same when T is summed up
CERTAIN = 3.0  # standard errors by which a pair must gain

Report = Callable[[str], None]


class Layer(NamedTuple):
    """A layer of a flow.

    Attributes
    ----------
    kind : what it is
    maps : its maps, in turn; those of the first layer begin with the scale of the features
    gain : what it takes from T: the mean of what it takes on the samples of the fit and on others
    likelihood : what it adds to the mean log-likelihood of samples that it has not seen, on that of N(0, I), of which
        none counts for more than `MOST_GAIN` more or less than others
    null_level : what chance would add to it with the probability that decided whether the layer is taken
    """

    kind: str
    maps: list[Map]
    gain: float
    likelihood: float
    null_level: float


class Fitted(NamedTuple):
    """A fitted flow.

    Attributes
    ----------
    layers : its layers
    total_correlation : T, the sum of what the layers take (Eq. 7)
    by_density : T, the entropies of the features plus the mean log-density (Eq. 6)
    std_error : standard error of T, the samples being independent
    margin_error : part of `by_density` that is there for independent features too, by what their curves miss
    """

    layers: list[Layer]
    total_correlation: float
    by_density: float
    std_error: float
    margin_error: float


def apply(maps: list[Map], x: Floats) -> tuple[Floats, Floats]:
    """Map `x` (feature, sample) by all `maps`; returns the new samples and log |det| (sample,)."""
    mapped = np.empty((len(x) + 1, x.shape[1]))
    for start in range(0, x.shape[1], SLAB):
        z = x[:, start : start + SLAB]
        log_det = np.zeros(z.shape[1])
        for single in maps:
            z, more = single.apply(z)
            log_det = log_det + more
        mapped[:-1, start : start + SLAB], mapped[-1, start : start + SLAB] = z, log_det
    return mapped[:-1], mapped[-1]


def invert(maps: list[Map], z: Floats) -> Floats:
    """Map `z` (feature, sample) back."""
    for single in reversed(maps):
        z = single.invert(z)
    return z


def in_slabs(function: Callable[[Floats], Floats], x: Floats) -> Floats:
    """Apply `function` to slabs of the samples of `x` (feature, sample), all equally long; the last is filled up."""
    n = x.shape[-1]
    if not n:
        return function(np.zeros((len(x), 1)))[..., :0]
    filled = np.pad(x, ((0, 0), (0, -n % SLAB)), mode="edge") if n % SLAB else x
    parts = [function(np.ascontiguousarray(filled[:, start : start + SLAB])) for start in range(0, n, SLAB)]
    return np.concatenate(parts, axis=-1)[..., :n]


def log_prob(maps: list[Map], x: Floats) -> Floats:
    """Log-density (sample,) at `x` (feature, sample), Eq. 3."""
    z, log_det = apply(maps, x)
    return log_normal(z) + log_det


def log_normal(z: Floats) -> Floats:
    """Log-density (sample,) of N(0, I) at `z` (feature, sample)."""
    return np.asarray(-((z**2).sum(axis=0) + len(z) * np.log(2 * np.pi)) / 2)


class State(NamedTuple):
    """Samples as the fit to all of them makes them, and as each of several fits does that leaves some out.

    Attributes
    ----------
    whole : array (feature, sample)
    folds : array (fold, feature, sample)
    held : array (sample,), the fold that leaves the sample out

    The folds hold at most `JUDGED` of the samples.
    """

    whole: Floats
    folds: Floats
    held: Ints

    @classmethod
    def of(cls, x: Floats, unit: Ints) -> "State":
        """Samples before any layer; those with the same `unit` (sample,) are left out together."""
        judged = recipes.some(x.shape[1], JUDGED)
        count = int(unit.max()) + 1
        stretches = FOLDS * min(STRETCHES, max(1, count // (2 * FOLDS)))
        held = unit[judged] * stretches // count % FOLDS
        return cls(x, np.repeat(x[None, :, judged], FOLDS, axis=0), held)

    def fits(self, recipe: Recipe, like: list[Map]) -> Iterator[tuple[int, list[Map]]]:
        """Fit the recipe in each fold, alike to the fit to all samples."""
        for fold, z in enumerate(self.folds):
            yield fold, recipe(np.ascontiguousarray(z[:, self.held != fold]), like)


class Trial(NamedTuple):
    """A layer that may be taken.

    Attributes
    ----------
    kind : what it is
    maps : its fit to all samples
    state : what it makes of the samples
    seen : array (sample,), what it adds to their log-likelihood
    unseen : array (sample,), what fits that have not seen the sample add
    significance : probability with which chance may gain as much
    judged : array (sample,), the gains that decided whether it is taken; those of unseen samples if None
    """

    kind: str
    maps: list[Map]
    state: State
    seen: Floats
    unseen: Floats
    significance: float = 0.5
    judged: Floats | None = None

    @classmethod
    def of(cls, kind: str, state: State, recipe: Recipe) -> "Trial":
        """Fit a recipe."""
        maps = recipe(state.whole, None)
        whole, log_det = apply(maps, state.whole)
        seen = log_det + log_normal(whole) - log_normal(state.whole)
        folds, unseen = np.empty_like(state.folds), np.empty(len(state.held))
        for fold, own in state.fits(recipe, maps):
            folds[fold], log_det = apply(own, state.folds[fold])
            gain = log_det + log_normal(folds[fold]) - log_normal(state.folds[fold])
            unseen[state.held == fold] = gain[state.held == fold]
        return cls(kind, maps, State(whole, folds, state.held), seen, unseen)

    @classmethod
    def nothing(cls, kind: str, state: State) -> "Trial":
        """No map at all."""
        return cls(kind, [], state, np.zeros(state.whole.shape[1]), np.zeros(len(state.held)))

    def then(self, other: "Trial", kind: str | None = None) -> "Trial":
        """Both in turn."""
        maps, seen, unseen = self.maps + other.maps, self.seen + other.seen, self.unseen + other.unseen
        return Trial(kind or self.kind, maps, other.state, seen, unseen)

    @property
    def gain(self) -> float:
        """Mean gain on the samples of the fit and on others: they err by the same in either direction."""
        return float(_bounded(self.seen, OUTLYING).mean() + _bounded(self.unseen, OUTLYING).mean()) / 2

    def layer(self) -> Layer:
        """What is kept of it, a tree branch by branch."""
        maps: list[Map] = []
        for single in self.maps:
            maps += single.branches if isinstance(single, Tree) else [single]
        gains = _bounded(self.unseen) if self.judged is None else self.judged
        return Layer(self.kind, maps, self.gain, float(gains.mean()), self._by_chance(gains))

    def _by_chance(self, gains: Floats) -> float:
        """Mean of `gains` that chance exceeds with the probability `significance`."""
        return float(-ndtri(self.significance) * gains.std() / np.sqrt(len(gains)))

    @property
    def score(self) -> float:
        """Mean gain of unseen samples."""
        return float(_bounded(self.unseen).mean())

    @property
    def counts(self) -> bool:
        """Whether it gains more than chance would."""
        return self.score > self._by_chance(_bounded(self.unseen))


def _bounded(gain: Floats, most: float = MOST_GAIN) -> Floats:
    """Gains (..., sample) of which none differs from the median by more than that: one sample tells no more."""
    middle = np.median(gain, axis=-1, keepdims=True)
    return np.clip(gain, middle - most, middle + most)


def fit(x: Floats, settings: Settings, report: Report = lambda text: None, unit: Ints | None = None) -> Fitted:
    """Fit a flow to the samples `x` (feature, sample), none of which is constant.

    Samples may be alike that have the same `unit` (sample,), such as a day, or one near to it.

    Two paths are followed, one that begins with the margins and one that begins with the data as they are, and that one
    is taken whose density is the larger at unseen samples. T is what a density gains on that of the margins.
    """
    exact = recipes.exact(x)
    x, _ = apply(exact, x)
    order = exact_order(x[None], settings.seed)
    x = scatter(spread_ties(order.values), order.samples)[0]
    unit = np.arange(x.shape[1]) if unit is None or unit.max() < 2 * FOLDS else unit
    scale = recipes.scale(x)
    scaled, log_det = apply(scale, x)
    start = State.of(scaled, unit)
    margins = _margins(start, LATER, heavy=True)
    path = [margins, *_follow(margins.state, settings, report)]
    if settings.rotation == "auto":
        other = _follow(start, settings, report, raw=True) or [Trial.nothing("scale", start)]
        path = max(other, path, key=lambda p: sum(t.score for t in p))
    log_prob = log_det + log_normal(scaled) + sum(t.seen for t in path)
    entropy = float(marginal_entropies(order.values).sum())
    margin_error = entropy + float((log_det + log_normal(scaled) + margins.seen).mean())
    features, n = x.shape
    terms = sum(t.seen for t in path) - margins.seen
    std_error = float(np.sqrt(terms.var() / n + features * (features - 1) / 4 / n**2))
    layers = [trial.layer() for trial in path]
    layers[0] = layers[0]._replace(maps=[*exact, *scale, *layers[0].maps], gain=path[0].gain - margins.gain)
    total = sum(layer.gain for layer in layers)
    return Fitted(layers, total, entropy + float(log_prob.mean()), std_error, margin_error)


def _follow(state: State, settings: Settings, report: Report, raw: bool = False) -> list[Trial]:
    """Take layer after layer, as long as one gains at unseen samples."""
    path: list[Trial] = []
    rejected = 0
    for index in range(settings.max_layers - (not raw)):  # the margins are one
        significance = max(_later(settings), settings.significance) if path else settings.significance
        best = Trial.nothing("none", state)
        for trial in _trials(state, index, settings, raw and not path):
            report(f"layer {len(path) + 1}: {trial.kind}")
            best = max(best, trial, key=lambda t: t.score)
        best = best._replace(significance=significance)
        if best.counts:
            path.append(best)
            state, rejected = best.state, 0
            continue
        rejected += 1
        if rejected == settings.patience or settings.rotation in ("auto", "pca"):
            break
    return path


def _later(settings: Settings) -> float:
    return LATER if settings.rotation == "auto" else LATER_TURN


def _trials(state: State, index: int, settings: Settings, raw: bool) -> Iterator[Trial]:
    """The layers that come into question, each mended by margins."""
    seed = settings.seed
    if settings.rotation != "auto":
        found = [Trial.of(settings.rotation, state, recipes.rotate(settings.rotation, index, seed))]
    else:
        features, n = state.folds.shape[1:]
        found = [_mixture(state, recipes.most_components(features, n - n // FOLDS), seed)]
        if raw:
            found.append(Trial.of("elliptical", state, recipes.spherical))
        else:
            found.append(_elliptical(state))
            found.append(_pairs(state, settings))
        found.append(Trial.of("ica", state, recipes.rotate("ica", index, seed)))
    for trial in found:
        yield trial.then(_margins(trial.state, _later(settings)))


def _mixture(state: State, numbers: list[int], seed: int) -> Trial:
    """A mixture; the number of components is raised as long as unseen samples gain by it."""
    best, chosen = 0.0, 0
    for place, components in enumerate(numbers):
        gain = float(_unseen_gains(state, recipes.mixtures(components, [seed])).mean())
        if gain > best:
            best, chosen = gain, place
        if place - chosen == WORSE:
            break
    if not best:
        return Trial.nothing("mixture", state)
    return Trial.of("mixture", state, recipes.mixtures(numbers[chosen], [seed + i for i in range(BAG)]))


def _elliptical(state: State) -> Trial:
    """An elliptical copula, of the degrees of freedom by which unseen samples gain most."""
    trials = [Trial.of("elliptical", state, recipes.elliptical(degrees)) for degrees in recipes.DEGREES]
    return max(trials, key=lambda t: t.score)


def _margins(state: State, significance: float, heavy: bool = False) -> Trial:
    """Margins to N(0, 1), each on as many bins as unseen samples gain most by, if that is significant.

    Those of the data themselves may be `heavy`-tailed.
    """
    features, n = state.folds.shape[1:]
    choices = recipes.bin_numbers(n - n // FOLDS)
    gains = np.stack([_unseen_gains(state, recipes.margins([bins] * features, heavy)) for bins in choices])
    chosen, best = _choose(gains)
    best = _bounded(best)
    needed = -ndtri(significance) * best.std(axis=1) / np.sqrt(n)
    bins = np.where(best.mean(axis=1) > needed, np.take(choices, chosen), 0)
    if not any(bins):
        return Trial.nothing("margins", state)
    trial = Trial.of("margins", state, recipes.margins(list(bins), heavy))
    return trial._replace(significance=significance, judged=best[bins > 0].sum(axis=0))


def _unseen_gains(state: State, recipe: Recipe) -> Floats:
    """What each part of the one map of a recipe adds to the log-likelihood of unseen samples, (part, sample)."""
    gains = []
    for fold, (single,) in state.fits(recipe, []):
        assert isinstance(single, Margins | Conditional | Tree)
        gains.append(single.gains(state.folds[fold][:, state.held == fold]))
    out = np.empty((len(gains[0]), len(state.held)))
    for fold, gain in enumerate(gains):
        out[:, state.held == fold] = gain
    return out


def _choose(gains: Floats) -> tuple[Ints, Floats]:
    """Of the `gains` (choice, part, sample) the best choice of each part, and its gains (part, sample)."""
    chosen = gains.mean(axis=2).argmax(axis=0)
    return chosen, np.take_along_axis(gains, chosen[None, :, None], axis=0)[0]


def _pairs(state: State, settings: Settings) -> Trial:
    """A tree of the pairs that gain, each a mixture of as many components as unseen samples gain most by."""
    edges = chow_liu_tree(state.whole, settings.significance)[::-1] if len(state.whole) > 1 else []
    if not edges:
        return Trial.nothing("pairs", state)
    n = len(state.held)
    choices = [k for k in recipes.most_components(2, n - n // FOLDS) if k in recipes.PAIR_COMPONENTS]
    gains = np.stack([_unseen_gains(state, recipes.tree(edges, [k] * len(edges), settings.seed)) for k in choices])
    chosen, best = _choose(gains)
    kept = np.flatnonzero(best.mean(axis=1) > CERTAIN * best.std(axis=1) / np.sqrt(n))
    if not kept.size:
        return Trial.nothing("pairs", state)
    recipe = recipes.tree([edges[i] for i in kept], [choices[chosen[i]] for i in kept], settings.seed)
    return Trial.of("pairs", state, recipe)
