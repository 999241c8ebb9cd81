"""Compiled scans over all pairs of samples: nearest neighbours, counts, and the whole of KSG in one pass.

A kernel works on a range of rows and holds no lock, so that plain threads share the rows: no second pool of threads has
to survive a fork. The other samples come packed in blocks that fit the first caches (:func:`pack`). The compiler may
order minima and maxima as it likes (there is no nan here); sums keep their order, so equal distances stay equal.
Import this module late: it brings numba (0.6 s), and compiles on first use (1 to 2 s, once where a cache can be kept).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np

_BLOCK = 1024  # samples at a time: measured against 256, 512 and 2048
_RUN = 64  # distances looked at together for one that is small enough


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, compiled on first use; kept on disk unless no folder for that can be written."""
    options = {"nogil": True, "fastmath": {"nnan", "nsz"}, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        return numba.njit(**options)(function)


def cores_here() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def by_rows(kernel: Callable[..., Any], n: int, *arguments: Any) -> None:
    """Run ``kernel(first, last, *arguments)`` over n rows, a few ranges for every core."""
    cores = cores_here()
    kernel(0, 0 if cores > 1 else n, *arguments)  # with no rows it only compiles, here and not in every thread
    if cores == 1:
        return
    ends = np.linspace(0, n, min(n, 8 * cores) + 1).astype(np.int64)
    with ThreadPoolExecutor(cores) as threads:
        list(threads.map(lambda first, last: kernel(first, last, *arguments), ends[:-1], ends[1:]))


def pack(x: np.ndarray) -> np.ndarray:
    """(n, d) samples as (blocks, d, size), coordinates of a block together; beyond the last sample all is inf."""
    n, d = x.shape
    blocks = -(-n // _BLOCK)
    size = min(_BLOCK, -(-n // _RUN) * _RUN) if blocks == 1 else _BLOCK
    padded = np.full((blocks * size, d), np.inf)
    padded[:n] = x
    return np.ascontiguousarray(padded.reshape(blocks, size, d).transpose(0, 2, 1))


@_compiled
def _largest(point: np.ndarray, others: np.ndarray, start: int, stop: int, out: np.ndarray) -> None:
    """out = largest coordinate difference of ``point`` (d,) from columns start to stop of ``others`` (d, m)."""
    d = point.size
    at = d % 4
    if at == 0:
        out[:] = 0.0
    elif at == 1:
        a, p = others[0][start:stop], point[0]
        for j in range(out.size):
            out[j] = abs(a[j] - p)
    else:
        a, b, p, q = others[0][start:stop], others[1][start:stop], point[0], point[1]
        for j in range(out.size):
            out[j] = max(abs(a[j] - p), abs(b[j] - q))
        if at == 3:
            a, p = others[2][start:stop], point[2]
            for j in range(out.size):
                out[j] = max(out[j], abs(a[j] - p))
    for c in range(at, d, 4):
        a, b = others[c][start:stop], others[c + 1][start:stop]
        e, f = others[c + 2][start:stop], others[c + 3][start:stop]
        p, q, r, s = point[c], point[c + 1], point[c + 2], point[c + 3]
        for j in range(out.size):
            out[j] = max(max(max(max(out[j], abs(a[j] - p)), abs(b[j] - q)), abs(e[j] - r)), abs(f[j] - s))


@_compiled
def _squares(point: np.ndarray, others: np.ndarray, start: int, stop: int, out: np.ndarray) -> None:
    """out = squared distance of ``point`` (d,) from columns start to stop of ``others`` (d, m), summed in order."""
    d = point.size
    out[:] = 0.0
    whole = d - d % 4
    for c in range(0, whole, 4):
        a, b = others[c][start:stop], others[c + 1][start:stop]
        e, f = others[c + 2][start:stop], others[c + 3][start:stop]
        p, q, r, s = point[c], point[c + 1], point[c + 2], point[c + 3]
        for j in range(out.size):
            t, u, v, w = a[j] - p, b[j] - q, e[j] - r, f[j] - s
            out[j] = (((out[j] + t * t) + u * u) + v * v) + w * w
    for c in range(whole, d):
        a, p = others[c][start:stop], point[c]
        for j in range(out.size):
            t = a[j] - p
            out[j] += t * t


@_compiled
def _keep(heap: np.ndarray, value: float) -> None:
    """Put ``value`` in the place of the root, the largest of the k smallest so far."""
    at = 0
    while 2 * at + 1 < heap.size:
        child = 2 * at + 1
        if child + 1 < heap.size and heap[child + 1] > heap[child]:
            child += 1
        if heap[child] <= value:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = value


@_compiled
def _gather(a: np.ndarray, b: np.ndarray, heap: np.ndarray) -> None:
    """Leave in ``heap`` the smallest of its own values and of max(a, b)."""
    for start in range(0, a.size, _RUN):
        s, t = a[start : start + _RUN], b[start : start + _RUN]
        bound, found = heap[0], 0
        for j in range(_RUN):
            found += max(s[j], t[j]) < bound
        if found > 0:
            for j in range(_RUN):
                if max(s[j], t[j]) < heap[0]:
                    _keep(heap, max(s[j], t[j]))


@_compiled
def nearest_rows(first: int, last: int, x: np.ndarray, packed: np.ndarray, squared: bool, out: np.ndarray) -> None:
    """out[i] = the k smallest distances (squared, where asked) of row i from the others, in no order."""
    size = packed.shape[2]
    row = np.empty(size)
    out[first:last] = np.inf
    for i in range(first, last):
        for block in range(packed.shape[0]):
            if squared:
                _squares(x[i], packed[block], 0, size, row)
            else:
                _largest(x[i], packed[block], 0, size, row)
            if block == i // size:
                row[i % size] = np.inf
            _gather(row, row, out[i])


@_compiled
def named_rows(first: int, last: int, x: np.ndarray, packed: np.ndarray, out: np.ndarray, names: np.ndarray) -> None:
    """out[i] = the k smallest squared distances of row i from the others, names[i] = whose they are, in no order."""
    size = packed.shape[2]
    row = np.empty(size)
    out[first:last] = np.inf
    names[first:last] = 0
    for i in range(first, last):
        heap = out[i]
        for block in range(packed.shape[0]):
            _squares(x[i], packed[block], 0, size, row)
            if block == i // size:
                row[i % size] = np.inf
            for start in range(0, size, _RUN):
                part, found = row[start : start + _RUN], 0
                bound = heap[0]
                for j in range(_RUN):
                    found += part[j] < bound
                if found > 0:
                    for j in range(_RUN):
                        if part[j] < heap[0]:
                            _keep_named(heap, names[i], part[j], block * size + start + j)


@_compiled
def _keep_named(heap: np.ndarray, names: np.ndarray, value: float, name: int) -> None:
    """``_keep``, with whose the values are."""
    at = 0
    while 2 * at + 1 < heap.size:
        child = 2 * at + 1
        if child + 1 < heap.size and heap[child + 1] > heap[child]:
            child += 1
        if heap[child] <= value:
            break
        heap[at], names[at] = heap[child], names[child]
        at = child
    heap[at], names[at] = value, name


@_compiled
def closer_rows(
    first: int,
    last: int,
    x: np.ndarray,
    columns: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    squared: bool,
    radius: np.ndarray,
    out: np.ndarray,
) -> None:
    """out[i] = how many others are strictly closer to row i than radius[i] (squared, where asked).

    Only rows low[i] to high[i] can be; ``columns`` (d, n) is x (n, d) again.
    """
    buffer = np.empty(_BLOCK)
    for i in range(first, last):
        bound, found = radius[i], 0
        for start in range(low[i], high[i], _BLOCK):
            stop = min(start + _BLOCK, high[i])
            row = buffer[: stop - start]
            if squared:
                _squares(x[i], columns, start, stop, row)
            else:
                _largest(x[i], columns, start, stop, row)
            if start <= i < stop:
                row[i - start] = np.inf
            for j in range(row.size):
                found += row[j] < bound
        out[i] = found


@_compiled
def chosen_rows(
    first: int,
    last: int,
    start: int,
    x: np.ndarray,
    norms: np.ndarray,
    products: np.ndarray,
    slack: float,
    out: np.ndarray,
) -> None:
    """out[i] = the k smallest squared distances of row i from the others, exact, from products that are rounded.

    Args:
        first, last: rows of ``products``; row r belongs to sample start + r.
        norms: (m,) float32 squared norms of the samples, inf beyond the last one; m is a multiple of 64.
        products: (rows, m) float32 inner products.
        slack: largest error that norms - 2 products can have.
    """
    rough = np.empty(norms.size, np.float32)
    lowest = np.empty(out.shape[1], np.float32)
    for r in range(first, last):
        i, heap = start + r, out[start + r]
        for j in range(norms.size):
            rough[j] = norms[j] - np.float32(2.0) * products[r, j]
        rough[i] = np.inf
        lowest[:] = np.inf
        _gather(rough, rough, lowest)
        bound = np.float32(lowest[0] + 2.0 * slack)
        heap[:] = np.inf
        for run in range(0, norms.size, _RUN):
            part, found = rough[run : run + _RUN], 0
            for j in range(_RUN):
                found += part[j] <= bound
            if found > 0:
                for j in range(_RUN):
                    if part[j] <= bound:
                        _keep_exact(x, i, run + j, heap)


@_compiled
def _keep_exact(x: np.ndarray, i: int, j: int, heap: np.ndarray) -> None:
    """Offer the squared distance of two rows, summed in the order of ``_squares``, to the heap."""
    if i == j or j >= x.shape[0]:
        return
    total = 0.0
    for c in range(x.shape[1]):
        t = x[j, c] - x[i, c]
        total += t * t
    if total < heap[0]:
        _keep(heap, total)


@_compiled
def ksg_rows(
    first: int,
    last: int,
    x: np.ndarray,
    packed_x: np.ndarray,
    y: np.ndarray,
    packed_y: np.ndarray,
    boxes: bool,
    heaps: np.ndarray,
    radius: np.ndarray,
    near: np.ndarray,
) -> None:
    """All of KSG for some rows: radius[i] = distance to the k-th neighbour, near[i] = the counts in x and in y.

    ``boxes`` counts up to and with the largest x- and y-distance of the k neighbours (variant 2), else strictly below
    the distance of the k-th (variant 1). ``heaps`` (n, k) is room to work in.
    """
    blocks, _, size = packed_x.shape
    dx, dy = np.empty(blocks * size), np.empty(blocks * size)
    for i in range(first, last):
        heap = heaps[i]
        heap[:] = np.inf
        for block in range(blocks):
            a, b = dx[block * size : (block + 1) * size], dy[block * size : (block + 1) * size]
            _largest(x[i], packed_x[block], 0, size, a)
            _largest(y[i], packed_y[block], 0, size, b)
            if block == i // size:
                a[i % size] = np.inf
                b[i % size] = np.inf
            _gather(a, b, heap)
        radius[i] = heap[0]
        if boxes:
            near[i, 0], near[i, 1] = _in_boxes(dx, dy, heap[0])
        else:
            near[i, 0], near[i, 1] = _below(dx, dy, heap[0])


@_compiled
def _below(dx: np.ndarray, dy: np.ndarray, radius: float) -> tuple[int, int]:
    """How many of either are strictly below the radius."""
    in_x = in_y = 0
    for j in range(dx.size):
        in_x += dx[j] < radius
        in_y += dy[j] < radius
    return in_x, in_y


@_compiled
def _in_boxes(dx: np.ndarray, dy: np.ndarray, radius: float) -> tuple[int, int]:
    """How many of either are within the sides of the box around all that is jointly within the radius."""
    side_x = side_y = 0.0
    for j in range(dx.size):
        if max(dx[j], dy[j]) <= radius:
            side_x, side_y = max(side_x, dx[j]), max(side_y, dy[j])
    in_x = in_y = 0
    for j in range(dx.size):
        in_x += dx[j] <= side_x
        in_y += dy[j] <= side_y
    return in_x, in_y
