"""Maps that keep mutual information: injective, each a named frozen object with its inverse.

I(f(X); g(Y)) = I(X; Y) for injective f and g (data processing, both ways). ``inverse`` proves it for samples: the tests
go there and back. Here are maps of single columns and of coordinates; images and networks have files of their own.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr, ndtri

from ..errors import InputError
from .base import check_number, check_whole


@dataclass(frozen=True)
class Map(abc.ABC):
    """An injective map of rows: (n, d) to (n, columns(d)).

    Attributes:
        takes: columns it needs; None for any number.
    """

    takes: ClassVar[int | None] = None

    @abc.abstractmethod
    def __call__(self, z: np.ndarray) -> np.ndarray:
        """(n, d) rows to (n, columns(d))."""

    @abc.abstractmethod
    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        """(n, columns(d)) images back to the (n, d) rows they came from, up to rounding."""

    def columns(self, d: int) -> int:
        """Columns of the image of d columns."""
        return d

    def check(self, d: int) -> None:
        """Refuse rows of a width this map does not take.

        Raises:
            InputError: says which width it takes.
        """
        if self.takes is not None and d != self.takes:
            raise InputError(f"{type(self).__name__} takes {self.takes} columns, got {d}; give the law that dimension.")


@dataclass(frozen=True)
class NormalToUniform(Map):
    """u = Phi(z), the normal distribution function: standard normal columns become uniform on (0, 1)."""

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return ndtr(z)

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        return ndtri(x)


@dataclass(frozen=True)
class Cube(Map):
    """x = z^3: heavy tails, and a density that is infinite at 0."""

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return z**3

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        return np.cbrt(x)


@dataclass(frozen=True)
class HalfCube(Map):
    """x = z sqrt(|z|): tails heavier by half a power."""

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return z * np.sqrt(np.abs(z))

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        return np.cbrt(x) * np.cbrt(np.abs(x))


@dataclass(frozen=True)
class Asinh(Map):
    """x = asinh(z): tails drawn in to logarithms."""

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return np.arcsinh(z)

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        return np.sinh(x)


@dataclass(frozen=True)
class Exp(Map):
    """x = exp(z): logarithms back to positive numbers."""

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return np.exp(z)

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        return np.log(x)


@dataclass(frozen=True)
class Bimodal(Map):
    """x = z + gap tanh(steepness z): a standard normal column splits into two humps, about ``gap`` either side of 0.

    Attributes:
        gap: how far each half is moved.
        steepness: the density at 0 falls by the factor 1 + gap * steepness.
    """

    gap: float = 2.0
    steepness: float = 3.0

    def __post_init__(self) -> None:
        check_number("Bimodal", 0.0, float("inf"), gap=self.gap, steepness=self.steepness)

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return bend(z, self.gap, self.steepness)

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        return unbend(x, self.gap, self.steepness)


@dataclass(frozen=True)
class Spiral(Map):
    """Columns (1, 2), (3, 4), ... turned by an angle of ``speed`` |z|^2: further out, further round.

    |z| is the length of the whole row and stays as it is, so turning back undoes it. An odd last column stays.

    Attributes:
        speed: radians for each unit of squared length.
    """

    speed: float = 0.5

    def __post_init__(self) -> None:
        check_number("Spiral", -float("inf"), float("inf"), speed=self.speed)

    def check(self, d: int) -> None:
        if d < 2:
            raise InputError(f"Spiral turns pairs of columns and needs 2 or more, got {d}.")

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return self._turn(z, self.speed)

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        return self._turn(x, -self.speed)

    def _turn(self, z: np.ndarray, speed: float) -> np.ndarray:
        angle = speed * (z**2).sum(axis=1, keepdims=True)
        even = z.shape[1] // 2 * 2
        a, b, out = z[:, 0:even:2], z[:, 1:even:2], z.copy()
        out[:, 0:even:2] = np.cos(angle) * a - np.sin(angle) * b
        out[:, 1:even:2] = np.sin(angle) * a + np.cos(angle) * b
        return out


@dataclass(frozen=True)
class SwissRoll(Map):
    """Each uniform column u rolled up in a plane of its own: t (cos t, sin t) with t = 3 pi/2 (1 + 2u)."""

    def columns(self, d: int) -> int:
        return 2 * d

    def __call__(self, z: np.ndarray) -> np.ndarray:
        t = 1.5 * np.pi * (1.0 + 2.0 * z)
        return np.stack([t * np.cos(t), t * np.sin(t)], axis=2).reshape(len(z), -1)

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        return (np.hypot(x[:, ::2], x[:, 1::2]) / (1.5 * np.pi) - 1.0) / 2.0


@dataclass(frozen=True)
class Ring(Map):
    """(u1, u2) in (0, 1)^2 to the plane: radius 1 + u1, angle 2 pi u2."""

    takes: ClassVar[int | None] = 2

    def __call__(self, z: np.ndarray) -> np.ndarray:
        radius, angle = 1.0 + z[:, 0], 2.0 * np.pi * z[:, 1]
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        angle = np.arctan2(x[:, 1], x[:, 0]) / (2.0 * np.pi)
        return np.stack([np.hypot(x[:, 0], x[:, 1]) - 1.0, angle % 1.0], axis=1)


@dataclass(frozen=True)
class AntiPCA(Map):
    """What principal components miss: a small column that matters beneath large ones that do not.

    Takes (x, z) in (0, 1)^2, stretched to (-1, 1). Column c = 2, 3, ... is max(a, 0.1 c a) for a = x + c z;
    columns 0 and 1 are x and z themselves. With x the relevant coordinate and z a nuisance, the leading components are
    all z.

    Attributes:
        width: columns.
    """

    width: int = 32
    takes: ClassVar[int | None] = 2

    def __post_init__(self) -> None:
        check_whole("AntiPCA", 2, width=self.width)

    def columns(self, d: int) -> int:
        return self.width

    def __call__(self, z: np.ndarray) -> np.ndarray:
        both = 2.0 * z - 1.0
        c = np.arange(self.width)
        sums = both[:, :1] + both[:, 1:] * c
        out = np.maximum(sums, 0.1 * c * sums)
        out[:, :2] = both
        return out

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        return (x[:, :2] + 1.0) / 2.0


def bend(z: np.ndarray, height: float, steepness: float, shift: np.ndarray | float = 0.0) -> np.ndarray:
    """z + height tanh(steepness z + shift): strictly increasing, so injective at any height."""
    return z + height * np.tanh(steepness * z + shift)


def unbend(x: np.ndarray, height: float, steepness: float, shift: np.ndarray | float = 0.0) -> np.ndarray:
    """The inverse of :func:`bend`, by bisection between x - height and x + height to the last digits."""
    low, high = x - height, x + height
    for _ in range(60):
        middle = (low + high) / 2.0
        above = bend(middle, height, steepness, shift) > x
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2.0
