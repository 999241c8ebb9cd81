"""What ``ip.cost`` foretells against what the run then takes, on three estimators and three sizes.

Run ``python -m benchmarks.cost`` (about 2 minutes on two idle cores).
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np

import infoplane as ip
from infoplane.compressors import PCA
from infoplane.estimators import KSG, Compressed, Estimator, PairwiseBounds, WeightedKL

from ._table import print_machine, print_table, seconds

Case = tuple[Estimator, int, int, int, tuple[int, ...]]
CASES: tuple[Case, ...] = (  # estimator, columns of x and of y, classes, numbers of samples
    (KSG(), 2, 2, 0, (50_000, 100_000, 200_000)),
    (PairwiseBounds(0.5), 10, 1, 10, (20_000, 40_000, 80_000)),
    (Compressed(WeightedKL(), x=PCA(3)), 200, 1, 10, (50_000, 100_000, 200_000)),
)


def rows() -> Iterator[list[object]]:
    """One row a case: seconds and megabytes, foretold and measured."""
    for estimator, dim_x, dim_y, classes, sizes in CASES:
        for n in sizes:
            foretold = ip.cost(estimator, n, dim_x, dim_y, classes=classes)
            x, y = sample(n, dim_x, dim_y, classes)
            took = seconds(lambda e=estimator, x=x, y=y: ip.mutual_information(x, y, e))
            tracemalloc.start()
            ip.mutual_information(x, y, estimator)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            cells = [f"{foretold.seconds:.2f}", f"{took:.2f}", f"{foretold.seconds / took:.2f}"]
            memory = [f"{foretold.bytes / 1e6:.0f}", f"{peak / 1e6:.0f}", f"{foretold.bytes / peak:.2f}"]
            yield [estimator.short, f"{dim_x}+{dim_y}", n, *cells, *memory, f"{foretold.exponent:.2g}"]


def sample(n: int, dim_x: int, dim_y: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal x, and y that its first column moves, or a label cut from it."""
    random = np.random.default_rng(1)
    x = random.standard_normal((n, dim_x), np.float32)
    if classes:
        return x, np.digitize(x[:, 0] + 0.5 * random.standard_normal(n), np.linspace(-1.5, 1.5, classes - 1))
    return x, (x[:, :dim_y] + random.standard_normal((n, dim_y))).astype(np.float32)


def main() -> None:
    """Measure and print."""
    print_machine("numba", "numpy", "scipy")
    head = [
        "estimator",
        "columns",
        "n",
        "s foretold",
        "s measured",
        "ratio",
        "MB foretold",
        "MB measured",
        "ratio",
        "exponent",
    ]
    print_table("Cost foretold and measured", head, rows())


if __name__ == "__main__":
    main()
