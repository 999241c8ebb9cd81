"""Weights recordings on disk, in the layout of ``recordings.disk``: parameters in place of activations."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from ..recordings.base import Probe
from ..recordings.disk import Stored, Writer
from .mlp import MLP
from .weights import WeightsRecording

_LAYER = "parameters"  # one array holds all weights of a network; the header names the real layers


def weights_writer(
    path: str | Path, network: MLP, probe: Probe, provenance: dict[str, str | int | float], **header: Any
) -> Writer:
    """A writer whose snapshots are (seed, P) parameters, under one name."""
    description = dataclasses.asdict(network)
    return Writer(path, [_LAYER], probe, kind="weights", network=description, provenance=provenance, **header)


def append(writer: Writer, epoch: int, seeds: np.ndarray, parameters: np.ndarray, scalars: dict[str, Any]) -> None:
    """Add the (seed, P) parameters of one checkpoint and its training curves."""
    writer.snapshot(epoch, {_LAYER: parameters}, seeds=seeds, **scalars)


def save_weights(recording: WeightsRecording, path: str | Path) -> None:
    """Write a finished recording into a new folder."""
    writer = weights_writer(path, recording.network, recording.probe, recording.provenance)
    for column, epoch in enumerate(recording.epochs):
        scalars = {str(k): v.to_numpy()[:, column] for k, v in recording.scalars.items()}
        append(writer, int(epoch), recording.seeds, recording.parameters[:, column], scalars)


def open_weights(stored: Stored) -> WeightsRecording:
    """The recording a folder holds."""
    network = MLP(**stored.header["network"])
    parameters = np.empty((len(stored.seeds), len(stored.epochs), network.n_parameters), np.float32)
    for file, cells in stored.by_file().items():
        with np.load(file, allow_pickle=False) as arrays:
            values = arrays["layer/0"]
        for cell, row in cells:
            parameters[cell] = values[row]
    named = dataclasses.replace(stored, header={**stored.header, "layers": list(network.layers)})
    return WeightsRecording(
        network,
        parameters,
        stored.seeds,
        stored.epochs,
        stored.probe,
        named.scalars(),
        stored.header["provenance"],
        stored.notes,
    )
