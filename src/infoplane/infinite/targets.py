"""What an ensemble is trained to give: numbers as they are, classes as one-hot vectors around zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..samples import variable


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets of a set of points.

    Attributes:
        values: (n, O) float64.
        classes: (O,) names of the classes, sorted; None for numbers.
        codes: (n,) index of each point's class; None for numbers.
    """

    values: np.ndarray
    classes: np.ndarray | None = None
    codes: np.ndarray | None = None

    @classmethod
    def of(cls, y: Any, n: int, name: str, like: Targets | None = None) -> Targets:
        """Check targets: one column of integers, booleans or text are classes, anything else numbers.

        Args:
            y: (n,) or (n, O).
            n: points there are.
            name: what messages call it.
            like: those of the training points, whose classes or width these must have.

        Raises:
            InputError: another length, width or kind, nan, an unknown class, or one class only.
        """
        found = variable(y, name).values
        if len(found) != n:
            raise InputError(f"Ensemble needs one row of {name} for each of the {n} points, got {len(found)}.")
        text = found.dtype.kind in "US"
        if text and found.shape[1] > 1:
            raise InputError(f"Ensemble needs text classes {name} of shape (n,), got {found.shape}.")
        if like is None:
            one_column = found.shape[1] == 1 and found.dtype.kind in "iubUS"
            return cls._of_classes(found[:, 0], np.unique(found[:, 0]), name) if one_column else cls._numbers(found)
        if like.classes is None:
            if text or found.shape[1] != like.values.shape[1]:
                raise InputError(
                    f"Ensemble was trained on numbers of shape (n, {like.values.shape[1]}); got {name} of shape "
                    f"{found.shape} and type {found.dtype}."
                )
            return cls._numbers(found)
        if found.shape[1] != 1:
            raise InputError(f"Ensemble was trained on classes; it needs {name} of shape (n,), got {found.shape}.")
        return cls._of_classes(found[:, 0], like.classes, name)

    @classmethod
    def _numbers(cls, values: np.ndarray) -> Targets:
        return cls(values.astype(np.float64))

    @classmethod
    def _of_classes(cls, found: np.ndarray, classes: np.ndarray, name: str) -> Targets:
        if len(classes) < 2:
            raise InputError(f"Ensemble needs two classes or more in {name}, got {classes.tolist()}.")
        unknown = np.setdiff1d(found, classes)
        if len(unknown):
            raise InputError(f"{name} has classes that the training targets lack: {unknown[:5].tolist()}.")
        codes = np.searchsorted(classes, found)
        return cls(np.eye(len(classes))[codes] - 1.0 / len(classes), classes, codes)

    def entropy(self) -> float:
        """H(Y): of the classes by their frequencies; of numbers that of a normal law with their covariance."""
        if self.classes is not None and self.codes is not None:
            shares = np.bincount(self.codes, minlength=len(self.classes)) / len(self.codes)
            return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())
        covariance = np.atleast_2d(np.cov(self.values.T, bias=True))
        sign, log_det = np.linalg.slogdet(2 * np.pi * np.e * covariance)
        return float(0.5 * log_det) if sign > 0 else np.nan
