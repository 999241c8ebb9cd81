"""Neighbours on a line, from sorted values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

_CELLS = 2**21  # numbers worked on together: 16 MB


def distances(values: np.ndarray, k: int) -> np.ndarray:
    """(n, k) distances of each of (n,) values to its k nearest others, ascending; inf where there are too few."""
    out = np.empty((values.size, k))
    for rows, part, _ in _windows(values, k):
        out[rows] = np.sort(np.partition(part, k - 1, axis=1)[:, :k], axis=1)
    return out


def named(values: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """:func:`distances`, and (n, k) places of these others among the values; any where there are too few."""
    out, names = np.empty((values.size, k)), np.empty((values.size, k), np.int64)
    for rows, part, places in _windows(values, k):
        nearest = np.argpartition(part, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(part, nearest, axis=1)
        ascending = np.argsort(found, axis=1, kind="stable")
        out[rows] = np.take_along_axis(found, ascending, axis=1)
        names[rows] = np.take_along_axis(places, np.take_along_axis(nearest, ascending, axis=1), axis=1)
    return out, names


def _windows(values: np.ndarray, k: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Some values at a time: which, and their distances to the k before and the k after, (rows, 2 k + 1), and whose.

    The value itself, in the middle, and what lies beyond the ends is infinitely far.
    """
    order = np.argsort(values)
    padded = np.concatenate([np.full(k, -np.inf), values[order], np.full(k, np.inf)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * k + 1)
    places = np.lib.stride_tricks.sliding_window_view(np.pad(order, k), 2 * k + 1)
    rows = max(1, _CELLS // (2 * k + 1))
    for start in range(0, values.size, rows):
        some = slice(start, start + rows)
        part = np.abs(windows[some] - windows[some, k : k + 1])
        part[:, k] = np.inf
        yield order[some], part, places[some]


def counts(values: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """(n,) numbers of others of (n,) values that are strictly closer than ``radius`` (n,), to the last bit."""
    return counter(values)(radius)


def counter(values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """:func:`counts` of the same values for one radius after another: they are sorted once.

    |a - b| as it is rounded never falls while b moves away from a, so a search by that very comparison is exact.
    """
    order = np.argsort(values)
    v = values[order]
    distinct, first, repeats = np.unique(v, return_index=True, return_counts=True)
    at = np.repeat(np.arange(distinct.size), repeats)  # place of every sorted value among the distinct ones
    last = np.full_like(at, distinct.size)
    below = np.append(first, values.size)  # sorted values below every distinct one

    def counted(radius: np.ndarray) -> np.ndarray:
        r = radius[order]

        def closer(j: np.ndarray, rows: Any) -> np.ndarray:
            return np.abs(distinct[np.minimum(j, distinct.size - 1)] - v[rows]) < r[rows]

        low = _boundary(np.searchsorted(distinct, v - r), np.zeros_like(at), at, closer)
        high = _boundary(np.searchsorted(distinct, v + r), at + 1, last, lambda j, rows: ~closer(j, rows))
        out = np.empty(values.size, np.int64)
        out[order] = np.where(r > 0.0, below[high] - below[low] - 1, 0)
        return out

    return counted


def _boundary(
    guess: np.ndarray, low: np.ndarray, high: np.ndarray, holds: Callable[[np.ndarray, Any], np.ndarray]
) -> np.ndarray:
    """Where ``holds(index, rows)`` begins: the least index in [low, high] from which on it is true; high if nowhere.

    One look on either side of the guess decides for nearly all; halving does for the rest.
    """
    guess = np.clip(guess, low, high)
    for probe in (guess - 1, guess):
        asked = (probe >= low) & (probe < high)
        true = holds(np.clip(probe, 0, None), ...)
        high = np.where(asked & true, probe, high)
        low = np.where(asked & ~true, probe + 1, low)
    left = np.flatnonzero(low < high)
    while left.size:
        middle = (low[left] + high[left]) // 2
        true = holds(middle, left)
        high[left[true]] = middle[true]
        low[left[~true]] = middle[~true] + 1
        left = left[low[left] < high[left]]
    return low
