"""From numbers over seeds to a verdict: what the 95 % interval of the mean lies above, below, or across."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from ..plane.compression import (
    BITS,
    SLIGHT,
    Mean,
    Verdict,
    compresses,
    compression,
    excess_compression,
    mean_over_seeds,
)

__all__ = [
    "BITS",
    "SLIGHT",
    "Mean",
    "Verdict",
    "all_of",
    "any_of",
    "compresses",
    "compression",
    "excess_compression",
    "hidden",
    "last_hidden",
    "mean_over_seeds",
    "opposite",
    "rounded",
    "same",
    "when",
]


def rounded(numbers: Mapping[str, float | str]) -> dict[str, float | str]:
    """Numbers to four digits, as they are told; text as it is."""
    return {name: value if isinstance(value, str) else float(f"{value + 0.0:.4g}") for name, value in numbers.items()}


def when(held: bool) -> Verdict:
    """Holds or fails: of what has no third way."""
    return "holds" if held else "fails"


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


def last_hidden(plane: xr.Dataset) -> str:
    """Name of the layer before the output."""
    return str(plane.layer.values[-2])


def hidden(plane: xr.Dataset) -> list[str]:
    """Names of the hidden layers."""
    return [str(layer) for layer in plane.layer.values[:-1]]
