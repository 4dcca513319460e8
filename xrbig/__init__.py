"""How much information do gridded variables share: total correlation and mutual information for xarray."""

from importlib.metadata import version

from xrbig import tutorial
from xrbig.accessor import DataArrayAccessor, DatasetAccessor
from xrbig.estimator import RBIG
from xrbig.measures import mutual_information, total_correlation
from xrbig.resampling import bootstrap, significance

__version__ = version("xrbig")

__all__ = [
    "RBIG",
    "DataArrayAccessor",
    "DatasetAccessor",
    "__version__",
    "bootstrap",
    "mutual_information",
    "significance",
    "total_correlation",
    "tutorial",
]
