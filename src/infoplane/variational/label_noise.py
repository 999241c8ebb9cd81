"""Noise models p~(.|x, y) of labels: what a label might have been. The divergence KL(c || p~) needs one.

A one-hot p~ makes that divergence infinite wherever the decoder has any mass elsewhere, and once clipped an artefact of
the clipping (16.1 nats per unit of mass at 1e-7); so every model here gives each class some probability.
"""

from __future__ import annotations

import abc
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from .schedule import checked_number

FLOOR = 1e-7  # least probability that a divergence sees, as in the released code


@dataclass(frozen=True)
class LabelNoise(abc.ABC):
    """What a label might have been."""

    @property
    def name(self) -> str:
        """As results give it, as part of the name of an objective."""
        return repr(self)

    @abc.abstractmethod
    def probabilities(self, labels: Any, x: Any = None, *, classes: int, key: Any = None) -> Any:
        """(n, classes) laws p~(.|x, y), rows that sum to one; a pure JAX function.

        Args:
            labels: (n,) integers in 0..classes-1.
            x: (n, ...) inputs, for models that look at them.
            classes: number of classes.
            key: JAX key, for models that are drawn anew at every update.
        """


@dataclass(frozen=True)
class Smooth(LabelNoise):
    """Label smoothing: (1 - e) one-hot + e / classes.

    Attributes:
        eps: e, above 0 and at most 1.
    """

    eps: float = 0.02

    def __post_init__(self) -> None:
        why = "and at most 1: a one-hot label makes KL(c || p~) infinite"
        checked_number(self.eps, "Smooth", "eps", 0.0, why, most=1.0)

    def probabilities(self, labels: Any, x: Any = None, *, classes: int, key: Any = None) -> Any:
        return (1.0 - self.eps) * jax.nn.one_hot(labels, classes) + self.eps / classes


@dataclass(frozen=True)
class Confusion(LabelNoise):
    """The row of the label in a confusion matrix: how often each class was taken for which.

    Attributes:
        matrix: (classes, classes) positive counts or weights, rows the true labels. Each row is divided by its own sum.

    Raises:
        InputError: not square, or an entry that is not positive.
    """

    matrix: Any

    def __post_init__(self) -> None:
        try:
            rows = np.array(self.matrix, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError("Confusion needs a square matrix of numbers, rows the true labels.") from None
        if rows.ndim != 2 or rows.shape[0] != rows.shape[1] or len(rows) < 2:
            raise InputError(f"Confusion needs a square matrix of two classes or more, got shape {rows.shape}.")
        wrong = ~(np.isfinite(rows) & (rows > 0))
        if wrong.any():
            where = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise InputError(
                f"Confusion needs positive, finite entries, as KL(c || p~) is infinite at a zero; got {rows[where]} at "
                f"{where} ({int(wrong.sum())} such entries). Confusion.estimated smooths counts of predictions."
            )
        rows /= rows.sum(axis=1, keepdims=True)
        object.__setattr__(self, "matrix", tuple(tuple(float(p) for p in row) for row in rows))

    @property
    def name(self) -> str:
        """The size of the matrix, and what tells it from others: a hundred numbers would fill a legend."""
        mark = hashlib.blake2b(repr(self.matrix).encode(), digest_size=4).hexdigest()
        return f"Confusion({len(self.matrix)} classes, {mark})"

    @classmethod
    def estimated(cls, predictions: Any, labels: Any, classes: int, smoothing: float = 1.0) -> Confusion:
        """From predictions for held-out samples.

        Args:
            predictions: (n,) predicted classes, or (n, classes) predicted probabilities.
            labels: (n,) true classes.
            classes: their number.
            smoothing: > 0, added to every count, so that none is zero.

        Raises:
            InputError: lengths that differ, classes out of range, no smoothing.
        """
        why = "as a zero makes KL(c || p~) infinite"
        checked_number(smoothing, "Confusion.estimated", "smoothing", 0.0, why)
        truth = checked_labels(labels, classes, "Confusion.estimated")
        found = np.asarray(predictions)
        if found.ndim == 1:
            found = np.eye(classes)[checked_labels(found, classes, "Confusion.estimated")]
        if found.shape != (len(truth), classes):
            raise InputError(
                f"Confusion.estimated needs a prediction for each of {len(truth)} labels, (n,) classes or "
                f"(n, {classes}) probabilities, got shape {np.shape(predictions)}."
            )
        counts = np.full((classes, classes), float(smoothing))
        np.add.at(counts, truth, found)
        return cls(counts)

    def probabilities(self, labels: Any, x: Any = None, *, classes: int, key: Any = None) -> Any:
        if classes != len(self.matrix):
            raise InputError(f"Confusion has {len(self.matrix)} classes, and the labels have {classes}.")
        return jnp.asarray(np.array(self.matrix))[labels]


@dataclass(frozen=True)
class Gaussian(LabelNoise):
    """The one-hot label plus Gaussian noise drawn anew at every update, clipped to [1e-7, 1] and normalised.

    About half of the other classes come out at the floor, where the divergence is large: a model of the released code,
    kept for comparison.

    Attributes:
        scale: standard deviation of the noise, > 0.
    """

    scale: float = 1e-2

    def __post_init__(self) -> None:
        checked_number(self.scale, "Gaussian", "scale", 0.0, "the standard deviation of the noise")

    def probabilities(self, labels: Any, x: Any = None, *, classes: int, key: Any = None) -> Any:
        if key is None:
            raise InputError("Gaussian label noise is drawn anew at every update: give a JAX key, key=...")
        hot = jax.nn.one_hot(labels, classes)
        noisy = jnp.clip(hot + self.scale * jax.random.normal(key, hot.shape, hot.dtype), FLOOR, 1.0)
        return noisy / noisy.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Teacher(LabelNoise):
    """The softmax of a frozen, trained network at x; the label itself is not looked at.

    Attributes:
        function: (n, ...) inputs to (n, classes) logits; no gradient passes through it.
    """

    function: Callable[[Any], Any]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InputError(f"Teacher needs a function of inputs to logits, got {self.function!r}.")

    @property
    def name(self) -> str:
        """With the function's own name, not its place in memory."""
        return f"Teacher({getattr(self.function, '__name__', type(self.function).__name__)})"

    def probabilities(self, labels: Any, x: Any = None, *, classes: int, key: Any = None) -> Any:
        if x is None:
            raise InputError("Teacher needs the inputs its network looks at: give x=...")
        logits = jnp.asarray(self.function(x))
        if logits.shape != (len(labels), classes):
            raise InputError(f"Teacher needs logits ({len(labels)}, {classes}) of its function, got {logits.shape}.")
        return jax.lax.stop_gradient(jax.nn.softmax(logits, axis=-1))


def checked_labels(labels: Any, classes: int, who: str) -> np.ndarray:
    """(n,) labels as integers in 0..classes-1.

    Raises:
        InputError: no vector, no whole numbers, fewer than two classes, or labels out of range.
    """
    if not isinstance(classes, int | np.integer) or isinstance(classes, bool) or classes < 2:
        raise InputError(f"{who} needs two classes or more, got {classes!r}.")
    found = np.asarray(labels)
    if found.ndim != 1 or len(found) == 0 or found.dtype.kind not in "iub":
        raise InputError(f"{who} needs (n,) whole numbers as labels, got {found.dtype} of shape {found.shape}.")
    found = found.astype(np.int64)
    if found.min() < 0 or found.max() >= classes:
        raise InputError(
            f"{who} needs labels in 0..{classes - 1}, got {found.min()}..{found.max()}; number the classes from 0."
        )
    return found
