"""Recordings on disk: a folder any program can write, appended to snapshot by snapshot, safe against being cut off.

Layout, version 1::

    recording.json        {"format": "infoplane-recording", "version": 1, "kind": "activations", "layers": [...], ...}
    probe.npz             y, and where known x, p_y_given_x, groups (n,), train (one row a seed, as seeds first appear)
    snapshots/NNNNNN.npz  seeds (k,); layer/I (k, n, d) for the I-th layer; scalar/NAME (k,) or (k, layer)
    index.jsonl           one line a complete snapshot: {"file": ..., "bytes": ..., "epoch": ..., "seeds": [...]}

A snapshot file is written under another name, renamed, and only then named in the index. A reader believes the index
alone, and of that only lines whose file is there with the stated size: whatever moment the writer is killed at, at most
the last snapshot is lost, and the reader says so. The kind "weights" has the same layout with parameters of an MLP
instead of activations, the kind "states" those of a user's own network, which only that network can read again.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..channels import OwnNoise
from ..errors import InputError
from .base import Probe, Recording
from .checks import probe_of
from .layout import ARRAYS, read_header, read_index, read_npz, write_whole
from .writer import Writer, header_of

__all__ = ["DiskRecording", "Stored", "Writer", "open", "read", "write_whole"]


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
    header |= {"pooled": {}, "own_noises": {}, "notes": [], "compressed": [False, False]}
    header |= read_header(path)
    lines, notes = read_index(path)
    if not lines:
        raise InputError(f"{path} has no complete snapshot yet; record at least one.")
    arrays = read_npz(path / "probe.npz", ARRAYS.__contains__)
    if "y" not in arrays:
        raise InputError(f"{path / 'probe.npz'} needs an array y with one row a sample.")
    probe = probe_of(Probe(**arrays, enumerated=header["enumerated"], task=header["task"]))
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
    return Stored(header, probe, np.array(seeds), np.array(epochs), files, (*header["notes"], *notes))


class DiskRecording(Recording):
    """Activations read from a folder when asked; one snapshot in memory at a time."""

    def __init__(self, path: str | Path, stored: Stored) -> None:
        header = stored.header
        self.path, self._files = Path(path), stored.files
        self.seeds, self.epochs, self.layers = stored.seeds, stored.epochs, tuple(header["layers"])
        self.probe, self.noise, self.notes = stored.probe, header["noise"], stored.notes
        self.ranges = {k: tuple(v) if (v := header["ranges"].get(k)) else None for k in self.layers}
        self.pooled = header["pooled"]
        self.compressed = (bool(header["compressed"][0]), bool(header["compressed"][1]))
        self.own_noises = {layer: OwnNoise(**settings) for layer, settings in header["own_noises"].items()}
        self.scalars = stored.scalars()
        self.provenance = {"recording": self.path.name}

    def _snapshot(self, seed: int, epoch: int, layer: str) -> np.ndarray:
        file, row = self._files[seed, epoch]
        name = f"layer/{self.layers.index(layer)}"
        values = read_npz(file, name.__eq__)[name][row]
        return values.astype(np.float32) if values.dtype == np.float16 else values

    def save(self, path: str | Path) -> None:
        writer = Writer(path, self.layers, self.probe, ranges=self.ranges, noise=self.noise, **header_of(self))
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
    if stored.header["kind"] == "states":
        raise InputError(
            f"{path} keeps the weights of a user's own network and no activations; make the network again and call "
            "watch(..., keep='weights', path=...) on it: its recording has these snapshots."
        )
    return DiskRecording(path, stored)
