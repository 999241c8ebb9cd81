"""Images with known mutual information: drawn from a few coordinates that can be read off the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import InputError
from .base import check_number, check_whole
from .maps import Map
from .transformed import Transformed, correlated_uniform, through


@dataclass(frozen=True)
class GaussianImage(Map):
    """A blob centred at (u1, u2): pixel (row i, column j) = exp(-10 [(j - u1)^2 + (i - u2)^2]), the grid on [0, 1].

    Rows of ``size`` * ``size`` pixels; the image is a product of two profiles. Formula of the synthetic tests in the
    code published with arXiv:2305.08013.

    Attributes:
        size: pixels a side.
    """

    size: int = 16
    takes: ClassVar[int | None] = 2

    def __post_init__(self) -> None:
        check_whole(type(self).__name__, 2, size=self.size)

    def columns(self, d: int) -> int:
        return self.size**2

    def __call__(self, z: np.ndarray) -> np.ndarray:
        grid = np.linspace(0.0, 1.0, self.size)
        across, down = (np.exp(-10.0 * (grid - z[:, k, None]) ** 2) for k in (0, 1))
        return (down[:, :, None] * across[:, None, :]).reshape(len(z), -1)

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        # Ratios of neighbours in a profile are exp of something linear in the centre.
        picture = x.reshape(len(x), self.size, self.size)
        return np.stack([_centre(picture.sum(axis=1)), _centre(picture.sum(axis=2))], axis=1)


def _centre(profile: np.ndarray) -> np.ndarray:
    """(n,) centres u of profiles proportional to exp(-10 (g - u)^2), from the two ends."""
    return 0.5 + np.log(profile[:, -1] / profile[:, 0]) / 20.0


@dataclass(frozen=True)
class CorrelatedGaussianImage(Map):
    """A blob with centre (u1, u2), widths by u3 and u4, and tilt by u5.

    pixel = exp(-10 [(1+u3)^2 (j-u1)^2 + (1+u4)^2 (i-u2)^2 + (2 u5 - 1)(1+u3)(1+u4)(j-u1)(i-u2)]), the grid on [0, 1].

    Attributes:
        size: pixels a side, 3 or more: fewer do not show all five coordinates.
    """

    size: int = 32
    takes: ClassVar[int | None] = 5

    def __post_init__(self) -> None:
        check_whole(type(self).__name__, 3, size=self.size)

    def columns(self, d: int) -> int:
        return self.size**2

    def __call__(self, z: np.ndarray) -> np.ndarray:
        grid = np.linspace(0.0, 1.0, self.size)
        across = (1 + z[:, 2, None]) * (grid - z[:, 0, None])
        down = (1 + z[:, 3, None]) * (grid - z[:, 1, None])
        tilt = (2 * z[:, 4] - 1)[:, None, None]
        a, b = across[:, None, :], down[:, :, None]
        return np.exp(-10.0 * (a * a + b * b + tilt * a * b)).reshape(len(z), -1)

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        # -ln(pixel) / 10 = A j^2 + B i^2 + C i j + D j + E i + F, linear in six numbers.
        grid = np.linspace(0.0, 1.0, self.size)
        i, j = (g.ravel() for g in np.meshgrid(grid, grid, indexing="ij"))
        terms = np.stack([j * j, i * i, i * j, j, i, np.ones_like(i)], axis=1)
        a, b, c, d, e, _ = np.linalg.lstsq(terms, -np.log(x.T) / 10.0, rcond=None)[0]
        det = 4 * a * b - c * c
        u1, u2 = (c * e - 2 * b * d) / det, (c * d - 2 * a * e) / det
        wide, high = np.sqrt(a), np.sqrt(b)
        return np.stack([u1, u2, wide - 1, high - 1, (c / (wide * high) + 1) / 2], axis=1)


@dataclass(frozen=True)
class Segment(Map):
    """Pairs (u1, u2) of uniform numbers to the two ends of a segment in [0, 1], no shorter than ``shortest``.

    start = (1-q)(1 - sqrt(1-u1)), end = start + q + u2 (1 - start - q): uniform over the admissible ordered ends.

    Attributes:
        shortest: least length q.
    """

    shortest: float = 0.0

    def __post_init__(self) -> None:
        check_number(type(self).__name__, 0.0, 1.0, closed=True, shortest=self.shortest)

    def check(self, d: int) -> None:
        if d % 2:
            raise InputError(f"Segment takes an even number of columns, two a segment, got {d}.")

    def __call__(self, z: np.ndarray) -> np.ndarray:
        q, out = self.shortest, np.empty_like(z)
        out[:, ::2] = (1 - q) * (1 - np.sqrt(1 - z[:, ::2]))
        out[:, 1::2] = out[:, ::2] + q + z[:, 1::2] * (1 - q - out[:, ::2])
        return out

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        q, out = self.shortest, np.empty_like(x)
        start, end = x[:, ::2], x[:, 1::2]
        out[:, ::2] = 1 - (1 - start / (1 - q)) ** 2
        out[:, 1::2] = (end - start - q) / (1 - q - start)
        return out


@dataclass(frozen=True)
class RectangleImage(Map):
    """A filled rectangle, each pixel the exact area of it that is covered, from 0 to 1.

    Takes (left, right, top, bottom) in [0, 1]. Coverage is separable: the outer product of two coverages of a line, so
    the pixels of a 3.2 x 3.2 pixel rectangle sum to 10.24. Injective where both sides are at least 2 pixels long: then
    a fully covered pixel a side fixes both ends.

    Attributes:
        size: pixels a side.
    """

    size: int = 32
    takes: ClassVar[int | None] = 4

    def __post_init__(self) -> None:
        check_whole(type(self).__name__, 3, size=self.size)

    def columns(self, d: int) -> int:
        return self.size**2

    def __call__(self, z: np.ndarray) -> np.ndarray:
        across, down = self._covered(z[:, :2]), self._covered(z[:, 2:])
        return (down[:, :, None] * across[:, None, :]).reshape(len(z), -1)

    def _covered(self, ends: np.ndarray) -> np.ndarray:
        pixel = np.arange(self.size)
        start, end = ends[:, :1] * self.size, ends[:, 1:] * self.size
        return np.clip(np.minimum(end, pixel + 1) - np.maximum(start, pixel), 0.0, 1.0)

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        picture = x.reshape(len(x), self.size, self.size)
        return np.concatenate([self._ends(picture.max(axis=1)), self._ends(picture.max(axis=2))], axis=1)

    def _ends(self, covered: np.ndarray) -> np.ndarray:
        """(n, 2) ends from coverages of a line, given a fully covered pixel in the middle."""
        full = covered.argmax(axis=1)
        before = np.arange(self.size) < full[:, None]
        start = full - (covered * before).sum(axis=1)
        return np.stack([start, start + covered.sum(axis=1)], axis=1) / self.size


def gaussian_images(mi: float = 1.0, size: int = 16) -> Transformed:
    """Images of blobs whose two centres are correlated uniform coordinates.

    Args:
        mi: nats.
        size: pixels a side; a row of X or Y has size * size pixels. ``.latent`` is the law of the centres.
    """
    picture = GaussianImage(size)
    return through(correlated_uniform(mi, 2, 2), picture, title="gaussian_images")


def correlated_gaussian_images(mi: float = 1.0, size: int = 32) -> Transformed:
    """Images of blobs with five coordinates: centre, widths, tilt.

    Args:
        mi: nats.
        size: pixels a side. ``.latent`` is the law of the five coordinates.
    """
    picture = CorrelatedGaussianImage(size)
    return through(correlated_uniform(mi, 5, 5), picture, title="correlated_gaussian_images")


def rectangle_images(mi: float = 1.0, size: int = 32) -> Transformed:
    """Images of rectangles with sides of at least two pixels, uniform over those that fit.

    Args:
        mi: nats.
        size: pixels a side. ``.latent`` is the law of (left, right, top, bottom), ``.latent.latent`` that of the four
            uniform coordinates behind them.
    """
    picture = RectangleImage(size)
    ends = Segment(2.0 / size)
    segments = through(correlated_uniform(mi, 4, 4), ends, title="segments")
    return through(segments, picture, title="rectangle_images")
