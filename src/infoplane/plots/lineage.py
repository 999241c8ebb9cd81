"""From which cluster each cluster comes, as beta grows: arrays only."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.special import xlogy

from .beta import solved


class Lineage(NamedTuple):
    """The clusters of every beta, and the cluster of the next lower beta that each is linked to.

    Attributes:
        beta: (n,) ascending.
        weights: for each beta the (k,) p(t).
        laws: for each beta the (k, n_y) p(y|t).
        parents: for each beta the (k,) clusters of the beta below; empty for the first.
    """

    beta: np.ndarray
    weights: list[np.ndarray]
    laws: list[np.ndarray]
    parents: list[np.ndarray]


def lineage(curve: xr.Dataset) -> Lineage:
    """The clusters of a curve, linked from beta to beta; chords are left out."""
    shown = solved(curve)
    marginal = shown["marginal"].transpose("beta", "cluster").to_numpy()
    decoder = shown["decoder"].transpose("beta", "cluster", "y").to_numpy()
    weights, laws = [], []
    for row, laws_here in zip(marginal, decoder, strict=True):
        there = np.isfinite(row) & np.isfinite(laws_here).all(axis=1) & (row > 0)
        weights.append(row[there])
        laws.append(laws_here[there])
    parents = [np.zeros(0, dtype=int)]
    parents += [nearest_laws(high, low) for low, high in itertools.pairwise(laws)]
    return Lineage(shown["beta"].to_numpy().astype(np.float64), weights, laws, parents)


def nearest_laws(laws: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(k,) for each of the (k, n_y) laws the nearest of the (m, n_y) others, by KL(law || other); the first of equals.

    Where every distance is infinite, the other that misses the least of the law's probability is the nearest.
    """
    # The least positive number stands for 0, so that infinite distances still have an order.
    distance = xlogy(laws, laws).sum(axis=1)[:, None] - laws @ np.log(np.maximum(others, 5e-324)).T
    return distance.argmin(axis=1)


class Forest(NamedTuple):
    """Where the clusters of a lineage stand, so that no two branches cross.

    Attributes:
        places: for each beta the (k,) height of its clusters; ends of branches have whole numbers from 0.
        ends: (beta, cluster) of every branch's end, lowest first.
    """

    places: list[np.ndarray]
    ends: list[tuple[int, int]]


def placed(parents: Sequence[np.ndarray], keys: Sequence[np.ndarray]) -> Forest:
    """Heights of linked clusters: a cluster stands at the mean of those that come from it.

    Args:
        parents: as in :class:`Lineage`.
        keys: for each beta (k,) numbers by which clusters of one parent are ordered.
    """
    children: list[list[list[int]]] = [[[] for _ in level] for level in keys]
    for level in range(1, len(keys)):
        for cluster in np.argsort(keys[level], kind="stable"):
            children[level - 1][parents[level][cluster]].append(int(cluster))
    waiting = [(0, int(root)) for root in np.argsort(-keys[0], kind="stable")]
    ends = []
    while waiting:  # depth first, the lowest child first; a list, as there may be more betas than a stack has room for
        level, cluster = waiting.pop()
        below = children[level][cluster]
        if not below:
            ends.append((level, cluster))
        waiting += [(level + 1, child) for child in reversed(below)]
    places = [np.zeros(len(level)) for level in keys]
    for height, (level, cluster) in enumerate(ends):
        places[level][cluster] = height
    for level in range(len(keys) - 2, -1, -1):
        for cluster, below in enumerate(children[level]):
            if below:
                places[level][cluster] = places[level + 1][below].mean()
    return Forest(places, ends)
