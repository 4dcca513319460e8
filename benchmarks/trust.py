"""Write docs/trust.md and its figures: `python benchmarks/trust.py` (about ten minutes on two cores)."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import platform
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from accuracy.cases import autoregressive
from accuracy.tables import MISSING, table
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import ndtr, ndtri

from xrbig import RBIG
from xrbig import distributions as known
from xrbig.core import replicates
from xrbig.core.information import Estimate, mutual_information, total_correlation
from xrbig.core.replicates import Question
from xrbig.core.resample import Surrogates, Units

Floats = NDArray[np.float64]
Draw = Callable[[int, int], Floats]
DOCS = Path(__file__).parents[1] / "docs"
FIGURES = DOCS / "figures"
PLAIN = RBIG(rotation="pca")
BOOTSTRAPPED = ("T, independent 2", "T, normal 2", "T, t 3", "T, parabola", "T, product", "I, normal 2+2")


class Case(NamedTuple):
    """A distribution, the groups of I (0 for T), trials by number of samples, and how to draw red samples."""

    truth: float
    split: int
    draw: Draw
    trials: dict[int, int]


def estimate(x: Floats, split: int, settings: RBIG = RBIG()) -> Estimate:  # noqa: B008 (frozen)
    """T, or I if there is a split, with standard errors."""
    if split:
        return mutual_information(x, split, settings, std_error=True)
    return total_correlation(x, settings, std_error=True)


def case(distribution: known.Distribution, split: int = 0, slow: bool = False) -> Case:
    """Independent samples of a distribution."""
    truth = distribution.mutual_information(split) if split else distribution.total_correlation()
    trials = {500: 100, 1000: 60, 10_000: 12} if slow else {500: 200, 1000: 200, 10_000: 40}
    return Case(truth, split, distribution.sample, trials)


def normal(features: int, rho: float) -> known.Normal:
    """Correlation rho^|i - j|."""
    return known.Normal(autoregressive(features, rho))


def independent_cases() -> dict[str, Case]:
    """Independent samples."""
    mixture = known.GaussianMixture.random
    return {
        "T, independent 2": case(normal(2, 0)),
        "T, independent 5": case(normal(5, 0)),
        "T, normal 2": case(normal(2, 0.5)),
        "T, normal 5": case(normal(5, 0.5)),
        "T, normal 10": case(normal(10, 0.7), slow=True),
        "T, t 3": case(known.StudentT(np.eye(3), 3)),
        "T, t 10": case(known.StudentT(autoregressive(10, 0.5), 5), slow=True),
        "T, Clayton 2": case(known.Clayton(2, 2)),
        "T, Clayton 5": case(known.Clayton(5, 2), slow=True),
        "T, Gumbel 3": case(known.Gumbel(3, 2)),
        "T, Frank 2": case(known.Frank(2, 5)),
        "T, parabola": case(known.Regression(np.square, 0.5)),
        "T, ring": case(known.Ring(2, 1, 0.1)),
        "T, product": case(known.Product(0.3)),
        "T, clusters 2": case(mixture(2, components=4, distance=2, seed=3)),
        "T, clusters 5": case(mixture(5, components=3, distance=2, seed=5), slow=True),
        "T, Laplace 5": case(known.LinearMixture(known.random_matrix(5, seed=5), "laplace"), slow=True),
        "I, independent 2+1": case(normal(3, 0), 2),
        "I, normal 2+2": case(normal(4, 0.5), 2),
        "I, t 2+2": case(known.StudentT(np.eye(4), 3), 2),
        "I, Clayton 2+3": case(known.Clayton(5, 2), 2, slow=True),
        "I, product 2+1": case(known.Product(0.3), 2),
    }


def red(features: int, n: int, phi: float, seed: int) -> Floats:
    """Independent AR(1) series of variance 1."""
    noise = np.random.default_rng([seed, features, n]).standard_normal((features, n + 200))
    return np.asarray(lfilter([np.sqrt(1 - phi**2)], [1, -phi], noise, axis=1)[:, 200:])


def red_cases(phi: float) -> dict[str, Case]:
    """Functions of independent AR(1) series, whose distribution at one time is known."""

    def mixed(features: int) -> Draw:
        root = np.linalg.cholesky(autoregressive(features, 0.5))
        return lambda n, seed: root @ red(features, n, phi, seed)

    def student(features: int) -> Draw:
        def draw(n: int, seed: int) -> Floats:
            z = red(features + 3, n, phi, seed)
            return np.asarray(z[:features] / np.sqrt((z[features:] ** 2).mean(axis=0)))

        return draw

    def parabola(n: int, seed: int) -> Floats:
        z = red(2, n, phi, seed)
        return np.stack([z[0], z[0] ** 2 + 0.5 * z[1]])

    def product(n: int, seed: int) -> Floats:
        z = red(3, n, phi, seed)
        return np.stack([z[0], z[1], z[0] * z[1] + 0.3 * z[2]])

    draws: dict[str, Draw] = {
        "T, independent 2": lambda n, seed: red(2, n, phi, seed),
        "T, independent 5": lambda n, seed: red(5, n, phi, seed),
        "T, normal 2": mixed(2),
        "T, normal 5": mixed(5),
        "T, t 3": student(3),
        "T, parabola": parabola,
        "T, product": product,
        "I, independent 2+1": lambda n, seed: red(3, n, phi, seed),
        "I, normal 2+2": mixed(4),
        "I, t 2+2": student(4),
    }
    trials = {500: 150, 1000: 150, 10_000: 24}
    cases = independent_cases()
    return {name: cases[name]._replace(draw=draw, trials=trials) for name, draw in draws.items()}


SETTINGS = {0.0: independent_cases(), 0.5: red_cases(0.5), 0.9: red_cases(0.9)}


def coverage(phi: float, name: str, n: int) -> str:
    """How often the estimate plus and minus 1.96 standard errors holds the truth; bias, spread, standard error."""
    truth, split, draw, trials = SETTINGS[phi][name]
    found = estimate(np.stack([draw(n, seed) for seed in range(trials[n])]), split)
    error = found.value - truth
    share = np.mean(np.abs(error) <= 1.96 * found.std_error)
    shown = f"{share:.0%}" if share >= 0.9 else f"**{share:.0%}**"
    return f"{shown} | {error.mean():+.3f} | {error.std():.3f} | {found.std_error.mean():.3f}"


def coverage_table(pool: ProcessPoolExecutor, phis: Iterable[float]) -> str:
    """Coverage by case and number of samples."""
    sizes = (500, 1000, 10_000)
    keys = [(phi, name, n) for phi in phis for name in SETTINGS[phi] for n in sizes]
    found = dict(zip(keys, pool.map(coverage, *zip(*keys, strict=True)), strict=True))
    rows = [
        " | ".join([name, f"{phi:g}", f"{SETTINGS[phi][name].truth:.3f}", *(found[phi, name, n] for n in sizes)])
        for phi in phis
        for name in SETTINGS[phi]
    ]
    columns = (f"{n}: covered | bias | spread | error" for n in sizes)
    return table(" | ".join(["case", "phi", "truth", *columns]), rows)


def intervals(phi: float, name: str) -> str:
    """Coverage by half-samples."""
    truth, split, draw, _ = SETTINGS[phi][name]
    x = np.stack([draw(1000, seed) for seed in range(60)])
    spread = replicates.bootstrap(x, _question(x, split, RBIG()), 40, 50, 0.95)
    covered = np.mean((spread.lower <= truth) & (truth <= spread.upper))
    return f"{name} | {phi:g} | {covered:.0%} | {spread.value.std():.3f} | {spread.std.mean():.3f}"


def interval_table(pool: ProcessPoolExecutor) -> str:
    """Coverage of the bootstrap."""
    keys = [(phi, name) for phi in SETTINGS for name in BOOTSTRAPPED]
    rows = list(pool.map(intervals, *zip(*keys, strict=True)))
    return table("case | phi | covered | spread | std_error", rows)


def _question(x: Floats, split: int, settings: RBIG) -> Question:
    return Question(split, Units(x.shape[2:], 0), settings, None, True)


def false_positives(settings: RBIG, trials: int, n: int, phi: float, how: tuple[str, int]) -> str:
    """Share of p <= 0.05 among independent series: I of 1+1, I of 2+1, T of 3."""
    method, parts_of_record = how
    block = n // parts_of_record if parts_of_record else 1
    shares = []
    for features, split in ((2, 1), (3, 2), (3, 0)):
        x = np.stack([red(features, n, phi, seed) for seed in range(trials)])
        null = replicates.significance(x, _question(x, split, settings), Surrogates(39, block, method, 0))
        unknown = np.isnan(null.p_value).all()  # the record is too short for shifts that long
        shares.append(MISSING if unknown else f"{np.mean(null.p_value <= 0.05):.1%}")
    return " | ".join(shares)


def false_positive_table(pool: ProcessPoolExecutor) -> str:
    """False positives by method."""
    keys = [(PLAIN, 600, n, phi, ("shift", 0)) for n in (200, 500, 1000) for phi in (0, 0.5, 0.9)]
    keys += [(RBIG(), 300, 300, phi, ("shift", 0)) for phi in (0, 0.5, 0.9)]
    keys += [(PLAIN, 600, 200, 0.9, how) for how in (("shift", 5), ("block", 40), ("block", 20), ("block", 10))]
    keys += [(PLAIN, 600, 1000, 0.9, how) for how in (("block", 40), ("block", 10))]
    rows = []
    for (settings, trials, n, phi, (method, parts)), shares in zip(
        keys, pool.map(false_positives, *zip(*keys, strict=True)), strict=True
    ):
        what = {"shift": "shifts", "block": "blocks"}[method]
        what += f" of {n // parts} samples" + (" or more" if method == "shift" else "") if parts else ""
        rows.append(f"{what} | {settings.rotation} | {n} | {phi:g} | {trials} | {shares}")
    return table("surrogates | rotation | N | phi | trials | I of 1+1 | I of 2+1 | T of 3", rows)


WEAK: dict[str, Callable[[Floats], Floats]] = {
    "y = 0.15 x + e": lambda z: np.stack([z[0], 0.15 * z[0] + z[1]]),
    "y = 0.15 x^2 + e": lambda z: np.stack([z[0], 0.15 * z[0] ** 2 + z[1]]),
    "y = exp(0.3 x) e": lambda z: np.stack([z[0], np.exp(0.3 * z[0]) * z[1]]),
}
JUDGES = {
    "default": RBIG(),
    "default, significance 0.05": RBIG(significance=0.05),
    "pca": PLAIN,
    "pca, significance 0.05": RBIG(rotation="pca", significance=0.05),
}


def power(name: str, judge: str, n: int) -> str:
    """Share of p <= 0.05 where there is weak dependence."""
    x = np.stack([WEAK[name](red(2, n, 0.0, seed)) for seed in range(100)])
    null = replicates.significance(x, _question(x, 1, JUDGES[judge]), Surrogates(39, 1, "shift", 0))
    return f"{np.mean(null.p_value <= 0.05):.0%}"


def power_table(pool: ProcessPoolExecutor) -> str:
    """Power by settings."""
    keys = [(name, judge, n) for name in WEAK for n in (300, 1000) for judge in JUDGES if n == 300 or "pca" in judge]
    found = dict(zip(keys, pool.map(power, *zip(*keys, strict=True)), strict=True))
    rows = [
        " | ".join([name, str(n), *(found.get((name, judge, n), MISSING) for judge in JUDGES)])
        for name in WEAK
        for n in (300, 1000)
    ]
    return table(" | ".join(["", "N", *JUDGES]), rows)


def cost_table() -> str:
    """CPU of each option, for that of the plain estimates of the same cells."""
    rows = []
    for settings, cells in ((RBIG(), 6), (PLAIN, 60)):
        for features, split, n, curved in ((2, 1, 519, 0), (2, 1, 519, 1), (3, 2, 1000, 0), (5, 0, 1000, 0)):
            root = np.linalg.cholesky(autoregressive(features, 0.3))
            x = root @ np.random.default_rng(0).standard_normal((cells, features, n))
            x[:, 1] += curved * x[:, 0] ** 2
            question = _question(x, split, settings)
            plain = cpu(lambda x=x, q=question: q.answer(x), 5)
            with_error = cpu(lambda x=x, s=split, e=settings: estimate(x, s, e), 5)
            surrogates = Surrogates(199, 1, "shift", 0)
            null = cpu(lambda x=x, q=question, s=surrogates: replicates.significance(x[:3], q, s), 1) * cells / 3
            halves = cpu(lambda x=x, q=question, n=n: replicates.bootstrap(x[:3], q, 100, n // 20, 0.95), 1) * cells / 3
            what = f"I of {split}+{features - split}" if split else f"T of {features}"
            what += ", a parabola" if curved else ", normal"
            rows.append(
                f"{settings.rotation} | {what} | {n} | {1000 * plain / cells:.2f} | {with_error / plain:.2f} | "
                f"{null / plain:.0f} | {halves / plain:.0f}"
            )
    header = "rotation | what | N | plain, ms per cell | diagnostics | significance, 199 | bootstrap, 100"
    return table(header, rows)


def cpu(work: Callable[[], object], repeats: int) -> float:
    """Least CPU seconds of several runs."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


