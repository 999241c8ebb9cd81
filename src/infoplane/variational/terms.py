"""The numbers a variational loss is made of, one per sample, in nats: divergences of Gaussians, distortion, divergence.

Pure JAX functions that keep the kind of float they are given. Gaussians have diagonal covariances and are given by
``mean`` and ``scale`` (standard deviations). Where ``z`` or ``logits`` have leading axes, for several draws of Z, the
result is the average over the draws, so that every function returns (n,) and the standard error is the caller's.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from .label_noise import FLOOR
from .objectives import Objective, Terms

Law = tuple[Any, Any]
"""(mean, scale) of a Gaussian: (d,) each, or (classes, d) for one Gaussian a class."""


def kl_standard(mean: Any, scale: Any) -> Any:
    """(n,) KL(N(mean, scale^2) || N(0, I)) in closed form.

    Args:
        mean: (n, d). scale: (n, d), or what broadcasts to it.
    """
    return (0.5 * (mean * mean + scale * scale - 1.0) - jnp.log(scale) + jnp.zeros_like(mean)).sum(axis=-1)


def kl_diagonal(mean: Any, scale: Any, prior: Law) -> Any:
    """(n,) KL(N(mean, scale^2) || prior) in closed form.

    Args:
        mean: (n, d). scale: (n, d), or what broadcasts to it.
        prior: (mean, scale), (d,) for one Gaussian or (n, d) for one a sample.
    """
    centre, width = prior
    ratio, shift = scale / width, (mean - centre) / width
    return (0.5 * (ratio * ratio + shift * shift - 1.0) - jnp.log(ratio)).sum(axis=-1)


def kl_classes(mean: Any, scale: Any, priors: Law, labels: Any) -> Any:
    """(n,) KL(N(mean, scale^2) || b(.|y)) in closed form, b of the sample's own label.

    Args:
        mean: (n, d). scale: (n, d), or what broadcasts to it.
        priors: (mean, scale), (classes, d) each.
        labels: (n,) integers.
    """
    return kl_diagonal(mean, scale, (priors[0][labels], priors[1][labels]))


def log_density(z: Any, mean: Any, scale: Any) -> Any:
    """ln N(z; mean, scale^2), summed over the last axis; everything broadcasts."""
    shift = (z - mean) / scale
    each = -0.5 * shift * shift - jnp.log(scale) - 0.5 * math.log(2.0 * math.pi)
    return each.sum(axis=-1)


def sampled_kl(z: Any, mean: Any, scale: Any, prior: Law) -> Any:
    """(n,) ln e(z|x) - ln prior(z), the average over draws of Z: its expectation is the closed form.

    Args:
        z: (..., n, d) drawn from N(mean, scale^2).
        mean, scale: (n, d). prior: (mean, scale), (d,) or (n, d).
    """
    return over_draws(log_density(z, mean, scale) - log_density(z, *prior))


def over_draws(values: Any) -> Any:
    """(n,) the average of (..., n) over all but the last axis."""
    return values.mean(axis=tuple(range(values.ndim - 1))) if values.ndim > 1 else values


def distortion(logits: Any, target: Any) -> Any:
    """(n,) cross-entropy -sum_y t(y) ln c(y|z) of the decoder; over several draws the average of the logarithms.

    Args:
        logits: (..., n, classes) unnormalised ln c(y|z).
        target: (n,) integer labels, or (n, classes) laws.
    """
    logs = jax.nn.log_softmax(logits, axis=-1)
    if target.ndim == 2:
        return over_draws(-(target * logs).sum(axis=-1))
    return over_draws(-(logs * jax.nn.one_hot(target, logits.shape[-1], dtype=logs.dtype)).sum(axis=-1))


def divergence(logits: Any, law: Any) -> Any:
    """(n,) KL(c(.|z) || p~(.|x, y)) = sum_y c ln c - sum_y c ln p~, the expectation over the decoder's own law.

    p~ is clipped to [1e-7, 1 - 1e-7] and not normalised again, as in the released code.

    Args:
        logits: (..., n, classes) unnormalised ln c(y|z).
        law: (n, classes) p~.
    """
    logs = jax.nn.log_softmax(logits, axis=-1)
    floor = jnp.log(jnp.clip(law, FLOOR, 1.0 - FLOOR))
    return over_draws((jnp.exp(logs) * (logs - floor)).sum(axis=-1))


def predictive(logits: Any) -> Any:
    """(n, classes) ln of the decoder's law averaged over draws of Z: what predicts, and is no distortion.

    Args:
        logits: (..., n, classes).
    """
    logs = jax.nn.log_softmax(logits, axis=-1)
    draws = tuple(range(logits.ndim - 2))
    if not draws:
        return logs
    count = math.prod(logits.shape[:-2])
    return jax.nn.logsumexp(logs, axis=draws) - math.log(count)


def kernel_rate(mean: Any, scale: Any, widening: float = 1.0, count: Any = None) -> Any:
    """(n,) -ln of the average over j of exp(-|f_i - f_j|^2 / (2 widening s^2)), in nats.

    With widening 1 its average is an upper bound on I(X;Z) for Z = f(x) + N(0, s^2 I) and x uniform on the batch; with
    4, Gaussians of twice the width, a lower bound. Both are at most ln n. (n, n) numbers are held: for large n see
    :func:`infoplane.variational.bounds.kernel_bounds`.

    Args:
        mean: (n, d) f. scale: s, one number.
        widening: factor on s^2.
        count: rows that are samples, if those after them only fill the shape; all if None.

    Reference:
        arXiv:1705.02436.
    """
    squares = squared_distances(mean, mean)
    own = jnp.eye(len(mean), dtype=bool)
    exponents = jnp.where(own, 0.0, -squares / (2.0 * widening * scale * scale))
    if count is None:
        return math.log(len(mean)) - jax.nn.logsumexp(exponents, axis=1)
    exponents = jnp.where(own | (jnp.arange(len(mean)) < count), exponents, -jnp.inf)
    return jnp.log(count) - jax.nn.logsumexp(exponents, axis=1)


def squared_distances(a: Any, b: Any) -> Any:
    """(n, m) |a_i - b_j|^2 through a matrix product, about the common centre, which loses fewer digits."""
    centre = b.mean(axis=0)
    a, b = a - centre, b - centre
    found = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2.0 * jnp.matmul(a, b.T, precision="highest")
    return jnp.maximum(found, 0.0)


def batch_terms(
    objective: Objective,
    mean: Any,
    scale: Any,
    logits: Any,
    labels: Any,
    *,
    x: Any = None,
    prior: Law | None = None,
    conditional: Law | None = None,
    key: Any = None,
) -> Terms:
    """All terms of a batch that an objective may weigh, one per sample; rates in closed form.

    Args:
        objective: tells the noise model of the labels, and which terms are wanted.
        mean, scale: (n, d) of e(z|x); scale may be one number, or None for a network without noise: its rates are
            infinite, and left out here.
        logits: (n, classes), or (draws, n, classes), of the decoder at drawn z.
        labels: (n,) integers in 0..classes-1, which compiled code cannot check.
        x: (n, ...) inputs, for a noise model that looks at them.
        prior: (mean, scale) of m(z), (d,) each; N(0, I) if None.
        conditional: (mean, scale) of b(z|y), (classes, d) each; needed where the objective has a conditional rate.
        key: JAX key, for a noise model that is drawn anew.

    Returns:
        Terms; 0.0 for what the objective does not need or was not given.

    Raises:
        InputError: no conditional prior, or no scale, where one is needed.
    """
    objective.check_parts(scale, conditional)
    plain = distortion(logits, labels)
    law = None
    if objective.noise is not None:
        law = objective.noise.probabilities(labels, x, classes=logits.shape[-1], key=key).astype(logits.dtype)
    noisy = law is not None and objective.decoder_target == "noise model"
    rate, rate_conditional = 0.0, 0.0
    if scale is not None:
        rate = kl_standard(mean, scale) if prior is None else kl_diagonal(mean, scale, prior)
    if scale is not None and conditional is not None:
        rate_conditional = kl_classes(mean, scale, conditional, labels)
    return Terms(
        distortion=plain,
        cross_entropy=distortion(logits, law) if noisy else plain,
        rate=rate,
        rate_conditional=rate_conditional,
        divergence=divergence(logits, law) if objective.uses_divergence else 0.0,
        kernel=kernel_rate(mean, scale) if objective.uses_kernel else 0.0,
    )
