"""What every recording can do, wherever its activations come from."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import xarray as xr

from .. import rows as tables
from ..channels import OwnNoise
from ..errors import InputError, nearest

Split = Literal["all", "train", "test"]

_BLOCK_BYTES = 32_000_000  # activations held at once while a plane is computed


@dataclass(frozen=True, eq=False)
class Probe:
    """The samples on which activations are recorded.

    Attributes:
        y: (n,) or (n, k) target; integer classes or floats.
        x: (n, dx) inputs, or None where only the layers are known.
        p_y_given_x: (n, classes) law of a random label, or None.
        train: (seed, n) booleans, True for the samples a network was trained on; None where unknown.
        enumerated: True where the samples are all inputs there are, each once and equally likely.
        task: name of the task.
        groups: (n,) numbers of what samples belong to, such as the sequence of a token; None where all stand alone.
    """

    y: np.ndarray
    x: np.ndarray | None = None
    p_y_given_x: np.ndarray | None = None
    train: np.ndarray | None = None
    enumerated: bool = False
    task: str = "user's data"
    groups: np.ndarray | None = None

    @property
    def n(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class Block:
    """Some snapshots of all layers asked for.

    Attributes:
        seed: (cells,) positions along ``seeds``.
        epoch: (cells,) positions along ``epochs``.
        activations: by layer, (cells, n, d).
    """

    seed: np.ndarray
    epoch: np.ndarray
    activations: dict[str, Any]


class Recording(abc.ABC):
    """Activations over (seed, epoch, layer) on one probe set, evaluated or read when asked.

    Attributes:
        seeds: (seed,) integers.
        epochs: (epoch,) integers: epochs completed, 0 for the network as initialised.
        layers: names.
        probe: the samples.
        noise: the noise the network itself runs with, in words; None for a deterministic one.
        scalars: Dataset of training curves over (seed, epoch[, layer]).
        ranges: by layer, the (low, high) of a bounded activation, or None.
        notes: what to beware of.
        pooled: by layer, what was made of its output before it was recorded, in words; layers not named are whole.
        own_noises: by layer, the noise of its own that is known.
        compressed: whether codes stand for the inputs and for the layers.
        provenance: settings it was made with; text and numbers, written into results.
    """

    seeds: np.ndarray
    epochs: np.ndarray
    layers: tuple[str, ...]
    probe: Probe
    noise: str | None = None
    scalars: xr.Dataset
    ranges: dict[str, tuple[float, float] | None]
    notes: tuple[str, ...] = ()
    pooled: Mapping[str, str] = MappingProxyType({})
    own_noises: Mapping[str, OwnNoise] = MappingProxyType({})
    compressed: tuple[bool, bool] = (False, False)
    provenance: dict[str, str | int | float]

    @property
    def x(self) -> np.ndarray | None:
        """(n, dx) inputs of the probe."""
        return self.probe.x

    @property
    def y(self) -> np.ndarray:
        """(n,) or (n, k) target of the probe."""
        return self.probe.y

    @abc.abstractmethod
    def _snapshot(self, seed: int, epoch: int, layer: str) -> np.ndarray:
        """(n, d) activations at positions along the axes."""

    def _snapshots(self, seed: int, epoch: int, layers: Sequence[str]) -> dict[str, np.ndarray]:
        """The same of several layers, for a recording that has them at once."""
        return {layer: self._snapshot(seed, epoch, layer) for layer in layers}

    @abc.abstractmethod
    def save(self, path: str | Path) -> None:
        """Write the recording into a new folder, in the layout of :mod:`infoplane.recordings.disk`."""

    def activations(self, seed: int, epoch: int, layer: str, split: Split = "all") -> np.ndarray:
        """Activations of one snapshot of one layer.

        Args:
            seed: a member of ``seeds``.
            epoch: a member of ``epochs``.
            layer: a member of ``layers``.
            split: "all", or the "train" or "test" part of this seed.

        Returns:
            (n, d) array.

        Raises:
            InputError: a seed, epoch, layer or split that the recording does not have.
        """
        row, column = self.position("seed", seed), self.position("epoch", epoch)
        self.position("layer", layer)
        values = self._snapshot(row, column, layer)
        samples = self.samples(split)
        return values if samples is None else values[samples[row]]

    def rows(self, seed: int, epoch: int, layer: str, split: Split = "all") -> Any:
        """Activations at positions along the axes, uncopied where it is large (:mod:`infoplane.rows`)."""
        values, samples = self._snapshot(seed, epoch, layer), self.samples(split)
        return values if samples is None else tables.picked(values, samples[seed])

    def own_noise(self, layer: str) -> OwnNoise | None:
        """The noise the network itself adds to this layer, where it is known; else None.

        Raises:
            InputError: a layer that the recording does not have.
        """
        self.position("layer", layer)
        return self.own_noises.get(layer)

    def propagate(self, seed: int, epoch: int, layer: str, draws: int, *, stream: int = 0) -> np.ndarray:
        """Noisy passes through a network that runs with noise: centres of a layer, before its own noise.

        Args:
            seed: a member of ``seeds``.
            epoch: a member of ``epochs``.
            layer: one with noise of its own (:meth:`own_noise`).
            draws: passes of every sample.
            stream: another number gives other noise; the same the same.

        Returns:
            (n, draws, d) array; equal along ``draws`` where no layer before has noise.

        Raises:
            InputError: the layer has no noise of its own, or the recording keeps activations only.
        """
        self.position("layer", layer)
        have = [name for name in self.layers if self.own_noise(name) is not None]
        kept = "this recording has activations only, from which no pass can be made again"
        if layer in have:
            why = kept
        elif have:
            why = f"only {', '.join(have)} have noise of their own"
        else:
            why = "this recording has none" if self.noise is None else kept
        raise InputError(
            f"{type(self).__name__}.propagate needs a layer with noise of its own, got {layer!r}: {why}; name such a "
            "layer, or record a network made with noise=AdditiveNoise(...)."
        )

    def kind(self, layer: str) -> np.dtype:
        """Type of a layer's activations: integers are codes, floats are continuous."""
        return self._snapshot(0, 0, layer).dtype

    def samples(self, split: Split) -> np.ndarray | None:
        """(seed, m) indices of a split's samples, or None for all.

        Raises:
            InputError: an unknown split, or one this recording does not know of.
        """
        if split == "all":
            return None
        if split not in ("train", "test"):
            raise InputError(f"A recording has no split {split!r}; {nearest(str(split), ['all', 'train', 'test'])}")
        if self.probe.train is None:
            raise InputError(
                f"This recording does not say which samples were trained on, so there is no {split!r} split."
            )
        mask = self.probe.train if split == "train" else ~self.probe.train
        sizes = mask.sum(axis=1)
        if sizes.min() == 0 or sizes.min() != sizes.max():
            raise InputError(
                f"The {split} split needs one size for all seeds, got {sizes.min()} to {sizes.max()} samples."
            )
        return np.stack([np.flatnonzero(row) for row in mask])

    def position(self, axis: Literal["seed", "epoch", "layer"], value: Any) -> int:
        """Position of a value along an axis.

        Raises:
            InputError: the recording has no such value.
        """
        known = {"seed": self.seeds, "epoch": self.epochs, "layer": self.layers}[axis]
        found = [i for i, k in enumerate(known) if k == value]
        if found:
            return found[0]
        if axis == "layer":
            raise InputError(f"The recording has no layer {value!r}; {nearest(str(value), self.layers)}")
        numbers = np.asarray(known)
        raise InputError(
            f"The recording has no {axis} {value!r}; it has {len(numbers)}, from {numbers.min()} to {numbers.max()}."
        )

    def chosen(
        self, who: str, layers: Sequence[str] | None, epochs: Sequence[int] | np.ndarray | None
    ) -> tuple[list[str], list[int]]:
        """Layers and checkpoints asked for: each layer once, and positions along ``epochs``, rising.

        Args:
            who: asks, for messages.
            layers: names; all if None.
            epochs: members of ``epochs``, in any order; all if None.

        Raises:
            InputError: an unknown layer or epoch, or none at all.
        """
        names = list(self.layers if layers is None else dict.fromkeys(layers))
        for name in names:
            self.position("layer", name)
        wanted = self.epochs if epochs is None else np.atleast_1d(np.asarray(epochs)).tolist()
        marks = sorted({self.position("epoch", epoch) for epoch in wanted})
        if not names or not marks:
            raise InputError(f"{who} needs at least one layer and one epoch.")
        return names, marks

    def blocks(self, layers: Sequence[str], epochs: Sequence[int], split: Split = "all") -> Iterator[Block]:
        """All snapshots, a bounded number at a time, seed by seed.

        Args:
            layers: names.
            epochs: positions along ``epochs``.
            split: which samples.
        """
        samples = self.samples(split)
        for seed in range(len(self.seeds)):
            rows = None if samples is None else samples[seed]
            held: list[dict[str, Any]] = []
            for done, epoch in enumerate(epochs, 1):
                snapshot = self._snapshots(seed, epoch, layers)
                held.append({k: snapshot[k] if rows is None else tables.picked(snapshot[k], rows) for k in layers})
                size = sum(values.nbytes for values in snapshot.values())
                if (len(held) + 1) * size > _BLOCK_BYTES or done == len(epochs):
                    part = np.asarray(epochs[done - len(held) : done])
                    stacked = {layer: together([one[layer] for one in held]) for layer in layers}
                    held = []
                    yield Block(np.full(len(part), seed), part, stacked)

    def extremes(self, layers: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest activation of each layer over all its epochs and samples: two (seed, layer) arrays."""
        low = np.full((len(self.seeds), len(layers)), np.inf)
        high = -low
        for block in self.blocks(layers, range(len(self.epochs))):
            for column, layer in enumerate(layers):
                least, most = _ends(block.activations[layer])
                np.minimum.at(low[:, column], block.seed, least)
                np.maximum.at(high[:, column], block.seed, most)
        return low, high


def together(snapshots: list[Any]) -> Any:
    """(cells, n, d) of (n, d) snapshots: a copy where they are small, else each where it lies."""
    return tables.Snapshots(snapshots) if any(map(tables.large, snapshots)) else np.stack(snapshots)


def _ends(values: Any) -> tuple[np.ndarray, np.ndarray]:
    """(cells,) smallest and largest value of (cells, n, d)."""
    if not tables.large(values):
        return np.asarray(values.min(axis=(1, 2)), np.float64), np.asarray(values.max(axis=(1, 2)), np.float64)
    low, high = zip(*map(tables.extents, values), strict=True)
    return np.array([v.min() for v in low], np.float64), np.array([v.max() for v in high], np.float64)
