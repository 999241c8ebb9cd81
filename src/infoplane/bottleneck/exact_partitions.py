"""Hard clusterings of least cost, proved: for two labels, and for a handful of inputs.

The cost is a sum of one term for every cluster, concave in the encoder.
"""

from __future__ import annotations

import numpy as np

from .partitions import canonical, spread

FEW = 10  # inputs up to which all subsets are weighed
ALONG = 5000  # inputs up to which all intervals are


def best_partitions(weights: np.ndarray, betas: np.ndarray) -> list[np.ndarray] | None:
    """The (m,) labels of least H(T) + beta H(Y|T) at every beta; None where no exact method is affordable.

    Args:
        weights: (m, n_y) p(x, y) of inputs with different p(y|x).
        betas: (b,) multipliers.
    """
    m, labels = weights.shape
    if m <= FEW:
        return by_subsets(weights, betas)
    if labels == 2 and m <= ALONG:
        return by_intervals(weights, betas)
    return None


def by_subsets(weights: np.ndarray, betas: np.ndarray) -> list[np.ndarray]:
    """Dynamic programme over subsets: the cluster of a subset's last input, and the best clustering of the rest."""
    m = len(weights)
    count = 1 << m
    inside = (np.arange(count)[:, None] >> np.arange(m)) & 1
    masses = inside @ weights
    of_t = spread(masses.sum(axis=1))
    term = of_t + betas[:, None] * np.maximum(spread(masses).sum(axis=1) - of_t, 0)
    best = np.zeros((len(betas), count))
    chosen = np.zeros((len(betas), count), dtype=np.intp)
    every = np.arange(len(betas))
    for subset in range(1, count):
        top = 1 << (subset.bit_length() - 1)
        others = np.arange(top)
        clusters = (others[(others & ~subset) == 0] | top)[::-1]  # the whole subset first: it wins ties
        cost = term[:, clusters] + best[:, subset ^ clusters]
        which = cost.argmin(axis=1)
        chosen[:, subset] = clusters[which]
        best[:, subset] = cost[every, which]
    return [_subset_labels(row, m) for row in chosen]


def _subset_labels(chosen: np.ndarray, m: int) -> np.ndarray:
    labels, rest, cluster = np.zeros(m, dtype=np.intp), (1 << m) - 1, 0
    while rest:
        members = int(chosen[rest])
        labels[(members >> np.arange(m)) & 1 == 1] = cluster
        rest ^= members
        cluster += 1
    return canonical(labels)


def by_intervals(weights: np.ndarray, betas: np.ndarray) -> list[np.ndarray]:
    """Dynamic programme over intervals of p(y=1|x).

    The cost is concave in the encoder, and linearised at an optimum every input picks the least of functions that are
    linear in its p(y|x): with two labels, lines over one number, whose lower envelope consists of intervals.
    """
    m = len(weights)
    order = np.argsort(weights[:, 1] / weights.sum(axis=1), kind="stable")
    sums = np.vstack([np.zeros(2), np.cumsum(weights[order], axis=0)])
    best = np.zeros((len(betas), m + 1))
    begin = np.zeros((len(betas), m + 1), dtype=np.intp)
    every = np.arange(len(betas))
    for end in range(1, m + 1):
        masses = np.maximum(sums[end] - sums[:end], 0)
        of_t = spread(masses.sum(axis=1))
        noise = np.maximum(spread(masses).sum(axis=1) - of_t, 0)
        cost = best[:, :end] + of_t + betas[:, None] * noise
        begin[:, end] = cost.argmin(axis=1)
        best[:, end] = cost[every, begin[:, end]]
    return [_interval_labels(row, order) for row in begin]


def _interval_labels(begin: np.ndarray, order: np.ndarray) -> np.ndarray:
    labels, end, cluster = np.zeros(len(order), dtype=np.intp), len(order), 0
    while end:
        labels[order[begin[end] : end]] = cluster
        end = int(begin[end])
        cluster += 1
    return canonical(labels)
