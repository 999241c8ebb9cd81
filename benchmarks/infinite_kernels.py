"""Kernels of infinitely wide networks against neural-tangents and plain NumPy, and what all quantities cost after them.

Run ``python -m benchmarks.infinite_kernels --environment DIR``: neural-tangents lives in an environment of its own in
DIR, made there if it is missing (about 3 GB, for it asks for TensorFlow); ``--python PATH`` takes one that is there
already. First contests over the same points, contestants taking turns within this one run, warm and with all cores
allowed to each. Then what only we do, every job in a process of its own, with its peak memory. ``--only`` takes one of
the two halves. Standard output is Markdown.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from infoplane.infinite import At, Conv, Dense, Ensemble, Kernels

from ._table import alternate, print_machine, print_table, seconds, summary
from .peers.infinite import Peer, make_environment
from .plain_infinite import conv_kernels, dense_kernels

WIDTH, SIZES, ROUNDS = 784, (500, 1_000, 2_000), 11
SCALES = {"erf": (1.5, 0.1), "relu": (2**0.5, 0.05)}
IMAGES = (100, 28, 28, 1)
CONTESTANTS = ("infoplane", "compiled", "eager", "NumPy")
_ALONE = "infoplane alone, each job in a process of its own; Ensemble and information start from their kernels"
REPEATS = 3  # of a job in its own process, of the long ones one


def points(n: int, width: int = WIDTH, seed: int = 0) -> np.ndarray:
    """(n, width) numbers between 0 and 1, as pixels are."""
    return np.random.default_rng(seed).random((n, width))


def difference(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Largest relative difference off the diagonal, and on it."""
    relative = np.abs(ours - theirs) / np.abs(theirs)
    on = float(relative.diagonal().max())
    np.fill_diagonal(relative, 0.0)
    return float(relative.max()), on


def contest(x: np.ndarray, depth: int, activation: str, peer: Peer, folder: Path) -> list[object]:
    """One row of the tables: times of all four, our ratios, and how far the numbers are from neural-tangents'."""
    conv = x.ndim == 4
    scales = SCALES[activation]
    ours = (Conv if conv else Dense)(depth, activation, *scales)
    plain = functools.partial(conv_kernels if conv else dense_kernels, x, depth, activation, *scales)
    asked = {
        "depth": depth, "activation": activation, "weight_std": scales[0], "bias_std": scales[1], "conv": conv,
    }  # fmt: skip
    given, answer = folder / "points.npy", folder / "kernels.npy"
    given = given.with_stem(f"points-{'x'.join(map(str, x.shape))}")
    np.save(given, x)
    peer.seconds(asked, given, False)
    peer.seconds(asked, given, True, answer)  # compiles
    theirs, found, twin = np.load(answer), ours.kernels(x), plain()
    far = [difference(a, b) for a, b in zip(found, theirs, strict=True)]
    from_plain = max(max(difference(a, b)) for a, b in zip(found, twin, strict=True))
    contestants: dict[str, Callable[[], float]] = {
        "infoplane": lambda: seconds(lambda: ours.kernels(x)),
        "compiled": lambda: peer.seconds(asked, given, True),
        "eager": lambda: peer.seconds(asked, given, False),
        "NumPy": lambda: seconds(plain),
    }
    costs = alternate(contestants, ROUNDS)
    medians = {name: statistics.median(costs[name]) for name in CONTESTANTS}
    ratios = [f"{medians['infoplane'] / medians[name]:.2f}" for name in CONTESTANTS[1:]]
    off, on = max(pair[0] for pair in far), max(pair[1] for pair in far)
    cells = [summary(costs[name], 1e3, 0) for name in CONTESTANTS]
    return [activation, len(x), *cells, *ratios, f"{off:.0e}", f"{on:.0e}", f"{from_plain:.0e}"]


def contests(python: Path) -> None:
    """Both tables of contests."""
    peer = Peer(python)
    head = ["activation", "n", "infoplane, ms", "neural-tangents compiled, ms", "neural-tangents eager, ms"]
    head += ["NumPy, ms", "ours / compiled", "ours / eager", "ours / NumPy"]
    head += ["apart, off the diagonal", "apart, on it", "apart from NumPy"]
    print(f"Peer: {peer.about}.")
    try:
        with tempfile.TemporaryDirectory() as folder:
            title = f"Dense, 3 hidden layers, {WIDTH} dimensions, K and T; median (range) of {ROUNDS} alternated runs"
            rows = (contest(points(n), 3, name, peer, Path(folder)) for n in SIZES for name in SCALES)
            print_table(title, head, rows)
            title = f"Conv, two 3 x 3 SAME layers, Flatten, {IMAGES[1]} x {IMAGES[2]} x {IMAGES[3]} images, K and T"
            images = points(IMAGES[0], int(np.prod(IMAGES[1:]))).reshape(IMAGES)
            print_table(title, head, [contest(images, 2, "relu", peer, Path(folder))])
    finally:
        peer.stop()


def large_kernels() -> Callable[[], object]:
    """10,000 points."""
    x = points(10_000)
    return lambda: Dense(3).kernels(x)


def made(n: int, m: int, outputs: int) -> tuple[Ensemble, At, np.ndarray, np.ndarray, Kernels]:
    """An ensemble with all its kernels there, Q too, and n + m normal targets."""
    net, x = Dense(3), points(n + m)
    y = np.random.default_rng(1).standard_normal((n + m, outputs))
    train = net.covariances(x[:n], curvature=True)
    at = At(Kernels(*net.kernels(x[n:], x[:n])), net.kernels(x[n:])[0])
    return Ensemble.from_kernels(train, y[:n]), at, y[:n], y[n:], train


