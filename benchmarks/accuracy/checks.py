"""What only xrbig is measured on: nothing to find, closed forms, other margins, few samples."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cases import Case, bimodal, cauchy, normal
from panel import Panel
from peers import Floats
from scipy.signal import lfilter
from scipy.special import ndtr
from tables import MISSING, table

from xrbig.core.information import default_min_samples
from xrbig.distributions import Distribution, Margins, unchanged

MEASURES = ("T", "I")
SERIES_FEATURES, PHIS = (2, 3, 6, 10), (0.0, 0.5, 0.9, 0.97)
SERIES_NAMES = ("xrbig", "RBIG random", "Gauss copula", "kNN copula", "KSG copula")
TRIALS = range(20)
SPIN_UP = 300  # samples of a series that are left out
SAMPLES = (1000, 10_000)
NULL_MARGINS = {"normal": unchanged, "uniform": ndtr, "Cauchy": cauchy, "lognormal": np.exp}
NULL_FEATURES = (2, 5, 10, 50)
NORMAL_FEATURES, CORRELATIONS = (2, 5, 20), (0.3, 0.6, 0.9)
MARGINS = {"none": unchanged, "lognormal": np.exp, "Cauchy": cauchy, "bimodal": bimodal, "reversed": np.negative}
FEW_FEATURES, FEW_CORRELATIONS = (2, 5, 20, 50), {0.0: "independent", 0.7: "normal, correlation 0.7^|i - j|"}


@dataclass(frozen=True)
class Series(Distribution):
    """Independent first-order autoregressive series; their marginal distributions are normal."""

    features: int
    phi: float

    def sample(self, n: int, seed: int) -> Floats:
        """Draw n samples in a row, (feature, sample)."""
        noise = np.random.default_rng(seed).standard_normal((self.features, SPIN_UP + n))
        return lfilter([1], [1, -self.phi], noise)[:, SPIN_UP:]

    def total_correlation(self) -> float:
        """T of the features, in nats."""
        return 0.0


def _panel(measure: str, name: str, distribution: Distribution, samples: tuple[int, ...], reference: str = "") -> Panel:
    """Panel of T, or of I between the halves of the features."""
    features = distribution.features
    case = Case(distribution, features // 2 if measure == "I" else None)
    names = ("xrbig", reference) if reference else ("xrbig",)
    return Panel(measure, name, lambda _: case, features, samples, TRIALS, names)


def _null_panel(measure: str, margin: str, features: int) -> Panel:
    """Independent features; other samples for each of the margins."""
    distribution = Margins(normal(features, 0), [NULL_MARGINS[margin]])
    first = list(NULL_MARGINS).index(margin) * len(TRIALS)
    panel = _panel(measure, null_case(margin, features), distribution, SAMPLES, "log det")
    return panel._replace(trials=range(first, first + len(TRIALS)))


def null_case(margin: str, features: int) -> str:
    """Name of independent features in the results."""
    return f"null {margin} D={features}"


def _normal(features: int, rho: float) -> str:
    return f"normal rho={rho} D={features}"


def _margin(margin: str, features: int) -> str:
    return f"normal with margins: {margin} D={features}"


def _few(features: int, rho: float) -> str:
    return f"few samples rho={rho} D={features}"


def _series(features: int, phi: float) -> str:
    return f"series phi={phi} D={features}"


def few_samples(features: int) -> tuple[int, ...]:
    """From as few as there can be to eight times the default least."""
    samples = np.geomspace(max(20, 1.5 * features), 40 * max(8, features), 9)
    return tuple(int(n) for n in samples)


def panels() -> list[Panel]:
    """What is to be measured."""
    return [
        *(_null_panel(*key) for key in product(MEASURES, NULL_MARGINS, NULL_FEATURES)),
        *(
            _panel("T", _normal(d, rho), normal(d, rho), SAMPLES, "oracle")
            for d, rho in product(NORMAL_FEATURES, CORRELATIONS)
        ),
        *(
            _panel(measure, _margin(margin, d), Margins(normal(d), [MARGINS[margin]]), SAMPLES[:1])
            for measure, margin, d in product(MEASURES, MARGINS, NORMAL_FEATURES)
        ),
        *(
            _panel("T", _series(d, phi), Series(d, phi), SAMPLES[:1])._replace(estimators=SERIES_NAMES)
            for d, phi in product(SERIES_FEATURES, PHIS)
        ),
        *(
            _panel("T", _few(d, rho), normal(d, rho), few_samples(d))
            for d, rho in product(FEW_FEATURES, FEW_CORRELATIONS)
        ),
    ]


def errors(results: pd.DataFrame, measure: str, case: str, n: int) -> pd.DataFrame:
    """One column per estimator, one row per trial."""
    rows = results[(results.measure == measure) & (results.case == case) & (results.n == n)]
    return rows.pivot(index="trial", columns="estimator", values="error").reindex(
        columns=["xrbig", "oracle", "log det"]
    )


def null_table(results: pd.DataFrame) -> str:
    """Bias and spread on independent features, beside the spread of the log-determinant."""
    rows = []
    for measure, features, n, margin in product(MEASURES, NULL_FEATURES, SAMPLES, NULL_MARGINS):
        found = errors(results, measure, null_case(margin, features), n)
        error, reference = found.xrbig, found["log det"].std(ddof=0)
        rows.append(
            f"{measure} | {features} | {n} | {margin} | {error.mean():+.5f} | {error.abs().max():.5f} | "
            f"{error.std(ddof=0):.5f} | {reference:.5f} | {error.std(ddof=0) / reference:.2f}"
        )
    return table("measure | D | N | margins | bias | largest | std | log-det | ratio", rows)


def series_table(results: pd.DataFrame) -> str:
    """Mean T of independent series."""
    own = results[(results.measure == "T") & (results.n == SAMPLES[0])]
    means = own.groupby(["case", "estimator"]).estimate.mean()
    rows = []
    for features, phi in product(SERIES_FEATURES, PHIS):
        cells = [means.get((_series(features, phi), name)) for name in SERIES_NAMES]
        rows.append(" | ".join([f"{features} | {phi}", *(MISSING if c is None else f"{c:.3f}" for c in cells)]))
    return table(" | ".join(["D | phi", *SERIES_NAMES]), rows)


def normal_table(results: pd.DataFrame) -> str:
    """Error on normal features, beside that of the oracle."""
    rows = []
    for features, rho, n in product(NORMAL_FEATURES, CORRELATIONS, SAMPLES):
        found = errors(results, "T", _normal(features, rho), n)
        rms = np.sqrt((found**2).mean())
        rows.append(
            f"{features} | {rho} | {n} | {normal(features, rho).total_correlation():.4f} | {found.xrbig.mean():+.4f} | "
            f"{found.xrbig.std(ddof=0):.4f} | {found.oracle.std(ddof=0):.4f} | {rms.xrbig / rms.oracle:.2f}"
        )
    return table("D | rho | N | truth | bias | std | oracle | rms / oracle", rows)


def margin_table(results: pd.DataFrame) -> str:
    """Largest change of T and I."""
    rows = []
    for margin in list(MARGINS)[1:]:
        cells = [f"{_change(results, measure, margin):.1e}" for measure in MEASURES]
        rows.append(" | ".join([margin, *cells]))
    return table(" | ".join(["margin", *MEASURES]), rows)


def _change(results: pd.DataFrame, measure: str, margin: str) -> float:
    pairs = [
        [errors(results, measure, _margin(name, d), SAMPLES[0]).xrbig for name in ("none", margin)]
        for d in NORMAL_FEATURES
    ]
    return max((changed - plain).abs().max() for plain, changed in pairs)


def few_figure(results: pd.DataFrame, path: Path) -> None:
    """Root-mean-square error of T against the number of samples, and where `min_samples` lies."""
    canvas, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
    for axis, (rho, title) in zip(axes, FEW_CORRELATIONS.items(), strict=True):
        for color, features in enumerate(FEW_FEATURES):
            samples = few_samples(features)
            rms = [np.sqrt((errors(results, "T", _few(features, rho), n).xrbig ** 2).mean()) for n in samples]
            axis.loglog(samples, rms, color=f"C{color}", label=f"{features}")
            axis.axvline(default_min_samples(features), color=f"C{color}", ls=":", lw=1)
        axis.set(title=title, xlabel="samples")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("root-mean-square error of T (nat)")
    axes[1].legend(title="features", fontsize="small")
    canvas.savefig(path, dpi=120)
    plt.close(canvas)
