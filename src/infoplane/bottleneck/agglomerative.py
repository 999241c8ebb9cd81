"""Agglomerative bottleneck: every input a cluster, then always the merge that costs least, kept as a whole tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..errors import InputError
from .base import Effort, Method, checked_beta
from .clusters import TIE, Bound, Prices, checked_count, hard_solution, heaviest_first
from .joint import Joint
from .merging import Merging
from .solution import Solution

_MOST = 5000  # distinct rows, whose pairs take 200 MB


@dataclass(frozen=True, eq=False)
class MergeTree:
    """All merges from a cluster for every distinct row p(y|x) to one for all. Information is in nats.

    Attributes:
        joint: the problem, of whose inputs m have distinct rows: inputs with the same p(y|x) are one from the start.
        beta: multiplier of I(T;Y) by which the merges were chosen; infinite: by I(T;Y) alone.
        merges: (m - 1, 4) one merge a row in the form of scipy.cluster.hierarchy: the two clusters (below m: the
            merged input of that number, else m + the row that made it), the I(X;Y) - I(T;Y) lost so far, and how many
            merged inputs it holds.
        losses: (m - 1,) I(T;Y) lost by each merge.
        mi_target: (m,) I(T;Y) with m, m - 1, ..., 1 clusters.
        mi_input: (m,) I(X;T) = H(T) likewise.
    """

    joint: Joint = field(repr=False)
    beta: float
    merges: np.ndarray = field(repr=False)
    losses: np.ndarray = field(repr=False)
    mi_target: np.ndarray = field(repr=False)
    mi_input: np.ndarray = field(repr=False)

    @property
    def most(self) -> int:
        """m, the largest number of clusters."""
        return len(self.mi_target)

    @cached_property
    def group(self) -> np.ndarray:
        """(n_x,) the leaf of every input, -1 for an input without probability."""
        return self.joint.sufficient.group

    def labels(self, n_clusters: int) -> np.ndarray:
        """(n_x,) cluster of every input, the heaviest cluster first; -1 for an input without probability.

        Raises:
            InputError: no such number of clusters.
        """
        found = self.leaf_labels(checked_count(n_clusters, self.joint, "MergeTree.labels"))
        return np.where(self.group >= 0, found[self.group], -1)

    def encoder(self, n_clusters: int) -> np.ndarray:
        """(n_x, n_clusters) zeros and ones q(t|x); p(t) for an input without probability.

        Raises:
            InputError: no such number of clusters.
        """
        k = checked_count(n_clusters, self.joint, "MergeTree.encoder")
        found = self.leaf_labels(k)
        whole = np.eye(k)[found[self.group]]
        whole[self.group < 0] = np.bincount(found, self.joint.sufficient.p_x, minlength=k)
        return whole

    def costs(self, beta: float) -> np.ndarray:
        """(m,) I(X;T) - beta I(T;Y) with m, m - 1, ..., 1 clusters."""
        return self.mi_input - checked_beta(beta, "MergeTree.costs") * self.mi_target

    def best(self, beta: float) -> int:
        """The number of clusters of least cost at a multiplier of I(T;Y); the fewest of equal ones."""
        costs = self.costs(beta)
        return int(np.flatnonzero(costs[::-1] <= costs.min() + TIE * (1 + beta))[0]) + 1

    def solution(self, n_clusters: int, beta: float, *, certify: bool = False, seed: int = 0) -> Solution:
        """One level as a solution, for instance to start :func:`solve` from.

        Args:
            n_clusters: the level.
            beta: multiplier of I(T;Y) in its cost.
            certify: whether to bound its distance from the best encoder of all.
            seed: of the random starts of that bound.

        Raises:
            InputError: no such number of clusters, or no such multiplier.
        """
        k = checked_count(n_clusters, self.joint, "MergeTree.solution")
        beta = checked_beta(beta, "MergeTree.solution")
        bound = Bound(self.joint, seed) if certify else None
        return hard_solution(Agglomerative(k), self.joint, beta, self.leaf_labels(k), bound)

    def leaf_labels(self, k: int) -> np.ndarray:
        """(m,) cluster of every merged input, as :meth:`labels`."""
        m = self.most
        root = np.arange(2 * m - 1)
        for row in range(m - k - 1, -1, -1):  # downwards, so that every cluster's own root is known before
            root[self.merges[row, :2].astype(int)] = root[m + row]
        return heaviest_first(self.joint.sufficient, root[:m])


@dataclass(frozen=True)
class Agglomerative(Method):
    """Hard clusters by greedy merging, with the cost of the plain bottleneck, I(X;T) - beta I(T;Y).

    The merges are chosen once for all beta, by the I(T;Y) that they lose (:func:`merge_tree`); at each beta the level
    of least cost is taken. Nothing is promised of it: its gap is to the best of all encoders, soft ones too.

    Source: Slonim & Tishby 1999.

    Args:
        n_clusters: how many at every beta; the number of least cost if None.
        own_tree: whether every beta gets a tree of its own as well, merged by the cost at that beta, of which the
            better level is taken. On 600 problems (random joints of 16 x 4 to 64 x 16, beta from 1.5 to 30) the tree of
            its own had the better level in 183, the common one in 4. It takes a tree for every beta.
    """

    n_clusters: int | None = None
    own_tree: bool = False

    def descend(self, joint: Joint, betas: Sequence[float], effort: Effort) -> Iterator[Solution]:
        fixed = None if self.n_clusters is None else checked_count(self.n_clusters, joint, "Agglomerative")
        common = merge_tree(joint)
        bound = Bound(joint, effort.seed) if effort.certify else None
        for beta in betas:
            trees = [common, merge_tree(joint, beta)] if self.own_tree else [common]
            levels = [(tree, fixed or tree.best(beta)) for tree in trees]
            tree, k = min(levels, key=lambda level: level[0].costs(beta)[-level[1]])
            yield hard_solution(self, joint, beta, tree.leaf_labels(k), bound)


def merge_tree(joint: Joint, beta: float = np.inf) -> MergeTree:
    """Merge the inputs of a joint, always the pair of clusters that costs least, down to one.

    Merging i and j loses (p_i + p_j) JS(p(y|i), p(y|j)) of I(T;Y), weighted by their shares, and frees
    (p_i + p_j) H(shares) of I(X;T). Costs within 1e-14 nats are equal, and then the pair with the lowest first members
    goes first.

    Args:
        joint: at most 5,000 distinct rows p(y|x). Time m^2 n_y for m of them, memory 8 m^2 bytes.
        beta: the rate counts 1 / beta of the relevant information; infinite, the usual choice: not at all.

    Raises:
        InputError: a negative multiplier, or too many distinct rows.
    """
    beta = beta if beta == np.inf else checked_beta(beta, "merge_tree")
    merged = joint.sufficient
    m = len(merged.p_x)
    if m > _MOST:
        raise InputError(
            f"merge_tree keeps the cost of every pair of distinct rows p(y|x), at most {_MOST} rows, got {m}. Group "
            "rows that are nearly the same first, or use Sequential(n_clusters), which needs no pairs."
        )
    merging = Merging(merged, Prices.at(beta))
    steps = [merging.step() for _ in range(m - 1)]
    losses = np.array([loss for *_, loss, _ in steps])
    rates = np.array([rate for *_, rate in steps])
    merges = np.array([(*pair, 0.0, size) for pair, size, *_ in steps]).reshape(m - 1, 4)
    merges[:, 2] = np.cumsum(losses)
    return MergeTree(joint, beta, merges, losses, _sums_of_later(losses), _sums_of_later(rates))


def _sums_of_later(values: np.ndarray) -> np.ndarray:
    """(n + 1,) sums of all from each on: exactly 0 at the end, where all is merged."""
    return np.append(np.cumsum(values[::-1])[::-1], 0.0)
