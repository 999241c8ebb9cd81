"""The compiled part of training: epochs, gradient statistics and measurements of a block of networks."""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .mlp import MLP, Layers
from .optimizers import SGD, Adam
from .quantization import FORGET, LEAST

_NOISE = 0x4015E


class Stream(enum.IntEnum):
    """What noise is drawn for: each use has random numbers of its own."""

    TRAINING = 0
    EVALUATION = 1
    RECORDING = 2
    PROPAGATION = 3


class State(NamedTuple):
    """Where a block of networks stands: (network, P) parameters and the optimiser's state."""

    parameters: jax.Array
    optimizer: Any


class Data(NamedTuple):
    """Training samples of a block of networks, and which samples of the task they are.

    Attributes:
        x: (network, dx, n_train + 1), the last column empty: it fills up the last batch of an epoch.
        target: (network, outputs, n_train + 1), the last column 0.
        train: (network, n) booleans over the task.
        task_x: (dx, n) inputs of the task.
        task_target: (outputs, n) its one-hot labels or values.
        keys: (network,) random keys of the noise in training.
        evaluation_keys: (network,) of the noise in evaluation.
    """

    x: jax.Array
    target: jax.Array
    train: jax.Array
    task_x: jax.Array
    task_target: jax.Array
    keys: jax.Array
    evaluation_keys: jax.Array


class _Moments(NamedTuple):
    """Running weighted mean and squared deviations of gradients (Welford), one column a parameter."""

    weight: jax.Array
    mean: jax.Array
    deviation: jax.Array

    def add(self, gradient: jax.Array, weight: jax.Array) -> _Moments:
        total = self.weight + weight
        step = gradient - self.mean
        mean = self.mean + step * (weight / total)
        return _Moments(total, mean, self.deviation + weight * step * (gradient - mean))


