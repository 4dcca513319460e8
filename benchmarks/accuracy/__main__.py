"""Measure the accuracy of xrbig and of other estimators, and write docs/accuracy.md: `python benchmarks/accuracy`.

Every fit is a row of results.csv: an interrupted run goes on where it ended, and fits whose row is there are not run
again.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Collection
from concurrent.futures import ProcessPoolExecutor, as_completed

import cost
import page
import results
from measure import KNOWN, fits, measure
from panel import REFERENCES

WORKERS = 2
NAMES = (*KNOWN, *REFERENCES)


def estimators(text: str) -> list[str]:
    """Names separated by commas."""
    names = text.split(",")
    unknown = set(names).difference(NAMES)
    if unknown:
        raise ArgumentTypeError(f"{sorted(unknown)}: not among {', '.join(NAMES)}")
    return names


def parse() -> Namespace:
    """Command line."""
    parser = ArgumentParser(prog="python benchmarks/accuracy", description=__doc__)
    parser.add_argument("--only", type=estimators, default=NAMES, help="estimators to measure, such as xrbig,kNN")
    parser.add_argument("--forget", type=estimators, default=[], help="estimators to measure anew")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page")
    return parser.parse_args()


def run(names: Collection[str]) -> None:
    """Measure what is missing, the cheap panels first."""
    done = set(results.read()[list(results.Fit._fields)].itertuples(index=False, name=None))
    missing = [fit for fit in fits(names) if fit not in done]
    pool = ProcessPoolExecutor(WORKERS)
    try:
        pending = {pool.submit(measure, fit): fit for fit in missing}
        for count, future in enumerate(as_completed(pending), start=1):
            fit, result = pending[future], future.result()
            results.append(fit, result)
            print(
                f"{count} of {len(missing)}", *fit, f"{result.estimate:.4g}", f"{result.cpu_seconds:.3g} s", flush=True
            )
    finally:
        pool.shutdown(cancel_futures=True)


def run_cost(names: Collection[str]) -> None:
    """Measure the cost again where that of one of the estimators is missing."""
    found = results.read()
    done = set(found[found.measure == cost.MEASURE].estimator)
    if "xrbig" in names and "xrbig" not in done:
        for fit, result in cost.measure():
            results.append(fit, result)


def main() -> None:
    """Measure, and write the page."""
    arguments = parse()
    if arguments.forget:
        results.forget(arguments.forget)
    if not arguments.page:
        run(arguments.only)
        run_cost(arguments.only)
    page.write()


if __name__ == "__main__":
    main()
