"""Whether a layer compresses: the fall of I(X;T) after its maximum, and what the networks say of it together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from scipy.special import stdtrit

Verdict = Literal["holds", "fails", "unclear"]

BITS = 1.0 / math.log(2.0)
SLIGHT = 0.1  # bits: a fall of I(X;T) beyond this counts as compression; our choice


@dataclass(frozen=True)
class Mean:
    """Mean over seeds, which are networks or repetitions, with its 95 % interval."""

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        value, lower, upper = (0.0 if abs(v) < 1e-9 else v for v in (self.value, self.lower, self.upper))
        return f"{value:.3g}" if math.isnan(lower) else f"{value:.3g} [{lower:.3g}, {upper:.3g}]"

    def above(self, limit: float) -> Verdict:
        """Whether the mean exceeds a limit."""
        return "holds" if self.lower > limit else "fails" if self.upper <= limit else "unclear"

    def below(self, limit: float) -> Verdict:
        """Whether the mean stays under a limit."""
        return "holds" if self.upper < limit else "fails" if self.lower >= limit else "unclear"


def mean_over_seeds(values: xr.DataArray | np.ndarray) -> Mean:
    """Mean of (seed,) values with its 95 % Student interval, which stays honest for few seeds; nan left out."""
    array = np.asarray(values, np.float64).ravel()
    array = array[np.isfinite(array)]
    if len(array) < 2:
        return Mean(float(array[0]) if len(array) else math.nan, math.nan, math.nan)
    middle = float(array.mean())
    reach = float(stdtrit(len(array) - 1, 0.975) * array.std(ddof=1) / math.sqrt(len(array)))
    return Mean(middle, middle - reach, middle + reach)


def compression(plane: xr.Dataset, layer: str) -> Mean:
    """Fall of I(X;T) after its maximum, in bits."""
    return mean_over_seeds(plane.compression.sel(layer=layer) * BITS)


def excess_compression(plane: xr.Dataset, layer: str) -> Mean:
    """The same above what the path's own steps give in shuffled order without their trend, in bits."""
    return mean_over_seeds((plane.compression - plane.compression_null).sel(layer=layer) * BITS)


def compresses(plane: xr.Dataset, layer: str) -> Verdict:
    """Whether a layer's I(X;T) falls after its maximum.

    Holds if it falls by more than its own steps do in shuffled order and 0.1 bits; fails only if the fall itself is at
    most 0.1 bits; anything between is unclear, for the shuffled steps overstate what noise of the level alone can do.
    """
    return judged(compression(plane, layer), excess_compression(plane, layer))


def judged(fall: Mean, excess: Mean) -> Verdict:
    """The same from a fall and from what it has above the shuffled steps, both in bits."""
    if excess.above(SLIGHT) == "holds":
        return "holds"
    return "fails" if fall.below(SLIGHT) == "holds" else "unclear"
