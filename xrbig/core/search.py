"""The search for layers: of all kinds the one is taken that gains most on samples that its fit has not seen."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from xrbig.core import tuning
from xrbig.core.crossfit import CrossFit, Folds, Turn, cross_fit
from xrbig.core.gaussianize import Settings
from xrbig.core.layers.kinds import KINDS
from xrbig.core.layers.linear import Rotate
from xrbig.core.layers.margins import mend
from xrbig.core.marginal import Floats, Ints

Report = Callable[[str], None]


class Found(NamedTuple):
    """What a search has found.

    Attributes
    ----------
    margins : the margins of the data alone
    path : the layers
    left : the layer that gains most of those that were not taken at the end
    """

    margins: CrossFit
    path: list[CrossFit]
    left: CrossFit


def search(x: Floats, unit: Ints, settings: Settings, report: Report) -> Found:
    """Margins of the samples `x` (feature, sample) alone, and the layers of a flow.

    The margins of the data need no evidence: what they miss would be taken for dependence.

    Two paths are followed, one that begins with the margins and one that begins with the data as they are, and that one
    is taken whose density is the larger on held-out samples. Samples with the same `unit` (sample,) are left out of a
    fit together.
    """
    start = Folds.of(x, unit)
    margins = mend(start, tuning.TUNING.margin_evidence, heavy=True)
    path, left = _follow(margins.after, settings, report)
    found = Found(margins, [margins, *path], left)
    if settings.rotation == "auto":
        path, left = _follow(start, settings, report, raw=True)
        others = [Found(margins, path, left)] if path else []
        found = max([*others, found], key=lambda one: sum(layer.score for layer in one.path))
    return found


def _evidence(settings: Settings) -> float:
    """Standard errors of its gain that a layer needs."""
    return tuning.TUNING.evidence if settings.rotation == "auto" else tuning.TUNING.turn_evidence


def _follow(folds: Folds, settings: Settings, report: Report, raw: bool = False) -> tuple[list[CrossFit], CrossFit]:
    """Take layer after layer, as long as one gains on held-out samples; the last is the one that was not taken."""
    path: list[CrossFit] = []
    rejected, left = 0, CrossFit.nothing(folds)
    for index in range(settings.max_layers - (not raw)):  # the margins are one
        turn = Turn(index, raw and not path, settings.seed)
        candidates = []
        for candidate in _candidates(folds, turn, settings):
            report(f"layer {len(path) + 1}: {candidate.kind}")
            candidates.append(candidate)
        left = max(candidates, key=lambda layer: layer.gain)
        best = max(candidates, key=lambda layer: layer.score)._replace(evidence=_evidence(settings))
        if best.counts:
            path.append(best)
            folds, rejected, left = best.after, 0, CrossFit.nothing(best.after)
            continue
        rejected += 1
        if rejected == settings.patience or settings.rotation in ("auto", "pca"):
            break
    return path, left


def _candidates(folds: Folds, turn: Turn, settings: Settings) -> Iterator[CrossFit]:
    """The layers that come into question, each mended by margins."""
    found: Iterable[CrossFit | None]
    if settings.rotation == "auto":
        found = (choose(folds, turn) for choose in KINDS)
    else:
        found = [cross_fit(Rotate(settings.rotation, turn.layer, settings.seed), folds)]
    for layer in found:
        if layer is not None:
            yield layer.then(mend(layer.after, _evidence(settings)))
