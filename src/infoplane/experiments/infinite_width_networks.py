"""Many random networks of one finite width in one compiled program: their kernels at the start, and their training.

The tangent kernel is a sum over linear layers of products of two small Gram matrices, of what a layer multiplies its
weights with and of the gradients of the output in what it gives, so that no gradient of all parameters is ever held.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..infinite import Conv, Dense

_TOGETHER = 2**21  # parameters of the networks that are worked on together, which bounds the memory
_FUNCTIONS = {"erf": jax.scipy.special.erf, "relu": jax.nn.relu}

Parameters = list[tuple[jax.Array, jax.Array]]


class Start(NamedTuple):
    """Networks as they are drawn.

    Attributes:
        outputs: (networks, n).
        nngp: (networks, n, n) covariance of the outputs over the readout, the layers before it as they are.
        ntk: (networks, n, n) tangent kernels.
    """

    outputs: np.ndarray
    nngp: np.ndarray
    ntk: np.ndarray


class Course(NamedTuple):
    """Networks in training.

    Attributes:
        start: of training and test points together.
        outputs: (networks, times, n) at the same points.
        ntk: (networks, times, N, N) of the training points.
    """

    start: Start
    outputs: np.ndarray
    ntk: np.ndarray


def size(net: Dense | Conv, width: int, shape: tuple[int, ...]) -> int:
    """Weights of one network."""
    return sum(fan * out for fan, out in _layers(net, width, shape))


def starts(net: Dense | Conv, width: int, x: np.ndarray, networks: int, seed: int) -> Start:
    """Draw networks and look at them.

    Args:
        net: their law; a Conv with padding SAME and a flattened readout.
        width: units or channels of every hidden layer.
        x: (n, ...) points.
        networks: how many at least; a few more may be drawn, for groups of equal size.
        seed: of all of them.
    """
    keys = _keys(seed, networks, _together(net, width, x))
    return Start(*map(_flat, _starts(net, width, jnp.asarray(x, jnp.float32), keys)))


def courses(
    net: Dense, width: int, x: np.ndarray, y: np.ndarray, networks: int, seed: int, *, step: float,
    counts: tuple[int, ...],
) -> Course:  # fmt: skip
    """Draw networks and train them by gradient flow on the summed half-squared loss of the first ``len(y)`` points.

    The flow is followed by the classical method of Runge and Kutta. With a step of half the inverse of the largest
    eigenvalue of the tangent kernel it shrinks no mode wrongly by more than 4e-4 of itself a step.

    Args:
        net: as for :func:`starts`.
        width: likewise.
        x: (N + M, ...) points.
        y: (N,) targets.
        networks: as for :func:`starts`.
        seed: likewise.
        step: of time.
        counts: steps after which to look, rising.
    """
    keys = _keys(seed, networks, max(1, _together(net, width, x) // 4))  # the method holds six copies of parameters
    arrays = jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32)
    start, outputs, ntk = _courses(net, width, *arrays, keys, step, jnp.asarray(np.diff(counts, prepend=0)))
    return Course(Start(*map(_flat, start)), _flat(outputs), _flat(ntk))


def drawn(net: Dense | Conv, width: int, shape: tuple[int, ...], key: jax.Array) -> Parameters:
    """Weights (inputs, outputs) and biases of every linear layer, N(0, 1)."""
    layers = _layers(net, width, shape)
    ends = np.cumsum([count for fan, out in layers for count in (fan * out, out)])
    parts = jnp.split(jax.random.normal(key, (int(ends[-1]),)), ends[:-1])  # in one draw: it compiles the faster
    return [(w.reshape(fan, out), b) for w, b, (fan, out) in zip(parts[::2], parts[1::2], layers, strict=True)]


def forward(net: Dense | Conv, parameters: Parameters, x: jax.Array) -> jax.Array:
    """(n,) outputs."""
    return _passed(net, parameters, x, None)[0]


def kernels(net: Dense | Conv, parameters: Parameters, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Outputs (n,), covariance over the readout (n, n) and tangent kernel (n, n) of one network."""
    n, grid = len(x), _positions(net, x.shape[1:])
    added = [jnp.zeros((n, grid if k < net.depth else 1, len(b))) for k, (_, b) in enumerate(parameters)]

    def summed(extra: list[jax.Array]) -> tuple[jax.Array, tuple[jax.Array, list[jax.Array]]]:
        outputs, seen = _passed(net, parameters, x, extra)
        return outputs.sum(), (outputs, seen)

    back, (outputs, seen) = jax.grad(summed, has_aux=True)(added)
    weight, bias = net.weight_std**2, net.bias_std**2
    ntk = jnp.zeros((n, n))
    for one, gradient in zip(seen, back, strict=True):
        inputs = jnp.tensordot(one, one, (2, 2)) * (weight / one.shape[2]) + bias
        ntk += (inputs * jnp.tensordot(gradient, gradient, (2, 2))).sum(axis=(1, 3))
    features = seen[-1][:, 0]
    return outputs, features @ features.T * (weight / features.shape[1]) + bias, ntk


