"""What no encoder of a problem reaches, as far as its curves and their certificates tell: arrays only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ..plane.task_bound import Bound, bound_of
from .beta import method_of, numbers


@dataclass(frozen=True, eq=False)
class Frontier:
    """What no encoder's I(T;Y) lies above.

    Attributes:
        bounds: of the curves of IB that are certified.
        mi_joint: I(X;Y) in nats, None where the curves are of different problems or do not say.
        entropy_x: H(X), likewise.
    """

    bounds: list[Bound]
    mi_joint: float | None
    entropy_x: float | None

    @property
    def certified(self) -> bool:
        """Whether certificates are part of it."""
        return len(self.bounds) > 0

    def above(self, rates: np.ndarray) -> np.ndarray:
        """(n,) the most I(T;Y) at (n,) rates I(X;T), in nats: I(X;T), I(X;Y), and the bounds of the curves."""
        least = np.minimum(rates, np.inf if self.mi_joint is None else self.mi_joint)
        return np.min([least, *(bound(rates) for bound in self.bounds)], axis=0)


def frontier(curves: Sequence[xr.Dataset]) -> Frontier:
    """What curves of one problem say; of different problems only that I(T;Y) <= I(X;T)."""
    mi_joint, entropy_x = (_shared(curves, name) for name in ("mi_joint", "entropy_x"))
    plain = [c for c in curves if method_of(c) == "IB" and np.isfinite(numbers(c, "gap")).any()]
    return Frontier([] if mi_joint is None else [bound_of(curve) for curve in plain], mi_joint, entropy_x)


def _shared(curves: Sequence[xr.Dataset], name: str) -> float | None:
    """The attribute of all the curves, None where they differ or one has none."""
    values: list[Any] = [curve.attrs.get(name) for curve in curves]
    if any(value is None for value in values):
        return None
    numbers_ = [float(value) for value in values]
    return numbers_[0] if np.allclose(numbers_, numbers_[0], rtol=1e-9, atol=1e-12) else None
