"""What a user brings to an infinitely wide network, checked once at the door."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..errors import InputError
from ..samples import is_real, is_whole, variable
from .kernels import Kernels

_LARGE = 1e3  # mean square of a point's entries above which scaling is advised: saturated, badly conditioned
_HUGE = 1e12  # kernel values above which the differences that B is made of have lost their digits
_SCALE = "Standardise the inputs first: subtract the mean and divide by the standard deviation, or pixels by 255."


def points(x: Any, name: str, who: str) -> np.ndarray:
    """(n, d) float64, a point a row, images flattened.

    Raises:
        InputError: text, nan or infinity, no points, or entries so huge that their squares overflow.
    """
    found = variable(x, name)
    if found.values.dtype.kind in "US":
        raise InputError(f"{who} needs numbers in {name}, got text; encode classes or words as numbers first.")
    values = found.values.astype(np.float64)
    largest = float(np.abs(values).max())
    if largest > 1e100:
        raise InputError(f"{who} got entries up to {largest:.3g} in {name}, whose squares overflow. {_SCALE}")
    worst = float(np.einsum("ij,ij->i", values, values).max()) / values.shape[1]
    if worst > _LARGE:
        warnings.warn(
            f"{who}: a point of {name} has entries of root mean square {math.sqrt(worst):.3g}, so that units saturate "
            f"and kernels are badly conditioned. {_SCALE}",
            stacklevel=4,
        )
    return values


def images(x: Any, name: str, who: str) -> np.ndarray:
    """(n, h, w, c) float64.

    Raises:
        InputError: what :func:`points` refuses, or another number of axes.
    """
    shape = tuple(np.shape(x))
    if len(shape) not in (3, 4):
        raise InputError(
            f"{who} needs images {name} of shape (n, height, width, channels) or (n, height, width), got {shape}; "
            "reshape them, or use Dense."
        )
    return points(x, name, who).reshape(shape if len(shape) == 4 else (*shape, 1))


def matching(x1: np.ndarray, x2: np.ndarray, who: str) -> None:
    """Check that two sets of points are of one shape.

    Raises:
        InputError: they are not.
    """
    if x1.shape[1:] != x2.shape[1:]:
        inner = [" x ".join(map(str, x.shape[1:])) for x in (x1, x2)]
        raise InputError(f"{who} needs x1 and x2 of one width, got points of {inner[0]} and of {inner[1]} numbers.")


def tame(diagonals: list[Kernels], who: str) -> None:
    """Check that no layer's kernels overflow or lose all digits.

    Raises:
        InputError: they do.
    """
    largest = max(float(np.abs(part).max()) for state in diagonals for part in state if part is not None)
    if not largest <= _HUGE:
        raise InputError(
            f"{who} has kernel values up to {largest:.3g} where {_HUGE:.0e} is the most that float64 carries with "
            f"digits to spare. {_SCALE} Or take a smaller weight_std or fewer layers."
        )


def checked_scale(value: Any, name: str, who: str) -> float:
    """A standard deviation of weights or biases.

    Raises:
        InputError: no finite number, or negative.
    """
    if not is_real(value) or not math.isfinite(value) or value < 0:
        raise InputError(f"{who} needs {name} as a standard deviation, a finite number 0 or more, got {value!r}.")
    return float(value)


def checked_count(value: Any, name: str, who: str, low: int) -> int:
    """A whole number.

    Raises:
        InputError: none, or one below ``low``.
    """
    if not is_whole(value) or value < low:
        raise InputError(f"{who} needs {name} as a whole number, {low} or more, got {value!r}.")
    return int(value)


def checked_flag(value: Any, name: str, who: str) -> bool:
    """True or False.

    Raises:
        InputError: neither.
    """
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{who} needs {name} as True or False, got {value!r}.")
    return bool(value)
