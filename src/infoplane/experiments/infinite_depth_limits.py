"""Where the covariance of two inputs goes in a deep network, and how fast: fixed points of the layers' maps.

All by Gauss-Hermite sums over the activation itself, not by the closed forms that the kernels use.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import erf

from ..infinite import Dense

_NODES = 120  # an even number: no node lies on the kink of ReLU
_LARGE = 1e12  # a variance beyond it grows without end
_SETTLED = 1e-15
_MOST = 100_000  # layers


class Limit(NamedTuple):
    """Of a deep network without residual sums.

    Attributes:
        variance: q that a layer maps to itself; infinite if it grows without end.
        correlation: c* of two inputs that a layer maps to itself.
        slope: by which a layer multiplies a small distance from c*; below 1 the decay is exponential, of rate
            -ln slope a layer, at 1 it is slower.
    """

    variance: float
    correlation: float
    slope: float

    @property
    def rate(self) -> float:
        """Of the decay, a layer."""
        return -float(np.log(self.slope))


def limit(net: Dense) -> Limit:
    """Iterate the map of the variance, then, where equal inputs are pushed apart, that of the correlation."""
    value, slope = _FUNCTIONS[str(net.activation)]
    weight, bias = net.weight_std**2, net.bias_std**2
    q = 1.0
    for _ in range(_MOST):
        new = weight * _mean(value, value, q, 1.0) + bias
        if abs(new - q) <= _SETTLED * q or new > _LARGE:
            break
        q = new

    def slope_at(c: float) -> float:
        return weight * q * _mean(slope, slope, q, c) / (weight * _mean(value, value, q, 1.0) + bias)

    variance = float("inf") if q > _LARGE / 10 else q
    if slope_at(1.0) <= 1.0 + 1e-6:
        return Limit(variance, 1.0, slope_at(1.0))
    c = 0.5
    for _ in range(_MOST):
        new = (weight * _mean(value, value, q, c) + bias) / q
        if abs(new - c) <= _SETTLED:
            break
        c = new
    return Limit(variance, c, slope_at(c))


def _mean(one: Callable, other: Callable, q: float, c: float) -> float:
    """E[one(u) other(v)] for u and v of variance q and correlation c."""
    nodes, weights = _rule()
    u = np.sqrt(q) * nodes
    if c == 1.0:
        return float(weights @ (one(u) * other(u)))
    v = c * u[:, None] + np.sqrt((1.0 - c * c) * q) * nodes[None]
    return float((weights * one(u)) @ other(v) @ weights)


@functools.cache
def _rule() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of sums for the standard normal law."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return nodes, weights / weights.sum()


def _erf_slope(u: np.ndarray) -> np.ndarray:
    return 2.0 / np.sqrt(np.pi) * np.exp(-(u**2))


_FUNCTIONS = {
    "erf": (erf, _erf_slope),
    "relu": (lambda u: np.maximum(u, 0.0), lambda u: (u > 0.0).astype(np.float64)),
}
