"""The imports of xrbig.core, which make no circle, drawn to docs/figures/imports.png: `python benchmarks/imports.py`.

A module stands above all that it imports. Of its imports only those are drawn that no other one implies.
"""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
OF_TUPLES = {"_asdict", "_fields", "_make", "_replace"}  # what named tuples offer to everyone
COLOURS = {"layers": "#cfe3f5", "rungs": "#fbe0b8", "core": "#eeeeee"}
SWEEPS = 40  # over the rows, to put modules near to those that they are joined with
Graph = dict[str, set[str]]  # of each module, the modules that it imports
Node = tuple[str, str, int]  # of the drawing, in a row: a module twice, or two that are joined by a line that passes


def modules(package: str) -> dict[str, Path]:
    """The modules in the folder of a package and in those below, by their dotted names."""
    files = sorted((ROOT / package.replace(".", "/")).rglob("*.py"))
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]
    return dict(zip(names, files, strict=True))


def imported(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """What a module imports: from where, what, and its name there; the same of whole modules, from nowhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name, alias.asname or alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (("", alias.name, alias.asname or alias.name) for alias in node.names)


def imports(package: str) -> Graph:
    """The imports among the modules of a package."""
    files = modules(package)
    graph: Graph = {}
    for name, file in files.items():
        found = [
            (origin, f"{origin}.{own}" if origin else own) for origin, own, _ in imported(ast.parse(file.read_text()))
        ]
        graph[name] = {own if own in files else origin for origin, own in found} & set(files) - {name}
    return graph


def private_names(package: str) -> list[str]:
    """Names with a leading underscore that modules of a package use of other modules."""
    found = []
    for name, file in modules(package).items():
        tree = ast.parse(file.read_text())
        names = list(imported(tree))
        found += [f"{name}: {origin}.{own}" for origin, own, _ in names if own.startswith("_")]
        known = {alias for _, _, alias in names}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
                hidden = node.attr.startswith("_") and not node.attr.startswith("__") and node.attr not in OF_TUPLES
                found += [f"{name}: {node.value.id}.{node.attr}"] * hidden
    return found


def levels(graph: Graph) -> dict[str, int]:
    """How far each module is above those that import nothing; a ValueError names those of a circle."""
    level: dict[str, int] = {}
    while len(level) < len(graph):
        ready = [name for name, own in graph.items() if name not in level and own <= set(level)]
        if not ready:
            raise ValueError(f"a circle of imports among {sorted(set(graph) - set(level))}")
        level |= {name: max((level[below] + 1 for below in graph[name]), default=0) for name in ready}
    return level


def reduced(graph: Graph) -> Graph:
    """The graph without imports that follow from others."""
    reach: Graph = {}
    for name in sorted(graph, key=levels(graph).__getitem__):
        reach[name] = graph[name].union(*(reach[below] for below in graph[name]))
    return {name: own - set().union(*(reach[below] for below in own)) for name, own in graph.items()}


def lines(graph: Graph, level: dict[str, int]) -> list[list[Node]]:
    """The line of each import, from row to row."""
    return [
        [(name, name, level[name]), *((name, below, row) for row in range(level[name] - 1, level[below], -1)), own]
        for name, others in graph.items()
        for below in sorted(others)
        for own in [(below, below, level[below])]
    ]


def placed(nodes: set[Node], paths: list[list[Node]]) -> dict[Node, float]:
    """Where each node is in its row: near to those above and below that it is joined with."""
    rows = [sorted(node for node in nodes if node[2] == row) for row in range(1 + max(node[2] for node in nodes))]
    joined: dict[Node, list[Node]] = {node: [] for node in nodes}
    for one, other in (pair for path in paths for pair in pairwise(path)):
        joined[one].append(other)
        joined[other].append(one)
    x = {node: place for row in rows for node, place in zip(row, spread(row), strict=True)}
    for _ in range(SWEEPS):
        for row in [*rows, *rows[::-1]]:
            mean = {node: sum(x[other] for other in joined[node]) / max(1, len(joined[node])) for node in row}
            row.sort(key=lambda node: (mean[node], node))
            x |= dict(zip(row, spread(row), strict=True))
    return x


def spread(row: list[Node]) -> list[float]:
    """Places of the nodes of a row, from left to right around 0: a module is as wide as its text."""
    place, places = 0.0, []
    for one, other, _ in row:
        width = 0.8 + 0.11 * max(map(len, label(one).split("\n"))) if one == other else 0.5
        places.append(place + width / 2)
        place += width
    return [own - place / 2 for own in places]


def label(name: str) -> str:
    """The module within the core, the folder above it."""
    return "/\n".join(name.split(".")[2:]).replace("_", " ")


def draw(graph: Graph) -> Figure:
    """The modules of the core in rows, and the lines of their imports."""
    level = levels(graph)
    paths = lines(reduced(graph), level)
    nodes = {(name, name, row) for name, row in level.items()}.union(*paths)
    x = placed(nodes, paths)
    figure = plt.figure(figsize=(12, 10))
    axis = figure.add_axes((0.01, 0.01, 0.98, 0.98), frameon=False, xticks=[], yticks=[])
    for path in paths:
        axis.plot([x[node] for node in path], [node[2] for node in path], color="0.7", lw=0.9, zorder=1)
    for name, row in level.items():
        colour = COLOURS.get(name.split(".")[2], COLOURS["core"])
        box = {"boxstyle": "round,pad=0.25", "fc": colour, "ec": "0.4", "lw": 0.7}
        axis.text(x[name, name, row], row, label(name), ha="center", va="center", fontsize=11, bbox=box)
    axis.margins(x=0.04, y=0.04)
    return figure


def main() -> None:
    """Draw the modules of the core."""
    graph = imports("xrbig.core")
    empty = set(graph).difference(*graph.values()) - {name for name, own in graph.items() if own}
    draw({name: own for name, own in graph.items() if name not in empty}).savefig(
        ROOT / "docs" / "figures" / "imports.png", dpi=110
    )


if __name__ == "__main__":
    main()
