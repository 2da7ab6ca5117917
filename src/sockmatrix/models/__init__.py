"""Reference models: what an operating system must make of a cell, derived from its source."""

from sockmatrix.models.prediction import Prediction, Unpredicted, compare

__all__ = ["Prediction", "Unpredicted", "compare"]
