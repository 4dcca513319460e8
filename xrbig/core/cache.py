"""Arrays that functions return, kept as long as all of them together fit; the least recently used make room."""

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

MOST = 1 << 26  # bytes that all kept arrays may take
ENTRY = 1 << 10  # bytes that a result takes beside its arrays, so that many small ones are bounded too


class Cache:
    """A decorator of functions that return an array, or a tuple of arrays or of such tuples, which become read-only.

    What takes more than `most` bytes is returned and not kept.

    Attributes
    ----------
    nbytes : what it holds now
    """

    def __init__(self, most: int) -> None:
        self.nbytes = 0
        self._most = most
        self._kept: OrderedDict[tuple[Any, ...], tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Keep what `function` returns for the same arguments, which are hashable."""

        @functools.wraps(function)
        def cached(*args: P.args, **kwargs: P.kwargs) -> R:
            key = (function, args, tuple(kwargs.items()))
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    result: R = self._kept[key][0]
                    return result
            result = function(*args, **kwargs)
            self._keep(key, result, ENTRY + _freeze(result))
            return result

        return cached

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._kept.clear()
            self.nbytes = 0

    def _keep(self, key: tuple[Any, ...], result: Any, size: int) -> None:
        with self._lock:
            if size > self._most or key in self._kept:  # another thread was faster
                return
            self._kept[key] = result, size
            self.nbytes += size
            while self.nbytes > self._most:
                _, (_, freed) = self._kept.popitem(last=False)
                self.nbytes -= freed


def _freeze(result: Any) -> int:
    """Make arrays read-only; returns their bytes."""
    if isinstance(result, np.ndarray):
        result.flags.writeable = False
        return result.nbytes
    return sum(map(_freeze, result))


cached = Cache(MOST)
