"""Weights recordings on disk, in the layout of ``recordings.disk``: parameters in place of activations."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from ..naming import Registry
from ..recordings.base import Probe
from ..recordings.disk import Stored, Writer
from .mlp import MLP
from .noise import AdditiveNoise, MultiplicativeNoise
from .quantization import Quantization
from .weights import WeightsRecording

_LAYER = "parameters"  # one array holds all weights of a network; the header names the real layers


def weights_writer(
    path: str | Path, network: MLP, probe: Probe, provenance: dict[str, str | int | float], **header: Any
) -> Writer:
    """A writer whose snapshots are (seed, P) parameters, under one name."""
    return Writer(path, [_LAYER], probe, kind="weights", network=_described(network), provenance=provenance, **header)


def _described(network: MLP) -> dict[str, Any]:
    """Its settings as JSON has them; noise and quantisation as one would write them, where there are any."""
    plain = {name: value for name in ("noise", "quantization") if (value := getattr(network, name)) is not None}
    fields = ("widths", "activation", "output", "init")
    return {**{name: getattr(network, name) for name in fields}, **{name: repr(value) for name, value in plain.items()}}


def _read(description: dict[str, Any]) -> MLP:
    """The network of a description."""
    extra = {name: _PARTS.by_name(description[name]) for name in ("noise", "quantization") if name in description}
    return MLP(**{**description, **extra})


_PARTS = Registry(
    "noise or quantization",
    "AdditiveNoise(sigma=0.1)",
    lambda: {part.__name__: part for part in (AdditiveNoise, MultiplicativeNoise, Quantization)},
)


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
    network = _read(stored.header["network"])
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
