"""The training program once more, slowly, one network in double precision: what the compiled one is held against."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from infoplane.networks.optimizers import SGD, Adam
from infoplane.networks.program import Data, Program, Stream, noise_keys

ACTIVATIONS = {
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "softsign": (lambda z: z / (1 + np.abs(z)), lambda z: 1 / (1 + np.abs(z)) ** 2),
    "softplus": (lambda z: np.logaddexp(0, z), lambda z: 1 / (1 + np.exp(-z))),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "linear": (lambda z: z, np.ones_like),
    "elu": (lambda z: np.where(z > 0, z, np.expm1(z)), lambda z: np.where(z > 0, 1, np.exp(z))),
    "swish": (lambda z: z / (1 + np.exp(-z)), lambda z: (1 + np.exp(-z) * (1 + z)) / (1 + np.exp(-z)) ** 2),
    "abs": (np.abs, np.sign),
}


def forward(layers, x, activation):
    """Pre-activations and activations of every layer for x (n, dx); the last layer stays linear."""
    act, _ = ACTIVATIONS[activation]
    before, after = [], [x]
    for index, (weights, bias) in enumerate(layers):
        before.append(after[-1] @ weights.T + bias)
        after.append(act(before[-1]) if index < len(layers) - 1 else before[-1])
    return before, after


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def losses(outputs, target, kind):
    """(n,) cross-entropy or half squared error, for target (n, outputs)."""
    if kind == "softmax":
        return -(target * np.log(softmax(outputs))).sum(axis=1)
    return 0.5 * ((outputs - target) ** 2).sum(axis=1)


def gradient(layers, x, target, network, l2, orthonormality=None):
    """Back-propagation of the mean loss plus l2/2 of the squared weights: [(weights, bias)].

    And of orthonormality times the squared distance of W W' (W'W where W is tall) from the identity, layer by layer.
    """
    before, after = forward(layers, x, network.activation)
    outputs = softmax(after[-1]) if network.output == "softmax" else after[-1]
    error = (outputs - target) / len(x)
    found = []
    for index in range(len(layers) - 1, -1, -1):
        weights, _ = layers[index]
        penalty = l2[index] * weights
        if orthonormality is not None:
            out, fan_in = weights.shape
            wide = (weights @ weights.T - np.eye(out)) @ weights
            tall = weights @ (weights.T @ weights - np.eye(fan_in))
            penalty = penalty + 4 * orthonormality[index] * (wide if out <= fan_in else tall)
        found.append((error.T @ after[index] + penalty, error.sum(axis=0)))
        if index:
            error = (error @ weights) * ACTIVATIONS[network.activation][1](before[index - 1])
    return found[::-1]


class Descent:
    """SGD with momentum, or Adam, on a list of arrays."""

    def __init__(self, optimizer, arrays):
        self.optimizer, self.steps = optimizer, 0
        self.first, self.second = [np.zeros_like(a) for a in arrays], [np.zeros_like(a) for a in arrays]

    def step(self, arrays, gradients):
        self.steps += 1
        return [self._one(i, a, g) for i, (a, g) in enumerate(zip(arrays, gradients, strict=True))]

    def _one(self, i, array, grad):
        rate = self.optimizer.learning_rate
        if isinstance(self.optimizer, SGD):
            self.first[i] = self.optimizer.momentum * self.first[i] + grad
            return array - rate * self.first[i]
        assert isinstance(self.optimizer, Adam)
        self.first[i] = 0.9 * self.first[i] + 0.1 * grad
        self.second[i] = 0.999 * self.second[i] + 0.001 * grad**2
        mean = self.first[i] / (1 - 0.9**self.steps)
        square = self.second[i] / (1 - 0.999**self.steps)
        return array - rate * mean / (np.sqrt(square) + 1e-8)


@dataclass(frozen=True, eq=False)
class TaskProgram(Program):
    """A program with its task beside it: (n, dx) inputs and (outputs, n) targets."""

    x: np.ndarray
    target: np.ndarray


def program_of(network, optimizer, batch, n_train, l2, task, orthonormality=0.0):
    """The compiled program of these settings, for its batch orders and its gradients; penalties one number a layer."""
    y = np.asarray(task.y)
    one_hot = network.output == "softmax"
    target = np.eye(network.widths[-1], dtype=np.float32)[y].T if one_hot else y.reshape(len(y), -1).T
    layers = len(network.layers)
    penalties = [tuple(np.broadcast_to(penalty, layers).tolist()) for penalty in (l2, orthonormality)]
    values = np.asarray(target, np.float32)
    return TaskProgram(network, optimizer, batch, n_train, *penalties, np.asarray(task.x), values)


def batches(program, epoch):
    """Positions in the training sample of each batch of an epoch, as the program itself orders them."""
    position = jnp.arange(program.n_train + 1, dtype=jnp.float32)[None, None]
    order = np.asarray(
        program._shuffled(
            Data(
                position,
                position,
                jnp.zeros((1, 1), bool),
                position[0],
                position[0],
                *[noise_keys(np.array([0]), Stream.TRAINING)] * 2,
            ),
            jnp.int32(epoch),
        )[0]
    )
    order = order.reshape(-1)[: program.n_train].astype(int)
    return [order[i : i + program.batch] for i in range(0, program.n_train, program.batch)]


def train(program, layers, sample, epochs):
    """Layers after the given epochs, and the batch gradients and sizes met during the last one.

    Args:
        program: settings and batch orders.
        layers: [(weights, bias)] to start from.
        sample: indices of the training sample.
        epochs: passes over it.
    """
    x, target = program.x[sample].astype(float), program.target[:, sample].T.astype(float)
    layers = [(np.asarray(w, float), np.asarray(b, float)) for w, b in layers]
    descent = Descent(program.optimizer, [a for layer in layers for a in layer])
    path = []
    for epoch in range(epochs):
        path = []
        for batch in batches(program, epoch):
            found = gradient(layers, x[batch], target[batch], program.network, program.l2, program.orthonormality)
            path.append((found, len(batch)))
            flat = descent.step([a for layer in layers for a in layer], [g for layer in found for g in layer])
            layers = list(zip(flat[::2], flat[1::2], strict=True))
    return layers, path


def moments(path):
    """Per layer: norm of the weighted mean of the weights' gradients, and their root weighted mean squared distance."""
    sizes = np.array([size for _, size in path], float)
    means, deviations = [], []
    for layer in range(len(path[0][0])):
        grads = np.stack([found[layer][0] for found, _ in path])
        mean = np.average(grads, axis=0, weights=sizes)
        means.append(np.linalg.norm(mean))
        deviations.append(np.sqrt(np.average(((grads - mean) ** 2).sum(axis=(1, 2)), weights=sizes)))
    return np.array(means), np.array(deviations)