SIZES = (40, 60, 100, 200, 400, 700, 1000, 2000, 4000)
FEATURES = (2, 3, 5, 10, 20)


def error_of(features: int, n: int) -> tuple[float, float]:
    """Root-mean-square error and mean standard error of T of a t distribution of so many features."""
    distribution = known.StudentT(autoregressive(features, 0.5), 5)
    x = np.stack([distribution.sample(n, seed) for seed in range(40 if features <= 5 else 16)])
    found = total_correlation(x, RBIG(), min_samples=16, std_error=True)
    error = found.value - distribution.total_correlation()
    return float(np.sqrt(np.mean(error**2))), float(found.std_error.mean())


def draw_sizes(pool: ProcessPoolExecutor) -> str:
    """Figure of the error of T against the number of samples; table of the number needed."""
    keys = [(d, n) for d in FEATURES for n in SIZES if n >= d + 16 and (d < 20 or n <= 2000)]
    found = dict(zip(keys, pool.map(error_of, *zip(*keys, strict=True)), strict=True))
    figure, axis = plt.subplots(figsize=(7, 4.2), layout="constrained")
    rows = []
    for color, d in enumerate(FEATURES):
        truth = known.StudentT(autoregressive(d, 0.5), 5).total_correlation()
        sizes = [n for n in SIZES if (d, n) in found]
        rms, standard = (np.array([found[d, n][i] for n in sizes]) / truth for i in (0, 1))
        axis.loglog(sizes, rms, "o-", ms=4, color=f"C{color}", label=f"D = {d}, T = {truth:.2f}")
        axis.loglog(sizes, standard, ":", color=f"C{color}")
        axis.plot(max(40, 5 * d), np.interp(np.log(max(40, 5 * d)), np.log(sizes), rms), "kv", ms=8, zorder=5)
        fine = np.geomspace(sizes[0], sizes[-1], 400)
        curve = np.exp(np.interp(np.log(fine), np.log(sizes), np.log(rms)))
        needed = [
            next((f"{s:.2g}" for s, r in zip(fine, curve, strict=True) if r <= limit), None) for limit in (0.3, 0.1)
        ]
        shown = [f"{float(v):.0f}" if v else f"> {sizes[-1]}" for v in needed]
        rows.append(f"{d} | {truth:.2f} | {max(40, 5 * d)} | {shown[0]} | {shown[1]}")
    axis.axhline(0.1, color="grey", lw=0.8)
    axis.set(xlabel="samples N", ylabel="error of T / T", title="Error of T: what it is (line), what it says (dots)")
    axis.legend(frameon=False, fontsize=8)
    save(figure, "trust_samples.png")
    return table("D | T | default `min_samples` | N for an error of 30 % | N for 10 %", rows)


