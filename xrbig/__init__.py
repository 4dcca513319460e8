"""How much information do gridded variables share: total correlation and mutual information for xarray."""

from importlib.metadata import version

from xrbig import tutorial
from xrbig.accessor import DataArrayAccessor, DatasetAccessor
from xrbig.entropies import entropy, kl_divergence, negentropy
from xrbig.estimator import RBIG
from xrbig.files import FlowFileError
from xrbig.flow import Flow, fit, open_flow
from xrbig.measures import mutual_information, total_correlation
from xrbig.multivariate import (
    conditional_mutual_information,
    dual_total_correlation,
    mutual_information_matrix,
    o_information,
    redundancy,
)
from xrbig.resampling import bootstrap, significance

__version__ = version("xrbig")

__all__ = [
    "RBIG",
    "DataArrayAccessor",
    "DatasetAccessor",
    "Flow",
    "FlowFileError",
    "__version__",
    "bootstrap",
    "conditional_mutual_information",
    "dual_total_correlation",
    "entropy",
    "fit",
    "kl_divergence",
    "mutual_information",
    "mutual_information_matrix",
    "negentropy",
    "o_information",
    "open_flow",
    "redundancy",
    "significance",
    "total_correlation",
    "tutorial",
]
