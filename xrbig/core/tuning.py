"""The choices that estimates and layers rest on, each with its reason: replace `TUNING` to see what one does."""

from typing import NamedTuple


class Tuning(NamedTuple):
    """Numbers that decide what is fitted, what is kept, and how far it counts."""

    # How far what one estimate finds beyond another counts, in standard errors of the difference.
    evidence: float = 2.0  # at which half of it counts: chance is as large once in 20 times
    evidence_both_ways: float = 4.0  # the same where what is compared errs both ways, or is one of many
    evidence_sharper: float = 1.0  # the same of what is evident, and sees more the sharper it is: neighbours, mixtures
    evident: tuple[float, float] = (1.5, 3.5)  # where one finding of several starts to count, and counts in full
    by_chance: tuple[float, float] = (0.1, 0.003)  # the same of the best of many, as probabilities that it is chance
    least: float = 0.01  # share below which a path is not worth its time
    spread: float = 1.5  # how much more means over neighbours scatter than those of independent terms
    spread_unseen: float = 1.4  # the same of gains of unseen samples, whose fits share samples
    missed: float = 0.02  # share of T that an estimate may miss, whatever its noise
    doubt: float = 2.0  # the square of a doubt that counts as variance: its size tells, not more

    # Estimates of few features, where neighbours see what is left, and of many.
    few: int = 3  # features up to which neighbours see all that is left
    weak: float = 0.15  # T up to which moments tell how much it is
    bent: tuple[float, float] = (0.0, 0.02)  # T of the t copula from which neighbours may see more without it
    strong: tuple[float, float] = (0.5, 0.8)  # T from which mixtures of raw values may see more than neighbours
    endless: float = 1.0  # T from which it may be infinite: it is if half of the samples tell as much less
    window: float = 2.0  # decorrelation times up to which samples are no neighbours: their values are alike
    gaussian: float = 20.0  # odds that the copula is Gaussian before the samples have spoken

    # Samples that a fit needs, and how they are left out.
    folds: int = 4  # fits to three quarters of the samples see what fits to halves miss
    stretches: int = 12  # of neighbouring samples in each fold: neighbours in time stay together
    most_samples: int = 10_000  # that fit mixtures and judge layers: the error of T is .007 nat by then
    samples_per_parameter: float = 1.5  # of mixtures; held-out samples decide between what is left
    samples_per_moment: int = 10  # that tilt a density: more would follow chance
    samples_per_bin: int = 12  # of margins, at least
    few_ties: float = 0.1  # share of tied samples up to which the values themselves say more than their ranks

    # Layers of a flow.
    batches: int = 24  # stretches of samples whose scatter is the error of a gain: neighbours in time are alike
    margin_evidence: float = -1.0  # of the margins of the data, kept unless held-out samples speak against
    turn_evidence: float = 1.3  # of plain rotations, of which each takes little
    most_gain: float = 20.0  # nat by which the gain of one sample may differ from others when layers are chosen
    outlying: float = 50.0  # the same when T is summed up: one sample in a thousand is .05 nat
    no_better: int = 2  # larger numbers that gain nothing, after which no larger one is tried
    bag: int = 8  # mixtures from different starts, whose mean loses less than any of them
    background: float = 0.1  # weight, in samples, of what keeps a density from vanishing between clusters
    proposed: float = 0.1  # probability by chance of any pair that is tried: held-out samples decide
    trees: int = 5  # of pairs that make up a layer: each finds less than half of what the one before did
    tail: int = 10  # samples beyond the outer knots of a curve, whose mean decides how its tail goes on


TUNING = Tuning()
