"""The onset: below which beta one cluster for everything is best, and where it stops being even locally stable."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from .annealed import trivial_atoms
from .curvature import climbed
from .geometry import Arithmetic, Atoms, Geometry


def onset_and_first(geometry: Geometry, starts: np.ndarray) -> tuple[float, float]:
    """The global onset and the first local critical beta."""
    if len(geometry.p_x) == 1:
        return np.inf, np.inf
    trivial = trivial_atoms(geometry)
    widest = float(spreads(geometry, trivial, geometry.p_x[:, None])[0])
    first = 1 / widest if widest > 1e-15 else np.inf
    # No cluster gains more about Y than it costs: below 1 the trivial solution of the bottleneck is always optimal.
    floor = 1.0 if isinstance(geometry, Arithmetic) else 0.0
    return max(min(_least_ratio(geometry, trivial, starts), first), floor), max(first, floor)


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


def _least_ratio(geometry: Geometry, trivial: Atoms, starts: np.ndarray) -> float:
    """inf over w of KL(w || p) / sum_x w (d(x, r_0) - d(x, r_w)): each step of the ascent lowers the ratio.

    All starts for a few steps, then the best of them, and Newton steps for the last digits.
    """
    p_x, n = geometry.p_x, len(geometry.p_x)
    base = geometry.distances(trivial.laws)
    near = geometry.distances(starts)
    spread = np.exp(-2.0 * (near - near.min(axis=0))) * p_x[:, None]
    weights = np.hstack([np.eye(n), spread / spread.sum(axis=0)])
    least = np.inf
    for keep in (*(n + len(starts),) * 2, *(256,) * 8, *(8,) * 40):
        laws = geometry.centres(weights, weights.sum(axis=0))
        nearer = base - geometry.distances(laws)
        ratio = _ratios(p_x, weights, nearer)
        if not np.isfinite(ratio).any():
            return least
        few = np.argsort(ratio)[:keep]
        few = few[np.isfinite(ratio[few])]
        least = min(least, float(ratio[few[0]]))
        weights = _tilted(p_x, ratio[few], nearer[:, few])
    law = geometry.centres(weights[:, :1], weights[:, :1].sum(axis=0))
    for _ in range(60):
        shares = _tilted(p_x, least, base - geometry.distances(law))
        law = climbed(geometry, least, law, shares)
        nearer = base - geometry.distances(law)
        ratio = float(_ratios(p_x, _tilted(p_x, least, nearer), nearer)[0])
        if not least - ratio > 1e-15 * least:
            break
        least = ratio
    return least


def _tilted(p_x: np.ndarray, beta: float | np.ndarray, nearer: np.ndarray) -> np.ndarray:
    """(n, s) laws of x proportional to p(x) e^(beta nearer)."""
    exponent = beta * nearer
    weights = np.exp(exponent - exponent.max(axis=0)) * p_x[:, None]
    return weights / weights.sum(axis=0)


def _ratios(p_x: np.ndarray, weights: np.ndarray, nearer: np.ndarray) -> np.ndarray:
    """(s,) cost over gain; infinite for laws close to p(x), which give the local critical beta and rounding errors."""
    gain = (weights * nearer).sum(axis=0)
    cost = xlogy(weights, weights / p_x[:, None]).sum(axis=0)
    return np.divide(cost, gain, out=np.full(len(gain), np.inf), where=(gain > 1e-9) & (cost > 1e-9))
