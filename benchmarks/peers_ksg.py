"""KSG against npeet-plus, the quickest of its peers that install: seconds and values, alternated in one run.

Run ``python -m benchmarks.peers_ksg``. The peer lives in an environment of its own, made in a temporary folder with the
pins below; ``--python PATH`` takes one that is there already. Both are warm: compiled, imported, and run once.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import infoplane as ip
from infoplane.estimators import KSG

from ._table import alternate, print_machine, print_table, seconds, summary

PINS = ("npeet-plus==0.2.0", "numpy==2.4.6", "scipy==1.17.1", "scikit-learn==1.9.1")
CASES = ((10_000, 1), (10_000, 2), (10_000, 5), (10_000, 10), (50_000, 2))
GOALS = {(10_000, 1): 2.5, (10_000, 5): 4.0, (10_000, 10): 15.0, (50_000, 2): 1.0}
RHO, K, REPETITIONS = 0.5, 3, 5

PEER = """
import sys, time
import numpy as np
from npeet_plus import mi
for line in sys.stdin:
    x, y = np.load(line.strip())
    start = time.perf_counter()
    value = mi(x, y, k=3)
    print(time.perf_counter() - start, float(value) * np.log(2.0), flush=True)  # it counts in bits
"""


@contextlib.contextmanager
def interpreter(given: str | None) -> Iterator[str]:
    """A Python that has the peer."""
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "Scripts" if sys.platform == "win32" else "bin", "python"))
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PINS], check=True)
        yield python


def sample(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """A correlated normal pair of d + d dimensions."""
    x, e = np.random.default_rng(d).standard_normal((2, n, d))
    return x, RHO * x + (1 - RHO**2) ** 0.5 * e


def row(n: int, d: int, peer: subprocess.Popen[str], folder: Path) -> list[object]:
    """One case: seconds of both, the ratio of medians, the goal, both values."""
    x, y = sample(n, d)
    path = folder / f"{n}-{d}.npy"
    np.save(path, np.stack([x, y]))
    values: dict[str, float] = {}

    def theirs() -> float:
        assert peer.stdin is not None
        assert peer.stdout is not None
        peer.stdin.write(f"{path}\n")
        peer.stdin.flush()
        took, values["theirs"] = map(float, peer.stdout.readline().split())
        return took

    def ours() -> float:
        return seconds(lambda: values.update(ours=ip.mutual_information(x, y, KSG(k=K)).value))

    ours(), theirs()
    costs = alternate({"ours": ours, "theirs": theirs}, REPETITIONS)
    ratio = statistics.median(costs["theirs"]) / statistics.median(costs["ours"])
    cells = [summary(costs[name], digits=3) for name in ("ours", "theirs")]
    goal = GOALS.get((n, d), "")
    return [n, f"{d}+{d}", *cells, f"{ratio:.1f}", goal, f"{values['ours']:.4f}", f"{values['theirs']:.4f}"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", help="an interpreter that has npeet-plus; without it one is made")
    with interpreter(parser.parse_args().python) as python, tempfile.TemporaryDirectory() as folder:
        peer = subprocess.Popen([python, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            table = [row(n, d, peer, Path(folder)) for n, d in CASES]
        finally:
            peer.terminate()
    print_machine("numba", "numpy", "scipy")
    head = ["n", "dimensions", "KSG, s", "npeet-plus, s", "ratio", "goal", "KSG, nats", "npeet-plus, nats"]
    print_table(
        f"k = {K}, rho = {RHO}, median (range) of {REPETITIONS} alternated runs; {', '.join(PINS)}", head, table
    )


if __name__ == "__main__":
    main()
