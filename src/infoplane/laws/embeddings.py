"""Maps that spread a few coordinates over many columns, or stir them together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .base import check_number, check_whole
from .maps import Map, bend, unbend
from .normal import rotation


@dataclass(frozen=True)
class Rotation(Map):
    """A random rotation, uniform over all.

    Attributes:
        key: which one.
    """

    key: int = 0

    def __post_init__(self) -> None:
        check_whole("Rotation", 0, key=self.key)

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return z @ rotation(z.shape[1], [self.key, 4])

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        return x @ rotation(x.shape[1], [self.key, 4]).T


@dataclass(frozen=True)
class Mixing(Map):
    """Blocks of rotation and residual tanh: every column comes to depend on all, and no single column is bent alone.

    A block is x -> (xQ + a tanh(s xQ + b)) / (1 + a), Q a random rotation; one more rotation ends it. Each block is
    strictly increasing in the rotated coordinates, so the whole is injective at any strength; residual networks with
    two unrelated matrices are not in general (their Jacobian can change sign).

    Attributes:
        blocks: how many.
        strength: a, the height of the bend.
        steepness: s.
        key: rotations and shifts b ~ N(0, 1/4).
    """

    blocks: int = 3
    strength: float = 1.0
    steepness: float = 2.0
    key: int = 0

    def __post_init__(self) -> None:
        check_whole("Mixing", 0, blocks=self.blocks, key=self.key)
        check_number("Mixing", 0.0, float("inf"), strength=self.strength, steepness=self.steepness)

    def __call__(self, z: np.ndarray) -> np.ndarray:
        for block in range(self.blocks):
            turn, shift = self._block(block, z.shape[1])
            z = bend(z @ turn, self.strength, self.steepness, shift) / (1.0 + self.strength)
        return z @ self._block(self.blocks, z.shape[1])[0]

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        x = x @ self._block(self.blocks, x.shape[1])[0].T
        for block in reversed(range(self.blocks)):
            turn, shift = self._block(block, x.shape[1])
            x = unbend(x * (1.0 + self.strength), self.strength, self.steepness, shift) @ turn.T
        return x

    def _block(self, block: int, d: int) -> tuple[np.ndarray, np.ndarray]:
        shift = 0.5 * np.random.default_rng([self.key, block, 5]).standard_normal(d)
        return rotation(d, [self.key, block, 6]), shift


@dataclass(frozen=True)
class LinearEmbedding(Map):
    """x = z A with A a random matrix of standard normal entries: of full rank with probability one.

    Attributes:
        width: columns, at least those of z.
        key: fixes A.
    """

    width: int = 100
    key: int = 0

    def __post_init__(self) -> None:
        check_whole("LinearEmbedding", width=self.width)
        check_whole("LinearEmbedding", 0, key=self.key)

    def check(self, d: int) -> None:
        if d > self.width:
            raise InputError(f"LinearEmbedding of {d} coordinates needs {d} columns or more, got width={self.width}.")

    def columns(self, d: int) -> int:
        return self.width

    def matrix(self, d: int) -> np.ndarray:
        """(d, width) A."""
        return np.random.default_rng([self.key, d, 7]).standard_normal((d, self.width))

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return z @ self.matrix(z.shape[1])

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        return x @ np.linalg.pinv(self.matrix(d))


@dataclass(frozen=True)
class TanhEmbedding(Map):
    """x = tanh(tanh(z A + b) B): a few coordinates through a random network of two layers.

    A (d, hidden) has entries of standard deviation gain / sqrt(d), b 0.3, B (hidden, width) 1.5 / sqrt(hidden). tanh is
    injective and A, B have full rank with probability one where d <= hidden <= width, so the whole is injective.

    Attributes:
        width: columns of x.
        hidden: columns between.
        gain: 0.7 is smooth, 1.5 is well folded.
        key: fixes the network.
    """

    width: int = 100
    hidden: int = 50
    gain: float = 1.0
    key: int = 0

    def __post_init__(self) -> None:
        check_whole("TanhEmbedding", width=self.width, hidden=self.hidden)
        check_whole("TanhEmbedding", 0, key=self.key)
        check_number("TanhEmbedding", 0.0, float("inf"), gain=self.gain)
        if self.hidden > self.width:
            raise InputError(f"TanhEmbedding needs hidden <= width to lose nothing, got {self.hidden} > {self.width}.")

    def check(self, d: int) -> None:
        if d > self.hidden:
            raise InputError(
                f"TanhEmbedding of {d} coordinates needs hidden >= {d} to lose nothing, got {self.hidden}."
            )

    def columns(self, d: int) -> int:
        return self.width

    def weights(self, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A (d, hidden), b (hidden,), B (hidden, width)."""
        rng = np.random.default_rng([self.key, d, 8])
        first = rng.standard_normal((d, self.hidden)) * self.gain / np.sqrt(d)
        shift = 0.3 * rng.standard_normal(self.hidden)
        return first, shift, rng.standard_normal((self.hidden, self.width)) * 1.5 / np.sqrt(self.hidden)

    def __call__(self, z: np.ndarray) -> np.ndarray:
        first, shift, second = self.weights(z.shape[1])
        return np.tanh(np.tanh(z @ first + shift) @ second)

    def inverse(self, x: np.ndarray, d: int) -> np.ndarray:
        first, shift, second = self.weights(d)
        inner = np.arctanh(x) @ np.linalg.pinv(second)
        return (np.arctanh(inner) - shift) @ np.linalg.pinv(first)
