"""Sums over the window of a filter, of covariances between positions of two images."""

from __future__ import annotations

from typing import Literal

import numpy as np

Padding = Literal["SAME", "VALID", "CIRCULAR"]


def window_sums(values: np.ndarray, groups: tuple[tuple[int, ...], ...], size: int, padding: str) -> np.ndarray:
    """Sum over all shifts of a window, each the same for the axes of a group, one group after the other.

    Args:
        values: covariances; left as they are.
        groups: axes that shift together: the rows of both images, their columns.
        size: of the filter; an even one reaches one step further ahead than back.
        padding: "SAME": zero outside; "CIRCULAR": periodic; "VALID": only windows that lie inside.
    """
    for axes in groups:
        if padding == "VALID":
            values = _inside(values, axes, size)
        elif padding == "CIRCULAR":
            values = _periodic(values, axes, size)
        else:
            values = _padded(values, axes, size)
    return values


def left_over(length: int, size: int, padding: str) -> int:
    """Positions along an axis after one convolution."""
    return length - size + 1 if padding == "VALID" else length


def _at(values: np.ndarray, axes: tuple[int, ...], start: int, stop: int) -> np.ndarray:
    index: list[slice] = [slice(None)] * values.ndim
    for axis in axes:
        index[axis] = slice(start, stop)
    return values[tuple(index)]


def _inside(values: np.ndarray, axes: tuple[int, ...], size: int) -> np.ndarray:
    count = values.shape[axes[0]] - size + 1
    total = _at(values, axes, 0, count).copy()
    for shift in range(1, size):
        total += _at(values, axes, shift, shift + count)
    return total


def _periodic(values: np.ndarray, axes: tuple[int, ...], size: int) -> np.ndarray:
    total = values.copy()
    for shift in _shifts(size):
        total += np.roll(values, [-shift] * len(axes), axes)
    return total


def _padded(values: np.ndarray, axes: tuple[int, ...], size: int) -> np.ndarray:
    total, length = values.copy(), values.shape[axes[0]]
    for shift in _shifts(size):
        if abs(shift) < length:
            inside = _at(total, axes, max(0, -shift), length - max(0, shift))
            inside += _at(values, axes, max(0, shift), length + min(0, shift))
    return total


def _shifts(size: int) -> list[int]:
    """All of a window but 0."""
    return [shift for shift in range(-((size - 1) // 2), size // 2 + 1) if shift]
