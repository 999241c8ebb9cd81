"""How far from the global optimum: the Kuhn-Tucker condition of rate distortion over all laws on Y.

A solution is globally optimal if and only if c(r) = sum_x p(x) exp(-beta d(x, r)) / Z(x) is at most 1 for every law
r, and for any weights and laws, F - F_opt <= ln max_r c(r). The maximum is searched by a monotone ascent from many
starts, so the bound is as good as that search: the rows p(y|x), the solution's own laws, means of random groups of
inputs from pairs to all, random laws, and for two labels a grid that leaves nothing out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .blocks import each
from .curvature import climbed, divided
from .geometry import Atoms, Geometry, apart
from .sweeps import UNDERFLOW, sweep

_BLOCK = 1 << 18  # numbers of a block of starts, so that it stays in the cache
_STEPS = 30  # of the ascent, and twice as many of its Newton form
_CREEPING = 8  # starts of a block that are worth Newton steps
_BESIDE = 0.02  # difference in square roots within which an ascent ends at a stable law
_BENDING = 300_000_000  # multiplications for second derivatives that are no burden
_SAME = 1e-2  # difference of laws that are the same start
SMALL = 512  # entries of a merged table that is small
TOLERANCE = 1e-7  # nats; a gap above it is repaired where possible


class Peaks(NamedTuple):
    """Local maxima of ln c, highest first.

    Attributes:
        heights: (s,) ln c.
        laws: (s, n_y) where.
        starts: how many starts were climbed from.
    """

    heights: np.ndarray
    laws: np.ndarray
    starts: int

    @property
    def gap(self) -> float:
        """ln max c, at least 0 (the solution's own laws have a mean c of 1)."""
        return max(float(self.heights[0]), 0.0)


def tolerance(geometry: Geometry, beta: float) -> float:
    """The gap to which a problem is worked: rounding on small tables, where that costs little; see ``TOLERANCE``."""
    return max(1e-13, 2e-15 * beta) if geometry.rows.size <= SMALL else TOLERANCE


def fixed_starts(geometry: Geometry, groups: int, seed: int) -> np.ndarray:
    """Starts that do not depend on the solution: rows, first; means of random groups of inputs; random laws."""
    n, labels = geometry.rows.shape
    generator = np.random.default_rng(seed)
    weights = np.zeros((n, groups))
    for column, size in enumerate(np.geomspace(min(2, n), n, groups).astype(int)):
        weights[generator.choice(n, size, replace=False), column] = 1
    weights *= geometry.p_x[:, None]
    means = geometry.centres(weights, weights.sum(axis=0))
    return np.vstack([geometry.rows, means, generator.dirichlet(np.full(labels, 0.5), size=groups)])


def _lattice(labels: int) -> np.ndarray:
    """(s, labels) laws that leave no region out, for two to four labels; none for more."""
    steps = {2: 4000, 3: 60, 4: 18}.get(labels)
    if steps is None:
        return np.empty((0, labels))
    inner = np.indices((steps - 1,) * (labels - 1)).reshape(labels - 1, -1).T + 1
    inner = inner[inner.sum(axis=1) < steps]
    return np.column_stack([inner, steps - inner.sum(axis=1)]) / steps


def _hills(geometry: Geometry, beta: float, log_z: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    """Points of the lattice worth climbing from: local maxima on a line, the highest elsewhere."""
    if len(lattice) == 0:
        return lattice
    heights, _, _ = _heights(geometry, beta, np.log(geometry.p_x) - log_z, lattice)
    if lattice.shape[1] == 2:
        padded = np.concatenate([[-np.inf], heights, [-np.inf]])
        return lattice[(heights >= padded[:-2]) & (heights >= padded[2:])]
    return lattice[np.argsort(-heights)[:64]]


def _heights(
    geometry: Geometry, beta: float, base: np.ndarray, laws: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(s,) ln c of laws, and the (n, s) weights of the inputs there with their sums."""
    exponent = geometry.distances(laws)
    exponent *= -beta
    exponent += base[:, None]
    top = exponent.max(axis=0)
    exponent -= top
    np.maximum(exponent, UNDERFLOW, out=exponent)
    np.exp(exponent, out=exponent)
    total = exponent.sum(axis=0)
    return np.log(total) + top, exponent, total


def _climb(
    geometry: Geometry, beta: float, log_z: np.ndarray, laws: np.ndarray, worth: float, stable: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ascend ln c from every start: w_x ~ p(x) exp(-beta d(x, r)) / Z(x), then r the centre of w.

    A start is left where it cannot come above ``worth`` any more at its present pace, and where it has come to one
    of the ``stable`` laws, maxima at which ln c is 0; the few that creep are taken on by Newton steps.

    Returns:
        (s,) ln c and (s, n_y) laws.
    """
    laws = laws.copy()
    heights = np.full(len(laws), -np.inf)
    height = gain = heights
    base = np.log(geometry.p_x) - log_z
    climbing = np.arange(len(laws))
    for step in range(_STEPS):
        height, weights, total = _heights(geometry, beta, base, laws[climbing])
        gain = height - heights[climbing]
        heights[climbing] = height
        going = (gain > 0.1 * worth) & (height + 60 * gain > worth) if step > 1 else np.ones(len(climbing), dtype=bool)
        laws[climbing] = geometry.centres(weights, total)
        climbing, height, gain = climbing[going], height[going], gain[going]
        if step in (6, 14) and len(climbing) > 16:
            climbing = _distinct(laws, heights, climbing)
            climbing = climbing[apart(laws[climbing], stable) > _BESIDE]
        if len(climbing) == 0:
            return heights, laws
    # Not the highest, which mostly creep towards a cluster's own 0, but those that may come furthest.
    promise = np.where(apart(laws[climbing], stable) > _BESIDE, height + 60 * gain, -np.inf)
    climbing = climbing[np.argsort(-promise)[:_CREEPING]]
    if _bends_quickly(geometry, len(climbing)):
        heights[climbing], laws[climbing] = crept(geometry, beta, base, laws[climbing], worth)
    return heights, laws


def _bends_quickly(geometry: Geometry, laws: int) -> bool:
    """Whether second derivatives at so many laws cost little beside the ascent itself."""
    n, labels = geometry.rows.shape
    return labels <= 64 and laws * labels**2 * (n + labels) <= _BENDING


def crept(
    geometry: Geometry, beta: float, base: np.ndarray, laws: np.ndarray, worth: float
) -> tuple[np.ndarray, np.ndarray]:
    """The ascent continued: at each step the higher of the plain and the Newton step, until ``worth`` is out of reach.

    Returns:
        (s,) ln c and (s, n_y) laws.
    """
    laws = laws.copy()
    heights, weights, total = _heights(geometry, beta, base, laws)
    climbing, least = np.arange(len(laws)), 0.1 * worth if np.isfinite(worth) else 1e-9
    for _ in range(2 * _STEPS):
        shares = weights / total
        plain = geometry.centres(shares, np.ones(len(climbing)))
        both = np.vstack([plain, climbed(geometry, beta, laws[climbing], shares)])
        height, weights, total = _heights(geometry, beta, base, both)
        half = len(climbing)
        better = np.arange(half) + half * (height[half:] > height[:half])
        gain = height[better] - heights[climbing]
        heights[climbing], laws[climbing] = height[better], both[better]
        going = (gain > least) & (height[better] + 60 * gain > worth)
        climbing, weights, total = climbing[going], weights[:, better[going]], total[better[going]]
        if len(climbing) == 0:
            break
    return heights, laws


def _distinct(laws: np.ndarray, heights: np.ndarray, climbing: np.ndarray) -> np.ndarray:
    """Highest first, one of those starts that have come to the same place, give or take 1e-3 in roots."""
    ordered = climbing[np.argsort(-heights[climbing])]
    _, first = np.unique(np.round(np.sqrt(laws[ordered]) * 500), axis=0, return_index=True)
    return ordered[np.sort(first)]


def peaks(geometry: Geometry, beta: float, atoms: Atoms, starts: np.ndarray, near: bool = True) -> Peaks:
    """The maxima of ln c found from the given starts, the solution's own laws, and a lattice for few labels.

    ``near`` looks for clusters that are about to divide, too: c has a saddle at their laws, which an ascent leaves
    slowly.
    """
    log_z, worth = sweep(geometry, beta, atoms).log_z, tolerance(geometry, beta)
    lattice = _lattice(geometry.rows.shape[1])
    # On a line the hills of a fine lattice are all there are.
    chosen = starts if lattice.shape[1] != 2 or len(lattice) == 0 else starts[:0]
    if atoms.laws.shape == geometry.rows.shape and np.abs(atoms.laws - geometry.rows).max() < _SAME:
        chosen = chosen[len(geometry.rows) :]  # the rows come first, and are climbed from as the clusters' laws
    beside, stable = atoms.laws[:0], atoms.laws[: 0 if near else None]
    if near and _bends_quickly(geometry, len(atoms.mass)):
        beside, safe = divided(geometry, beta, atoms)
        stable = atoms.laws[safe]
    every = np.vstack([chosen, atoms.laws, _hills(geometry, beta, log_z, lattice)])
    width = max(_BLOCK // len(geometry.p_x), 16)
    blocks = [every[first : first + width] for first in range(0, len(every), width)]
    found = each(lambda laws: _climb(geometry, beta, log_z, laws, worth, stable), blocks, every.size * 8)
    if len(beside):  # slow beyond all others, and for a reason: they are the likeliest to arrive somewhere
        found.append(crept(geometry, beta, np.log(geometry.p_x) - log_z, beside, worth))
    heights, laws = (np.concatenate([part[i] for part in found]) for i in (0, 1))
    order = np.argsort(-heights)
    return Peaks(heights[order], laws[order], len(chosen) + len(atoms.mass) + len(lattice))
