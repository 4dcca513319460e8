"""Every kernel: what a cell gets depends on no other cell, to the last bit, nor on how the cells lie in memory."""

import numpy as np
import pytest

from xrbig import RBIG
from xrbig.core import divergence, family, information, replicates
from xrbig.core.replicates import Question
from xrbig.core.resample import Surrogates, Units


def of_replicates(function, split, *options):
    def kernel(x, settings):
        return function(x, Question(split, Units(x.shape[2:], 0), settings, None, True), *options)

    return kernel


def with_error(function, *split, units=False):
    def kernel(x, settings):
        lie = Units((x.shape[2] // 5, 5), 0) if units else None
        return function(x, *split, settings, std_error=True, units=lie)

    return kernel


MEASURES = {  # the fewest features, and the kernel
    "T": (2, information.total_correlation),
    "T with error": (2, with_error(information.total_correlation)),
    "T with error of units": (2, with_error(information.total_correlation, units=True)),
    "I with error": (2, with_error(information.mutual_information, 1)),
    "I of many with error": (5, with_error(information.mutual_information, 3)),
    "I with error of units": (4, with_error(information.mutual_information, 2, units=True)),
    "conditional I": (3, lambda x, s: family.conditional_mutual_information(x, [[0], [1], range(2, x.shape[1])], s)),
    "D": (2, family.dual_total_correlation),
    "O": (2, family.o_information),
    "H": (1, family.entropy),
    "J": (1, family.negentropy),
    "matrix": (2, family.mutual_information_matrix),
    "redundancy": (2, family.redundancy),
    "divergence": (1, lambda x, s: divergence.kl_divergence(x, x[:, :, ::-1], s)),
    "surrogates of T": (2, of_replicates(replicates.significance, 0, Surrogates(5, 3, "block", 0))),
    "surrogates of I": (2, of_replicates(replicates.significance, 1, Surrogates(5, 3, "shift", 0))),
    "half-samples": (2, of_replicates(replicates.bootstrap, 1, 4, 3, 0.95)),
}
CASES = [(name, "pca") for name in MEASURES]
CASES += [(name, "auto") for name in MEASURES if name != "divergence" and not name.startswith("surrogates")]
CASES += [(name, rotation) for name in ("T with error", "I of many with error") for rotation in ("ica", "random")]


def cells_of_all_kinds(features, n, rng):
    """Smooth, tied, quantised, heavy-tailed, copied, constant and infinite cells, of which some have gaps."""
    x = rng.standard_normal((9, features, n))
    x[:, 0] += x[:, -1] ** 2
    x[1] = np.round(x[1])
    x[2] = np.round(x[2], 2)
    x[3] = np.exp(3 * x[3])
    x[4, 0] = x[4, -1]
    x[5] = np.maximum(x[5], 0)
    x[6] = x[6].cumsum(axis=1)
    x[7, 0] = 4
    x[8, 0, 0] = np.inf
    x = x[rng.permutation(9)]
    x[1, :, ::9] = x[2, 0, ::9] = x[4, :, :3] = np.nan
    return x


def assert_same(found, expected):
    """Whether all fields of two tuples are the same to the last bit."""
    assert type(found) is type(expected)
    if isinstance(found, tuple):
        for one, two in zip(found, expected, strict=True):
            assert_same(one, two)
        return
    one, two = np.asarray(found), np.asarray(expected)
    assert one.dtype == two.dtype
    np.testing.assert_array_equal(one, two)


def at(estimate, cells):
    """The estimate of some of the cells."""
    return type(estimate)(*(field if field is None else field[cells] for field in estimate))


@pytest.mark.parametrize(("name", "rotation"), CASES)
def test_a_cell_depends_on_no_other_cell(name, rotation):
    least, kernel = MEASURES[name]
    settings = RBIG(rotation=rotation, max_layers=2 if name == "divergence" else 50)
    rng = np.random.default_rng([len(name), len(rotation)])
    for features in (least, least + 1) if rotation == "auto" else (least, least + 2, least + 5):
        x = cells_of_all_kinds(features, 5 * rng.integers(12, 24), rng)
        whole = kernel(x, settings)
        assert np.isfinite(whole[0]).any()
        for cells in (*np.arange(9)[:, None], *np.split(rng.permutation(9), [3])):
            assert_same(kernel(x[cells], settings), at(whole, cells))
        assert_same(kernel(np.asfortranarray(x), settings), whole)
