"""Verdicts on differences between models of one seed, which share their first weights and their batches."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from .base import Claim
from .verdicts import all_of, mean_over_seeds


def above(
    text: str, differences: Mapping[str, xr.DataArray], numbers: Mapping[str, xr.DataArray], source: str
) -> Claim:
    """A claim that all of the (seed,) differences are above 0; each by the 95 % interval of its mean over seeds.

    Args:
        text: the claim.
        differences: by name.
        numbers: (seed,) values to tell, by name.
        source: of the claim.
    """
    found = {name: mean_over_seeds(values) for name, values in differences.items()}
    told = {name: str(mean_over_seeds(values)) for name, values in numbers.items()}
    told |= {f"{name}, difference": str(mean) for name, mean in found.items()}
    return Claim(text, all_of([mean.above(0.0) for mean in found.values()]), told, source)
