import importlib
import pkgutil
import tracemalloc
import typing
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import xrbig.core
from xrbig.core import cache
from xrbig.core.cache import ENTRY, Cache
from xrbig.core.marginal import dither, normal_scores
from xrbig.core.place import alternating

SIZE = ENTRY + 800  # of 100 numbers


def counting(most):
    """A cache, a function of it that returns arrays of a hundred n, and what it was called for."""
    kept, calls = Cache(most), []

    @kept
    def hundred(n: int, start: int = 0):
        calls.append(n)
        return np.full(100, n)

    return kept, hundred, calls


def test_what_was_used_least_recently_makes_room():
    kept, hundred, calls = counting(3 * SIZE)
    for n in (1, 2, 3, 1, 4, 1, 2):
        np.testing.assert_array_equal(hundred(n), np.full(100, n))
    assert calls == [1, 2, 3, 4, 2]
    assert kept.nbytes == 3 * SIZE
    kept.clear()
    assert kept.nbytes == 0
    hundred(2)
    assert calls[-2:] == [2, 2]


def test_what_is_larger_than_the_bound_is_returned_and_not_kept():
    kept, hundred, calls = counting(SIZE - 1)
    assert hundred(1) is not hundred(1)
    assert (calls, kept.nbytes) == ([1, 1], 0)


def test_functions_and_arguments_are_told_apart():
    kept = Cache(10 * SIZE)
    one, other = (kept(lambda n, factor=1, sign=sign: np.array([sign * factor * n])) for sign in (1, -1))
    assert [one(2)[0], other(2)[0], one(2, factor=3)[0], one(2, 4)[0]] == [2, -2, 6, 8]
    assert one(2) is one(2)


def test_arrays_are_read_only_also_those_in_tuples():
    pair = Cache(10 * SIZE)(lambda n: (np.zeros(n), (np.ones(n), np.ones(n))))(3)
    for array in (pair[0], *pair[1]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5


def test_threads_get_what_is_right_and_the_bytes_are_counted():
    kept, hundred, _ = counting(5 * SIZE)
    asked = np.random.default_rng(0).integers(0, 20, 4000)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: int(hundred(int(n))[0]), asked))
    assert found == list(asked)
    assert kept.nbytes == 5 * SIZE


@pytest.mark.parametrize("function", [alternating, lambda n: normal_scores(n, 1, 0), lambda n: dither(1, n, 0)])
def test_many_record_lengths_take_no_more_than_the_bound(function):
    cache.cached.clear()
    tracemalloc.start()
    try:
        for n in range(300_000, 300_150):
            function(n)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert cache.MOST / 2 < cache.cached.nbytes <= cache.MOST
    assert held < 1.1 * cache.MOST
    cache.cached.clear()


def test_no_other_cache_of_the_core_holds_arrays():
    names = [module.name for module in pkgutil.walk_packages(xrbig.core.__path__, "xrbig.core.")]
    modules = [importlib.import_module(name) for name in names]
    assert "xrbig.core.rungs.moments" in names
    functions = [f for module in modules for f in vars(module).values() if hasattr(f, "cache_info")]
    others = [f for f in functions if f.__module__.startswith("xrbig")]
    assert {typing.get_type_hints(f)["return"] for f in others} <= {int, float}
