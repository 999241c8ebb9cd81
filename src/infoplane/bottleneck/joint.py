"""The problem: a joint distribution of X and Y with finitely many states."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import entr

from ..errors import InputError
from ..samples import is_real, variable

_SAME_ROW = 1e-12  # largest difference of ln p(y|x) at which two inputs count as one
_CERTAIN = 1e-9  # nats of H(Y|X) below which Y is a function of X


@dataclass(frozen=True, eq=False)
class Sufficient:
    """The minimal sufficient statistic of X for Y: inputs with the same p(y|x) are one, states without mass are none.

    Attributes:
        p_x: (m,) probabilities of the merged inputs.
        rows: (m, n_y') p(y|x) of the merged inputs over the labels that occur.
        group: (n_x,) the merged input of every input, -1 where p(x) = 0.
        labels: (n_y,) whether each label occurs.
    """

    p_x: np.ndarray
    rows: np.ndarray
    group: np.ndarray
    labels: np.ndarray

    @cached_property
    def first(self) -> np.ndarray:
        """(m,) the first input of every merged one."""
        there = np.flatnonzero(self.group >= 0)
        return there[np.unique(self.group[there], return_index=True)[1]]


class Joint:
    """A joint distribution p(x, y) on a finite table.

    Args:
        table: (n_x, n_y) non-negative weights or counts, rows x, columns y. Copied and normalised; never changed.
            Integers, lists, data frames and floats of any precision are accepted.

    Attributes:
        table: (n_x, n_y) probabilities.
        p_x: (n_x,); p_y: (n_y,).
        p_y_given_x: (n_x, n_y) rows p(y|x); p(y) where p(x) = 0.

    Raises:
        InputError: not a table, empty, negative or non-finite entries, or no mass at all.
    """

    def __init__(self, table: Any) -> None:
        weights = _numbers(table, "Joint", "a table of numbers, rows x and columns y, all of one length")
        if weights.ndim != 2 or 0 in weights.shape:
            raise InputError(f"Joint needs a table of two dimensions, rows x and columns y, got shape {weights.shape}.")
        wrong = ~np.isfinite(weights) | (weights < 0)
        if wrong.any():
            where = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise InputError(
                f"Joint needs non-negative, finite weights, got {weights[where]} at {where} "
                f"({int(wrong.sum())} such entries)."
            )
        top = weights.max()
        if top == 0:
            raise InputError("Joint needs some weight, got a table of zeros.")
        weights /= top  # so that huge counts do not overflow in their sum
        self.table = weights / weights.sum()
        self.p_x = self.table.sum(axis=1)
        self.p_y = self.table.sum(axis=0)
        mass = self.p_x[:, None]
        # From the weights and not from the tiny probabilities of a large table, which may be subnormal.
        self.p_y_given_x = np.divide(
            weights, weights.sum(axis=1, keepdims=True), out=np.tile(self.p_y, (len(weights), 1)), where=mass > 0
        )
        for values in (self.table, self.p_x, self.p_y, self.p_y_given_x):
            values.flags.writeable = False

    @classmethod
    def from_conditional(cls, p_y_given_x: Any, p_x: Any = None) -> Joint:
        """From rows p(y|x), each normalised here, and weights of x (all equal if None).

        Raises:
            InputError: a row without weight, or a wrong number of weights.
        """
        rows = cls(p_y_given_x)
        if (rows.p_x == 0).any():
            row = int(np.argmin(rows.p_x))
            raise InputError(f"Joint.from_conditional needs weight in every row of p(y|x), row {row} has none.")
        n = len(rows.p_x)
        weights = np.ones(n) if p_x is None else _numbers(p_x, "Joint.from_conditional", "numbers for p(x)")
        if weights.shape != (n,):
            raise InputError(f"Joint.from_conditional needs {n} weights p(x), one for each row, got {weights.shape}.")
        return cls(weights[:, None] * rows.p_y_given_x)

    @classmethod
    def from_samples(cls, x: Any, y: Any) -> Joint:
        """Counts of paired discrete samples; rows and columns are the sorted distinct values.

        Args:
            x: (n,) or (n, d) values; rows of a matrix are states.
            y: likewise.

        Raises:
            InputError: floats, which have no counts; unequal lengths; no samples.
        """
        codes = []
        for name, values in (("x", x), ("y", y)):
            array = variable(values, name).values
            if array.dtype.kind == "f":
                raise InputError(
                    f"Joint.from_samples counts discrete values, got floats for {name}. Bin them first, or estimate "
                    "their information with infoplane.mutual_information."
                )
            _, code = np.unique(array, axis=0, return_inverse=True)
            codes.append(code.ravel())
        if len(codes[0]) != len(codes[1]) or len(codes[0]) == 0:
            raise InputError(f"Joint.from_samples needs pairs, got {len(codes[0])} of x and {len(codes[1])} of y.")
        counts = np.zeros((codes[0].max() + 1, codes[1].max() + 1))
        np.add.at(counts, tuple(codes), 1)
        return cls(counts)

    def smoothed(self, weight: float = 0.01) -> Joint:
        """With the law (1 - weight) p(y|x) + weight p(y) in every row: a noise model for labels that are certain.

        p(x) and p(y) stay as they are.

        Raises:
            InputError: a weight outside (0, 1].
        """
        if not (is_real(weight) and 0 < weight <= 1):
            raise InputError(f"Joint.smoothed needs a weight in (0, 1], got {weight!r}.")
        return Joint((1 - weight) * self.table + weight * self.p_x[:, None] * self.p_y)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_x, n_y)."""
        return self.table.shape  # type: ignore[return-value]

    @cached_property
    def entropy_x(self) -> float:
        """H(X) in nats."""
        return float(entr(self.p_x).sum())

    @cached_property
    def entropy_y(self) -> float:
        """H(Y) in nats."""
        return float(entr(self.p_y).sum())

    @cached_property
    def mutual_information(self) -> float:
        """I(X;Y) in nats."""
        seen = self.p_y > 0
        ratio = self.p_y_given_x[:, seen] / self.p_y[seen]
        return float(max((self.table[:, seen] * np.log(np.where(ratio > 0, ratio, 1.0))).sum(), 0.0))

    @cached_property
    def deterministic(self) -> bool:
        """Whether Y is a function of X: then the curve is min(I(X;T), H(Y)), and the plain cost sees only its ends."""
        return float(self.p_x @ entr(self.p_y_given_x).sum(axis=1)) < _CERTAIN

    @cached_property
    def sufficient(self) -> Sufficient:
        """The merged problem, on which every method works; the curve is the same (duplicates carry nothing)."""
        there, labels = self.p_x > 0, self.p_y > 0
        rows = self.p_y_given_x[there][:, labels]
        alike = _alike(rows)
        m = int(alike.max()) + 1
        mass = np.bincount(alike, self.p_x[there], minlength=m)
        merged = np.zeros((m, rows.shape[1]))
        np.add.at(merged, alike, self.p_x[there][:, None] * rows)
        merged /= merged.sum(axis=1, keepdims=True)
        group = np.full(len(self.p_x), -1)
        group[there] = alike
        return Sufficient(mass, merged, group, labels)

    def __repr__(self) -> str:
        return f"Joint({self.shape[0]} x {self.shape[1]}, I(X;Y) = {self.mutual_information:.6g} nats)"


def _numbers(values: Any, who: str, what: str) -> np.ndarray:
    """A copy in float64 of an array of real numbers from NumPy, JAX, torch, pandas or lists.

    Raises:
        InputError: text, dates, complex numbers, masked values, rows of unequal length.
    """
    if hasattr(values, "detach"):  # torch, without importing it
        values = values.detach().cpu().numpy()
    if np.ma.isMaskedArray(values) and np.ma.getmaskarray(values).any():
        raise InputError(f"{who} needs {what}; got masked values, fill them first.")
    try:
        array = np.asarray(values)
        if array.dtype == object:
            array = array.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{who} needs {what}; got something else.") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"{who} needs {what}; got the type {array.dtype}.")
    return np.array(array, dtype=np.float64)


def _alike(rows: np.ndarray) -> np.ndarray:
    """(m,) group of every row; rows whose logarithms differ by rounding only are of one group.

    Sorted along one generic direction, equal rows are neighbours: no comparison of all pairs.
    """
    with np.errstate(divide="ignore"):
        logs = np.where(rows > 0, np.log(rows), -1e4)
    direction = np.random.default_rng(0).normal(size=rows.shape[1])
    along = logs @ (direction / np.linalg.norm(direction))
    order = np.argsort(along, kind="stable")
    group = np.full(len(rows), -1)
    found = 0
    reach = _SAME_ROW * np.sqrt(rows.shape[1]) * (1 + np.abs(along).max())
    for place, index in enumerate(order):
        if group[index] >= 0:
            continue
        group[index] = found
        for other in order[place + 1 :]:
            if along[other] - along[index] > reach:
                break
            if group[other] < 0 and np.abs(logs[other] - logs[index]).max() <= _SAME_ROW * (
                1 + np.abs(logs[index]).max()
            ):
                group[other] = found
        found += 1
    # Numbered by first appearance, so that a table without duplicates is left in its order.
    first = np.full(found, len(rows))
    np.minimum.at(first, group, np.arange(len(rows)))
    rank = np.empty(found, dtype=int)
    rank[np.argsort(first)] = np.arange(found)
    return rank[group]
