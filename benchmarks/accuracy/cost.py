"""CPU seconds of T: one estimator after the other on the same samples."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from peers import ESTIMATORS, Floats
from results import Fit, Result
from student import Setting
from tables import MISSING, table

from xrbig import RBIG
from xrbig.core.information import total_correlation

MEASURE, TRIAL = "cost", 1
RUNS = 2  # of which the faster counts


class Shape(NamedTuple):
    """Cells to estimate T of; the seconds are those of `reported` of them."""

    n: int
    features: int
    cells: int = 1
    reported: int = 1

    @property
    def case(self) -> str:
        """Name in the results."""
        cells = f"{self.reported} cells of " if self.reported > 1 else ""
        return f"{cells}{self.n} x {self.features}"


SHAPES = (Shape(1000, 3, cells=200, reported=1000), Shape(10_000, 10), Shape(50_000, 10), Shape(10_000, 50))


def stacked(settings: RBIG) -> Callable[[Floats], Floats]:
    """T of all cells at a time."""
    return lambda x: total_correlation(x, settings, min_samples=2).value


def one_by_one(name: str) -> Callable[[Floats], Floats]:
    """T of one cell after the other."""
    return lambda x: np.array([ESTIMATORS[name].total_correlation(cell) for cell in x])


MAPS = {
    "xrbig": stacked(RBIG()),
    "RBIG pca": stacked(RBIG(rotation="pca")),
    "kNN": one_by_one("kNN"),
    "KSG": one_by_one("KSG"),
}


def measure() -> Iterator[tuple[Fit, Result]]:
    """All shapes by all estimators, on t distributions (nu = 3, random scale)."""
    for shape in SHAPES:
        distribution = Setting("T", "random", 3, shape.features).draw(TRIAL).distribution
        x = np.stack([distribution.sample(shape.n, seed) for seed in range(shape.cells)])
        for name, estimate in MAPS.items():
            seconds, value = min(_timed(estimate, x) for _ in range(RUNS))
            result = Result(value, distribution.total_correlation(), seconds * shape.reported / shape.cells)
            yield Fit(MEASURE, shape.case, shape.n, TRIAL, name), result


def _timed(estimate: Callable[[Floats], Floats], x: Floats) -> tuple[float, float]:
    """CPU seconds and mean estimate."""
    start = time.process_time()
    values = estimate(x)
    return time.process_time() - start, float(values.mean())


def cost_table(results: pd.DataFrame) -> str:
    """CPU seconds, and their ratio to those of kNN."""
    seconds = results[results.measure == MEASURE].set_index(["case", "estimator"]).cpu_seconds.to_dict()
    rows = []
    for shape in SHAPES:
        cells = [_cell(seconds.get((shape.case, name)), seconds.get((shape.case, "kNN"))) for name in MAPS]
        rows.append(" | ".join([shape.case, *cells]))
    return table(" | ".join(["samples x features", *MAPS]), rows)


def _cell(seconds: float | None, unit: float | None) -> str:
    return MISSING if seconds is None or unit is None else f"{seconds:.2g} ({seconds / unit:.2g})"