def save(figure: plt.Figure, name: str) -> None:
    """Write and close."""
    figure.savefig(FIGURES / name, dpi=130)
    plt.close(figure)


def censored_truth(rho: float, share: float) -> float:
    """I of a normal pair of which one is set to its `share` quantile where it is below."""
    z = normal(2, rho).sample(400_000, 0)
    cut = ndtri(share)
    ratio = (2 * rho * z[0] * z[1] - rho**2 * (z[0] ** 2 + z[1] ** 2)) / (2 * (1 - rho**2)) - np.log1p(-(rho**2)) / 2
    below = ndtr((cut - rho * z[1]) / np.sqrt(1 - rho**2)) / max(share, 1e-12)
    return float(np.where(z[0] < cut, np.log(np.maximum(below, 1e-300)), ratio).mean())


def draw_ties(axis: plt.Axes) -> None:
    """I of a pair, one of them zero-inflated."""
    shares = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    z = np.stack([normal(2, 0.7).sample(1000, seed) for seed in range(20)])
    found = []
    for share in shares:
        x = z.copy()
        x[:, 0] = np.maximum(x[:, 0], ndtri(share)) if share else x[:, 0]
        found.append(mutual_information(x, 1, RBIG()).value)
    band(axis, 100 * shares, np.array(found), "C0", "estimate")
    axis.plot(100 * shares, [censored_truth(0.7, s) for s in shares], "k--", label="truth of the values with zeros")
    axis.axhline(-np.log1p(-(0.7**2)) / 2, color="grey", lw=0.8, label="truth without zeros")
    axis.set(xlabel="zeros (%)", ylabel="I (nat)", title="Ties: rain that is often zero, N = 1000", ylim=(0, None))


