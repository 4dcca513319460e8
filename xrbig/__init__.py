"""How much information do gridded variables share: total correlation and mutual information for xarray."""

from importlib.metadata import version

from xrbig import tutorial
from xrbig.accessor import DataArrayAccessor, DatasetAccessor
from xrbig.estimator import RBIG
from xrbig.flow import Flow, fit, open_flow
from xrbig.measures import mutual_information, total_correlation

__version__ = version("xrbig")

__all__ = [
    "RBIG",
    "DataArrayAccessor",
    "DatasetAccessor",
    "Flow",
    "__version__",
    "fit",
    "mutual_information",
    "open_flow",
    "total_correlation",
    "tutorial",
]
