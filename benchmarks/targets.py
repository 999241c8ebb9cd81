"""What the estimators are meant to reach on laws with known information: error, spread and seconds beside the target.

Run ``python -m benchmarks.targets`` (an hour on two cores), or groups of them: ``... benchmarks.targets ten images``.
The targets are the project's own, set before anything was measured; a row that misses one says so. Cold means a process
of its own, whose seconds include starting Python, importing and compiling. Drawing the samples is never counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

import infoplane as ip
from infoplane import laws
from infoplane.estimators import KSG, Estimator, Gaussian, WeightedKL

from ._table import print_machine, print_table

_HEAD = [
    "law",
    "truth",
    "seeds",
    "mean error",
    "spread",
    "rms error",
    "mean abs",
    "largest",
    "stderr",
    "s, median",
    "s, most",
]
_COLD = """
import time
start = time.perf_counter()
import json, sys
import numpy as np
import infoplane as ip
x, y = np.load(sys.argv[1])
found = ip.mutual_information(x, y)
took = time.perf_counter() - start
print(json.dumps([found.value, found.stderr, took, len(found.warnings), found.method]))
"""


@dataclass(frozen=True)
class Found:
    """What one sample gave."""

    value: float
    stderr: float
    seconds: float
    warnings: int = 0
    method: str = ""


def warm(law: laws.Law, n: int, seeds: Sequence[int], estimator: Estimator | None = None) -> list[Found]:
    """Estimates in this process, after one that compiles."""
    ip.mutual_information(*law.sample(n, 10**6), estimator)
    found = []
    for seed in seeds:
        x, y = law.sample(n, seed)
        start = time.perf_counter()
        one = ip.mutual_information(x, y, estimator, seed=seed)
        found.append(Found(one.value, one.stderr, time.perf_counter() - start, len(one.warnings), one.method))
    return found


def cold(law: laws.Law, n: int, seeds: Sequence[int]) -> list[Found]:
    """Estimates of the automatic choice, each in a process of its own."""
    import tempfile
    from pathlib import Path

    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "xy.npy")
        for seed in seeds:
            np.save(path, np.stack(law.sample(n, seed)))
            run = subprocess.run([sys.executable, "-c", _COLD, path], capture_output=True, text=True, check=True)
            found.append(Found(*json.loads(run.stdout)))
    return found


def row(name: str, truth: float, found: Sequence[Found]) -> list[object]:
    errors = np.array([one.value for one in found]) - truth
    seconds = [one.seconds for one in found]
    spread = f"{errors.std(ddof=1):.3f}" if len(errors) > 1 else ""
    sizes = np.abs(errors)
    numbers = [f"{errors.mean():+.3f}", spread]
    numbers += [f"{size:.3f}" for size in (np.sqrt((errors**2).mean()), sizes.mean(), sizes.max())]
    error = f"{np.mean([one.stderr for one in found]):.3f}"
    return [name, f"{truth:.3f}", len(found), *numbers, error, f"{np.median(seconds):.2f}", f"{max(seconds):.2f}"]


def weighted() -> Iterator[list[object]]:
    """WeightedKL(), n = 5,000: mean of 10 seeds within 0.10 at 2+2, 0.15 and 0.20 at 4+4; spread at 6 nats."""
    for d, make in ((2, laws.correlated_normal), (2, laws.correlated_uniform)):
        yield from _weighted(d, make)
    for d, make in ((4, laws.correlated_normal), (4, laws.correlated_uniform)):
        yield from _weighted(d, make)


def _weighted(d: int, make: Callable[..., laws.Law]) -> Iterator[list[object]]:
    for mi in (2.0, 6.0, 10.0):
        law = make(mi, dim_x=d, dim_y=d)
        seeds = range(30 if mi == 6.0 else 10)
        yield row(f"{make.__name__} {d}+{d}", mi, warm(law, 5_000, seeds, WeightedKL()))


def ten() -> Iterator[list[object]]:
    """10+10, n = 10,000: rms error of 20 seeds at most 0.025, none beyond 0.06, under 1 s warm."""
    for name in ("correlated_normal", "cubed_normal", "asinh_normal"):
        law = laws.by_name(name, mi=1.438, dim_x=10, dim_y=10)
        yield row(name, 1.438, warm(law, 10_000, range(20)))
    student = laws.correlated_student(1.767, 10, 10, dof=5)
    yield row("correlated_student, 5 degrees", 1.767, warm(student, 10_000, range(20)))
    mixed = laws.mixed_normal(1.438, 10, 10)
    found = warm(mixed, 10_000, range(5))
    yield row(f"mixed_normal ({sum(one.warnings > 0 for one in found)} of 5 warned)", 1.438, found)


def errors() -> Iterator[list[object]]:
    """The automatic choice's standard error at 10+10, n = 10,000, is within 25 % of the spread of 100 seeds."""
    law = laws.correlated_normal(1.438, dim_x=10, dim_y=10)
    yield row("correlated_normal", 1.438, warm(law, 10_000, range(100)))
    yield row(
        "correlated_student, 5 degrees", 1.767, warm(laws.correlated_student(1.767, 10, 10, dof=5), 10_000, range(100))
    )


def hundred() -> Iterator[list[object]]:
    """100+100 with 5 intrinsic, n = 4,000: linear within 0.10 in 0.5 s warm; tanh mean 0.10, most 0.2, 10 s cold."""
    for key in (0, 1):
        law = laws.embedded_normal(2.554, 5, 100, 1e-3, key=key)
        yield row(f"linear, matrices {key}", law.mutual_information, warm(law, 4_000, range(5)))
    for gain in (0.7, 1.0, 1.5):
        found: list[Found] = []
        for key in range(4):
            found += cold(laws.tanh_embedding(2.554, 5, 100, gain=gain, key=key), 4_000, (key,))
        yield row(f"tanh, gain {gain}, 4 networks, cold", 2.554, found)


def images() -> Iterator[list[object]]:
    """Images, n = 5,000: mean absolute error 0.10 (Gaussian), 0.20 (rectangles), 0.15 at most at 0; 10 s cold."""
    for make in (laws.gaussian_images, laws.rectangle_images):
        for size in (16, 32):
            for mi in (0.0, 2.0, 6.0, 10.0):
                yield row(f"{make.__name__} {size}", mi, cold(make(mi, size), 5_000, range(5)))


def million() -> Iterator[list[object]]:
    """KSG at 1+1, n = 1,000,000, in bounded memory."""
    yield row("correlated_normal 1+1", 1.0, warm(laws.correlated_normal(1.0), 1_000_000, range(2), KSG()))


def baseline() -> Iterator[list[object]]:
    """The copula alone at 10+10: what the automatic choice's time is made of."""
    law = laws.correlated_normal(1.438, dim_x=10, dim_y=10)
    for copula in (None, "gaussian", "student"):
        yield row(f"Gaussian({copula!r})", 1.438, warm(law, 10_000, range(10), Gaussian(copula)))


GROUPS = {f.__name__: f for f in (weighted, ten, errors, hundred, images, million, baseline)}


def main() -> None:
    """Measure and print."""
    print_machine("numpy", "scipy", "jax", "numba")
    for name in sys.argv[1:] or GROUPS:
        print_table(f"{name}: {GROUPS[name].__doc__}", _HEAD, GROUPS[name]())


if __name__ == "__main__":
    main()
