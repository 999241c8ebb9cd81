"""Bounds on I(X;Z) of a trained Gaussian encoder that need no training: better priors, mixtures, the batch itself.

All return one number per sample, in nats; the average is the bound and the spread of the samples its standard error.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from .terms import Law, log_density, over_draws, squared_distances

_CELLS = 2**22  # numbers of a table of scores held at once: 32 MB in float64


class Pair(NamedTuple):
    """A lower and an upper bound, one number per sample each."""

    lower: Any
    upper: Any


def fitted_prior(mean: Any, scale: Any) -> Law:
    """(mean, scale), (d,) each: the diagonal Gaussian with the least average KL(e(.|x) || m), by its moments.

    Fitted on the samples it is then averaged over, the rate is too small by what d means and d scales overfit: fit on
    the training part, evaluate on the test part.

    Args:
        mean: (n, d). scale: (n, d), or what broadcasts to it.
    """
    centre = mean.mean(axis=0)
    spread = ((mean - centre) ** 2 + scale * scale).mean(axis=0)
    return centre, jnp.sqrt(spread)


def fitted_priors(mean: Any, scale: Any, labels: Any, classes: int) -> Law:
    """(mean, scale), (classes, d) each: the same for every class, the best diagonal Gaussian b(z|y).

    A class without samples has the Gaussian of all samples.

    Args:
        mean: (n, d). scale: (n, d), or what broadcasts to it.
        labels: (n,) integers in 0..classes-1.
    """
    member = jax.nn.one_hot(labels, classes, dtype=mean.dtype, axis=0)
    count = member.sum(axis=1)[:, None]
    centre = member @ mean / jnp.maximum(count, 1.0)
    spread = member @ ((mean - centre[labels]) ** 2 + scale * scale) / jnp.maximum(count, 1.0)
    overall = fitted_prior(mean, scale)
    return jnp.where(count > 0, centre, overall[0]), jnp.where(count > 0, jnp.sqrt(spread), overall[1])


def class_scores(z: Any, priors: Law, p_y: Any) -> Any:
    """(..., n, classes) ln p(y) + ln b(z|y), row by row in parts, so that memory stays bounded.

    Args:
        z: (..., n, d). priors: (mean, scale), (classes, d) each. p_y: (classes,) probabilities.
    """
    flat = z.reshape(-1, z.shape[-1])
    at_once = max(1, min(len(flat), _CELLS // priors[0].size))
    scores = jax.lax.map(lambda one: log_density(one, *priors), flat, batch_size=at_once)
    return scores.reshape(*z.shape[:-1], -1) + jnp.log(p_y)


def mixture_rate(z: Any, mean: Any, scale: Any, priors: Law, p_y: Any) -> Any:
    """(n,) ln e(z|x) - ln m_b(z), m_b(z) = sum_y p(y) b(z|y): the rate that a conditional prior gives honestly.

    Its average is at least I(X;Z), and at most R_c + H(Y).

    Args:
        z: (..., n, d) drawn from e(z|x).
        mean, scale: (n, d).
        priors: (mean, scale) of b(z|y), (classes, d) each.
        p_y: (classes,) probabilities of the labels.
    """
    mixture = jax.nn.logsumexp(class_scores(z, priors, p_y), axis=-1)
    return over_draws(log_density(z, mean, scale) - mixture)


def generative_cross_entropy(z: Any, priors: Law, p_y: Any, labels: Any) -> Any:
    """(n,) -ln of p(y) b(z|y) / m_b(z) at the label: the classifier that the conditional prior is.

    R(m_b) = R_c + H(Y) - its average, where R_c is that of the same draws and p_y the labels' own frequencies.

    Args:
        z: (..., n, d). priors: (mean, scale), (classes, d) each. p_y: (classes,). labels: (n,) integers.
    """
    logs = jax.nn.log_softmax(class_scores(z, priors, p_y), axis=-1)
    own = jnp.broadcast_to(labels[:, None], (*logs.shape[:-1], 1))
    return over_draws(-jnp.take_along_axis(logs, own, axis=-1)[..., 0])


def sandwich(z: Any, mean: Any, scale: Any) -> Pair:
    """I(X;Z) between two bounds whose marginal is the average of the batch's own encoders.

    Upper: that of all others, 1/(n-1) sum_{j != i} e(z_i|x_j). Lower: that of all n, so that it is at most ln n, and
    misses what exceeds that. Both are averages over x and z drawn independently.

    Args:
        z: (n, d), one draw for every input.
        mean, scale: (n, d) of e(z|x); scale may be what broadcasts.

    Returns:
        Pair of (n,) float64 NumPy arrays. Computed in float64, as densities of narrow encoders are differences of huge
        numbers: n^2 d multiplications, in parts of bounded memory.

    Raises:
        InputError: fewer than two samples, or shapes that differ.

    Reference:
        arXiv:1905.06922.
    """
    with jax.enable_x64(True):
        z, mean, scale = _batch("sandwich", z, mean, scale)
        lower, upper = _sandwich(jnp.asarray(z), jnp.asarray(mean), jnp.asarray(scale), _rows_at_once(len(z)))
        return Pair(np.asarray(lower), np.asarray(upper))


def _batch(who: str, z: Any, mean: Any, scale: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean = np.asarray(mean, dtype=np.float64)
    z = np.asarray(z, dtype=np.float64)
    if mean.ndim != 2 or len(mean) < 2 or z.shape != mean.shape:
        raise InputError(f"{who} needs (n, d) z and mean of two samples or more, got {z.shape} and {mean.shape}.")
    try:
        scale = np.broadcast_to(np.asarray(scale, dtype=np.float64), mean.shape)
    except ValueError:
        raise InputError(f"{who} needs a scale that fits the means {mean.shape}, got {np.shape(scale)}.") from None
    if not (np.isfinite(z).all() and np.isfinite(mean).all() and (scale > 0).all()):
        raise InputError(f"{who} needs finite z and mean and positive scales; some are not.")
    return z, mean, scale


def _rows_at_once(n: int) -> int:
    return max(1, min(n, _CELLS // n))


@partial(jax.jit, static_argnums=3)
def _sandwich(z: Any, mean: Any, scale: Any, at_once: int) -> tuple[Any, Any]:
    """Scores -1/2 sum_d (z^2 a - 2 z b + mean b) - sum_d ln scale with a = 1 / scale^2, b = mean a."""
    n = len(z)
    centre = mean.mean(axis=0)
    own = log_density(z, mean, scale)
    z, mean = z - centre, mean - centre
    precision = 1.0 / (scale * scale)
    left = jnp.concatenate([-0.5 * z * z, z], axis=1)
    right = jnp.concatenate([precision, mean * precision], axis=1).T
    constant = -0.5 * (mean * mean * precision).sum(axis=1) - jnp.log(scale).sum(axis=1)
    constant -= 0.5 * z.shape[1] * math.log(2.0 * math.pi)

    def row(one: tuple[Any, Any, Any]) -> tuple[Any, Any]:
        features, i, score = one
        others = jnp.where(jnp.arange(n) == i, -jnp.inf, features @ right + constant)
        rest = jax.nn.logsumexp(others)
        return score - jnp.logaddexp(rest, score) + math.log(n), score - rest + math.log(n - 1)

    return jax.lax.map(row, (left, jnp.arange(n), own), batch_size=at_once)


def kernel_bounds(mean: Any, scale: Any) -> Pair:
    """I(X;Z) between the pairwise-kernel bounds, for Z = f(x) + N(0, s^2 I) and x uniform on the samples.

    Both saturate at ln n: report n beside them.

    Args:
        mean: (n, d) f. scale: s, one number.

    Returns:
        Pair of (n,) float64 NumPy arrays.

    Raises:
        InputError: fewer than two samples, or no single scale.

    Reference:
        arXiv:1705.02436.
    """
    if np.size(scale) != 1:
        raise InputError(f"kernel_bounds needs one scale for all samples, got shape {np.shape(scale)}.")
    with jax.enable_x64(True):
        _, mean, _ = _batch("kernel_bounds", mean, mean, np.reshape(scale, ()))
        width = jnp.asarray(np.reshape(scale, ()), dtype=jnp.float64)
        lower, upper = _kernel_bounds(jnp.asarray(mean), width, _rows_at_once(len(mean)))
        return Pair(np.asarray(lower), np.asarray(upper))


@partial(jax.jit, static_argnums=2)
def _kernel_bounds(mean: Any, scale: Any, at_once: int) -> tuple[Any, Any]:
    n = len(mean)
    mean = mean - mean.mean(axis=0)

    def row(one: tuple[Any, Any]) -> tuple[Any, Any]:
        f, i = one
        exponents = jnp.where(jnp.arange(n) == i, 0.0, -squared_distances(f[None], mean)[0] / (2.0 * scale * scale))
        return math.log(n) - jax.nn.logsumexp(exponents / 4.0), math.log(n) - jax.nn.logsumexp(exponents)

    return jax.lax.map(row, (mean, jnp.arange(n)), batch_size=at_once)
