"""What ``robustness`` says of attacks, of wrong labels and of few images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from .base import Claim
from .fashion_arms import ARMS, BASELINE, BOTTLENECKS
from .paired import above
from .verdicts import when

STRENGTH, SHARE, COUNT = 8, 0.4, 1000  # of 255; of labels; of images
_LEFT = 0.05  # accuracy that half the range may leave
_OURS = "our own test"


def claims_of(datasets: Mapping[str, xr.Dataset], source: str) -> list[Claim]:
    """Claims on the three tables."""
    attacks = datasets["attacks"]
    pgd = attacks.accuracy.sel(attack="PGD", strength=STRENGTH, drop=True)
    return [
        _honest(attacks),
        _better(f"Under PGD at {STRENGTH}/255 every bottleneck errs less than cross-entropy.", pgd, source),
        _better(
            f"With {SHARE:.0%} random labels every bottleneck errs less on test images than cross-entropy.",
            datasets["labels"].accuracy.sel(share=SHARE, drop=True),
            source,
        ),
        _better(
            f"Trained on {COUNT:,} images every bottleneck errs less on test images than cross-entropy.",
            datasets["few"].accuracy.sel(count=COUNT, drop=True),
            source,
        ),
    ]


def _better(text: str, accuracy: xr.DataArray, source: str) -> Claim:
    base = accuracy.sel(arm=BASELINE, drop=True)
    return above(
        text,
        {name: accuracy.sel(arm=name, drop=True) - base for name in BOTTLENECKS},
        {f"{name}, accuracy": accuracy.sel(arm=name, drop=True) for name in ARMS},
        source,
    )


def _honest(attacks: xr.Dataset) -> Claim:
    """Three standard errors of a difference of accuracies are let pass; all arms, seeds and strengths."""
    accuracy = attacks.accuracy
    pgd = accuracy.sel(attack="PGD", drop=True)
    slack = 3.0 * np.sqrt(0.5 / float(attacks.attrs["n_shown"]))
    least = {name: (accuracy.sel(attack=name, drop=True) - pgd) for name in ("FGSM", "transfer")}
    numbers: dict[str, float | str] = {
        f"{name}: accuracy above that under PGD, least": float(f"{float(values.min()):.3g}")
        for name, values in least.items()
    }
    left = pgd.isel(strength=-1)
    numbers |= {
        f"{name}: accuracy left at half the range": float(f"{float(left.sel(arm=name).max()):.3g}") for name in ARMS
    }
    fine = all(bool((values > -slack).all()) for values in least.values()) and bool((left <= _LEFT).all())
    return Claim(
        "The attacks are sound: PGD errs no less than one step or images made for another network, and at half the "
        "range of a pixel it leaves at most 5 % accuracy.",
        when(fine),
        numbers,
        _OURS,
    )
