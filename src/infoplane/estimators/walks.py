"""Compiled walks along one side of pairs, from every sample to the nearest others outwards, for many orders at once.

Samples come sorted along their widest coordinate, so that those near enough are a slab of neighbouring rows. Import
this module late, as ``scan``.
"""

from __future__ import annotations

import numpy as np

from .scan import _compiled, _keep, _largest

RUN = 32  # values of a line looked at together
_BUCKETS = 64  # a list is sorted no finer than this: the walk may end within one bucket
_EPS = 4 * np.finfo(np.float64).eps
_TINY = 1e-290  # below it a scale of buckets would overflow


@_compiled
def _slab(i: int, along: np.ndarray, reach: float) -> tuple[int, int]:
    """First and last + 1 of the sorted rows that can be within reach of row i."""
    more = reach + _EPS * (abs(along[i]) + reach)  # a little more than what can be within
    return _place(along, along[i] - more, False), _place(along, along[i] + more, True)


@_compiled
def _place(along: np.ndarray, value: float, after: bool) -> int:
    """Where a value belongs among sorted ones, before or after its equals; numpy's own takes seconds to compile."""
    low, high = 0, along.size
    while low < high:
        middle = (low + high) // 2
        if along[middle] < value or (after and along[middle] == value):
            low = middle + 1
        else:
            high = middle
    return low


@_compiled
def count_rows(
    first: int,
    last: int,
    points: np.ndarray,
    columns: np.ndarray,
    along: np.ndarray,
    radii: np.ndarray,
    found: np.ndarray,
) -> None:
    """found[o, i] = how many others are strictly closer to point i than radii[o, i].

    ``columns`` (d, n) is ``points`` (n, d) again, both sorted by ``along`` (n,).
    """
    row, near = np.empty(len(along)), np.empty(len(along) + 1)  # one beyond: the last may be written and not counted
    for i in range(first, last):
        reach = 0.0
        for o in range(len(radii)):
            reach = max(reach, radii[o, i])
        low, high = _slab(i, along, reach)
        _largest(points[i], columns, low, high, row[low:high])
        row[i] = np.inf
        size = 0
        for j in range(low, high):
            near[size] = row[j]
            size += row[j] < reach
        for o in range(len(radii)):
            radius, inside = radii[o, i], 0
            for c in range(size):
                inside += near[c] < radius
            found[o, i] = inside


@_compiled
def near_rows(
    first: int,
    last: int,
    points: np.ndarray,
    columns: np.ndarray,
    along: np.ndarray,
    drawn: np.ndarray,
    rank: int,
    others: np.ndarray,
    found: np.ndarray,
) -> None:
    """found[o, i] = (k,) joint distances of point i to its k nearest others in order o, in no order.

    Args:
        first, last: of the points.
        points, columns, along: as ``count_rows`` has them.
        drawn: (d, m) some of the columns.
        rank: the list of a point reaches as far as its ``rank``-th nearest of these.
        others: (orders, n, dy) points of the other side, in the order of ``points``.
        found: (orders, n, k).
    """
    n = len(along)
    row, gap, sample, nearest = np.empty(n), np.empty(n), np.empty(drawn.shape[1]), np.empty(rank)
    near, who, start = np.empty(n + 1, np.int64), np.empty(n, np.int64), np.empty(_BUCKETS + 1, np.int64)
    for i in range(first, last):
        _largest(points[i], drawn, 0, sample.size, sample)
        nearest[:] = np.inf
        for j in range(sample.size):
            if sample[j] < nearest[0]:
                _keep(nearest, sample[j])
        reach = nearest[0]
        scale = (_BUCKETS - 1) / reach if reach > _TINY else 0.0
        low, high = _slab(i, along, reach)
        _largest(points[i], columns, low, high, row[low:high])
        row[i] = np.inf
        _list(row, low, high, reach, scale, near, who, gap, start)
        complete = False
        for o in range(len(others)):
            heap = found[o, i]
            heap[:] = np.inf
            _walk(i, others[o], reach, scale, who, gap, start, heap)
            if heap[0] > reach:
                if not complete:
                    _largest(points[i], columns, 0, n, row)
                    row[i] = np.inf
                    complete = True
                _rest(i, others[o], reach, row, heap)


