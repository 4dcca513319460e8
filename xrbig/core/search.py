"""The search for layers: of all kinds the one is taken that gains most on samples that its fit has not seen."""

from collections.abc import Callable, Iterator

from xrbig.core import tuning
from xrbig.core.crossfit import CrossFit, Folds, Turn, cross_fit, weight
from xrbig.core.gaussianize import Settings
from xrbig.core.layers.kinds import KINDS
from xrbig.core.layers.linear import Rotate
from xrbig.core.layers.margins import mend
from xrbig.core.marginal import Floats, Ints

Report = Callable[[str], None]


def search(x: Floats, unit: Ints, settings: Settings, report: Report) -> tuple[CrossFit, list[CrossFit]]:
    """Margins of the samples `x` (feature, sample) alone, and the layers of a flow.

    Two paths are followed, one that begins with the margins and one that begins with the data as they are, and that one
    is taken whose density is the larger on held-out samples. Samples with the same `unit` (sample,) are left out of a
    fit together.
    """
    start = Folds.of(x, unit)
    margins = mend(start, tuning.TUNING.evidence, heavy=True)
    path = [margins, *_follow(margins.after, settings, report)]
    if settings.rotation == "auto":
        other = _follow(start, settings, report, raw=True) or [CrossFit.nothing(start, "scale")]
        path = max(other, path, key=lambda p: sum(layer.score for layer in p))
    return margins, path


def needed(settings: Settings) -> float:
    """Standard errors of its gain that a layer needs."""
    return tuning.TUNING.evidence if settings.rotation == "auto" else tuning.TUNING.turn_evidence


def _follow(folds: Folds, settings: Settings, report: Report, raw: bool = False) -> list[CrossFit]:
    """Take layer after layer, as long as one gains on held-out samples."""
    path: list[CrossFit] = []
    rejected = 0
    for index in range(settings.max_layers - (not raw)):  # the margins are one
        turn = Turn(index, raw and not path, settings.significance, settings.seed)
        best = CrossFit.nothing(folds)
        for candidate in _candidates(folds, turn, settings):
            report(f"layer {len(path) + 1}: {candidate.kind}")
            best = max(best, candidate, key=lambda layer: layer.score)
        if weight(best.likelihood, needed(settings)) > 0.5:
            path.append(best)
            folds, rejected = best.after, 0
            continue
        rejected += 1
        if rejected == settings.patience or settings.rotation in ("auto", "pca"):
            break
    return path


def _candidates(folds: Folds, turn: Turn, settings: Settings) -> Iterator[CrossFit]:
    """The layers that come into question, each mended by margins."""
    if settings.rotation == "auto":
        chosen = [choose(folds, turn) for choose in KINDS]
    else:
        chosen = [Rotate(settings.rotation, turn.layer, settings.seed)]
    for kind in chosen:
        if kind is not None:
            layer = cross_fit(kind, folds)
            yield layer.then(mend(layer.after, needed(settings)))
