"""Recordings on disk: a folder any program can write, appended to snapshot by snapshot, safe against being cut off.

Layout, version 1::

    recording.json        {"format": "infoplane-recording", "version": 1, "kind": "activations", "layers": [...], ...}
    probe.npz             y, and where known x, p_y_given_x, train (one row a seed, in the order seeds first appear)
    snapshots/NNNNNN.npz  seeds (k,); layer/I (k, n, d) for the I-th layer; scalar/NAME (k,) or (k, layer)
    index.jsonl           one line a complete snapshot: {"file": ..., "bytes": ..., "epoch": ..., "seeds": [...]}

A snapshot file is written under another name, renamed, and only then named in the index. A reader believes the index
alone, and of that only lines whose file is there with the stated size: whatever moment the writer is killed at, at most
the last snapshot is lost, and the reader says so. The kind "weights" has the same layout with parameters instead of
activations.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..errors import InputError
from .base import Probe, Recording
from .layout import (
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

__all__ = ["DiskRecording", "Stored", "Writer", "open", "read", "write_whole"]


class Writer:
    """Append snapshots to a recording on disk.

    >>> writer = Writer("run", ["conv", "dense"], Probe(y, x))  # doctest: +SKIP
    >>> writer.snapshot(epoch, {"conv": conv, "dense": dense}, loss_train=0.3)  # doctest: +SKIP

    Args:
        path: folder; made if absent, continued if it holds the same recording.
        layers: names, in order from input to output.
        probe: the samples; or just y.
        ranges: by layer, (low, high) of a bounded activation.
        noise: the noise the network runs with, in words.
        kind: "activations"; "weights" is used by ``networks``.
        **header: further JSON values to keep.

    Attributes:
        epochs: epochs of the snapshots on disk, in the order they were written.

    Raises:
        InputError: the folder cannot be written, or holds something else.
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
        self.layers = list(layers)
        probe = probe if isinstance(probe, Probe) else Probe(np.asarray(probe))
        self._n = probe.n
        self.epochs: list[int] = []
        self.header = {
            "format": FORMAT,
            "version": VERSION,
            "kind": kind,
            "layers": self.layers,
            "ranges": {k: None if v is None else list(v) for k, v in (ranges or {}).items()},
            "noise": noise,
            "task": probe.task,
            "enumerated": bool(probe.enumerated),
            **header,
        }
        arrays = {k: getattr(probe, k) for k in ("y", "x", "p_y_given_x", "train")}
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
            self.epochs = [line["epoch"] for line in mend(self.path)]
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
        if set(activations) != set(self.layers):
            raise InputError(f"A snapshot here needs the layers {self.layers}, got {sorted(activations)}.")
        k = len(seeds)
        arrays: dict[str, np.ndarray] = {"seeds": np.asarray(seeds, np.int64)}
        for index, layer in enumerate(self.layers):
            values = np.asarray(activations[layer])
            values = values[None] if values.ndim == 2 and self.header["kind"] == "activations" else values
            if values.shape[0] != k or (self.header["kind"] == "activations" and values.shape[1:2] != (self._n,)):
                raise InputError(
                    f"Layer {layer!r} needs the shape (n, d) or (seeds, n, d) with {k} seeds and n = {self._n}, "
                    f"got {np.shape(activations[layer])}."
                )
            if values.dtype.kind not in "fiub" or not np.isfinite(values).all():
                raise InputError(
                    f"Layer {layer!r} at epoch {epoch} needs finite numbers and has nan, infinity or another type; "
                    "stop recording when a run diverges."
                )
            arrays[f"layer/{index}"] = values
        for name, value in scalars.items():
            arrays[f"scalar/{name}"] = (
                np.broadcast_to(np.asarray(value), (k,)) if np.ndim(value) == 0 else np.asarray(value)
            )
        file = self.path / "snapshots" / f"{len(self.epochs):06d}.npz"
        try:
            write_npz(file, arrays)
            line = {
                "file": file.name,
                "bytes": file.stat().st_size,
                "epoch": int(epoch),
                "seeds": [int(s) for s in seeds],
            }
            with (self.path / "index.jsonl").open("a") as index:
                index.write(json.dumps(line) + "\n")
                index.flush()
                os.fsync(index.fileno())
            self.epochs.append(int(epoch))
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror or error}.") from None

    def keep_until(self, epoch: int) -> None:
        """Forget the snapshots after the last one of this epoch."""
        lines, _ = read_index(self.path)
        kept = lines[: max((i + 1 for i, line in enumerate(lines) if line["epoch"] == epoch), default=0)]
        if len(kept) < len(lines):
            write_index(self.path, kept)
            self.epochs = [line["epoch"] for line in kept]


