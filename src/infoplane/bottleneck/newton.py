"""A Newton step on weights and laws together, for where plain sweeps crawl.

In scaled coordinates the second derivative of F has one block for every cluster, beta (1 - beta M_t^T M_t) with the
M_t whose singular values decide the cluster's stability, and the blocks meet only through the inputs: eliminating
them leaves an n x n matrix, and then a quadratic programme for the weights, which may not turn negative.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, blas, cho_factor, cho_solve
from scipy.optimize import nnls

from .geometry import Atoms, Geometry
from .sweeps import Densities, evaluate, pruned, renewed

_LARGEST = 8_000_000  # numbers n x k x labels above which the full step is not worth its time and memory


def newton_fits(geometry: Geometry, atoms: Atoms) -> bool:
    """Whether the problem is small enough for the full step."""
    return len(geometry.p_x) * atoms.laws.size <= _LARGEST


def quadratic_programme(matrix: np.ndarray, linear: np.ndarray, limit: int = 40) -> np.ndarray:
    """argmin over u >= 0 of u' M u / 2 - linear' u for a positive definite M, by block principal pivoting.

    Only the lower triangle of M is read. Source: Kim & Park 2011 (non-negative least squares by exchanging whole
    blocks, with a single exchange as backup).
    """
    k = len(linear)
    fixed = np.zeros(k, dtype=bool)
    fewest, patience, u = k + 1, 3, np.zeros(k)
    for _ in range(limit):
        free = ~fixed
        u = np.zeros(k)
        u[free] = _solved(matrix[np.ix_(free, free)] if fixed.any() else matrix, linear[free])
        slack = _times(matrix, u) - linear
        wrong = (free & (u < -1e-14)) | (fixed & (slack < -1e-12))
        count = int(wrong.sum())
        if count == 0:
            return u
        if count < fewest:
            fewest, patience = count, 3
            fixed ^= wrong
        elif patience > 0:
            patience -= 1
            fixed ^= wrong
        else:
            last = int(np.flatnonzero(wrong)[-1])
            fixed[last] = not fixed[last]
    return _by_least_squares(matrix, linear)


def _by_least_squares(lower: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """The same by an active set, slow but sure, for where exchanges of blocks run in circles."""
    whole = np.tril(lower) + np.tril(lower, -1).T
    values, vectors = np.linalg.eigh(whole)
    root = np.sqrt(np.maximum(values, 1e-14 * values[-1]))
    found, _ = nnls((vectors * root).T, (vectors.T @ linear) / root)
    return found


def _times(lower: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """M v of a symmetric M whose lower triangle is given."""
    return blas.dsymv(1.0, lower.T, vector, lower=0)  # pyright: ignore[reportAttributeAccessIssue]


def _solved(lower: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """M^-1 b of a symmetric M, positive definite up to rounding, whose lower triangle is given."""
    try:
        return cho_solve(cho_factor(lower.T, lower=False, check_finite=False), linear, check_finite=False)
    except LinAlgError:
        return np.linalg.solve(np.tril(lower) + np.tril(lower, -1).T, linear)


def _gram(columns: np.ndarray) -> np.ndarray:
    """Lower triangle of A' A, at half the cost of the product."""
    return blas.dsyrk(1.0, columns.T, lower=0).T  # pyright: ignore[reportAttributeAccessIssue]


def _best_weights(matrix: np.ndarray, mass: np.ndarray, downhill: np.ndarray) -> np.ndarray:
    """Weights >= 0 that minimise a quadratic model with this second derivative, and minus its slope, at ``mass``."""
    scale = np.sqrt(np.diag(matrix))
    matrix = matrix / scale
    matrix /= scale[:, None]
    matrix[np.diag_indices(len(scale))] += 1e-12
    return quadratic_programme(matrix, downhill / scale + _times(matrix, mass * scale)) / scale


def weights_step(geometry: Geometry, atoms: Atoms, densities: Densities) -> np.ndarray:
    """The weights that minimise the quadratic model of F in the weights alone, laws held."""
    ratio = densities.ratio
    return _best_weights(_gram(np.sqrt(geometry.p_x)[:, None] * ratio), atoms.mass, geometry.p_x @ ratio - 1)


def reweighted(geometry: Geometry, beta: float, atoms: Atoms, steps: int = 10, tolerance: float = 1e-9) -> Atoms:
    """Best weights for these laws: convex, by Newton steps on the simplex with a guard."""
    densities = evaluate(geometry, beta, atoms)
    for _ in range(steps):
        if (geometry.p_x @ densities.ratio).max() < 1 + tolerance:
            break
        target = weights_step(geometry, atoms, densities)
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


