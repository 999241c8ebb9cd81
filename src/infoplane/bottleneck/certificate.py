"""How far from the global optimum: the Kuhn-Tucker condition of rate distortion over all laws on Y.

A solution is globally optimal if and only if c(r) = sum_x p(x) exp(-beta d(x, r)) / Z(x) is at most 1 for every law
r, and for any weights and laws, F - F_opt <= ln max_r c(r). The maximum is searched by a monotone ascent from many
starts, so the bound is as good as that search: the rows p(y|x), the solution's own laws, means of random groups of
inputs from pairs to all, random laws, and for two labels a grid that leaves nothing out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .geometry import Atoms, Geometry
from .sweeps import evaluate

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


def fixed_starts(geometry: Geometry, groups: int, seed: int) -> np.ndarray:
    """Starts that do not depend on the solution: rows, means of random groups of inputs and of all, random laws."""
    n, labels = geometry.rows.shape
    generator = np.random.default_rng(seed)
    sizes = np.unique(np.geomspace(2, max(n, 2), groups).astype(int), return_counts=True)
    weights = np.zeros((n, groups))
    column = 0
    for size, count in zip(*sizes, strict=True):
        for _ in range(count):
            weights[generator.choice(n, min(size, n), replace=False), column] = 1
            column += 1
    weights *= geometry.p_x[:, None]
    found = [geometry.rows, geometry.centres(weights, weights.sum(axis=0))]
    if labels == 2:
        along = np.linspace(0.0, 1.0, 2001)[1:-1]
        found.append(np.column_stack([along, 1 - along]))
    else:
        found.append(generator.dirichlet(np.full(labels, 0.5), size=groups))
    return np.vstack(found)


def climb(
    geometry: Geometry, beta: float, log_z: np.ndarray, laws: np.ndarray, steps: int, worth: float
) -> tuple[np.ndarray, np.ndarray]:
    """Ascend ln c from every start: w_x ~ p(x) exp(-beta d(x, r)) / Z(x), then r the centre of w.

    A start is left where it cannot come above ``worth`` any more at its present pace.

    Returns:
        (s,) ln c and (s, n_y) laws.
    """
    laws = laws.copy()
    heights = np.full(len(laws), -np.inf)
    base = np.log(geometry.p_x) - log_z
    climbing = np.arange(len(laws))
    for step in range(steps):
        exponent = geometry.distances(laws[climbing])
        exponent *= -beta
        exponent += base[:, None]
        top = exponent.max(axis=0)
        exponent -= top
        np.exp(exponent, out=exponent)
        total = exponent.sum(axis=0)
        height = np.log(total) + top
        gain = height - heights[climbing]
        heights[climbing] = height
        if step == steps - 1:
            break
        laws[climbing] = geometry.centres(exponent, total)
        going = (gain > 1e-8) & (height + 60 * gain > worth) if step > 2 else np.ones(len(climbing), dtype=bool)
        climbing = climbing[going]
        if len(climbing) == 0:
            break
    return heights, laws


def peaks(
    geometry: Geometry, beta: float, atoms: Atoms, starts: np.ndarray, steps: int = 60, worth: float = TOLERANCE
) -> Peaks:
    """The maxima of ln c found from the given starts and the solution's own laws."""
    log_z = evaluate(geometry, beta, atoms).log_z
    every = np.vstack([starts, atoms.laws])
    heights, laws = climb(geometry, beta, log_z, every, steps, worth)
    order = np.argsort(-heights)
    return Peaks(heights[order], laws[order], len(every))
