"""What is left of compression when the resolution moves with the layer's scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from ..channels import AdditiveGaussian, Quantize
from .compression import Mean, mean_over_seeds
from .methods import channel_of

Outcome = Literal["vanishes", "remains", "unclear", "blind", "appears", "neither"]

_APART = math.log(2.0)  # noises that differ by more than this factor are no pair: their resolution decides, not scale
KINDS = {
    "snapshot": "bins over the range of each epoch",
    "std": "bins in units of std(T)",
    "adaptive": "adaptive bins",
    "noise": "noise in units of std(T)",
}


@dataclass(frozen=True)
class Rescaling:
    """One layer seen at a fixed resolution and at its counterpart that moves with the layer's scale.

    Attributes:
        layer: name.
        kind: which rescaling, a key of :data:`KINDS`.
        fixed, moving: labels of the two estimators.
        fall, fall_after: mean fall of I(X;T) after its maximum by either, nats.
        change: mean over networks of what rescaling adds to the fall (negative: it takes away), nats.
        outcome: "vanishes" (the fixed one sees compression, the moving one none), "remains" (both see it), "unclear"
            (the moving one cannot decide), "blind" (it could not have seen it), "appears" (only the moving one sees
            it), "neither" (the fixed one sees none, or cannot decide, and the moving one does not see it either).
    """

    layer: str
    kind: str
    fixed: str
    moving: str
    fall: Mean
    fall_after: Mean
    change: Mean
    outcome: Outcome


def rescalings(table: xr.Dataset) -> list[Rescaling]:
    """Every fixed resolution with its moving counterparts, layer by layer.

    Bins of equal width are paired with as many bins that move, quantiles of all epochs with those of each. Noise is
    paired with the noise in units of the layer's deviation that is nearest to it where I(X;T) has its maximum, if
    within a factor of 2: what differs afterwards is then due to the scale.

    Args:
        table: from :func:`infoplane.plane.agreement`.
    """
    channels = [channel_of(str(text)) for text in table.channel.to_numpy()]
    moves = table.follows_scale.to_numpy()
    found = []
    for layer in map(str, table.layer.to_numpy()):
        for i in np.flatnonzero(~moves):
            found += [_pair(table, layer, int(i), j, kind) for j, kind in _partners(table, channels, layer, int(i))]
    return found


def _partners(table: xr.Dataset, channels: list[Any], layer: str, fixed: int) -> list[tuple[int, str]]:
    """Positions of the moving counterparts of one estimator, with the kind of their rescaling."""
    own, moves = channels[fixed], table.follows_scale.to_numpy()
    if isinstance(own, Quantize):
        alike = [(j, c) for j, c in enumerate(channels) if moves[j] and isinstance(c, Quantize) and c.bins == own.bins]
        kinds = [(j, "adaptive" if c.kind == "adaptive" else str(c.range)) for j, c in alike]
        return [(j, kind) for j, kind in kinds if kind == "adaptive" or own.kind == "width"]
    if not isinstance(own, AdditiveGaussian):
        return []
    scale = float(table.scale_at_maximum.isel(estimator=fixed).sel(layer=layer))
    if not (math.isfinite(scale) and scale > 0):
        return []
    family = _family(table, fixed)
    distances = {
        j: abs(math.log(c.sigma * scale / own.sigma))
        for j, c in enumerate(channels)
        if moves[j] and isinstance(c, AdditiveGaussian) and _family(table, j) == family
    }
    nearest = min(distances, key=lambda j: distances[j], default=None)
    return [] if nearest is None or distances[nearest] > _APART else [(nearest, "noise")]


def _family(table: xr.Dataset, position: int) -> str:
    """The estimator without its settings."""
    return str(table.settings.to_numpy()[position]).partition("(")[0]


def _pair(table: xr.Dataset, layer: str, fixed: int, moving: int, kind: str) -> Rescaling:
    one, other = (table.isel(estimator=k).sel(layer=layer) for k in (fixed, moving))
    return Rescaling(
        layer,
        kind,
        str(one.estimator.item()),
        str(other.estimator.item()),
        mean_over_seeds(one.compression),
        mean_over_seeds(other.compression),
        mean_over_seeds(other.compression.to_numpy() - one.compression.to_numpy()),
        _outcome(str(one.verdict.item()), str(other.verdict.item()), str(other.blind.item())),
    )


def _outcome(before: str, after: str, blind: str) -> Outcome:
    if before != "holds":
        return "appears" if before == "fails" and after == "holds" else "neither"
    if after == "holds":
        return "remains"
    return "blind" if blind else "vanishes" if after == "fails" else "unclear"
