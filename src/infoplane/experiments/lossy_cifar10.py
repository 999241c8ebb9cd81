"""A convolutional network on a subset of CIFAR-10 through lossy compression, with pairs that belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from .base import Claim, Experiment, Run
from .lossy_mnist_claims import SPEC, broken
from .lossy_phases import correlation
from .verdicts import mean_over_seeds
from .with_torch import with_torch

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class LossyCIFAR10(Experiment):
    """The information plane of a small convolutional network on 4,000 images of CIFAR-10.

    Convolutions 3 to 8 to 16 to 32 with padding, dense layers 512 to 32 to 32 to 10; what enters each layer is
    multiplied by 1 + 1e-3 eps; Adam 1e-4 for 50 epochs; images to eight numbers by an autoencoder, layers to four
    principal components refitted every epoch; measured on the training images. Every code stands beside the layers of
    its own image: the published code takes them from two loaders of which one shuffles, and what that gives is
    measured too.

    Departures from the published protocol: 4,000 images in place of 50,000, in batches of 82 so that an epoch has
    its 49 updates; eight numbers in place of ten; a dense autoencoder.
    """

    name = "lossy-cifar10"
    title = "Lossy compression of a convolutional network on CIFAR-10: matched pairs"
    source = "arXiv:2305.08013 (protocol of its code)"
    seeds = 2
    quick_seeds = 2

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        return with_torch("lossy-cifar10", "lossy_cifar10_planes").measure(run)

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return [_matched(datasets), _agree(datasets), _ordered(datasets["weighted"]), _learned(datasets["weighted"])]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        shown = {
            "weighted": datasets["weighted"],
            "KSG": datasets["KSG"],
            "KSG, mismatched": datasets["KSG-mismatched"],
        }
        return {
            "curves": plots.course_panels(shown, loss="loss_train", unit="nats"),
            "plane": plots.plane_by_loss_panels(datasets["weighted"], loss="loss_train", unit="nats"),
        }


def _matched(datasets: Mapping[str, xr.Dataset]) -> Claim:
    matched, other = datasets["KSG"], datasets["KSG-mismatched"]
    numbers: dict[str, float | str] = {}
    for layer in matched.layer.values:
        right, wrong = (plane["mi_input"].sel(layer=layer) for plane in (matched, other))
        numbers[f"{layer}: I(X;T), mean over epochs, nats"] = str(mean_over_seeds(right.mean("epoch")))
        numbers[f"{layer}: the same with codes in another order"] = str(mean_over_seeds(wrong.mean("epoch")))
    least = float(matched["mi_input"].mean(("seed", "epoch")).min())
    most = float(abs(other["mi_input"]).max())
    return Claim(
        "Codes and layers belong together: I(X;T) is above 0.2 nats in every layer, and within 0.1 of 0 when the codes "
        "are in another order.",
        "holds" if least > 0.2 and most < 0.1 else "fails",
        numbers,
        SPEC,
    )


def _agree(datasets: Mapping[str, xr.Dataset]) -> Claim:
    one, other = datasets["weighted"], datasets["KSG"]
    found = {
        str(layer): float(
            np.mean(
                [
                    correlation(*(p["mi_input"].sel(seed=s, layer=layer).to_numpy() for p in (one, other)))
                    for s in one.seed.values
                ]
            )
        )
        for layer in one.layer.values
    }
    numbers: dict[str, float | str] = {f"{layer}: correlation over epochs": value for layer, value in found.items()}
    for layer in one.layer.values:
        gap = (one["mi_input"] - other["mi_input"]).sel(layer=layer)
        numbers[f"{layer}: weighted less KSG, nats"] = str(mean_over_seeds(gap.mean("epoch")))
    least = min(found.values())
    return Claim(
        "In twelve joint dimensions weighted neighbours and KSG see the same course (correlation above 0.9 in every "
        "layer).",
        "holds" if least > 0.9 else "fails" if least < 0.5 else "unclear",
        numbers,
        SPEC,
    )


def _ordered(plane: xr.Dataset) -> Claim:
    counts = {kind: broken(plane, kind)[1] for kind in ("input", "target")}
    return Claim(
        "Neither I(X;T) nor I(T;Y) grows from layer to layer, within errors (at most 5% of pairs).",
        "holds" if all(beyond.mean() <= 0.05 for beyond in counts.values()) else "fails",
        {f"{kind}: pairs out of order": f"{int(b.sum())} of {b.size}" for kind, b in counts.items()},
        SPEC,
    )


def _learned(plane: xr.Dataset) -> Claim:
    last = mean_over_seeds(plane["accuracy_train"].isel(epoch=-1))
    return Claim(
        "The networks learn their images better than chance: more than 30 % right at the end.",
        last.above(0.3),
        {
            "accuracy on the training images": str(last),
            "loss at first, at last, nats": ", ".join(
                f"{float(plane['loss_train'].mean('seed')[k]):.3f}" for k in (0, -1)
            ),
        },
        SPEC,
    )