@dataclass(frozen=True)
class Program:
    """One ensemble's training step and measurements; equal programs share what was compiled.

    Attributes:
        network, optimizer: what is trained, and how.
        batch: samples a step.
        n_train: samples a network is trained on.
        l2: (layer,) weights of half the squared weights in the loss.
        orthonormality: (layer,) weights of the squared distance of W W' (or W'W, the smaller) from the identity.
    """

    network: MLP
    optimizer: Adam | SGD
    batch: int
    n_train: int
    l2: tuple[float, ...]
    orthonormality: tuple[float, ...]

    def load(
        self, task_x: np.ndarray, task_target: np.ndarray, splits: np.ndarray, train: np.ndarray, seeds: np.ndarray
    ) -> Data:
        """Gather the (network, n_train) samples of a block.

        Args:
            task_x: (n, dx) inputs of the task.
            task_target: (outputs, n) one-hot labels or values.
            splits: (network, n_train) positions of each network's samples.
            train: (network, n) the same as booleans.
            seeds: (network,) their seeds.
        """
        x = np.pad(task_x[splits].transpose(0, 2, 1), ((0, 0), (0, 0), (0, 1)))
        target = np.pad(task_target[:, splits].transpose(1, 0, 2), ((0, 0), (0, 0), (0, 1)))
        shared = jnp.asarray(task_x.T, jnp.float32), jnp.asarray(task_target)
        keys = noise_keys(seeds, Stream.TRAINING), noise_keys(seeds, Stream.EVALUATION)
        return Data(jnp.asarray(x, jnp.float32), jnp.asarray(target), jnp.asarray(train), *shared, *keys)

    def initial(self, seeds: np.ndarray, data: Data) -> State:
        """The networks of these seeds before training."""
        keys = jnp.stack([jax.random.key(int(seed)) for seed in seeds])
        parameters = _initial(self.network, keys)
        if self.network.n_reaches:
            parameters = _reaching(self, parameters, data.x[:, :, :-1])
        return State(parameters, self.optimizer.transformation().init(parameters))

    def advance(self, state: State, data: Data, start: int, stop: int) -> tuple[State, dict[str, np.ndarray]]:
        """Train from epoch ``start`` to ``stop`` and measure there; arrays (network,) or (network, layer)."""
        state, measured = _advance(self, state, data, jnp.int32(start), jnp.int32(stop))
        found = {name: np.asarray(value) for name, value in measured.items()}
        if stop == start:
            for name in ("gradient_mean_along_path", "gradient_std_along_path"):
                found[name] = np.full_like(found[name], np.nan)
        if self.network.output == "linear":
            del found["accuracy_train"], found["accuracy_test"]
        return state, found

    def trained_and_measured(self, state: State, data: Data, start: jax.Array, stop: jax.Array):
        """Epochs ``start`` to ``stop``, then gradients at fixed weights, losses and accuracies."""

        def one_epoch(epoch, carry):
            state, _ = carry
            return self._epoch(state, data, epoch)

        none = self._no_moments(state.parameters)
        state, path = jax.lax.fori_loop(start, stop, one_epoch, (state, none))
        here = self._fixed_weights(state.parameters, data, stop)
        network = self.network
        measured = {
            "gradient_mean": network.per_layer_norm(here.mean**2),
            "gradient_std": network.per_layer_norm(here.deviation / self.n_train),
            "gradient_mean_along_path": network.per_layer_norm(path.mean**2),
            "gradient_std_along_path": network.per_layer_norm(path.deviation / self.n_train),
            "weight_norm": network.per_layer_norm(state.parameters**2),
            **self._evaluate(state.parameters, data, stop),
        }
        return state, measured

    def _epoch(self, state: State, data: Data, epoch: jax.Array) -> tuple[State, _Moments]:
        transformation = self.optimizer.transformation()
        x, target = self._shuffled(data, epoch)

        def step(carry, index):
            (parameters, optimizer), moments = carry
            keys = self._keys(data, epoch, index)
            gradient, size, peaks = self._gradient(parameters, x, target, index, keys)
            updates, optimizer = transformation.update(gradient, optimizer, parameters)
            parameters = self._followed(parameters + updates, peaks)
            return (State(parameters, optimizer), moments.add(gradient, size)), None

        start = (state, self._no_moments(state.parameters))
        return jax.lax.scan(step, start, jnp.arange(self._steps))[0]

    def _fixed_weights(self, parameters: jax.Array, data: Data, epoch: jax.Array) -> _Moments:
        """Gradient moments over the batches the next epoch would have, without stepping."""
        x, target = self._shuffled(data, epoch)

        def step(moments, index):
            keys = self._keys(data, epoch, index)
            return moments.add(*self._gradient(parameters, x, target, index, keys)[:2]), None

        return jax.lax.scan(step, self._no_moments(parameters), jnp.arange(self._steps))[0]

    @property
    def _steps(self) -> int:
        return -(-self.n_train // self.batch)

    def _no_moments(self, parameters: jax.Array) -> _Moments:
        return _Moments(jnp.float32(0.0), jnp.zeros_like(parameters), jnp.zeros_like(parameters))

    def _shuffled(self, data: Data, epoch: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Samples in this epoch's order, filled up to whole batches with the empty column.

        One order of positions serves all networks: each holds its own sample in its own random order, so the orders
        of samples are independent all the same.
        """
        if self._steps == 1:
            return data.x[:, :, :-1], data.target[:, :, :-1]
        bits = jax.random.bits(jax.random.fold_in(jax.random.key(0), epoch), (self.n_train,))
        order = jax.lax.sort((bits, jnp.arange(self.n_train, dtype=jnp.int32)), num_keys=1)[1]
        order = jnp.concatenate([order, jnp.full(self._steps * self.batch - self.n_train, self.n_train, jnp.int32)])
        return tuple(jnp.take(a, order, axis=2, mode="clip") for a in (data.x, data.target))  # type: ignore[return-value]

    def _keys(self, data: Data, epoch: jax.Array, index: jax.Array) -> jax.Array | None:
        """(network,) keys of one batch's noise; at fixed weights the coming epoch's, as its batches are."""
        if self.network.noise is None:
            return None
        return jax.vmap(jax.random.fold_in, (0, None))(data.keys, epoch * self._steps + index)

    def _gradient(
        self, parameters: jax.Array, x: jax.Array, target: jax.Array, index: jax.Array, keys: jax.Array | None
    ) -> tuple[jax.Array, jax.Array, jax.Array | None]:
        """Gradient of the mean loss over one batch, the number of samples in it, and its largest activations."""
        start = index * self.batch
        part_x, part_target = (jax.lax.dynamic_slice_in_dim(a, start, self.batch, axis=2) for a in (x, target))
        size = jnp.minimum(self.batch, self.n_train - start).astype(jnp.float32)
        real = start + jnp.arange(self.batch) < self.n_train
        network = self.network
        reaches = network.reaches(parameters)

        def loss(layers: Layers) -> tuple[jax.Array, jax.Array | None]:
            found = network.forward(layers, part_x, keys, reaches)
            losses = self._losses(found.values[-1], part_target)
            total = jnp.where(real, losses, 0.0).sum() / size + self._penalty(layers)
            return total, network.peaks(found, real) if network.n_reaches else None

        # By layer and flattened once: through the flat vector, every layer would add a padded copy of it.
        gradient, peaks = jax.grad(loss, has_aux=True)(network.unflatten(parameters))
        return network.flatten(gradient), size, peaks

    def _penalty(self, layers: Layers) -> jax.Array | float:
        """What the loss has of the weights alone, over all networks."""
        total: jax.Array | float = 0.0
        for (weights, _), l2, orthonormality in zip(layers, self.l2, self.orthonormality, strict=True):
            if l2:
                total += 0.5 * l2 * (weights**2).sum()
            if orthonormality:
                wide = weights.shape[1] > weights.shape[2]
                gram = jnp.einsum("koi,koj->kij" if wide else "kio,kjo->kij", weights, weights, precision="highest")
                total += orthonormality * ((gram - jnp.eye(gram.shape[1])) ** 2).sum()
        return total

    def _followed(self, parameters: jax.Array, peaks: jax.Array | None) -> jax.Array:
        """The parameters with the ranges of quantised layers a step closer to a batch's largest activations."""
        if peaks is None:
            return parameters
        first = self.network.n_parameters - self.network.n_reaches
        reaches = parameters[:, first:]
        followed = jnp.maximum(reaches + FORGET * (peaks - reaches), LEAST)
        return jnp.concatenate([parameters[:, :first], followed], axis=1)

    def _losses(self, outputs: jax.Array, target: jax.Array) -> jax.Array:
        """(network, sample) cross-entropy, or half the squared error, for (network, outputs, sample)."""
        if self.network.output == "softmax":
            return -(jax.nn.log_softmax(outputs, axis=1) * target).sum(axis=1)
        return 0.5 * ((outputs - target) ** 2).sum(axis=1)

    def _evaluate(self, parameters: jax.Array, data: Data, epoch: jax.Array) -> dict[str, jax.Array]:
        network = self.network
        keys = None
        if network.noise is not None:
            keys = jax.vmap(jax.random.fold_in, (0, None))(data.evaluation_keys, epoch)
        outputs = network.forward(network.unflatten(parameters), data.task_x, keys, network.reaches(parameters))
        outputs = outputs.values[-1]
        train, target = data.train, data.task_target
        losses = self._losses(outputs, target[None])
        right = (outputs.argmax(axis=1) == target.argmax(axis=0)).astype(jnp.float32)
        found = {}
        for name, part in (("train", train), ("test", ~train)):
            size = part.sum(axis=1)  # an empty test part gives nan
            found[f"loss_{name}"] = jnp.where(part, losses, 0.0).sum(axis=1) / size
            found[f"accuracy_{name}"] = jnp.where(part, right, 0.0).sum(axis=1) / size
        return found


def noise_keys(seeds: np.ndarray, stream: Stream) -> jax.Array:
    """(network,) random keys, each decided by its network's seed and by what the noise is for."""
    keys = jnp.stack([jax.random.key(int(seed)) for seed in seeds])
    return jax.vmap(lambda key: jax.random.fold_in(jax.random.fold_in(key, _NOISE), stream))(keys)


@functools.partial(jax.jit, static_argnames="network")
def _initial(network: MLP, keys: jax.Array) -> jax.Array:
    """(network, P) parameters; compiled once for a network and a number of them, not in every call."""
    return jax.vmap(network.initial)(keys)


@functools.partial(jax.jit, static_argnames="program")
def _reaching(program: Program, parameters: jax.Array, x: jax.Array) -> jax.Array:
    """Initial parameters with the ranges of quantised layers that the training samples need."""
    network = program.network
    layers = network.unflatten(parameters)
    for _ in network.shapes:  # a layer's range changes what the next one gets: right after as many passes as layers
        peaks = network.peaks(network.forward(layers, x, None, network.reaches(parameters)))
        parameters = network.flatten(layers, jnp.maximum(peaks, LEAST))
    return parameters


@functools.partial(jax.jit, static_argnames="program")
def _advance(program: Program, state: State, data: Data, start: jax.Array, stop: jax.Array):
    return program.trained_and_measured(state, data, start, stop)
