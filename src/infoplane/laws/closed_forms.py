"""Laws of pairs whose mutual information has a formula of its own, repeated in independent columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import digamma, lambertw

from .base import Law, check_information, check_whole, root
from .maps import Exp
from .normal import MOST_PER_PAIR
from .transformed import Transformed, through


@dataclass(frozen=True)
class SmoothedUniform(Law):
    """Y = X + noise, X uniform of width 1 and the noise uniform of width 1/delta, in ``dim`` independent columns.

    A column has I = ln delta + 1 / (2 delta) for delta > 1 and delta / 2 below; conversely
    delta = -1 / (2 W(-exp(-I) / 2)), W the principal branch of Lambert's function, from I = 1/2 on. The density has
    edges and the support depends on x: hard for kernels, easy for neighbours.

    Attributes:
        mi: I(X;Y) in nats, above 0: independence would need infinite noise.
        dim: columns of X and of Y.
    """

    mi: float = 1.0
    dim: int = 1

    def __post_init__(self) -> None:
        check_whole(self.name, dim=self.dim)
        check_information(self.name, self.mi, 1e-6, MOST_PER_PAIR * self.dim, "independence needs infinite noise")

    @property
    def dim_x(self) -> int:
        return self.dim

    dim_y = dim_x

    @property
    def mutual_information(self) -> float:
        return float(self.mi)

    @property
    def delta(self) -> float:
        """Width of X over width of the noise."""
        each = self.mi / self.dim
        if each < 0.5:
            return 2.0 * each
        return -0.5 / float(lambertw(-0.5 * math.exp(-each)).real)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.random((n, self.dim))
        return x, x + (rng.random((n, self.dim)) - 0.5) / self.delta


@dataclass(frozen=True)
class LogGammaExponential(Law):
    """ln X and ln Y where X is gamma of shape theta and Y, given X, exponential of rate X; independent columns.

    A column has I = psi(theta + 1) - ln theta, solved for theta. Logarithms are drawn directly,
    ln X = ln Gamma(theta + 1) + ln(U) / theta, so that small shapes do not underflow. The density is that of
    arXiv:cond-mat/0305641 (gamma-exponential), after logarithms of both sides.

    Attributes:
        mi: I(X;Y) in nats, above 0.
        dim: columns of X and of Y.
    """

    mi: float = 1.0
    dim: int = 1

    def __post_init__(self) -> None:
        check_whole(self.name, dim=self.dim)
        check_information(self.name, self.mi, 1e-6, MOST_PER_PAIR * self.dim, "independence needs an infinite shape")

    @property
    def dim_x(self) -> int:
        return self.dim

    dim_y = dim_x

    @property
    def mutual_information(self) -> float:
        return float(self.mi)

    @cached_property
    def shape(self) -> float:
        """theta."""
        each = self.mi / self.dim
        return math.exp(root(lambda s: float(digamma(math.exp(s) + 1)) - s - each, -40.0, 25.0))

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        size = (n, self.dim)
        x = np.log(rng.gamma(self.shape + 1.0, size=size)) - rng.standard_exponential(size) / self.shape
        return x, np.log(rng.standard_exponential(size)) - x


def gamma_exponential(mi: float = 1.0, dim: int = 1) -> Transformed:
    """X gamma of shape theta and Y, given X, exponential of rate X: I = psi(theta + 1) - ln theta a column.

    Args:
        mi: nats, at most 2 a column: beyond that X underflows and Y overflows double precision. Take
            ``log_gamma_exponential`` there, which is this law in logarithms.
        dim: columns of X and of Y.
    """
    check_whole("gamma_exponential", dim=dim)
    check_information("gamma_exponential", mi, 1e-6, 2.0 * dim, "log_gamma_exponential goes beyond")
    return through(LogGammaExponential(mi, dim), Exp(), title="gamma_exponential")
