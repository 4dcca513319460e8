"""What has been measured: one row of results.csv per version and task."""

from pathlib import Path

import numpy as np
import pandas as pd
from study import Noted, Task

PATH = Path(__file__).with_name("results.csv")
KEYS = ["version", "group", "case", "n"]
COLUMNS = [*KEYS, "draws", "mean", "std", "cpu_seconds", "note"]


def row(version: str, task: Task, found: object, cpu_seconds: float) -> dict[str, object]:
    """The values of a task, summed up."""
    values, note = found if isinstance(found, Noted) else (found, "")
    x = np.asarray(values, dtype=np.float64)
    with np.errstate(invalid="ignore"):  # infinite values have no spread
        summary = {"mean": float(f"{x.mean():.6g}"), "std": float(f"{x.std():.4g}")}
    about = {"version": version, "group": task.group, "case": task.case, "n": task.n, "draws": x.size}
    return {**about, **summary, "cpu_seconds": round(cpu_seconds, 2), "note": note}


def read() -> pd.DataFrame:
    """All rows."""
    if not PATH.exists():
        return pd.DataFrame(columns=COLUMNS)
    return pd.read_csv(PATH, keep_default_na=False, na_values={"mean": ["nan", ""], "std": ["nan", ""]})


def append(rows: list[dict[str, object]]) -> None:
    """Add rows; later ones for the same version and task replace the earlier."""
    both = [frame for frame in (read(), pd.DataFrame(rows, columns=COLUMNS)) if len(frame)]
    kept = pd.concat(both).drop_duplicates(KEYS, keep="last")
    kept.sort_values(["version", "group"], kind="stable").to_csv(PATH, index=False, lineterminator="\n")
