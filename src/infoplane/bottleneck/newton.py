"""A Newton step on weights and laws together, for where plain sweeps crawl.

In scaled coordinates the second derivative of F has one block for every cluster, beta (1 - beta M_t^T M_t) with the
M_t whose singular values decide the cluster's stability, and the blocks meet only through the inputs: eliminating
them leaves an n x n matrix, and then a quadratic programme for the weights, which may not turn negative.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, blas, cho_factor, cho_solve, cholesky, solve_triangular
from scipy.optimize import nnls

from .geometry import Atoms, Geometry
from .sweeps import Densities, evaluate, pruned, renewed

_LARGEST = 8_000_000  # numbers n x k x labels above which the full step is not worth its time and memory


def newton_fits(geometry: Geometry, atoms: Atoms) -> bool:
    """Whether the problem is small enough for the full step."""
    return len(geometry.p_x) * atoms.laws.size <= _LARGEST


def quadratic_programme(matrix: np.ndarray, linear: np.ndarray, limit: int = 40) -> np.ndarray:
    """argmin over u >= 0 of u' M u / 2 - linear' u for a positive definite M, by block principal pivoting.

    Source: Kim & Park 2011 (non-negative least squares by exchanging whole blocks, with a single exchange as backup).
    """
    k = len(linear)
    fixed = np.zeros(k, dtype=bool)
    fewest, patience, u = k + 1, 3, np.zeros(k)
    for _ in range(limit):
        free = ~fixed
        u = np.zeros(k)
        u[free] = _solved(matrix[np.ix_(free, free)] if fixed.any() else matrix, linear[free])
        slack = matrix @ u - linear
        wrong = (free & (u < -1e-14)) | (fixed & (slack < -1e-12))
        count = int(wrong.sum())
        if count == 0:
            break
        if count < fewest:
            fewest, patience = count, 3
            fixed ^= wrong
        elif patience > 0:
            patience -= 1
            fixed ^= wrong
        else:
            last = int(np.flatnonzero(wrong)[-1])
            fixed[last] = not fixed[last]
    else:  # it ran in circles, as it may where many laws are nearly alike
        return _by_least_squares(matrix, linear)
    return np.maximum(u, 0)


def _by_least_squares(matrix: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """The same programme as non-negative least squares: slower, but it ends."""
    spare = np.diag(np.full(len(linear), 1e-12 * np.trace(matrix)))
    root = cholesky(matrix + spare, lower=True)
    return nnls(root.T, solve_triangular(root, linear, lower=True), maxiter=100 * len(linear))[0]


def _solved(matrix: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """M^-1 b of a symmetric M, positive definite up to rounding."""
    try:
        return cho_solve(cho_factor(matrix, check_finite=False), linear, check_finite=False)
    except LinAlgError:
        return np.linalg.solve(matrix, linear)


def _gram(columns: np.ndarray) -> np.ndarray:
    """A' A, at half the cost of a product."""
    half = blas.dsyrk(1.0, columns.T, lower=1)  # pyright: ignore[reportAttributeAccessIssue]
    return np.tril(half) + np.tril(half, -1).T


def weights_step(geometry: Geometry, beta: float, atoms: Atoms, densities: Densities) -> np.ndarray:
    """The weights that minimise the quadratic model of F in the weights alone, laws held."""
    ratio = densities.ratio
    matrix = _gram(np.sqrt(geometry.p_x)[:, None] * ratio)
    scale = np.sqrt(np.diag(matrix))
    matrix /= scale
    matrix /= scale[:, None]
    matrix[np.diag_indices(len(scale))] += 1e-12
    slope = 1 - geometry.p_x @ ratio
    return quadratic_programme(matrix, -slope / scale + matrix @ (atoms.mass * scale)) / scale


def reweighted(geometry: Geometry, beta: float, atoms: Atoms, steps: int = 10, tolerance: float = 1e-9) -> Atoms:
    """Best weights for these laws: convex, by Newton steps on the simplex with a guard."""
    densities = evaluate(geometry, beta, atoms)
    for _ in range(steps):
        if (geometry.p_x @ densities.ratio).max() < 1 + tolerance:
            break
        target = weights_step(geometry, beta, atoms, densities)
        moved = densities.ratio @ (target - atoms.mass)
        length, before = 1.0, densities.free_energy
        for _ in range(12):
            inside = 1 + length * moved
            if (inside > 0).all():
                mass = np.maximum(atoms.mass + length * (target - atoms.mass), 0)
                total = mass.sum()
                change = -float(geometry.p_x @ np.log(inside)) + float(np.log(total))
                if change <= 0:
                    break
            length *= 0.4
        else:
            break
        atoms = Atoms(mass / total, atoms.laws)
        densities = evaluate(geometry, beta, atoms)
        if before - densities.free_energy < 1e-15:
            break
    return pruned(atoms, 1e-5 * geometry.light)


