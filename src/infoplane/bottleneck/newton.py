"""A Newton step on weights and laws together, for where plain sweeps crawl.

In scaled coordinates the second derivative of F has one block for every cluster, beta (1 - beta M_t^T M_t) with the
M_t whose singular values decide the cluster's stability, and the blocks meet only through the inputs: eliminating
them leaves an n x n matrix, and then a quadratic programme for the weights, which may not turn negative.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import LinAlgError

from .curvature import moments, own_features, roots, shifted
from .geometry import Atoms, Geometry
from .programme import Factor, best_weights, gram
from .sweeps import Densities, evaluate, pruned, renewed

_LARGEST = 8_000_000  # numbers n x k x labels above which the full step is not worth its time and memory


def newton_fits(geometry: Geometry, atoms: Atoms) -> bool:
    """Whether the problem is small enough for the full step."""
    return len(geometry.p_x) * atoms.laws.size <= _LARGEST


def reweighted(geometry: Geometry, beta: float, atoms: Atoms, steps: int) -> Atoms:
    """Best weights for these laws: convex, by Newton steps on the simplex with a guard."""
    densities = evaluate(geometry, beta, atoms)
    for _ in range(steps):
        slope = geometry.p_x @ densities.ratio - 1
        if slope.max() < 1e-14:
            break
        second = gram(np.sqrt(geometry.p_x)[:, None] * densities.ratio)
        mass = _guarded(geometry, atoms.mass, best_weights(second, atoms.mass, slope), densities.ratio)
        if mass is None:
            break
        before = densities.free_energy
        atoms = Atoms(mass, atoms.laws)
        densities = evaluate(geometry, beta, atoms)
        if before - densities.free_energy < 1e-15:
            break
    return pruned(atoms, 1e-5 * geometry.light)


def _guarded(geometry: Geometry, mass: np.ndarray, target: np.ndarray, ratio: np.ndarray) -> np.ndarray | None:
    """The furthest of some points on the way to new weights at which F is not higher; None where there is none."""
    change = ratio @ (target - mass)
    length = 1.0
    for _ in range(12):
        inside = 1 + length * change
        if (inside > 0).all():
            moved_mass = np.maximum(mass + length * (target - mass), 0)
            total = moved_mass.sum()
            if -float(geometry.p_x @ np.log(inside)) + float(np.log(total)) <= 0:
                return moved_mass / total
        length *= 0.4
    return None


def direction(
    geometry: Geometry, beta: float, atoms: Atoms, densities: Densities
) -> tuple[np.ndarray, np.ndarray] | None:
    """Newton's change of the weights (k,) and of the logarithms of the laws (k, n_y); None where it cannot be had."""
    n, k, labels = len(geometry.p_x), *atoms.laws.shape
    ratio, laws = densities.ratio, atoms.laws
    encoder = ratio * atoms.mass
    weights = geometry.p_x[:, None] * encoder
    mass, own = weights.sum(axis=0), own_features(geometry, laws)
    frames = geometry.frames(laws)
    first, second = moments(geometry.coordinates, weights, own)
    blocks = (frames @ second @ frames.transpose(0, 2, 1)) * (-(beta**2) / mass)[:, None, None]
    blocks[:, np.arange(labels), np.arange(labels)] += beta
    inverse_root = _inverse_roots(blocks, beta)
    slope = -beta * np.einsum("tyz,tz->ty", frames, first)
    u = (np.einsum("tyz,tz->ty", inverse_root, slope) / np.sqrt(mass)[:, None]).ravel()
    # How each law's whitened coordinates change each input's ln Z.
    maps = (inverse_root @ frames) * (beta / np.sqrt(mass))[:, None, None]
    coupled = (geometry.coordinates @ maps.reshape(k * labels, labels).T).reshape(n, k, labels)
    coupled -= np.einsum("tyz,tz->ty", maps, own)
    coupled *= encoder[:, :, None]
    coupled = coupled.reshape(n, k * labels)
    pull = coupled @ u
    try:
        solve = _eliminated(coupled, geometry.p_x)
        solved = solve(np.column_stack([ratio, pull]))
        downhill = geometry.p_x @ ratio - 1 + ratio.T @ solved[:, -1]
        change = best_weights(ratio.T @ solved[:, :-1], atoms.mass, downhill) - atoms.mass
    except LinAlgError:
        return None
    z = solve(ratio @ change - pull)
    v = -(u + coupled.T @ z).reshape(k, labels) / np.sqrt(mass)[:, None]
    move = np.einsum("tzy,tz->ty", inverse_root, v) / roots(laws)
    return (change, move) if np.isfinite(change).all() and np.isfinite(move).all() else None


def _eliminated(coupled: np.ndarray, p_x: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Multiplication by (diag(1 / p(x)) + B B')^-1 for an (n, m) B, by a factor of the smaller of n x n and m x m.

    Raises:
        LinAlgError: it is not positive definite to rounding.
    """
    n, m = coupled.shape
    if 2 * m > n:
        matrix = gram(coupled.T)
        matrix[np.diag_indices(n)] += 1 / p_x
        return Factor(matrix)
    root = np.sqrt(p_x)
    scaled = root[:, None] * coupled
    matrix = gram(scaled)
    matrix[np.diag_indices(m)] += 1.0
    inner = Factor(matrix)

    def solve(right: np.ndarray) -> np.ndarray:
        half = (right.T * root).T
        return ((half - scaled @ inner(scaled.T @ half)).T * root).T

    return solve


def _inverse_roots(blocks: np.ndarray, beta: float) -> np.ndarray:
    """(k, n_y, n_y) L^-1 of every block L L'; where one is not positive, of the block with positive eigenvalues."""
    try:
        return np.linalg.inv(np.linalg.cholesky(blocks - 1e-9 * beta * np.eye(blocks.shape[1])))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(blocks)
        return (vectors / np.sqrt(np.maximum(np.abs(values), 1e-3 * beta))[:, None, :]).transpose(0, 2, 1)


def moved(atoms: Atoms, change: np.ndarray, move: np.ndarray, length: float, least: float) -> Atoms:
    """Atoms after a part of a Newton step; weights below ``least`` leave."""
    mass = atoms.mass + length * change
    keep = mass > min(least, mass.max() / 2)
    return Atoms(mass[keep] / mass[keep].sum(), shifted(atoms.laws[keep], length * move[keep], 3.0))


def newton(geometry: Geometry, beta: float, atoms: Atoms, steps: int, precise: float = 2e-9) -> tuple[Atoms, float]:
    """Up to ``steps`` guarded steps: none is taken unless F is then at most what a plain sweep gives.

    They end where no c(r_t) differs from 1 by more than ``precise``; the laws may still move.

    Returns:
        The atoms and their F.
    """
    densities = evaluate(geometry, beta, atoms)
    for _ in range(steps):
        if np.abs(1 - geometry.p_x @ densities.ratio).max() < precise:
            break
        best = renewed(geometry, atoms, densities)
        best_densities = evaluate(geometry, beta, best)
        found = direction(geometry, beta, atoms, densities)
        length = 1.0
        for _ in range(6 if found is not None else 0):
            trial = moved(atoms, *found, length, 1e-3 * geometry.light)  # type: ignore[misc]
            trial_densities = evaluate(geometry, beta, trial)
            if trial_densities.free_energy <= best_densities.free_energy + 1e-14:
                best, best_densities = trial, trial_densities
                break
            length *= 0.4
        atoms, densities = best, best_densities
    return atoms, densities.free_energy