@dataclass(frozen=True, eq=False)
class Stored:
    """A recording as found on disk.

    Attributes:
        header: contents of recording.json.
        probe: the samples.
        seeds, epochs: the full grid: epochs that every seed has.
        files: (seed, epoch) positions to (file, row within it).
        notes: what was left out.
    """

    header: dict[str, Any]
    probe: Probe
    seeds: np.ndarray
    epochs: np.ndarray
    files: dict[tuple[int, int], tuple[Path, int]]
    notes: tuple[str, ...]

    def by_file(self) -> dict[Path, list[tuple[tuple[int, int], int]]]:
        """Which (seed, epoch) positions each file holds, and in which row."""
        found: dict[Path, list[tuple[tuple[int, int], int]]] = {}
        for cell, (file, row) in self.files.items():
            found.setdefault(file, []).append((cell, row))
        return found

    def scalars(self) -> xr.Dataset:
        """Training curves over (seed, epoch) or (seed, epoch, layer), from all snapshots."""
        columns: dict[str, dict[tuple[int, int], np.ndarray]] = {}
        for file, cells in self.by_file().items():
            for key, values in read_npz(file, lambda key: key.startswith("scalar/")).items():
                columns.setdefault(key.removeprefix("scalar/"), {}).update({cell: values[row] for cell, row in cells})
        found = xr.Dataset(coords={"seed": self.seeds, "epoch": self.epochs, "layer": self.header["layers"]})
        for name, cells in columns.items():
            shape = next(iter(cells.values())).shape
            kind = next(iter(cells.values())).dtype
            kind = kind if np.issubdtype(kind, np.floating) else np.float64
            values = np.full((len(self.seeds), len(self.epochs), *shape), np.nan, kind)
            for cell, value in cells.items():
                values[cell] = value
            found[name] = (("seed", "epoch", "layer")[: values.ndim], values)
        return found


def read(path: str | Path) -> Stored:
    """Everything but the activations themselves.

    Raises:
        InputError: not a recording, or one without a complete snapshot.
    """
    path = Path(path)
    header = {"kind": "activations", "noise": None, "ranges": {}, "enumerated": False, "task": "user's data"}
    header |= read_header(path)
    lines, notes = read_index(path)
    if not lines:
        raise InputError(f"{path} has no complete snapshot yet; record at least one.")
    probe = Probe(**read_npz(path / "probe.npz"), enumerated=header["enumerated"], task=header["task"])
    where = {
        (s, line["epoch"]): (path / "snapshots" / line["file"], row)
        for line in lines
        for row, s in enumerate(line["seeds"])
    }
    seeds = list(dict.fromkeys(s for s, _ in where))
    every = sorted({e for _, e in where})
    epochs = [e for e in every if all((s, e) in where for s in seeds)]
    if not epochs:
        raise InputError(f"{path} has no epoch that was recorded for all its seeds {seeds}.")
    if len(epochs) < len(every):
        notes.append(f"{len(every) - len(epochs)} epochs were not recorded for every seed and are left out.")
    files = {(i, j): where[s, e] for i, s in enumerate(seeds) for j, e in enumerate(epochs)}
    for note in notes:
        warnings.warn(f"{path}: {note}", stacklevel=3)
    return Stored(header, probe, np.array(seeds), np.array(epochs), files, tuple(notes))


class DiskRecording(Recording):
    """Activations read from a folder when asked; one snapshot in memory at a time."""

    def __init__(self, path: str | Path, stored: Stored) -> None:
        header = stored.header
        self.path, self._files = Path(path), stored.files
        self.seeds, self.epochs, self.layers = stored.seeds, stored.epochs, tuple(header["layers"])
        self.probe, self.noise, self.notes = stored.probe, header["noise"], stored.notes
        self.ranges = {k: tuple(v) if (v := header["ranges"].get(k)) else None for k in self.layers}
        self.scalars = stored.scalars()
        self.provenance = {"recording": self.path.name}

    def _snapshot(self, seed: int, epoch: int, layer: str) -> np.ndarray:
        file, row = self._files[seed, epoch]
        name = f"layer/{self.layers.index(layer)}"
        values = read_npz(file, name.__eq__)[name][row]
        return values.astype(np.float32) if values.dtype == np.float16 else values

    def save(self, path: str | Path) -> None:
        writer = Writer(path, self.layers, self.probe, ranges=self.ranges, noise=self.noise)
        for column, epoch in enumerate(self.epochs):
            for row, seed in enumerate(self.seeds):
                snapshot = {layer: self._snapshot(row, column, layer) for layer in self.layers}
                scalars = {str(k): v.to_numpy()[row : row + 1, column] for k, v in self.scalars.items()}
                writer.snapshot(int(epoch), snapshot, seeds=[int(seed)], **scalars)


def open(path: str | Path) -> Recording:
    """Open a recording on disk.

    Args:
        path: the folder.

    Raises:
        InputError: not a recording, none of its snapshots complete, or a layout newer than this version.

    Warns:
        UserWarning: the last snapshot was cut off, or some epochs are missing for some seeds; also in ``notes``.
    """
    stored = read(path)
    if stored.header["kind"] == "weights":
        from ..networks.storage import open_weights  # networks build on recordings, so they are looked up late

        return open_weights(stored)
    return DiskRecording(path, stored)
