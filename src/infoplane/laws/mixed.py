"""Laws that are neither discrete nor continuous: one side of each kind, atoms within a density, zeros of dead units."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy.integrate import quad
from scipy.special import gammaln, xlogy

from ..samples import Kind
from .base import Law, check_information, check_number, check_whole
from .labels import symmetric_information
from .normal import MOST_PER_PAIR, CorrelatedNormal


@dataclass(frozen=True)
class MixedUniform(Law):
    """X one of 0, 1, ..., m - 1, alike likely, and Y uniform on (X, X + 2): I = ln m - (m - 1) ln(2) / m.

    Source: arXiv:1709.06212 (experiments).

    Attributes:
        values: m, the values of X.
    """

    values: int = 5
    dim_x = 1
    dim_y = 1
    kinds: ClassVar[tuple[Kind, Kind]] = ("discrete", "continuous")

    def __post_init__(self) -> None:
        check_whole(self.name, values=self.values)

    @property
    def mutual_information(self) -> float:
        return math.log(self.values) - (self.values - 1) * math.log(2) / self.values

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.integers(self.values, size=(n, 1))
        return x, x + 2.0 * rng.random((n, 1))


@dataclass(frozen=True)
class ZeroInflatedPoisson(Law):
    """X exponential with mean 1; Y is 0 with probability ``zeros`` and otherwise Poisson with mean X.

    Y has P(0) = zeros + (1 - zeros)/2 and P(k) = (1 - zeros) 2^-(k+1). I = H(Y) - E H(Y | X), the mean over X by
    quadrature. A zero may have either cause, so I is below (1 - zeros) times that of the Poisson law.

    Attributes:
        zeros: probability of a zero put in, from 0 to below 1.
    """

    zeros: float = 0.15
    dim_x = 1
    dim_y = 1
    kinds: ClassVar[tuple[Kind, Kind]] = ("continuous", "discrete")

    def __post_init__(self) -> None:
        check_number(self.name, 0.0, 1.0, closed=True, zeros=self.zeros)

    @property
    def mutual_information(self) -> float:
        return self._information

    @cached_property
    def _information(self) -> float:
        marginal = (1 - self.zeros) * 0.5 ** np.arange(1.0, 400.0)
        marginal[0] += self.zeros
        return float(-xlogy(marginal, marginal).sum()) - self._entropy_given_x()

    def _entropy_given_x(self) -> float:
        count = np.arange(400)

        def term(x: float) -> float:
            given = (1 - self.zeros) * np.exp(xlogy(count, x) - x - gammaln(count + 1.0))
            given[0] += self.zeros
            return -math.exp(-x) * float(xlogy(given, given).sum())

        pieces = (0.0, 1e-3, 0.1, 1.0, 10.0, 50.0)  # it is like x ln x near 0; beyond 50 exp(-50) is left
        return sum(quad(term, a, b, epsabs=1e-12)[0] for a, b in itertools.pairwise(pieces))

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_exponential((n, 1))
        return x, np.where(rng.random((n, 1)) < self.zeros, 0, rng.poisson(x))


@dataclass(frozen=True)
class ZeroInflatedNormal(Law):
    """Correlated normal columns whose entries are each set to 0, in X and in Y apart, with probability ``zeros``.

    Like units that are dead for a share of the inputs. A pair of entries informs only where both are alive, and alive
    or dead tells nothing of the other side: I = (1 - zeros)^2 I_normal, column by column.

    Attributes:
        mi: I(X;Y) in nats, at most 30 (1 - zeros)^2 a column.
        dim: columns of X and of Y.
        zeros: share of zeros, from 0 to below 1.
    """

    mi: float = 1.0
    dim: int = 1
    zeros: float = 0.3

    def __post_init__(self) -> None:
        check_whole(self.name, dim=self.dim)
        check_number(self.name, 0.0, 1.0, closed=True, zeros=self.zeros)
        check_information(self.name, self.mi, high=MOST_PER_PAIR * self.dim * (1 - self.zeros) ** 2)

    @property
    def dim_x(self) -> int:
        return self.dim

    dim_y = dim_x

    @property
    def mutual_information(self) -> float:
        return float(self.mi)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, y = CorrelatedNormal(self.mi / (1 - self.zeros) ** 2, self.dim, self.dim).draw(n, rng)
        return x * (rng.random(x.shape) >= self.zeros), y * (rng.random(y.shape) >= self.zeros)


@dataclass(frozen=True)
class PartDiscrete(Law):
    """With probability ``share`` both X and Y are +-1, equal with probability 1 - flip; otherwise correlated normals.

    A value shows which of the two it came from, on both sides, so I = H2(share) + share (ln 2 - H2(flip))
    + (1 - share) I_normal. After an experiment of arXiv:1709.06212.

    Attributes:
        mi: I(X;Y) in nats, at least what the discrete part carries.
        share: of pairs that are discrete.
        flip: probability that Y differs from X there.
    """

    mi: float = 1.5
    share: float = 0.5
    flip: float = 0.2

    dim_x = 1
    dim_y = 1

    def __post_init__(self) -> None:
        check_number(self.name, 0.0, 1.0, share=self.share, flip=self.flip)
        least = self.discrete_information
        most = least + (1 - self.share) * MOST_PER_PAIR
        check_information(self.name, self.mi, least, most, f"its discrete part carries {least:.4f}")

    @property
    def mutual_information(self) -> float:
        return float(self.mi)

    @property
    def discrete_information(self) -> float:
        """What the kind of a value and the discrete values carry, in nats."""
        of_kind = math.log(2) - symmetric_information(self.share, 2)
        return of_kind + self.share * symmetric_information(self.flip, 2)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        left = max(self.mi - self.discrete_information, 0.0)
        x, y = CorrelatedNormal(left / (1 - self.share)).draw(n, rng)
        discrete = rng.random((n, 1)) < self.share
        sign = np.where(rng.random((n, 1)) < 0.5, -1.0, 1.0)
        other = np.where(rng.random((n, 1)) < self.flip, -sign, sign)
        return np.where(discrete, sign, x), np.where(discrete, other, y)
