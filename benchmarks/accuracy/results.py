"""What has been measured: one row of results.csv per fit.

Rows are appended as the fits end, and the file is opened anew for each, so that several runs may write at a time. Of
two rows for the same fit the later one counts.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

PATH = Path(__file__).with_name("results.csv")


class Fit(NamedTuple):
    """An estimator on the samples of one trial."""

    measure: str
    case: str
    n: int
    trial: int
    estimator: str


class Result(NamedTuple):
    """What came of it, in nats."""

    estimate: float
    truth: float
    cpu_seconds: float


def append(fit: Fit, result: Result) -> None:
    """Write one row."""
    new = not PATH.exists()
    with PATH.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(Fit._fields + Result._fields)
        writer.writerow([*fit, *(f"{value:.9g}" for value in result[:2]), f"{result.cpu_seconds:.3g}"])


def read() -> pd.DataFrame:
    """All rows, with their errors."""
    if not PATH.exists():
        return pd.DataFrame(columns=[*Fit._fields, *Result._fields, "error"])
    frame = pd.read_csv(PATH).drop_duplicates(list(Fit._fields), keep="last")
    return frame.assign(error=frame.estimate - frame.truth)


def forget(estimators: Iterable[str]) -> None:
    """Drop the rows of some estimators."""
    with PATH.open(newline="") as file:
        kept = [row for row in csv.reader(file) if row[Fit._fields.index("estimator")] not in estimators]
    draft = PATH.with_suffix(".draft")
    with draft.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(kept)
    draft.replace(PATH)
