"""Hard clusterings of the inputs, searched by merges and single moves.

With V_t(y) = sum of p(x, y) over the inputs of cluster t and P_t its total, a hard encoder costs
H(T) + beta H(Y|T) = sum_t [(1 - beta) h(P_t) + beta sum_y h(V_t(y))] with h(v) = -v ln v, up to the constant
beta H(Y). Every cluster adds its own term, so a merge or a move changes two terms only, and for one clustering the
cost is a line in beta.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_SPARE = 8  # empty clusters kept ready for moves into a new one
_CHUNK = 4_000_000  # numbers in one temporary array


def spread(values: Any) -> Any:
    """-v ln v of non-negative numbers, 0 at 0; 1.7 times as fast as SciPy's ``entr`` on a million of them."""
    found = np.log(np.maximum(values, 1e-300))
    found *= values
    return -found


def canonical(labels: np.ndarray) -> np.ndarray:
    """The same clustering, clusters numbered by their first input."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.ravel()]


def line(weights: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """(H(T), H(Y|T)) in nats of a clustering of (m, n_y) weights p(x, y)."""
    masses = np.zeros((int(labels.max()) + 1, weights.shape[1]))
    np.add.at(masses, labels, weights)
    of_t = float(spread(masses.sum(axis=1)).sum())
    return max(of_t, 0.0), max(float(spread(masses).sum()) - of_t, 0.0)


class Clustering:
    """One clustering under local search. What every merge and move would cost is kept, and renewed where a change
    reaches; the parts that multiply 1 - beta and beta are kept apart, so another beta is a sum.

    Args:
        weights: (m, n_y) p(x, y).
        labels: (m,) cluster of every input.
        beta: multiplier of H(Y|T).
    """

    def __init__(self, weights: np.ndarray, labels: np.ndarray, beta: float) -> None:
        self.weights, self.beta = weights, beta
        self._set(labels)

    def at(self, beta: float) -> Clustering:
        """Itself, with another beta."""
        self.beta = beta
        self._weigh()
        return self

    def _set(self, labels: np.ndarray) -> None:
        self.labels = canonical(labels)
        m, k = len(labels), int(self.labels.max()) + 1
        slots = min(k + _SPARE, m)
        self.masses = np.zeros((slots, self.weights.shape[1]))
        np.add.at(self.masses, self.labels, self.weights)
        self.sizes = np.bincount(self.labels, minlength=slots)
        self._terms = _parts(self.masses)
        self._unions = _pairs(self.masses, self.masses)
        self._joined = self._unions[:, self.labels] if k == m else _pairs(self.weights, self.masses)
        self._left = self._without(np.arange(m))
        self._weigh()

    def _weigh(self) -> None:
        self.terms, self.unions, self.joined, self.left = (
            self._sum(parts) for parts in (self._terms, self._unions, self._joined, self._left)
        )

    def _sum(self, parts: np.ndarray) -> np.ndarray:
        found = self.beta * parts[1]
        found += (1 - self.beta) * parts[0]
        return found

    def _without(self, inputs: np.ndarray) -> np.ndarray:
        """(2, ...) parts of the cost of the clusters of these, each without the input."""
        cluster = self.labels[inputs]
        rest = np.maximum(self.masses[cluster] - self.weights[inputs], 0)
        rest[self.sizes[cluster] == 1] = 0
        return _parts(rest)

    def _renew(self, *clusters: int) -> None:
        """After a change of the members of these."""
        changed = list(clusters)
        for t in changed:
            members = self.labels == t
            self.sizes[t] = int(members.sum())
            self.masses[t] = self.weights[members].sum(axis=0)
        self._terms[:, changed] = _parts(self.masses[changed])
        self.terms[changed] = self._sum(self._terms[:, changed])
        both = _pairs(self.masses[changed], np.vstack([self.masses, self.weights]))
        summed = self._sum(both)
        k = len(self.masses)
        for kept, found in ((self._unions, both), (self.unions, summed)):
            kept[..., changed, :] = found[..., :k]
            kept[..., changed] = np.swapaxes(found[..., :k], -1, -2)
        self._joined[..., changed] = np.swapaxes(both[..., k:], -1, -2)
        self.joined[..., changed] = summed[:, k:].T
        reached = np.flatnonzero((self.labels == changed[0]) | (self.labels == changed[1]))
        self._left[:, reached] = self._without(reached)
        self.left[reached] = self._sum(self._left[:, reached])

    def settle(self, limit: int = 100_000) -> int:
        """Merge and move while the cost falls; returns the number of changes."""
        least = -1e-13 * (1 + self.beta)
        for count in range(limit):
            if self._merge(least):
                continue
            if not self._move(least):
                return count
        return limit

    def _merge(self, least: float) -> bool:
        change = self.unions - self.terms
        change -= self.terms[:, None]
        change[np.diag_indices(len(change))] = np.inf
        t, u = divmod(int(change.argmin()), len(change))
        if change[t, u] >= least:
            return False
        t, u = min(t, u), max(t, u)
        self.labels[self.labels == u] = t
        self._renew(t, u)
        self._resize()
        return True

    def _move(self, least: float) -> bool:
        m = len(self.labels)
        change = self.joined - self.terms
        change += (self.left - self.terms[self.labels])[:, None]
        change[np.arange(m), self.labels] = np.inf
        x, t = divmod(int(change.argmin()), change.shape[1])
        if change[x, t] >= least:
            return False
        before = int(self.labels[x])
        self.labels[x] = t
        self._renew(before, t)
        self._resize()
        return True

    def _resize(self) -> None:
        """Room for one more cluster, and not much more than is used."""
        used = int((self.sizes > 0).sum())
        if used == len(self.sizes) < len(self.labels) or 2 * used + 2 * _SPARE < len(self.sizes):
            self._set(self.labels)


def _parts(masses: np.ndarray) -> np.ndarray:
    """(2, ...) for clusters of (..., n_y) masses: h of the total, and the sum of h over the labels."""
    return np.stack([spread(masses.sum(axis=-1)), spread(masses).sum(axis=-1)])


def _pairs(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(2, l, r) parts of the union of every left with every right."""
    step = max(_CHUNK // max(right.size, 1), 1)
    return np.concatenate([_parts(left[i : i + step, None] + right) for i in range(0, len(left), step)], axis=1)


def updated(weights: np.ndarray, labels: np.ndarray, beta: float, limit: int = 50) -> np.ndarray:
    """Hard updates of all inputs at once, argmax_t [ln p(t) - beta KL(p(y|x) || p(y|t))], until none moves.

    The cost is concave in the encoder, so none of them raises it.
    """
    for _ in range(limit):
        before = labels
        masses = np.zeros((int(labels.max()) + 1, weights.shape[1]))
        np.add.at(masses, labels, weights)
        total = masses.sum(axis=1)
        logs = np.log(np.where(masses > 0, masses / total[:, None], 1.0))
        logs[masses <= 0] = -1e30
        score = beta * (weights @ logs.T) + weights.sum(axis=1)[:, None] * np.log(total)
        labels = canonical(score.argmax(axis=1))
        if np.array_equal(labels, before):
            break
    return labels
