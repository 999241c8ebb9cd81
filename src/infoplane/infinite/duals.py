"""Dual activations: what a nonlinearity makes of the covariance of its inputs, in closed form.

For (u, v) ~ N(0, [[K11, K12], [K12, K22]]) a dual gives A = E[f(u) f(v)], B = E[f'(u) f'(v)] and, where it exists,
B' = E[f''(u) f''(v)], the derivative of B in K12. Built in are erf, ReLU and the identity; a :class:`Dual` is a user's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from ..errors import InputError, nearest

# Correlations this close to 1 are 1: the angle between two points is known to the square root of rounding only, and
# identical points must have none, or their tangent kernels would differ from their own diagonals by 1e-8.
_SAME = 1 - 16 * np.finfo(float).eps

Expectation = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class Moments(NamedTuple):
    """A, B and B' (None where not asked for), arrays of the shape of K12."""

    values: np.ndarray
    slopes: np.ndarray
    bends: np.ndarray | None


class Room(NamedTuple):
    """Three arrays of the shape of K12 that a dual may overwrite and return, so that no memory is taken anew."""

    first: np.ndarray
    second: np.ndarray
    third: np.ndarray


class Activation(Protocol):
    """What a network asks of its nonlinearity."""

    @property
    def curved(self) -> bool:
        """Whether B' exists."""
        ...

    def moments(self, k: np.ndarray, left: np.ndarray, right: np.ndarray, room: Room, curvature: bool) -> Moments:
        """Of K12 and the two variances, which broadcast against it; K12 stays as it is."""
        ...

    def diagonal(self, k: np.ndarray, curvature: bool) -> Moments:
        """Of u = v with variances k, exact."""
        ...


@dataclass(frozen=True)
class Dual:
    """A user's own activation, by its expectations over two jointly normal inputs of mean zero.

    Each field is a function of arrays (K11, K12, K22), elementwise, that broadcast against each other: the variance of
    u, its covariance with v, and the variance of v. On the diagonal the three are equal. For f = sin, for instance,
    A = exp(-(K11 + K22) / 2) sinh(K12), B the same with cosh, and B' the same as A.

    Attributes:
        value: A = E[f(u) f(v)].
        slope: B = E[f'(u) f'(v)] = dA/dK12.
        bend: B' = E[f''(u) f''(v)] = dB/dK12; None leaves the curvature kernel out.
        name: what results and messages call it.
    """

    value: Expectation = field(repr=False)
    slope: Expectation = field(repr=False)
    bend: Expectation | None = field(default=None, repr=False)
    name: str = "dual"

    def __post_init__(self) -> None:
        for part in ("value", "slope", "bend"):
            function = getattr(self, part)
            if not callable(function) and not (part == "bend" and function is None):
                raise InputError(f"Dual needs {part} as a function of (K11, K12, K22), got {function!r}.")

    @property
    def curved(self) -> bool:
        """Whether B' is known."""
        return self.bend is not None

    def moments(self, k: np.ndarray, left: np.ndarray, right: np.ndarray, room: Room, curvature: bool) -> Moments:
        """A, B and B' of K12 and the two variances."""
        asked = [self.value, self.slope] + ([self.bend] if curvature and self.bend is not None else [])
        for function, out in zip(asked, room, strict=False):
            try:
                np.copyto(out, function(left, k, right))
            except (TypeError, ValueError) as error:
                raise InputError(
                    f"Dual {self.name!r} needs functions that take arrays (K11, K12, K22) and return one real array of "
                    f"the shape of K12, {k.shape}; it failed with: {error}"
                ) from error
            if not np.isfinite(out).all():
                raise InputError(
                    f"Dual {self.name!r} gave nan or infinity, as where rounding takes K12 beyond sqrt(K11 K22): clip "
                    "it there, and check the formula at equal inputs."
                )
        return Moments(room.first, room.second, room.third if len(asked) == 3 else None)

    def diagonal(self, k: np.ndarray, curvature: bool) -> Moments:
        """A, B and B' of equal inputs."""
        return self.moments(k, k, k, _room(k), curvature)


