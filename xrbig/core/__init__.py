"""The numerics: NumPy arrays of shape (cell, feature, sample), no labels, no Dask."""
