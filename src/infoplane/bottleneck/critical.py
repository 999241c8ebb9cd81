"""Where clusters split: the local critical betas, and the global onset, which can come earlier."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import xlogy

from ..errors import InputError
from ..threads import one_blas_thread
from .anneal import Settled, Tally, settle, start
from .annealed import GROUPS, IB, Annealed, solve_atoms, trivial_atoms
from .base import Method
from .certificate import fixed_starts, peaks
from .geometry import Atoms, Geometry, logs
from .joint import Joint
from .sweeps import encoder

_RESOLVED = 1e-4  # relative width of an interval of beta in which several clusters may split at once
_CERTIFIED = 1e-10  # nats of a gap below which the solution under a split is still the optimum


@dataclass(frozen=True)
class Split:
    """One step of the bifurcation tree, as beta grows.

    Attributes:
        beta: where the optimum changes.
        local: where the solution below it loses its stability, 1/s^2 of its least stable cluster; larger than
            ``beta`` where the change is a jump, infinite where the solution stays stable.
        n_clusters: their number below and above.
        jump: whether the informations jump there.
        law: (n_y,) p(y|t) of the cluster below that is least stable.
    """

    beta: float
    local: float
    n_clusters: tuple[int, int]
    jump: bool
    law: np.ndarray


@dataclass(frozen=True)
class CriticalBetas:
    """The critical betas of a problem.

    Attributes:
        onset: below it one cluster for everything is globally optimal; infinite where X tells nothing about Y.
        first: where that one cluster loses its local stability; onset <= first, and the first transition is a jump
            where onset < first.
        splits: all splits found along the optimum, beta rising; the first is the onset.
        complete: False where the limit on solutions ended the search before every split was told apart.
    """

    onset: float
    first: float
    splits: tuple[Split, ...]
    complete: bool

    @property
    def all(self) -> np.ndarray:
        """(splits,) their betas, rising."""
        return np.array([split.beta for split in self.splits])


def critical_betas(joint: Joint, method: Method | None = None, *, limit: int = 400, seed: int = 0) -> CriticalBetas:
    """All betas at which the optimum's clusters change.

    A cluster t is stable while beta s^2 < 1, s the largest singular value of its scaled, centred table: for the
    bottleneck sqrt(p(x|t)) (p(y|x) - p(y|t)) / sqrt(p(y|t)), for the dual sqrt(p(x|t)) ln p(y|x) sqrt(p(y|t)),
    centred over x and y. At the trivial solution of the bottleneck s is the maximal correlation of X and Y. The
    onset is the least KL(w || p(x)) / (decrease of the mean distance) over laws w of X, searched from many starts.

    Args:
        joint: the problem.
        method: :class:`IB` if None, or :class:`DualIB`.
        limit: most solutions computed to tell splits apart.
        seed: of random starts.

    Returns:
        CriticalBetas.

    Raises:
        InputError: another method.
    """
    chosen = IB() if method is None else method
    if not isinstance(chosen, Annealed):
        raise InputError(f"critical_betas knows IB() and DualIB(), got {chosen.name}: it has no critical betas.")
    return _critical(chosen.geometry(joint), limit, seed)


@one_blas_thread
def _critical(geometry: Geometry, limit: int, seed: int) -> CriticalBetas:
    starts = fixed_starts(geometry, GROUPS, seed)
    onset, first = onset_and_first(geometry, starts)
    if not np.isfinite(onset):
        return CriticalBetas(onset, first, (), True)
    search = _Search(geometry, starts, onset, first, limit)
    trivial = Settled(trivial_atoms(geometry), 0.0, 0.0, True)
    search.between(_Point(onset * (1 - 1e-9), trivial), search.top())
    return CriticalBetas(onset, first, tuple(search.splits), search.complete)


def onset_and_first(geometry: Geometry, starts: np.ndarray) -> tuple[float, float]:
    """The global onset and the first local critical beta."""
    if len(geometry.p_x) == 1:
        return np.inf, np.inf
    trivial = trivial_atoms(geometry)
    widest = float(spreads(geometry, trivial, geometry.p_x[:, None])[0])
    first = 1 / widest if widest > 1e-15 else np.inf
    return min(_least_ratio(geometry, trivial, starts), first), first


def spreads(geometry: Geometry, atoms: Atoms, weights: np.ndarray) -> np.ndarray:
    """(k,) s_t^2 of every cluster: the largest eigenvalue of the scaled covariance of its features."""
    features = geometry.coordinates
    share = weights / weights.sum(axis=0)
    frames = geometry.frames(atoms.laws)
    found = np.empty(len(atoms.mass))
    for t in range(len(found)):
        there = share[:, t] > 1e-300
        own = share[there, t]
        centred = features[there] - own @ features[there]
        found[t] = np.linalg.norm((np.sqrt(own)[:, None] * centred) @ frames[t].T, 2) ** 2
    return found


def _least_ratio(geometry: Geometry, trivial: Atoms, starts: np.ndarray, steps: int = 4000) -> float:
    """inf over w of KL(w || p) / sum_x w (d(x, r_0) - d(x, r_w)): each step of the ascent lowers the ratio."""
    p_x = geometry.p_x
    base = geometry.distances(trivial.laws)
    n = len(p_x)
    weights = np.zeros((n, n))
    weights[np.arange(n), np.arange(n)] = 1.0
    spread = np.exp(-2.0 * (geometry.distances(starts) - geometry.distances(starts).min(axis=0))) * p_x[:, None]
    weights = np.hstack([weights, spread / spread.sum(axis=0)])
    least = last = np.inf
    for step in range(steps):
        laws = geometry.centres(weights, weights.sum(axis=0))
        nearer = base - geometry.distances(laws)
        gain = (weights * nearer).sum(axis=0)
        cost = xlogy(weights, weights / p_x[:, None]).sum(axis=0)
        # A law w close to p(x) gives the local critical beta, which is known, and a ratio of rounding errors.
        real = (gain > 1e-9) & (cost > 1e-9)
        if not real.any():
            break
        nearer, ratio = nearer[:, real], cost[real] / gain[real]
        least = min(least, float(ratio.min()))
        if step % 50 == 10:
            if last - least < 1e-15 * least:
                break
            last = least
            few = np.argsort(ratio)[:8]
            nearer, ratio = nearer[:, few], ratio[few]
        exponent = ratio * nearer
        exponent -= exponent.max(axis=0)
        weights = np.exp(exponent) * p_x[:, None]
        weights /= weights.sum(axis=0)
    return least


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

    def __init__(self, geometry: Geometry, starts: np.ndarray, onset: float, first: float, limit: int) -> None:
        self.geometry, self.starts, self.onset, self.first, self.left = geometry, starts, onset, first, limit
        self.splits: list[Split] = []
        self.complete = True

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
        """A solution with a cluster for every input, so far up that there is nothing left to split."""
        beta = 4 * self.onset
        atoms = start(self.geometry)
        while True:
            point = self.solved(beta, atoms)
            if point.k == len(self.geometry.p_x) or beta > 1e6:
                return point
            beta *= 4

    def between(self, low: _Point, high: _Point) -> None:
        """Find the splits from ``low`` to ``high``."""
        if high.k == low.k:
            return
        if abs(high.k - low.k) == 1 or high.beta < low.beta * (1 + _RESOLVED):
            self.splits.append(self._placed(low, high))
            return
        if self.left <= 0:
            self.complete = False
            return
        middle = self.solved(float(np.sqrt(low.beta * high.beta)), high.atoms)
        self.between(low, middle)
        self.between(middle, high)

    def _placed(self, low: _Point, high: _Point) -> Split:
        """Where the optimum changes from one to the other."""
        law = low.atoms.laws[self.instability(low)[1]]
        if low.k == 1:
            return Split(self.onset, self.first, (1, high.k), self.onset < self.first * (1 - 1e-9), law)
        local = self._local(low, high)
        if np.isfinite(local):
            below = self.branch(local * (1 - 1e-9), low.atoms)
            if below.k == low.k and peaks(self.geometry, below.beta, below.atoms, self.starts).gap < _CERTIFIED:
                return Split(local, local, (low.k, high.k), False, law)
        return Split(self._crossing(low, high), local, (low.k, high.k), True, law)

    def _local(self, low: _Point, high: _Point) -> float:
        """Where the solution below loses its stability; infinite if it has not by twice the beta above."""

        def excess(beta: float) -> float:
            return self.instability(self.branch(beta, low.atoms))[0] - 1

        ends = [low.beta, *np.geomspace(high.beta, 2 * high.beta, 4)]
        signs = [excess(ends[0])]
        if signs[0] > 0:
            return ends[0]
        for left, right in itertools.pairwise(ends):
            if excess(right) > 0:
                return float(brentq(excess, left, right, xtol=1e-13, rtol=1e-13))  # type: ignore[arg-type]
        return np.inf

    def _crossing(self, low: _Point, high: _Point) -> float:
        """Where the costs of the two branches are equal: I(X;T) + beta E[d] is a line for a fixed encoder."""
        beta = high.beta
        for _ in range(50):
            (rate_low, far_low), (rate_high, far_high) = self._line(low), self._line(high)
            if far_low - far_high < 1e-14:
                break
            before, beta = beta, (rate_high - rate_low) / (far_low - far_high)
            if abs(beta - before) <= 1e-13 * beta:
                break
            low, high = self.branch(beta, low.atoms), self.branch(beta, high.atoms)
        return float(beta)

    def _line(self, point: _Point) -> tuple[float, float]:
        """(I(X;T), E[d]) of the encoder."""
        found = encoder(self.geometry, point.beta, point.atoms)
        weights = self.geometry.p_x[:, None] * found
        mass = weights.sum(axis=0)
        distance = float((weights * self.geometry.distances(point.atoms.laws)).sum())
        return float((weights * (logs(found) - logs(mass))).sum()), distance
