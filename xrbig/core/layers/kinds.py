"""The kinds of layer, from which the search takes the one that gains most. A new kind is one file and one entry."""

from collections.abc import Callable

from xrbig.core.crossfit import CrossFit, Folds, Turn
from xrbig.core.layers import dependence_tree, elliptical, linear, mixture, scale  # noqa: F401 (its map)
from xrbig.core.layers.base import Map

Choose = Callable[[Folds, Turn], CrossFit | None]

KINDS: list[Choose] = [mixture.choose, elliptical.choose, dependence_tree.choose, linear.choose]
MAPS: dict[str, type[Map]] = {single.__name__.lower(): single for single in Map.__subclasses__()}
