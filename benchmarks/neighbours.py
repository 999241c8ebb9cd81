"""Every route to nearest neighbours by size, dimension and norm: where ``neighbours.choose`` has its thresholds from.

Run ``python -m benchmarks.neighbours`` (some minutes on two cores). A route that is hopeless at a size is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import jax
import numpy as np

from infoplane.estimators import KSG, ksg, neighbours
from infoplane.samples import Variable

from ._table import alternate, print_machine, print_table, seconds, summary

SIZES, DIMENSIONS, REPETITIONS = (500, 2_000, 10_000, 50_000), (1, 2, 3, 4, 5, 6, 8, 10, 20, 64, 128), 3
LARGEST_SCAN = 3e10  # n^2 d: about 3 s on two cores
LARGEST_TREE = 1e10
METHODS: tuple[neighbours.Method, ...] = ("sort", "tree", "scan", "product", "jax")


def fits(method: str, n: int, d: int, norm: str) -> bool:
    """Whether a route exists and ends in seconds."""
    work = n * n * d
    match method:
        case "sort":
            return d == 1
        case "tree":
            return d <= 5 or work < LARGEST_TREE
        case "product":
            return norm == "euclidean" and d >= 10 and work < LARGEST_SCAN
        case "jax":
            return work < (LARGEST_SCAN if jax.default_backend() != "cpu" else 1e7)
        case _:
            return work < LARGEST_SCAN


def contest(work: Callable[..., object], methods: list[neighbours.Method]) -> dict[str, list[float]]:
    """Seconds of every route, alternated, after one run that compiles."""
    for method in methods:
        work(method=method)
    return alternate({m: partial(seconds, partial(work, method=m)) for m in methods}, REPETITIONS)


def rows(counting: bool) -> Iterator[list[object]]:
    """One row a case: seconds by route, the quickest, and what ``choose`` takes."""
    for n in SIZES:
        for d in DIMENSIONS:
            x = np.random.default_rng(d).standard_normal((n, d))
            for norm in ("max",) if counting else ("euclidean", "max"):
                methods = [m for m in METHODS if fits(m, n, d, norm) and not (counting and m == "product")]
                if not methods:
                    continue
                if counting:
                    other = np.random.default_rng(d + 1).standard_normal((n, d))
                    radius = neighbours.distances(np.hstack([x, other]), 3, "max")[:, -1]  # as KSG asks
                    costs = contest(partial(neighbours.counts, x, radius, norm), methods)
                else:
                    costs = contest(partial(neighbours.distances, x, 4, norm), methods)
                best = min(costs, key=lambda m: min(costs[m]))
                chosen = neighbours.choose(n, d, norm, counting=counting).method
                cells = [summary(costs[m], digits=4) if m in costs else "" for m in METHODS]
                yield [n, d, norm, *cells, best, chosen]


def ksg_rows() -> Iterator[list[object]]:
    """KSG in one pass, in parts, and as it chooses."""
    for n in (2_000, 10_000, 50_000):
        for d in (1, 2, 3, 5, 10):
            if n * n * 2 * d > LARGEST_SCAN:
                continue
            x, e = np.random.default_rng(d).standard_normal((2, n, d))
            y = 0.5 * x + 0.75**0.5 * e
            joint, pair = np.hstack([x, y]), (Variable(x), Variable(y, "y"))
            work: dict[str, Callable[[], object]] = {
                "one pass": partial(ksg.by_scan, x, y, 3, 1),
                "parts": partial(ksg.by_parts, x, y, joint, 3, 1),
                "chosen": partial(KSG().estimate, *pair),
            }
            for run in work.values():
                run()
            costs = alternate({name: partial(seconds, run) for name, run in work.items()}, REPETITIONS)
            yield [n, f"{d}+{d}", *(summary(costs[name], digits=4) for name in work)]


def main() -> None:
    """Measure and print."""
    print_machine("numba", "numpy", "scipy", "jax")
    print(
        f"JAX runs on {jax.default_backend()}. Normal data; seconds, median (range) of {REPETITIONS} alternated runs."
    )
    head = ["n", "d", "norm", *METHODS, "quickest", "chosen"]
    print_table("The 4 nearest neighbours", head, rows(counting=False))
    print_table("Counts within the distance of the third joint neighbour in d + d", head, rows(counting=True))
    print_table("All of KSG(k=3)", ["n", "dimensions", "one pass", "parts", "chosen"], ksg_rows())


if __name__ == "__main__":
    main()
