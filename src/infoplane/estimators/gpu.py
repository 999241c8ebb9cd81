"""Neighbours through JAX: all pairs, a block of rows at a time, double precision. Meant for a GPU, right anywhere."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

_PAIRS = 2**26  # distances held at once: half a gigabyte


def distances(x: np.ndarray, k: int, norm: str) -> np.ndarray:
    """(n, k) distances from every row of x, (n, d), to its k nearest others, as ``neighbours`` has it."""
    return named(x, k, norm)[0]


def named(x: np.ndarray, k: int, norm: str) -> tuple[np.ndarray, np.ndarray]:
    """:func:`distances`, and (n, k) whose they are; any where there are too few others."""
    with jax.enable_x64(True):
        far, names = map(np.asarray, _nearest(jnp.asarray(x), min(k, len(x)), norm == "euclidean", _rows(len(x))))
    wider = ((0, 0), (0, k - far.shape[1]))
    return np.pad(far, wider, constant_values=np.inf), np.pad(names, wider)


def counts(x: np.ndarray, radius: np.ndarray, norm: str) -> np.ndarray:
    """(n,) numbers of other rows of x, (n, d), strictly closer than ``radius`` (n,); see ``neighbours.counts``."""
    with jax.enable_x64(True):
        return np.asarray(_closer(jnp.asarray(x), jnp.asarray(radius), norm == "euclidean", _rows(len(x))))


def ksg(x: np.ndarray, y: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n,) maximum-norm distances to the k-th joint neighbour, and how many are strictly closer in x and in y."""
    with jax.enable_x64(True):
        radius, in_x, in_y = _ksg(jnp.asarray(x), jnp.asarray(y), k, _rows(len(x)))
        return np.asarray(radius), np.asarray(in_x), np.asarray(in_y)


def _rows(n: int) -> int:
    return int(np.clip(_PAIRS // n, 1, n))


def _between(x: jax.Array, i: jax.Array, squared: bool) -> jax.Array:
    """(n,) distances of row i from all, itself infinitely far."""

    def add(c: jax.Array, so_far: jax.Array) -> jax.Array:
        gap = x[:, c] - x[i, c]
        return so_far + gap * gap if squared else jnp.maximum(so_far, jnp.abs(gap))

    found = jax.lax.fori_loop(0, x.shape[1], add, jnp.zeros(x.shape[0], x.dtype))
    return jnp.where(jnp.arange(x.shape[0]) == i, jnp.inf, found)


@partial(jax.jit, static_argnames=("k", "squared", "rows"))
def _nearest(x: jax.Array, k: int, squared: bool, rows: int) -> tuple[jax.Array, jax.Array]:
    def row(i: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jax.lax.top_k(-_between(x, i, squared), k)

    found, names = jax.lax.map(row, jnp.arange(x.shape[0]), batch_size=rows)
    return jnp.sqrt(-found) if squared else -found, names


@partial(jax.jit, static_argnames=("squared", "rows"))
def _closer(x: jax.Array, radius: jax.Array, squared: bool, rows: int) -> jax.Array:
    bound = radius**2 if squared else radius
    return jax.lax.map(lambda i: (_between(x, i, squared) < bound[i]).sum(), jnp.arange(x.shape[0]), batch_size=rows)


@partial(jax.jit, static_argnames=("k", "rows"))
def _ksg(x: jax.Array, y: jax.Array, k: int, rows: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    def row(i: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        dx, dy = _between(x, i, False), _between(y, i, False)
        radius = -jax.lax.top_k(-jnp.maximum(dx, dy), k)[0][-1]
        return radius, (dx < radius).sum(), (dy < radius).sum()

    return jax.lax.map(row, jnp.arange(x.shape[0]), batch_size=rows)