@_compiled
def line_rows(first: int, last: int, x: np.ndarray, others: np.ndarray, found: np.ndarray) -> None:
    """found[o, i] = (k,) joint distances of value i to its k nearest others in order o, where both sides are lines.

    Args:
        first, last: of the values.
        x: (n + 2 RUN,) sorted, between minus infinity and infinity.
        others: (orders, n + 2 RUN) values of the other side that belong to these.
        found: (orders, n, k).
    """
    row = np.empty(RUN)
    for o in range(len(others)):
        y = others[o]
        for i in range(first, last):
            heap = found[o, i]
            heap[:] = np.inf
            at, low, high = i + RUN, i + RUN, i + RUN + 1
            while True:
                left, right, bound = x[at] - x[low - 1], x[high] - x[at], heap[0]
                if min(left, right) >= bound:
                    break
                start = low - RUN if left < right else high
                low, high = min(low, start), max(high, start + RUN)
                a, b, closer = x[start : start + RUN], y[start : start + RUN], 0
                for j in range(RUN):
                    row[j] = max(abs(a[j] - x[at]), abs(b[j] - y[at]))
                    closer += row[j] < bound
                if closer > 0:
                    for j in range(RUN):
                        if row[j] < heap[0]:
                            _keep(heap, row[j])


@_compiled
def _list(
    row: np.ndarray,
    low: int,
    high: int,
    reach: float,
    scale: float,
    near: np.ndarray,
    who: np.ndarray,
    gap: np.ndarray,
    start: np.ndarray,
) -> None:
    """who, gap = samples within reach and their distances, in buckets that begin at ``start`` and ascend."""
    size = 0
    for j in range(low, high):
        near[size] = j
        size += row[j] <= reach
    start[:] = 0
    for c in range(size):
        start[int(row[near[c]] * scale) + 1] += 1
    for b in range(_BUCKETS):
        start[b + 1] += start[b]
    for c in range(size):
        j = near[c]
        b = int(row[j] * scale)
        who[start[b]], gap[start[b]] = j, row[j]
        start[b] += 1
    for b in range(_BUCKETS, 0, -1):  # every bucket was left at its end, where the next one begins
        start[b] = start[b - 1]
    start[0] = 0


@_compiled
def _walk(
    i: int,
    others: np.ndarray,
    reach: float,
    scale: float,
    who: np.ndarray,
    gap: np.ndarray,
    start: np.ndarray,
    heap: np.ndarray,
) -> None:
    """Offer the listed samples to the heap until those to come are farther on this side alone than the k-th."""
    for b in range(_BUCKETS):
        # Rounding keeps order: what falls into a later bucket than a distance does is no closer than it.
        if heap[0] <= reach and int(heap[0] * scale) < b:
            break
        for c in range(start[b], start[b + 1]):
            distance = _joint(gap[c], others, i, who[c])
            if distance < heap[0]:
                _keep(heap, distance)


@_compiled
def _rest(i: int, others: np.ndarray, reach: float, row: np.ndarray, heap: np.ndarray) -> None:
    """Offer all samples beyond the list, from their distances on this side."""
    for j in range(row.size):
        if reach < row[j] < heap[0]:
            distance = _joint(row[j], others, i, j)
            if distance < heap[0]:
                _keep(heap, distance)


@_compiled
def _joint(gap: float, others: np.ndarray, i: int, j: int) -> float:
    """The larger of a distance on one side and that of i and j on the other."""
    for c in range(others.shape[1]):
        gap = max(gap, abs(others[j, c] - others[i, c]))
    return gap
