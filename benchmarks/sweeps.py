"""Sweeps: what a job costs beyond its work, and two workers against one, each pinned to one thread.

Run ``python -m benchmarks.sweeps``. Other work on the machine shows in wall times first, so the processor time of all
workers is printed beside them: if it is alike for one and two workers, only waiting for a core has cost the rest. What
two cores give at all, at that moment, is the ratio of plain loops in processes without a sweep.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from infoplane.sweeps import Processes, sweep

from ._table import alternate, print_machine, print_table, summary

EMPTY_JOBS = 100
BUSY_JOBS = 24
REPETITIONS = 3
_STUDY = """
    import numpy as np

    def nothing(i):
        return float(i)

    def busy(i):
        # Products of small matrices, which one thread does, about half a second of them.
        random = np.random.default_rng(i)
        a = random.normal(size=(200, 200)) / 15
        b = a
        for _ in range(900):
            b = a @ b
            b /= np.abs(b).max()
        return float(b.sum())
"""


def run(function: str, jobs: int, workers: int) -> tuple[float, float]:
    """Wall and processor seconds of a sweep, workers already started."""
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study.py"
        study.write_text(textwrap.dedent(_STUDY))
        grid = {"run": f"{study}:{function}", "grid": {"i": list(range(jobs))}}
        with Processes(workers, threads=1) as pool:
            warm = {"run": f"{study}:busy", "grid": {"i": list(range(4 * workers))}}
            sweep(warm, Path(folder) / "warm", executor=pool)
            used = -_processor(pool)
            start = time.perf_counter()
            sweep(grid, Path(folder) / "out", executor=pool)
            wall = time.perf_counter() - start
            return wall, used + _processor(pool)


def _processor(pool: Processes) -> float:
    """Processor seconds of the workers so far."""
    return sum(pool.submit(_used).result() for _ in range(pool.workers))


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    time.sleep(0.2)  # so that every worker is asked once
    return usage.ru_utime + usage.ru_stime


def plain(processes: int) -> float:
    """Wall seconds of the same work without a sweep: a loop in each of some processes, which share the jobs."""
    share = BUSY_JOBS // processes
    code = f"{textwrap.dedent(_STUDY)}\nfor i in range({share}): busy(i)"
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    start = time.perf_counter()
    running = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(processes)]
    for process in running:
        process.wait()
    return time.perf_counter() - start


def main() -> None:
    """Run and print both tables."""
    print_machine("numpy", "xarray", "h5netcdf")
    print(f"Load before the run: {os.getloadavg()[0]:.1f}.")
    empty = [run("nothing", EMPTY_JOBS, 1) for _ in range(REPETITIONS)]
    costs = [[1000 * seconds / EMPTY_JOBS for seconds in kind] for kind in zip(*empty, strict=True)]
    rows = [[EMPTY_JOBS, summary(costs[0]), summary(costs[1])]]
    print_table("A job that does nothing", ["jobs", "wall, ms a job", "processor, ms a job"], rows)
    used: dict[int, list[float]] = {1: [], 2: []}

    def swept(workers: int) -> float:
        wall, processor = run("busy", BUSY_JOBS, workers)
        used[workers].append(processor)
        return wall

    contestants = {"sweep, 1": lambda: swept(1), "sweep, 2": lambda: swept(2)}
    contestants |= {"loop, 1": lambda: plain(1), "loop, 2": lambda: plain(2)}
    walls = alternate(contestants, REPETITIONS)
    rows = []
    for kind in ("sweep", "loop"):
        one, two = walls[f"{kind}, 1"], walls[f"{kind}, 2"]
        ratios = [a / b for a, b in zip(one, two, strict=True)]
        processor = [summary(used[count]) if kind == "sweep" else "" for count in (1, 2)]
        rows.append([kind, summary(one), summary(two), *processor, summary(ratios, digits=2)])
    head = ["", "1 process, wall s", "2 processes, wall s", "processor s of 1", "of 2", "ratio of walls"]
    print_table(f"{BUSY_JOBS} jobs that compute, one thread a process", head, rows)


if __name__ == "__main__":
    main()
