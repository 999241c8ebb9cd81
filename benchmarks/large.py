"""A million samples of two thousand columns, from a file: seconds, and memory beyond that of the imports.

Run ``python -m benchmarks.large --work DIR`` (8 GB in DIR for the file, which is kept for the next run).
Each job is a process of its own. ``--rows`` and ``--columns`` make it smaller.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import infoplane as ip
from infoplane.compressors import PCA
from infoplane.estimators import Binned, Compressed, WeightedKL

from ._table import print_machine, print_table, seconds

_BLOCK, _HIDDEN = 10_000, 4


def written(folder: Path, rows: int, columns: int) -> tuple[Path, Path]:
    """The file of samples, float32: four directions that labels move, and noise; and that of the ten labels."""
    folder.mkdir(parents=True, exist_ok=True)
    samples, labels = folder / f"samples-{rows}-{columns}.npy", folder / f"labels-{rows}.npy"
    random = np.random.default_rng(0)
    y = random.integers(10, size=rows)
    np.save(labels, y)
    if not samples.exists():
        directions = random.standard_normal((_HIDDEN, columns), np.float32)
        part = samples.with_suffix(".part")
        file = np.lib.format.open_memmap(part, mode="w+", dtype=np.float32, shape=(rows, columns))
        for start in range(0, rows, _BLOCK):
            here = y[start : start + _BLOCK]
            hidden = random.standard_normal((len(here), _HIDDEN), np.float32)
            hidden[:, 0] += here / 3.0
            file[start : start + _BLOCK] = hidden @ directions
            file[start : start + _BLOCK] += 0.1 * random.standard_normal((len(here), columns), np.float32)
        file.flush()
        part.rename(samples)
    return samples, labels


def compressed(x: np.ndarray, y: np.ndarray) -> str:
    """Through four principal components, nearest neighbours on the codes."""
    return str(ip.mutual_information(x, y, Compressed(WeightedKL(), x=PCA(_HIDDEN))))


def plane(x: np.ndarray, y: np.ndarray) -> str:
    """Two layers, all columns and half of them, in two bins."""
    recording = ip.recordings.from_arrays({"all": x, "half": x[:, : x.shape[1] // 2]}, y)
    found = ip.information_plane(recording, Binned(2))
    return ", ".join(f"{v:.3f}" for v in np.ravel(found.mi_target))


JOBS: dict[str, Callable[[np.ndarray, np.ndarray], str]] = {
    "Compressed(WeightedKL(), x=PCA(4))": compressed,
    "information_plane, 2 layers, Binned(2)": plane,
}


def carry_out(job: str, samples: str, labels: str) -> None:
    """What the process of a job does."""
    x, y = np.load(samples, mmap_mode="r"), np.load(labels)
    JOBS[job](np.asarray(x[:2_000]), y[:2_000])  # compiles, and imports what it needs
    before, worked = peak_mebibytes(), time.process_time()
    found: list[str] = []
    took = seconds(lambda: found.append(JOBS[job](x, y)))
    print(json.dumps([found[0], took, time.process_time() - worked, peak_mebibytes() - before]))


def peak_mebibytes() -> float:
    """The most this process has held; ``getrusage`` would count what the process before it held."""
    told = Path("/proc/self/status").read_text()
    return int(told.split("VmHWM:")[1].split()[0]) / 2**10


def rows(folder: Path, count: int, columns: int) -> Iterator[list[object]]:
    """One row a job."""
    samples, labels = written(folder, count, columns)
    for job in JOBS:
        command = [
            sys.executable,
            "-m",
            "benchmarks.large",
            "--work",
            str(folder),
            "--job",
            job,
            str(samples),
            str(labels),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found, took, processor, memory = json.loads(done.stdout.splitlines()[-1])
        yield [job, f"{count:,} x {columns:,}", f"{took:.0f}", f"{processor:.0f}", f"{memory:,.0f}", found]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=2_000)
    parser.add_argument("--job", nargs=3, metavar=("JOB", "SAMPLES", "LABELS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        carry_out(*given.job)
        return
    print_machine("numpy", "scipy", "numba")
    head = ["job", "samples", "s", "processor s", "MiB beyond the imports", "found"]
    print_table("From a file, without holding it", head, rows(given.work, given.rows, given.columns))


if __name__ == "__main__":
    main()
