"""Planes measured while a network trains, snapshot by snapshot, with nothing kept of the activations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ..channels import Quantize
from ..errors import InputError
from ..plane import information_plane
from ..plane.summary import add_summary
from ..recordings.replay import Described
from ..results import check, load, save
from .sinks import InMemory

if TYPE_CHECKING:
    from .watch import Settings


class Stream:
    """Measures every snapshot at once; with a path, what was measured survives the process.

    Attributes:
        described: what the last snapshot's recording said of itself; None before the first.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.described: Described | None = None
        self._refuse_pooled_ranges()
        self._pieces: dict[int, xr.Dataset] = {}
        self._folder = None if settings.path is None else Path(settings.path) / "planes"
        for file in sorted(self._folder.glob("*.nc")) if self._folder is not None else []:
            piece = load(file)
            if int(piece.seed[0]) == settings.seed:
                self._check_same(piece, file)
                self._pieces[int(piece.epoch[0])] = piece

    def take(self, epoch: int, layers: Mapping[str, np.ndarray], scalars: Mapping[str, Any], d: Described) -> None:
        """Measure one snapshot.

        Raises:
            InputError: earlier ones, of another process, were measured on a network with other noise.
        """
        self._check_same_noise(d)
        self.described = d
        one = InMemory(d, self.settings.seed)
        one.take(epoch, layers, None, scalars)
        how = self.settings
        assert how.estimator is not None
        piece = information_plane(
            one.recording(),
            how.estimator,
            estimator_target=how.estimator_target,
            channel=how.channel,
            null=how.null,
            seed=how.seed,
        )
        self._pieces[epoch] = piece
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            save(piece, self._folder / f"{how.seed}-{epoch:06d}.nc")

    def plane(self) -> xr.Dataset:
        """All that was measured, as one plane."""
        if not self._pieces:
            raise InputError("There is no snapshot yet; call watch.snapshot(epoch) first.")
        return joined([self._pieces[epoch] for epoch in sorted(self._pieces)], self.settings.seed)

    def _check_same(self, piece: xr.Dataset, file: Path) -> None:
        if piece.attrs["estimator"] != str(self.settings.estimator):
            raise InputError(
                f"{file} was measured with {piece.attrs['estimator']}, not {self.settings.estimator}; choose a new "
                "folder, or the same estimator."
            )

    def _check_same_noise(self, d: Described) -> None:
        before, now = {str(piece.attrs["noise"]) for piece in self._pieces.values()}, d.noise or "none"
        if before - {now}:
            raise InputError(
                f"Earlier snapshots in this folder were measured with the noise ({before.pop()}) and this network runs "
                f"with ({now}); give the same sigmas as numbers, or choose a new folder."
            )

    def _refuse_pooled_ranges(self) -> None:
        estimator = self.settings.estimator
        channel = self.settings.channel if estimator is None else estimator.channel or self.settings.channel
        if not isinstance(channel, Quantize) or channel.own_range or channel.kind == "adaptive":
            return
        if isinstance(channel.range, str):
            raise InputError(
                f"{estimator} sets its range by all epochs of a layer, and a snapshot measured at once knows only its "
                "own; name it, range=(low, high), take Binned(kind='adaptive') or range='snapshot', or keep the "
                "activations and measure afterwards."
            )


def joined(pieces: list[xr.Dataset], seed: int) -> xr.Dataset:
    """One plane from planes of single epochs, with the scalars of the whole."""
    per_epoch = [
        piece[[name for name, v in piece.data_vars.items() if "epoch" in v.dims or "bound" in v.dims]]
        for piece in pieces
    ]
    static = [name for name in per_epoch[0].data_vars if "epoch" not in per_epoch[0][name].dims]
    curves = [piece.drop_vars([n for n in static if n in piece]) for piece in per_epoch]
    plane = xr.concat(curves, "epoch", join="outer", data_vars="all", combine_attrs="override")
    plane = plane.assign({name: per_epoch[-1][name] for name in static})
    for name, values in pieces[-1].data_vars.items():
        if name in plane:
            plane[name].attrs = values.attrs
            if values.dtype != plane[name].dtype and not plane[name].isnull().any():
                plane[name] = plane[name].astype(values.dtype)
    notes = dict.fromkeys(note for piece in pieces for note in json.loads(str(piece.attrs.get("notes", "[]"))))
    times = sum(float(piece.attrs.get("wall_time", 0.0)) for piece in pieces)
    plane.attrs = {**pieces[-1].attrs, "notes": json.dumps(list(notes)), "wall_time": times}
    return check(add_summary(plane, seed))
