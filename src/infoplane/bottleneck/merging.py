"""The merges of an agglomerative bottleneck, one after the other."""

from __future__ import annotations

import numpy as np

from .clusters import TIE, Prices, certainty
from .joint import Sufficient
from .partitions import spread


class Merging:
    """Clusters being merged. A cluster keeps the number of its first member.

    Every cluster keeps its best partner among later ones. When that partner is gone the old price still bounds the
    next best from below, so the row is searched again only when it comes first: the lightest cluster is everyone's
    best partner, and searching all rows whenever it is merged would take m^3 steps.
    """

    def __init__(self, merged: Sufficient, prices: Prices) -> None:
        m = len(merged.p_x)
        self.prices = prices
        self.weights, self.mass = merged.p_x[:, None] * merged.rows, merged.p_x.copy()
        self.certainty, self.spread = certainty(self.weights, self.mass), spread(self.mass)
        self.names, self.sizes, self.made = np.arange(m), np.ones(m, dtype=int), m
        self.live = np.arange(m)
        self.cost = np.empty((m, m))  # of pairs i < j
        self.best, self.partner, self.stale = np.full(m, np.inf), np.full(m, -1), np.zeros(m, dtype=bool)
        for i in range(m - 1):
            self.cost[i, i + 1 :] = self._price(*self._changes(i, slice(i + 1, m)))
            self._search(i)

    def _changes(self, i: int, others: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """I(T;Y) and I(X;T) lost by merging i with each of the others."""
        mass = self.mass[others] + self.mass[i]
        lost = self.certainty[others] + self.certainty[i] - certainty(self.weights[others] + self.weights[i], mass)
        freed = self.spread[others] + self.spread[i] - spread(mass)
        return np.maximum(lost, 0), np.maximum(freed, 0)

    def _price(self, lost: np.ndarray, freed: np.ndarray) -> np.ndarray:
        return self.prices.target * lost - self.prices.rate * freed

    def _later(self, i: int) -> np.ndarray:
        return self.live[np.searchsorted(self.live, i) + 1 :]

    def _search(self, i: int) -> None:
        later = self._later(i)
        self.stale[i] = False
        if len(later) == 0:
            self.best[i] = np.inf
            return
        row = self.cost[i, later]
        which = row.argmin()
        self.best[i], self.partner[i] = row[which], later[which]

    def _cheapest(self) -> tuple[int, int]:
        while self.stale[i := int(self.best.argmin())]:
            self._search(i)
        most = self.best[i] + TIE
        for i in np.flatnonzero(self.best <= most).tolist():
            if self.stale[i]:
                self._search(i)
            if self.best[i] <= most:
                break
        later = self._later(i)
        return i, int(later[(self.cost[i, later] <= most).argmax()])

    def step(self) -> tuple[list[int], int, float, float]:
        """Merge once: the names of the two, the size of the new cluster, what it loses of I(T;Y) and of I(X;T)."""
        a, b = self._cheapest()
        lost, freed = (float(change[0]) for change in self._changes(a, np.array([b])))
        names = sorted((int(self.names[a]), int(self.names[b])))
        self.names[a], self.made = self.made, self.made + 1
        self.sizes[a] += self.sizes[b]
        self.weights[a] += self.weights[b]
        self.mass[a] += self.mass[b]
        self.certainty[a] = certainty(self.weights[a], self.mass[a])
        self.spread[a] = spread(self.mass[a : a + 1])[0]
        self.live = self.live[self.live != b]
        self.best[b], self.stale[b] = np.inf, False
        self._renew(a, b)
        return names, int(self.sizes[a]), lost, freed

    def _renew(self, a: int, b: int) -> None:
        """The costs of merging with the new cluster a."""
        place = int(np.searchsorted(self.live, a))
        others = np.delete(self.live, place)
        price = self._price(*self._changes(a, others))
        before = others[:place]
        self.cost[before, a] = price[:place]
        self.cost[a, others[place:]] = price[place:]
        lost_partner = (self.partner == a) | (self.partner == b)
        self.stale[lost_partner & (self.best < np.inf)] = True
        better = before[price[:place] < self.best[before]]
        self.best[better], self.partner[better], self.stale[better] = self.cost[better, a], a, False
        self._search(a)
