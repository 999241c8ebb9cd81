"""The pairwise bounds of one snapshot of a layer, from sums of kernels over all pairs of samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError

Spread = Callable[..., Any]  # of map's form: runs the parts of a snapshot, side by side or in turn

_FEW, _PARTS = 1024, 8  # samples up to which one thread is enough for a snapshot; parts of a larger one
_FAINT, _SCALE = 2.0**-30, 30  # probabilities below count as 0; powers of two keep products with faint kernels normal


class Bounds(NamedTuple):
    """Nats: of one snapshot, ``target`` (targets,) and numbers; of many, each with (cells,) in front."""

    lower: Any
    upper: Any
    stderr: Any
    target: np.ndarray
    target_lower: Any
    target_upper: Any
    target_stderr: Any


def of_snapshot(t: np.ndarray, sigma: float, label: np.ndarray, with_error: bool, spread: Spread) -> Bounds:
    """Bounds on I(X; T + noise) and on I(T + noise; Y) for X uniform on the samples.

    Args:
        t: (n, d) layer.
        sigma: standard deviation of the noise.
        label: (targets, n) integers, no rows where a class is one sample; or (targets, n, classes) laws of a random
            label. The interval and the error are those of the first target.
        with_error: whether to work out standard errors, else 0.
        spread: see ``Spread``.

    Raises:
        InputError: activations and noise cannot be compared in double precision.
    """
    n = len(t)
    scaled, factor = _in_units_of_noise(t, sigma)
    within = _Laws(label, scaled, factor, spread) if label.ndim == 3 else _Labels(label, scaled, factor, spread)
    sums = within.sums()
    information = math.log(n) - np.log(sums.of_all)  # wide, narrow
    own = within.own(sums.of_own)
    lower, upper = information.mean(axis=1)
    own_lower, *own_upper = own.mean(axis=1)
    error = own_error = 0.0
    if with_error:
        # Influence of a sample on the value: through its own sum, and through those of all others.
        reach, own_reach = within.reach(sums)
        influence = information[1] - reach
        influence_target = influence - own[1] + own_reach
        error, own_error = np.std([influence, influence_target], axis=1) / math.sqrt(n)
    return Bounds(lower, upper, error, upper - np.array(own_upper), lower - own_upper[0], upper - own_lower, own_error)


class _Sums(NamedTuple):
    """Sums of kernels around every sample.

    Attributes:
        of_all: (2, n) over all samples, of wide and of narrow kernels.
        of_own: over the sample's class, the first row of wide kernels, then of narrow ones, a row a target: (rows, n);
            with random labels over every class with its weights, (rows, classes, n).
    """

    of_all: np.ndarray
    of_own: np.ndarray


class _Labels:
    """Labels that are certain: every sample is of one class."""

    def __init__(self, labels: np.ndarray, t: np.ndarray, factor: np.floating, spread: Spread) -> None:
        self.labels, self.t, self.factor, self.spread = labels, t, factor, spread
        self.targets, self.n = len(labels), t.shape[1]

    def sums(self) -> _Sums:
        found = self._kernel_sums(self.labels, np.ones((2, self.n), np.float32))
        return _Sums(found[:2], found[2:])

    def own(self, sums: np.ndarray) -> np.ndarray:
        """(1 + targets, n) information within the sample's class: wide, then narrow for all labels in turn."""
        if not self.targets:
            return np.zeros((2, self.n))
        size = np.stack([np.bincount(row)[row] for row in self.labels])
        return np.log(np.concatenate([size[:1], size])) - np.log(sums)

    def reach(self, sums: _Sums) -> tuple[np.ndarray, np.ndarray]:
        """(n,) sums of every sample's part in the sums of the others, over all and over its class."""
        pull = np.stack([sums.of_all[1], sums.of_own[1] if self.targets else sums.of_all[1]])
        found = self._kernel_sums(self.labels[:1], (1.0 / pull).astype(np.float32))
        return found[1], found[3] if self.targets else np.zeros(self.n)

    def _kernel_sums(self, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
        from .pairwise_kernel import kernel_sums

        rows = 3 + len(labels) if len(labels) else 2
        return _in_parts(
            lambda *part: kernel_sums(self.t, self.factor, labels, weights, *part), (rows, self.n), self.spread
        )


class _Laws:
    """Random labels of known law: a class is a mixture of all samples, with weights p(y|x_i) / n p(y)."""

    def __init__(self, laws: np.ndarray, t: np.ndarray, factor: np.floating, spread: Spread) -> None:
        # (targets, classes, n), each class in one piece of memory: the kernel runs along it
        self.laws = np.ascontiguousarray(np.where(laws < _FAINT, 0.0, laws).transpose(0, 2, 1))
        self.t, self.factor, self.spread, self.n = t, factor, spread, t.shape[1]

    def sums(self) -> _Sums:
        targets, classes, n = self.laws.shape
        columns = self.laws.reshape(-1, n)
        found = self._law_sums(np.ones((1, n), np.float32), columns[:classes], columns, _SCALE)
        return _Sums(found[:2], found[2:].reshape(1 + targets, classes, n))

    def own(self, sums: np.ndarray) -> np.ndarray:
        """(1 + targets, n) information within the classes, each weighed with the sample's chance to be of it."""
        weight = np.concatenate([self.laws[:1], self.laws])
        total = weight.sum(axis=2, keepdims=True)
        safe = np.where(weight > 0, sums, 1.0)
        return (weight * (np.log(np.where(total > 0, total, 1.0)) - np.log(safe))).sum(axis=1)

    def reach(self, sums: _Sums) -> tuple[np.ndarray, np.ndarray]:
        """(n,) sums of every sample's part in the sums of the others, over all and over the classes it may be of."""
        law = self.laws[0]
        pull = np.divide(law, sums.of_own[1], out=np.zeros_like(law), where=law > 0)
        # A law of 2^-30 beside a sum of up to n leaves a pull of at least 2^-30 / n.
        scale = _SCALE + math.ceil(math.log2(self.n))
        found = self._law_sums((1.0 / sums.of_all[1:]).astype(np.float32), law[:0], pull, scale)
        return found[1], (law * found[2:]).sum(axis=0)

    def _law_sums(self, weights: np.ndarray, wide: np.ndarray, narrow: np.ndarray, scale: int) -> np.ndarray:
        """(2 + rows, n) sums of kernels with the weights (rows, n) of wide and of narrow ones."""
        from .pairwise_kernel import law_sums

        wide, narrow = (np.ldexp(rows, scale).astype(np.float32) for rows in (wide, narrow))
        found = _in_parts(
            lambda *part: law_sums(self.t, self.factor, weights, wide, narrow, *part),
            (2 + len(wide) + len(narrow), self.n),
            self.spread,
        )
        found[2:] = np.ldexp(found[2:], -scale)
        return found


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


def _in_parts(add: Callable[..., None], shape: tuple[int, int], spread: Spread) -> np.ndarray:
    """What ``add(part, parts, sums)`` adds to zeros of a shape, its tiles in parts that may run side by side.

    Parts depend on the number of samples alone and are added in their order, so that results do not depend on the
    machine.
    """
    parts = 1 if shape[1] < _FEW else _PARTS

    def work(part: int) -> np.ndarray:
        sums = np.zeros(shape)
        add(part, parts, sums)
        return sums

    return np.sum(list(spread(work, range(parts))), axis=0)
