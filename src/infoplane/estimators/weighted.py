"""Mutual information from weighted Kozachenko-Leonenko entropies, whose leading smoothing bias cancels."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from scipy.special import gammaln

from ..errors import InputError, nearest
from ..samples import is_real
from .entropies import Entropies, Surprisals
from .kozachenko import check_settings, fewer_neighbours, from_neighbours, single

_MOST = 200  # neighbours that large weights may grow to
_NEAREST_UP_TO = 4  # dimensions in which weights="nearest" is the first neighbour alone


@dataclass(frozen=True)
class WeightedKL(Entropies):
    """I = h(X) + h(Y) - h(X, Y) from weighted nearest-neighbour entropies, each whitened on its own.

    Every neighbour j = 1..k gives a log-density as in ``KozachenkoLeonenko``; the entropy is their weighted mean with
    ``sum_j w_j = 1`` and ``sum_j w_j Gamma(j + 2l/d) / Gamma(j) = 0`` for l = 1..floor(d/4), which cancels the leading
    powers of the smoothing bias (Berrett, Samworth & Yuan, arXiv:1606.00304, Ann. Statist. 47, 288-318). Of all such
    weights the shortest vector is taken: its norm is what the noise grows by. Below four dimensions w = e_k.

    n = 5,000, default: within 0.1 nat up to 10 nats at 2+2, 0.2 at 4+4. Where the norm exceeds ``max_norm``, k is
    raised, then constraints of highest order are dropped, with a note. Refuses above 12 dimensions and where neighbours
    coincide. +inf where x and y are linearly related. With one discrete variable: ``h(T) - sum_y p(y) h(T | y)``.

    Attributes:
        k: neighbours; lowered, with a note, where a term has fewer than 5 k samples.
        weights: "minimum-norm", or "nearest": the first neighbour alone up to four dimensions, then minimum-norm
            whatever its norm, as the code of arXiv:2305.08013 has it (there with k = 5).
        whiten: measure in coordinates of unit covariance; without, high information is underestimated by nats.
        max_norm: largest norm of the weights; ``inf`` takes k as it is.
        jitter: noise added first, in units of each column's standard deviation, to tell duplicates apart; 1e-10 is
            usual. The value then depends on the seed.
    """

    k: int = 20
    weights: Literal["minimum-norm", "nearest"] = "minimum-norm"
    whiten: bool = True
    max_norm: float = 10.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        check_settings(self)
        if self.weights not in ("minimum-norm", "nearest"):
            known = ["minimum-norm", "nearest"]
            raise InputError(f"WeightedKL has no weights {self.weights!r}; {nearest(str(self.weights), known)}")
        if not is_real(self.max_norm) or not self.max_norm >= 1.0:
            raise InputError(f"WeightedKL needs a max_norm of 1 or more (10 is usual), got {self.max_norm!r}.")

    def settled(self, smallest: int, dim: int, x: np.ndarray | None = None) -> tuple[Self, tuple[str, ...]]:
        return fewer_neighbours(self, smallest)

    def surprisals(self, x: np.ndarray) -> Surprisals:
        n, d = x.shape
        weights, note = self._weights_for(n, d)
        found = from_neighbours(x, weights)
        doubt = (f"In {d} dimensions the weights amplify noise and bias: compare another route.",) if d > 8 else ()
        return found._replace(notes=(*found.notes, *note), warnings=(*found.warnings, *doubt))

    def _weights_for(self, n: int, d: int) -> tuple[np.ndarray, tuple[str, ...]]:
        """Weights for n samples in d dimensions, short enough, and what was changed to have them."""
        if self.weights == "nearest":
            first = np.zeros(self.k)
            first[0] = 1.0
            return (first if d <= _NEAREST_UP_TO else weights(self.k, d)), ()
        most = max(self.k, min(n // 5, _MOST))
        k, orders = _bearable(self.k, d, most, float(self.max_norm))
        if orders < min(d // 4, k - 1):
            return weights(k, d, orders), (
                f"In {d} dimensions {n} samples bear {orders} of {d // 4} constraints on the weights: bias remains.",
            )
        return weights(k, d), () if k == self.k else (
            f"k = {k} in {d} dimensions, for weights no longer than {self.max_norm:g}.",
        )


@functools.lru_cache(maxsize=1024)
def _bearable(k: int, d: int, most: int, max_norm: float) -> tuple[int, int]:
    """The smallest number of neighbours from k to ``most`` whose weights are short enough, and how many constraints.

    Where none is, constraints of highest order are dropped, at the largest k.
    """
    for orders in range(min(d // 4, k - 1), 0, -1):
        for more in range(k, most + 1):
            if np.linalg.norm(weights(more, d, orders)) <= max_norm:
                return more, orders
    return k, 0


def weights(k: int, d: int, orders: int | None = None) -> np.ndarray:
    """Shortest (k,) vector with sum 1 and ``sum_j w_j Gamma(j + 2l/d) / Gamma(j) = 0`` for l = 1..orders.

    Args:
        k: neighbours.
        d: dimensions.
        orders: constraints; all of them, floor(d/4), if None. Never more than k - 1.

    Returns:
        (k,) float64; e_k where there is no constraint.
    """
    orders = min(d // 4 if orders is None else orders, k - 1)
    if orders == 0:
        return single(k)
    j = np.arange(1, k + 1)
    rows = [np.ones(k), *(np.exp(gammaln(j + 2 * order / d) - gammaln(j)) for order in range(1, orders + 1))]
    norms = [float(np.linalg.norm(row)) for row in rows]
    system = np.stack([row / norm for row, norm in zip(rows, norms, strict=True)])
    right = np.zeros(orders + 1)
    right[0] = 1.0 / norms[0]
    return np.linalg.lstsq(system, right, rcond=None)[0]
