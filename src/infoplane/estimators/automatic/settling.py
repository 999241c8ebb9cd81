"""Whether an estimate of nearest neighbours has settled, or still rises with the number of samples."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from ...errors import InputError
from ...estimate import Estimate
from ...samples import Variable
from ..base import Estimator
from .comparison import warned

_HALVINGS = 2  # and as many more as few samples allow in the time of 4,000
_MOST = 10_000  # samples looked at; more rise less
_MISSING = 2.0  # what is still missing, in rises from half the samples to all: at least this much where it is low
_SLIGHT = 0.02  # nats of rise that are no matter


def settled(found: Estimate, method: Estimator, x: Variable, y: Variable, seed: int) -> Estimate:
    """The estimate with what it may still rise by in its error, and a warning where that is much.

    Nearest neighbours read low where the density changes within their reach, the less so the more samples there are. On
    spirals, rings, and about sharp borders and atoms they missed two to six times what they rose by from halves of the
    samples to all (n = 1,000 to 5,000); where they are right the rise stays within its noise, half a standard error.

    Args:
        found: the value taken.
        method: whose rise is measured, by random halvings.
        x, y: all samples.
        seed: seed of the halvings.
    """
    rise = _rise(method, x, y, seed)
    if rise <= 0.0:
        return found
    unsure = dataclasses.replace(found, stderr=math.hypot(found.stderr, _MISSING * rise))
    if rise <= _SLIGHT + found.stderr / 2:
        return unsure
    return warned(
        unsure,
        f"From half the samples to all of them {method.short} rises by {rise:.2g} nats: it has not settled, and reads "
        f"low by perhaps {2 * rise:.1g} to {6 * rise:.1g} nats.",
    )


def _rise(method: Estimator, x: Variable, y: Variable, seed: int) -> float:
    """Nats from the mean over halves to the whole; 0 where the samples are too few to halve."""
    random = np.random.default_rng([seed, 0x5E771E])

    def value(rows: np.ndarray) -> float:
        return method.estimate(*(Variable(v.values[rows], v.name) for v in (x, y)), seed=seed).value

    rows = random.permutation(x.n)[:_MOST]
    halvings = min(_HALVINGS * max(1, 4_000 // len(rows)), 8)
    try:
        halves = [value(half) for _ in range(halvings) for half in np.array_split(random.permutation(rows), 2)]
        return value(rows) - float(np.mean(halves))
    except InputError:
        return 0.0
