"""The Information Bottleneck itself: optima with a certificate, for a known joint distribution or a Gaussian.

Everywhere beta multiplies I(T;Y): minimise I(X;T) - beta I(T;Y). Part of the literature multiplies I(X;T) by b
instead: beta = 1 / b.
"""

from .agglomerative import Agglomerative, MergeTree, merge_tree
from .annealed import IB, DualIB
from .convex import ConvexIB, Exponential, Power, SquaredIB
from .critical import CriticalBetas, Split, critical_betas
from .curve import curve
from .family import ExponentialFamily
from .gaussian import GaussianSolution, gaussian_curve, gaussian_information_curve, gaussian_solve
from .hard import DIB, GeneralizedIB
from .joint import Joint
from .naming import by_name, names
from .problem import solve
from .sequential import Sequential
from .solution import Solution

__all__ = [
    "DIB",
    "IB",
    "Agglomerative",
    "ConvexIB",
    "CriticalBetas",
    "DualIB",
    "Exponential",
    "ExponentialFamily",
    "GaussianSolution",
    "GeneralizedIB",
    "Joint",
    "MergeTree",
    "Power",
    "Sequential",
    "Solution",
    "Split",
    "SquaredIB",
    "by_name",
    "critical_betas",
    "curve",
    "gaussian_curve",
    "gaussian_information_curve",
    "gaussian_solve",
    "merge_tree",
    "names",
    "solve",
]
