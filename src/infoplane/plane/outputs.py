"""What a channel makes of the snapshots of a layer, for estimators that do not work it out themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import rows
from ..channels import AdditiveGaussian, Channel, Identity
from ..estimators import LayerBlock
from ..estimators.binned import quantise, row_keys
from ..estimators.pairwise import noise_scale


def through(channel: Channel, block: LayerBlock, *, counted: bool = False) -> Any:
    """The channel's output, for an estimator that does not work it out itself: codes, noisy samples, or T as it is.

    Args:
        channel: what T is.
        block: a layer.
        counted: only whether codes are equal matters, so that one number may stand for all of a large layer's row.
    """
    t = block.activations
    if isinstance(channel, AdditiveGaussian) and rows.large(t):
        return _noisy(t, noise_scale(t, channel), block.seed)
    if isinstance(channel, AdditiveGaussian):
        noise = np.random.default_rng([block.seed, 0x4015E]).standard_normal(t.shape)
        return np.asarray(t) + noise_scale(t, channel)[:, None, None] * noise
    if isinstance(channel, Identity):
        return t
    assert block.low is not None
    assert block.high is not None
    if counted and rows.large(t):
        walls = [None] * block.cells if block.interior is None else block.interior
        cells = zip(map(rows.table, t), block.low, block.high, walls, strict=True)
        return np.stack([row_keys(v, low, high, channel.bins, w)[0][:, None] for v, low, high, w in cells])
    values = np.asarray(t)
    if block.interior is not None:
        return np.stack([np.searchsorted(w, v, side="right") for w, v in zip(block.interior, values, strict=True)])
    ends = zip(values, block.low, block.high, strict=True)
    return np.stack([quantise(v, low, high, channel.bins) for v, low, high in ends])


def _noisy(t: Any, sigmas: np.ndarray, seed: int) -> rows.Snapshots:
    """The same noise as for small layers, cell by cell from one stream, drawn when it is read."""
    state = dict(np.random.default_rng([seed, 0x4015E]).bit_generator.state)
    cells: list[rows.Noisy] = []
    for values, sigma in zip(map(rows.table, t), sigmas, strict=True):
        cells.append(rows.Noisy(values, float(sigma), cells[-1].after if cells else state))
    return rows.Snapshots(cells)
