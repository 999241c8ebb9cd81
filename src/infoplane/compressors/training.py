"""Training of the dense autoencoder: one compiled loop, which serves every latent size."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

_FLOOR = 0.01  # of the rate, where cosine decay ends
_STANDARD = 0.01  # weight of the penalty that keeps codes at mean 0 and standard deviation 1


class Shape(NamedTuple):
    """Widths of the network: inputs - hidden - hidden - code - hidden - hidden - inputs."""

    inputs: int
    hidden: int
    code: int

    def layers(self) -> list[tuple[int, int]]:
        widths = (self.inputs, self.hidden, self.hidden, self.code, self.hidden, self.hidden, self.inputs)
        return list(itertools.pairwise(widths))


def initial(shape: Shape, seed: tuple[int, ...]) -> np.ndarray:
    """(P,) parameters: normal weights of variance 1.5 / inputs, biases zero."""
    random = np.random.default_rng(seed)
    parts = [(random.standard_normal(s) * np.sqrt(1.5 / s[0]), np.zeros(s[1])) for s in shape.layers()]
    return np.concatenate([part.ravel() for pair in parts for part in pair]).astype(np.float32)


def unpack(flat, shape: Shape) -> list:
    """The (weights, biases) of the six layers."""
    layers, start = [], 0
    for rows, columns in shape.layers():
        end = start + rows * columns
        layers.append((flat[start:end].reshape(rows, columns), flat[end : end + columns]))
        start = end + columns
    return layers


@functools.partial(jax.jit, static_argnames=("shape", "batch"))
def train(
    flat: jax.Array,
    x: jax.Array,
    mask: jax.Array,
    seed: jax.Array,
    steps: jax.Array,
    rate: jax.Array,
    noise: jax.Array,
    *,
    shape: Shape,
    batch: int,
) -> jax.Array:
    """Parameters after ``steps`` of Adam on the squared error of rebuilding x from a noisy code.

    Latent size, steps and settings are arguments of the compiled program, not parts of it: a scan over sizes and the
    final training of both sides compile once. Small matrices do not fill a processor, so several sizes train at a time
    in threads rather than stacked.

    Args:
        flat: (P,) initial parameters.
        x: (n, inputs) float32 samples.
        mask: (code,) ones for the latent size, then zeros.
        seed: of batches and noise.
        steps: updates.
        rate: of Adam, decaying as half a cosine to 1 %.
        noise: standard deviation of what is added to the code.
        shape: widths.
        batch: samples a step, drawn with replacement.
    """
    key = jax.random.key(seed, impl="rbg")

    def loss(flat, rows, draw):
        layers = unpack(flat, shape)
        code = forward(layers[:3], rows) * mask
        rebuilt = forward(layers[3:], code + noise * mask * draw)
        return ((rebuilt - rows) ** 2).sum(1).mean() + standard_code(code, mask)

    def gradient(flat, t):
        here = jax.random.fold_in(key, t)
        chosen = jax.random.bits(here, (batch,), jnp.uint32) % jnp.uint32(x.shape[0])
        draw = jax.random.normal(jax.random.fold_in(here, 1), (batch, shape.code))
        return jax.grad(loss)(flat, x[chosen], draw)

    return adam(flat, gradient, steps, rate)


def standard_code(code: jax.Array, mask: jax.Array | float) -> jax.Array:
    """Penalty on codes that leave mean 0 and deviation 1: free of scale, they could drown the noise by growing."""
    drift = (code.mean(0) ** 2).sum() + (mask * (jnp.sqrt(code.var(0) + 1e-6) - 1.0) ** 2).sum()
    return _STANDARD * drift


def adam(start: Any, gradient: Callable[[Any, Any], Any], steps: Any, rate: Any) -> Any:
    """Parameters after ``steps`` of Adam (arXiv:1412.6980), the rate falling as half a cosine to 1 %."""

    def step(t, state):
        at, first, second = state
        g = gradient(at, t)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, g)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, g)
        now = rate * (_FLOOR + (1.0 - _FLOOR) * 0.5 * (1.0 + jnp.cos(jnp.pi * t / steps)))
        now = now * jnp.sqrt(1.0 - 0.999 ** (t + 1.0)) / (1.0 - 0.9 ** (t + 1.0))
        moved = jax.tree.map(lambda p, m, v: p - now * m / (jnp.sqrt(v) + 1e-8), at, first, second)
        return moved, first, second

    nothing = jax.tree.map(jnp.zeros_like, start)
    return jax.lax.fori_loop(0, steps, step, (start, nothing, nothing))[0]


def forward(layers: list, x):
    """Layers with gelu between them; on JAX arrays, or on NumPy ones in their own precision."""
    for weights, bias in layers[:-1]:
        x = gelu(x @ weights + bias)
    weights, bias = layers[-1]
    return x @ weights + bias


def gelu(x):
    """x times the normal distribution function, by the usual tanh form: the same in NumPy as in JAX."""
    tanh = np.tanh if isinstance(x, np.ndarray) else jnp.tanh
    return 0.5 * x * (1.0 + tanh(np.float32(0.7978846) * (x + np.float32(0.044715) * x * x * x)))
