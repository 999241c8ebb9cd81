"""``PairwiseBounds`` against the straightforward NumPy formula, in time, in value and in memory.

Run ``python -m benchmarks.pairwise_bounds``. First both bounds on I(X;T) alone, on layers that are hard to get right.
Then two jobs: both bounds on I(X;T) by the public verb, which adds a standard error; and one snapshot of a plane, both
bounds on I(X;T) and on I(T;Y). The formula holds all n x n distances in double precision, once by
``scipy.spatial.distance.cdist`` and once by a matrix product, and takes the two exponentials.
"""

from __future__ import annotations

import functools
import math
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.spatial.distance import cdist

import infoplane as ip
from infoplane.estimators import LayerBlock, PairwiseBounds

from ._table import alternate, print_machine, print_table, seconds, summary

SIGMA, N, CLASSES, REPETITIONS = 0.3, 4096, 2, 5
VARIANCE = 1e-3  # of the noise, for layers that are hard to get right
N_MEMORY, D_MEMORY = 20_000, 10

Distances = Callable[[np.ndarray], np.ndarray]


def by_cdist(t: np.ndarray) -> np.ndarray:
    """(n, n) squared distances."""
    return cdist(t, t, "sqeuclidean")


def by_product(t: np.ndarray) -> np.ndarray:
    """(n, n) squared distances from one matrix product."""
    norm = (t * t).sum(axis=1)
    return np.maximum(norm[:, None] + norm - 2.0 * t @ t.T, 0.0)


def plain_input(t: np.ndarray, distances: Distances) -> np.ndarray:
    """(lower, upper) bound on I(X; T + noise)."""
    square = distances(t)
    return np.array([-np.log(np.exp(-square / (k * SIGMA**2)).mean(axis=1)).mean() for k in (8, 2)])


def plain_snapshot(t: np.ndarray, y: np.ndarray, distances: Distances) -> np.ndarray:
    """(lower, upper) for I(X; T + noise), then (lower, upper) for I(T + noise; Y)."""
    square = distances(t)
    whole, own = np.empty(2), np.zeros(2)
    for row, k in enumerate((8, 2)):
        kernel = np.exp(-square / (k * SIGMA**2))
        whole[row] = -np.log(kernel.mean(axis=1)).mean()
        for label in np.unique(y):
            members = y == label
            own[row] -= members.mean() * np.log(kernel[np.ix_(members, members)].mean(axis=1)).mean()
    return np.array([*whole, whole[0] - own[1], whole[1] - own[0]])


def our_input(t: np.ndarray) -> np.ndarray:
    """The same through the verb."""
    found = ip.mutual_information(t, np.arange(len(t)), PairwiseBounds(SIGMA))
    return np.array([found.lower, found.upper])


