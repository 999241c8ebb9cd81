"""A value among others: the reason it was taken, what else was measured, and what the comparison says."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from ...estimate import Estimate
from ...samples import Variable
from ..base import Estimator

APART = 3.0  # standard errors between two routes beyond which they disagree

Routes = dict[str, Estimate]
"""Everything that was measured, by method as one would type it."""


def route(estimator: Estimator, x: Variable, y: Variable, seed: int) -> Estimate:
    """One estimate, whose method is short enough to be read beside others."""
    return dataclasses.replace(estimator.estimate(x, y, seed=seed), method=estimator.short)


def together(*found: Estimate) -> Routes:
    """Estimates by method."""
    return {one.method: one for one in found}


def explained(found: Estimate, reason: str) -> Estimate:
    """The estimate with the reason it was taken."""
    return dataclasses.replace(found, notes=(f"Chosen {found.method}: {reason}.", *found.notes))


def warned(found: Estimate, *warnings: str) -> Estimate:
    """The estimate with more warnings."""
    return dataclasses.replace(found, warnings=(*found.warnings, *warnings))


def compared(found: Estimate, reason: str, routes: Routes, rivals: Iterable[str] = ()) -> Estimate:
    """The estimate with all routes in its details and a warning for every rival that disagrees with it.

    Args:
        found: the value taken.
        reason: why.
        routes: everything that was measured.
        rivals: those of the methods that ought to agree.
    """
    apart = []
    for name in rivals:
        other = routes[name]
        if abs(other.value - found.value) > APART * math.hypot(found.stderr, other.stderr):
            apart.append(
                f"{name} gives {other.value:.3g} ± {other.stderr:.1g} nats, more than three standard errors from "
                f"{found.value:.3g}: the routes disagree, so trust neither without calibration."
            )
    told = {name: [float(one.value), float(one.stderr)] for name, one in routes.items()}
    return explained(
        warned(dataclasses.replace(found, details={**found.details, "routes": told}), *apart),
        reason,
    )
