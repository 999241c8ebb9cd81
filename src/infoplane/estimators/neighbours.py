"""Distances to nearest neighbours, and how many points lie within a distance: exact, by whichever route is quickest.

Five routes give the same numbers (maximum norm: to the last bit; Euclidean: to rounding, 1e-12): sorting on a line,
scipy's tree in few dimensions, a compiled scan over all pairs above, a matrix product with exact second looks for wide
Euclidean data, JAX on a GPU. :func:`choose` says which, and why; ``benchmarks/neighbours.py`` measures its thresholds.
A sample is never its own neighbour, but its duplicates are, at distance 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from scipy.spatial import KDTree

from . import line

Norm = Literal["euclidean", "max"]
Method = Literal["sort", "tree", "scan", "product", "jax"]

_ORDER = {"euclidean": 2.0, "max": np.inf}
_ROUNDING = 1.0 - 8 * np.finfo(np.float64).eps  # Euclidean distances that differ by less than this are equal
# Largest n at which a scan of all pairs beats the tree, by dimension; more dimensions count as the last.
_SCAN_NEAREST = {2: 0, 3: 0, 4: 3_000, 5: 6_000, 6: 12_000, 7: 25_000, 8: 60_000, 9: 150_000, 10: 10**9}
_PRODUCT_DIMENSION, _PRODUCT_FROM = 96, 2_000
_SCAN_FROM = 1_000  # below this the tree, for the scan's first use costs 0.7 s
_ROWS = 100_000  # points whose neighbours a tree looks up at once
_THREADS_FROM = 1_000  # samples from which a tree is walked on all cores
_GPU_FROM = 4_000  # not measured: no GPU was at hand


class Route(NamedTuple):
    """A way to find neighbours, and why it was chosen."""

    method: Method
    reason: str


def choose(n: int, d: int, norm: Norm, *, counting: bool = False, device: str | None = None) -> Route:
    """The quickest exact route.

    Args:
        n, d: samples and dimensions.
        norm: "euclidean" or "max".
        counting: whether points within a radius are to be counted, instead of the nearest found.
        device: "cpu", "gpu", ...; None asks JAX where it would run.
    """
    if d == 1:
        return Route("sort", "one dimension: neighbours are beside each other once sorted")
    if d > 5 and n >= _GPU_FROM and (device or _device()) != "cpu":
        return Route("jax", "many dimensions and a GPU: it compares all pairs")
    limit = _SCAN_NEAREST[min(d, max(_SCAN_NEAREST))]
    if counting and worth_scanning(n, n):
        return Route("scan", "a radius is known: only a slab around each point is compared")
    if n > limit:
        return Route("tree", f"few dimensions: beyond n = {limit} a tree looks at fewer points")
    if not worth_scanning(n, limit):
        return Route("tree", f"n = {n}: too few samples to load the compiler for")
    if norm == "euclidean" and d >= _PRODUCT_DIMENSION and n >= _PRODUCT_FROM and not counting:
        return Route("product", f"d >= {_PRODUCT_DIMENSION}: a matrix product finds the candidates")
    return Route("scan", f"n <= {limit} in {d} dimensions: all pairs are compared faster than a tree is walked")


def worth_scanning(n: int, limit: int) -> bool:
    """Whether so many samples are few enough to compare all pairs, and enough to load the compiler for.

    Whether it happens to be loaded must not matter: routes differ by rounding, and one seed means one value.
    """
    return _SCAN_FROM <= n <= limit


def distances(x: np.ndarray, k: int, norm: Norm = "euclidean", *, method: Method | None = None) -> np.ndarray:
    """(n, k) distances from every row of x, (n, d) float64, to its k nearest other rows, ascending.

    Cost O(n log n) by sorting or a tree, O(n^2 d) otherwise; memory O(n (k + d)) and blocks. Where there are fewer than
    k others the rest is inf.
    """
    x = np.ascontiguousarray(x, np.float64)
    n, d = x.shape
    match method or choose(n, d, norm).method:
        case "sort":
            return line.distances(x[:, 0], k)
        case "tree":
            # The first is a zero: the point itself or, just as far, one of its duplicates.
            tree, far = KDTree(x), np.empty((n, k))
            for start in range(0, n, _ROWS):
                part = slice(start, start + _ROWS)
                far[part] = np.asarray(tree.query(x[part], k + 1, p=_ORDER[norm], workers=_threads(n))[0])[:, 1:]
            return far
        case "scan":
            from . import scan

            out = np.empty((n, k))
            scan.by_rows(scan.nearest_rows, n, x, scan.pack(x), norm == "euclidean", out)
            out.sort(axis=1)
            return np.sqrt(out) if norm == "euclidean" else out
        case "product":
            return _by_product(x, k)
        case _:
            from . import gpu

            return gpu.distances(x, k, norm)


def named(x: np.ndarray, k: int, *, method: Method | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Euclidean :func:`distances`, the same numbers, and (n, k) the rows they lead to; any row where it is inf."""
    x = np.ascontiguousarray(x, np.float64)
    n, d = x.shape
    match method or choose(n, d, "euclidean").method:
        case "sort":
            return line.named(x[:, 0], k)
        case "tree":
            tree, far, names = KDTree(x), np.empty((n, k)), np.empty((n, k), np.int32 if n < 2**31 else np.int64)
            for start in range(0, n, _ROWS):
                part = slice(start, start + _ROWS)
                found = tree.query(x[part], k + 1, workers=_threads(n))
                far[part], names[part] = _without_itself(np.asarray(found[0]), np.asarray(found[1]), start, n)
            return far, names
        case "jax":
            from . import gpu

            return gpu.named(x, k, "euclidean")
        case _:
            from . import scan

            out, names = np.empty((n, k)), np.empty((n, k), np.int64)
            scan.by_rows(scan.named_rows, n, x, scan.pack(x), out, names)
            ascending = np.argsort(out, axis=1, kind="stable")
            return np.sqrt(np.take_along_axis(out, ascending, axis=1)), np.take_along_axis(names, ascending, axis=1)


