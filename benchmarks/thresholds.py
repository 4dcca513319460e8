"""Write docs/thresholds.md, what each number of `Tuning` does: `python benchmarks/thresholds.py` (half an hour of CPU).

Each is halved and doubled. Every setting has a process of its own, as some numbers are in what is cached.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import platform
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from inspect import getsource
from multiprocessing import get_context
from pathlib import Path
from re import findall
from typing import Any, NamedTuple

import numpy as np
from accuracy.cases import mutual_information_cases, total_correlation_cases
from accuracy.tables import table
from numpy.typing import NDArray
from scipy.signal import lfilter

import xrbig
from xrbig.core import flow, tuning
from xrbig.core.information import mutual_information, total_correlation
from xrbig.distributions import weak_kinds

Floats = NDArray[np.float64]
PAGE = Path(__file__).parents[1] / "docs" / "thresholds.md"
SETTINGS = xrbig.RBIG()
SAMPLES, DRAWS, SEEN_ANEW = 744, 2, 5000
T_CASES = (
    *("Clayton D=2", "Clayton D=5", "t nu=8 D=10", "three clusters D=5", "four clusters D=2", "mixed uniform D=5"),
    *("ring D=2", "two rings D=4", "sine D=2", "product D=3", "funnel D=5", "chain D=5", "outliers D=10"),
)
I_CASES = ("Clayton 2+3", "three clusters 2+3", "funnel 1+4", "mixed nonlinear pairs 2+2", "circle | noisy circle")
APART = ("independent rings 2+2", "independent clusters 3+3", "independent t and Clayton 5+5")
FLOWS = ("Clayton D=5", "three clusters D=5", "ring D=2", "mixed Laplace D=2", "sine D=2")
EVERY_WEAK = 4  # one in so many of the weak kinds
TEXT = """# Thresholds

Written by `python benchmarks/thresholds.py` with Python {python}, NumPy {numpy}. What each number of
`xrbig/core/tuning.py` does, halved and doubled. Nats, {samples} samples, {draws} draws of each case.

- *error*: mean |error| of T and I of {dependent} textbook distributions;
- *weak*: mean share found of {weak} kinds of weak dependence;
- *chance*: root-mean-square of T and I where nothing is shared: {apart} independent sets, series and groups;
- *loss*: mean log-density that a flow misses of that of {flows} distributions, at unseen samples.

In bold: worse than as it is by more than a twentieth, *chance* by more than 0.0005. A number that no column notices
decides about time, memory, or samples that are rarer or more than here.

| number | value | why |
|---|---|---|
{reasons}

As it is: {unchanged}.

{effects}
"""


class Effect(NamedTuple):
    """What a setting gives."""

    error: float
    weak: float
    chance: float
    loss: float

    def cells(self, unchanged: "Effect") -> list[str]:
        """Each figure, in bold where it is clearly worse than as it is."""
        worse = [
            self.error > 1.05 * unchanged.error,
            self.weak < unchanged.weak / 1.05,
            self.chance > unchanged.chance + 0.0005,
            self.loss > 1.05 * unchanged.loss,
        ]
        texts = [f"{self.error:.4f}", f"{self.weak:.3f}", f"{self.chance:.4f}", f"{self.loss:.4f}"]
        return [f"**{text}**" if bold else text for text, bold in zip(texts, worse, strict=True)]


def t_of(x: Floats) -> float:
    """T of one cell."""
    return float(total_correlation(x[None], SETTINGS).value[0])


def i_of(x: Floats, split: int) -> float:
    """I of two groups of one cell."""
    return float(mutual_information(x[None], split, SETTINGS).value[0])


def errors() -> Iterator[float]:
    """Errors of T and I of textbook distributions."""
    totals, mutuals = total_correlation_cases(), mutual_information_cases()
    for name in T_CASES:
        for draw in range(DRAWS):
            yield t_of(totals[name].distribution.sample(SAMPLES, draw)) - totals[name].truth()
    for name in I_CASES:
        case = mutuals[name]
        for draw in range(DRAWS):
            yield i_of(case.distribution.sample(SAMPLES, draw), case.split) - case.truth()


def shares() -> Iterator[float]:
    """Shares of T found of weak kinds."""
    for kind in list(weak_kinds().values())[::EVERY_WEAK]:
        for draw in range(DRAWS):
            yield t_of(kind.sample(SAMPLES, draw)) / kind.total_correlation()


def nothing() -> Iterator[float]:
    """T and I where nothing is shared."""
    for draw, features in [(draw, features) for draw in range(5 * DRAWS) for features in (2, 5, 10)]:
        x = np.random.default_rng([draw, features]).standard_normal((features, SAMPLES))
        yield t_of(x)
        if features == 5:
            yield t_of(lfilter([1], [1, -0.9], x))
    cases = mutual_information_cases()
    for name in APART:
        for draw in range(DRAWS):
            yield i_of(cases[name].distribution.sample(SAMPLES, draw), cases[name].split)


def losses() -> Iterator[float]:
    """What the log-density of a flow misses."""
    for name in FLOWS:
        distribution = total_correlation_cases()[name].distribution
        fitted = flow.fit(distribution.sample(SAMPLES, 0), SETTINGS)
        new = distribution.sample(SEEN_ANEW, 1)
        found = flow.log_prob([single for layer in fitted.layers for single in layer.maps], new)
        yield float(np.mean(distribution.log_density(new) - found))


def measure(name: str, factor: float) -> Effect:
    """The effect of a number so many times as large."""
    value = getattr(tuning.TUNING, name)
    if isinstance(value, tuple):
        changed: Any = tuple(factor * own for own in value)
    else:
        changed = max(1, round(factor * value)) if isinstance(value, int) else factor * value
    tuning.TUNING = tuning.TUNING._replace(**{name: changed})
    error, chance = np.abs(list(errors())).mean(), np.sqrt(np.mean(np.square(list(nothing()))))
    return Effect(float(error), float(np.mean(list(shares()))), float(chance), float(np.mean(list(losses()))))


def write() -> None:
    """Measure all, and write the page."""
    names = tuning.Tuning._fields
    jobs = [(names[0], 1.0), *((name, factor) for name in names for factor in (0.5, 2.0))]
    with ProcessPoolExecutor(2, get_context("spawn"), max_tasks_per_child=1) as pool:
        found = dict(zip(jobs, pool.map(measure, *zip(*jobs, strict=True)), strict=True))
    unchanged = found[jobs[0]]
    reasons = findall(r"    (\w+): [^=]+ = (.+?)  # (.+)", getsource(tuning.Tuning))
    rows = [" | ".join([n, *(c for f in (0.5, 2.0) for c in found[n, f].cells(unchanged))]) for n in names]
    columns = " | ".join(f"{field}, {word}" for word in ("halved", "doubled") for field in Effect._fields)
    text = TEXT.format(
        python=platform.python_version(),
        numpy=np.__version__,
        samples=SAMPLES,
        draws=DRAWS,
        dependent=len(T_CASES) + len(I_CASES),
        weak=len(list(weak_kinds())[::EVERY_WEAK]),
        apart=len(list(nothing())),
        flows=len(FLOWS),
        reasons="\n".join(f"| {' | '.join(parts)} |" for parts in reasons),
        unchanged=", ".join(f"{k} {v:.4f}" for k, v in unchanged._asdict().items()),
        effects=table(f"number | {columns}", rows),
    )
    PAGE.write_text(text)


if __name__ == "__main__":
    write()
