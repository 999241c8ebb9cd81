"""The search for the best hard clustering at every beta.

One clustering costs H(T) + beta H(Y|T), a line in beta: all that were ever found stand in one pool, and the answer at a
beta is the lowest line there. Candidates come from reverse annealing out of T = X, from given clusterings, from
neighbouring betas in both directions, and from restarts out of disturbed clusterings; each is driven by merges and
moves to where none lowers its cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .geometry import logs
from .partitions import Clustering, canonical, line, updated

_PASSES = 12  # along all betas, while they bring something
_PATIENCE = 3  # rounds of restarts that bring nothing before the rest are spared


class Pool:
    """Clusterings and their lines."""

    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights
        self.members: list[np.ndarray] = []
        self.lines: list[tuple[float, float]] = []
        self._known: dict[bytes, int] = {}

    def add(self, labels: np.ndarray) -> int:
        """Its number in the pool."""
        labels = canonical(labels)
        key = labels.tobytes()
        if key not in self._known:
            self._known[key] = len(self.members)
            self.members.append(labels)
            self.lines.append(line(self.weights, labels))
        return self._known[key]

    def costs(self, betas: np.ndarray) -> np.ndarray:
        """(pool, b) H(T) + beta H(Y|T)."""
        of_t, noise = np.array(self.lines).T
        return of_t[:, None] + np.outer(noise, betas)

    def best(self, beta: float) -> int:
        """Number of the one of least cost, the first of equal ones."""
        return int(self.costs(np.array([beta]))[:, 0].argmin())


class Search:
    """The pool being filled.

    Args:
        weights: (m, n_y) p(x, y).
        betas: multipliers, falling.
        seed: of the restarts.

    Attributes:
        changes: merges and moves made, by beta.
    """

    def __init__(self, weights: np.ndarray, betas: Sequence[float], seed: int) -> None:
        self.weights, self.betas = weights, list(betas)
        self.pool = Pool(weights)
        self.changes = dict.fromkeys(self.betas, 0)
        self._generator = np.random.default_rng(seed)
        self._settled: set[tuple[int, float]] = set()
        self.pool.add(np.zeros(len(weights), dtype=np.intp))

    def labels(self, beta: float) -> np.ndarray:
        """(m,) the best clustering found."""
        return self.pool.members[self.pool.best(beta)]

    def is_settled(self, beta: float) -> bool:
        """Whether no merge and no single move lowers its cost."""
        return (self.pool.best(beta), beta) in self._settled

    def anneal(self) -> None:
        """From T = X at the largest beta down."""
        clustering = Clustering(self.weights, np.arange(len(self.weights)), self.betas[0])
        for beta in self.betas:
            clustering.at(beta)
            self._settle(clustering, beta)

    def offer(self, beta: float, labels: np.ndarray) -> None:
        """A clustering from elsewhere: it enters the pool as it is, and driven down at this beta."""
        self.pool.add(labels)
        nearer = updated(self.weights, canonical(labels), beta)
        if (self.pool.add(nearer), beta) not in self._settled:
            self._settle(Clustering(self.weights, nearer, beta), beta)

    def _settle(self, clustering: Clustering, beta: float) -> None:
        self.changes[beta] += clustering.settle()
        self._settled.add((self.pool.add(clustering.labels), beta))

    def spread(self) -> None:
        """The best of the pool at every beta is driven down there, up and down along beta, while that brings a gain."""
        for turn in range(_PASSES):
            before = len(self.pool.members)
            for beta in self.betas if turn % 2 else self.betas[::-1]:
                best = self.pool.best(beta)
                if (best, beta) not in self._settled:
                    self._settled.add((best, beta))
                    self._settle(Clustering(self.weights, self.pool.members[best], beta), beta)
            if len(self.pool.members) == before:
                return

    def restart(self, rounds: int, floors: dict[float, float]) -> None:
        """Disturb the best at every beta and drive it down again.

        Args:
            rounds: most restarts at every beta.
            floors: a lower bound of the cost by beta, or nan; where it is met there is nothing to look for.
        """
        idle = 0
        for turn in range(rounds):
            open_betas = self._open(floors)
            before = self._least()
            for beta in open_betas:
                self.offer(beta, _DISTURB[turn % len(_DISTURB)](self.weights, self.labels(beta), self._generator))
            self.spread()
            idle = 0 if (self._least() < before - 1e-12 * (1 + before)).any() else idle + 1
            if not open_betas or idle == _PATIENCE:
                return

    def _least(self) -> np.ndarray:
        return self.pool.costs(np.array(self.betas)).min(axis=0)

    def _open(self, floors: dict[float, float]) -> list[float]:
        """Betas between the last at which all inputs are one cluster and the first at which all are their own."""
        sizes = [int(self.labels(beta).max()) + 1 for beta in self.betas]
        middle = [i for i, k in enumerate(sizes) if 1 < k < len(self.weights)]
        turns = [i for i in range(1, len(sizes)) if sizes[i] != sizes[i - 1]]
        if not middle and not turns:
            return []
        first, last = min([*middle, *turns]) - 1, max([*middle, *turns]) + 1
        least = self._least()
        return [
            beta
            for i, beta in enumerate(self.betas)
            if first <= i <= last and not least[i] <= floors[beta] + 1e-10 * (1 + beta)
        ]


def _reassigned(weights: np.ndarray, labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Some inputs in random clusters, or in a new one."""
    m, k = len(labels), int(labels.max()) + 1
    labels = labels.copy()
    some = generator.choice(m, max(2, int(min(m, 64) * generator.uniform(0.05, 0.4))), replace=False)
    labels[some] = generator.integers(0, min(k + 1, m), len(some))
    return labels


def _reseeded(weights: np.ndarray, labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """About as many clusters, around random inputs."""
    m, k = len(labels), int(labels.max()) + 1
    rows = weights / weights.sum(axis=1, keepdims=True)
    centres = generator.choice(m, int(np.clip(k + generator.integers(-1, 3), 2, m)), replace=False)
    return (rows @ logs(np.maximum(rows[centres], 1e-12)).T).argmax(axis=1)


def _split_and_merged(weights: np.ndarray, labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Some clusters in two, between two of their inputs, and others joined."""
    rows = logs(np.maximum(weights / weights.sum(axis=1, keepdims=True), 1e-12))
    labels = labels.copy()
    for _ in range(generator.integers(1, max(2, int(labels.max() + 1) // 4) + 1)):
        k = int(labels.max()) + 1
        members = np.flatnonzero(labels == generator.integers(k))
        if len(members) > 1:
            one, other = generator.choice(members, 2, replace=False)
            labels[members[weights[members] @ (rows[one] - rows[other]) > 0]] = k
        if generator.random() < 0.5:
            labels[labels == generator.integers(k)] = generator.integers(k)
        labels = canonical(labels)
    return labels


_DISTURB = (_reassigned, _reseeded, _split_and_merged)


def searched(
    weights: np.ndarray,
    betas: Sequence[float],
    offers: Iterable[tuple[float, np.ndarray]],
    floors: dict[float, float],
    restarts: int,
    seed: int,
) -> Search:
    """A whole search.

    Args:
        weights: (m, n_y) p(x, y).
        betas: multipliers, falling.
        offers: (beta, labels) to begin from besides T = X.
        floors: lower bounds of H(T) + beta H(Y|T), or nan, by beta.
        restarts: rounds of restarts.
        seed: of these.
    """
    search = Search(weights, betas, seed)
    search.anneal()
    for beta, labels in offers:
        search.offer(beta, labels)
    search.spread()
    search.restart(restarts, floors)
    return search
