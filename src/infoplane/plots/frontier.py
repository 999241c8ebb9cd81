"""What no encoder of a problem reaches, as far as its curves and their certificates tell: arrays only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from .beta import method_of, numbers


@dataclass(frozen=True, eq=False)
class Frontier:
    """Lines above which no encoder's I(T;Y) lies.

    Attributes:
        slope: (lines,) of I(T;Y) over I(X;T); the first is 1.
        height: (lines,) nats at I(X;T) = 0.
        mi_joint: I(X;Y) in nats, None where the curves are of different problems or do not say.
        entropy_x: H(X), likewise.
        certified: whether there are lines of certificates among them.
    """

    slope: np.ndarray
    height: np.ndarray
    mi_joint: float | None
    entropy_x: float | None
    certified: bool

    def above(self, rates: np.ndarray) -> np.ndarray:
        """(n,) the most I(T;Y) at (n,) rates I(X;T), in nats."""
        return (self.height + np.asarray(rates)[:, None] * self.slope).min(axis=1)


def frontier(curves: Sequence[xr.Dataset]) -> Frontier:
    """The lines that curves of one problem give.

    The data-processing inequality gives I(T;Y) <= I(X;T) and I(T;Y) <= I(X;Y). A point k of a curve of ``IB`` whose
    gap is known says that no cost I(X;T) - beta_k I(T;Y) is below its own by more than the gap.
    """
    mi_joint, entropy_x = (_shared(curves, name) for name in ("mi_joint", "entropy_x"))
    slope, height = [np.ones(1)], [np.zeros(1)]
    if mi_joint is not None:
        slope.append(np.zeros(1))
        height.append(np.array([mi_joint]))
        for curve in (curve for curve in curves if method_of(curve) == "IB"):
            beta, gap = curve["beta"].to_numpy().astype(np.float64), numbers(curve, "gap")
            here = (beta > 0) & np.isfinite(gap)
            rate, relevant = (numbers(curve, name)[here] for name in ("mi_input", "mi_target"))
            slope.append(1 / beta[here])
            height.append(relevant + (np.maximum(gap[here], 0) - rate) / beta[here])
    slopes, heights = np.concatenate(slope), np.concatenate(height)
    there = np.isfinite(heights)
    return Frontier(slopes[there], heights[there], mi_joint, entropy_x, int(there.sum()) > 2)


def _shared(curves: Sequence[xr.Dataset], name: str) -> float | None:
    """The attribute of all the curves, None where they differ or one has none."""
    values: list[Any] = [curve.attrs.get(name) for curve in curves]
    if any(value is None for value in values):
        return None
    numbers_ = [float(value) for value in values]
    return numbers_[0] if np.allclose(numbers_, numbers_[0], rtol=1e-9, atol=1e-12) else None
