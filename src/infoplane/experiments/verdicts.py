"""From numbers over seeds to a verdict: what the 95 % interval of the mean lies above, below, or across."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import stdtrit

from .base import Verdict

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


def rounded(numbers: Mapping[str, float | str]) -> dict[str, float | str]:
    """Numbers to four digits, as they are told; text as it is."""
    return {name: value if isinstance(value, str) else float(f"{value + 0.0:.4g}") for name, value in numbers.items()}


def all_of(verdicts: list[Verdict]) -> Verdict:
    """Holds if all hold, fails if one fails; of none nothing is known."""
    return "fails" if "fails" in verdicts else "unclear" if "unclear" in verdicts or not verdicts else "holds"


def any_of(verdicts: list[Verdict]) -> Verdict:
    """Holds if one holds, fails if all fail."""
    return "holds" if "holds" in verdicts else "unclear" if "unclear" in verdicts else "fails"


def opposite(verdict: Verdict) -> Verdict:
    """Of the negated statement."""
    return {"holds": "fails", "fails": "holds", "unclear": "unclear"}[verdict]  # type: ignore[return-value]


def same(one: Verdict, other: Verdict) -> Verdict:
    """Whether two verdicts agree; unclear where one of them is."""
    return "unclear" if "unclear" in (one, other) else "holds" if one == other else "fails"


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
    if excess_compression(plane, layer).above(SLIGHT) == "holds":
        return "holds"
    return "fails" if compression(plane, layer).below(SLIGHT) == "holds" else "unclear"


def last_hidden(plane: xr.Dataset) -> str:
    """Name of the layer before the output."""
    return str(plane.layer.values[-2])


def hidden(plane: xr.Dataset) -> list[str]:
    """Names of the hidden layers."""
    return [str(layer) for layer in plane.layer.values[:-1]]
