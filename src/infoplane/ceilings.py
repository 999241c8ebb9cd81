"""No information on a discrete variable exceeds its entropy: what an estimate that does is told, never clipped."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import digamma

from .estimate import Estimate
from .samples import Variable

ROUNDING = 1e-9  # nats above a ceiling that are none
_FEW_A_CLASS = 10  # samples a class on average, below which a count of classes says little of their law


class _Ceiling(NamedTuple):
    """An entropy that the information cannot exceed.

    Attributes:
        name: such as "H(y)".
        entropy: of the classes as counted, nats.
        low_by: what digamma in place of the logarithm of the counts adds to it, since a count falls short of the
            entropy of the law behind it; 0 where classes have few samples each: then nothing is known of that law.
    """

    name: str
    entropy: float
    low_by: float


def under_ceilings(found: Estimate, variables: Sequence[Variable], given: Variable | None = None) -> Estimate:
    """The estimate with a word on the lowest entropy that it exceeds; its numbers stay as they are.

    A value above is a warning, unless the count of the classes is low by as much: then, and where only the upper end
    of an interval is above, it is a note.

    Args:
        found: information between the variables, nats.
        variables: which of them are discrete have a ceiling.
        given: the condition, of conditional information.
    """
    known = [_ceiling(v, given) for v in variables if v.kind == "discrete"]
    lowest = min(known, key=lambda c: c.entropy, default=None)
    if lowest is None:
        return found
    limit = f"{lowest.name} = {lowest.entropy:.4g} nats"
    if found.value > lowest.entropy + lowest.low_by + ROUNDING:
        told = f"The value exceeds its ceiling {limit}; read it as that."
        return dataclasses.replace(found, warnings=(*found.warnings, told))
    if found.value > lowest.entropy + ROUNDING:
        told = f"The value exceeds its ceiling {limit} by no more than such a count falls short."
    elif found.direction in ("interval", "upper") and found.upper > lowest.entropy + ROUNDING:
        told = f"The upper bound exceeds the ceiling {limit}, which is the better bound."
    else:
        return found
    return dataclasses.replace(found, notes=(*found.notes, told))


def _ceiling(v: Variable, given: Variable | None) -> _Ceiling:
    """H(v), or H(v | given) where both can be counted: a continuous condition is left out, which only raises it."""
    if given is None or given.kind == "continuous":
        return _Ceiling(f"H({v.name})", *_counted(v.codes))
    together = np.unique(np.stack([v.codes, given.codes], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    (entropy, low_by), (less, less_by) = map(_counted, (together, given.codes))
    return _Ceiling(f"H({v.name} | {given.name})", entropy - less, max(low_by - less_by, 0.0))


def _counted(codes: np.ndarray) -> tuple[float, float]:
    """Entropy of (n,) classes as counted, nats, and what digamma adds to it."""
    n, counts = len(codes), np.bincount(codes)
    entropy = float(-(counts / n) @ np.log(counts / n))
    corrected = float(digamma(n) - (counts / n) @ digamma(counts))
    return entropy, corrected - entropy if len(counts) * _FEW_A_CLASS <= n else 0.0
