"""What single units know: the plane of a layer's units one by one, in the mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from ..channels import Channel
from ..errors import InputError
from ..estimators import LayerBlock, LayerInformation, Plugin
from ..progress import Progress, silent
from ..recordings.base import Recording, Split
from ..results import provenance
from .ceilings import ceilings
from .outputs import through
from .view import Cells, View

_CELLS = ("seed", "epoch", "layer")


def neuron_information(
    recording: Recording,
    channel: Channel | None = None,
    *,
    layers: Sequence[str] | None = None,
    epochs: Sequence[int] | None = None,
    split: Split = "all",
    progress: Progress = silent,
) -> xr.Dataset:
    """Mean over the units of a layer of I(X;T_i) = H(T_i) and of I(T_i;Y), counted.

    A wide layer has a code of its own for almost every input, and its entropy, ln n, tells nothing; that of its units
    does. A unit knows at most what its layer knows, so that the mean is a lower bound on the layer's information.
    Cost O(n log n) a unit.

    Args:
        recording: activations over (seed, epoch, layer) of networks without noise of their own; codes, as those of a
            quantised network, or floats.
        channel: ``Quantize(...)`` for floats; None for codes.
        layers, epochs, split: as for :func:`information_plane`.
        progress: called with the number of snapshots done.

    Returns:
        Dataset over (seed, epoch, layer), nats: ``mi_input_neurons`` and ``mi_target_neurons``, each with the
        attributes ``quantity`` and ``direction`` ("exact" where all inputs there are were counted).

    Raises:
        InputError: a noisy network, a float target, a channel that makes no codes, an unknown layer, epoch or split.
    """
    if recording.noise is not None:
        raise InputError(
            f"neuron_information counts units that the input decides, and this network runs with noise "
            f"({recording.noise}); use information_plane with an estimator for noisy networks."
        )
    if np.issubdtype(np.asarray(recording.y).dtype, np.floating):
        raise InputError("neuron_information counts classes and y is continuous (floats); pass labels.")
    names, marks = recording.chosen("neuron_information", layers, epochs)
    view = View(recording, Plugin(), channel, names, marks)
    if not view.counts:
        raise InputError(f"neuron_information counts codes; {view.channel!r} makes none, Quantize(bins=30) does.")
    found = _means(view, split, progress)
    dataset = xr.Dataset(
        {f"{name}_neurons": (_CELLS, values) for name, values in found.items()},
        {"seed": np.asarray(recording.seeds), "epoch": np.asarray(recording.epochs)[marks], "layer": names},
        provenance(
            channel=repr(view.channel),
            split=split,
            task=recording.probe.task,
            enumerated=int(recording.probe.enumerated),
            training=recording.provenance,
            notes=[*recording.notes, *view.notes],
            **ceilings(recording, split),
        ),
    )
    for name, quantity in (("mi_input", view.input_name), ("mi_target", view.target_name)):
        dataset[f"{name}_neurons"].attrs = {
            "quantity": f"mean over single units of {quantity}",
            "direction": "exact" if recording.probe.enumerated and split == "all" else "estimate",
            "unit": "nats",
        }
    return dataset


def _means(view: View, split: Split, progress: Progress) -> dict[str, np.ndarray]:
    """(seed, epoch, layer) means over units, by name."""
    recording = view.recording
    shape = (len(recording.seeds), len(view.marks), len(view.layers))
    found = {name: np.full(shape, np.nan) for name in ("mi_input", "mi_target")}
    column_of = {mark: i for i, mark in enumerate(view.marks)}
    done = 0
    for part in recording.blocks(view.layers, view.marks, split):
        columns = np.array([column_of[e] for e in part.epoch])
        cells = Cells(part.seed, part.epoch)
        for k, layer in enumerate(view.layers):
            values = part.activations[layer]
            block = view.block(values, cells, layer, split, np.arange(values.shape[1])[None])
            units = _by_unit(replace(block, activations=through(view.channel, block)))
            for name, each in (("mi_input", units.mi_input), ("mi_target", units.mi_target[:, 0])):
                found[name][part.seed, columns, k] = each.reshape(len(part.seed), -1).mean(axis=1)
        done += len(part.seed)
        progress("counting single units", done, shape[0] * shape[1])
    return found


def _by_unit(block: LayerBlock) -> LayerInformation:
    """What every unit knows, cell by cell: (cells, n, d) codes counted as cells * d layers of one unit."""
    codes = np.asarray(block.activations)
    width = codes.shape[2]

    def each(values: Any) -> Any:
        return None if values is None else np.repeat(values, width, axis=0)

    return Plugin().layer(
        LayerBlock(
            codes.transpose(0, 2, 1).reshape(-1, codes.shape[1], 1),
            each(block.y),
            block.permutations,
            population=block.population,
            p_y_given_x=each(block.p_y_given_x),
        )
    )
