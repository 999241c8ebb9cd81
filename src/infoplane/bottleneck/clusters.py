"""Hard clusters: their part in the cost, which single move would help, and a solution made of them.

A hard encoder of inputs with distinct rows has I(X;T) = H(T). A cluster enters the cost only by its weights
p(t) p(y|t), through -p(t) H(Y|t) and p(t) ln p(t), so that a merge costs one logarithm for every label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import InputError
from .anneal import start
from .annealed import GROUPS, solve_atoms
from .base import LOOSE
from .certificate import fixed_starts
from .geometry import Arithmetic
from .joint import Joint, Sufficient
from .partitions import spread
from .solution import Rule, Solution, expanded_encoder, expanded_laws, merged_informations

if TYPE_CHECKING:
    from .base import Method

TIE = 1e-14  # nats below which two costs are equal: some times the rounding of H(Y|T)


class Prices(NamedTuple):
    """What a nat of each information costs; the larger price is 1, so that beta 0 and infinity are no special cases.

    Attributes:
        target: of I(T;Y) lost.
        rate: of H(T) kept.
    """

    target: float
    rate: float

    @classmethod
    def at(cls, beta: float) -> Prices:
        """Of I(X;T) - beta I(T;Y), divided by beta where that exceeds 1."""
        return cls(1.0, 1 / beta) if beta > 1 else cls(beta, 1.0)


def certainty(weights: np.ndarray, mass: Any) -> Any:
    """-p(t) H(Y|t) of clusters with (..., n_y) weights p(t) p(y|t) and their (...) sums."""
    logs = np.log(np.maximum(weights, 1e-300))
    return np.einsum("...y,...y->...", weights, logs) + spread(mass)


def cluster_weights(merged: Sufficient, labels: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(k, n_y) weights p(t) p(y|t) and (k,) masses of (m,) labels 0..k-1."""
    weights = np.zeros((k, merged.rows.shape[1]))
    np.add.at(weights, labels, merged.p_x[:, None] * merged.rows)
    return weights, np.bincount(labels, merged.p_x, minlength=k)


def heaviest_first(merged: Sufficient, labels: np.ndarray) -> np.ndarray:
    """(m,) the same clusters numbered from the heaviest; equal ones, up to rounding, by their first member."""
    _, first, labels = np.unique(labels, return_index=True, return_inverse=True)
    order = np.lexsort((first, -np.bincount(labels, merged.p_x).round(14)))
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    return rank[labels]


def checked_count(n_clusters: Any, joint: Joint, who: str) -> int:
    """A number of hard clusters that this joint can have.

    Raises:
        InputError: not a whole number from 1 to the number of distinct rows p(y|x).
    """
    most = len(joint.sufficient.p_x)
    if isinstance(n_clusters, bool) or not isinstance(n_clusters, int | np.integer) or not 1 <= n_clusters <= most:
        raise InputError(
            f"{who} needs n_clusters from 1 to {most}, the number of distinct rows p(y|x) of this joint, got "
            f"{n_clusters!r}."
        )
    return int(n_clusters)


def best_move(merged: Sufficient, labels: np.ndarray, k: int, prices: Prices) -> tuple[float, float]:
    """The one input that would gain most in another cluster, none being emptied.

    Returns:
        What it gains, in units of ``prices``, and the larger |ln(p_new(t) / p(t))| of the two clusters; zeros where no
        move gains.
    """
    weights, mass = cluster_weights(merged, labels, k)
    movable = np.flatnonzero(np.bincount(labels, minlength=k)[labels] > 1)
    if k == 1 or len(movable) == 0:
        return 0.0, 0.0
    p_x, own = merged.p_x[movable], labels[movable]
    single = p_x[:, None] * merged.rows[movable]
    rest = (np.maximum(weights[own] - single, 0), np.maximum(mass[own] - p_x, 0))
    stay = _joining(*rest, single, p_x, prices)
    best, to = np.full(len(movable), np.inf), np.zeros(len(movable), dtype=int)
    for t in range(k):
        price = np.where(own == t, np.inf, _joining(weights[t], mass[t], single, p_x, prices))
        better = price < best
        best[better], to[better] = price[better], t
    which = int((stay - best).argmax())
    gain = float(stay[which] - best[which])
    if gain <= TIE:
        return 0.0, 0.0
    shrinks = -np.log(max(1 - p_x[which] / mass[own[which]], 1e-300))
    return gain, float(max(shrinks, np.log1p(p_x[which] / mass[to[which]])))


def _joining(weights: np.ndarray, mass: Any, single: np.ndarray, p_x: np.ndarray, prices: Prices) -> np.ndarray:
    """Cost of inputs joining clusters, up to what does not depend on the cluster."""
    both = mass + p_x
    target = certainty(weights, mass) - certainty(weights + single, both)
    return prices.target * target + prices.rate * (spread(both) - spread(mass))


class Bound:
    """What I(X;T) + beta E[d] of no encoder is below: that of the certified bottleneck, less its gap.

    The clusters' own certificate would be a bound as well, but up to several nats lower.

    Args:
        joint: the problem.
        seed: of the random starts of the certificate's search.
    """

    def __init__(self, joint: Joint, seed: int) -> None:
        self._geometry = Arithmetic(joint.sufficient.p_x, joint.sufficient.rows)
        self._starts = fixed_starts(self._geometry, GROUPS, seed)
        self._atoms = start(self._geometry)

    def at(self, beta: float) -> tuple[float, int]:
        """The bound, best asked for at falling beta, and how many starts of the search it rests on."""
        settled, gap, count, _ = solve_atoms(self._geometry, beta, self._atoms, self._starts, True)
        self._atoms = settled.atoms
        return settled.free_energy - gap, count


def hard_solution(
    method: Method, joint: Joint, beta: float, labels: np.ndarray, bound: Bound | None, sweeps: int = 0
) -> Solution:
    """A solution with the plain bottleneck's cost, of (m,) labels of the merged inputs.

    It has converged where no single input would be better in another cluster. Its gap is to the best of all encoders,
    hard or soft; nan without ``bound``.
    """
    merged = joint.sufficient
    labels = heaviest_first(merged, labels)
    mass = np.bincount(labels, merged.p_x)
    laws = np.zeros((len(mass), merged.rows.shape[1]))
    np.add.at(laws, labels, (merged.p_x / mass[labels])[:, None] * merged.rows)
    hard = np.eye(len(mass))[labels]
    rate, relevant = merged_informations(merged.p_x, merged.rows, hard)
    distances = Arithmetic(merged.p_x, merged.rows).distances(laws)
    cost = rate + beta * float(merged.p_x @ distances[np.arange(len(labels)), labels])
    least, starts = (np.nan, 0) if bound is None else bound.at(beta)
    gain, residual = best_move(merged, labels, len(mass), Prices.at(beta))
    wide = expanded_laws(joint, laws)
    return Solution(
        method, beta, expanded_encoder(joint, hard, mass), mass, wide, rate, relevant,
        mi_target_geometric=np.nan,
        objective=rate - beta * relevant, free_energy=cost,
        gap=float(np.maximum(cost - least, 0.0)), starts=starts,
        residual=residual, converged=gain == 0, sweeps=sweeps,
        joint=joint, rule=Rule(beta, mass, wide, alpha=0.0), notes=() if bound is None else (LOOSE,),
    )  # fmt: skip
