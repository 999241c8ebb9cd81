"""Where the snapshots of a watched network go: memory, disk, kept weights, or nowhere."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..errors import InputError
from ..recordings.arrays import ArrayRecording
from ..recordings.base import Recording
from ..recordings.checks import curve_name, curve_values, layer_values
from ..recordings.disk import DiskRecording, Stored, read
from ..recordings.layout import read_npz
from ..recordings.replay import Described, ReplayRecording, Runner
from ..recordings.writer import Writer, header_of

_MOST_BYTES = 2_000_000_000  # kept in memory before a folder is asked for
_STATE = "state"

Layers = Mapping[str, np.ndarray]


class Sink(abc.ABC):
    """Takes snapshots of one network, and gives the recording they make."""

    needs_state = False

    def __init__(self, described: Described, seed: int) -> None:
        self.described, self.seed = described, seed

    @abc.abstractmethod
    def take(self, epoch: int, layers: Layers, state: np.ndarray | None, scalars: Mapping[str, Any]) -> None:
        """Keep one snapshot."""

    @abc.abstractmethod
    def recording(self) -> Recording:
        """The recording so far."""


class InMemory(Sink):
    """Activations in memory, up to 2 GB; also the weights, where a runner is given in their place."""

    def __init__(self, described: Described, seed: int, run: Runner | None = None) -> None:
        super().__init__(described, seed)
        self.run, self.needs_state = run, run is not None
        self.kept: dict[int, dict[str, np.ndarray]] = {}
        self.scalars: dict[int, dict[str, np.ndarray]] = {}

    def take(self, epoch: int, layers: Layers, state: np.ndarray | None, scalars: Mapping[str, Any]) -> None:
        kept = dict(layers) if state is None or self.run is None else {_STATE: state}
        held = sum(values.nbytes for one in (*self.kept.values(), kept) for values in one.values())
        if held > _MOST_BYTES:
            raise InputError(
                f"{len(self.kept) + 1} snapshots take {held / 1e9:.1f} GB of memory; name a folder (path=...), measure "
                "at once (estimator=...), keep weights (keep='weights'), or pool wide layers (pooling=...)."
            )
        n_layers = len(self.described.layers)
        curves = {curve_name(name): curve_values(name, value, 1, n_layers)[0] for name, value in scalars.items()}
        self.kept[epoch], self.scalars[epoch] = kept, curves

    def recording(self) -> Recording:
        if not self.kept:
            raise InputError("There is no snapshot yet; call watch.snapshot(epoch) first.")
        epochs = np.array(sorted(self.kept))
        seeds, one = np.array([self.seed]), self.described
        scalars = _curves(self.scalars, epochs, seeds, one.layers)
        if self.run is not None:
            return ReplayRecording(
                self.run, lambda _, column: self.kept[int(epochs[column])][_STATE], seeds, epochs, scalars, one
            )
        arrays = {layer: _stacked([self.kept[e][layer] for e in epochs.tolist()])[None] for layer in one.layers}
        found = ArrayRecording(arrays, one.probe, seeds, epochs, one.noise, one.ranges, scalars)
        return described_as(found, one)


class OnDisk(Sink):
    """Activations, or weights where a runner is given, in a folder that survives being cut off."""

    def __init__(self, described: Described, seed: int, path: Path, run: Runner | None = None) -> None:
        super().__init__(described, seed)
        self.run, self.needs_state = run, run is not None
        self.path = path
        header = header_of(replace(described, notes=()))  # notes may change from run to run
        kind = "activations" if run is None else "states"
        if run is not None:
            header["watched"] = list(described.layers)
        names = described.layers if run is None else [_STATE]
        ranges = described.ranges if run is None else None
        self.writer = Writer(path, names, described.probe, ranges=ranges, noise=described.noise, kind=kind, **header)

    def take(self, epoch: int, layers: Layers, state: np.ndarray | None, scalars: Mapping[str, Any]) -> None:
        kept = dict(layers) if self.run is None or state is None else {_STATE: state[None]}
        self.writer.snapshot(epoch, kept, seeds=[self.seed], **scalars)

    def recording(self) -> Recording:
        stored = read(self.path)
        if self.run is None:
            return described_as(DiskRecording(self.path, stored), self.described)
        named = Stored(
            {**stored.header, "layers": list(self.described.layers)},
            stored.probe,
            stored.seeds,
            stored.epochs,
            stored.files,
            stored.notes,
        )

        def state(row: int, column: int) -> np.ndarray:
            file, k = stored.files[row, column]
            return read_npz(file, "layer/0".__eq__)["layer/0"][k]

        return ReplayRecording(self.run, state, stored.seeds, stored.epochs, named.scalars(), self.described)


def described_as(found: Any, described: Described) -> Recording:
    """A recording with what its watch knows of pooling, noise and provenance."""
    found.pooled, found.own_noises, found.compressed = described.pooled, described.own_noises, described.compressed
    found.notes = tuple(dict.fromkeys((*found.notes, *described.notes)))
    found.provenance = described.provenance
    return found


def checked_layers(layers: Layers, epoch: int, n: int) -> dict[str, np.ndarray]:
    """(n, d) finite activations by layer.

    Raises:
        InputError: another shape, or values that are no finite numbers.
    """
    return {name: layer_values(values, name, epoch, 1, n)[0] for name, values in layers.items()}


def _stacked(snapshots: list[np.ndarray]) -> np.ndarray:
    """(epochs, n, d); a single one, as large as memory allows maybe, is not copied."""
    return snapshots[0][None] if len(snapshots) == 1 else np.stack(snapshots)


def _curves(
    scalars: Mapping[int, Mapping[str, np.ndarray]], epochs: np.ndarray, seeds: np.ndarray, layers: tuple[str, ...]
) -> xr.Dataset:
    """Training curves over (seed, epoch) or (seed, epoch, layer), nan where a snapshot lacks one."""
    found = xr.Dataset(coords={"seed": seeds, "epoch": epochs, "layer": list(layers)})
    names = dict.fromkeys(name for curves in scalars.values() for name in curves)
    for name in names:
        shape = max((np.shape(curves[name]) for curves in scalars.values() if name in curves), key=len)
        rows = [np.broadcast_to(scalars[e].get(name, np.nan), shape) for e in epochs.tolist()]
        found[name] = (("seed", "epoch", "layer")[: 2 + len(shape)], np.stack(rows)[None].astype(np.float64))
    return found
