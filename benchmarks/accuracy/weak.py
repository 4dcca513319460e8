"""Weak dependence, `xrbig.distributions.weak_kinds`, and none: what is found, beside KSG of few and many neighbours."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd
from cases import Case, cauchy, normal
from checks import null_case
from panel import Panel
from peers import MORE_NEIGHBOURS
from tables import MISSING, table

from xrbig.distributions import Distribution, Map, Margins, unchanged, weak_kinds

KINDS, SAMPLES, TRIALS = weak_kinds(), (300, 744, 2000), 5
NAMES = ("xrbig", "KSG", *MORE_NEIGHBOURS)
COLUMNS = (*NAMES, "oracle")
NULL_MARGINS: dict[str, Map] = {"normal": unchanged, "Cauchy": cauchy}
NULL_TRIALS = 20
NULL_SAMPLES = {2: SAMPLES, 5: SAMPLES, 10: SAMPLES, 50: (2000,)}
CHECKED = 10_000  # samples of independent features that `checks` measures


def panels() -> list[Panel]:
    """What is to be measured; each kind has samples of its own."""
    return [*_kind_panels(), *_null_panels()]


def _kind_panels() -> Iterator[Panel]:
    for place, (name, kind) in enumerate(KINDS.items()):
        yield _panel(_kind(name), kind, SAMPLES, range(TRIALS * place, TRIALS * (place + 1)), COLUMNS)


def _null_panels() -> Iterator[Panel]:
    for place, (margin, function) in enumerate(NULL_MARGINS.items()):
        trials = range(NULL_TRIALS * place, NULL_TRIALS * (place + 1))
        for features, samples in NULL_SAMPLES.items():
            independent = Margins(normal(features, 0), [function])
            yield _panel(_null(margin, features), independent, samples, trials, NAMES)


def _panel(
    name: str, distribution: Distribution, samples: tuple[int, ...], trials: range, names: tuple[str, ...]
) -> Panel:
    case = Case(distribution)
    return Panel("T", name, lambda _: case, distribution.features, samples, trials, names)


def _kind(name: str) -> str:
    return f"weak {name}"


def _null(margin: str, features: int) -> str:
    return f"weak {null_case(margin, features)}"


def select(results: pd.DataFrame) -> pd.DataFrame:
    """Rows of the kinds, with the share of T found and the squared error."""
    own = results[(results.measure == "T") & results.case.isin(set(map(_kind, KINDS)))]
    return own.assign(share=own.estimate / own.truth, square=own.error**2)


def summary_table(results: pd.DataFrame) -> str:
    """Mean share found and error over all kinds."""
    found = _found(select(results), ["n", "estimator"])
    rows = [" | ".join([str(n), *(found.get((n, name), MISSING) for name in COLUMNS)]) for n in SAMPLES]
    return table(" | ".join(["N", *COLUMNS]), rows)


def tables(results: pd.DataFrame) -> str:
    """Share found and error of each kind."""
    found = _found(select(results), ["n", "case", "estimator"])
    parts = []
    for n in SAMPLES:
        rows = []
        for name, kind in KINDS.items():
            cells = [found.get((n, _kind(name), estimator), MISSING) for estimator in COLUMNS]
            rows.append(" | ".join([name, f"{kind.total_correlation():.4f}", *cells]))
        parts.append(f"**N = {n}**\n\n" + table(" | ".join(["kind", "truth", *COLUMNS]), rows))
    return "\n\n".join(parts)


def _found(own: pd.DataFrame, keys: list[str]) -> dict[tuple[int | str, ...], str]:
    means = own.groupby(keys)[["share", "square"]].mean()
    return {row.Index: f"{row.share:.0%}, {np.sqrt(row.square):.4f}" for row in means.itertuples()}


def null_table(results: pd.DataFrame) -> str:
    """Bias and root mean square on independent features."""
    rows = []
    for features, margin in product(NULL_SAMPLES, NULL_MARGINS):
        cases = _null(margin, features), null_case(margin, features)
        own = results[(results.measure == "T") & results.case.isin(cases)]
        errors = own.groupby(["n", "estimator"]).error.agg(["mean", lambda error: np.sqrt((error**2).mean())])
        cells = {row[0]: f"{row[1]:+.4f}, {row[2]:.4f}" for row in errors.itertuples()}
        for n in (*NULL_SAMPLES[features], CHECKED):
            rows.append(" | ".join([f"{features} | {n} | {margin}", *(cells.get((n, k), MISSING) for k in NAMES)]))
    return table(" | ".join(["D | N | margins", *NAMES]), rows)
