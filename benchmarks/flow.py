"""Write docs/density.md: `python benchmarks/flow.py` (about ten minutes on two cores)."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import platform
import resource
import runpy
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import scipy
import sklearn
import xarray as xr
from accuracy.cases import autoregressive
from accuracy.tables import table
from numpy.typing import NDArray
from scipy.special import ive
from sklearn.mixture import GaussianMixture as SklearnMixture
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity

import xrbig
from xrbig.distributions import GaussianMixture, Normal, StudentT

Floats = NDArray[np.float64]
ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "density.md"
RINGS = runpy.run_path(str(ROOT / "examples" / "rings.py"))
TRAINING, HELD_OUT, TRIALS = 2000, 20_000, 5
PLAIN = xrbig.RBIG(rotation="random")
COMPONENTS = (2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40)
BANDWIDTHS = np.geomspace(0.02, 0.5, 25)
SHAPES = ((10_000, 10), (100_000, 10), (10_000, 50))


def labelled(x: Floats) -> xr.Dataset:
    """Features (feature, sample) as variables."""
    return xr.Dataset({f"v{i:02}": ("sample", row) for i, row in enumerate(x)})


def rings(n: int, seed: int) -> Floats:
    """The data of examples/rings.py."""
    return np.asarray(RINGS["concentric_rings"](n, seed).to_dataarray().values)


def moons(n: int, seed: int) -> Floats:
    """Two interleaved half circles, as scikit-learn's `make_moons`, noise 0.1."""
    rng = np.random.default_rng(seed)
    angle, lower = rng.uniform(0, np.pi, n), np.arange(n) % 2
    x = np.where(lower, 1 - np.cos(angle), np.cos(angle))
    y = np.where(lower, 0.5 - np.sin(angle), np.sin(angle))
    return np.asarray(np.stack([x, y]) + rng.normal(0, 0.1, (2, n)))


def true_density(x: Floats) -> float:
    """Mean log-density of the rings: a normal of standard deviation 0.08 around each circle."""
    radius, width = np.hypot(*x), 0.08
    density = [
        np.exp(-((radius - r) ** 2) / (2 * width**2)) * ive(0, radius * r / width**2) / (4 * np.pi * width**2)
        for r in (0.5, 1.0)
    ]
    return float(np.log(sum(density)).mean())


def flow_score(estimator: xrbig.RBIG, training: Floats, new: Floats) -> float:
    """Mean log-density of new samples under a flow."""
    return float(labelled(training).rbig.fit(estimator=estimator).log_prob(labelled(new)).mean())


def mixture_score(training: Floats, new: Floats) -> float:
    """That under a Gaussian mixture, the number of components by cross-validation, the best of three starts."""
    search = GridSearchCV(SklearnMixture(random_state=0), {"n_components": COMPONENTS}, cv=5).fit(training.T)
    best = SklearnMixture(search.best_params_["n_components"], n_init=3, random_state=0).fit(training.T)
    return float(best.score(new.T))


def kernel_score(training: Floats, new: Floats) -> float:
    """That under a kernel density, the bandwidth by cross-validation."""
    search = GridSearchCV(KernelDensity(), {"bandwidth": BANDWIDTHS}, cv=5).fit(training.T)
    return float(search.best_estimator_.score(new.T)) / new.shape[1]


SAMPLERS = {"rings": rings, "moons": moons}
DENSITIES: dict[str, Callable[[Floats, Floats], float]] = {
    "flow": partial(flow_score, xrbig.RBIG()),
    "flow, random rotations": partial(flow_score, PLAIN),
    "Gaussian mixture": mixture_score,
    "kernel density": kernel_score,
}


def score(job: tuple[str, str, int]) -> float:
    """Score of one density on one draw of the data."""
    data, density, seed = job
    training, new = SAMPLERS[data](TRAINING, seed), SAMPLERS[data](HELD_OUT, 1000 + seed)
    return DENSITIES[density](training, new)


def likelihood_rows() -> list[str]:
    """Mean held-out log-density and its range over the draws."""
    jobs = [(data, density, seed) for density in DENSITIES for data in SAMPLERS for seed in range(TRIALS)]
    with ProcessPoolExecutor(2) as pool:
        scores = dict(zip(jobs, pool.map(score, jobs), strict=True))
    truth = np.mean([true_density(rings(HELD_OUT, 1000 + seed)) for seed in range(TRIALS)])
    rows = [f"the true density | {truth:.4f} | | | "]
    for density in DENSITIES:
        columns = []
        for data in SAMPLERS:
            found = np.array([scores[data, density, seed] for seed in range(TRIALS)])
            best_other = np.array(
                [max(scores[data, d, s] for d in ("Gaussian mixture", "kernel density")) for s in range(TRIALS)]
            )
            columns += [f"{found.mean():.4f}", f"{int((found > best_other).sum())} of {TRIALS}"]
        rows.append(" | ".join([density, *columns]))
    return rows


DISTRIBUTIONS = {
    "normal, 10 features": Normal(autoregressive(10, 0.6)),
    "t, nu = 3, 10 features": StudentT(autoregressive(10, 0.6), nu=3.0),
    "ring of 8 clusters": GaussianMixture.ring(8, 1.0, 0.15),
    "4 clusters, 10 features": GaussianMixture.random(10, 4, 3.0, 0),
}


