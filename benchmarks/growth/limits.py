"""What the machine can do at most: its rate of matrix products, and how fast it moves memory."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import numpy as np

from .._table import seconds

_SIDE, _LENGTH, _ROUNDS = 3_000, 64_000_000, 7


@dataclass(frozen=True)
class Limits:
    """Measured here and now, best of some rounds: a limit is what was reached once.

    Attributes:
        single, double: floating-point operations a second in products of large matrices, of 4 and of 8 bytes a number.
        bandwidth: bytes a second read and written by copying what no cache holds.
        spread: median over fastest round of the double product; far from 1 on a machine that does something else.
    """

    single: float
    double: float
    bandwidth: float
    spread: float


def measured() -> Limits:
    """The limits, with as many threads as the linear algebra of this process uses."""
    single, double = (_product(kind) for kind in (np.float32, np.float64))
    source = np.ones(_LENGTH)
    target = np.empty_like(source)
    copies = [seconds(lambda: np.copyto(target, source)) for _ in range(_ROUNDS)]
    operations = 2.0 * _SIDE**3
    return Limits(
        operations / min(single),
        operations / min(double),
        2.0 * source.nbytes / min(copies),
        statistics.median(double) / min(double),
    )


def _product(kind: type) -> list[float]:
    """Seconds of some products, after one that warms up."""
    one = np.random.default_rng(0).random((_SIDE, _SIDE)).astype(kind)
    out = np.empty_like(one)
    np.matmul(one, one, out=out)
    return [seconds(lambda: np.matmul(one, one, out=out)) for _ in range(_ROUNDS)]