def _threads(n: int) -> int:
    """For scipy: all cores, or one where starting threads would cost more than they save."""
    return -1 if n >= _THREADS_FROM else 1


def _without_itself(far: np.ndarray, names: np.ndarray, start: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """What a tree finds, (m, k + 1), less the point itself, which may stand behind its duplicates or be crowded out.

    The m points are those from ``start`` on, of n.
    """
    k = far.shape[1] - 1
    own = names == np.arange(start, start + len(far))[:, None]
    dropped = np.where(own.any(axis=1), own.argmax(axis=1), 0)
    others = np.arange(k)[None] + (np.arange(k)[None] >= dropped[:, None])
    return far[:, 1:], np.minimum(np.take_along_axis(names, others, axis=1), n - 1)


def counts(x: np.ndarray, radius: np.ndarray, norm: Norm = "max", *, method: Method | None = None) -> np.ndarray:
    """(n,) numbers of other rows of x, (n, d) float64, strictly closer than ``radius`` (n,).

    In the maximum norm to the last bit: a point as far as the radius is not counted. Euclidean distances are sums, so
    there "closer" means by more than 8 units in the last place.
    """
    return counter(x, norm, method=method)(radius)


def counter(x: np.ndarray, norm: Norm = "max", *, method: Method | None = None) -> Callable[[np.ndarray], np.ndarray]:
    """:func:`counts` of one set of points for one radius after another: what is sorted or built for them is kept."""
    x = np.ascontiguousarray(x, np.float64)
    squared = norm == "euclidean"
    count = _counter(x, norm, method or choose(x.shape[0], x.shape[1], norm, counting=True).method)

    def counted(radius: np.ndarray) -> np.ndarray:
        radius = np.ascontiguousarray(radius, np.float64)
        return count(radius * _ROUNDING if squared else radius)

    return counted


def _counter(x: np.ndarray, norm: Norm, method: Method) -> Callable[[np.ndarray], np.ndarray]:
    match method:
        case "sort":
            return line.counter(x[:, 0])
        case "tree":
            tree = KDTree(x)

            def by_tree(radius: np.ndarray) -> np.ndarray:
                inside = radius if norm == "euclidean" else np.nextafter(radius, 0.0)
                found = tree.query_ball_point(x, inside, p=_ORDER[norm], return_length=True, workers=-1)
                return np.where(radius > 0.0, np.asarray(found) - 1, 0)

            return by_tree
        case "jax":
            from . import gpu

            return lambda radius: gpu.counts(x, radius, norm)
        case _:
            return lambda radius: _by_slabs(x, radius, norm == "euclidean")


def _by_slabs(x: np.ndarray, radius: np.ndarray, squared: bool) -> np.ndarray:
    """Counts by a scan of those rows only whose widest coordinate is within the radius."""
    from . import scan

    widest = int(np.argmax(x.std(axis=0)))
    order = np.argsort(x[:, widest], kind="stable")
    x, radius = x[order], radius[order]
    along = x[:, widest]
    reach = radius + 4 * np.finfo(np.float64).eps * (np.abs(along) + radius)  # a little more than what can be closer
    low, high = np.searchsorted(along, along - reach), np.searchsorted(along, along + reach, side="right")
    found, out = np.empty(len(x), np.int64), np.empty(len(x), np.int64)
    bound = radius**2 if squared else radius
    columns = np.ascontiguousarray(x.T)
    scan.by_rows(scan.closer_rows, len(x), x, columns, low, high, squared, bound, found)
    out[order] = found
    return out


def _device() -> str:
    import jax

    return jax.default_backend()


def _by_product(x: np.ndarray, k: int) -> np.ndarray:
    """Euclidean distances: float32 products of centred data name the candidates, which are then measured exactly.

    |a|^2 + |b|^2 - 2 a.b cancels far from the origin, hence the centring; ``slack`` bounds what rounding leaves.
    """
    from . import scan

    n, d = x.shape
    x = x - x.mean(axis=0)
    scale = np.abs(x).max() or 1.0
    x = x / scale
    width = -(-n // 64) * 64
    narrow = np.zeros((width, d), np.float32)
    narrow[:n] = x
    norms = np.full(width, np.inf, np.float32)
    norms[:n] = (x * x).sum(axis=1)
    slack = 2.0**-24 * (4 * d + 32) * float(norms[:n].max())
    out = np.empty((n, k))
    rows = int(np.clip(2**22 // n, 64, 1024))
    for start in range(0, n, rows):
        products = narrow[start : min(start + rows, n)] @ narrow.T
        scan.by_rows(scan.chosen_rows, len(products), start, x, norms, products, slack, out)
    out.sort(axis=1)
    return scale * np.sqrt(out)
