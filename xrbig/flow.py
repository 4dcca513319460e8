"""The fitted flow: an invertible Gaussianization of labelled data, its density and its samples."""

import html
import math
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import xarray as xr
from scipy.special import ndtr, ndtri

from xrbig import blocks, roles
from xrbig.core import flow as core
from xrbig.core.information import default_min_samples
from xrbig.core.maps import Linear
from xrbig.core.marginal import Floats
from xrbig.estimator import RBIG
from xrbig.roles import Dims

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Base = Literal["normal", "uniform"]
