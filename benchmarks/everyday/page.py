"""Tables of what is wanted and what is found, on the terminal and in docs/everyday.md."""

import platform
from collections.abc import Iterable
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
import results
import xarray as xr
from study import Task

PAGE = Path(__file__).parents[2] / "docs" / "everyday.md"
VERSIONS = ("0.1.0", "now")
COLUMNS = ("case", "N", "wanted")
SPREAD = 0.005  # nats, within which the spread beside a yardstick does not matter
MISSING = "\N{EN DASH}"
Kept = dict[tuple[Any, ...], dict[Any, Any]]
TITLES = {
    "a": (
        "Structure within groups",
        "The groups are independent of each other; what is within them is named, *x; y* for I(x; y) and *x; y; z* for "
        "I(x; y given z). In brackets the spread for that of the plain pair.",
    ),
    "b": ("Structure within, and something shared", ""),
    "c": (
        "Exact relations",
        "x is a sum of the normal features a, b, c and noise. What the others of its group determine adds nothing. In "
        "brackets the spread for that without a relation.",
    ),
    "d": ("Features that say nothing", "y = sin 3x + 0.3 e, and dummies d that are independent of both."),
    "e": ("Autocorrelation", "Independent series."),
    "f": (
        "Significance",
        "Share of p-values of at most 5 %, default settings: where little is shared, and where nothing is.",
    ),
    "g": (
        "Maps without speckle",
        "Share of the cells that a change which says nothing moves by more than 0.05 nat or, for plain RBIG, "
        "by more than two standard errors.",
    ),
    "h": (
        "The flow beside the map",
        "T of `fit` less that of `total_correlation`, for what is allowed: two standard errors or 0.02 nat, whichever "
        "is more. It counts as 0 where `fit` warned.",
    ),
    "i": ("Textbook distributions", ""),
    "j": ("What holds for any data", "Share of the estimates that break a rule which holds for the true values."),
}
TEXT = """# Everyday data

Written by `python benchmarks/everyday` (`--only a` for the first table) with Python {python}, NumPy {numpy},
xarray {xarray}. Nats; default settings. Mean \N{PLUS-MINUS SIGN} standard deviation over the draws; in bold what is not
as wanted: a mean further from the truth than allowed, or a spread that is too large. In italics a mean that is too far
off by less than two of its standard errors: chance may be why. A spread above 0.005 nat is too large if it is more than
twice that of a plain case. The samples are the same for both versions.
"""


def number(value: float, share: bool) -> str:
    """A share in per cent, or nats."""
    return f"{100 * value:.3g} %" if share else f"{value:.3f}"


def wanted(task: Task) -> str:
    """The range that is wanted."""
    low, high = task.truth - task.tolerance, task.truth + task.tolerance
    if task.share and not task.tolerance:
        return "all" if task.truth else "none"
    if not task.share:
        return f"{task.truth:.3g} \N{PLUS-MINUS SIGN} {task.tolerance:.2g}"
    if low <= 0:
        return f"at most {number(high, True)}"
    return f"at least {number(low, True)}" if high >= 1 else f"{number(low, True)} to {number(high, True)}"


def kept(found: pd.DataFrame) -> Kept:
    """Rows by version, group, case and number of samples."""
    return {tuple(row[key] for key in results.KEYS): row for row in found.to_dict("records")}


def against_yardstick(table: Kept, version: str, task: Task) -> float:
    """Spread for that of the yardstick, NaN where there is none."""
    own, plain = (table.get((version, task.group, case, task.n)) for case in (task.case, task.yardstick))
    return np.nan if own is None or plain is None else own["std"] / plain["std"]


def mark(table: Kept, version: str, task: Task) -> str:
    """Bold if a result is not as wanted, italics if chance may be why."""
    own = table[version, task.group, task.case, task.n]
    off = abs(own["mean"] - task.truth) - task.tolerance - 1e-9
    chance = 2 * own["std"] / np.sqrt(own["draws"]) if task.tolerance else 0  # once is more than never
    if (own["std"] > SPREAD and against_yardstick(table, version, task) > 2) or not off <= chance:
        return "**"
    return "*" if off > 0 else ""


def cell(table: Kept, version: str, task: Task) -> str:
    """What a version finds."""
    own = table.get((version, task.group, task.case, task.n))
    if own is None:
        return MISSING
    around = f" \N{PLUS-MINUS SIGN} {own['std']:.3f}" if own["draws"] > 1 and not task.share else ""
    sign, ratio = mark(table, version, task), against_yardstick(table, version, task)
    text = f"{sign}{number(own['mean'], task.share)}{around}{sign}"
    return text + ("" if np.isnan(ratio) else f" ({ratio:.1f})") + (f"; {own['note']}" if own["note"] else "")


def rows(tasks: Iterable[Task], found: pd.DataFrame, versions: Iterable[str]) -> list[str]:
    """One row per task, one column per version."""
    table = kept(found)
    lines = []
    for task in tasks:
        cells = [cell(table, version, task) for version in versions]
        lines.append(f"| {' | '.join([task.case, str(task.n), wanted(task), *cells])} |")
    return lines


def header(names: Iterable[str]) -> list[str]:
    """Head of a table."""
    names = list(names)
    return [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]


def counted(table: Kept, version: str, tasks: list[Task]) -> list[str]:
    """How many results of a version are as wanted, are not but may be by chance, and are not."""
    marks = [mark(table, version, task) for task in tasks if (version, task.group, task.case, task.n) in table]
    return [str(marks.count(sign)) for sign in ("", "*", "**")] if marks else [MISSING] * 3


def summary(tasks: list[Task], found: pd.DataFrame) -> list[str]:
    """How many rows of each table are as wanted."""
    table = kept(found)
    lines = header(["table", *(f"{v}: {state}" for v in VERSIONS for state in ("as wanted", "unsure", "not"))])
    for group, (title, _) in TITLES.items():
        own = [task for task in tasks if task.group == group]
        cells = [text for version in VERSIONS for text in counted(table, version, own)]
        lines.append(f"| {group}. {title} | {' | '.join(cells)} |")
    return lines


def write(tasks: list[Task]) -> None:
    """Write the page."""
    found = results.read()
    parts = [TEXT.format(python=platform.python_version(), numpy=np.__version__, xarray=xr.__version__)]
    parts.append("\n".join(summary(tasks, found)) + "\n")
    for group, (title, text) in TITLES.items():
        own = [task for task in tasks if task.group == group]
        table = "\n".join([*header([*COLUMNS, *VERSIONS]), *rows(own, found, VERSIONS)])
        parts.append("\n".join([f"## {group}. {title}", "", *([fill(text, 120), ""] if text else []), table, ""]))
    PAGE.write_text("\n".join(parts))
