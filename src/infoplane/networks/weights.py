"""A recording that keeps the weights of every checkpoint and evaluates activations when asked."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ..recordings.base import _BLOCK_BYTES, Block, Probe, Recording, Split
from .mlp import MLP


class WeightsRecording(Recording):
    """Weights over (seed, epoch): a few hundred numbers a snapshot instead of its activations.

    Any estimator can be applied afterwards without training again, on any split.

    Attributes:
        network: the architecture.
        parameters: (seed, epoch, P) float32.
    """

    def __init__(
        self,
        network: MLP,
        parameters: np.ndarray,
        seeds: np.ndarray,
        epochs: np.ndarray,
        probe: Probe,
        scalars: xr.Dataset,
        provenance: dict[str, str | int | float],
        notes: tuple[str, ...] = (),
    ) -> None:
        self.network = network
        self.parameters = parameters
        self.seeds, self.epochs = np.asarray(seeds), np.asarray(epochs)
        self.layers = network.layers
        self.ranges = dict(zip(network.layers, network.known_ranges, strict=True))
        self.probe, self.scalars, self.provenance, self.notes = probe, scalars, provenance, notes

    def weights(self, seed: int, epoch: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """[(weights (out, in), biases (out,))] of one network at one checkpoint.

        Raises:
            InputError: a seed or epoch the recording does not have.
        """
        row = self.parameters[self.position("seed", seed), self.position("epoch", epoch)]
        return [(np.asarray(w[0]), np.asarray(b[0])) for w, b in self.network.unflatten(jnp.asarray(row)[None])]

    def kind(self, layer: str) -> np.dtype:
        return self.parameters.dtype

    def _snapshot(self, seed: int, epoch: int, layer: str) -> np.ndarray:
        assert self.probe.x is not None
        parameters = jnp.asarray(self.parameters[seed, epoch][None])
        return np.asarray(_activations(self.network, parameters, self.probe.x.T, (layer,))[0][0])

    def blocks(self, layers: Sequence[str], epochs: Sequence[int], split: Split = "all") -> Iterator[Block]:
        assert self.probe.x is not None
        samples = self.samples(split)
        n = self.probe.n if samples is None else samples.shape[1]
        size = max(1, _BLOCK_BYTES // (4 * n * sum(self.network.widths[1:])))
        seed, epoch = (g.ravel() for g in np.meshgrid(np.arange(len(self.seeds)), np.asarray(epochs), indexing="ij"))
        size = min(size, len(seed))
        for start in range(0, len(seed), size):
            rows, columns = seed[start : start + size], epoch[start : start + size]
            parameters = self.parameters[rows, columns]
            if len(rows) < size:  # one shape, one compiled program: the last block is filled up and cut again
                parameters = np.concatenate([parameters, np.repeat(parameters[-1:], size - len(rows), axis=0)])
            if samples is None:
                x = self.probe.x.T
            else:
                index = np.concatenate([samples[rows], np.repeat(samples[rows[-1:]], size - len(rows), axis=0)])
                x = self.probe.x[index].transpose(0, 2, 1)
            values = _activations(self.network, jnp.asarray(parameters), jnp.asarray(x), tuple(layers))
            held = {layer: v[: len(rows)] for layer, v in zip(layers, values, strict=True)}
            yield Block(rows, columns, held)

    def save(self, path: str | Path) -> None:
        from .storage import save_weights

        save_weights(self, path)


@functools.partial(jax.jit, static_argnames=("network", "layers"))
def _activations(network: MLP, parameters: jax.Array, x: jax.Array, layers: tuple[str, ...]) -> list[jax.Array]:
    """[(cells, n, d)] for (cells, P) parameters."""
    every = dict(zip(network.layers, network.activations(parameters, x), strict=True))
    return [every[layer].transpose(0, 2, 1) for layer in layers]
