"""Multivariate t distributions: the experiment of Johnson et al. (2019), Figs. 2 and 3."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cases import Case
from numpy.typing import NDArray
from panel import Panel
from peers import ESTIMATORS
from tables import MISSING, table

from xrbig.distributions import StudentT

SAMPLES = (500, 1000, 5000, 10_000, 50_000)
TRIALS = range(1, 6)
DEGREES, FEATURES = (3, 5), (3, 10, 50)
SCALES = ("random", "identity")
NAMES = ("oracle", *ESTIMATORS)
MANY = 10_000  # samples from which the stricter target holds
ORACLE_FEATURES = 10  # up to which xrbig is measured against the oracle


def random_scale(features: int, seed: int) -> NDArray[np.float64]:
    """Correlation matrix of 10 I + A A', the entries of A uniform on (0, 1)."""
    a = np.random.default_rng(seed).random((features, features))
    scale = 10 * np.eye(features) + a @ a.T
    deviation = np.sqrt(np.diag(scale))
    return np.asarray(scale / np.outer(deviation, deviation))


class Setting(NamedTuple):
    """A panel of the figures."""

    measure: str
    scale: str
    nu: int
    features: int

    @property
    def case(self) -> str:
        """Name in the results."""
        return f"t nu={self.nu} D={self.features} {self.scale} scale"

    @property
    def all_features(self) -> int:
        """Of both groups together, for I."""
        return self.features * (2 if self.measure == "I" else 1)

    def draw(self, trial: int) -> Case:
        """Distribution of a trial: the same scale matrix for all nu and N. I is that of halves of D features each."""
        features = self.all_features
        scale = np.eye(features) if self.scale == "identity" else random_scale(features, trial)
        return Case(StudentT(scale, nu=self.nu), self.features if self.measure == "I" else None)


def settings(measure: str, scale: str) -> list[Setting]:
    """Panels of one figure."""
    return [Setting(measure, scale, nu, features) for nu, features in product(DEGREES, FEATURES)]


def all_settings() -> Iterator[Setting]:
    """Panels of all figures."""
    for measure, scale in product("TI", SCALES):
        yield from settings(measure, scale)


def panels() -> list[Panel]:
    """What is to be measured."""
    return [Panel(s.measure, s.case, s.draw, s.all_features, SAMPLES, TRIALS, NAMES) for s in all_settings()]


class Trials(NamedTuple):
    """Trials of a setting and a number of samples.

    Attributes
    ----------
    errors : one column per estimator, one row per trial
    truth : per trial
    """

    errors: pd.DataFrame
    truth: pd.Series

    @classmethod
    def select(cls, results: pd.DataFrame, setting: Setting, n: int) -> "Trials":
        """Those of a setting."""
        rows = results[(results.measure == setting.measure) & (results.case == setting.case) & (results.n == n)]
        errors = rows.pivot(index="trial", columns="estimator", values="error")
        return cls(errors, rows.groupby("trial").truth.first())

    def cell(self, estimator: str) -> str:
        """Mean, standard deviation and mean relative error."""
        if estimator not in self.errors:
            return MISSING
        error = self.errors[estimator].dropna()
        estimate = error + self.truth
        relative = (error.abs() / self.truth).mean()
        return f"{estimate.mean():.3g} ± {estimate.std(ddof=0):.2g} ({relative:.0%})"

    def better_than_xrbig(self) -> list[str]:
        """Estimators whose mean |error| is smaller by more than two standard errors of the paired difference."""
        absolute = self.errors.abs()
        names = []
        for name in absolute.columns.drop(["xrbig", "oracle"]):
            gain = absolute.xrbig - absolute[name]
            if gain.mean() > 2 * gain.sem():
                names.append(str(name))
        return names


class Verdict(NamedTuple):
    """Whether xrbig is near enough to the truth and to the oracle, and who is clearly nearer."""

    setting: Setting
    n: int
    truth: float
    bias: float
    absolute: float
    oracle: float
    ratio: float
    better: list[str]

    @classmethod
    def of(cls, results: pd.DataFrame, setting: Setting, n: int) -> "Verdict | None":
        """Verdict of a setting, None where xrbig or the oracle have not been measured."""
        trials = Trials.select(results, setting, n)
        if not {"xrbig", "oracle"} <= set(trials.errors.columns):
            return None
        error = trials.errors.xrbig
        rms = np.sqrt((trials.errors[["xrbig", "oracle"]] ** 2).mean())
        return cls(
            setting,
            n,
            trials.truth.mean(),
            error.mean(),
            error.abs().mean(),
            trials.errors.oracle.abs().mean(),
            rms.xrbig / rms.oracle,
            trials.better_than_xrbig(),
        )

    def is_near(self, error: float) -> bool:
        """Whether an error is at most 3 % or 0.01 nat from 10 000 samples on, 10 % or 0.03 nat below."""
        relative, absolute = (0.03, 0.01) if self.n >= MANY else (0.1, 0.03)
        return abs(error) <= max(relative * self.truth, absolute)

    @property
    def judged_by_oracle(self) -> bool:
        """Whether there are few enough features to be as good as the oracle."""
        return self.setting.features <= ORACLE_FEATURES

    @property
    def near_oracle(self) -> bool:
        """At most half more error than the oracle's."""
        return self.ratio <= 1.5

    def row(self) -> str:
        """Row of the table."""
        measure, scale, nu, features = self.setting
        ratio = f"{self.ratio:.2f}" if self.judged_by_oracle else ""
        if self.judged_by_oracle and not self.near_oracle:
            ratio = f"**{ratio}**"
        bias, absolute = (
            f"{error:{sign}.2g} ({error / self.truth:{sign}.1%})" if self.is_near(error) else f"**{error:{sign}.2g}**"
            for error, sign in ((self.bias, "+"), (self.absolute, ""))
        )
        return (
            f"{measure} | {scale} | {nu} | {features} | {self.n} | {self.truth:.4g} | {bias} | {absolute} | "
            f"{self.oracle:.2g} | {ratio} | {', '.join(self.better)}"
        )


