"""Tables of what is wanted and what is found, on the terminal and in docs/everyday.md."""

import platform
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import results
import xarray as xr
from study import Task

PAGE = Path(__file__).parents[2] / "docs" / "everyday.md"
VERSIONS = ("0.1.0", "now")
SPREAD = 0.005  # nats, within which the spread beside a yardstick does not matter
MISSING = "\N{EN DASH}"
TITLES = {
    "a": (
        "Structure within groups",
        "The groups are independent of each other; what is within them is named, *x; y* for I(x; y) and *x; y; z* for "
        "I(x; y given z). In brackets the spread for that of the plain pair: it is too large above 2, if it is also above 0.005 nat.",
    ),
    "b": ("Structure within, and something shared", ""),
    "c": (
        "Exact relations",
        "x is a sum of the normal features a, b, c and noise. What the others of its group determine adds nothing.",
    ),
    "d": ("Features that say nothing", "y = sin 3x + 0.3 e, and dummies d that are independent of both."),
    "e": ("Autocorrelation", "Independent series."),
    "f": (
        "Significance",
        "Share of p-values of at most 5 %, default settings: where little is shared, and where nothing is.",
    ),
    "g": (
        "Maps without speckle",
        "Share of the cells that a change which says nothing moves by more than 0.05 nat or, for plain RBIG (random "
        "rotations), by more than two standard errors.",
    ),
    "h": (
        "The flow beside the map",
        "T of `fit` less that of `total_correlation`, for what is allowed: two standard errors or 0.02 nat, whichever "
        "is more. It counts as 0 where `fit` warned.",
    ),
    "i": ("Textbook distributions", ""),
    "j": ("What holds for any data", "Share of the estimates that break a rule that holds for the true values."),
}
TEXT = """# Everyday data

Written by `python benchmarks/everyday` with Python {python}, NumPy {numpy}, xarray {xarray}. Nats; default settings.
Mean \N{PLUS-MINUS SIGN} standard deviation over the draws; in bold what is not as wanted: a mean further from the truth
than allowed, or a spread that is too large. In italics a mean that is too far off by less than two of its standard
errors: chance may be why. The samples are the same for both versions.
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
        return f"{task.truth:.3f} \N{PLUS-MINUS SIGN} {task.tolerance:.3f}"
    if low <= 0:
        return f"at most {number(high, True)}"
    return f"at least {number(low, True)}" if high >= 1 else f"{number(low, True)} to {number(high, True)}"


def cell(task: Task, found: pd.Series, yardstick: float) -> str:
    """What is found, in bold if it is not as wanted, in italics if chance may be why."""
    ratio = found["std"] / yardstick
    off = abs(found["mean"] - task.truth) - task.tolerance - 1e-9
    chance = 2 * found["std"] / np.sqrt(found["draws"])
    wide = ratio > 2 and found["std"] > SPREAD
    mark = "**" if wide or not off <= chance else "*" if off > 0 else ""
    text = number(found["mean"], task.share)
    if not task.share and found["draws"] > 1:
        text += f" \N{PLUS-MINUS SIGN} {found['std']:.3f}"
    text = f"{mark}{text}{mark}"
    if not np.isnan(ratio):
        text += f" ({ratio:.1f})"
    return f"{text}; {found['note']}" if found["note"] else text


def rows(tasks: Iterable[Task], found: pd.DataFrame, versions: Iterable[str]) -> list[str]:
    """One row per task, one column per version."""
    table = {tuple(r[k] for k in results.KEYS): r for _, r in found.iterrows()}
    lines = []
    for task in tasks:
        cells = []
        for version in versions:
            own = table.get((version, task.group, task.case, task.n))
            plain = table.get((version, task.group, task.yardstick, task.n))
            yardstick = np.nan if plain is None else float(plain["std"])
            cells.append(MISSING if own is None else cell(task, own, yardstick))
        lines.append(f"| {' | '.join([task.case, str(task.n), wanted(task), *cells])} |")
    return lines


def header(versions: Iterable[str]) -> list[str]:
    """Head of a table."""
    names = ["case", "N", "wanted", *versions]
    return [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]


def summary(tasks: list[Task], found: pd.DataFrame) -> list[str]:
    """How many rows of each table are as wanted."""
    names = [f"{version}: {state}" for version in VERSIONS for state in ("as wanted", "unsure", "not")]
    lines = [f"| table | rows | {' | '.join(names)} |", "|" + "---|" * (2 + len(names))]
    for group, (title, _) in TITLES.items():
        own = [task for task in tasks if task.group == group]
        cells = []
        for version in VERSIONS:
            shown = [line.split(" | ")[-1] for line in rows(own, found, [version])]
            there = [text for text in shown if not text.startswith(MISSING)]
            bad = sum("**" in text for text in there)
            unsure = sum("*" in text for text in there) - bad
            cells.append(f"{len(there) - bad - unsure} | {unsure} | {bad}" if there else " | ".join([MISSING] * 3))
        lines.append(f"| {title} | {len(own)} | {' | '.join(cells)} |")
    return lines


def write(tasks: list[Task]) -> None:
    """Write the page."""
    found = results.read()
    parts = [TEXT.format(python=platform.python_version(), numpy=np.__version__, xarray=xr.__version__)]
    parts.append("\n".join(summary(tasks, found)) + "\n")
    for group, (title, text) in TITLES.items():
        own = [task for task in tasks if task.group == group]
        table = "\n".join([*header(VERSIONS), *rows(own, found, VERSIONS)])
        parts.append("\n".join([f"## {title}", "", *([text, ""] if text else []), table, ""]))
    PAGE.write_text("\n".join(parts))
