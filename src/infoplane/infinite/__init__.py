"""Infinitely wide ensembles: what they output, and what is known of it, in closed form at every training time."""

from .checkpoints import empirical_information
from .conv import Conv
from .dense import Dense
from .duals import Dual
from .empirical import empirical_kernels, kernel_drift
from .ensemble import At, Ensemble
from .kernels import Kernels
from .repetitions import repeated

__all__ = [
    "At",
    "Conv",
    "Dense",
    "Dual",
    "Ensemble",
    "Kernels",
    "empirical_information",
    "empirical_kernels",
    "kernel_drift",
    "repeated",
]