def verdicts(results: pd.DataFrame) -> list[Verdict]:
    """All that can be given."""
    found = (Verdict.of(results, setting, n) for setting in all_settings() for n in SAMPLES)
    return [verdict for verdict in found if verdict is not None]


def share(flags: list[bool]) -> str:
    """How many of how many."""
    return f"{sum(flags)} of {len(flags)}"


def summary_table(found: list[Verdict]) -> str:
    """How many panels are within the targets."""
    rows = []
    for measure, scale in product("TI", SCALES):
        own = [v for v in found if v.setting[:2] == (measure, scale)]
        near = [share([v.is_near(getattr(v, error)) for v in own]) for error in ("bias", "absolute", "oracle")]
        judged = [v for v in own if v.judged_by_oracle]
        ratio = f"{np.median([v.ratio for v in judged]):.2f}" if judged else MISSING
        oracle = share([v.near_oracle for v in judged])
        better = share([bool(v.better) for v in own])
        rows.append(" | ".join([measure, scale, *near, oracle, ratio, better]))
    near_columns = "mean error | mean abs error | the oracle's"
    return table(f"measure | scale | {near_columns} | near the oracle | median rms / oracle | another is better", rows)


def verdict_table(found: list[Verdict]) -> str:
    """All panels."""
    columns = "mean error | mean abs error | the oracle's | rms / oracle | clearly better"
    return table(f"measure | scale | nu | D | N | truth | {columns}", [v.row() for v in found])


def tables(results: pd.DataFrame) -> str:
    """All estimates."""
    parts = []
    for setting in all_settings():
        trials = [Trials.select(results, setting, n) for n in SAMPLES]
        measure, scale, nu, features = setting
        groups = features if measure == "T" else f"{features} + {features}"
        truth = np.mean([setting.draw(trial).truth() for trial in TRIALS])
        title = f"**{measure}, {scale} scale, nu = {nu}, D = {groups}**: truth {truth:.4g}"
        rows = [" | ".join([name, *(t.cell(name) for t in trials)]) for name in NAMES]
        header = " | ".join(["", *(f"N = {n}" for n in SAMPLES)])
        parts.append(f"{title}\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def figure(results: pd.DataFrame, measure: str, scale: str, path: Path) -> None:
    """Relative error against the number of samples, as in the paper: mean and half a standard deviation."""
    canvas, axes = plt.subplots(len(DEGREES), len(FEATURES), figsize=(11, 6), layout="constrained", sharex=True)
    for axis, setting in zip(axes.flat, settings(measure, scale), strict=True):
        trials = {n: Trials.select(results, setting, n) for n in SAMPLES}
        for index, name in enumerate(NAMES):
            own = {n: t.errors[name].abs() / t.truth for n, t in trials.items() if name in t.errors}
            _line(axis, name, index, own)
        axis.set(xscale="log", ylim=(0, 150), title=f"nu = {setting.nu}, D = {setting.features}")
        axis.grid(alpha=0.3)
    canvas.supxlabel("samples")
    canvas.supylabel(f"relative error of {measure} (%)")
    canvas.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside right center", fontsize="small")
    canvas.savefig(path, dpi=110)
    plt.close(canvas)


def _line(axis: plt.Axes, name: str, index: int, relative: dict[int, pd.Series]) -> None:
    """One estimator: xrbig bold, the oracle dashed."""
    styles = {"xrbig": {"color": "black", "lw": 3, "zorder": 3}, "oracle": {"color": "black", "ls": "--"}}
    style = {"color": f"C{index - len(styles)}", "lw": 1, **styles.get(name, {})}
    means = [100 * values.mean() for values in relative.values()]
    halves = [50 * values.std(ddof=0) for values in relative.values()]
    axis.errorbar(list(relative), means, halves, label=name, capsize=2, **style)
