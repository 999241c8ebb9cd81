"""The convolutional network on MNIST through lossy compression: the published protocol beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from .base import Claim, Experiment, Run
from .with_torch import with_torch

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class LossyMNIST(Experiment):
    """The information plane of a convolutional network (7,274 weights) on all of MNIST, from codes of four numbers.

    "authors": what enters each layer is multiplied by 1 + 1e-3 eps, Adam 1e-5, 300 epochs, images to four numbers by a
    convolutional autoencoder, layers to four principal components refitted every epoch, weighted neighbours with k = 5,
    which in up to four dimensions are the first neighbour alone. "ours": Gaussian noise added after the activations of
    T1..T4, a tenth of each layer's root mean square at the end of a pilot run; Adam 1e-4 and a tenth of the epochs;
    k = 20 with the shortest weights, KSG beside it, components refitted and frozen; several networks.

    Epochs of all arms are counted as those of the published schedule that have the same rate times steps.

    Departures from the published protocol:

    - one network of the published schedule, from our initialisation; the input compressor is smaller (two convolutions,
      trained to rebuild principal components) and sees 20,000 training images;
    - no smoothing of any curve;
    - KSG looks at columns of unit variance, and takes labels with the nearest-neighbour estimate for mixed data.
    """

    name = "lossy-mnist"
    title = "Lossy compression of a convolutional network: published protocol and ours"
    source = "arXiv:2305.08013 (protocol of its code)"
    seeds = 3
    quick_seeds = 2

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        return with_torch("lossy-mnist", "lossy_mnist_planes").measure(run)

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        from . import lossy_mnist_claims

        return lossy_mnist_claims.claims(datasets)

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        from . import lossy_mnist_figures

        return lossy_mnist_figures.figures(datasets)
