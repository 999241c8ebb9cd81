"""The routes for a continuous variable and a label."""

from __future__ import annotations

import dataclasses
import math

from ...errors import InputError, Refusal
from ...estimate import Estimate
from ...samples import Variable
from ..debiased import Debiased
from ..decoder import Decoder
from ..kozachenko import KozachenkoLeonenko
from ..mixture import Mixture
from .comparison import APART, compared, explained, route, together, warned
from .continuous import MOST, tamed
from .settling import settled

_PLAIN = 2  # dimensions up to which two agreeing methods need no arbiter
_CLOSE = 0.02  # nats of difference that are no disagreement, whatever the errors
_SETTLED = 0.95  # share of Mixture's value that a decoder must reach to confirm it


def labels(t: Variable, y: Variable, seed: int) -> Estimate:
    """I of a continuous variable and a label: two methods that fail in opposite ways, and an arbiter.

    Class-wise densities are high where classes lie far apart in many dimensions; :class:`Mixture` is low where a sharp
    border cuts through a dense region. A held-out decoder gives a lower bound for both.
    """
    if y.n_classes > t.n / 2:
        raise Refusal(
            f"{y.name} has {y.n_classes} classes for {t.n} samples, so most occur once and say nothing; "
            "pass it as floats if it is a measurement, or merge classes."
        )
    if t.dim > MOST:
        reason = f"{t.dim} dimensions are too many for nearest neighbours, so this is a decoder's lower bound"
        return explained(route(Decoder(), t, y, seed), reason)
    mixture = route(Mixture(), t, y, seed)
    try:
        apart = route(Debiased(KozachenkoLeonenko()), tamed(t), y, seed)
    except InputError:  # equal values, a class too small or of lower dimension: no density
        found = compared(mixture, "a label, and equal values or rare classes have no density", together(mixture))
        return settled(found, Mixture(), t, y, seed)
    gap = apart.value - mixture.value
    if t.dim <= _PLAIN and abs(gap) <= max(APART * math.hypot(apart.stderr, mixture.stderr), _CLOSE):
        reason = "a label, and both nearest-neighbour methods agree"
        found = compared(_mean(mixture, apart), reason, together(mixture, apart))
    else:
        found = _decided(mixture, apart, route(Decoder(), t, y, seed))
    return settled(found, Mixture(), t, y, seed)


def _mean(mixture: Estimate, apart: Estimate) -> Estimate:
    """Both, by their variances; half their difference goes into the error."""
    weight = apart.stderr**2 / max(apart.stderr**2 + mixture.stderr**2, 1e-300)
    gap = apart.value - mixture.value
    return dataclasses.replace(
        mixture,
        value=apart.value - weight * gap,
        stderr=math.hypot(min(apart.stderr, mixture.stderr), gap / 2),
        method=f"{mixture.method} and {apart.method}",
        notes=("The mean of two methods that agree; half their difference is in the error.", *mixture.notes),
    )


def _decided(mixture: Estimate, apart: Estimate, bound: Estimate) -> Estimate:
    """The method the decoder speaks for, raised to its lower bound where that is higher."""
    sharp = bound.value > mixture.value + APART * bound.stderr
    best = apart if sharp else mixture
    short = max(bound.value - best.value, 0.0)
    raised = dataclasses.replace(
        best, value=best.value + short, stderr=math.hypot(best.stderr, bound.stderr, short / 2)
    )
    side = "against Mixture(), which sharp borders pull down" if sharp else "for Mixture()"
    reason = (
        f"a label; two nearest-neighbour methods differ by {abs(apart.value - mixture.value):.2g} nats, and a "
        f"decoder's lower bound of {bound.value:.3g} nats speaks {side}"
    )
    if not sharp and bound.value < _SETTLED * mixture.value - math.hypot(bound.stderr, mixture.stderr):
        raised = warned(
            raised,
            f"The decoder's lower bound of {bound.value:.3g} nats does not settle which method is right: where classes "
            "differ in few of many dimensions, both read low.",
        )
    return compared(raised, reason, together(mixture, apart, bound))
