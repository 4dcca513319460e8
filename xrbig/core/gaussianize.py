"""Rotation-based iterative Gaussianization: layers of a linear map and a marginal Gaussianization."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from xrbig.core import marginal, negentropy, rotation
from xrbig.core.marginal import Bools, Floats, Ints, MarginalMap


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


class Layer(NamedTuple):
    """A fitted layer of one cell, z -> Psi(matrix @ z), for any samples.

    Attributes
    ----------
    matrix : array (feature, feature)
    margins : the marginal Gaussianization Psi; None where only the linear part was accepted
    gain : what the layer takes from T, in nats
    """

    matrix: Floats
    margins: MarginalMap | None
    gain: float

    def apply(self, z: Floats) -> tuple[Floats, Floats]:
        """Map `z` (feature, sample); returns the new samples and log|det| (sample,)."""
        y = self.matrix @ z
        log_det = np.full(z.shape[1], np.linalg.slogdet(self.matrix)[1])
        if self.margins is None:
            return y, log_det
        mapped, log_slope = self.margins.apply(y)
        return mapped, log_det + log_slope.sum(axis=0)

    def invert(self, z: Floats) -> Floats:
        """Map `z` (feature, sample) back."""
        y = z if self.margins is None else self.margins.invert(z)
        return np.asarray(np.linalg.solve(self.matrix, y), dtype=np.float64)


class Step(NamedTuple):
    """One layer of all cells that have not converged yet.

    Attributes
    ----------
    cells : array (active,), their indices
    matrix, y, order : the linear part, its output (active, feature, sample) and the order of that
    bins : array (active,), resolution of the margins
    accepted : array (active,), whether the margins were Gaussianized
    gain : array (active,), what the layer takes from T
    converged : array (active,), whether this was the last of `patience` rejected layers
    """

    cells: Ints
    matrix: Floats
    y: Floats
    order: Ints
    bins: Ints
    accepted: Bools
    gain: Floats
    converged: Bools


def iterate(z: Floats, settings: Settings) -> Iterator[Step]:
    """Gaussianize normal scores `z` (cell, feature, sample), in place, layer by layer.

    The linear part of the first layer always counts, as its null level is exact. Any other part is accepted where
    the gain of its margins is significant and is the identity elsewhere, because Gaussianizing by ranks what is
    Gaussian already makes it more regular than chance. A singular cell stops at once and never converges.
    """
    cells, features, n = z.shape
    active = np.arange(cells)
    rejected = np.zeros(cells, dtype=np.int64)
    for index in range(settings.max_layers):
        current = z if len(active) == cells else z[active]
        linear = rotation.fit(current, settings.rotation, index, settings.seed)
        y = linear.matrix @ current
        order = marginal.argsort(y)
        judged = _judge(y, order, settings)
        accepted = judged.significant & ~linear.singular
        if index == 0:
            z[:] = y
            gain = linear.log_det - rotation.null_log_det(features, n)
            gain += np.where(accepted, judged.gain, 0)
        else:
            gain = np.where(accepted, linear.log_det + judged.gain, 0)
        z[active[accepted]] = marginal.scatter(marginal.normal_scores(n), order[accepted])
        rejected[active] = np.where(accepted, 0, rejected[active] + 1)
        converged = (rejected[active] >= settings.patience) & ~linear.singular
        yield Step(active, linear.matrix, y, order, judged.bins, accepted, gain, converged)
        active = active[~converged & ~linear.singular]
        if not active.size:
            return


def _judge(y: Floats, order: Ints, settings: Settings) -> negentropy.Gain:
    """Gain of a layer; where the rotation sought it, on the samples that it has not seen."""
    if settings.rotation != "ica":
        return negentropy.marginal_gain(y, order, settings.significance)
    unseen = y[..., rotation.HELD_OUT]
    unseen = unseen - unseen.mean(axis=-1, keepdims=True)
    unseen /= np.maximum(unseen.std(axis=-1, keepdims=True), np.finfo(float).tiny)
    return negentropy.marginal_gain(unseen, marginal.argsort(unseen), settings.significance)


class Gaussianized(NamedTuple):
    """Sum of the gains (T of the features), number of layers and convergence, each per cell."""

    total: Floats
    n_layers: Ints
    converged: Bools


def gaussianize(z: Floats, settings: Settings) -> Gaussianized:
    """Gaussianize normal scores `z` (cell, feature, sample) in place; T by Eq. 7."""
    total = np.zeros(len(z))
    n_layers = np.zeros(len(z), dtype=np.int64)
    converged = np.zeros(len(z), dtype=bool)
    for step in iterate(z, settings):
        total[step.cells] += step.gain
        n_layers[step.cells] += 1
        converged[step.cells] = step.converged
    return Gaussianized(total, n_layers, converged)


def fit_layers(z: Floats, settings: Settings) -> list[Layer]:
    """The layers that one cell, normal scores `z` (feature, sample), accepts."""
    layers = []
    for index, step in enumerate(iterate(z[None].copy(), settings)):
        if step.accepted[0]:
            margins = MarginalMap.fit(step.y[0], step.order[0], int(step.bins[0]))
            layers.append(Layer(step.matrix[0], margins, float(step.gain[0])))
        elif index == 0:
            layers.append(Layer(step.matrix[0], None, float(step.gain[0])))
    return layers
