"""Neighbours of many shuffles of the same pairs: what belongs to x or to y alone is found once for all orders.

A joint distance in the maximum norm is the larger of one in x and one in y, and neither changes when y is put into
another order. So the distances from a sample on one side are measured and sorted once, and every order only walks them
from the nearest outwards, looking up the other side, until they alone exceed the k-th joint distance: some sqrt(n k)
samples instead of n. Counts within radii are one pass over a side for all orders likewise. Numbers are those of
``neighbours``, to the last bit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from . import neighbours

_TOGETHER = 2**22  # numbers of one kind for orders looked at together: 32 MB
_WORTH = 100_000  # radii from which compiled walks make up for compiling them: some seconds, if no cache can be kept
_FEWEST = 4  # orders that share enough; by then one of them is a shuffle, though the first may be the pairs themselves
_ROOM = 4  # listed samples for one on the mean walk
_RANK, _DRAWN = 16, 1024  # least rank that the reach of a list is read from, and most samples
# Measured on two cores: a search of all pairs costs as much as a walk over so large a share of them, a search in a tree
# of d dimensions as much as a walk of so many steps times d^2, and one in a tree of a plane as one so long on a line.
_AS_SCAN, _AS_TREE, _AS_PLANE = 1 / 20, 10, 800


class Side:
    """The points of one variable, with all that is known of them whatever the order of the other.

    Attributes:
        values: (n, d) coordinates.
        order: (n,) places of the values along their widest coordinate, in which those near are near in memory.
        points: (n, d) values in this order.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.ascontiguousarray(values, np.float64)
        self.n, self.d = self.values.shape
        along = self.values[:, int(np.argmax(self.values.std(axis=0)))]
        self.order = np.argsort(along, kind="stable")
        self.points = self.values[self.order]
        self._along, self._columns = along[self.order], np.ascontiguousarray(self.points.T)

    @cached_property
    def _count(self) -> Callable[[np.ndarray], np.ndarray]:
        return neighbours.counter(self.values, "max")

    def counts(self, radii: np.ndarray, orders: np.ndarray | None = None) -> np.ndarray:
        """(c, n) numbers of others strictly closer than the radii, (c, n), of the values, or of values[order]."""
        if orders is not None:
            own = np.empty_like(radii)
            np.put_along_axis(own, orders, radii, axis=1)
            return np.take_along_axis(self.counts(own), orders, axis=1)
        if self.d == 1 or radii.size < _WORTH:
            return np.stack([self._count(radius) for radius in radii])
        from . import scan, walks

        sorted_radii = np.ascontiguousarray(radii[:, self.order])
        found, counted = np.empty(radii.shape, np.int64), np.empty(radii.shape, np.int64)
        scan.by_rows(walks.count_rows, self.n, self.points, self._columns, self._along, sorted_radii, counted)
        found[:, self.order] = counted
        return found

    def nearest(self, others: np.ndarray, k: int, listed: float) -> np.ndarray:
        """(c, n, k) joint distances of ``points`` to their k nearest others, in no order.

        Args:
            others: (c, n, dy) points of the other side, in the order of ``points``.
            k: neighbours.
            listed: share of all samples whose distances on this side are sorted first.
        """
        from . import scan, walks

        drawn = np.ascontiguousarray(self._columns[:, :: max(1, self.n // _DRAWN)])
        rank = min(max(_RANK, int(listed * drawn.shape[1])), drawn.shape[1])
        found = np.empty((len(others), self.n, k))
        scan.by_rows(walks.near_rows, self.n, self.points, self._columns, self._along, drawn, rank, others, found)
        return found

    def nearest_on_line(self, others: np.ndarray, k: int) -> np.ndarray:
        """(c, n, k) of the same, where both sides have one dimension: ``others`` (c, n)."""
        from . import scan, walks

        ends = ((walks.RUN, walks.RUN),)
        x = np.pad(self._along, ends, constant_values=((-np.inf, np.inf),))
        found = np.empty((len(others), self.n, k))
        scan.by_rows(walks.line_rows, self.n, x, np.pad(others, ((0, 0), *ends)), found)
        return found


class _Walk(NamedTuple):
    """How neighbours are looked for: along which side, and how many of its samples are listed."""

    along_y: bool
    listed: float


def nearest(x: Side, y: Side, orders: Iterable[np.ndarray], k: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Orders of y (c, n), as many as fit, and joint distances (c, n, k) to the k nearest others, ascending.

    Inf where there are too few others. Cost: a pass over all pairs of a side, once for all orders that fit, and a walk
    for every sample and order; where walks would be long, the search of ``neighbours`` for every order.
    """
    chunks = _chunks(orders, max(1, _TOGETHER // (x.n * max(k, x.d, y.d))))
    first = next(chunks, None)
    if first is None:
        return
    worth = len(first) >= _FEWEST and first.size >= _WORTH
    walk = _planned(x, y, first[_FEWEST - 1], k) if worth else None
    for chunk in itertools.chain([first], chunks):
        if walk is None:
            yield chunk, np.stack([_searched(x, y, order, k) for order in chunk])
        elif walk.along_y:
            found = _walked(y, x, np.argsort(chunk, axis=1), k, walk.listed)
            yield chunk, np.take_along_axis(found, chunk[:, :, None], axis=1)
        else:
            yield chunk, _walked(x, y, chunk, k, walk.listed)


def _chunks(orders: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    orders = iter(orders)
    while chunk := list(itertools.islice(orders, size)):
        yield np.stack(chunk)


def _searched(x: Side, y: Side, order: np.ndarray, k: int) -> np.ndarray:
    """(n, k) distances with y in one order, by the quickest route of its own."""
    return neighbours.distances(np.hstack([x.values, y.values[order]]), k, "max")


def _walked(side: Side, other: Side, orders: np.ndarray, k: int, listed: float) -> np.ndarray:
    """(c, n, k) distances, walking along one side while the other comes in these orders."""
    others = other.values[orders[:, side.order]]
    on_line = side.d == other.d == 1
    near = side.nearest_on_line(others[:, :, 0], k) if on_line else side.nearest(others, k, listed)
    near.sort(axis=2)
    found = np.empty_like(near)
    found[:, side.order] = near
    return found


def _planned(x: Side, y: Side, order: np.ndarray, k: int) -> _Walk | None:
    """The side with the shorter walks, by the radii in one order; None where a search of its own is quicker."""
    radii = _searched(x, y, order, k)[None, :, -1]
    along_x, along_y = x.counts(radii).mean(), y.counts(radii, order[None]).mean()
    steps, d = float(min(along_x, along_y)), x.d + y.d
    by_tree = neighbours.choose(x.n, d, "max").method == "tree"
    if steps > (_AS_SCAN * x.n if not by_tree else _AS_TREE * d**2 if d > 2 else _AS_PLANE):
        return None
    return _Walk(bool(along_y < along_x), min(1.0, _ROOM * steps / x.n))
