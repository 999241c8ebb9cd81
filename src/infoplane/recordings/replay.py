"""A recording that keeps the weights of a user's own network and runs it again when activations are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import xarray as xr

from ..channels import OwnNoise
from ..errors import InputError
from ..samples import whole
from .base import Probe, Recording

_CACHED = 500_000_000  # bytes of one snapshot that are kept for whoever asks for its next layer


class Runner(Protocol):
    """A network that can be run on the probe with given weights."""

    def __call__(
        self, state: np.ndarray, layers: Sequence[str], stream: tuple[int, ...], *, centres: bool = False
    ) -> Mapping[str, np.ndarray]:
        """By layer, (n, d) activations.

        Args:
            state: (P,) weights.
            layers: names.
            stream: numbers that seed the noise of this pass.
            centres: give layers with noise of their own before that noise.
        """
        ...


@dataclass(frozen=True, eq=False)
class Described:
    """What a recording says of itself beside its snapshots.

    Attributes:
        layers, probe, noise, ranges, pooled, own_noises, notes, provenance, compressed: as in :class:`Recording`.
    """

    layers: tuple[str, ...]
    probe: Probe
    noise: str | None
    ranges: dict[str, tuple[float, float] | None]
    pooled: Mapping[str, str]
    own_noises: Mapping[str, OwnNoise]
    notes: tuple[str, ...]
    provenance: dict[str, str | int | float]
    compressed: tuple[bool, bool] = (False, False)


class ReplayRecording(Recording):
    """Weights over (seed, epoch); activations are computed when asked, by running the network on the probe.

    A network that runs with noise gives the same pass whenever the same snapshot is asked for.
    """

    def __init__(
        self,
        run: Runner,
        states: Callable[[int, int], np.ndarray],
        seeds: Sequence[int] | np.ndarray,
        epochs: Sequence[int] | np.ndarray,
        scalars: xr.Dataset,
        described: Described,
    ) -> None:
        self._run, self._states = run, states
        self.seeds, self.epochs, self.scalars = np.asarray(seeds), np.asarray(epochs), scalars
        self.layers, self.probe, self.noise = described.layers, described.probe, described.noise
        self.ranges, self.pooled = described.ranges, described.pooled
        self.own_noises = described.own_noises
        self.notes, self.provenance = described.notes, described.provenance
        self._held: tuple[tuple[int, int], dict[str, np.ndarray]] = ((-1, -1), {})

    def weights(self, seed: int, epoch: int) -> np.ndarray:
        """(P,) weights of one network at one checkpoint.

        Raises:
            InputError: a seed or epoch the recording does not have.
        """
        return self._states(self.position("seed", seed), self.position("epoch", epoch))

    def _snapshot(self, seed: int, epoch: int, layer: str) -> np.ndarray:
        return self._snapshots(seed, epoch, [layer])[layer]

    def _snapshots(self, seed: int, epoch: int, layers: Sequence[str]) -> dict[str, np.ndarray]:
        where, held = self._held
        if where != (seed, epoch):
            held = {}
        missing = [layer for layer in layers if layer not in held]
        if missing:
            stream = (int(self.seeds[seed]), int(self.epochs[epoch]))
            found = self._run(self._states(seed, epoch), missing, stream)
            held = {**held, **{layer: found[layer] for layer in missing}}
            size = sum(values.nbytes for values in held.values())
            self._held = ((seed, epoch), held) if size <= _CACHED else ((-1, -1), {})
        return {layer: held[layer] for layer in layers}

    def propagate(self, seed: int, epoch: int, layer: str, draws: int, *, stream: int = 0) -> np.ndarray:
        if self.own_noise(layer) is None:
            return super().propagate(seed, epoch, layer, draws, stream=stream)
        draws = whole(draws, "propagate(draws)", low=1)
        state = self.weights(seed, epoch)
        certain = self.own_noises[layer].certain  # then every pass has the same centre
        numbers = [(int(seed), int(epoch), 1 + whole(stream, "propagate(stream)"), k) for k in range(draws)]
        passes = [self._run(state, [layer], k, centres=True)[layer] for k in (numbers[:1] if certain else numbers)]
        return np.stack(passes * (draws if certain else 1), axis=1)

    def save(self, path: str | Path) -> None:
        """Write the activations of all snapshots into a new folder."""
        from .writer import Writer, header_of

        writer = Writer(path, self.layers, self.probe, ranges=self.ranges, noise=self.noise, **header_of(self))
        for column, epoch in enumerate(self.epochs):
            for row, seed in enumerate(self.seeds):
                scalars: dict[str, Any] = {str(k): v.to_numpy()[row : row + 1, column] for k, v in self.scalars.items()}
                writer.snapshot(int(epoch), self._snapshots(row, column, self.layers), seeds=[int(seed)], **scalars)


def one_state(arrays: Mapping[str, np.ndarray]) -> tuple[np.ndarray, tuple[tuple[str, tuple[int, ...]], ...]]:
    """All floating arrays in one flat row, and how to take it apart: (name, shape) of each.

    Raises:
        InputError: there are none.
    """
    kept = {name: np.asarray(a) for name, a in arrays.items() if np.asarray(a).dtype.kind == "f"}
    if not kept:
        raise InputError("There are no floating weights to keep; use keep='activations'.")
    plan = tuple((name, a.shape) for name, a in kept.items())
    return np.concatenate([a.ravel() for a in kept.values()]), plan


def apart(state: np.ndarray, plan: Sequence[tuple[str, tuple[int, ...]]]) -> dict[str, np.ndarray]:
    """The arrays of a flat row.

    Raises:
        InputError: the row is of another network.
    """
    sizes = [int(np.prod(shape)) for _, shape in plan]
    if state.shape != (sum(sizes),):
        raise InputError(f"These weights are {state.size} numbers and the network has {sum(sizes)}; use the same one.")
    ends = np.cumsum(sizes)
    return {
        name: state[end - size : end].reshape(shape) for (name, shape), size, end in zip(plan, sizes, ends, strict=True)
    }
