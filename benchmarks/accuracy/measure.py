"""The fits of all panels, and how one is measured."""

import time
from collections.abc import Collection
from functools import lru_cache

import checks
import student
import weak
import wide
from cases import Case
from panel import REFERENCES
from peers import ESTIMATORS, MORE_NEIGHBOURS
from results import Fit, Result

KNOWN = ESTIMATORS | MORE_NEIGHBOURS
PANELS = {
    (panel.measure, panel.case): panel
    for panel in [*student.panels(), *wide.panels(), *checks.panels(), *weak.panels()]
}


def affordable(estimator: str, n: int) -> bool:
    """Whether a fit takes about a minute at most."""
    return estimator in REFERENCES or n <= KNOWN[estimator].most_samples


def fits(estimators: Collection[str]) -> list[Fit]:
    """All that these estimators are to fit, the cheapest panels first."""
    found = [
        (n * panel.features, Fit(panel.measure, panel.case, n, trial, estimator))
        for panel in PANELS.values()
        for n in panel.samples
        for trial in panel.trials
        for estimator in panel.estimators
        if estimator in estimators and affordable(estimator, n)
    ]
    return [fit for _, fit in sorted(found, key=lambda pair: pair[0])]


@lru_cache(maxsize=256)
def _case(measure: str, case: str, trial: int) -> tuple[Case, float]:
    drawn = PANELS[measure, case].draw(trial)
    return drawn, drawn.truth()


def measure(fit: Fit) -> Result:
    """Estimate, truth and CPU seconds of a fit."""
    case, truth = _case(fit.measure, fit.case, fit.trial)
    if fit.estimator in REFERENCES:
        start = time.process_time()
        estimate = REFERENCES[fit.estimator](case, fit.n, fit.trial)
    else:
        x = case.distribution.sample(fit.n, fit.trial)
        estimator = KNOWN[fit.estimator]
        start = time.process_time()
        if case.split is None:
            estimate = estimator.total_correlation(x)
        else:
            estimate = estimator.mutual_information(x, case.split)
    return Result(estimate, truth, time.process_time() - start)
