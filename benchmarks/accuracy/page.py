"""Write docs/accuracy.md and its figures from the results."""

import platform
from itertools import product
from pathlib import Path

import checks
import cost
import numpy as np
import peers
import results
import scipy
import student
import weak
import wide
from tables import MISSING

DOCS = Path(__file__).parents[2] / "docs"
FIGURES = DOCS / "figures"

TEXT = """# Accuracy

Written by `python benchmarks/accuracy` with Python {python}, NumPy {numpy}, SciPy {scipy}, from `results.csv` in that
folder. Nats; default settings. The tables show what xrbig loses, too.

## What is compared

| name | estimate | source |
|---|---|---|
| xrbig | default settings, `RBIG()` | [the method](method.md) |
| RBIG pca, ica, random | layers of one kind of rotation, `RBIG(rotation=...)` | Laparra et al., 2011 |
| expF | closed form of a normal distribution of the same covariance | ITE; Nielsen & Nock, 2010 |
| Gauss copula | -1/2 log det R of the normal scores | Ince et al., 2017 |
| kNN | Kozachenko-Leonenko entropies, k = {k}: those of the parts less that of all | ITE; Goria et al., 2005 |
| KSG | Kraskov-Stoegbauer-Grassberger, k = {k}, maximum norm | Kraskov et al., 2004, Eqs. 8 and 23 |
| kNN copula, KSG copula | the same of the normal scores | |
| vME | entropies from Gaussian kernels, cross-validated bandwidth; up to {vme} samples | ITE; Kandasamy, 2015 |
| KSG k={more} | KSG of more neighbours, for weak dependence | |
| oracle | mean of log p(x) / prod p(x_d), or log p(x, y) / (p(x) p(y)), with the true densities | |

The *oracle*, on the same samples, is the best that any estimator can do. The others are written anew from their
formulas, in `benchmarks/accuracy/peers.py`. In more than {tree} dimensions the nearest neighbours of {asked} evenly
spaced samples are sought among all samples. A fit that would take much more than a minute is left out ({missing}),
and so are, of xrbig and RBIG, those to 50 000 samples of 50 features.

## Multivariate t distributions

The experiment of Johnson et al. ([arXiv 2012.01012](https://arxiv.org/abs/2012.01012)), Figs. 2 and 3: T of D
features, and I between two groups of D features. *Random scale*: the correlation matrix of 10 I + A A', the entries of
A uniform on (0, 1), drawn anew for each of the five trials. *Identity scale*: all dependence lies in the common radius.
The relative error 100 abs(estimate - truth) / truth, mean and half a standard deviation over the trials; axes end at
150 %.

![Relative error of T, random scale](figures/t_T_random.png)

![Relative error of I, random scale](figures/t_I_random.png)

![Relative error of T, identity scale](figures/t_T_identity.png)

![Relative error of I, identity scale](figures/t_I_identity.png)

In how many panels (nu, D, N) an error of xrbig is small: at most 3 % or 0.01 nat from 10 000 samples on, 10 % or
0.03 nat below. The *mean error* over the five trials is what a bias would show in; the *mean abs error* holds the noise
of the samples, that no estimator escapes: beside it is in how many panels the oracle's is small. *Near the oracle*: the
root-mean-square error is at most 1.5 times the oracle's on the same samples (D up to {oracle}); with five trials the
ratio is itself uncertain by about half. *Another is better*: its mean absolute error is smaller by more than two
standard errors of the paired difference; with five trials and {rivals} others, chance alone makes some of these.

{summary}

In bold what is not small enough.

{verdicts}

## A wider family

{cases_t} cases of T and {cases_i} of I whose truth is known (`benchmarks/accuracy/cases.py`): copulas, mixtures, linear
mixtures of independent sources, curved and thin sets, functions with noise, hard margins, groups on a curve, nothing at
all. Three seeds each. Share of the estimates within 10 % or 0.05 nat of the truth, and the mean absolute error in nat
(expF and the Gauss copula are infinite or undefined where features of a group are functions of each other):

{wide}

Where xrbig errs most for what is tolerated, and whose mean absolute error is the smallest there:

{worst}

## Independent features

What xrbig sees where there is nothing, over 20 trials, for T and for I between the halves; beside it the standard
deviation of the bias-corrected log-determinant of the correlation, of the same samples with normal margins: the noise
that no estimator of linear dependence escapes. The last column is the ratio of the two; it is large where one of the 20
takes chance for structure.

{null}

## Weak dependence

{weak_kinds} kinds of T between 0.02 and 0.2 nat, as most fields have it (`weak_kinds` of `xrbig.distributions`). Share
of T found, mean over the kinds and {weak_trials} trials of each, and root-mean-square error in nat. KSG is that of raw
values: heavy tails cost it dearly. The last tables of this page show each kind.

{weak}

What they see in independent features: mean over {weak_null_trials} trials, and root mean square.

{weak_null}

## Autocorrelated samples

Mean T over 20 trials of independent series of 1000 samples in a row, x_t = phi x_(t-1) + e_t: all of it is false. No
estimator here is told that the samples are not independent; xrbig hardly ever compares samples near in time.

{series}

## Normal features

T, correlation rho^|i - j|, 20 trials, and the standard deviation of the oracle. The bias at high correlation is that of
normal scores: ranks blur what is nearly equal.

{normal}

## Margins

Largest change of T and I when the margins of normal features (2, 5, 20 features, N = 1000) are mapped one by one.

{margins}

## How many samples

Root-mean-square error of T over 20 trials. Dotted: the default `min_samples`, `max(40, 5 * features)`. At five samples
a feature the noise of the log-determinant alone is about features / (2 n) = 0.1 nat, whatever the number of features.

![Error of T against the number of samples](figures/min_samples.png)

## Cost

CPU seconds of T on one core, and in brackets their ratio to those of kNN; t distributions, nu = 3, random scale. The
cells of a map go to xrbig as one array, to the neighbours one by one.

{cost}

## All estimates of t distributions

Mean ± standard deviation over five trials (mean relative error).

{student_tables}

## All estimates of the wider family

Mean over three seeds at N = 1000 / N = 10 000.

{wide_tables}

## All estimates of weak dependence

Share of T found, mean over {weak_trials} trials, and root-mean-square error in nat.

{weak_tables}
"""