def our_snapshot(t: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The same through what a plane calls for every snapshot."""
    block = LayerBlock(t[None], y[None, :, None], np.arange(len(t))[None], population=True)
    found = PairwiseBounds(SIGMA).layer(block)
    columns = (found.mi_input_lower, found.mi_input_upper, found.mi_target_lower, found.mi_target_upper)
    return np.array([column[0] for column in columns])


def samples(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, d) float32 activations in (-1, 1), as those of a tanh layer, and (n,) classes that shift them."""
    random = np.random.default_rng(d)
    y = random.integers(CLASSES, size=n)
    return np.tanh(random.standard_normal((n, d)) + y[:, None]).astype(np.float32), y


def our_evaluation(t: np.ndarray, sigma: float) -> np.ndarray:
    """Both bounds on I(X;T) without a standard error, and without I(T;Y): every sample is its own class."""
    each = np.arange(len(t))
    found = PairwiseBounds(sigma).layer(LayerBlock(t[None], each[None, :, None], each[None], population=True))
    return np.array([found.mi_input_lower[0], found.mi_input_upper[0]])


def hard_layers() -> list[list[object]]:
    """Time and error of one evaluation, by layer and precision."""
    random = np.random.default_rng(0)
    z, few = random.standard_normal((N, 10)), random.integers(0, 5, N)
    layers = {"spread": np.tanh(z), "collapsed": z[few] + 1e-4 * z, "saturated": np.tanh(30 * z)}
    rows = []
    for name, values in layers.items():
        for kind in (np.float32, np.float64):
            t = values.astype(kind)
            square = by_cdist(t.astype(np.float64))
            truth = [-np.log(np.exp(-square / (k * VARIANCE)).mean(axis=1)).mean() for k in (8, 2)]
            work = functools.partial(our_evaluation, t, math.sqrt(VARIANCE))
            error = float(np.abs(work() - truth).max())  # this call also compiles
            costs = [seconds(work) for _ in range(30)]
            rows.append([name, kind.__name__, summary(costs, 1e3, 1), f"{error:.1e}"])
    return rows


def contest(d: int) -> list[list[object]]:
    """The rows of one width."""
    t, y = samples(N, d)
    wide = t.astype(np.float64)
    jobs = {
        "I(X;T), with standard error": (
            functools.partial(our_input, t),
            lambda distances: plain_input(wide, distances),
        ),
        "plane snapshot": (
            functools.partial(our_snapshot, t, y),
            lambda distances: plain_snapshot(wide, y, distances),
        ),
    }
    rows = []
    for job, (ours, plain) in jobs.items():
        error = float(np.abs(ours() - plain(by_cdist)).max())  # this call also compiles
        contestants = {
            "ours": lambda ours=ours: seconds(ours),
            "cdist": lambda plain=plain: seconds(lambda: plain(by_cdist)),
            "product": lambda plain=plain: seconds(lambda: plain(by_product)),
        }
        costs = alternate(contestants, REPETITIONS)
        best = min(("cdist", "product"), key=lambda name: statistics.median(costs[name]))
        ratio = statistics.median(costs[best]) / statistics.median(costs["ours"])
        times = [summary(costs[name], 1e3, 0) for name in ("ours", "cdist", "product")]
        rows.append([job, d, *times, f"{ratio:.1f}", f"{error:.1e}"])
    return rows


def peak_mebibytes() -> float:
    """Largest memory this process has held; its own alone, which ``getrusage`` is not: a child inherits that."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measure_memory() -> None:
    """Print the MiB grown by and the seconds taken at n = 20,000, after a small warm-up."""
    our_input(samples(512, D_MEMORY)[0])
    t, _ = samples(N_MEMORY, D_MEMORY)
    before = peak_mebibytes()
    took = seconds(lambda: our_input(t))
    print(peak_mebibytes() - before, took)


def memory_line() -> str:
    """What a process of its own needs at n = 20,000."""
    if not Path("/proc/self/status").exists():
        return "Memory is measured on Linux only."
    code = "from benchmarks.pairwise_bounds import measure_memory; measure_memory()"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    growth, took = map(float, done.stdout.split())
    return (
        f"At n = {N_MEMORY}, d = {D_MEMORY} the process grows by {growth:.0f} MiB (one n x n array of doubles would "
        f"take {N_MEMORY**2 * 8 / 2**20:.0f} MiB) and needs {took:.1f} s, compiling included."
    )


def main() -> None:
    """Run the contest and print its tables."""
    print_machine("numba", "numpy", "scipy")
    head = ["layer", "activations", "both bounds on I(X;T), ms", "error, nats"]
    print_table(f"n = {N}, d = 10, sigma^2 = {VARIANCE:g}, median (range) of 30 runs", head, hard_layers())
    rows = [row for d in (2, 10, 64) for row in contest(d)]
    head = ["job", "d", "PairwiseBounds, ms", "NumPy cdist, ms", "NumPy product, ms", "ratio to the faster"]
    head.append("largest difference, nats")
    print_table(f"n = {N}, sigma = {SIGMA:g}, median (range) of {REPETITIONS} alternated runs", head, rows)
    print(f"\n{memory_line()}")


if __name__ == "__main__":
    main()
