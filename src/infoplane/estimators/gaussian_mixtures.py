"""Log-densities of mixtures of many Gaussians, each component with weights of its own."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

_BLOCK_NUMBERS = 2**21  # pairs of a point and a component handled at once: 16 MB
_TINY = 1e-300
_HALF_LOG = -0.5 * math.log(2.0 * math.pi)


def log_densities(points: np.ndarray, centres: np.ndarray, scales: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ln of sum_k w_kj N(t; c_k, C_k) at every point, for every column j of weights; nats.

    In double precision, with the centres' mean taken off. Where the components share their scales, or have full
    covariances, squares are expanded, so that a block is a product of matrices and an exponential a pair; with scales
    of their own, which may differ by many powers of ten, differences are squared. Cost O(m n (d + columns)), with full
    covariances O(m n (d^2 + columns)); memory bounded by blocks.

    Args:
        points: (m, d).
        centres: (n, d).
        scales: (n, d) standard deviations, or (d,) shared by the components, or (n, d, d) covariances.
        weights: (n, columns), each column non-negative with sum 1.

    Returns:
        (m, columns) float64. A density that underflows beside the nearest component of any column reads about 690 nats
        below that one.
    """
    middle = centres.mean(axis=0)
    points, centres = np.asarray(points, np.float64) - middle, np.asarray(centres, np.float64) - middle
    size = min(len(points), max(1, _BLOCK_NUMBERS // len(centres)))
    blocks = -(-len(points) // size)
    padded = np.concatenate([points, np.repeat(points[-1:], blocks * size - len(points), axis=0)])
    scales, weights = np.asarray(scales, np.float64), np.asarray(weights, np.float64)
    with jax.enable_x64(True):
        found = _blocks(padded.reshape(blocks, size, -1), centres, scales, weights)
        return np.asarray(found).reshape(blocks * size, -1)[: len(points)]


def own_log_densities(points: np.ndarray, centres: np.ndarray, scales: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of n mixtures of m equal components: ln of its density at its own m points, with and without point k's
    own component.

    Args:
        points: (n, m, d), the k-th of each drawn from the k-th component.
        centres: (n, m, d).
        scales: (n, m, d) standard deviations, or (d,).

    Returns:
        Two (n, m) float64 arrays: with all components, and with all but the point's own (m >= 2).
    """
    n, m, _ = points.shape
    middle = centres.mean(axis=1, keepdims=True)
    points, centres = np.asarray(points, np.float64) - middle, np.asarray(centres, np.float64) - middle
    scales = np.asarray(scales, np.float64)
    size = min(n, max(1, _BLOCK_NUMBERS // (m * m)))
    blocks = -(-n // size)
    fill = np.minimum(np.arange(blocks * size), n - 1)

    def arranged(values: np.ndarray) -> np.ndarray:
        return values[fill].reshape(blocks, size, m, -1)

    with jax.enable_x64(True):
        shared = scales if scales.ndim == 1 else None
        each = arranged(centres if shared is not None else scales)  # unused where scales are shared
        every, others = _own(arranged(points), arranged(centres), each, shared)
        return tuple(np.asarray(part).reshape(-1, m)[:n] for part in (every, others))  # type: ignore[return-value]


def normal_log_density(points: np.ndarray, centres: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """(n, m) ln N(t; c_k, C_k) of (n, m, d) points under the k-th of n Gaussians.

    Args:
        points: (n, m, d).
        centres: (n, d).
        scales: (n, d) standard deviations, or (n, d, d) covariances.
    """
    off = points - centres[:, None]
    if scales.ndim == 2:
        white, logs = off / scales[:, None], np.log(scales).sum(axis=1)
    else:
        factors = np.linalg.cholesky(scales)
        white = np.linalg.solve(factors, off.transpose(0, 2, 1)).transpose(0, 2, 1)
        logs = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    return -0.5 * (white**2).sum(axis=2) - logs[:, None] + _HALF_LOG * points.shape[2]


def _normals(centres: jax.Array, scales: jax.Array) -> Callable[[jax.Array], jax.Array]:
    """The function from (..., m, d) points to (..., m, n) values ln N(t_i; c_k, C_k)."""
    d = centres.shape[-1]
    if scales.ndim == 1:
        near = centres / scales
        constant = _HALF_LOG * d - jnp.log(scales).sum() - 0.5 * (near**2).sum(-1)[..., None, :]

        def shared(points: jax.Array) -> jax.Array:
            points = points / scales
            return points @ jnp.swapaxes(near, -1, -2) - 0.5 * (points**2).sum(-1)[..., :, None] + constant

        return shared
    if scales.ndim == centres.ndim:
        logs = (_HALF_LOG - jnp.log(scales)).sum(-1)[..., None, :]

        def single(points: jax.Array) -> jax.Array:
            def add(unit: int, total: jax.Array) -> jax.Array:
                off = points[..., :, None, unit] - centres[..., None, :, unit]
                return total - 0.5 * (off / scales[..., None, :, unit]) ** 2

            start = jnp.broadcast_to(logs, (*points.shape[:-1], centres.shape[-2]))
            return jax.lax.fori_loop(0, d, add, start)

        return single
    precision = jnp.linalg.inv(scales)
    linear = jnp.einsum("kij,kj->ik", precision, centres)
    whole = _HALF_LOG * d - 0.5 * jnp.linalg.slogdet(scales)[1] - 0.5 * jnp.einsum("ik,ki->k", linear, centres)
    square = precision.reshape(len(centres), -1).T

    def full(points: jax.Array) -> jax.Array:
        squares = (points[:, :, None] * points[:, None, :]).reshape(len(points), -1)
        return whole + points @ linear - 0.5 * squares @ square

    return full


@jax.jit
def _blocks(points: jax.Array, centres: jax.Array, scales: jax.Array, weights: jax.Array) -> jax.Array:
    normals = _normals(centres, scales)

    def block(part: jax.Array) -> jax.Array:
        exponents = normals(part)
        top = exponents.max(axis=1, keepdims=True)
        return jnp.log(jnp.maximum(jnp.exp(exponents - top) @ weights, _TINY)) + top

    return jax.lax.map(block, points)


@jax.jit
def _own(
    points: jax.Array, centres: jax.Array, scales: jax.Array, shared: jax.Array | None
) -> tuple[jax.Array, jax.Array]:
    m = points.shape[2]

    def block(part: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        exponents = _normals(part[1], part[2] if shared is None else shared)(part[0])
        own = jnp.diagonal(exponents, axis1=-2, axis2=-1)
        others = jax.nn.logsumexp(jnp.where(jnp.eye(m, dtype=bool), -jnp.inf, exponents), axis=-1)
        return jnp.logaddexp(others, own) - math.log(m), others - math.log(max(m - 1, 1))

    return jax.lax.map(block, (points, centres, scales))
