"""The information plane of a ResNet and of a transformer, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from .. import plots
from ..plane import apart
from . import resnet_claims
from .base import Claim, Experiment, Run
from .with_torch import with_torch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_UNIT = "nats"


class ResNetPlane(Experiment):
    """All layers of a ResNet-18 (11.2 million weights) and of a small vision transformer on Fashion-MNIST.

    Both are watched on the 10,000 test images, every layer whole (up to 50,176 numbers an image) through four principal
    components that are found in passes over the probe; the transformer's last layer norm through its first token.
    Gaussian noise with a tenth of each layer's deviation at the start is on after every layer but the output, in
    training too. Images enter as codes of four numbers.

    They are trained briefly, for this is about measuring: AdamW 1e-3, batches of 128 of 20,000 images; epochs count
    updates. One residual network, several transformers.
    """

    name = "resnet-plane"
    title = "The information plane of a ResNet-18 and of a vision transformer"
    source = "our own experiment"
    seeds = 3
    quick_seeds = 2

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        return with_torch("resnet-plane", "resnet_planes").measure(run)

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return resnet_claims.claims(datasets)

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        found = {}
        for arm in resnet_claims.ARMS:
            plane = datasets[arm]
            chain = resnet_claims.chain_of(plane)
            planes = apart(plane)
            shown = {title: planes[name] for title, name in (("weighted neighbours", "WeightedKL"), ("KSG", "KSG"))}
            found[f"depth-{arm}"] = plots.layer_profile_panels(
                shown, floors=resnet_claims.floors(plane), chain=chain, step="update", unit=_UNIT
            )
            found[f"plane-{arm}"] = plots.path_panels(
                [(title, one.sel(layer=chain)) for title, one in shown.items()], unit=_UNIT
            )
        return found
