"""What a user brings, checked once at the door: finite numbers, equal lengths, and a kind for each variable."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from . import rows
from .errors import InputError

Kind = Literal["continuous", "discrete"]
_MODEST = 200  # binary exponents up to which fourth powers of float64 neither overflow nor vanish


@dataclass(frozen=True, eq=False)
class Variable:
    """One random variable, sampled: floats are continuous; integers, booleans and strings are discrete.

    Attributes:
        values: (n, d) array.
        name: what error messages call it.
    """

    values: np.ndarray
    name: str = "x"

    @property
    def kind(self) -> Kind:
        return "continuous" if np.issubdtype(self.values.dtype, np.floating) else "discrete"

    @property
    def n(self) -> int:
        return self.values.shape[0]

    @property
    def dim(self) -> int:
        return self.values.shape[1]

    @cached_property
    def codes(self) -> np.ndarray:
        """(n,) integers 0..n_classes-1, equal exactly where rows are equal."""
        if self.dim == 1:
            return np.unique(self.values[:, 0], return_inverse=True)[1].astype(np.int32)
        if rows.large(self.values):
            keys = np.concatenate([rows.digests(block) for _, block in rows.blocks(self.values)])
            return np.unique(keys, return_inverse=True)[1].astype(np.int32)
        return np.unique(self.values, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int32)

    @property
    def n_classes(self) -> int:
        return int(self.codes.max()) + 1


def variable(values: Any, name: str = "x") -> Variable:
    """Check an array and give it its kind.

    Args:
        values: (n,) or (n, ...) array-like from NumPy, JAX, torch or pandas; more axes are flattened to (n, d). Large
            memory maps stay on disk; see :mod:`infoplane.rows`.
        name: what messages call it.

    Raises:
        InputError: no samples, complex or mixed objects, nan, infinity or a missing value.
    """
    if isinstance(values, Variable):
        return values
    if isinstance(values, np.ma.MaskedArray):
        masked = int(np.ma.getmaskarray(values).sum())
        if masked:
            raise InputError(f"{name} has {masked} masked values; drop their rows, or fill them with values.filled().")
    elif hasattr(values, "detach"):  # torch, without importing it
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputError(f"{name} has rows of unequal length; pass an array (n, d).") from None
    if array.ndim == 0 or array.size == 0:
        raise InputError(f"{name} needs samples along its first axis, got an array of shape {array.shape}.")
    if array.dtype == object:
        array = _from_objects(array, name)
    if array.dtype.name in ("float16", "bfloat16"):
        array = array.astype(np.float32)
    if array.dtype.kind == "c":
        raise InputError(f"{name} is complex; pass its real and imaginary parts as two columns.")
    if array.dtype.kind not in "fiubUS":
        raise InputError(f"{name} has the type {array.dtype}; pass floats, integers, booleans or strings.")
    if array.dtype == np.longdouble:
        array = array.astype(np.float64)
    if array.dtype.kind == "f":
        bad, first = rows.not_finite(array)
        if bad:
            raise InputError(
                f"{name} has nan or infinite values in {bad} of {len(array)} rows, first in row {first}; "
                "drop or repair them."
            )
    array = array.reshape(len(array), -1)
    return Variable(array if rows.large(array) else np.ascontiguousarray(array), name)


def whole(value: Any, name: str, low: int = 0) -> int:
    """A whole number a user gave, such as a seed.

    Raises:
        InputError: no integer of Python or NumPy, or one below ``low``.
    """
    if not is_whole(value) or value < low:
        raise InputError(f"{name} needs a whole number, {low} or more, got {value!r}.")
    return int(value)


def is_whole(value: Any) -> bool:
    """Whether this is one integer of Python or NumPy."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_real(value: Any) -> bool:
    """Whether this is one real number of Python or NumPy."""
    return is_whole(value) or isinstance(value, float | np.floating)


def _from_objects(array: np.ndarray, name: str) -> np.ndarray:
    if any(isinstance(v, np.ndarray | list | tuple | dict | set) for v in array.flat):
        raise InputError(f"{name} holds arrays or lists as objects; pass one array (n, d), as np.stack makes.")
    if any(_is_missing(v) for v in array.flat):
        raise InputError(f"{name} has missing values; drop or fill them.")
    if all(isinstance(v, str) for v in array.flat):
        return array.astype(str)
    if all(isinstance(v, bool | int | np.integer | np.bool_) for v in array.flat):
        try:
            return array.astype(np.int64)
        except OverflowError:
            raise InputError(
                f"{name} holds integers beyond 64 bits; pass floats, or strings if they are names."
            ) from None
    raise InputError(f"{name} holds mixed objects; pass an array of one type: floats, integers, booleans or strings.")


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # the missing value of pandas is neither equal to itself nor unequal
        return True


def moderate(x: Variable) -> Variable:
    """The variable, multiplied by a power of two to within 1e60 and 1e-60 where squares would over- or underflow.

    No digit changes, so information does not; a differential entropy would, by the logarithm of the factor.
    """
    if x.values.dtype != np.float64:
        return x
    low, high = rows.extents(x.values)
    exponents, filled = _exponents(low, high), (low != 0) | (high != 0)
    widest = int(exponents.max(where=filled, initial=-2000))
    common = widest - int(np.clip(widest, -_MODEST, _MODEST))
    # One factor for all, as far as it goes: narrower columns stay so, unless they would vanish.
    beyond = np.where(filled, common + np.minimum(exponents - common + _MODEST + 40, 0), 0)
    return Variable(np.ldexp(x.values, -beyond), x.name) if beyond.any() else x


def exponents_of(values: np.ndarray) -> np.ndarray:
    """(d,) powers of two that bring the largest absolute value of each column of (n, d) floats into [1/2, 1)."""
    return _exponents(*rows.extents(values))


def _exponents(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.frexp(np.maximum(np.abs(high), np.abs(low)))[1]


def pair(x: Any, y: Any, *, need: int = 2, who: str = "mutual_information") -> tuple[Variable, Variable]:
    """Two variables of one sample.

    Raises:
        InputError: what :func:`variable` refuses, lengths that differ, fewer than ``need`` samples.
    """
    first, second = variable(x, "x"), variable(y, "y")
    if first.n != second.n:
        raise InputError(f"{who} needs x and y of one length, got {first.n} and {second.n} samples.")
    if first.n < need:
        raise InputError(f"{who} needs at least {need} samples, got {first.n}.")
    return first, second
