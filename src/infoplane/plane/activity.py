"""How the units of a layer are used: histograms of activations, and how many of them stand at an end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..errors import InputError
from ..progress import Progress, silent
from ..recordings.base import Recording
from ..results import provenance
from ..samples import is_real, whole

_CELLS = ("seed", "epoch", "layer")


def layer_activity(
    recording: Recording,
    *,
    layers: Sequence[str] | None = None,
    epochs: Sequence[int] | None = None,
    share: float = 0.9,
    bins: int = 40,
    progress: Progress = silent,
) -> xr.Dataset:
    """The share of saturated and of zero activations, and the histogram of all, at every checkpoint.

    Of an activation with a known range (-1 to 1 for tanh), a value is saturated beyond ``share`` of the way from the
    middle to an end. What is counted are pairs of a unit and an input.

    Args:
        recording: activations over (seed, epoch, layer).
        layers: names; all if None.
        epochs: members of ``recording.epochs``; all if None.
        share: of half the range, in (0, 1).
        bins: of the histogram: equal, over the known range, else from the least to the largest activation of the layer
            over all epochs, in the median network, so that one network's outliers do not stretch it.
        progress: called with the number of snapshots done.

    Returns:
        Dataset: over (seed, epoch, layer) ``saturated_share`` (nan where no range is known), ``zero_share`` (exact
        zeros) and, where recorded, ``weight_norm``; over (epoch, layer, bin) ``histogram``, the share of activations
        of all networks in each bin; over (layer) its ends ``low`` and ``high``, beyond which nothing is counted.

    Raises:
        InputError: an unknown layer or epoch, a share or number of bins that is none.
    """
    if not (is_real(share) and 0 < share < 1):
        raise InputError(f"layer_activity needs a share between 0 and 1, got {share!r}.")
    bins = whole(bins, "layer_activity(bins)", 2)
    names, marks = recording.chosen("layer_activity", layers, epochs)
    low, high = _ends(recording, names)
    shape = (len(recording.seeds), len(marks), len(names))
    saturated, zeros = np.full(shape, np.nan), np.full(shape, np.nan)
    histogram = np.zeros((len(marks), len(names), bins))
    column_of = {mark: i for i, mark in enumerate(marks)}
    done = 0
    for block in recording.blocks(names, marks):
        columns = np.array([column_of[e] for e in block.epoch])
        for k, name in enumerate(names):
            values = np.asarray(block.activations[name])
            zeros[block.seed, columns, k] = (values == 0).mean(axis=(1, 2))
            known = recording.ranges.get(name)
            if known is not None:
                middle, reach = (known[0] + known[1]) / 2, (known[1] - known[0]) / 2
                saturated[block.seed, columns, k] = (np.abs(values - middle) > share * reach).mean(axis=(1, 2))
            for column, snapshot in zip(columns, values, strict=True):
                histogram[column, k] += _counted(snapshot, low[k], high[k], bins)
        done += len(block.seed)
        progress("counting activations", done, shape[0] * shape[1])
    found = xr.Dataset(
        {
            "saturated_share": (_CELLS, saturated),
            "zero_share": (_CELLS, zeros),
            "histogram": (("epoch", "layer", "bin"), histogram / len(recording.seeds)),
            "low": ("layer", low),
            "high": ("layer", high),
        },
        coords={"seed": recording.seeds, "epoch": np.asarray(recording.epochs)[marks], "layer": names},
        attrs=provenance(
            share=float(share),
            task=recording.probe.task,
            training=recording.provenance,
            notes=list(recording.notes),
            seeds=[int(s) for s in recording.seeds],
        ),
    )
    norms = recording.scalars.get("weight_norm")
    return found if norms is None else found.assign(weight_norm=norms.isel(epoch=marks).sel(layer=names))


def _ends(recording: Recording, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """(layer,) ends of the histograms."""
    known = [recording.ranges.get(name) for name in names]
    low, high = (np.array([np.nan if k is None else k[end] for k in known]) for end in (0, 1))
    free = [i for i, k in enumerate(known) if k is None]
    if free:
        ends = recording.extremes([names[i] for i in free])
        low[free], high[free] = (np.median(end, axis=0) for end in ends)
    return low, high


def _counted(values: np.ndarray, low: float, high: float, bins: int) -> np.ndarray:
    """(bins,) shares of the values in equal intervals of [low, high]; a range of one value is the first of them."""
    values = values.astype(np.float64).ravel()
    inside = values[(values >= low) & (values <= high)]
    scale = bins / (high - low) if high > low else 0.0
    codes = np.minimum((inside - low) * scale, bins - 1).astype(np.int64)
    return np.bincount(codes, minlength=bins) / values.size