@functools.partial(jax.jit, static_argnums=(0, 1))
def _starts(net: Dense | Conv, width: int, x: jax.Array, keys: jax.Array) -> tuple:
    def one(key: jax.Array) -> tuple:
        return kernels(net, drawn(net, width, x.shape[1:], key), x)

    return jax.lax.map(jax.vmap(one), keys)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _courses(
    net: Dense, width: int, x: jax.Array, y: jax.Array, keys: jax.Array, step: float, further: jax.Array
) -> tuple:
    train = x[: len(y)]

    def loss(parameters: Parameters) -> jax.Array:
        return 0.5 * ((forward(net, parameters, train) - y) ** 2).sum()

    def along(parameters: Parameters, slope: Parameters, by: float) -> Parameters:
        return jax.tree.map(lambda p, s: p - by * s, parameters, slope)

    def stepped(_: int, parameters: Parameters) -> Parameters:
        slope = jax.grad(loss)
        first = slope(parameters)
        second = slope(along(parameters, first, step / 2))
        third = slope(along(parameters, second, step / 2))
        fourth = slope(along(parameters, third, step))
        return jax.tree.map(
            lambda p, a, b, c, d: p - step / 6 * (a + 2 * b + 2 * c + d), parameters, first, second, third, fourth
        )

    def observed(parameters: Parameters, count: jax.Array) -> tuple:
        later = jax.lax.fori_loop(0, count, stepped, parameters)
        return later, (forward(net, later, x), kernels(net, later, train)[2])

    def one(key: jax.Array) -> tuple:
        parameters = drawn(net, width, x.shape[1:], key)
        _, (outputs, ntk) = jax.lax.scan(observed, parameters, further)
        return kernels(net, parameters, x), outputs, ntk

    return jax.lax.map(jax.vmap(one), keys)


def _passed(net: Dense | Conv, parameters: Parameters, x: jax.Array, added: list[jax.Array] | None) -> tuple:
    """Outputs, and what every linear layer multiplies its weights with, (n, positions, inputs)."""
    function, hidden, given, seen = _FUNCTIONS[str(net.activation)], x, x, []
    for layer, (weights, biases) in enumerate(parameters):
        seen.append(_gathered(net, hidden, layer, x.shape[1:]))
        fan = weights.shape[0]
        given = net.weight_std / math.sqrt(fan) * (seen[-1] @ weights) + net.bias_std * biases
        given = given if added is None else given + added[layer]
        hidden = function(given)
    return given[:, 0, 0], seen


def _gathered(net: Dense | Conv, hidden: jax.Array, layer: int, shape: tuple[int, ...]) -> jax.Array:
    n = len(hidden)
    if not isinstance(net, Conv):
        return hidden.reshape(n, 1, -1)
    if layer == net.depth:
        return hidden.reshape(n, 1, -1)
    sides = hidden.reshape(n, *shape[:2], -1)
    windows = jax.lax.conv_general_dilated_patches(
        sides, (net.filter, net.filter), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return windows.reshape(n, shape[0] * shape[1], -1)


def _positions(net: Dense | Conv, shape: tuple[int, ...]) -> int:
    return shape[0] * shape[1] if isinstance(net, Conv) else 1


def _layers(net: Dense | Conv, width: int, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Inputs and outputs of every linear layer."""
    area = net.filter**2 if isinstance(net, Conv) else 1
    fans = [area * shape[-1], *[area * width] * (net.depth - 1), _positions(net, shape) * width]
    return list(zip(fans[: net.depth + 1], [*[width] * net.depth, 1], strict=True))


def _keys(seed: int, networks: int, together: int) -> jax.Array:
    """(groups, at once) seeds of single networks, no fewer than asked for."""
    groups = -(-networks // together)
    return jax.random.split(jax.random.key(seed), (groups, -(-networks // groups)))


def _flat(found: jax.Array) -> np.ndarray:
    """(networks, ...) float64 from (groups, at once, ...)."""
    return np.asarray(found, np.float64).reshape(-1, *found.shape[2:])


def _together(net: Dense | Conv, width: int, x: np.ndarray) -> int:
    """How many networks at once: those whose weights and activations stay within the bound."""
    activations = len(x) * _positions(net, x.shape[1:]) * width * (net.depth + 1) * 4
    return max(1, _TOGETHER // (size(net, width, x.shape[1:]) + activations))
