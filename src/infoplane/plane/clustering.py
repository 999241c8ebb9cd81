"""How closely a layer gathers the inputs of a class: cosines between activations, within classes and between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..errors import InputError
from ..progress import Progress, silent
from ..recordings.base import Recording, Split
from ..results import provenance

_CELLS = ("seed", "epoch", "layer")
_ALIKE = 1e-12  # of 1 - cosine: below, all directions agree up to rounding


def clustering(
    recording: Recording,
    *,
    layers: Sequence[str] | None = None,
    epochs: Sequence[int] | None = None,
    split: Split = "all",
    progress: Progress = silent,
) -> xr.Dataset:
    """Mean cosine between the activations of two inputs, over pairs of one class and over pairs of two.

    With u a row of activations of length 1, the cosine of a pair is u . u'. The sum over the pairs of a class needs
    only the sum s of its rows, |s|^2 less the rows' own squares, and so do those between classes: O(n d) a snapshot
    rather than O(n^2 d). Rows of zeros have no direction and are left out. Of a network that runs with noise the
    recording has one noisy pass, and cosines are lower than those of its centres.

    Cosines are blind to lengths: a proxy of compression, as used beside arXiv:1810.05728, and no information.

    Args:
        recording: activations over (seed, epoch, layer), and classes.
        layers: names; all if None.
        epochs: members of ``recording.epochs``; all if None.
        split: "all", or the "train" or "test" part of every network.
        progress: called with the number of snapshots done.

    Returns:
        Dataset over (seed, epoch, layer): ``cosine_within``, the mean over all pairs of inputs of one class, whichever
        class; ``cosine_between``, over all pairs of inputs of two classes; ``spread_ratio``, (1 - within) / (1 -
        between), the mean squared distance of directions within classes over that between them: 0 where every class
        has a direction of its own, 1 where classes make no difference. nan where there is no such pair; the ratio also
        where all directions agree.

    Raises:
        InputError: an unknown layer, epoch or split; targets that are no classes, or one class only.
    """
    names, marks = recording.chosen("clustering", layers, epochs)
    member = _members(recording.y)
    samples = recording.samples(split)
    shape = (len(recording.seeds), len(marks), len(names))
    within, between = np.full(shape, np.nan), np.full(shape, np.nan)
    column_of = {mark: i for i, mark in enumerate(marks)}
    done = 0
    for block in recording.blocks(names, marks, split):
        columns = np.array([column_of[e] for e in block.epoch])
        members = member[None] if samples is None else member[samples[block.seed]]
        for k, name in enumerate(names):
            found = mean_cosines(np.asarray(block.activations[name]), members)
            within[block.seed, columns, k], between[block.seed, columns, k] = found
        done += len(block.seed)
        progress("measuring cosines", done, shape[0] * shape[1])
    apart = np.where(1 - between > _ALIKE, 1 - between, np.nan)
    return xr.Dataset(
        {
            "cosine_within": (_CELLS, within),
            "cosine_between": (_CELLS, between),
            "spread_ratio": (_CELLS, (1 - within) / apart),
        },
        coords={"seed": recording.seeds, "epoch": np.asarray(recording.epochs)[marks], "layer": names},
        attrs=provenance(
            device="CPU",
            split=split,
            task=recording.probe.task,
            noise=recording.noise or "none",
            training=recording.provenance,
            notes=list(recording.notes),
        ),
    )


def mean_cosines(values: np.ndarray, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean cosines over the pairs of rows of one class, and of two.

    Args:
        values: (cells, n, d) activations.
        members: (cells, n, classes) or (1, n, classes), 1 where a row is of a class and 0 elsewhere.

    Returns:
        Two (cells,) arrays; nan where there is no pair of rows that are not all zeros.
    """
    largest = np.abs(values).max(axis=2, keepdims=True).astype(np.float64)
    unit = np.divide(values, largest, out=np.zeros(values.shape), where=largest > 0)
    length = np.sqrt((unit**2).sum(axis=2, keepdims=True))
    unit = np.divide(unit, length, out=unit, where=length > 0)
    of_class = members.transpose(0, 2, 1).astype(np.float64)
    sums = of_class @ unit  # (cells, classes, d)
    count = (of_class @ (length > 0))[..., 0]  # (cells, classes)
    squares, total = (sums**2).sum(axis=(1, 2)), (sums.sum(axis=1) ** 2).sum(axis=1)
    rows, alike = count.sum(axis=1), (count**2).sum(axis=1)
    return _mean(squares - rows, alike - rows), _mean(total - squares, rows**2 - alike)


def _mean(total: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    return np.divide(total, pairs, out=np.full(total.shape, np.nan), where=pairs > 0)


def _members(y: np.ndarray) -> np.ndarray:
    """(n, classes) of 1 where a sample is of a class, 0 elsewhere."""
    y = np.asarray(y)
    if np.issubdtype(y.dtype, np.floating):
        raise InputError("clustering needs classes, and y is continuous; make a recording with integer labels.")
    classes, codes = np.unique(y.reshape(len(y), -1), axis=0, return_inverse=True)
    if len(classes) < 2:
        raise InputError("y has one class only, so there are no pairs between classes to compare.")
    return np.eye(len(classes))[codes.reshape(-1)]