def fit_row(name: str) -> str:
    """Loss of log-density and both estimates of T, and what a round trip changes, inside and outside."""
    distribution = DISTRIBUTIONS[name]
    new = distribution.sample(HELD_OUT, 1)
    columns = [name, f"{distribution.total_correlation():.3f}"]
    for n in (1000, 10_000):
        flow = labelled(distribution.sample(n, 0)).rbig.fit()
        loss = np.mean(distribution.log_density(new) - flow.log_prob(labelled(new)).values)
        total = flow.total_correlation
        columns += [f"{loss:.3f}", f"{float(total.total_correlation):.3f}", f"{float(total.by_density):.3f}"]
    spread = new.std(axis=1, keepdims=True)
    for far in (1.0, 10.0):
        x = labelled(new.mean(axis=1, keepdims=True) + far * (new - new.mean(axis=1, keepdims=True)))
        change = (flow.inverse_transform(flow.transform(x)) - x).to_dataarray()
        columns.append(f"{float(np.abs(change.values / spread).max()):.0e}")
    return " | ".join(columns)


def cost(features: int, n: int, estimator: xrbig.RBIG) -> tuple[float, ...]:
    """CPU seconds of fit, transform, inverse and log-density, peak memory above the data (MiB), layers, bytes saved."""
    data = labelled(GaussianMixture.random(features, 4, 3.0, 0).sample(n, 0))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []

    def timed(call: Callable[[], object]) -> object:
        start = time.process_time()
        result = call()
        times.append(time.process_time() - start)
        return result

    flow = timed(lambda: data.rbig.fit(estimator=estimator))
    fit_peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    z = timed(lambda: flow.transform(data))
    timed(lambda: flow.inverse_transform(z))
    timed(lambda: flow.log_prob(data))
    with tempfile.TemporaryDirectory() as folder:
        flow.to_netcdf(f"{folder}/flow.nc")
        size = os.path.getsize(f"{folder}/flow.nc")
    return (*times, fit_peak, len(flow.layers.layer), size)


COSTS = {
    **{f"{n} x {features}": (features, n, xrbig.RBIG()) for n, features in SHAPES},
    **{f"{n} x {f}, random rotations": (f, n, PLAIN) for n, f in ((10_000, 10), (100_000, 10), (10_000, 50))},
    **{
        f"10000 x 10, random rotations, {most} layers": (10, 10_000, xrbig.RBIG(rotation="random", max_layers=most))
        for most in (5, 10, 20)
    },
}


def cost_rows() -> list[str]:
    """One process for each fit, so that its peak of memory is its own."""
    rows = []
    for name, arguments in COSTS.items():
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            *times, peak, layers, size = pool.submit(cost, *arguments).result()
        shown = [*(f"{t:.2f}" for t in times), f"{peak:.0f}", f"{layers:.0f}", f"{size / 1024:.0f}"]
        rows.append(" | ".join([name, *shown]))
    return rows


TEXT = """# How good the density is

Written by `benchmarks/flow.py` with Python {python}, NumPy {numpy}, SciPy {scipy}, scikit-learn {sklearn}: figures of
[the flow](flow.md), default settings unless stated.

## Held-out log-likelihood

Mean log-density (nat) of {held_out} new samples after a fit to {training}, the mean of {trials} draws, and in how many
of them it is higher than that of both the Gaussian mixture and the kernel density, whose number of components and
bandwidth are cross-validated.

{likelihood}

## Against known densities

What the log-density loses against the true one, on average over new samples, and T by the layers (Eq. 7) and by the
density (Eq. 6), after a fit to 1000 and to 10 000 samples; the largest change by a round trip, in standard deviations,
of {held_out} new samples (after the fit to 10 000) and of the same ten times as far from their mean.

{fits}

## Cost

CPU seconds on one core, peak memory above the data during the fit, layers, and size of the saved flow, for four
clusters. A fit tries dozens of layers. With more than {judged} samples, that many judge the layers, so that its time
grows slowly; it grows with the features as the mixtures do, whose covariances have features squared entries.

{costs}
"""


def main() -> None:
    """Measure, draw and write the page."""
    from xrbig.core.tuning import TUNING

    with ProcessPoolExecutor(2) as pool:
        fits = list(pool.map(fit_row, DISTRIBUTIONS))
    beats = "higher than both"
    heads = {
        "likelihood": f"density | rings | {beats} | moons | {beats}",
        "fits": "distribution | T | loss, N = 1000 | Eq. 7 | Eq. 6 | loss, 10000 | Eq. 7 | Eq. 6 | round trip | far",
        "costs": "samples x features | fit | transform | inverse | log_prob | MiB | layers | KiB",
    }
    rows = {"likelihood": likelihood_rows(), "fits": fits, "costs": cost_rows()}
    PAGE.write_text(
        TEXT.format(
            python=platform.python_version(),
            numpy=np.__version__,
            scipy=scipy.__version__,
            sklearn=sklearn.__version__,
            training=TRAINING,
            held_out=HELD_OUT,
            trials=TRIALS,
            judged=TUNING.most_samples,
            **{name: table(head, rows[name]) for name, head in heads.items()},
        )
    )


if __name__ == "__main__":
    sys.exit(main())
