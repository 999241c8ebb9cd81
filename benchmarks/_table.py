"""What every benchmark shares: contestants that take turns, medians, and a table to paste into the documentation."""

from __future__ import annotations

import itertools
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternate(contestants: Mapping[str, Callable[[], float]], repetitions: int = 5) -> dict[str, list[float]]:
    """Let contestants take turns, so that whatever else the machine does falls on all of them alike.

    Args:
        contestants: by name, what runs once and returns its own cost (it may leave out what should not count).
        repetitions: rounds; the order is reversed in every other round.

    Returns:
        The costs by name, one a round.
    """
    costs: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(repetitions):
        for name in list(contestants)[:: 1 if turn % 2 == 0 else -1]:
            costs[name].append(contestants[name]())
    return costs


def summary(costs: Sequence[float], scale: float = 1.0, digits: int = 1) -> str:
    """Median and range of some costs, as text."""
    median, low, high = (scale * f(costs) for f in (statistics.median, min, max))
    return f"{median:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def print_table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A Markdown table on standard output, row by row as they come."""
    print(f"\n{title}\n")
    for row in itertools.chain([head, ["---"] * len(head)], rows):
        print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)


def print_machine(*packages: str) -> None:
    """What a figure was measured on, in one line."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {versions}.")
