"""Neighbours of many shuffles of the same pairs: what belongs to x or to y alone is found once for all orders.

A joint distance in the maximum norm is the larger of one in x and one in y, and neither changes when y is put into
another order. So the distances from a sample on one side are measured and sorted once, and every order only walks them
from the nearest outwards, looking up the other side, until they alone exceed the k-th joint distance: some sqrt(n k)
samples instead of n. Counts within radii are one pass over a side for all orders likewise. Numbers are those of
``neighbours``, to the last bit.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from . import neighbours

_TOGETHER = 2**22  # numbers of one kind for orders looked at together: 32 MB
_PILOT, _FEWEST = 64, 4  # samples, and orders, that tell how far walks go; the first order may be no shuffle
_ROOM = 4  # listed samples for one on the mean walk
_RANK, _DRAWN = 16, 1024  # least rank that the reach of a list is read from, and most samples
# Measured on two cores: a search of all pairs costs as much as a walk over so large a share of them, a search in a tree
# of d dimensions as much as a walk of so many steps times d^2, and one in a tree of a plane as one so long on a line.
_AS_SCAN, _AS_TREE, _AS_PLANE = 1 / 20, 16, 800


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
        self._in_slabs = self.d > 1 and neighbours.worth_scanning(self.n, self.n)
        self._count = None if self._in_slabs else neighbours.counter(self.values, "max")

    def counts(self, radii: np.ndarray, orders: np.ndarray | None = None) -> np.ndarray:
        """(c, n) numbers of others strictly closer than the radii, (c, n), of the values, or of values[order]."""
        if orders is not None:
            own = np.empty_like(radii)
            np.put_along_axis(own, orders, radii, axis=1)
            return np.take_along_axis(self.counts(own), orders, axis=1)
        if self._count is not None:
            return np.stack([self._count(radius) for radius in radii])
        found = np.empty(radii.shape, np.int64)
        found[:, self.order] = self.counts_of(np.arange(self.n), np.ascontiguousarray(radii[:, self.order]))
        return found

    def counts_of(self, rows: np.ndarray, radii: np.ndarray) -> np.ndarray:
        """(c, rows) of these counts, for some rows of ``points`` and their radii (c, rows)."""
        from . import scan, walks

        found = np.empty(radii.shape, np.int64)
        scan.by_rows(walks.count_rows, len(rows), rows, self.points, self._columns, self._along, radii, found)
        return found

    def nearest_of(self, rows: np.ndarray, others: np.ndarray, k: int, listed: float = 0.0) -> np.ndarray:
        """(c, rows, k) joint distances of some rows of ``points`` to their k nearest others, ascending.

        Args:
            rows: places among ``points``.
            others: (c, n, dy) points of the other side, in the order of ``points``.
            k: neighbours.
            listed: share of all samples whose distances on this side are sorted first; with 0 all are looked at.
        """
        from . import scan, walks

        drawn = np.ascontiguousarray(self._columns[:, :: max(1, self.n // _DRAWN)])
        rank = min(max(_RANK, int(listed * drawn.shape[1])), drawn.shape[1] - 1) if listed else -1
        found = np.empty((len(others), len(rows), k))
        given = (rows, self.points, self._columns, self._along, drawn, rank, others, found)
        scan.by_rows(walks.near_rows, len(rows), *given)
        found.sort(axis=2)
        return found

    def nearest_on_line(self, others: np.ndarray, k: int) -> np.ndarray:
        """(c, n, k) of the same for all ``points``, where both sides have one dimension: ``others`` (c, n)."""
        from . import scan, walks

        ends = ((walks.RUN, walks.RUN),)
        x = np.pad(self._along, ends, constant_values=((-np.inf, np.inf),))
        found = np.empty((len(others), self.n, k))
        scan.by_rows(walks.line_rows, self.n, x, np.pad(others, ((0, 0), *ends)), found)
        found.sort(axis=2)
        return found


class _Walk(NamedTuple):
    """How neighbours are looked for: along which side, and how many of its samples are listed."""

    along_y: bool
    listed: float


def nearest(x: Side, y: Side, orders: Iterable[np.ndarray], k: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Orders of y (c, n), as many as fit, and joint distances (c, n, k) to the k nearest others, ascending.

    Inf where there are too few others. Cost: two passes over all pairs of a side, once for all orders that fit, and a
    walk for every sample and order; where walks would be long, the search of ``neighbours`` for every order.
    """
    chunks = _chunks(orders, max(1, _TOGETHER // (x.n * max(k, x.d, y.d))))
    first = next(chunks, None)
    if first is None:
        return
    walk = _planned(x, y, first[:_FEWEST], k)
    for chunk in itertools.chain([first], chunks):
        if walk is None:
            found = [neighbours.distances(np.hstack([x.values, y.values[order]]), k, "max") for order in chunk]
            yield chunk, np.stack(found)
        elif walk.along_y:
            found = _walked(y, x, np.argsort(chunk, axis=1), k, walk.listed)
            yield chunk, np.take_along_axis(found, chunk[:, :, None], axis=1)
        else:
            yield chunk, _walked(x, y, chunk, k, walk.listed)


def _chunks(orders: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    orders = iter(orders)
    while chunk := list(itertools.islice(orders, size)):
        yield np.stack(chunk)


def _walked(side: Side, other: Side, orders: np.ndarray, k: int, listed: float) -> np.ndarray:
    """(c, n, k) distances, walking along one side while the other comes in these orders."""
    found = np.empty((len(orders), side.n, k))
    others = other.values[orders[:, side.order]]
    if side.d == other.d == 1:
        found[:, side.order] = side.nearest_on_line(others[:, :, 0], k)
    else:
        found[:, side.order] = side.nearest_of(np.arange(side.n), others, k, listed)
    return found


def _planned(x: Side, y: Side, orders: np.ndarray, k: int) -> _Walk | None:
    """The side with the shorter walks, by the radii of some samples in some orders; None where a search is quicker."""
    if len(orders) < _FEWEST or not neighbours.worth_scanning(x.n, x.n):
        return None
    rows = np.arange(0, x.n, max(1, x.n // _PILOT))
    radii = x.nearest_of(rows, y.values[orders[:, x.order]], k)[:, :, -1]
    places = np.argsort(y.order)[orders[:, x.order[rows]]]
    along_x = x.counts_of(rows, radii).mean(axis=1).max()
    along_y = max(y.counts_of(place, radius[None]).mean() for place, radius in zip(places, radii, strict=True))
    steps, d = float(min(along_x, along_y)), x.d + y.d
    by_tree = neighbours.choose(x.n, d, "max").method == "tree"
    if steps > (_AS_SCAN * x.n if not by_tree else _AS_TREE * d**2 if d > 2 else _AS_PLANE):
        return None
    return _Walk(bool(along_y < along_x), min(1.0, _ROOM * steps / x.n))