def _moments(features: np.ndarray, weights: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For (n, k) weights, sums of the features less a centre (k, n_y), and of their products (k, n_y, n_y)."""
    total, first = weights.sum(axis=0), weights.T @ features
    second = np.einsum("nk,ny->kyn", weights, features) @ features
    second -= first[:, :, None] * centres[:, None, :] + centres[:, :, None] * first[:, None, :]
    second += total[:, None, None] * centres[:, :, None] * centres[:, None, :]
    return first - total[:, None] * centres, second


def _own(geometry: Geometry, laws: np.ndarray) -> np.ndarray:
    """(k, n_y) the laws' own features."""
    return laws if geometry.coordinates is geometry.rows else np.log(np.maximum(laws, 1e-300))


def _curvature(
    geometry: Geometry, beta: float, laws: np.ndarray, shares: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slope (s, n_y) of ln c, and eigenvalues and vectors of minus its second derivative, in scaled coordinates."""
    mean = shares.T @ geometry.coordinates
    frames = geometry.frames(laws)
    _, second = _moments(geometry.coordinates, shares, mean)
    blocks = -(beta**2) * (frames @ second @ frames.transpose(0, 2, 1))
    blocks[:, np.arange(laws.shape[1]), np.arange(laws.shape[1])] += beta
    slope = beta * np.einsum("syz,sz->sy", frames, mean - _own(geometry, laws))
    values, vectors = np.linalg.eigh(blocks)
    return slope, values, vectors


def _shifted(laws: np.ndarray, change: np.ndarray, most: float) -> np.ndarray:
    """Laws after a change of their logarithms, clipped."""
    shift = np.clip(change, -most, most)
    found = laws * np.exp(shift - shift.max(axis=1, keepdims=True))
    return found / found.sum(axis=1, keepdims=True)


def _roots(laws: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(laws, 1e-300))


def climbed(geometry: Geometry, beta: float, laws: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """(s, n_y) laws after a Newton step uphill on ln c, for (n, s) weights of the inputs that sum to one."""
    slope, values, vectors = _curvature(geometry, beta, laws, shares)
    step = np.einsum("szy,sz->sy", vectors, slope) / np.maximum(np.abs(values), 1e-6 * beta)
    return _shifted(laws, np.einsum("syz,sz->sy", vectors, step) / _roots(laws), 2.0)


def divided(geometry: Geometry, beta: float, atoms: Atoms) -> tuple[np.ndarray, np.ndarray]:
    """Laws (2 s, n_y) on both sides of every cluster that is unstable, along its least stable direction.

    Returns:
        They, and (k,) which clusters are stable with some reserve.
    """
    densities = evaluate(geometry, beta, atoms)
    weights = densities.ratio * geometry.p_x[:, None]
    _, values, vectors = _curvature(geometry, beta, atoms.laws, weights / weights.sum(axis=0))
    loose = values[:, 0] < 1e-9 * beta
    push = 0.3 * vectors[loose, :, 0] / _roots(atoms.laws[loose])
    beside = np.vstack([_shifted(atoms.laws[loose], side * push, 1.0) for side in (-1, 1)])
    return beside, values[:, 0] > 0.02 * beta


def direction(
    geometry: Geometry, beta: float, atoms: Atoms, densities: Densities
) -> tuple[np.ndarray, np.ndarray] | None:
    """Newton's change of the weights (k,) and of the logarithms of the laws (k, n_y); None where it cannot be had."""
    n, k, labels = len(geometry.p_x), *atoms.laws.shape
    ratio, laws = densities.ratio, atoms.laws
    encoder = ratio * atoms.mass
    weights = geometry.p_x[:, None] * encoder
    mass = weights.sum(axis=0)
    features, own = geometry.coordinates, _own(geometry, laws)
    frames = geometry.frames(laws)
    first, second = _moments(features, weights, own)
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
        downhill = geometry.p_x @ ratio - 1 + ratio.T @ solved[:, -1]
        change = _best_weights(ratio.T @ solved[:, :-1], atoms.mass, downhill) - atoms.mass
    except (LinAlgError, np.linalg.LinAlgError):
        return None
    z = cho_solve(factor, ratio @ change - pull, check_finite=False)
    v = -(u + coupled.T @ z).reshape(k, labels) / np.sqrt(mass)[:, None]
    move = np.einsum("tzy,tz->ty", inverse_root, v) / _roots(laws)
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
