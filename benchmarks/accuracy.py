"""Write docs/accuracy.md and docs/figures/min_samples.png: `python benchmarks/accuracy.py` (about five minutes).

Every number of the page is measured here; nothing is edited by hand.
"""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from xrbig import RBIG
from xrbig.core.information import default_min_samples, mutual_information, total_correlation
from xrbig.core.rotation import null_log_det
from xrbig.distributions import Elliptical, Normal, StudentT

Floats = NDArray[np.float64]
DOCS = Path(__file__).parents[1] / "docs"
ROTATIONS = ("auto", "pca", "ica", "random")


def autoregressive(features: int, rho: float) -> Floats:
    """Correlation rho**|i - j|."""
    return np.asarray(rho ** np.abs(np.subtract.outer(np.arange(features), np.arange(features))))


def draw(distribution: Elliptical, n: int, trials: int) -> Floats:
    """Samples (trial, feature, sample)."""
    return np.stack([distribution.sample(n, seed) for seed in range(trials)])


def total(x: Floats, **settings: str) -> Floats:
    """T per trial."""
    return total_correlation(x, RBIG(**settings), min_samples=2).value


def table(header: str, rows: list[str]) -> str:
    """Markdown table."""
    columns = header.count("|") + 1
    return "\n".join([f"| {header} |", "|" + "---|" * columns, *(f"| {row} |" for row in rows)])


def normal_rows(trials: int = 100) -> list[str]:
    """T of normal features against the closed form and the oracle."""
    rows = []
    for features in (2, 5, 20):
        for rho in (0.3, 0.6, 0.9):
            normal = Normal(autoregressive(features, rho))
            for n in (1000, 10_000):
                x = draw(normal, n, trials)
                error = total(x) - normal.total_correlation()
                oracle = normal.oracle(x[0]).std() / np.sqrt(n)
                rows.append(
                    f"{features} | {rho} | {n} | {normal.total_correlation():.4f} | {error.mean():+.4f} | "
                    f"{error.std():.4f} | {oracle:.4f} | {np.mean(np.abs(error) < 3 * oracle):.0%}"
                )
    return rows


def margin_rows(trials: int = 10) -> list[str]:
    """Largest change of T and I under hard margins of a Gaussian copula."""
    margins: dict[str, Callable[[Floats], Floats]] = {
        "lognormal": np.exp,
        "Cauchy": lambda x: np.tan(0.999 * np.arctan(x)) * np.exp(x**2 / 2),
        "bimodal": lambda x: x / 10 + np.sign(x),
        "reversed": lambda x: -x,
    }
    rows = []
    for name, margin in margins.items():
        changes = []
        for features in (2, 5, 20):
            x = draw(Normal(autoregressive(features, 0.7)), 1000, trials)
            y = margin(x)
            split = features // 2
            changes.append(np.abs(total(y) - total(x)).max())
            changes.append(
                np.abs(mutual_information(y, split, RBIG()).value - mutual_information(x, split, RBIG()).value).max()
            )
        rows.append(f"{name} | {max(changes):.1e}")
    return rows


def null_rows(trials: int = 50) -> list[str]:
    """T of independent features, and the bias-corrected log-determinant of the same samples with normal margins."""
    margins: dict[str, Callable[[Floats], Floats]] = {
        "normal": lambda z: z,
        "uniform": ndtr,
        "Cauchy": lambda z: np.tan(np.pi * (ndtr(z) - 0.5)),
    }
    rows = []
    for features in (2, 5, 10, 50):
        for n in (500, 1000, 10_000):
            for seed, (name, margin) in enumerate(margins.items()):
                z = np.random.default_rng([features, n, seed]).standard_normal((trials, features, n))
                value = total(margin(z))
                log_det = np.array([-np.linalg.slogdet(np.corrcoef(cell))[1] / 2 for cell in z])
                log_det -= null_log_det(features, n)
                rows.append(
                    f"{features} | {n} | {name} | {value.mean():+.4f} | {np.abs(value).mean():.4f} | "
                    f"{np.quantile(np.abs(value), 0.95):.4f} | {value.std():.4f} | {log_det.std():.4f} | "
                    f"{value.std() / log_det.std():.2f}"
                )
    return rows


def student_rows() -> list[str]:
    """Relative error of T of t distributions, each rotation."""
    rows = []
    for nu in (3, 5):
        for features in (3, 10, 50):
            student = StudentT(np.eye(features), nu=nu)
            truth = student.total_correlation()
            for n in (1000, 10_000):
                x = draw(student, n, 5 if features == 50 else 10)
                errors = [(total(x, rotation=rotation) - truth) / truth for rotation in ROTATIONS]
                oracle = student.oracle(x[0]).std() / np.sqrt(n) / truth
                cells = " | ".join(f"{e.mean():+.0%} ± {e.std():.0%}" for e in errors)
                rows.append(f"{nu} | {features} | {n} | {truth:.3f} | {oracle:.0%} | {cells}")
    return rows


