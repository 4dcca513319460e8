"""Measure estimates on everyday data: `python benchmarks/everyday --only a --draws 5` prints the table of a group.

With a version label the results are kept in results.csv, from which docs/everyday.md is written. The real data that do
not come with the package are taken from the folder that XRBIG_DATA names; without them their rows are left out.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator

import maps
import page
import pandas as pd
import relations
import results
import series
import structure
import textbook
from study import Task

GROUPS: dict[str, Callable[[], Iterator[Task]]] = {
    "a": structure.inner_tasks,
    "b": structure.shared_tasks,
    "c": relations.relation_tasks,
    "d": structure.dummy_tasks,
    "e": series.series_tasks,
    "f": series.significance_tasks,
    "g": maps.speckle_tasks,
    "h": textbook.flow_tasks,
    "i": textbook.textbook_tasks,
    "j": maps.invariant_tasks,
}
THIS = "this run"


def parse() -> Namespace:
    """Command line."""
    parser = ArgumentParser(prog="python benchmarks/everyday", description=__doc__)
    parser.add_argument("--only", default="".join(GROUPS), help=f"letters of groups, of {''.join(GROUPS)}")
    parser.add_argument("--match", default="", help="only cases whose name contains this")
    parser.add_argument("--draws", type=int, help="draws, or cells of a map, instead of those of each case")
    parser.add_argument("--version-label", choices=page.VERSIONS, help="keep the results under this name")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page")
    return parser.parse_args()


def measured(version: str, task: Task, draws: int) -> dict[str, object]:
    """Run a task."""
    start = time.process_time()
    found = task.values(draws)
    return results.row(version, task, found, time.process_time() - start)


def run(tasks: list[Task], draws: int | None, label: str | None) -> None:
    """Measure tasks, print their rows beside what is kept, and keep them if there is a label."""
    versions = (*page.VERSIONS, THIS)
    kept, new = results.read(), []
    print(*page.header([*page.COLUMNS, *versions]), sep="\n")
    for task in tasks:
        new.append(measured(THIS, task, draws or task.draws))
        table = pd.concat([frame for frame in (kept, pd.DataFrame(new)) if len(frame)])
        print(*page.rows([task], table, versions), flush=True)
        if label:
            results.append([{**new[-1], "version": label}])
    print(f"{sum(float(str(row['cpu_seconds'])) for row in new):.0f} CPU seconds")


def main() -> None:
    """Measure, or write the page."""
    arguments = parse()
    if not arguments.page:
        chosen = [task for group in arguments.only for task in GROUPS[group]()]
        ready = [task for task in chosen if arguments.match in task.case and task.needs.exists()]
        run(ready, arguments.draws, arguments.version_label)
    if arguments.page or arguments.version_label:
        page.write([task for tasks in GROUPS.values() for task in tasks()])


if __name__ == "__main__":
    main()
