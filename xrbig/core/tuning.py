"""The choices that the layers rest on, each with its reason: replace `TUNING` to see what one of them does."""

from typing import NamedTuple


class Tuning(NamedTuple):
    """Numbers that decide what is fitted and what is kept."""

    folds: int = 4  # fits to three quarters of the samples see what fits to halves miss
    stretches: int = 12  # of neighbouring samples in each fold: neighbours in time stay together
    most_samples: int = 10_000  # that fit mixtures and judge layers: the error of T is .007 nat by then
    batches: int = 24  # stretches of samples whose scatter is the error of a gain: neighbours in time are alike
    evidence: float = 2.0  # standard errors of a gain at which its weight is one half
    margin_evidence: float = -1.0  # of the margins of the data, kept unless held-out samples speak against
    turn_evidence: float = 1.3  # the same of plain rotations, of which each takes little
    most_gain: float = 20.0  # nat by which the gain of one sample may differ from others when layers are chosen
    outlying: float = 50.0  # the same when T is summed up: one sample in a thousand is .05 nat
    no_better: int = 2  # larger numbers that gain nothing, after which no larger one is tried
    samples_per_parameter: float = 1.5  # of mixtures; held-out samples decide between what is left
    bag: int = 8  # mixtures from different starts, whose mean loses less than any of them
    background: float = 0.1  # weight, in samples, of what keeps a density from vanishing between clusters
    proposed: float = 0.1  # probability by chance of any pair that is tried: held-out samples decide
    trees: int = 5  # of pairs that make up a layer: each finds less than half of what the one before did
    samples_per_bin: int = 12  # of margins, at least
    tail: int = 10  # samples beyond the outer knots of a curve, whose mean decides how its tail goes on


TUNING = Tuning()
