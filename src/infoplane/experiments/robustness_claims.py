"""What ``robustness`` says of attacks, of wrong labels and of few images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr

from .base import Claim
from .fashion_arms import ARMS, BASELINE, BOTTLENECKS
from .paired import above
from .verdicts import when

STRENGTH, SHARE, COUNT = 8, 0.4, 1000  # of 255; of labels; of images
# Accuracy that half the range may leave: it can make every image one grey, on which a tenth is right by chance, and a
# sound attack gets well below that.
_LEFT = 0.05
_OURS = "our own test"


def claims_of(datasets: Mapping[str, xr.Dataset], source: str) -> list[Claim]:
    """Claims on the three tables."""
    attacks = datasets["attacks"]
    withstood = attacks.right.sel(strength=STRENGTH, drop=True).min("attack").mean("image")
    honest = _honest(attacks)
    worst = _better(
        f"Under the worst of three attacks of {STRENGTH}/255, image by image, every bottleneck errs less than "
        "cross-entropy.",
        withstood,
        source,
    )
    return [
        honest,
        worst if honest.verdict == "holds" else replace(worst, verdict="unclear"),  # weak attacks show nothing
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
    """Four standard errors of the paired difference over images are let pass, of about 300 differences in all."""
    right = attacks.right.astype(float)
    pgd = right.sel(attack="PGD", drop=True)
    numbers: dict[str, float | str] = {}
    fine = True
    for name in ("FGSM", "transfer"):
        apart = right.sel(attack=name, drop=True) - pgd
        mean, error = apart.mean("image"), apart.std("image", ddof=1) / np.sqrt(apart.sizes["image"])
        fine &= bool((mean >= -4.0 * error).all())
        numbers[f"{name}: accuracy above that under PGD, least"] = float(f"{float(mean.min()):.3g}")
    left = pgd.mean("image").isel(strength=-1)
    numbers |= {
        f"{name}: accuracy left at half the range": float(f"{float(left.sel(arm=name).max()):.3g}") for name in ARMS
    }
    fine &= bool((left <= _LEFT).all())
    return Claim(
        "The attacks are sound: PGD errs no less than one step or images made for another network, and at half the "
        "range of a pixel it leaves at most 5 % accuracy.",
        when(fine),
        numbers,
        _OURS,
    )
