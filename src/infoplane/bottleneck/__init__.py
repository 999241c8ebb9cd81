"""The Information Bottleneck itself: optima with a certificate, for a known joint distribution or a Gaussian.

Everywhere beta multiplies I(T;Y): minimise I(X;T) - beta I(T;Y). Part of the literature multiplies I(X;T) by b
instead: beta = 1 / b.
"""

from .annealed import IB, DualIB
from .critical import CriticalBetas, Split, critical_betas
from .curve import curve
from .family import ExponentialFamily
from .gaussian import GaussianSolution, gaussian_curve, gaussian_information_curve, gaussian_solve
from .joint import Joint
from .problem import solve
from .solution import Solution

__all__ = [
    "IB",
    "CriticalBetas",
    "DualIB",
    "ExponentialFamily",
    "GaussianSolution",
    "Joint",
    "Solution",
    "Split",
    "critical_betas",
    "curve",
    "gaussian_curve",
    "gaussian_information_curve",
    "gaussian_solve",
    "solve",
]
