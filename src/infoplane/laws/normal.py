"""Jointly normal laws: sparse or dense dependence, up to a thousand dimensions and more."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from ..errors import InputError, nearest
from .base import Law, check_information, check_whole, root

MOST_PER_PAIR = 30.0  # exp(-30) = 1e-13: beyond it x and y differ by little more than rounding


@dataclass(frozen=True)
class CorrelatedNormal(Law):
    """Standard normal X and Y in which component i of X is correlated with component i of Y, and with nothing else.

    I = -1/2 sum_i ln(1 - rho_i^2), split over ``pairs`` components; conversely rho = sqrt(1 - exp(-2 I_i)). The noise
    of Y is weighted by exp(-I_i) itself, so that it keeps its digits where rho is nearly 1. Fewer pairs than dimensions
    make a sparse law; ``rotated`` spreads it over all columns and keeps every margin standard normal. A draw costs
    O(n d), rotated O(n d^2). The base law of the synthetic tests
    in the code published with arXiv:2305.08013.

    Attributes:
        mi: I(X;Y) in nats, at most 30 for each pair.
        dim_x: columns of X.
        dim_y: columns of Y.
        pairs: components that depend on each other; None for min(dim_x, dim_y).
        split: "equal" shares of I, or "random" ones (uniform over all splits, from ``key``).
        rotated: turn X and Y each by a random rotation (Haar, from ``key``).
        key: fixes splits and rotations: it belongs to the law, unlike the seed of a sample.
    """

    mi: float = 1.0
    dim_x: int = 1
    dim_y: int = 1
    pairs: int | None = None
    split: Literal["equal", "random"] = "equal"
    rotated: bool = False
    key: int = 0

    def __post_init__(self) -> None:
        check_whole(self.name, dim_x=self.dim_x, dim_y=self.dim_y)
        check_whole(self.name, 0, key=self.key)
        most = min(self.dim_x, self.dim_y)
        if self.pairs is not None:
            check_whole(self.name, pairs=self.pairs)
            if self.pairs > most:
                raise InputError(f"{self.name} has at most min(dim_x, dim_y) = {most} pairs, got pairs={self.pairs}.")
        check_information(self.name, self.mi, high=MOST_PER_PAIR * (self.pairs or most), why="30 is the most of a pair")
        if self.split not in ("equal", "random"):
            raise InputError(f"{self.name} has no split {self.split!r}; {nearest(self.split, ['equal', 'random'])}")
        if self.shares.max() > MOST_PER_PAIR:
            raise InputError(f"{self.name} split at random gives a pair over 30 nats; use another key or fewer nats.")

    @property
    def mutual_information(self) -> float:
        return float(self.mi)

    @cached_property
    def shares(self) -> np.ndarray:
        """(pairs,) nats of every component."""
        pairs = self.pairs or min(self.dim_x, self.dim_y)
        if self.split == "equal":
            return np.full(pairs, self.mi / pairs)
        return self.mi * np.random.default_rng([self.key, 1]).dirichlet(np.ones(pairs))

    @property
    def correlations(self) -> np.ndarray:
        """(pairs,) rho of every component, before any rotation."""
        return np.sqrt(-np.expm1(-2.0 * self.shares))

    @cached_property
    def rotations(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(dim_x, dim_x) and (dim_y, dim_y) that multiply the rows of X and Y from the right, or None."""
        if not self.rotated:
            return None
        return rotation(self.dim_x, [self.key, 2]), rotation(self.dim_y, [self.key, 3])

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, y = rng.standard_normal((n, self.dim_x)), rng.standard_normal((n, self.dim_y))
        pairs = len(self.shares)
        y[:, :pairs] *= np.exp(-self.shares)
        y[:, :pairs] += self.correlations * x[:, :pairs]
        if self.rotations is None:
            return x, y
        return x @ self.rotations[0], y @ self.rotations[1]


@dataclass(frozen=True)
class DenseNormal(Law):
    """Standard normal variables of which any two, within X, within Y and across, have the same correlation c.

    A common factor: every column is sqrt(c) F + sqrt(1 - c) E_i. From the log-determinants of such matrices,
    I = 1/2 [ln(1 + dx c/(1-c)) + ln(1 + dy c/(1-c)) - ln(1 + (dx + dy) c/(1-c))], solved for c.

    Attributes:
        mi: I(X;Y) in nats, at most 30.
        dim_x: columns of X.
        dim_y: columns of Y.
    """

    mi: float = 1.0
    dim_x: int = 10
    dim_y: int = 10

    def __post_init__(self) -> None:
        check_whole(self.name, dim_x=self.dim_x, dim_y=self.dim_y)
        check_information(self.name, self.mi, high=MOST_PER_PAIR)

    @property
    def mutual_information(self) -> float:
        return float(self.mi)

    @cached_property
    def odds(self) -> float:
        """c / (1 - c): what of a column is shared over what is its own."""
        if self.mi == 0:
            return 0.0

        def excess(log_odds: float) -> float:
            s = math.exp(log_odds)
            terms = math.log1p(self.dim_x * s) + math.log1p(self.dim_y * s) - math.log1p((self.dim_x + self.dim_y) * s)
            return terms / 2 - self.mi

        return math.exp(root(excess, -60.0, 80.0))

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        factor = rng.standard_normal((n, 1)) * math.sqrt(self.odds / (1 + self.odds))
        own = 1 / math.sqrt(1 + self.odds)
        x, y = rng.standard_normal((n, self.dim_x)), rng.standard_normal((n, self.dim_y))
        return factor + own * x, factor + own * y


def sparse_normal(mi: float = 1.0, dim_x: int = 100, dim_y: int = 100, pairs: int = 2) -> CorrelatedNormal:
    """Many standard normal columns of which only a few pairs depend on each other.

    Args:
        mi: nats, in equal shares.
        dim_x: columns of X.
        dim_y: columns of Y.
        pairs: columns of X that depend on one of Y.
    """
    return CorrelatedNormal(mi, dim_x, dim_y, pairs=pairs)


def rotation(dim: int, seed: list[int]) -> np.ndarray:
    """A (dim, dim) orthogonal matrix, uniform over all of them (QR of normal numbers, signs made unique)."""
    q, r = np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))
    return q * np.sign(np.diag(r))
