"""Log-densities of mixtures of many Gaussians, each component with weights of its own."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_BLOCK_NUMBERS = 2**21  # pairs of a point and a component handled at once: 16 MB
_TINY = 1e-300


def log_densities(points: np.ndarray, centres: np.ndarray, scales: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ln of sum_k w_kj N(t; c_k, C_k) at every point, for every column j of weights; nats.

    Squares are expanded, so that a block is two products of matrices and one exponential a pair; in double precision,
    with the centres' mean taken off. Cost O(m n (d + columns)), with full covariances O(m n (d^2 + columns)); memory
    bounded by blocks.

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
    with jax.enable_x64(True):
        found = _blocks(
            padded.reshape(blocks, size, -1), centres, np.asarray(scales, np.float64), np.asarray(weights, np.float64)
        )
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


def normal_log_density(points: np.ndarray, centres: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """(n, m) ln N(t; c_k, C_k) of (n, m, d) points under the k-th of n Gaussians, (n, d) and (n, d, d)."""
    factors = np.linalg.cholesky(covariances)
    white = np.linalg.solve(factors, (points - centres[:, None]).transpose(0, 2, 1))
    logs = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    d = points.shape[2]
    return -0.5 * (white**2).sum(axis=1) - logs[:, None] - 0.5 * d * math.log(2.0 * math.pi)


def _exponents(points: Any, centres: Any, scales: Any) -> Any:
    """(..., m, n) ln N(t_i; c_k, C_k)."""
    half = -0.5 * math.log(2.0 * math.pi)
    if scales.ndim == centres.ndim + 1:
        d = points.shape[-1]
        precision = jnp.linalg.inv(scales)
        linear = jnp.einsum("kij,kj->ik", precision, centres)
        constant = half * d - 0.5 * jnp.linalg.slogdet(scales)[1] - 0.5 * jnp.einsum("ik,ki->k", linear, centres)
        squares = (points[:, :, None] * points[:, None, :]).reshape(len(points), -1)
        return constant + points @ linear - 0.5 * squares @ precision.reshape(len(centres), -1).T
    if scales.ndim == 1:
        points, centres = points / scales, centres / scales
        products = points @ jnp.swapaxes(centres, -1, -2)
        squares = -0.5 * (points**2).sum(-1)[..., :, None] - 0.5 * (centres**2).sum(-1)[..., None, :]
        return products + squares + (half * points.shape[-1] - jnp.log(scales).sum())
    weight = 1.0 / scales**2
    linear, square = jnp.swapaxes(centres * weight, -1, -2), jnp.swapaxes(weight, -1, -2)
    constant = (half - jnp.log(scales) - 0.5 * centres**2 * weight).sum(-1)
    return points @ linear - 0.5 * (points**2) @ square + constant[..., None, :]


@jax.jit
def _blocks(points: jax.Array, centres: jax.Array, scales: jax.Array, weights: jax.Array) -> jax.Array:
    def block(part: jax.Array) -> jax.Array:
        exponents = _exponents(part, centres, scales)
        top = exponents.max(axis=1, keepdims=True)
        return jnp.log(jnp.maximum(jnp.exp(exponents - top) @ weights, _TINY)) + top

    return jax.lax.map(block, points)


@functools.partial(jax.jit)
def _own(
    points: jax.Array, centres: jax.Array, scales: jax.Array, shared: jax.Array | None
) -> tuple[jax.Array, jax.Array]:
    m = points.shape[2]

    def block(part: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        exponents = _exponents(part[0], part[1], part[2] if shared is None else shared)
        every = jax.nn.logsumexp(exponents, axis=-1) - math.log(m)
        others = jnp.where(jnp.eye(m, dtype=bool), -jnp.inf, exponents)
        return every, jax.nn.logsumexp(others, axis=-1) - math.log(max(m - 1, 1))

    return jax.lax.map(block, (points, centres, scales))