def band(axis: plt.Axes, x: Floats, values: Floats, color: str, label: str) -> None:
    """Mean, and the middle 90 % of the trials."""
    axis.plot(x, values.mean(axis=1), "o-", ms=3, color=color, label=label)
    axis.fill_between(x, *np.quantile(values, [0.05, 0.95], axis=1), color=color, alpha=0.2, lw=0)


def draw_autocorrelation(axis: plt.Axes) -> None:
    """T of independent red series."""
    phis = np.array([0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98])
    found = [estimate(np.stack([red(3, 1000, phi, seed) for seed in range(40)]), 0) for phi in phis]
    axis.axhline(0, color="k", ls="--", lw=0.8)
    band(axis, phis, np.array([f.value for f in found]), "C0", "estimate")
    axis.plot(phis, [1.96 * f.std_error.mean() for f in found], "C1:", label="1.96 std_error")
    title = "Autocorrelation: three independent\nAR(1) series, N = 1000"
    axis.set(xlabel="autocorrelation at lag 1", ylabel="T (nat)", title=title, yscale="symlog")
    axis.set_yscale("symlog", linthresh=0.02)


def draw_few(axis: plt.Axes) -> None:
    """T of three features of few samples."""
    sizes = np.array([20, 30, 40, 60, 100, 200, 400, 1000])
    for color, rho in (("C0", 0.0), ("C3", 0.5)):
        distribution = normal(3, rho)
        x = [np.stack([distribution.sample(n, seed) for seed in range(100)]) for n in sizes]
        values = np.array([total_correlation(c, RBIG(), min_samples=16).value for c in x])
        band(axis, sizes, values, color, f"T = {distribution.total_correlation():.2f}")
        axis.axhline(distribution.total_correlation(), color=color, ls="--", lw=0.8)
    axis.axvline(40, color="grey", lw=0.8)
    axis.set(xscale="log", xlabel="samples N", ylabel="T (nat)", title="Few samples: three normal features")


