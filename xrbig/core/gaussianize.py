"""Rotation-based iterative Gaussianization: layers of a linear map and a marginal Gaussianization."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from xrbig.core import marginal, negentropy, rotation
from xrbig.core.marginal import Bools, Floats, Ints

CONTINUED = 0.1  # significance that the layers of a cell need after the first that is significant


class Settings(Protocol):
    """The numerical settings of the layers, those of `xrbig.RBIG`."""

    @property
    def rotation(self) -> rotation.Rotation: ...
    @property
    def max_layers(self) -> int: ...
    @property
    def patience(self) -> int: ...
    @property
    def significance(self) -> float: ...
    @property
    def seed(self) -> int: ...


class Linear(NamedTuple):
    """Linear part of a layer, y = matrix @ z, whose margins are uncorrelated and of variance 1.

    Attributes
    ----------
    matrix : array (cell, feature, feature)
    log_det : array (cell,), log |det matrix|
    y : array (cell, feature, sample)
    """

    matrix: Floats
    log_det: Floats
    y: Floats


class Step(NamedTuple):
    """One layer of all cells that have not converged yet.

    Attributes
    ----------
    cells : array (active,), their indices
    linear : the linear part
    order : array (active, feature, sample), the order of its output
    margins : the gain of the margins
    accepted : array (active,), whether the margins were Gaussianized
    gain : array (active,), what the layer takes from T
    converged : array (active,), whether this was the last of `patience` rejected layers
    """

    cells: Ints
    linear: Linear
    order: Ints
    margins: negentropy.Gain
    accepted: Bools
    gain: Floats
    converged: Bools


def iterate(z: Floats, settings: Settings) -> Iterator[Step]:
    """Gaussianize normal scores `z` (cell, feature, sample), in place, layer by layer.

    The linear part of a layer always counts: its null level is exact in the first layer, and nil in the others, as the
    data are white by then. The margins are Gaussianized where their gain is significant and left alone elsewhere,
    because Gaussianizing by ranks what is Gaussian already makes it more regular than chance. Once a layer has shown
    that a cell is not Gaussian, `CONTINUED` is evidence enough for the next ones. A cell has converged after `patience`
    rejected layers in a row.
    """
    cells, features, n = z.shape
    scores = marginal.normal_scores(n, features, settings.seed)
    active = np.arange(cells)
    rejected = np.zeros(cells, dtype=np.int64)
    structured = np.zeros(cells, dtype=bool)
    for index in range(settings.max_layers):
        linear = _fit_linear(z if len(active) == cells else z[active], index, settings)
        order = marginal.argsort(linear.y)
        margins = _judge(linear.y, order, settings)
        structured[active] |= margins.exceeds_chance(settings.significance)
        accepted = structured[active] & margins.exceeds_chance(max(CONTINUED, settings.significance))
        gain = linear.log_det + np.where(accepted, margins.value, 0)
        if index == 0:
            gain -= rotation.null_log_det(features, n)
        z[active] = linear.y
        z[active[accepted]] = marginal.scatter(scores, order[accepted])
        rejected[active] = np.where(accepted, 0, rejected[active] + 1)
        converged = rejected[active] >= settings.patience
        yield Step(active, linear, order, margins, accepted, gain, converged)
        active = active[~converged]
        if not active.size:
            return


def _fit_linear(z: Floats, index: int, settings: Settings) -> Linear:
    """Whiten and rotate `z`."""
    white = rotation.whiten(z)
    y = white.matrix @ z
    turn = rotation.rotate(y, white.axes, settings.rotation, index, settings.seed)
    if turn is None:
        turn = marginal.orientation(y, settings.seed)[..., None] * np.eye(z.shape[1])
    return Linear(turn @ white.matrix, white.log_det, turn @ y)


def _judge(y: Floats, order: Ints, settings: Settings) -> negentropy.Gain:
    """Gain of a layer; where the rotation sought it, on the samples that it has not seen."""
    if settings.rotation != "ica":
        return negentropy.marginal_gain(y, order)
    unseen = y[..., rotation.HELD_OUT]
    unseen = unseen - unseen.mean(axis=-1, keepdims=True)
    unseen /= np.maximum(unseen.std(axis=-1, keepdims=True), np.finfo(float).tiny)
    return negentropy.marginal_gain(unseen, marginal.argsort(unseen))


class Gaussianized(NamedTuple):
    """Sum of the gains (T of the features), number of layers, and whether they ended; each per cell.

    The `terms` (cell, sample) are what each sample adds to the mean that T is, up to a constant; 0 if not asked for.
    Each of `doubts` tells, when it is called, by how much T may be wrong beyond the noise of the samples.
    """

    total: Floats
    n_layers: Ints
    converged: Bools
    terms: Floats = np.zeros((0, 0))
    doubts: tuple[Callable[[], float], ...] = ()


def gaussianize(z: Floats, settings: Settings, with_terms: bool = False) -> Gaussianized:
    """Gaussianize normal scores `z` (cell, feature, sample) in place; T by Eq. 7."""
    total = np.zeros(len(z))
    terms = np.einsum("cfn,cfn->cn", z, z) / 2 if with_terms else np.zeros((len(z), z.shape[2]))
    n_layers = np.zeros(len(z), dtype=np.int64)
    converged = np.zeros(len(z), dtype=bool)
    for step in iterate(z, settings):
        total[step.cells] += step.gain
        n_layers[step.cells] += 1
        converged[step.cells] = step.converged
        if with_terms:
            terms[step.cells[step.accepted]] += _margin_terms(step, z)
    if with_terms:
        terms -= np.einsum("cfn,cfn->cn", z, z) / 2
    return Gaussianized(total, n_layers, converged, terms, (float,) * len(z))


def _margin_terms(step: Step, z: Floats) -> Floats:
    """Log-slope (cell, sample) of the margins that were Gaussianized, `z` being what they became."""
    y, order = step.linear.y[step.accepted], step.order[step.accepted]
    after = z[step.cells[step.accepted]]
    resolution = np.minimum(step.margins.resolution[step.accepted], len(negentropy.resolutions(z.shape[2])) - 1)
    change = np.einsum("cfn,cfn->cn", after, after) - np.einsum("cfn,cfn->cn", y, y)
    return np.asarray(negentropy.marginal_terms(y, order, resolution) + change / 2)
