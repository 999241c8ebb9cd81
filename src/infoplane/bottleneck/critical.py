"""Where clusters appear as beta grows: where one divides, and where one is born apart from all others.

A cluster divides where its local stability ends. But before that the certificate's c(r) can pass 1 at a law r far
from every cluster: from there on the optimum has a cluster at r, of weight growing from 0. On generic tables nearly
every cluster comes that way, the first one included, so that the onset lies below the first local critical beta. The
informations are continuous in both cases; what jumps is the set of laws.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq

from ..errors import InputError
from ..progress import Progress, silent
from ..samples import whole
from ..threads import one_blas_thread
from .anneal import Settled, Tally, settle, start
from .annealed import GROUPS, IB, Annealed, solve_atoms, trivial_atoms
from .base import Method, checked_beta, checked_problem
from .certificate import crept, fixed_starts
from .geometry import Atoms, Geometry, apart
from .joint import Joint
from .onset import onset_and_first, spreads
from .sweeps import encoder, sweep

_NARROW = 0.02  # relative width in which one split is placed: over a wide one the hill of a birth may not last
_HIGHEST = 1e6  # a beta above which rounding begins to decide about clusters
_RESOLVED = 1e-4  # relative width of an interval of beta in which several clusters may split at once


@dataclass(frozen=True)
class Split:
    """One step of the bifurcation tree, as beta grows.

    Attributes:
        beta: where the optimum gains a cluster.
        local: where the solution below it loses its local stability, 1/s^2 of its least stable cluster; infinite
            where it stays stable to twice the beta searched.
        n_clusters: their number below and above.
        apart: True where the new cluster is born apart from all others, before any of them is unstable; False where
            one divides.
        law: (n_y,) p(y|t) of the new cluster where it is born, or of the one that divides.
    """

    beta: float
    local: float
    n_clusters: tuple[int, int]
    apart: bool
    law: np.ndarray


@dataclass(frozen=True)
class CriticalBetas:
    """The critical betas of a problem.

    Attributes:
        onset: below it one cluster for everything is globally optimal; infinite where X tells nothing about Y.
        first: where that one cluster loses its local stability, at the onset or above it.
        splits: all splits found along the optimum, beta rising; the first is the onset.
        reach: the splits are complete up to this beta; infinite unless ``most`` or the limit on solutions ended the
            search.
    """

    onset: float
    first: float
    splits: tuple[Split, ...]
    reach: float

    @property
    def complete(self) -> bool:
        """Whether every split was told apart."""
        return np.isinf(self.reach)

    @property
    def all(self) -> np.ndarray:
        """(splits,) their betas, rising."""
        return np.array([split.beta for split in self.splits])


def critical_betas(
    joint: Joint,
    method: Method | None = None,
    *,
    most: float = np.inf,
    limit: int = 400,
    seed: int = 0,
    progress: Progress = silent,
) -> CriticalBetas:
    """All betas at which the optimum's clusters change.

    A cluster t is stable while beta s^2 < 1, s the largest singular value of its scaled, centred table: for the
    bottleneck sqrt(p(x|t)) (p(y|x) - p(y|t)) / sqrt(p(y|t)), for the dual sqrt(p(x|t)) ln p(y|x) sqrt(p(y|t)),
    centred over x and y. At the trivial solution of the bottleneck s is the maximal correlation of X and Y. The
    onset is the least KL(w || p(x)) / (decrease of the mean distance) over laws w of X, searched from many starts.

    Args:
        joint: the problem.
        method: :class:`IB` if None, or :class:`DualIB`.
        most: the largest beta that is of interest; much of the work is above a few hundred.
        limit: most solutions computed to tell splits apart; each split takes some 30 more to place. In all about half
            a second a split for 64 x 16; seconds for ten inputs.
        seed: of random starts.
        progress: called with (stage, splits found, most there can be).

    Returns:
        CriticalBetas.

    Raises:
        InputError: another method.
    """
    chosen = checked_problem(joint, method, "critical_betas") or IB()
    whole(limit, "limit")
    whole(seed, "seed")
    most = np.inf if most == np.inf else checked_beta(most, "critical_betas")
    if not isinstance(chosen, Annealed):
        raise InputError(f"critical_betas knows IB() and DualIB(), got {chosen.name}: it has no critical betas.")
    geometry = chosen.geometry(joint)
    return _critical(geometry, most, limit, fixed_starts(geometry, GROUPS, seed), progress)


@one_blas_thread
def _critical(geometry: Geometry, most: float, limit: int, starts: np.ndarray, progress: Progress) -> CriticalBetas:
    onset, first = onset_and_first(geometry, starts)
    if not np.isfinite(onset):
        return CriticalBetas(onset, first, (), np.inf)
    if onset >= most:
        return CriticalBetas(onset, first, (), most)
    search = _Search(geometry, starts, onset, first, most, limit, progress)
    trivial = Settled(trivial_atoms(geometry), 0.0, 0.0, True)
    search.between(_Point(onset * (1 - 1e-9), trivial), search.top())
    return CriticalBetas(onset, first, tuple(search.splits), search.reach)


@dataclass(frozen=True)
class _Point:
    """A solution at one beta."""

    beta: float
    settled: Settled

    @property
    def atoms(self) -> Atoms:
        return self.settled.atoms

    @property
    def k(self) -> int:
        return len(self.atoms.mass)


class _Search:
    """Halves intervals of beta until at most one split is in each, then places it."""

    def __init__(
        self,
        geometry: Geometry,
        starts: np.ndarray,
        onset: float,
        first: float,
        most: float,
        limit: int,
        progress: Progress,
    ) -> None:
        self.geometry, self.starts, self.onset, self.first = geometry, starts, onset, first
        self.most, self.left, self.progress = most, limit, progress
        self.splits: list[Split] = []
        self.reach = np.inf

    def solved(self, beta: float, warm: Atoms) -> _Point:
        """The certified optimum at one beta."""
        self.left -= 1
        settled, *_ = solve_atoms(self.geometry, beta, warm, self.starts, True)
        return _Point(beta, settled)

    def branch(self, beta: float, atoms: Atoms) -> _Point:
        """The stationary point that continues ``atoms`` to another beta, with no cluster added or merged."""
        return _Point(beta, settle(self.geometry, beta, atoms, Tally(), merges=()))

    def instability(self, point: _Point) -> tuple[float, int]:
        """beta s^2 of the least stable cluster, and which that is."""
        weights = self.geometry.p_x[:, None] * encoder(self.geometry, point.beta, point.atoms)
        found = point.beta * spreads(self.geometry, point.atoms, weights)
        return float(found.max()), int(found.argmax())

    def top(self) -> _Point:
        """A solution with a cluster for every input, which leaves nothing to split; or the highest looked at."""
        beta = min(4 * self.onset, self.most)
        atoms = start(self.geometry)
        while True:
            point = self.solved(beta, atoms)
            if point.k == len(self.geometry.p_x):
                return point
            if beta == self.most or beta > _HIGHEST:
                self.reach = beta
                return point
            beta = min(4 * beta, self.most)

    def between(self, low: _Point, high: _Point) -> None:
        """Find the splits from ``low`` to ``high``."""
        if high.k == low.k:
            return
        close = high.beta < low.beta * (1 + _RESOLVED)
        if close or (abs(high.k - low.k) == 1 and high.beta < low.beta * (1 + _NARROW)):
            split = self._placed(low, high)
            if close or split.beta <= high.beta:
                self.splits.append(replace(split, beta=min(split.beta, high.beta)))
                self.progress("splits", len(self.splits), len(self.geometry.p_x) - 1)
                return
        if self.left <= 0:
            self.reach = min(self.reach, low.beta)
            return
        middle = self.solved(float(np.sqrt(low.beta * high.beta)), high.atoms)
        self.between(low, middle)
        self.between(middle, high)

    def _placed(self, low: _Point, high: _Point) -> Split:
        """Where the optimum changes from one to the other: the earlier of a birth and a division."""
        count = (low.k, high.k)
        dividing = low.atoms.laws[self.instability(low)[1]]
        if low.k == 1:
            born = self.onset < self.first * (1 - 1e-9)
            law = self._summit(self.onset, low.atoms, self._farthest(low, high))[1] if born else dividing
            return Split(self.onset, self.first, count, born, law)
        local = self._root(self._excess(low), [low.beta, *np.geomspace(high.beta, 2 * high.beta, 4)])
        height = self._height(low, self._farthest(low, high))
        birth = self._root(lambda beta: height(beta)[0], [low.beta, high.beta])
        if birth < local * (1 - 1e-9):
            return Split(birth, local, count, True, height(birth)[1])
        return Split(local, local, count, False, dividing)

    def _excess(self, low: _Point) -> Callable[[float], float]:
        """How far the solution continued from ``low`` is from losing its stability; positive beyond."""
        return lambda beta: self.instability(self.branch(beta, low.atoms))[0] - 1

    def _height(self, low: _Point, law: np.ndarray) -> Callable[[float], tuple[float, np.ndarray]]:
        """Of the solution continued from ``low``: ln c on the hill near a law, -1 where the hill is gone; its top."""

        def height(beta: float) -> tuple[float, np.ndarray]:
            point = self.branch(beta, low.atoms)
            high, top = self._summit(beta, point.atoms, law)
            gone = apart(top[None], point.atoms.laws)[0] < 1e-3
            return -1.0 if gone else high, top

        return height

    def _summit(self, beta: float, atoms: Atoms, law: np.ndarray) -> tuple[float, np.ndarray]:
        """ln c at the top of the hill a law stands on, and the top."""
        base = np.log(self.geometry.p_x) - sweep(self.geometry, beta, atoms).log_z
        heights, tops = crept(self.geometry, beta, base, law[None], -np.inf)
        return float(heights[0]), tops[0]

    def _farthest(self, low: _Point, high: _Point) -> np.ndarray:
        """The law of ``high`` that ``low`` has nothing like."""
        return high.atoms.laws[int(apart(high.atoms.laws, low.atoms.laws).argmax())]

    @staticmethod
    def _root(function: Callable[[float], float], ends: list[float]) -> float:
        """Where a function turns positive, between the first ends where it does; infinite where it does not."""
        if function(ends[0]) > 0:
            return ends[0]
        for left, right in itertools.pairwise(ends):
            if function(right) > 0:
                root: Any = brentq(function, left, right, xtol=1e-13, rtol=np.float64(1e-13))
                return float(root)
        return np.inf
