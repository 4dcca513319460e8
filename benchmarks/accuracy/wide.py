"""A wide family of distributions: `cases.py`."""

import pandas as pd
from cases import Case, mutual_information_cases, total_correlation_cases
from panel import Panel
from peers import ESTIMATORS
from tables import MISSING, table

SAMPLES = (1000, 10_000)
TRIALS = range(3)
CASES = {"T": total_correlation_cases(), "I": mutual_information_cases()}
WORST = 10


def panels() -> list[Panel]:
    """What is to be measured."""
    return [_panel(measure, name, case) for measure, cases in CASES.items() for name, case in cases.items()]


def _panel(measure: str, name: str, case: Case) -> Panel:
    return Panel(measure, name, lambda _: case, case.distribution.features, SAMPLES, TRIALS, tuple(ESTIMATORS))


def select(results: pd.DataFrame) -> pd.DataFrame:
    """Rows of the family, with what is tolerated (10 % or 0.05 nat) and the absolute error."""
    names = {(measure, name) for measure, cases in CASES.items() for name in cases}
    own = results[[key in names for key in zip(results.measure, results.case, strict=True)]]
    return own.assign(tolerance=(own.truth.abs() / 10).clip(lower=0.05), absolute=own.error.abs())


def summary_table(results: pd.DataFrame) -> str:
    """Share of the fits within the tolerance, and mean absolute error."""
    own = select(results)
    rows = []
    for name in ESTIMATORS:
        cells = [
            _summary(own[(own.measure == measure) & (own.n == n) & (own.estimator == name)])
            for measure in CASES
            for n in SAMPLES
        ]
        rows.append(" | ".join([name, *cells]))
    columns = (f"{measure}, N = {n}" for measure in CASES for n in SAMPLES)
    return table(" | ".join(["", *columns]), rows)


def _summary(fits: pd.DataFrame) -> str:
    if fits.empty:
        return MISSING
    return f"{(fits.absolute <= fits.tolerance).mean():.0%}, {fits.absolute.mean():.3f}"


def worst_table(results: pd.DataFrame) -> str:
    """Cases where xrbig errs most for what is tolerated, and who does best there."""
    keys = ["measure", "case", "n"]
    own = select(results)
    means = own.groupby([*keys, "estimator"])[["estimate", "truth", "absolute", "tolerance"]].mean().reset_index()
    ours = means[means.estimator == "xrbig"]
    worst = ours.assign(badness=ours.absolute / ours.tolerance).nlargest(WORST, "badness")
    rows = []
    for row in worst.itertuples():
        rivals = means[(means[keys] == [row.measure, row.case, row.n]).all(axis=1)]
        best = rivals.loc[rivals.absolute.idxmin()]
        rows.append(
            f"{row.measure} | {row.case} | {row.n} | {row.truth:.3f} | {row.estimate:.3f} | {row.absolute:.3f} | "
            f"{best.estimator} {best.estimate:.3f}"
        )
    return table("measure | case | N | truth | xrbig | mean abs error | nearest", rows)


def tables(results: pd.DataFrame) -> str:
    """Mean estimates of all."""
    means = select(results).groupby(["measure", "case", "n", "estimator"]).estimate.mean().to_dict()
    parts = []
    for measure, cases in CASES.items():
        rows = []
        for name, case in cases.items():
            cells = [_pair(means, measure, name, estimator) for estimator in ESTIMATORS]
            rows.append(" | ".join([name, str(case.distribution.features), f"{case.truth():.3f}", *cells]))
        parts.append(f"**{measure}**\n\n" + table(" | ".join(["case", "D", "truth", *ESTIMATORS]), rows))
    return "\n\n".join(parts)


def _pair(means: dict[tuple[str, str, int, str], float], measure: str, case: str, estimator: str) -> str:
    found = [means.get((measure, case, n, estimator)) for n in SAMPLES]
    return " / ".join(MISSING if mean is None else f"{mean:.3f}" for mean in found)