def nonlinear_pair(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """x1, x2 = x1^2 + 0.3 e, (cell, feature, sample)."""
    x, noise = rng.standard_normal((2, *shape))
    return np.stack([x, x**2 + 0.3 * noise], axis=1)


def information_cases(n: int, trials: int) -> dict[str, tuple[Floats, int, float]]:
    """Samples, size of the first group and true I."""
    rng = np.random.default_rng(n)
    cases: dict[str, tuple[Floats, int, float]] = {}
    for features, rho in ((4, 0.5), (10, 0.7), (40, 0.7)):
        normal = Normal(autoregressive(features, rho))
        half = features // 2
        cases[f"normal, {half} + {half}"] = (draw(normal, n, trials), half, normal.mutual_information(half))
    for features in (2, 10, 40):
        half = features // 2
        cases[f"independent, {half} + {half}"] = (rng.standard_normal((trials, features, n)), half, 0.0)
    groups = [nonlinear_pair(rng, (trials, n)) for _ in range(2)]
    cases["independent groups, each x, x^2 + noise"] = (np.concatenate(groups, axis=1), 2, 0.0)
    for features, nu in ((6, 3), (20, 3), (6, 5)):
        student = StudentT(np.eye(features), nu=nu)
        half = features // 2
        x = draw(student, n, trials)
        cases[f"t, nu = {nu}, {half} + {half}"] = (x, half, student.mutual_information(half))
    return cases


def information_rows() -> list[str]:
    """I by Eq. 8 and by the identity of total correlations."""
    rows = []
    for n, trials in ((1000, 20), (10_000, 8)):
        for name, (x, split, truth) in information_cases(n, trials).items():
            eq8 = mutual_information(x, split, RBIG()).value
            groups = [g for g in (x[:, :split], x[:, split:]) if g.shape[1] > 1]
            identity = total(x) - sum(total(group) for group in groups)
            rows.append(
                f"{name} | {n} | {truth:.3f} | {eq8.mean():.3f} ± {eq8.std():.3f} | "
                f"{identity.mean():.3f} ± {identity.std():.3f}"
            )
    return rows


def min_samples_figure(path: Path, trials: int = 40) -> None:
    """Root-mean-square error of T against the number of samples, and where `min_samples` lies."""
    panels = {"independent": 0.0, "normal, correlation 0.7^|i - j|": 0.7}
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
    for axis, (title, rho) in zip(axes, panels.items(), strict=True):
        for color, features in enumerate((2, 5, 20, 50)):
            normal = Normal(autoregressive(features, rho))
            samples = np.unique(np.geomspace(max(20, 1.5 * features), 40 * max(8, features), 9).astype(int))
            errors = [total(draw(normal, n, trials)) - normal.total_correlation() for n in samples]
            axis.loglog(samples, [np.sqrt(np.mean(e**2)) for e in errors], color=f"C{color}", label=f"{features}")
            axis.axvline(default_min_samples(features), color=f"C{color}", ls=":", lw=1)
        axis.set(title=title, xlabel="samples")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("root-mean-square error of T (nat)")
    axes[1].legend(title="features", fontsize="small")
    figure.savefig(path, dpi=120)


PAGE = """# Accuracy

Written by `benchmarks/accuracy.py`. Nats; default settings; mean ± standard deviation over trials.

## Normal features

Correlation rho^|i - j|, 100 trials. The *oracle*, the mean of log p(x) / prod p(x_d) with the true densities on the
same samples, is the best that any estimator can do; the last column is the share of trials within three of its standard
errors. The bias at high correlation is that of normal scores: ranks blur what is nearly equal.

{normal}

## Margins

Largest change of T and I when the margins of normal features (2, 5, 20 features, N = 1000) are mapped one by one.

{margins}

## Independent features

What is seen where there is nothing, over 50 trials; beside it the standard deviation of the bias-corrected
log-determinant of the correlation, of the same samples with normal margins: the noise that no estimator of linear
dependence escapes. The last column is the ratio of the two; it is large where one of the 50 takes chance for structure.

{null}

## t distributions

Identity scale, so that all dependence lies in the common radius. Relative error of T, each rotation; the standard error
of the oracle is relative too. About half is missed in many dimensions: rotated margins are nearly normal there.

{student}

## Mutual information

By Eq. 8, the default, and by the identity I = T([x, y]) - T(x) - T(y). The identity sometimes finds more of what lies
in a common radius (t), but fails where groups hold structure of their own, as it subtracts large numbers that are
missed by different amounts: independent groups get a negative I.

{information}

## How many samples

Root-mean-square error of T. Dotted: the default `min_samples`, `max(40, 5 * features)`. At five samples a feature the
noise of the log-determinant alone is about features / (2 n) = 0.1 nat, whatever the number of features.

![Error of T against the number of samples](figures/min_samples.png)
"""


def main() -> None:
    """Measure and write the page."""
    min_samples_figure(DOCS / "figures" / "min_samples.png")
    rotations = " | ".join(ROTATIONS)
    page = PAGE.format(
        normal=table("D | rho | N | truth | bias | std | oracle | within 3 s.e.", normal_rows()),
        margins=table("margin | largest change", margin_rows()),
        null=table("D | N | margins | mean T | mean abs T | 95 % of abs T | std | log-det | ratio", null_rows()),
        student=table(f"nu | D | N | truth | oracle s.e. | {rotations}", student_rows()),
        information=table("case | N | truth | Eq. 8 | identity", information_rows()),
    )
    (DOCS / "accuracy.md").write_text(page)


if __name__ == "__main__":
    main()
