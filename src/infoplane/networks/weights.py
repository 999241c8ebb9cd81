"""A recording that keeps the weights of every checkpoint and evaluates activations when asked."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ..channels import OwnNoise
from ..errors import InputError
from ..recordings.base import _BLOCK_BYTES, Block, Probe, Recording, Split
from ..samples import is_whole
from .mlp import MLP
from .program import Stream, noise_keys


class WeightsRecording(Recording):
    """Weights over (seed, epoch): a few hundred numbers a snapshot instead of its activations.

    Any estimator can be applied afterwards without training again, on any split. The activations of a network that runs
    with noise are those of one pass, the same whenever asked for; of a quantised one, integer codes.

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
        self.noise = None if network.noise is None else network.noise_words
        self.probe, self.scalars, self.provenance, self.notes = probe, scalars, provenance, notes

    def weights(self, seed: int, epoch: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """[(weights (out, in), biases (out,))] of one network at one checkpoint; of a quantised one before rounding.

        Raises:
            InputError: a seed or epoch the recording does not have.
        """
        row = self.parameters[self.position("seed", seed), self.position("epoch", epoch)]
        return [(np.asarray(w[0]), np.asarray(b[0])) for w, b in self.network.unflatten(jnp.asarray(row)[None])]

    def kind(self, layer: str) -> np.dtype:
        return self.parameters.dtype if self.network.quantization is None else np.dtype(np.int32)

    def own_noise(self, layer: str) -> OwnNoise | None:
        self.position("layer", layer)
        return self.network.own_noise(layer)

    def propagate(self, seed: int, epoch: int, layer: str, draws: int, *, stream: int = 0) -> np.ndarray:
        noise = self.own_noise(layer)
        if noise is None:
            return super().propagate(seed, epoch, layer, draws, stream=stream)
        if not is_whole(draws) or draws < 1:
            raise InputError(f"propagate(draws) needs a whole number of passes, at least 1, got {draws!r}.")
        if not is_whole(stream) or not 0 <= stream < 2**32:
            raise InputError(f"propagate(stream) needs a whole number from 0 to 2**32 - 1, got {stream!r}.")
        row, column = self.position("seed", seed), self.position("epoch", epoch)
        if noise.certain:  # every pass has the same centre, as nothing before this layer is random
            return np.repeat(self._passes(row, column, layer, 1, 0), draws, axis=1)
        return self._passes(row, column, layer, int(draws), stream)

    def _passes(self, row: int, column: int, layer: str, draws: int, stream: int) -> np.ndarray:
        """(n, draws, d) centres at positions along the axes; as many passes at once as memory should hold."""
        assert self.probe.x is not None
        x = jnp.asarray(self.probe.x.T)
        most = max(1, _BLOCK_BYTES // (4 * self.probe.n * sum(self.network.widths[1:])))
        size = min(most, draws)
        own = self._keys(np.array([row]), np.array([column]), Stream.PROPAGATION)
        assert own is not None
        keys = jax.random.split(jax.random.fold_in(own[0], np.uint32(stream)), -(-draws // size) * size)
        parameters = jnp.broadcast_to(self.parameters[row, column], (size, self.parameters.shape[2]))
        parts = [
            np.asarray(_activations(self.network, parameters, x, (layer,), keys[start : start + size], centres=True)[0])
            for start in range(0, len(keys), size)
        ]
        return np.concatenate(parts)[:draws].transpose(1, 0, 2)

    def _keys(self, rows: np.ndarray, columns: np.ndarray, stream: Stream) -> jax.Array | None:
        """(cells,) keys of the noise at positions along the axes; None for a deterministic network."""
        if self.network.noise is None:
            return None
        keys = noise_keys(self.seeds[rows], stream)
        return jax.vmap(jax.random.fold_in)(keys, jnp.asarray(self.epochs[columns], jnp.uint32))

    def _snapshot(self, seed: int, epoch: int, layer: str) -> np.ndarray:
        assert self.probe.x is not None
        parameters = jnp.asarray(self.parameters[seed, epoch][None])
        keys = self._keys(np.array([seed]), np.array([epoch]), Stream.RECORDING)
        return np.asarray(_activations(self.network, parameters, self.probe.x.T, (layer,), keys)[0][0])

    def blocks(self, layers: Sequence[str], epochs: Sequence[int], split: Split = "all") -> Iterator[Block]:
        assert self.probe.x is not None
        samples = self.samples(split)
        n = self.probe.n if samples is None or self.noise is not None else samples.shape[1]
        size = max(1, _BLOCK_BYTES // (4 * n * sum(self.network.widths[1:])))
        seed, epoch = (g.ravel() for g in np.meshgrid(np.arange(len(self.seeds)), np.asarray(epochs), indexing="ij"))
        size = min(size, len(seed))
        for start in range(0, len(seed), size):
            rows, columns = seed[start : start + size], epoch[start : start + size]
            parameters = self.parameters[rows, columns]
            # One shape, one compiled program: the last block is filled up and cut again.
            fill = np.minimum(np.arange(size), len(rows) - 1)
            keys = self._keys(rows[fill], columns[fill], Stream.RECORDING)
            few = None if samples is None or keys is not None else samples[rows[fill]]
            x = self.probe.x.T if few is None else self.probe.x[few].transpose(0, 2, 1)
            values = _activations(self.network, jnp.asarray(parameters[fill]), jnp.asarray(x), tuple(layers), keys)
            held = {layer: v[: len(rows)] for layer, v in zip(layers, values, strict=True)}
            if samples is not None and keys is not None:  # the noise of a sample is the same in every split
                held = {k: np.take_along_axis(np.asarray(v), samples[rows][..., None], 1) for k, v in held.items()}
            yield Block(rows, columns, held)

    def save(self, path: str | Path) -> None:
        from .storage import save_weights

        save_weights(self, path)


@functools.partial(jax.jit, static_argnames=("network", "layers", "centres"))
def _activations(
    network: MLP,
    parameters: jax.Array,
    x: jax.Array,
    layers: tuple[str, ...],
    keys: jax.Array | None = None,
    *,
    centres: bool = False,
) -> list[jax.Array]:
    """[(cells, n, d)] for (cells, P) parameters; of one noisy pass, with (cells,) keys, where there is noise."""
    every = dict(zip(network.layers, network.activations(parameters, x, keys, centres=centres), strict=True))
    return [every[layer].transpose(0, 2, 1) for layer in layers]