def draw_high(axis: plt.Axes) -> None:
    """T of ever more dependent pairs."""
    rhos = np.sqrt(-np.expm1(-2 * np.array([0.5, 1, 2, 3, 4, 5, 6, 7, 8])))
    pairs: list[known.Distribution] = [known.Normal(np.array([[1, r], [r, 1]])) for r in rhos]
    curves: list[known.Distribution] = [known.Regression(np.square, s) for s in (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)]
    lines = (("C0", 300, pairs, "normal"), ("C1", 300, curves, "parabola"), ("C2", 3000, curves, "parabola"))
    for color, n, family, name in lines:
        truths = np.array([d.total_correlation() for d in family])
        found = [total_correlation(np.stack([d.sample(n, s) for s in range(10)]), RBIG()) for d in family]
        band(axis, truths, np.array([f.value for f in found]), color, f"{name}, N = {n}")
        lost = [t for t, f in zip(truths, found, strict=True) if not f.converged.all()]
        axis.plot(lost, [0.2] * len(lost), "x", color=color)
    axis.plot([0, 8], [0, 8], "k--", lw=0.8)
    axis.set(xlabel="true T (nat)", ylabel="estimate (nat)", title="Very high T of a pair (x: not converged)")


def draw_effects() -> None:
    """Ties, autocorrelation, few samples, high T."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.4), layout="constrained")
    for axis, draw in zip(axes.flat, (draw_ties, draw_autocorrelation, draw_few, draw_high), strict=True):
        draw(axis)
        axis.legend(frameon=False, fontsize=8)
    save(figure, "trust_effects.png")


TEXT = (Path(__file__).parent / "trust.txt").read_text()


def main() -> None:
    """Measure, draw and write the page."""
    FIGURES.mkdir(exist_ok=True)
    costs = cost_table()
    with ProcessPoolExecutor(2) as pool:
        effects = pool.submit(draw_effects)
        text = TEXT.format(
            sizes=draw_sizes(pool),
            coverage=coverage_table(pool, [0.0]),
            red_coverage=coverage_table(pool, [0.5, 0.9]),
            intervals=interval_table(pool),
            false_positives=false_positive_table(pool),
            power=power_table(pool),
            costs=costs,
            python=platform.python_version(),
            numpy=np.__version__,
        )
        effects.result()
    (DOCS / "trust.md").write_text(text)


if __name__ == "__main__":
    main()