def write() -> None:
    """Write the page and its figures."""
    found = results.read()
    for measure, scale in product("TI", student.SCALES):
        student.figure(found, measure, scale, FIGURES / f"t_{measure}_{scale}.png")
    checks.few_figure(found, FIGURES / "min_samples.png")
    verdicts = student.verdicts(found)
    text = TEXT.format(
        python=platform.python_version(),
        numpy=np.__version__,
        scipy=scipy.__version__,
        k=peers.K,
        vme=peers.ESTIMATORS["vME"].most_samples,
        tree=peers.TREE_FEATURES,
        asked=peers.ASKED,
        missing=MISSING,
        oracle=student.ORACLE_FEATURES,
        rivals=len(peers.ESTIMATORS) - 1,
        summary=student.summary_table(verdicts),
        verdicts=student.verdict_table(verdicts),
        cases_t=len(wide.CASES["T"]),
        cases_i=len(wide.CASES["I"]),
        wide=wide.summary_table(found),
        worst=wide.worst_table(found),
        null=checks.null_table(found),
        more=", ".join(map(str, peers.MORE)),
        weak_kinds=len(weak.KINDS),
        weak_trials=weak.TRIALS,
        weak_null_trials=weak.NULL_TRIALS,
        weak=weak.summary_table(found),
        weak_null=weak.null_table(found),
        weak_tables=weak.tables(found),
        series=checks.series_table(found),
        normal=checks.normal_table(found),
        margins=checks.margin_table(found),
        cost=cost.cost_table(found),
        student_tables=student.tables(found),
        wide_tables=wide.tables(found),
    )
    (DOCS / "accuracy.md").write_text(text)
