"""Times along samples, dimensions and networks, as tables and one picture with logarithmic axes.

Run ``python -m benchmarks.growth --picture docs/images/growth.png`` (about 6 minutes on two idle cores). Every time is
the least of three calls (of one, where it takes long) after one that compiles: growth, and the distance from a limit,
are of what the machine can do when nothing else runs. The exponent is the slope of the last half of a curve. Standard
output is Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .._table import print_machine, print_table, seconds
from .cases import PANELS, Line
from .limits import Limits, measured
from .picture import drawn

_ROUNDS, _LONG = 3, 20.0  # calls; seconds after which one is enough

Times = dict[str, dict[str, np.ndarray]]


def timed(line: Line) -> np.ndarray:
    """(sizes,) seconds."""
    found = []
    for size in line.sizes:
        work = line.work(size)
        first = seconds(work)
        found.append(min(seconds(work) for _ in range(1 if first > _LONG else _ROUNDS)))
    return np.array(found)


def exponent(sizes: tuple[int, ...], times: np.ndarray) -> float:
    """Slope of the last half in logarithms."""
    half = len(sizes) // 2
    return float(np.polyfit(np.log(sizes[half:]), np.log(times[half:]), 1)[0])


def share(line: Line, took: float, limits: Limits) -> str:
    """What the machine needs at least for the largest size, over what was taken."""
    size = line.sizes[-1]
    if line.operations is not None:
        return f"{line.operations(size) / getattr(limits, line.kind) / took:.0%} of the matrix rate"
    if line.bytes is not None:
        return f"{line.bytes(size) / limits.bandwidth / took:.0%} of the bandwidth"
    return ""


def rows(panel: str, times: dict[str, np.ndarray], limits: Limits) -> Iterator[list[object]]:
    """One row a curve."""
    for line in PANELS[panel]:
        took = timed(line)
        times[line.label] = took
        ends = (f"{took[0] * 1e3:.3g} at {line.sizes[0]:,}", f"{took[-1] * 1e3:,.4g} at {line.sizes[-1]:,}")
        yield [line.label, *ends, f"{exponent(line.sizes, took):.2f}", share(line, took[-1], limits)]


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--picture", type=Path, required=True)
    picture = parser.parse_args().picture
    print_machine("numpy", "scipy", "numba", "jax")
    limits = measured()
    print(
        f"Matrix products {limits.single / 1e9:.0f} (float32) and {limits.double / 1e9:.0f} (float64) Gflop/s, "
        f"the median round {limits.spread:.2f} times as long as the best; "
        f"copies {limits.bandwidth / 1e9:.1f} GB/s."
    )
    times: Times = {}
    for panel in PANELS:
        head = [panel, "ms, least", "ms, most", "exponent", "at the largest"]
        print_table(f"Growth with {panel}", head, rows(panel, times.setdefault(panel, {}), limits))
    drawn(times).savefig(picture, dpi=150)


if __name__ == "__main__":
    main()
