"""From terms at random points to a value, its Monte Carlo error, and a bracket that holds the truth on average."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

_FIRST_ORDER = 1.0  # nats between the ends up to which the half-way value stands
_CLOSE = 0.2  # nats up to which it is trusted


class Bracket(NamedTuple):
    """A quantity measured by mixtures of finitely many random centres, in nats.

    Attributes:
        value: half-way between the ends that mixtures give, where these are close; else the best lower bound.
        stderr: Monte Carlo error; nan for a lower bound, whose distance from the truth it would not tell.
        lower, upper: ends that hold the truth between them, on average.
        settled: the value is the half-way one, and the ends are close beside it.
    """

    value: float
    stderr: float
    lower: float
    upper: float
    settled: bool = True


def exactly(value: float) -> Bracket:
    """Of a number known in closed form."""
    return Bracket(value, 0.0, value, value)


def halfway(inside: np.ndarray, apart: np.ndarray, together: np.ndarray) -> Bracket:
    """From (n, draws) terms at points drawn from the mixture itself, at points apart from it, and all of them."""
    ends = float(inside.mean()), float(apart.mean())
    return Bracket(0.5 * sum(ends), monte_carlo_error(together), min(ends), max(ends))


def difference(whole: Bracket, part: Bracket) -> Bracket:
    """whole - part, measured apart from each other."""
    error = math.hypot(whole.stderr, part.stderr)
    return Bracket(whole.value - part.value, error, whole.lower - part.upper, whole.upper - part.lower)


def bounded(found: Bracket, below: np.ndarray | None, most: float) -> Bracket:
    """The same with what else is known of it.

    Args:
        found: from mixtures.
        below: (n, draws) terms whose mean is a lower bound; None where there is none.
        most: the quantity's ceiling.
    """
    upper = max(min(found.upper, most), found.lower)
    width = found.upper - found.lower
    if below is None:
        return found._replace(upper=upper)
    least, error = float(below.mean()), monte_carlo_error(below)
    lower = max(found.lower, least)
    upper = max(upper, lower)
    if width <= _FIRST_ORDER and found.value > least - 4.0 * math.hypot(found.stderr, error):
        settled = width <= max(_CLOSE, 8.0 * found.stderr)
        return found._replace(lower=min(lower, found.value), upper=max(upper, found.value), settled=settled)
    # Too few passes for mixtures: their half-way value means nothing. Information is never below 0.
    return Bracket(max(lower, 0.0), math.nan, max(lower, 0.0), max(upper, 0.0), settled=False)


def steadied(terms: np.ndarray, control: np.ndarray) -> np.ndarray:
    """(n, draws) terms of the same mean and less spread over draws, by regression on a control of mean 0."""
    own, with_it = (v - v.mean(axis=1, keepdims=True) for v in (control, terms))
    power = float((own**2).sum())
    return terms if power == 0.0 else terms - (float((own * with_it).sum()) / power) * control


def monte_carlo_error(terms: np.ndarray) -> float:
    """Error of the mean of (n, draws) terms for fixed samples: the spread over draws alone counts."""
    n, draws = terms.shape
    return float(math.sqrt(terms.var(axis=1, ddof=1).mean() / (n * draws))) if draws > 1 else math.nan
