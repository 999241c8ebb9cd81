"""Second derivatives of ln c: Newton steps uphill, and clusters that are about to divide."""

from __future__ import annotations

import numpy as np

from .geometry import Atoms, Geometry
from .sweeps import evaluate


def moments(features: np.ndarray, weights: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For (n, k) weights, sums of the features less a centre (k, n_y), and of their products (k, n_y, n_y)."""
    total, first = weights.sum(axis=0), weights.T @ features
    second = np.einsum("nk,ny->kyn", weights, features) @ features
    second -= first[:, :, None] * centres[:, None, :] + centres[:, :, None] * first[:, None, :]
    second += total[:, None, None] * centres[:, :, None] * centres[:, None, :]
    return first - total[:, None] * centres, second


def own_features(geometry: Geometry, laws: np.ndarray) -> np.ndarray:
    """(k, n_y) the laws' own features."""
    return laws if geometry.coordinates is geometry.rows else np.log(np.maximum(laws, 1e-300))


def _curvature(geometry: Geometry, beta: float, laws: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope (s, n_y) of ln c and minus its second derivative (s, n_y, n_y), in scaled coordinates."""
    mean = shares.T @ geometry.coordinates
    frames = geometry.frames(laws)
    _, second = moments(geometry.coordinates, shares, mean)
    blocks = -(beta**2) * (frames @ second @ frames.transpose(0, 2, 1))
    blocks[:, np.arange(laws.shape[1]), np.arange(laws.shape[1])] += beta
    slope = beta * np.einsum("syz,sz->sy", frames, mean - own_features(geometry, laws))
    return slope, blocks


def _all_above(blocks: np.ndarray, least: float) -> bool:
    """Whether no block has an eigenvalue below ``least``; for a twentieth of the cost of finding them."""
    try:
        np.linalg.cholesky(blocks - least * np.eye(blocks.shape[1]))
    except np.linalg.LinAlgError:
        return False
    return True


def shifted(laws: np.ndarray, change: np.ndarray, most: float) -> np.ndarray:
    """Laws after a change of their logarithms, clipped."""
    shift = np.clip(change, -most, most)
    found = laws * np.exp(shift - shift.max(axis=1, keepdims=True))
    return found / found.sum(axis=1, keepdims=True)


def roots(laws: np.ndarray) -> np.ndarray:
    """(k, n_y) square roots of the laws, by which coordinates are scaled; nowhere 0."""
    return np.sqrt(np.maximum(laws, 1e-300))


def climbed(geometry: Geometry, beta: float, laws: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """(s, n_y) laws after a Newton step uphill on ln c, for (n, s) weights of the inputs that sum to one."""
    slope, blocks = _curvature(geometry, beta, laws, shares)
    if _all_above(blocks, 1e-6 * beta):
        step = np.linalg.solve(blocks, slope[:, :, None])[:, :, 0]
    else:
        values, vectors = np.linalg.eigh(blocks)
        step = np.einsum("szy,sz->sy", vectors, slope) / np.maximum(np.abs(values), 1e-6 * beta)
        step = np.einsum("syz,sz->sy", vectors, step)
    return shifted(laws, step / roots(laws), 2.0)


def divided(geometry: Geometry, beta: float, atoms: Atoms) -> tuple[np.ndarray, np.ndarray]:
    """Laws (2 s, n_y) on both sides of every cluster that is unstable, along its least stable direction.

    Returns:
        They, and (k,) which clusters are stable with some reserve.
    """
    densities = evaluate(geometry, beta, atoms)
    weights = densities.ratio * geometry.p_x[:, None]
    _, blocks = _curvature(geometry, beta, atoms.laws, weights / weights.sum(axis=0))
    if _all_above(blocks, 0.02 * beta):
        return atoms.laws[:0], np.ones(len(atoms.mass), dtype=bool)
    values, vectors = np.linalg.eigh(blocks)
    loose = values[:, 0] < 1e-9 * beta
    push = 0.3 * vectors[loose, :, 0] / roots(atoms.laws[loose])
    beside = np.vstack([shifted(atoms.laws[loose], side * push, 1.0) for side in (-1, 1)])
    return beside, values[:, 0] > 0.02 * beta
