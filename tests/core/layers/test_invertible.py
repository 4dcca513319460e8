"""Maps that can be inverted are told from others; those of every kind of file are in tests/test_files.py."""

from dataclasses import replace

import numpy as np
import pytest

from xrbig.core.layers import elliptical, linear, margins, mixture, scale
from xrbig.core.layers.base import indices
from xrbig.core.layers.curve import Curve
from xrbig.core.layers.elliptical import Radial
from xrbig.core.layers.linear import Linear
from xrbig.core.layers.margins import Margins, split_at
from xrbig.core.layers.mixture import Conditional
from xrbig.core.layers.scale import Compression

LINE = Curve(np.array([-1.0, 1.0]), np.array([-1.0, 1.0]), np.ones(2), np.zeros(2))
MIXTURE = Conditional(
    np.array([1, 0]),
    np.array(1),
    np.log([0.5, 0.5]),
    np.zeros((2, 2)),
    np.array([[[1.0, 0.0], [0.5, 2.0]], [[1e-9, 0.0], [3e9, 1e9]]]),
)


@pytest.mark.parametrize(
    "single",
    [
        Linear(np.zeros(2), np.diag([1e-150, 1e150])),
        Linear(np.zeros(2), np.array([[1.0, 1.0], [1.0, 1.0 + 1e-9]])),
        Linear(np.zeros(2), np.array([[1e200, 2e-100], [2e200, 1e-100]])),
        Compression(np.array([0]), np.zeros(1), np.array([1e-290])),
        Margins([LINE, Curve(np.array([0.0, 1e-300]), np.array([0.0, 1.0]), np.full(2, 1e300), np.array([0.0, 1e9]))]),
        Radial(LINE),
        MIXTURE,
    ],
)
def test_maps_that_can_be_inverted(single):
    single.require_invertible()


@pytest.mark.parametrize("features", [1, 2, 5])
def test_all_that_the_kinds_fit_can_be_inverted(features):
    x = np.random.default_rng(0).standard_cauchy((features, 500)).cumsum(axis=0)
    z = np.random.default_rng(1).standard_normal((features, 500))
    fitted = [
        *scale.scale(x),
        *margins.Normal([8] * features, heavy=True).fit(x),
        *elliptical.Copula(2.0).fit(z),
        *elliptical.Spherical().fit(x),
        *linear.Rotate("ica", 0, 0).fit(z),
        *mixture.Mixtures(2, [0]).fit(z),
    ]
    for single in fitted:
        single.require_invertible()


@pytest.mark.parametrize(
    ("single", "message"),
    [
        (Linear(np.zeros(2), np.array([[1.0, 2.0], [2.0, 4.0]])), "singular"),
        (Linear(np.zeros(2), np.array([[1e-9, 2e9], [2e-9, 4e9]])), "singular"),
        (Linear(np.zeros(2), np.array([[1.0, 0.0], [0.0, 0.0]])), "singular"),
        (Linear(np.zeros(3), np.arange(9.0).reshape(3, 3)), "singular"),
        (Compression(np.array([0]), np.zeros(1), np.zeros(1)), "spread"),
        (Radial(LINE._replace(knots=np.zeros(2))), "do not ascend"),
        (Radial(LINE._replace(values=np.array([1.0, -1.0]))), "do not ascend"),
        (Radial(LINE._replace(knots=np.array([-1.5e308, 1.5e308]))), "too steep or too flat"),
        (Radial(LINE._replace(knots=np.array([0.0, 5e-324]))), "too steep or too flat"),
        (Margins([LINE, LINE._replace(slopes=np.array([1.0, 0.0]))]), "slope of a curve is not positive"),
        (Margins([LINE._replace(bend=np.array([0.0, -1.0]))]), "bend of a curve is negative"),
        (Radial(Curve(*(np.zeros(1) for _ in range(4)))), "fewer than two knots"),
        (replace(MIXTURE, log_weight=np.zeros(2)), "do not add up to 1"),
        (replace(MIXTURE, whitening=np.zeros((2, 2, 2))), "diagonal that is not positive"),
        (replace(MIXTURE, whitening=np.ones((2, 2, 2))), "not lower triangular"),
    ],
)
def test_maps_that_cannot_be_inverted(single, message):
    with pytest.raises(ValueError, match=message):
        single.require_invertible()


@pytest.mark.parametrize("numbers", [[0, 3], [-1, 0], [0.5, 0], [1, 1], [np.inf, 0], [1e300, 0]])
def test_indices_are_of_features_and_each_another(numbers):
    with pytest.raises(ValueError, match=r"features are to be indices below 3|is repeated"):
        indices(np.array(numbers, dtype=float), 3)
    assert indices(np.array([2.0, 0.0]), 3).tolist() == [2, 0]


@pytest.mark.parametrize("sizes", [[1, 4], [2, 2], [2.5, 2.5], [-2, 7], [1e300, 3]])
def test_curves_have_knots_that_add_up(sizes):
    with pytest.raises(ValueError, match=r"fewer than two knots|have 4 knots of 5"):
        split_at(np.array(sizes, dtype=float), 5)
    assert split_at(np.array([2.0, 3.0]), 5).tolist() == [2]
