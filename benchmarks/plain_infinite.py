"""Kernels of infinitely wide networks the straightforward way: whole arrays, layer after layer, NumPy alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Dual = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def erf(k: np.ndarray, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """E[f(u) f(v)] and E[f'(u) f'(v)] by the covariance and the two variances of normal u and v."""
    product = (1 + 2 * left) * (1 + 2 * right)
    return 2 / np.pi * np.arcsin(2 * k / np.sqrt(product)), 4 / np.pi / np.sqrt(product - 4 * k * k)


def relu(k: np.ndarray, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same."""
    size = np.sqrt(left * right)
    cosine = np.clip(k / size, -1, 1)
    angle = np.pi - np.arccos(cosine)
    return size * (np.sqrt(1 - cosine**2) + angle * cosine) / (2 * np.pi), angle / (2 * np.pi)


DUALS: dict[str, Dual] = {"erf": erf, "relu": relu}


def dense_kernels(
    x: np.ndarray, depth: int, activation: str, weight_std: float, bias_std: float
) -> tuple[np.ndarray, np.ndarray]:
    """(n, n) NNGP kernel and neural tangent kernel of a fully connected network."""
    k = weight_std**2 * (x @ x.T) / x.shape[1] + bias_std**2
    t = k.copy()
    for _ in range(depth):
        variance = np.diag(k)
        values, slopes = DUALS[activation](k, variance[:, None], variance)
        k = weight_std**2 * values + bias_std**2
        t = k + weight_std**2 * t * slopes
    return k, t


def conv_kernels(
    x: np.ndarray, depth: int, activation: str, weight_std: float, bias_std: float
) -> tuple[np.ndarray, np.ndarray]:
    """The same of 3 x 3 convolutions of (n, height, width, channels) images, SAME padding, read out flattened.

    Only equal positions of two images are needed, so that arrays are (n, n, height, width).
    """
    k = weight_std**2 * window_mean(np.einsum("ahwc,bhwc->abhw", x, x) / x.shape[3]) + bias_std**2
    t = k.copy()
    for layer in range(depth):
        variance = np.einsum("aahw->ahw", k)
        values, slopes = DUALS[activation](k, variance[:, None], variance)
        average = window_mean if layer < depth - 1 else position_mean
        k = weight_std**2 * average(values) + bias_std**2
        t = k + weight_std**2 * average(t * slopes)
    return k, t


def window_mean(k: np.ndarray) -> np.ndarray:
    """Mean over 3 x 3 windows of the last two axes, zeros outside."""
    height, width = k.shape[2:]
    padded = np.pad(k, ((0, 0), (0, 0), (1, 1), (1, 1)))
    total = np.zeros_like(k)
    for i in range(3):
        for j in range(3):
            total += padded[:, :, i : i + height, j : j + width]
    return total / 9


def position_mean(k: np.ndarray) -> np.ndarray:
    """Mean over all positions."""
    return k.mean(axis=(2, 3))
