"""Sequential bottleneck: a fixed number of hard clusters, inputs drawn out one by one and put where they cost least."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from .base import Effort, Method
from .clusters import TIE, Bound, Prices, certainty, checked_count, cluster_weights, hard_solution
from .joint import Joint, Sufficient
from .partitions import spread
from .solution import Solution

_FEW = 0.02  # share of the inputs whose moves no longer keep a run going


@dataclass(frozen=True)
class Sequential(Method):
    """``n_clusters`` hard clusters, with the cost of the plain bottleneck, I(X;T) - beta I(T;Y).

    From a random clustering every input in turn, in random order, leaves its cluster and joins the one where it costs
    least; no cluster is emptied. No move raises the cost. Of all runs the best is kept and goes on until nothing
    moves. The result is a local optimum: its gap is against all encoders, soft ones and other numbers of clusters too.

    Source: Slonim, Friedman & Tishby 2002.

    Args:
        n_clusters: at most the number of distinct rows p(y|x).
        restarts: random clusterings to begin from, besides the solution at the beta above and a given start.
        sweeps: most passes over the inputs of each run; it ends before where fewer than 2 % of them move.
    """

    n_clusters: int
    restarts: int = 10
    sweeps: int = 15

    def __post_init__(self) -> None:
        for name in ("restarts", "sweeps"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise InputError(f"Sequential needs {name} to be a whole number of at least 1, got {value!r}.")

    def descend(self, joint: Joint, betas: Sequence[float], effort: Effort) -> Iterator[Solution]:
        k = checked_count(self.n_clusters, joint, "Sequential")
        given = effort.first_encoder(joint)
        warm = [] if given is None else [_labels_of(given, k)]
        bound = Bound(joint, effort.seed) if effort.certify else None
        for beta in betas:
            found = sequential_clusters(joint.sufficient, k, beta, self.restarts, self.sweeps, effort.seed, warm)
            warm = [found.labels]
            yield hard_solution(self, joint, beta, found.labels, bound, found.sweeps)


class Clustered(NamedTuple):
    """What a search ended with.

    Attributes:
        labels: (m,) clusters 0..k-1 of the merged inputs.
        sweeps: passes over the inputs, of all runs together.
    """

    labels: np.ndarray
    sweeps: int


def sequential_clusters(
    merged: Sufficient,
    k: int,
    beta: float,
    restarts: int,
    sweeps: int,
    seed: int,
    warm: Sequence[np.ndarray] = (),
) -> Clustered:
    """The best of several runs, then moved until it is a local optimum or ``sweeps`` more are made.

    Args:
        merged: the problem, of m distinct inputs.
        k: number of clusters, at most m.
        beta: multiplier of I(T;Y); infinite: the rate does not count.
        restarts: runs from random clusterings.
        sweeps: most passes of each run.
        seed: of clusterings and orders.
        warm: (m,) labels with all of 0..k-1 to begin further runs from.
    """
    generator = np.random.default_rng(seed)
    prices = Prices.at(beta)
    starts = np.array([*warm, *(_random_labels(len(merged.p_x), k, generator) for _ in range(restarts))])
    labels, made = _run(merged, starts, k, prices, sweeps, _FEW, generator)
    best = labels[int(_costs(merged, labels, k, prices).argmin())]
    last, more = _run(merged, best[None], k, prices, sweeps, 0.0, generator)
    return Clustered(last[0], made + more)


def _labels_of(encoder: np.ndarray, k: int) -> np.ndarray:
    """(m,) the likeliest cluster of every merged input.

    Raises:
        InputError: another number of clusters.
    """
    chosen, labels = np.unique(encoder.argmax(axis=1), return_inverse=True)
    if len(chosen) != k:
        raise InputError(
            f"Sequential(n_clusters={k}) needs a start with as many clusters, got one whose likeliest clusters are "
            f"{len(chosen)}; leave start out for random ones."
        )
    return labels


def _random_labels(m: int, k: int, generator: np.random.Generator) -> np.ndarray:
    """(m,) labels, as even as can be."""
    return generator.permutation(np.arange(m) % k)


def _costs(merged: Sufficient, labels: np.ndarray, k: int, prices: Prices) -> np.ndarray:
    """(r,) cost of every clustering, up to what all share."""
    found = []
    for own in labels:
        weights, mass = cluster_weights(merged, own, k)
        found.append(-prices.target * certainty(weights, mass).sum() + prices.rate * spread(mass).sum())
    return np.array(found)


def _run(
    merged: Sufficient,
    starts: np.ndarray,
    k: int,
    prices: Prices,
    sweeps: int,
    few: float,
    generator: np.random.Generator,
) -> tuple[np.ndarray, int]:
    """(r, m) labels after sweeps of all runs side by side, and how many were made in all."""
    labels = starts.copy()
    going, made = np.arange(len(labels)), 0
    for _ in range(sweeps):
        orders = generator.permuted(np.tile(np.arange(labels.shape[1]), (len(going), 1)), axis=1)
        labels[going], moves = _sweep(merged, labels[going], k, prices, orders)
        made += len(going)
        going = going[(moves > 0) & (moves >= few * labels.shape[1])]
        if len(going) == 0:
            break
    return labels, made


def _sweep(
    merged: Sufficient, labels: np.ndarray, k: int, prices: Prices, orders: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(r, m) labels after every input was drawn once, each run in its own order, and (r,) how many moved.

    All runs are at the same place of their orders, so that one step of all costs little more than of one.
    """
    runs, labels = np.arange(len(labels)), labels.copy()
    weights, mass = (
        np.stack(values) for values in zip(*(cluster_weights(merged, own, k) for own in labels), strict=True)
    )
    sizes = np.stack([np.bincount(own, minlength=k) for own in labels])
    held = certainty(weights, mass)
    inputs = merged.p_x[:, None] * merged.rows
    moves = np.zeros(len(labels), dtype=int)
    for drawn in orders.T:
        own, single, p_x = labels[runs, drawn], inputs[drawn], merged.p_x[drawn]
        weights[runs, own] = np.maximum(weights[runs, own] - single, 0)
        mass[runs, own] = np.maximum(mass[runs, own] - p_x, 0)
        held[runs, own] = certainty(weights[runs, own], mass[runs, own])
        joined, total = weights + single[:, None], mass + p_x[:, None]
        sure = certainty(joined, total)
        price = prices.target * (held - sure) + prices.rate * (spread(total) - spread(mass))
        to = price.argmin(axis=1)
        stays = (price[runs, own] <= price[runs, to] + TIE) | (sizes[runs, own] == 1)
        to = np.where(stays, own, to)
        weights[runs, to], mass[runs, to], held[runs, to] = joined[runs, to], total[runs, to], sure[runs, to]
        sizes[runs, own] -= 1
        sizes[runs, to] += 1
        labels[runs, drawn] = to
        moves += ~stays
    return labels, moves
