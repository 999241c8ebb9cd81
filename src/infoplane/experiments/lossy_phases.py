"""Rises and falls of unfiltered curves, and whether two curves turn together: pure functions on arrays.

Nothing is smoothed. What counts as a rise or fall is decided by the curve's own jitter from one snapshot to the next.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

_SPAN = 6.0  # jitters that a rise or fall must exceed: the range of some 300 normal numbers
_SHUFFLES = 999


class Leg(NamedTuple):
    """A rise or fall between two turning points.

    Attributes:
        first, last: positions.
        change: of the value, negative in a fall.
    """

    first: int
    last: int
    change: float


def jitter(values: np.ndarray) -> float:
    """Standard deviation of the noise of a curve, from its second differences, which a smooth course leaves small.

    Independent noise of deviation s gives second differences of variance 6 s^2; 1.4826 makes the median of their
    magnitude a deviation.
    """
    second = np.diff(values, 2)
    return float(1.4826 * np.median(np.abs(second)) / np.sqrt(6.0)) if len(second) else 0.0


def legs(values: np.ndarray, reach: float | None = None) -> list[Leg]:
    """Alternating rises and falls, each larger than ``reach``; six jitters of the curve if None."""
    reach = _SPAN * jitter(values) if reach is None else reach
    turns, direction, extreme = [0], 0, 0
    lowest = highest = 0
    for k, value in enumerate(values):
        if direction == 0:
            lowest = k if value < values[lowest] else lowest
            highest = k if value > values[highest] else highest
            if values[highest] - values[lowest] > reach:
                first, extreme = min(lowest, highest), max(lowest, highest)
                direction = 1 if extreme == highest else -1
                turns = [0, first] if first > 0 and abs(values[first] - values[0]) > reach else [first]
        elif direction * (value - values[extreme]) >= 0:
            extreme = k
        elif direction * (values[extreme] - value) > reach:
            turns.append(extreme)
            direction, extreme = -direction, k
    if direction == 0:
        return []
    turns.append(extreme)
    return [Leg(a, b, float(values[b] - values[a])) for a, b in itertools.pairwise(turns) if b > a]


def falls(values: np.ndarray, reach: float | None = None) -> list[Leg]:
    """The falling ones of :func:`legs`."""
    return [leg for leg in legs(values, reach) if leg.change < 0]


def largest_fall(values: np.ndarray) -> float:
    """From any value to any later one; 0 where a curve never falls."""
    return float((np.maximum.accumulate(values) - values).max())


def fall_p_value(values: np.ndarray, seed: int = 0) -> float:
    """How often the curve's own steps, less their mean, in random order give as large a fall as they do in theirs.

    The steps keep their sizes and lose their order: falls that last are found out, those of a random walk are not. The
    mean is taken out of both, so that a trend hides nothing.
    """
    random = np.random.default_rng([seed, 0xFA])
    steps = np.diff(values)
    steps = steps - steps.mean()
    own = largest_fall(np.concatenate([[0.0], np.cumsum(steps)]))
    drawn = [largest_fall(np.concatenate([[0.0], np.cumsum(random.permutation(steps))])) for _ in range(_SHUFFLES)]
    return (1 + sum(value >= own - 1e-12 for value in drawn)) / (_SHUFFLES + 1)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's; 0 where a series does not vary."""
    a, b = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else 0.0


def best_lag(one: np.ndarray, other: np.ndarray, most: int) -> tuple[int, float]:
    """The lag, up to ``most``, of the correlation that is largest in magnitude, and that; positive: ``other`` later."""
    found = {}
    for lag in range(-most, most + 1):
        a, b = (one[: len(one) - lag], other[lag:]) if lag >= 0 else (one[-lag:], other[: len(other) + lag])
        found[lag] = correlation(a, b)
    lag = max(found, key=lambda k: abs(found[k]))
    return lag, found[lag]


def turns(values: np.ndarray) -> np.ndarray:
    """Booleans, one for each step but the first: the step goes the other way than the one before."""
    signs = np.sign(np.diff(values))
    return signs[1:] * signs[:-1] < 0


def turning_together(one: np.ndarray, other: np.ndarray) -> float:
    """Phi coefficient of the turning points of two curves at the same places: 1 together, 0 unrelated."""
    return correlation(turns(one).astype(float), turns(other).astype(float))


def shifted_p_value(statistic, one: np.ndarray, other: np.ndarray, near: int = 0) -> float:
    """How often a statistic of two series is as large in magnitude when one of them is shifted around the circle.

    Each series keeps its own order and so its dependence along time, which a permutation of single snapshots would
    destroy; what goes is their common clock. Shifts by up to ``near`` snapshots either way leave most of it where
    series are smooth, and are left out.
    """
    own = abs(statistic(one, other))
    drawn = [abs(statistic(one, np.roll(other, k))) for k in range(near + 1, len(other) - near)]
    return (1 + sum(value >= own - 1e-12 for value in drawn)) / (len(drawn) + 1)


def share_as_fast(rates: np.ndarray, first: int, last: int) -> tuple[float, float]:
    """The mean rate in a window over that of all, and the share of windows of its length with as large a mean.

    Args:
        rates: (steps,) between snapshots.
        first, last: snapshots where the window begins and ends.
    """
    width = max(last - first, 1)
    means = np.convolve(rates, np.ones(width) / width, "valid")
    here = means[min(first, len(means) - 1)]
    return float(here / rates.mean()), float((means >= here - 1e-12).mean())
