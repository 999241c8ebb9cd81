"""The multivariate Student law: dependent in its tails even where nothing is correlated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import digamma, gammaln

from .base import Law, check_information, check_number, check_whole
from .normal import MOST_PER_PAIR, CorrelatedNormal


@dataclass(frozen=True)
class CorrelatedStudent(Law):
    """X and Y jointly Student with ``dof`` degrees of freedom: correlated normals over one shared random scale.

    I is that of the normals plus h(dim_x) + h(dim_y) - h(dim_x + dim_y), where h(k) is the entropy of the standard
    Student law in k dimensions (classical; the tests average the density instead). That second term,
    ``tail_information``, is positive: the shared scale alone makes X and Y dependent, and no smaller mutual information
    can be had.

    Attributes:
        mi: I(X;Y) in nats, tails included.
        dim_x: columns of X.
        dim_y: columns of Y.
        dof: degrees of freedom, above 0; variances are finite above 2.
        rotated: turn X and Y each by a random rotation, from ``key``.
        key: fixes the rotations.
    """

    mi: float = 1.0
    dim_x: int = 1
    dim_y: int = 1
    dof: float = 5.0
    rotated: bool = False
    key: int = 0

    def __post_init__(self) -> None:
        check_whole(self.name, dim_x=self.dim_x, dim_y=self.dim_y)
        check_number(self.name, 0.0, math.inf, dof=self.dof)
        least = self.tail_information
        why = f"with dof={self.dof:g} the shared scale alone carries {least:.4f}"
        most = least + MOST_PER_PAIR * min(self.dim_x, self.dim_y)
        check_information(self.name, self.mi, low=least, high=most, why=why)

    @property
    def mutual_information(self) -> float:
        return float(self.mi)

    @property
    def tail_information(self) -> float:
        """What the shared scale alone carries, in nats: I at zero correlation."""
        return radial_information(self.dof, self.dim_x, self.dim_y)

    @cached_property
    def normal(self) -> CorrelatedNormal:
        """The law before the shared scale."""
        gaussian = max(self.mi - self.tail_information, 0.0)
        return CorrelatedNormal(gaussian, self.dim_x, self.dim_y, rotated=self.rotated, key=self.key)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, y = self.normal.draw(n, rng)
        scale = np.sqrt(self.dof / rng.chisquare(self.dof, (n, 1)))
        return x * scale, y * scale


def log_normaliser(dof: float, dim: int) -> float:
    """ln of what multiplies det(S)^-1/2 (1 + q / dof)^-(dof + dim)/2 in a Student density."""
    return float(gammaln((dof + dim) / 2) - gammaln(dof / 2) - dim / 2 * math.log(dof * math.pi))


def student_entropy(dof: float, dim: int) -> float:
    """h of the Student law of identity scatter in ``dim`` dimensions, in nats."""
    half, both = dof / 2, (dof + dim) / 2
    return float(both * (digamma(both) - digamma(half))) - log_normaliser(dof, dim)


def radial_information(dof: float, dim_x: int, dim_y: int) -> float:
    """h(dim_x) + h(dim_y) - h(dim_x + dim_y): I of Student variables whose scatter is the identity, in nats.

    What the shared radius alone tells; nothing for a normal law, whose ``dof`` is infinite.
    """
    if math.isinf(dof):
        return 0.0
    x, y, both = (student_entropy(dof, dim) for dim in (dim_x, dim_y, dim_x + dim_y))
    return x + y - both
