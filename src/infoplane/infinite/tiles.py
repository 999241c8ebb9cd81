"""Matrices of pairs filled tile by tile on all cores, half of them where they are symmetric."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..threads import one_blas_thread
from .kernels import Kernels, refuse_beyond

_SHARE = 0.8  # of the machine's memory that results may take


def workers() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@one_blas_thread
def fill(n1: int, n2: int | None, side: int, count: int, tile: Callable[[slice, slice], Kernels], who: str) -> Kernels:
    """All pairs of n1 and n2 points, or of n1 points with themselves if n2 is None: upper tiles, mirrored.

    Args:
        n1, n2: how many points.
        side: rows and columns of a tile.
        count: how many kernels a tile has, two or three.
        tile: those of the points of two slices; called from several threads, NumPy's work in it runs at once.
        who: what a message calls the caller.
    """
    columns = n1 if n2 is None else n2
    refuse_matrices(n1 * columns, count, f"{who}.kernels of {n1:,} x {columns:,} points")
    wholes = [np.empty((n1, columns)) for _ in range(count)]

    def work(place: tuple[int, int]) -> None:
        rows, cols = slice(place[0], min(place[0] + side, n1)), slice(place[1], min(place[1] + side, columns))
        for whole, part in zip(wholes, (part for part in tile(rows, cols) if part is not None), strict=True):
            if n2 is None and rows == cols:
                upper = np.triu(part)
                part = upper + np.triu(part, 1).T
            whole[rows, cols] = part
            if n2 is None and rows != cols:
                whole[cols, rows] = part.T

    places = [(i, j) for i in range(0, n1, side) for j in range(i if n2 is None else 0, columns, side)]
    threads = min(workers(), len(places))
    if threads == 1:
        for place in places:
            work(place)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, places))
    return Kernels(*wholes)


def refuse_matrices(entries: int, count: float, who: str) -> None:
    """Raise if that many float64 matrices of so many entries do not fit, before the first is made.

    Raises:
        InputError: they need more than four fifths of the machine's memory.
    """
    refuse_beyond(8.0 * entries * count, _SHARE * _memory(), who, "Take fewer points.")


def _memory() -> float:
    """Bytes of the machine, infinite where the system does not tell."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return float("inf")
