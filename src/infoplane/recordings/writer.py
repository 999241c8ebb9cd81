"""Appending to a recording on disk, in the layout of :mod:`infoplane.recordings.disk`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..channels import OwnNoise
from ..errors import InputError
from .base import Probe
from .checks import curve_name, curve_values, layer_values, names_of, probe_of, ranges_of, when_and_who
from .layout import (
    ARRAYS,
    FORMAT,
    VERSION,
    mend,
    only_begun,
    read_header,
    read_index,
    read_npz,
    write_index,
    write_npz,
    write_whole,
)


class Writer:
    """Append snapshots to a recording on disk.

    >>> writer = Writer("run", ["conv", "dense"], Probe(y, x))  # doctest: +SKIP
    >>> writer.snapshot(epoch, {"conv": conv, "dense": dense}, loss_train=0.3)  # doctest: +SKIP

    Args:
        path: folder; made if absent, continued if it holds the same recording.
        layers: names, in order from input to output.
        probe: the samples; or just y. Text and booleans in y are kept as codes 0, 1, ..., one for each distinct row.
        ranges: by layer, (low, high) of a bounded activation.
        noise: the noise the network runs with, in words.
        kind: "activations"; "weights" is used by ``networks``, "states" where weights of a user's network are kept.
        **header: further JSON values to keep.

    Attributes:
        epochs: epochs of the snapshots on disk, in the order they were written.

    Raises:
        InputError: layers, samples or ranges that do not fit together; the folder cannot be written, or holds
            something else. Nothing is written then.
    """

    def __init__(
        self,
        path: str | Path,
        layers: Sequence[str],
        probe: Probe | Any,
        *,
        ranges: Mapping[str, tuple[float, float] | None] | None = None,
        noise: str | None = None,
        kind: str = "activations",
        **header: Any,
    ) -> None:
        self.path = Path(path)
        self.layers = names_of(layers)
        probe = probe_of(probe)
        self._n = probe.n if kind == "activations" else None
        self._rows = None if probe.train is None else len(probe.train)
        watched = {"weights": lambda: header["network"]["widths"][1:], "states": lambda: header["watched"]}
        self._n_layers = len(watched.get(kind, lambda: self.layers)())
        self.epochs: list[int] = []
        self._seeds: set[int] = set()
        self._shapes: dict[str, tuple[int, ...]] = {}  # of one network, by array; the same in every snapshot
        self.header = {
            "format": FORMAT,
            "version": VERSION,
            "kind": kind,
            "layers": self.layers,
            "ranges": {k: None if v is None else list(v) for k, v in ranges_of(ranges, self.layers).items()},
            "noise": noise,
            "task": probe.task,
            "enumerated": bool(probe.enumerated),
            **header,
        }
        arrays = {k: getattr(probe, k) for k in ARRAYS}
        arrays = {k: np.asarray(v) for k, v in arrays.items() if v is not None}
        try:
            self._begin(arrays)
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror or error}.") from None

    def _begin(self, arrays: dict[str, np.ndarray]) -> None:
        """Make the folder, or continue the recording it holds."""
        if (self.path / "recording.json").exists():
            found = read_npz(self.path / "probe.npz")
            same = found.keys() == arrays.keys() and all(np.array_equal(found[k], v) for k, v in arrays.items())
            if read_header(self.path) != json.loads(json.dumps(self.header)) or not same:
                raise InputError(f"{self.path} holds another recording; choose a new folder or delete it.")
            lines = mend(self.path)
            self.epochs = [line["epoch"] for line in lines]
            self._seeds = {int(s) for line in lines for s in line["seeds"]}
            first = read_npz(self.path / "snapshots" / lines[0]["file"]) if lines else {}
            self._shapes = {key: values.shape[1:] for key, values in first.items()}
            return
        if self.path.exists() and (not self.path.is_dir() or not only_begun(self.path)):
            raise InputError(f"{self.path} exists and is not a recording; choose a new folder.")
        (self.path / "snapshots").mkdir(parents=True, exist_ok=True)
        write_npz(self.path / "probe.npz", arrays)
        write_whole(self.path / "recording.json", json.dumps(self.header, indent=1).encode())

    def snapshot(
        self, epoch: int, activations: Mapping[str, Any], *, seeds: Sequence[int] | np.ndarray = (0,), **scalars: Any
    ) -> None:
        """Append one snapshot.

        Args:
            epoch: epochs completed.
            activations: by layer, (n, d), or (k, n, d) for k seeds at once.
            seeds: which networks these are.
            **scalars: training curves: a number, (k,), or (k, layer).

        Raises:
            InputError: layers or shapes that do not fit this recording.
        """
        epoch, seeds = when_and_who(epoch, seeds)
        arrays = {"seeds": seeds, **self._arrays(epoch, activations, len(seeds), scalars)}
        self._check_against_earlier(arrays)
        file = self.path / "snapshots" / f"{len(self.epochs):06d}.npz"
        try:
            write_npz(file, arrays)
            line = {
                "file": file.name,
                "bytes": file.stat().st_size,
                "epoch": epoch,
                "seeds": seeds.tolist(),
            }
            with (self.path / "index.jsonl").open("a") as index:
                index.write(json.dumps(line) + "\n")
                index.flush()
                os.fsync(index.fileno())
            self.epochs.append(epoch)
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror or error}.") from None
        self._seeds |= set(seeds.tolist())
        self._shapes |= {key: values.shape[1:] for key, values in arrays.items()}

    def _arrays(self, epoch: int, activations: Any, k: int, scalars: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """What a snapshot file holds of k networks, checked."""
        if not isinstance(activations, Mapping) or set(activations) != set(self.layers):
            got = sorted(map(str, activations)) if isinstance(activations, Mapping) else type(activations).__name__
            raise InputError(f"A snapshot here needs the layers {self.layers}, got {got}.")
        found = {
            f"layer/{index}": layer_values(activations[layer], layer, epoch, k, self._n)
            for index, layer in enumerate(self.layers)
        }
        for name, value in scalars.items():
            found[f"scalar/{curve_name(name)}"] = curve_values(name, value, k, self._n_layers)
        return found

    def _check_against_earlier(self, arrays: dict[str, np.ndarray]) -> None:
        """One shape a layer and curve in all snapshots, and a row of ``train`` for every network."""
        for key, values in arrays.items():
            if (before := self._shapes.get(key, values.shape[1:])) != values.shape[1:]:
                kind, name = key.split("/", 1)
                name = self.layers[int(name)] if kind == "layer" else name
                raise InputError(
                    f"{kind.capitalize()} {name!r} had the shape {before} for one network in earlier snapshots, "
                    f"now {values.shape[1:]}; record the same in all."
                )
        n_seeds = len(self._seeds | set(arrays["seeds"].tolist()))
        if self._rows is not None and n_seeds > self._rows:
            raise InputError(f"train has {self._rows} rows, one a network, and this snapshot would make {n_seeds}.")

    def keep_until(self, epoch: int) -> None:
        """Forget the snapshots after the last one of this epoch."""
        lines, _ = read_index(self.path)
        kept = lines[: max((i + 1 for i, line in enumerate(lines) if line["epoch"] == epoch), default=0)]
        if len(kept) < len(lines):
            write_index(self.path, kept)
            self.epochs = [line["epoch"] for line in kept]


class Described(Protocol):
    """What a recording says of itself beside its snapshots."""

    @property
    def pooled(self) -> Mapping[str, str]: ...

    @property
    def own_noises(self) -> Mapping[str, OwnNoise]: ...

    @property
    def compressed(self) -> tuple[bool, bool]: ...

    @property
    def notes(self) -> tuple[str, ...]: ...


def header_of(recording: Described) -> dict[str, Any]:
    """What a header says of pooling, noise and codes, where there is any: further settings of a :class:`Writer`."""
    found: dict[str, Any] = {}
    if recording.pooled:
        found["pooled"] = dict(recording.pooled)
    if recording.own_noises:
        found["own_noises"] = {name: asdict(noise) for name, noise in recording.own_noises.items()}
    if any(recording.compressed):
        found["compressed"] = list(recording.compressed)
    if recording.notes:
        found["notes"] = list(recording.notes)
    return found
