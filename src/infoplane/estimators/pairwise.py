"""Pairwise bounds on the information that a layer plus Gaussian noise carries."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..channels import AdditiveGaussian
from ..errors import InputError
from ..estimate import Direction, Estimate
from ..samples import Variable
from .base import Estimator, LayerBlock, LayerInformation
from .plugin import label_codes

_FEW, _PARTS = 1024, 8  # samples up to which one thread is enough for a snapshot; parts of a larger one


@dataclass(frozen=True)
class PairwiseBounds(Estimator):
    """Lower and upper bound on I(X; T + N(0, sigma^2 I)) for X uniform on the n samples, and on I(T + noise; Y).

    With ``D_ij = ||t_i - t_j||^2`` and ``I_k = -mean_i ln mean_j exp(-D_ij / k sigma^2)``, the truth lies between I_8
    (Bhattacharyya) and I_2 (Kullback-Leibler), both within [0, ln n] (Kolchinsky & Tracey, arXiv:1706.02419). For
    labels, ``I_a - sum_y p(y) I_b,y`` is a bound only with a != b; the same kind twice is the number usually drawn, and
    is what ``value`` holds, its interval beside it. Labels must be certain given the input.

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
        found = _bounds(t.values[None], labels[None, None, :], self.channel, with_error=True)
        classes = int(labels.max()) + 1
        ceiling = math.log(t.n) if classes == t.n else _entropy(labels)
        lower, upper = float(found.target_lower[0]), float(found.target_upper[0])
        notes = ["X is uniform on these samples; the noise is the analysis's own and acts as a resolution."]
        if float(found.upper[0]) > 0.95 * math.log(t.n):
            notes.append(
                f"Saturated: the upper bound is within 5 % of ln n = {math.log(t.n):.3g} nats; raise sigma or n."
            )
        if upper > ceiling + 1e-9:
            notes.append(f"The upper bound exceeds the ceiling H = {ceiling:.4g} nats of the discrete variable.")
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
        if block.p_y_given_x is not None:
            raise InputError(
                "PairwiseBounds takes certain labels and this task's are random; "
                "name another estimator for the target, estimator_target=Binned(bins=30)."
            )
        labels = label_codes(block.y)[:, block.permutations]
        found = _bounds(block.activations, labels, self.channel, with_error=not block.population)
        return LayerInformation(
            mi_input=found.upper,
            mi_input_stderr=found.stderr,
            mi_input_lower=found.lower,
            mi_input_upper=found.upper,
            mi_target=np.broadcast_to(found.target, (block.cells, labels.shape[1])),
            mi_target_stderr=found.target_stderr,
            mi_target_lower=found.target_lower,
            mi_target_upper=found.target_upper,
            saturated=found.upper > 0.95 * math.log(block.n),
            n_codes=np.zeros(block.cells, np.int32),
            out_of_range=np.zeros(block.cells, np.int64),
        )


class _Bounds(NamedTuple):
    """Nats: of one snapshot, ``target`` (targets,) and numbers; of many, each with (cells,) in front."""

    lower: Any
    upper: Any
    stderr: Any
    target: np.ndarray
    target_lower: Any
    target_upper: Any
    target_stderr: Any


def noise_scale(activations: np.ndarray, channel: AdditiveGaussian) -> np.ndarray:
    """(cells,) absolute sigma for (cells, n, d) activations."""
    if not channel.relative:
        return np.full(activations.shape[0], float(channel.sigma))
    std = np.sqrt(np.asarray(activations, np.float64).var(axis=1).mean(axis=-1))
    # A dead layer has no scale; any noise then gives 0 information, which is right.
    return channel.sigma * np.where(std > 0, std, 1.0)