@dataclass(frozen=True)
class Erf:
    """The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0."""

    name: str = "erf"
    curved: bool = True

    def moments(self, k: np.ndarray, left: np.ndarray, right: np.ndarray, room: Room, curvature: bool) -> Moments:
        """A = (2/pi) asin z and B = (4/pi) w, with p = 1/sqrt((1+2K11)(1+2K22)), z = 2 K12 p, w = p/sqrt(1-z^2)."""
        z, w, spare = room
        row, column = 1 / np.sqrt(1 + 2 * left), 1 / np.sqrt(1 + 2 * right)
        np.multiply(k, 2 * row, out=z)
        z *= column
        np.subtract(1, z, out=w)
        np.add(1, z, out=spare)
        w *= spare
        np.sqrt(w, out=w)
        np.divide(row, w, out=w)
        w *= column
        bends = None
        if curvature:  # (16/pi) K12 w^3
            bends = np.multiply(w, w, out=spare)
            bends *= w
            bends *= k
            bends *= 16 / math.pi
        np.arcsin(z, out=z)
        z *= 2 / math.pi
        w *= 4 / math.pi
        return Moments(z, w, bends)

    def diagonal(self, k: np.ndarray, curvature: bool) -> Moments:
        """Of u = v, where (1+2K)^2 - 4K^2 = 1+4K leaves nothing to cancel."""
        root = np.sqrt(1 + 4 * k)
        bends = 16 / math.pi * k / root**3 if curvature else None
        # asin(2K / (1+2K)) by its tangent, which keeps its digits where that ratio is near 1.
        return Moments(2 / math.pi * np.arctan2(2 * k, root), 4 / math.pi / root, bends)


@dataclass(frozen=True)
class Relu:
    """max(u, 0). Its second derivative is a point mass, so that B' is infinite on the diagonal: no curvature kernel."""

    name: str = "relu"
    curved: bool = False

    def moments(self, k: np.ndarray, left: np.ndarray, right: np.ndarray, room: Room, curvature: bool) -> Moments:
        """By the correlation c and a = pi - angle = acos(-c): A = sqrt(K11 K22) (sin a + a c)/(2 pi), B = a/(2 pi).

        The sine comes from the same clipped c as the angle, as sqrt((1-c)(1+c)), so that no noise of K12 enters them
        differently. Where a variance is 0, c is 0, and A too.
        """
        c, a, sine = room
        row, column = np.sqrt(left), np.sqrt(right)
        np.multiply(k, _inverse(row), out=c)
        c *= _inverse(column)
        np.maximum(c, -1, out=c)
        np.copyto(c, 1, where=c > _SAME)
        np.subtract(1, c, out=sine)
        np.add(1, c, out=a)
        sine *= a
        np.sqrt(sine, out=sine)
        np.negative(c, out=a)
        np.arccos(a, out=a)
        a *= 1 / (2 * math.pi)
        c *= a
        sine *= 1 / (2 * math.pi)
        c += sine
        c *= row
        c *= column
        return Moments(c, a, None)

    def diagonal(self, k: np.ndarray, curvature: bool) -> Moments:
        """Of u = v: half the variance, half the slopes."""
        return Moments(k / 2, np.full_like(k, 0.5), None)


@dataclass(frozen=True)
class Linear:
    """The identity."""

    name: str = "linear"
    curved: bool = True

    def moments(self, k: np.ndarray, left: np.ndarray, right: np.ndarray, room: Room, curvature: bool) -> Moments:
        """A = K12, B = 1, B' = 0."""
        np.copyto(room.first, k)
        room.second.fill(1)
        if curvature:
            room.third.fill(0)
        return Moments(room.first, room.second, room.third if curvature else None)

    def diagonal(self, k: np.ndarray, curvature: bool) -> Moments:
        """The same for u = v."""
        return self.moments(k, k, k, _room(k), curvature)


_BUILT_IN: dict[str, Activation] = {"erf": Erf(), "relu": Relu(), "linear": Linear()}


def activation_of(value: str | Dual, who: str) -> Activation:
    """The dual of a name, or the user's own.

    Raises:
        InputError: neither.
    """
    if isinstance(value, Dual):
        return value
    if isinstance(value, str) and value in _BUILT_IN:
        return _BUILT_IN[value]
    raise InputError(
        f"{who} has no activation {value!r}; {nearest(str(value), _BUILT_IN)} For another, pass its expectations as "
        "Dual(value, slope, bend)."
    )


def _inverse(values: np.ndarray) -> np.ndarray:
    """1 / values, and 0 for 0."""
    return np.divide(1, values, out=np.zeros_like(values), where=values > 0)


def _room(k: np.ndarray) -> Room:
    return Room(np.empty_like(k), np.empty_like(k), np.empty_like(k))