def construction(n: int, outputs: int) -> Callable[[], object]:
    """The eigendecomposition and what else comes before the first time."""
    _, _, y, _, train = made(n, 2, outputs)
    return lambda: Ensemble.from_kernels(train, y)


def all_quantities(n: int, m: int, times: int, outputs: int, joint: int) -> Callable[[], object]:
    """``information`` after the kernels, at the given number of times, with joint quantities at some of them."""
    ensemble, at, _, y, _ = made(n, m, outputs)
    grid = np.geomspace(1e-2, 1e10, times)
    chosen = grid[np.linspace(0, times - 1, joint).astype(int)] if joint else False
    return lambda: ensemble.information(at, y, grid, joint=chosen)


def large_ensemble(n: int, outputs: int) -> Callable[[], object]:
    """From inputs to an ensemble that is ready to answer: K, T and Q, and the eigendecomposition."""
    x, y = points(n), np.random.default_rng(1).standard_normal((n, outputs))
    return lambda: Ensemble(Dense(3), x, y)


def joint_law(n: int, m: int) -> Callable[[], object]:
    """The whole covariance of the outputs at one time, and its logarithmic determinant."""
    ensemble, at, _, _, _ = made(n, m, 1)

    def work() -> object:
        return np.linalg.slogdet(ensemble.predict(at, 1.0)[1])

    return work


LONG = ("Ensemble with its kernels, N = 10,000, O = 10",)
JOBS: dict[str, Callable[[], Callable[[], object]]] = {
    "Dense(3).kernels, 10,000 points of 784 dimensions": large_kernels,
    "Ensemble with its kernels, N = 10,000, O = 10": functools.partial(large_ensemble, 10_000, 10),
    "Ensemble, N = 2,000, O = 1": functools.partial(construction, 2_000, 1),
    "Ensemble, N = 2,000, O = 10": functools.partial(construction, 2_000, 10),
    "information, N = 2,000, M = 1,000, 100 times, O = 1": functools.partial(all_quantities, 2_000, 1_000, 100, 1, 0),
    "the same, joint at 10 of them": functools.partial(all_quantities, 2_000, 1_000, 100, 1, 10),
    "information, N = 2,000, M = 1,000, 100 times, O = 10": functools.partial(all_quantities, 2_000, 1_000, 100, 10, 0),
    "the same, O = 10, joint at 10 of them": functools.partial(all_quantities, 2_000, 1_000, 100, 10, 10),
    "information, N = M = 1,000, 50 times, O = 1": functools.partial(all_quantities, 1_000, 1_000, 50, 1, 0),
    "one covariance and its log-determinant, N = M = 1,000": functools.partial(joint_law, 1_000, 1_000),
}


def run_job(name: str) -> None:
    """Print the seconds of each call, the first included, and the memory before and at most, in MiB, as JSON."""
    work = JOBS[name]()
    before = mebibytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the largest so far is forgotten
    costs = [seconds(work) for _ in range(1 if name in LONG else REPEATS)]
    print(json.dumps({"seconds": costs, "before": before, "peak": mebibytes("VmHWM")}))


def mebibytes(kind: str) -> float:
    """Memory of this process on Linux: what it holds (VmRSS), or the most it held (VmHWM)."""
    return int(Path("/proc/self/status").read_text().split(f"{kind}:")[1].split()[0]) / 1024


def job_row(name: str) -> list[object]:
    """One job, in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.infinite_kernels", "--job", name]
    done = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return [
        name,
        f"{done['seconds'][0]:.2f}",
        summary(done["seconds"], 1, 2),
        f"{done['before']:.0f}",
        f"{done['peak']:.0f}",
    ]


def load() -> str:
    """Processes that wanted a core, over 1, 5 and 15 minutes."""
    return "Load {:.1f}, {:.1f}, {:.1f}.".format(*os.getloadavg())


def threads() -> str:
    """What the environment says of threads."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "XLA_FLAGS")
    found = ", ".join(f"{name}={os.environ[name]}" for name in names if name in os.environ)
    return f"Thread settings: {found or 'none, all cores to everybody'}."


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.infinite_kernels", description=__doc__)
    parser.add_argument(
        "--environment", type=Path, help="folder of the environment of neural-tangents, made if missing"
    )
    parser.add_argument("--python", type=Path, help="an interpreter that has neural-tangents")
    parser.add_argument("--only", choices=("contests", "jobs"), help="half of the tables")
    parser.add_argument("--match", default="", help="part of the names of the jobs to run")
    parser.add_argument("--job", choices=tuple(JOBS), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        run_job(asked.job)
        return
    python = asked.python
    if asked.only != "jobs" and python is None:
        if asked.environment is None:
            parser.error("name a folder for neural-tangents (--environment) or its Python (--python), or --only jobs")
        python = make_environment(asked.environment.resolve())
    print_machine("numpy", "scipy")
    print(f"{threads()} {load()}")
    if python is not None and asked.only != "jobs":
        contests(python)
        print(f"\n{load()}")
    if asked.only != "contests":
        head = ["job", "first call, s", f"{REPEATS} calls, s", "memory before, MiB", "peak, MiB"]
        print_table(_ALONE, head, map(job_row, (name for name in JOBS if asked.match in name)))
        print(f"\n{load()}")


if __name__ == "__main__":
    main()
