"""Networks, points and slow twins that the tests of infinite width share."""

from __future__ import annotations

import numpy as np

from infoplane.infinite import Conv, Dense, Dual
from infoplane.infinite.duals import Room
from infoplane.infinite.finite import Nonlinearity, draw

POINTS = np.array([[1.0, 0.0, 2.0], [0.5, -1.0, 1.0]])
_ROWS, _COLS = np.mgrid[:5, :5]
IMAGES = np.stack([np.sin(1 + _ROWS + 2 * _COLS), np.cos(2 * _ROWS - _COLS)])
ENTRIES = np.array([0, 0, 1]), np.array([0, 1, 1])  # 11, 12, 22


def _damped(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.exp(-(left + right) / 2)


SIN = Dual(
    lambda left, k, right: _damped(left, right) * np.sinh(k),
    lambda left, k, right: _damped(left, right) * np.cosh(k),
    lambda left, k, right: _damped(left, right) * np.sinh(k),
    name="sin",
)
SIN_FUNCTION = Nonlinearity(np.sin, np.cos)


def correlated(net: Dense, x: np.ndarray, rho: float) -> np.ndarray:
    """K_rho: covariance of the outputs of two networks whose parameters correlate by rho; a slow twin.

    Each layer's weights and biases bring one factor rho, a skip connection none; variances stay those of one network.
    """
    dual = net._dual
    own = net.weight_std**2 * (x**2).sum(axis=1) / x.shape[1] + net.bias_std**2
    k = rho * (net.weight_std**2 * x @ x.T / x.shape[1] + net.bias_std**2)
    for layer in range(net.depth):
        values = dual.moments(k, own[:, None], own[None], empty(k), False).values
        skips = net.residual and layer < net.depth - 1
        k = rho * (net.weight_std**2 * values + net.bias_std**2) + skips * k
        own = net.weight_std**2 * dual.diagonal(own, False).values + net.bias_std**2 + skips * own
    return k


def empty(k: np.ndarray) -> Room:
    """Memory for the moments."""
    return Room(np.empty_like(k), np.empty_like(k), np.empty_like(k))


def derivatives(function, h: float = 1e-4) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative at 1, from below, to second order in the step."""
    k0, k1, k2, k3 = (function(1 - step * h) for step in range(4))
    return (3 * k0 - 4 * k1 + k2) / (2 * h), (2 * k0 - 5 * k1 + 4 * k2 - k3) / h**2


def monte_carlo(net: Dense | Conv, x: np.ndarray, width: int, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard errors (2, n, n) of the kernels K and T of networks of finite width."""
    rng = np.random.default_rng(seed)
    shape = x.shape[1:] if x.ndim != 3 else (*x.shape[1:], 1)
    function = SIN_FUNCTION if isinstance(net.activation, Dual) else None
    found = []
    for _ in range(draws):
        finite = draw(net, width, shape, seed=rng, function=function)
        found.append([finite.nngp(x), finite.ntk(x)])
    return np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(draws)