def _bounds(activations, labels: np.ndarray, channel: AdditiveGaussian, with_error: bool) -> _Bounds:
    """Both bounds for (cells, n, d) activations and (cells, targets, n) labels."""
    cells, n, _ = activations.shape
    sigma = noise_scale(activations, channel)
    # I(X;T): every class is one sample, whose own information is 0.
    distinct = int(labels.max()) + 1 >= n and bool((np.diff(np.sort(labels[:, 0], axis=1), axis=1) > 0).all())
    labels = np.ascontiguousarray(labels[:, : 0 if distinct else None], np.int32)
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def measure(cell: int, spread: Callable) -> _Bounds:
        return _cell(np.asarray(activations[cell]), float(sigma[cell]), labels[cell], with_error, spread)

    with ThreadPoolExecutor(workers) as pool:  # the kernel lets other threads run
        if cells >= workers:
            found = list(pool.map(lambda cell: measure(cell, map), range(cells)))
        else:
            found = [measure(cell, pool.map) for cell in range(cells)]
    return _Bounds(*(np.array(column) for column in zip(*found, strict=True)))


def _cell(t: np.ndarray, sigma: float, labels: np.ndarray, with_error: bool, spread: Callable) -> _Bounds:
    """The bounds of one snapshot, (n, d), for (targets, n) labels; none of these where a class is one sample."""
    n, targets = len(t), len(labels)
    scaled, factor = _in_units_of_noise(t, sigma)
    sums = _sums(scaled, factor, labels, np.ones((2, n), np.float32), spread)
    information = math.log(n) - np.log(sums[:2])  # wide, narrow
    own = np.zeros((2, n))  # within the sample's class: wide, then narrow for all labels in turn
    if targets:
        size = np.stack([np.bincount(row)[row] for row in labels])
        own = np.log(np.concatenate([size[:1], size])) - np.log(sums[2:])
    lower, upper = information.mean(axis=1)
    own_lower, *own_upper = own.mean(axis=1)
    error = own_error = 0.0
    if with_error:
        # Influence of a sample on the value: through its own sum, and through those of all others.
        pull = (1.0 / sums[[1, 3 if targets else 1]]).astype(np.float32)
        reach = _sums(scaled, factor, labels[:1], pull, spread)
        influence = information[1] - reach[1]
        influence_target = influence - own[1] + (reach[3] if targets else 0.0)
        error, own_error = np.std([influence, influence_target], axis=1) / math.sqrt(n)
    return _Bounds(lower, upper, error, upper - np.array(own_upper), lower - own_upper[0], upper - own_lower, own_error)


def _in_units_of_noise(t: np.ndarray, sigma: float) -> tuple[np.ndarray, np.floating]:
    """(d, n) activations times a power of two, which rounds nothing, and the factor that makes a squared distance the
    base-two exponent of the wide kernel.

    Single precision stays what it is: differences of close numbers are exact in it.
    """
    power = math.frexp(sigma)[1]
    for kind in (np.float32, np.float64)[t.dtype != np.float32 :]:
        with np.errstate(over="ignore"):
            scaled = np.ldexp(t.T.astype(kind), -power)
        if np.isfinite(scaled).all():
            return np.ascontiguousarray(scaled), kind(-math.log2(math.e) / (8.0 * math.ldexp(sigma, -power) ** 2))
    raise InputError(f"PairwiseBounds cannot compare activations with noise of {sigma:.3g}: their ratio overflows.")


def _sums(t: np.ndarray, factor: np.floating, labels: np.ndarray, weights: np.ndarray, spread: Callable) -> np.ndarray:
    """(2 or 3 + targets, n) sums that `kernel_sums` explains, its tiles in parts that ``spread`` may run side by side.

    Parts depend on n alone and are added in their order, so that results do not depend on the machine.
    """
    from .pairwise_kernel import kernel_sums

    parts = 1 if t.shape[1] < _FEW else _PARTS

    def work(part: int) -> np.ndarray:
        sums = np.zeros((3 + len(labels) if len(labels) else 2, t.shape[1]))
        kernel_sums(t, factor, labels, weights, part, parts, sums)
        return sums

    return np.sum(list(spread(work, range(parts))), axis=0)


def _entropy(labels: np.ndarray) -> float:
    p = np.bincount(labels) / len(labels)
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())
