"""Slow, readable twins of the estimators: the definitions, written out. Everything in nats."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np


def entropy_by_counting(x: Sequence) -> float:
    n = len(x)
    return -math.fsum(c / n * math.log(c / n) for c in Counter(x).values())


def information_by_counting(x: Sequence, y: Sequence) -> float:
    n = len(x)
    in_x, in_y = Counter(x), Counter(y)
    pairs = Counter(zip(x, y, strict=True))
    return math.fsum(c / n * math.log(c * n / (in_x[a] * in_y[b])) for (a, b), c in pairs.items())


def miller_madow(x: Sequence, y: Sequence) -> float:
    """Every entropy raised by (K - 1) / 2n."""
    counts = len(set(x)), len(set(y)), len(set(zip(x, y, strict=True)))
    kx, ky, kxy = ((k - 1) / (2 * len(x)) for k in counts)
    return information_by_counting(x, y) + kx + ky - kxy


def information_of_table(table: np.ndarray) -> float:
    """I of a joint table p(t, y), cell by cell."""
    p_t, p_y = table.sum(axis=1), table.sum(axis=0)
    return math.fsum(
        p * math.log(p / (p_t[i] * p_y[j])) for i, row in enumerate(table.tolist()) for j, p in enumerate(row) if p > 0
    )


def rows(values: np.ndarray) -> list[tuple]:
    """The rows of (n, d) as hashable tuples."""
    return [tuple(row) for row in np.asarray(values).tolist()]


def bin_of(value: float, walls: Sequence[float]) -> int:
    """Which bin a value is in: the number of interior walls at or below it, so the top bin is closed."""
    return sum(wall <= value for wall in walls)


def pairwise(t: np.ndarray, sigma: float, k: int) -> float:
    """I_k = -mean_i ln mean_j exp(-|t_i - t_j|^2 / k sigma^2): k = 8 the lower bound, k = 2 the upper one."""
    t = np.asarray(t, np.float64)
    means = []
    for first in range(0, len(t), 256):
        square = sum((t[first : first + 256, None, d] - t[None, :, d]) ** 2 for d in range(t.shape[1]))
        means.append(np.log(np.exp(-square / (k * sigma**2)).mean(axis=1)))  # never ln 0: a point is near itself
    return float(-np.concatenate(means).mean())


def influences(t: np.ndarray, sigma: float) -> np.ndarray:
    """(n,) influence of each sample on I_2, up to a constant: through its own sum, and through those of all others.

    The derivative of -sum_i w_i ln sum_j w_j K_ij in the weight of one sample, at equal weights.
    """
    t = np.asarray(t, np.float64)
    square = sum((t[:, None, d] - t[None, :, d]) ** 2 for d in range(t.shape[1]))
    kernel = np.exp(-square / (2 * sigma**2))
    total = kernel.sum(axis=1)
    return -np.log(total) - (kernel / total[:, None]).sum(axis=0)


def pairwise_stderr(t: np.ndarray, labels: np.ndarray | None, sigma: float) -> float:
    """Standard error of the value: the spread of the influences over sqrt(n)."""
    influence = influences(t, sigma)
    if labels is not None:
        for y in np.unique(labels):
            members = labels == y
            influence[members] -= math.log(members.sum()) + influences(t[members], sigma)
    return float(influence.std() / math.sqrt(len(t)))


def pairwise_bounds(t: np.ndarray, labels: np.ndarray | None, sigma: float) -> tuple[float, float, float]:
    """(lower, value, upper) of I(X; T + noise) without labels, of I(T + noise; Y) with them."""
    low, high = pairwise(t, sigma, 8), pairwise(t, sigma, 2)
    if labels is None:
        return low, high, high
    share = {y: float((labels == y).mean()) for y in np.unique(labels)}
    own_low = math.fsum(p * pairwise(t[labels == y], sigma, 8) for y, p in share.items())
    own_high = math.fsum(p * pairwise(t[labels == y], sigma, 2) for y, p in share.items())
    return low - own_high, high - own_high, high - own_low
