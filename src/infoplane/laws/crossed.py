"""Dependence without correlation: two normal laws of opposite correlation, one on top of the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .base import Law, check_information, check_whole, root


@dataclass(frozen=True)
class CrossedNormal(Law):
    """Y = S rho X + sqrt(1 - rho^2) Z with a hidden fair sign S: standard normal margins, no correlation.

    Every column is such a pair of its own. With t = 2 rho x y / (1 - rho^2),
    I = -1/2 ln(1 - rho^2) - ln 2 + E ln(1 + exp(-t)) under the branch S = +1; the mean is an integral over the two
    normal principal axes, by the trapezoid rule in their logarithms, good to 1e-9. Methods that look at correlations or
    at a normal copula read 0.

    Attributes:
        mi: I(X;Y) in nats, at most 12 a column.
        dim: columns of X and of Y.
    """

    mi: float = 1.0
    dim: int = 1

    def __post_init__(self) -> None:
        check_whole(self.name, dim=self.dim)
        check_information(self.name, self.mi, high=12.0 * self.dim)

    @property
    def dim_x(self) -> int:
        return self.dim

    dim_y = dim_x

    @property
    def mutual_information(self) -> float:
        return float(self.mi)

    @cached_property
    def branch_information(self) -> float:
        """-1/2 ln(1 - rho^2): what a column would carry were its sign known, in nats."""
        each = self.mi / self.dim
        if each == 0:
            return 0.0
        return root(lambda g: crossed_information(g) - each, 0.0, each + math.log(2.0) + 1e-9)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, y = rng.standard_normal((n, self.dim)), rng.standard_normal((n, self.dim))
        sign = np.where(rng.random((n, self.dim)) < 0.5, -1.0, 1.0)
        rho = math.sqrt(-math.expm1(-2.0 * self.branch_information))
        return x, sign * rho * x + math.exp(-self.branch_information) * y


def crossed_information(branch: float) -> float:
    """I of one crossed pair whose branches carry ``branch`` nats each, by quadrature.

    On the branch x y = [(1 + rho) a^2 - (1 - rho) b^2] / 2 with a, b standard normal, so
    t = rho [a^2 / (1 - rho) - b^2 / (1 + rho)].
    """
    if branch == 0:
        return 0.0
    noise = math.exp(-2.0 * branch)  # 1 - rho^2
    rho = math.sqrt(-math.expm1(-2.0 * branch))
    step = 0.05
    s = np.arange(-32.0, 2.4, step)
    weight = 2.0 * np.exp(s - np.exp(2.0 * s) / 2.0) / math.sqrt(2.0 * math.pi) * step
    square = np.exp(2.0 * s)
    t = rho * (square[:, None] * ((1.0 + rho) / noise) - square / (1.0 + rho))
    return branch - math.log(2.0) + float(weight @ np.logaddexp(0.0, -t) @ weight)
