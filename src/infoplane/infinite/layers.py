"""One layer after another: how K, T and Q of its inputs become those of its outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .duals import Moments, Room
from .kernels import Kernels


class Scales(NamedTuple):
    """Variances of a layer's weights, times those that average over their inputs, and of its biases."""

    weight: float
    bias: float


def first(k: np.ndarray, scales: Scales, curvature: bool) -> Kernels:
    """After the first layer, which is linear in its parameters: T = K and Q = 0. Overwrites the inputs' covariance."""
    k *= scales.weight
    k += scales.bias
    return Kernels(k, k.copy(), np.zeros_like(k) if curvature else None)


def after(
    state: Kernels,
    moments: Moments,
    scales: Scales,
    mix: Callable[[np.ndarray], np.ndarray] | None = None,
    skip: bool = False,
) -> Kernels:
    """After a nonlinearity and the linear layer that follows it, all written over what comes in but K.

    K+ = w A + b, T+ = K+ + w T B and Q+ = w (2 B T + B' T^2 + B Q), where w and b are the variances of the weights
    and biases. With a skip connection the branches' kernels add: the weights of one are independent of the other.

    Args:
        state: K, T and Q before the nonlinearity.
        moments: its A, B and B' there.
        scales: of the linear layer; the weight's divided by the number that ``mix`` adds up.
        mix: sum over the positions that the linear layer looks at; None: one position.
        skip: whether what came in is added to what comes out.
    """
    values, slopes, bends = moments
    k, t, q = state
    kept = Kernels(k, t.copy(), None if q is None else q.copy()) if skip else None
    if q is not None and bends is not None:
        bends *= t
        bends *= t
        q += t
        q += t
        q *= slopes
        q += bends
    t *= slopes
    if mix is not None:
        values, t, q = mix(values), mix(t), None if q is None else mix(q)
    values *= scales.weight
    values += scales.bias
    t *= scales.weight
    t += values
    if q is not None:
        q *= scales.weight
    if kept is None:
        return Kernels(values, t, q)
    values += kept.nngp
    t += kept.ntk
    if q is not None and kept.curvature is not None:
        q += kept.curvature
    return Kernels(values, t, q)


def room_like(k: np.ndarray) -> Room:
    """Memory for the moments at covariances k."""
    return Room(np.empty_like(k), np.empty_like(k), np.empty_like(k))