def direction(
    geometry: Geometry, beta: float, atoms: Atoms, densities: Densities
) -> tuple[np.ndarray, np.ndarray] | None:
    """Newton's change of the weights (k,) and of the logarithms of the laws (k, n_y); None where it cannot be had."""
    n, k, labels = len(geometry.p_x), *atoms.laws.shape
    ratio, laws = densities.ratio, atoms.laws
    encoder = ratio * atoms.mass
    weights = geometry.p_x[:, None] * encoder
    mass = weights.sum(axis=0)
    features = geometry.coordinates
    frames = geometry.frames(laws)
    root = np.sqrt(np.maximum(laws, 1e-300))
    # Features centred where the gradient of the distance vanishes: the law's own feature.
    own = laws if features is geometry.rows else np.log(np.maximum(laws, 1e-300))
    first = weights.T @ features - mass[:, None] * own
    second = np.einsum("nt,ny->tyn", weights, features) @ features
    mean = weights.T @ features
    second -= mean[:, :, None] * own[:, None, :] + own[:, :, None] * mean[:, None, :]
    second += mass[:, None, None] * own[:, :, None] * own[:, None, :]
    second /= mass[:, None, None]
    blocks = -(beta**2) * (frames @ second @ frames.transpose(0, 2, 1))
    blocks[:, np.arange(labels), np.arange(labels)] += beta
    slope = -beta * np.einsum("tyz,tz->ty", frames, first)
    inverse_root = _inverse_roots(blocks, beta)
    maps = (inverse_root @ frames) * (beta / np.sqrt(mass))[:, None, None]
    coupled = (features @ maps.reshape(k * labels, labels).T).reshape(n, k, labels)
    coupled -= np.einsum("tyz,tz->ty", maps, own)
    coupled *= encoder[:, :, None]
    coupled = coupled.reshape(n, k * labels)
    u = (np.einsum("tyz,tz->ty", inverse_root, slope) / np.sqrt(mass)[:, None]).ravel()
    through = blas.dsyrk(1.0, coupled.T, trans=1, lower=1)  # pyright: ignore[reportAttributeAccessIssue]
    through[np.diag_indices(n)] += 1 / geometry.p_x
    pull = coupled @ u
    try:
        factor = cho_factor(through, lower=True, overwrite_a=True, check_finite=False)
        solved = cho_solve(factor, np.column_stack([ratio, pull]), check_finite=False)
        matrix = ratio.T @ solved[:, :-1]
        scale = np.sqrt(np.diag(matrix))
        matrix = matrix / scale / scale[:, None]
        matrix[np.diag_indices(k)] += 1e-12
        linear = (-(1 - geometry.p_x @ ratio) + ratio.T @ solved[:, -1]) / scale + matrix @ (atoms.mass * scale)
        change = quadratic_programme(matrix, linear) / scale - atoms.mass
    except (LinAlgError, np.linalg.LinAlgError):
        return None
    z = cho_solve(factor, ratio @ change - pull, check_finite=False)
    v = -(u + coupled.T @ z).reshape(k, labels) / np.sqrt(mass)[:, None]
    move = np.einsum("tzy,tz->ty", inverse_root, v) / root
    if not (np.isfinite(change).all() and np.isfinite(move).all()):
        return None
    return change, move


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
    shift = np.clip(length * move[keep], -3, 3)
    shift -= shift.max(axis=1, keepdims=True)
    laws = atoms.laws[keep] * np.exp(shift)
    return Atoms(mass[keep] / mass[keep].sum(), laws / laws.sum(axis=1, keepdims=True))


def newton(geometry: Geometry, beta: float, atoms: Atoms, steps: int) -> tuple[Atoms, float]:
    """Up to ``steps`` guarded steps: none is taken unless F is then at most what a plain sweep gives.

    Returns:
        The atoms and their F.
    """
    densities = evaluate(geometry, beta, atoms)
    for _ in range(steps):
        before = densities.free_energy
        best = renewed(geometry, atoms, densities)
        best_densities = evaluate(geometry, beta, best)
        found = direction(geometry, beta, atoms, densities)
        if found is not None:
            length = 1.0
            for _ in range(6):
                trial = moved(atoms, *found, length, 1e-3 * geometry.light)
                trial_densities = evaluate(geometry, beta, trial)
                if trial_densities.free_energy <= best_densities.free_energy + 1e-14:
                    best, best_densities = trial, trial_densities
                    break
                length *= 0.4
        atoms, densities = best, best_densities
        if before - densities.free_energy < 1e-15 and np.abs(1 - geometry.p_x @ densities.ratio).max() < 1e-10:
            break
    return atoms, densities.free_energy
