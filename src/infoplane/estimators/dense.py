"""Chains of dense layers: the networks inside the neural estimators."""

from __future__ import annotations

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Layers = list[tuple[Any, Any]]  # weights and biases


def with_norm(x: jax.Array) -> jax.Array:
    """A column more: the logarithm of the squared length, by which heavy tails show."""
    return jnp.concatenate([x, jnp.log1p((x * x).mean(axis=1, keepdims=True))], axis=1)


def dense(random: np.random.Generator, widths: tuple[int, ...], last: float = 1.0) -> Layers:
    """Weights and zero biases of a chain of dense layers; ``last`` scales the final one."""
    layers = []
    for i, (fan_in, fan_out) in enumerate(itertools.pairwise(widths)):
        scale = (last if i == len(widths) - 2 else math.sqrt(2.0)) / math.sqrt(fan_in)
        weights = scale * random.standard_normal((fan_in, fan_out), np.float32)
        layers.append((weights, np.zeros(fan_out, np.float32)))
    return layers


def plain(layers: Layers, x: jax.Array) -> jax.Array:
    """A chain of dense layers with leaky rectifiers between them."""
    for i, (w, b) in enumerate(layers):
        x = x @ w + b
        x = jax.nn.leaky_relu(x) if i < len(layers) - 1 else x
    return x


def residual(layers: Layers, x: jax.Array) -> jax.Array:
    """As :func:`plain`, smooth, the layers of equal width added to what they are given."""
    for i, (w, b) in enumerate(layers):
        found = x @ w + b
        if i < len(layers) - 1:
            found = jax.nn.silu(found)
        x = found + x if found.shape == x.shape and i < len(layers) - 1 else found
    return x
