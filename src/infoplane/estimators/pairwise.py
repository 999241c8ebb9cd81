"""Pairwise bounds on the information that a layer plus Gaussian noise carries."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..channels import AdditiveGaussian
from ..compressors.pca import moments
from ..errors import InputError
from ..estimate import Direction, Estimate
from ..rows import large, table
from ..samples import Variable
from .base import Estimator, LayerBlock, LayerInformation
from .pairwise_snapshot import Bounds, Spread, of_snapshot
from .plugin import label_codes


@dataclass(frozen=True)
class PairwiseBounds(Estimator):
    """Lower and upper bound on I(X; T + N(0, sigma^2 I)) for X uniform on the n samples, and on I(T + noise; Y).

    With ``D_ij = ||t_i - t_j||^2`` and ``I_k = -mean_i ln mean_j exp(-D_ij / k sigma^2)``, the truth lies between I_8
    (Bhattacharyya) and I_2 (Kullback-Leibler), both within [0, ln n] (Kolchinsky & Tracey, arXiv:1706.02419). For
    labels, ``I_a - sum_y p(y) I_b,y`` is a bound only with a != b; the same kind twice is the number usually drawn, and
    is what ``value`` holds, its interval beside it. In a plane of a task whose labels are random with a known law, the
    samples of a class have weights p(y|x_i) instead of 1 or 0; those below 1e-9 count as 0.

    Tight where clusters are well separated or coincide, up to several bits wide between. The noise belongs to the
    analysis: its sigma acts as a resolution, so sweep it. Cost O(n^2 d), on all cores; memory O(n d).

    Attributes:
        sigma: standard deviation of the noise.
        relative: sigma in units of the layer's standard deviation.
    """

    direction: ClassVar[Direction] = "interval"
    sigma: float = 0.03162277660168379
    relative: bool = False

    def __post_init__(self) -> None:
        AdditiveGaussian(self.sigma, self.relative)

    @property
    def channel(self) -> AdditiveGaussian:
        return AdditiveGaussian(self.sigma, self.relative)

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> Estimate:
        floats = [v for v in (x, y) if v.kind == "continuous"]
        if len(floats) != 1:
            have = "two continuous variables" if floats else "none"
            raise InputError(
                f"PairwiseBounds needs one continuous variable (T before its noise) and one discrete, got {have}; "
                "pass classes, or np.arange(n) for I(X;T)."
            )
        t = floats[0]
        labels = (y if t is x else x).codes
        found = _bounds(t.values[None], _certain(labels[None, None, :]), self.channel, with_error=True)
        classes = int(labels.max()) + 1
        lower, upper = float(found.target_lower[0]), float(found.target_upper[0])
        notes = ["X is uniform on these samples; the noise is the analysis's own and acts as a resolution."]
        if float(found.upper[0]) > 0.95 * math.log(t.n):
            notes.append(
                f"Saturated: the upper bound is within 5 % of ln n = {math.log(t.n):.3g} nats; raise sigma or n."
            )
        return Estimate(
            value=float(found.target[0, 0]),
            stderr=float(found.target_stderr[0]),
            lower=lower,
            upper=upper,
            direction="interval",
            quantity=self.channel.input_name if classes == t.n else self.channel.target_name,
            n_samples=t.n,
            notes=tuple(notes),
            method=str(self),
        )

    def layer(self, block: LayerBlock) -> LayerInformation:
        if np.issubdtype(block.y.dtype, np.floating):
            raise InputError(
                "PairwiseBounds needs discrete labels for I(T;Y) and y is continuous; "
                "name another estimator for the target, estimator_target=Binned(bins=30)."
            )
        orders, law = block.permutations, block.p_y_given_x
        label = _certain(label_codes(block.y)[:, orders]) if law is None else _random(law, orders)
        found = _bounds(block.activations, label, self.channel, with_error=not block.population)
        return LayerInformation(
            mi_input=found.upper,
            mi_input_stderr=found.stderr,
            mi_input_lower=found.lower,
            mi_input_upper=found.upper,
            mi_target=np.broadcast_to(found.target, (block.cells, len(orders))),
            mi_target_stderr=found.target_stderr,
            mi_target_lower=found.target_lower,
            mi_target_upper=found.target_upper,
            saturated=found.upper > 0.95 * math.log(block.n),
            n_codes=np.zeros(block.cells, np.int32),
            out_of_range=np.zeros(block.cells, np.int64),
        )


def spread(activations: np.ndarray) -> np.ndarray:
    """(cells,) standard deviation of layers, (cells, n, d): the root of the mean variance of their units."""
    if large(activations):
        return np.array([math.sqrt(moments(t)[1].mean()) for t in map(table, activations)])
    return np.sqrt(np.asarray(activations, np.float64).var(axis=1).mean(axis=-1))


def noise_scale(activations: np.ndarray, channel: AdditiveGaussian) -> np.ndarray:
    """(cells,) absolute sigma for (cells, n, d) activations."""
    if not channel.relative:
        return np.full(activations.shape[0], float(channel.sigma))
    std = spread(activations)
    # A dead layer has no scale; any noise then gives 0 information, which is right.
    return channel.sigma * np.where(std > 0, std, 1.0)


def _certain(labels: np.ndarray) -> Callable[[int], np.ndarray]:
    """The (targets, n) labels of each cell, from (cells, targets, n)."""
    n = labels.shape[2]
    # I(X;T): every class is one sample, whose own information is 0.
    distinct = int(labels.max()) + 1 >= n and bool((np.diff(np.sort(labels[:, 0], axis=1), axis=1) > 0).all())
    labels = np.ascontiguousarray(labels[:, : 0 if distinct else None], np.int32)
    return lambda cell: labels[cell]


def _random(law: np.ndarray, orders: np.ndarray) -> Callable[[int], np.ndarray]:
    """The (targets, n, classes) laws of each cell's label, from (cells, n, classes), in (targets, n) orders."""
    return lambda cell: law[cell][orders]


def _bounds(activations, label: Callable[[int], np.ndarray], channel: AdditiveGaussian, with_error: bool) -> Bounds:
    """Both bounds for (cells, n, d) activations, and what ``label`` gives for a cell: labels or their laws."""
    cells = activations.shape[0]
    sigma = noise_scale(activations, channel)
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def measure(cell: int, spread: Spread) -> Bounds:
        return of_snapshot(np.asarray(activations[cell]), float(sigma[cell]), label(cell), with_error, spread)

    with ThreadPoolExecutor(workers) as pool:  # the kernel lets other threads run
        if cells >= workers:
            found = list(pool.map(lambda cell: measure(cell, map), range(cells)))
        else:
            found = [measure(cell, pool.map) for cell in range(cells)]
    return Bounds(*(np.array(column) for column in zip(*found, strict=True)))
